/*
 * The tree-structured Parzen estimator (Bergstra, Bardenet, Bengio and Kégl 2011, section 4; the weights and bandwidths
 * of Bergstra, Yamins and Cox 2013): models the points that did well and the others by densities l and g over the unit
 * cube, and proposes the point, of some drawn from l, where l / g is largest.
 *
 * It needs no more than finished trials, asks for one point at a time, and so fits trials that end when they like.
 */
#ifndef QCTX_SWEEP_TPE_H
#define QCTX_SWEEP_TPE_H

#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/sweep/space.h"

/* Points that were tried: units [count, space->count], and what they gave, less is better. Borrowed. */
typedef struct {
    int64_t count;
    const double *units;
    const double *losses;
} qctx_tpe_history;

/*
 * Proposes the next point: units [space->count]. A pure function of its arguments; the first points are random.
 * Points that are running may be in the history with a loss of +infinity: they are avoided, not judged. Local.
 * Errors: MEMORY.
 */
qctx_status qctx_tpe_propose(const qctx_space *space, const qctx_tpe_history *history, uint64_t seed, int64_t index,
                             double *units, qctx_error *error);

#endif
