/*
 * What the files of sweep/table share. table_rows.c makes a row of each trial and its summary; table_values.c says what
 * parameters and values are called; table_status.c, table_markdown.c and table_csv.c print; table.c has what all of
 * them print alike.
 */
#ifndef QCTX_SWEEP_TABLE_INTERNAL_H
#define QCTX_SWEEP_TABLE_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/evaluation/evaluate.h"
#include "qctx/evaluation/metrics.h"
#include "qctx/sweep/table.h"
#include "qctx/text/json.h"

/* What a run measured on one evaluation source. `source` is borrowed from the row's summary. */
typedef struct {
    const char *source;
    qctx_protocol protocol;
    qctx_comparison comparison;
} table_result;

typedef struct {
    const qctx_trial *trial;
    json_t *summary; /* of a finished trial; NULL if it is not finished, or `problem` says why it could not be read */
    char *problem;
    bool chosen; /* there were questions held out, on which metric and no_head were measured */
    double metric;
    double no_head;
    double strength;
    int64_t best_epoch;
    int64_t epochs;
    double seconds;
    int64_t result_count;
    table_result *results;
    int64_t group; /* the index of the first trial whose figures of no head this one shares */
} table_row;

/* Everything that the tables show; borrows definition and ledger. `sources` are the names in order of appearance. */
typedef struct {
    const qctx_sweep_definition *definition;
    int64_t count;
    table_row *rows;
    int64_t source_count;
    const char **sources;
} sweep_table;

/* Reads the summaries of finished trials. Local. The caller frees. Errors: MEMORY. */
qctx_status table_collect(const qctx_sweep_definition *definition, const qctx_ledger *ledger, sweep_table *table,
                          qctx_error *error);
void table_free(sweep_table *table);

/* The row's result on a source, or NULL. Local. */
const table_result *table_find(const table_row *row, const char *source);

/* Prints "grid of 12 trials: 5 finished, 1 running, 6 to begin", a line. Local. */
void table_print_counts(FILE *out, const qctx_sweep_definition *definition, const qctx_ledger *ledger);

/* Whether a parameter can differ between trials, and whether it decides about no head (sources, protocol …). Local. */
bool table_varies(const qctx_space_parameter *parameter);
bool table_changes_no_head(const qctx_space_parameter *parameter);

/* What to call a parameter in a heading: the last part of its path where that is enough. Borrowed or static. Local. */
const char *table_short_name(const qctx_space *space, int64_t parameter);

/* The value in an override, "optim.lr=0.0003"; borrowed. Local. */
const char *table_raw_value(const char *override);

/* That value for people: numbers of 4 digits, sources and variants by their names; freshly allocated. Local. */
char *table_value(const qctx_space_parameter *parameter, const char *override, qctx_error *error);

/* "lr 0.0003, hidden 512": all that varies, freshly allocated. Local. */
char *table_settings(const qctx_space *space, const qctx_trial *trial, qctx_error *error);

/* OK, or IO where writing to the stream failed. Local. */
qctx_status table_written(FILE *out, qctx_error *error);

#endif
