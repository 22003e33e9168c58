/*
 * From positions to figures: top-k, MRR@10, nDCG@10, recall@k, mean position, each with a 95% bootstrap interval, and
 * the paired difference of two systems on the same questions.
 */
#ifndef QCTX_EVALUATION_METRICS_H
#define QCTX_EVALUATION_METRICS_H

#include <stdint.h>
#include <stdio.h>

#include "qctx/base/status.h"
#include "qctx/platform/comm.h"

/* In the order of the table. top-k: a right context among the first k. Mean position: of the best right one, from 0. */
typedef enum {
    QCTX_FIGURE_TOP1,
    QCTX_FIGURE_TOP5,
    QCTX_FIGURE_TOP10,
    QCTX_FIGURE_MRR,      /* MRR@10: 1/(1 + best position), 0 beyond 10 */
    QCTX_FIGURE_NDCG,     /* nDCG@10, binary gains (Järvelin and Kekäläinen 2002) */
    QCTX_FIGURE_RECALL5,  /* share of all right contexts among the first 5 */
    QCTX_FIGURE_RECALL10, /* … 10 */
    QCTX_FIGURE_POSITION, /* mean position; the only one where less is better */
    QCTX_FIGURE_COUNT
} qctx_figure;

/* An estimate with its 95% interval (percentiles of the bootstrap). */
typedef struct {
    double value;
    double low;
    double high;
} qctx_interval;

/* Two systems on the same questions. */
typedef struct {
    int64_t questions;
    int64_t resamples;                     /* behind the intervals; 0: there are none */
    qctx_interval base[QCTX_FIGURE_COUNT]; /* no head */
    qctx_interval head[QCTX_FIGURE_COUNT];
    qctx_interval difference[QCTX_FIGURE_COUNT]; /* head − base, paired */
} qctx_comparison;

/* values [count, QCTX_FIGURE_COUNT] per question, from positions as qctx_evaluate gives them. Local. */
void qctx_metrics_of(const int64_t *positions, const int64_t *offsets, int64_t count, double *values);

/* Mean of one figure over the questions. Local. */
double qctx_metrics_mean(const double *values, int64_t count, qctx_figure figure);

/*
 * Compares per-question values of two systems with `resamples` bootstrap resamples of the questions (Efron and
 * Tibshirani 1993, chapter 13), the same for both; a pure function of the seed, dealt over the ranks. With resamples 0
 * the intervals are the values themselves. Collective. Errors: MEMORY.
 */
qctx_status qctx_metrics_compare(qctx_comm *comm, const double *base, const double *head, int64_t count,
                                 int64_t resamples, uint64_t seed, qctx_comparison *comparison, qctx_error *error);

/* "top1", "mrr@10", … as JSON and the config name them. Local. */
const char *qctx_figure_name(qctx_figure figure);

#endif
