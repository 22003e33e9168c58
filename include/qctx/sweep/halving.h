/*
 * Asynchronous successive halving (Li, Jamieson, Rostamizadeh et al. 2020, "A System for Massively Parallel
 * Hyperparameter Tuning", algorithm 2): trials run to a rung, pause there, and only the best 1/eta of those that
 * reached a rung go on to the next; whoever is free takes the highest trial that may go on, or begins a new one.
 */
#ifndef QCTX_SWEEP_HALVING_H
#define QCTX_SWEEP_HALVING_H

#include <stdbool.h>
#include <stdint.h>

/* Rungs at min_iter · eta^k epochs below the run's own number of epochs, which is the last. */
typedef struct {
    int64_t first; /* min_iter: epochs of the first rung, ≥ 1 */
    int64_t eta;   /* ≥ 2 */
    int64_t last;  /* batch.epochs */
} qctx_halving;

/* How many rungs there are, and the epochs of one. Local. */
int64_t qctx_halving_rungs(const qctx_halving *halving);
int64_t qctx_halving_epochs(const qctx_halving *halving, int64_t rung);

/* What is known of a trial that has begun. */
typedef struct {
    int64_t rung;         /* the highest that it reached; −1: none yet */
    bool idle;            /* paused at that rung and taken by nobody */
    bool failed;          /* it goes on no more, and no rung counts it */
    const double *losses; /* [rung + 1], what it gave at each rung, less is better */
} qctx_halving_trial;

/*
 * Which of the paused trials goes on: at the highest rung that has one that may, the best, and of equal ones that with
 * the lowest index. −1 if none may; then a new trial begins, unless all have begun. Local.
 */
int64_t qctx_halving_next(const qctx_halving *halving, const qctx_halving_trial *trials, int64_t count);

#endif
