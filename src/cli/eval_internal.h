/*
 * What the files of cli/cmd_eval share: cmd_eval.c measures the head of a run beside no head, eval_alone.c encoders or
 * the vectors of stores alone, eval_shared.c has what both take from the options.
 */
#ifndef QCTX_CLI_EVAL_INTERNAL_H
#define QCTX_CLI_EVAL_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "qctx/base/status.h"
#include "qctx/cli/options.h"
#include "qctx/config/config.h"
#include "qctx/data/output.h"
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

/* The files of --run-file and --predictions, on rank 0; NULL: not asked for. */
typedef struct {
    qctx_output *run_file;
    qctx_output *predictions;
} eval_outputs;

/* Puts the protocol that options ask for into a configuration. Local. */
void eval_set_protocol(const eval_options *options, qctx_config *config);

/* Contexts a question in the TREC run. Local. */
int64_t eval_depth(const eval_options *options);

/*
 * Refuses --run-file and --predictions for pools, and for several sources, of which `more` is how to choose one; and
 * the same file for both, standard output for one of them and --json, and --depth without a TREC run. Local. Errors:
 * USAGE.
 */
qctx_status eval_check_protocol(const eval_options *options, const qctx_config *config, const char *more,
                                qctx_error *error);
qctx_status eval_check_outputs(const eval_options *options, qctx_error *error);

/*
 * Opens the outputs, before the work, and gives them their names at the end (`status` OK) or leaves nothing: what has
 * gone wrong until then is returned. Collective. Errors: those of data/output.
 */
qctx_status eval_open_outputs(qctx_comm *comm, const eval_options *options, eval_outputs *outputs, qctx_error *error);
qctx_status eval_close_outputs(qctx_comm *comm, eval_outputs *outputs, qctx_status status, qctx_error *error);

/* The stream of an output, or NULL without one. Local. */
FILE *eval_stream(qctx_output *output);

/* Where tables are printed: with the messages, if a file goes to standard output. Local. */
FILE *eval_tables(const eval_options *options);

/* Prints the tables of --json, an array. Local. */
void eval_print_tables(const json_t *tables);

/*
 * Measures the encoder of the options on the corpora at paths [count], or without one the vectors of the stores there.
 * Collective. Errors: USAGE, and those of what it reads.
 */
qctx_status eval_alone(qctx_comm *comm, const eval_options *options, const char *const *paths, int64_t count,
                       qctx_error *error);

#endif
