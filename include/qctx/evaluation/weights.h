/*
 * The weights of joined encoders and of their fields, chosen on held-out questions. No head is involved: the score of a
 * pair is the weighted sum of its scores by the parts, so the parts' scores are computed once for all weights that are
 * tried. Where parts are fields of one encoder, their sum is scaled to unit length (encoder/joined), which follows from
 * the dot products of a context's rows with each other.
 *
 * Questions look for their contexts in pools of consecutive ones, as in evaluation/evaluate. Two encoders are tried at
 * QCTX_WEIGHT_STEPS ratios, from the first alone to the second alone; more of them one after the other, each beside the
 * others as they stand, for as long as that helps. Of equal figures the ratio nearest to 1 wins.
 */
#ifndef QCTX_EVALUATION_WEIGHTS_H
#define QCTX_EVALUATION_WEIGHTS_H

#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/evaluation/evaluate.h"
#include "qctx/evaluation/metrics.h"
#include "qctx/platform/comm.h"

/* Weights that one encoder is tried at beside 1 of the others: 0, 1/8, 1/4, 1/2, 3/4, 1, 4/3, 2, 4, 8, alone. */
enum { QCTX_WEIGHT_STEPS = 11 };

/* Questions to choose by, and the stores of the parts, whose rows are of the same texts. */
typedef struct {
    qctx_eval_set set;        /* its rows are not used, those of the parts are */
    qctx_store *const *parts; /* [count of parts] */
} qctx_weights_set;

typedef struct {
    int64_t set_count;
    const qctx_weights_set *sets;
    int64_t count;            /* parts: encoders, or fields of such, 2 to QCTX_JOINED_MAX */
    const int64_t *firsts;    /* [count] the first part of the same encoder; those of one stand together */
    const char *const *names; /* [count] for the log */
    int64_t pool;             /* questions a pool */
    qctx_metric metric;
    qctx_gain gain; /* of metrics, as evaluation/evaluate has them */
    double relevant;
} qctx_weights_task;

/*
 * weights [count] = the best that were tried, of equals by MRR@10 and then the nearest to 1; the log shows each curve
 * and the choice. The same on any number of ranks. Collective. Errors: DATA (no questions), MEMORY, IO.
 */
qctx_status qctx_weights_choose(qctx_comm *comm, const qctx_weights_task *task, double *weights, qctx_error *error);

/*
 * figures [trials] = the means over all questions with weights [trials, count]. Collective. Errors: MEMORY, IO.
 */
qctx_status qctx_weights_measure(qctx_comm *comm, const qctx_weights_task *task, const double *weights, int64_t trials,
                                 qctx_merit *figures, qctx_error *error);

#endif
