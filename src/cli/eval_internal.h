/*
 * What the files of cli/cmd_eval share: cmd_eval.c measures the head of a run beside no head, eval_alone.c encoders or
 * the vectors of stores alone, eval_shared.c has what both take from the options.
 */
#ifndef QCTX_CLI_EVAL_INTERNAL_H
#define QCTX_CLI_EVAL_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/cli/options.h"
#include "qctx/config/config.h"
#include "qctx/platform/comm.h"
#include "qctx/text/json.h"

typedef struct {
    qctx_option_choice candidates, order;
    int64_t pool;
    const char *source;
    const char *split;
    qctx_option_texts encoders;
    bool strengths;
    const char *run_file;
    int64_t depth; /* 0: not given */
    const char *predictions;
    bool allow_external;
    bool json;
    bool force;
} eval_options;

/* Puts the protocol that options ask for into a configuration. Local. */
void eval_set_protocol(const eval_options *options, qctx_config *config);

/* Contexts a question in the TREC run. Local. */
int64_t eval_depth(const eval_options *options);

/*
 * Refuses --run-file and --predictions for pools, and for several sources, of which `more` is how to choose one; and
 * what stands in their place, the same file for both, and --depth without a TREC run. Local. Errors: USAGE, IO, EXISTS.
 */
qctx_status eval_check_protocol(const eval_options *options, const qctx_config *config, const char *more,
                                qctx_error *error);
qctx_status eval_check_outputs(const eval_options *options, qctx_error *error);

/* Prints the tables of --json, an array. Local. */
void eval_print_tables(const json_t *tables);

/*
 * Measures the encoder of the options on the corpora at paths [count], or without one the vectors of the stores there.
 * Collective. Errors: USAGE, and those of what it reads.
 */
qctx_status eval_alone(qctx_comm *comm, const eval_options *options, const char *const *paths, int64_t count,
                       qctx_error *error);

#endif
