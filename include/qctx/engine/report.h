/* Comparisons for people (tables of at most 80 columns) and for programs (JSON). */
#ifndef QCTX_ENGINE_REPORT_H
#define QCTX_ENGINE_REPORT_H

#include <stdint.h>
#include <stdio.h>

#include "qctx/base/status.h"
#include "qctx/engine/evaluate.h"
#include "qctx/engine/metrics.h"
#include "qctx/platform/json.h"

/*
 * Prints the table of one comparison, shares in percent, and below it what it means: in which figures the head
 * gains, in which it LOSES, and in which the 95% interval of the difference holds zero. `source` is what the data is
 * called, "squad/dev". Local.
 */
void qctx_report_print(FILE *out, const char *source, const qctx_protocol *protocol, const qctx_comparison *comparison);

/*
 * Prints figures over a residual head's strength: comparisons [count] of no head with the head at strengths [count];
 * the row of `chosen` is marked. Local.
 */
void qctx_report_print_strengths(FILE *out, const double *strengths, const qctx_comparison *comparisons, int64_t count,
                                 double chosen);

/*
 * The same as JSON, shares from 0 to 1:
 *   {"source", "questions", "candidates", "pool", "order", "resamples",
 *    "no_head": {"top1": {"value", "low", "high"}, …}, "head": {…}, "difference": {…}}
 * ("pool" and "order" with pools only). The caller owns it; NULL with `error` filled when memory is short. Local.
 */
json_t *qctx_report_json(const char *source, const qctx_protocol *protocol, const qctx_comparison *comparison,
                         qctx_error *error);

/* [{"strength", "head": {…}, "difference": {…}}, …], as above. Local. */
json_t *qctx_report_strengths_json(const double *strengths, const qctx_comparison *comparisons, int64_t count,
                                   qctx_error *error);

#endif
