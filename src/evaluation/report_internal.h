/* What the files of the report share: report.c (print and write), report_read.c, report_novelty.c
 * (questions apart), report_figures.c (cells and figures, beneath all of them). */
#ifndef QCTX_EVALUATION_REPORT_INTERNAL_H
#define QCTX_EVALUATION_REPORT_INTERNAL_H

#include "qctx/evaluation/report.h"

enum { REPORT_LABEL_COLUMNS = 14 };

/* A count with commas between thousands: "10,570". Local. */
const char *report_count(int64_t count, char *text, size_t bytes);

/* {"top1": {"value", "low", "high"}, …}, and the member `key` of an object read as such. Local. Errors: FORMAT. */
json_t *report_figures_json(const qctx_interval *intervals);
qctx_status report_read_figures(const json_t *object, const char *key, const char *place, qctx_interval *intervals,
                                qctx_error *error);

/* One line: how new the questions are; and, where they are of both kinds, a table of these apart. Local. */
void report_print_novelty(FILE *out, const qctx_novelty *novelty);
void report_print_apart(FILE *out, const qctx_novelty *novelty);

/* The object of qctx_report_json's "novelty"; `resamples` are the table's. Local. Errors: FORMAT. */
json_t *report_novelty_json(const qctx_novelty *novelty);
qctx_status report_read_novelty(const json_t *object, const char *place, int64_t resamples, qctx_novelty *novelty,
                                qctx_error *error);

#endif
