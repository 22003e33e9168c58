/*
 * The subcommands: one function each in cmd_<name>.c, listed in one table in
 * main.c. To add one: its file, its declaration here, its row there.
 */
#ifndef QCTX_CLI_COMMANDS_H
#define QCTX_CLI_COMMANDS_H

#include "qctx/base/status.h"
#include "qctx/platform/comm.h"

/*
 * Runs a subcommand with its own argv (argv[0] is its name). Collective: all ranks return the same status, with the
 * same error; main prints it once. Results go to standard output of rank 0.
 */
typedef qctx_status qctx_command(qctx_comm *comm, int argc, char **argv, qctx_error *error);

qctx_command qctx_cmd_import;
qctx_command qctx_cmd_synth;
qctx_command qctx_cmd_embed;
qctx_command qctx_cmd_train;
qctx_command qctx_cmd_eval;
qctx_command qctx_cmd_search;
qctx_command qctx_cmd_info;

#endif
