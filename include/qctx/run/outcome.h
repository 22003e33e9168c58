/*
 * What a run folder tells of the run without its head: how far it is, and what was measured last. From config.yaml,
 * and from summary.json of a run that is finished, else from metrics.jsonl.
 */
#ifndef QCTX_RUN_OUTCOME_H
#define QCTX_RUN_OUTCOME_H

#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/text/json.h"

/* Stopped: not finished, and no process is at work on it. */
typedef enum { QCTX_RUN_FINISHED, QCTX_RUN_RUNNING, QCTX_RUN_STOPPED } qctx_run_state;
extern const char *const qctx_run_state_names[];

typedef struct {
    qctx_run_state state;
    int64_t epoch;     /* that it is in or has reached; 0 before the first */
    int64_t whole;     /* epochs that are over, as far as the folder tells */
    int64_t epochs;    /* that its configuration asks for */
    int64_t step;      /* taken */
    int64_t evaluated; /* the epoch of the results: the best one of a finished run, else the last that was measured */
    uint64_t seed;     /* of shuffled pools */
    char when[24];     /* "2026-01-31T12:00:00Z": the end, or the last sign of life */
    json_t *results;   /* an array of tables, as qctx_report_json makes them; empty where nothing was measured */
} qctx_run_outcome;

/*
 * Local. The caller frees, also after a failure. Errors: IO, MEMORY, CONFIG (config.yaml), FORMAT (a damaged file; the
 * last line of metrics.jsonl may be torn, for another process may be writing it).
 */
qctx_status qctx_run_outcome_read(const char *folder, qctx_run_outcome *outcome, qctx_error *error);
void qctx_run_outcome_free(qctx_run_outcome *outcome);

#endif
