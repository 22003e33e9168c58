/*
 * How far a training run is: all that changes from step to step beside the parameters. The trainer holds it and a
 * checkpoint keeps it whole, so that a run that is resumed goes on as if it had not been interrupted.
 */
#ifndef QCTX_RUN_PROGRESS_H
#define QCTX_RUN_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/evaluation/metrics.h"

typedef struct {
    int64_t epoch;       /* running or just finished, from 1; 0 before the first */
    int64_t step;        /* optimiser steps taken */
    int64_t evaluated;   /* the step whose evaluation is complete and in the metrics; −1 before the first */
    double seconds;      /* that the run has taken, interruptions apart */
    double loss_sum;     /* of the running epoch's steps */
    double accuracy_sum; /* of the running epoch's steps */
    int64_t summed;      /* steps of the running epoch that the sums hold */
    double loss_start;   /* of the first step, before anything was learned */
    double loss_now;     /* running mean over the steps of the run */
    double best_metric;  /* of the best epoch so far by the questions that choose; −1 before the first evaluation */
    double best_mrr;     /* MRR@10 of the same, by which equals are told apart; −1 likewise */
    int64_t best_epoch;
    int64_t best_step;    /* −1 before the first evaluation */
    double best_strength; /* at which the best epoch was measured */
    /* The same of what would be the best so far if no guard limited the choice. */
    double unguarded_metric;
    double unguarded_mrr;
    int64_t unguarded_epoch;
    double unguarded_strength;
    int64_t limited_by; /* the guard that does not allow it, in the order of eval.guard; -1: it is allowed */
} qctx_progress;

/* Of a run that has not begun. Local. */
qctx_progress qctx_progress_start(void);

/* Enters a step that was just taken, of epoch `epoch` (from 0) and its first if `begins`, with its figures. Local. */
void qctx_progress_add_step(qctx_progress *progress, int64_t epoch, bool begins, double loss, double accuracy);

/* The parameters as they are now are the best so far, with this merit at this strength. Local. */
void qctx_progress_set_best(qctx_progress *progress, qctx_merit merit, double strength);

/* Likewise if no guard limited the choice; `guard` is the one that does, or -1. Local. */
void qctx_progress_set_unguarded(qctx_progress *progress, qctx_merit merit, double strength, int64_t guard);

/* The merit of the best so far, which any other is above before the first evaluation. Local. */
qctx_merit qctx_progress_best(const qctx_progress *progress);
qctx_merit qctx_progress_unguarded(const qctx_progress *progress);

/*
 * Whether the run diverges: the running mean of its loss, over some 50 steps, is above twice the loss of the first step
 * and 2 above it. Local.
 */
bool qctx_progress_diverges(const qctx_progress *progress);

#endif
