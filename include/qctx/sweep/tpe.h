/*
 * The tree-structured Parzen estimator (Bergstra, Bardenet, Bengio and Kégl 2011, section 4): models the points that
 * did well, the best 15%, and the others by densities l and g over units, and proposes for each parameter the one, of
 * 24 drawn from l, where l / g is largest. A density is a mixture of bells, one at each point and a wide one for the
 * prior, each as wide as the larger gap to a neighbour, with the bounds of Bergstra, Yamins and Cox 2013; of a
 * categorical parameter, the counts and as many of the prior as there are values.
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
 * Proposes the next point: units [space->count], a pure function of the arguments. Points are random until the history
 * has 10 with a finite loss. Points of trials that run or have failed may be in it with a loss of +infinity: they are
 * avoided as bad ones are, and not counted among the 10. Local. Errors: MEMORY.
 */
qctx_status qctx_tpe_propose(const qctx_space *space, const qctx_tpe_history *history, uint64_t seed, int64_t index,
                             double *units, qctx_error *error);

#endif
