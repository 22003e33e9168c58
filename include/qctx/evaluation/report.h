/* Comparisons for people (tables of at most 80 columns) and for programs (JSON). */
#ifndef QCTX_EVALUATION_REPORT_H
#define QCTX_EVALUATION_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "qctx/base/status.h"
#include "qctx/evaluation/evaluate.h"
#include "qctx/evaluation/metrics.h"
#include "qctx/evaluation/novelty.h"
#include "qctx/text/json.h"

/* A metric as tables call it, "top-1". Local. */
const char *qctx_report_label(qctx_metric metric);

/*
 * "65.2 [64.3, 66.1]", without the interval unless `bounds`; shares in percent, long positions without decimals,
 * differences with their `sign`. Local.
 */
void qctx_report_interval(qctx_metric metric, qctx_interval interval, bool sign, bool bounds, char text[64]);

/* What the interval of the difference says: all of it on one side of zero, or zero within it. Local. */
typedef enum { QCTX_OUTCOME_GAIN, QCTX_OUTCOME_SAME, QCTX_OUTCOME_LOSS } qctx_outcome;
qctx_outcome qctx_report_outcome(const qctx_comparison *comparison, qctx_metric metric);

/*
 * Prints "squad/dev: 10,570 questions, pools of 500, the last of 70 (consecutive)", a line: pools as they really are.
 * Local.
 */
void qctx_report_print_heading(FILE *out, const char *source, const qctx_protocol *protocol, int64_t questions);

/*
 * Prints the table of one comparison, shares in percent, and below it what it means: in which metrics the head
 * gains, in which it LOSES, in which the 95% interval of the difference holds zero, and that fewer candidates than a
 * pool takes are easier than a search. `source` is what the data is called, "squad/dev". Where it is known how new
 * the questions are (`novelty`, or NULL), it says so, and shows those of known contexts and the others apart. Local.
 */
void qctx_report_print(FILE *out, const char *source, const qctx_protocol *protocol, const qctx_comparison *comparison,
                       const qctx_novelty *novelty);

/* Prints that the next table is a guard's. Local. */
void qctx_report_print_guard(FILE *out);

/* Whether a table in JSON is a guard's, which "guard": true says. Local. */
bool qctx_report_is_guard(const json_t *table);

/* Prints the table of an encoder alone, called `encoder`: the base of a comparison. Local. */
void qctx_report_print_alone(FILE *out, const char *source, const char *encoder, const qctx_protocol *protocol,
                             const qctx_comparison *comparison);

/*
 * Prints figures over a residual head's strength: comparisons [count] of no head with the head at strengths [count];
 * the row of `chosen` is marked. Local.
 */
void qctx_report_print_strengths(FILE *out, const double *strengths, const qctx_comparison *comparisons, int64_t count,
                                 double chosen);

/*
 * The same as JSON, shares from 0 to 1:
 *   {"source", "questions", "candidates", "pool", "order", "resamples", "first_position": 1,
 *    "no_head": {"top1": {"value", "low", "high"}, …}, "head": {…}, "difference": {…}}
 * ("pool" and "order" with pools only; "relevant" and "gain" where grades are not read by the defaults). Where it is
 * known (`novelty`, or NULL) also
 *   "novelty": {"question", "context", "title": questions of each class, "known" and "others" where there are both:
 *               {"questions", "no_head", "head", "difference"}}
 * The caller owns it; NULL with `error` filled when memory is short. Local.
 */
json_t *qctx_report_json(const char *source, const qctx_protocol *protocol, const qctx_comparison *comparison,
                         const qctx_novelty *novelty, qctx_error *error);

/* The same of an encoder alone: without "head" and "difference". Local. */
json_t *qctx_report_json_alone(const char *source, const qctx_protocol *protocol, const qctx_comparison *comparison,
                               qctx_error *error);

/*
 * Reads such an object, from a file that may be damaged; `place` is what messages begin with. `*source` is borrowed
 * from it; the protocol's seed and scan stay 0, and so do the counts of `novelty` (which may be NULL) where
 * nothing is said of it. Earlier versions wrote no "first_position" and counted mean positions
 * from 0: these are read as positions from 1. Local. Errors: FORMAT.
 */
qctx_status qctx_report_parse(const json_t *object, const char *place, const char **source, qctx_protocol *protocol,
                              qctx_comparison *comparison, qctx_novelty *novelty, qctx_error *error);

/* [{"strength", "head": {…}, "difference": {…}}, …], as above. Local. */
json_t *qctx_report_strengths_json(const double *strengths, const qctx_comparison *comparisons, int64_t count,
                                   qctx_error *error);

#endif
