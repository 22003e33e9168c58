/*
 * The subcommands: a value each, from cmd_<name>.c, which main.c lists. To add one: its file, its declaration here, its
 * line there.
 */
#ifndef QCTX_CLI_COMMANDS_H
#define QCTX_CLI_COMMANDS_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/cli/options.h"
#include "qctx/platform/comm.h"

/*
 * A subcommand. main has parsed the command line by `usage` and answered --help; `run` finds the options where their
 * table says and is given the positional arguments. Collective: all ranks return the same status and error, which main
 * prints once. Results go to standard output of rank 0.
 */
typedef struct {
    const qctx_usage *usage;
    qctx_status (*run)(qctx_comm *comm, const char *const *positional, int64_t count, qctx_error *error);
    bool stops;  /* whether it stops in good order when it is asked to (platform/stop) */
    bool writes; /* whether it leaves files, which two that know nothing of each other would write at once */
} qctx_command;

extern const qctx_command qctx_cmd_import;
extern const qctx_command qctx_cmd_synth;
extern const qctx_command qctx_cmd_embed;
extern const qctx_command qctx_cmd_mine;
extern const qctx_command qctx_cmd_train;
extern const qctx_command qctx_cmd_sweep;
extern const qctx_command qctx_cmd_eval;
extern const qctx_command qctx_cmd_search;
extern const qctx_command qctx_cmd_info;
extern const qctx_command qctx_cmd_bench;

#endif
