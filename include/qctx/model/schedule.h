/*
 * Learning-rate schedules: linear warm-up, then constant, cosine or linear decay.
 *
 * A schedule is a value and its rate a pure function of the step, so a resumed
 * run carries no schedule state.
 */
#ifndef QCTX_MODEL_SCHEDULE_H
#define QCTX_MODEL_SCHEDULE_H

#include <stdint.h>

typedef enum { QCTX_DECAY_CONSTANT, QCTX_DECAY_COSINE, QCTX_DECAY_LINEAR } qctx_decay;
extern const char *const qctx_decay_names[];

typedef struct {
    qctx_decay decay;
    double peak;    /* rate at the end of the warm-up, > 0 */
    double last;    /* rate of the last step, total − 1, in [0, peak]; unused by constant */
    int64_t warmup; /* steps of linear rise, ≥ 0; the rate of step 0 is peak / warmup, of step `warmup` peak */
    int64_t total;  /* steps of the run, > warmup */
} qctx_schedule;

/*
 * Learning rate of optimiser step `step`, counted from 0; past `total` the last rate holds. A run
 * with one step after the warm-up takes it at the peak, since the last rate may be 0.
 *
 * Local. Cannot fail: the config has checked the bounds.
 * Cosine: Loshchilov and Hutter, SGDR (2017), equation 5, without restarts.
 */
double qctx_schedule_rate(const qctx_schedule *schedule, int64_t step);

#endif
