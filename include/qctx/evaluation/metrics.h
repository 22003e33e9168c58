/*
 * From positions to figures: top-k, MRR@10, nDCG@10, recall@k, mean position, each with a 95% bootstrap interval, and
 * the paired difference of two systems on the same questions.
 */
#ifndef QCTX_EVALUATION_METRICS_H
#define QCTX_EVALUATION_METRICS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "qctx/base/status.h"
#include "qctx/config/protocol.h"
#include "qctx/evaluation/evaluate.h"
#include "qctx/platform/comm.h"

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
    qctx_interval base[QCTX_METRIC_COUNT]; /* no head */
    qctx_interval head[QCTX_METRIC_COUNT];
    qctx_interval difference[QCTX_METRIC_COUNT]; /* head − base, paired */
} qctx_comparison;

/* What a choice goes by: the metric that chooses and, of equals, MRR@10, which few questions do not leave equal. */
typedef struct {
    double metric;
    double mrr;
} qctx_merit;

/* Local. */
bool qctx_merit_is_above(qctx_merit merit, qctx_merit other);

/*
 * values [count, QCTX_METRIC_COUNT] per question of the set (of which count, offsets, contexts and grades are looked
 * at), from positions and candidates as qctx_evaluate gives them, by the protocol's gain and relevant. Absent contexts
 * are found nowhere, but count in recall and in the ideal of nDCG: all of it as trec_eval has it. Local.
 */
void qctx_metrics_of(const qctx_eval_set *set, const qctx_protocol *protocol, const int64_t *positions,
                     const int64_t *candidates, double *values);

/* Mean of one metric over the questions. Local. */
double qctx_metrics_mean(const double *values, int64_t count, qctx_metric metric);

/*
 * Compares per-question values of two systems with `resamples` bootstrap resamples of the questions (Efron and
 * Tibshirani 1993, chapter 13), the same for both; a pure function of the seed, dealt over the ranks. With resamples 0
 * the intervals are the values themselves. Collective. Errors: MEMORY.
 */
qctx_status qctx_metrics_compare(qctx_comm *comm, const double *base, const double *head, int64_t count,
                                 int64_t resamples, uint64_t seed, qctx_comparison *comparison, qctx_error *error);

#endif
