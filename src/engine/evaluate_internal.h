/* What the two ways to evaluate, pools and sweeps over all candidates, share. */
#ifndef QCTX_ENGINE_EVALUATE_INTERNAL_H
#define QCTX_ENGINE_EVALUATE_INTERNAL_H

#include "qctx/engine/evaluate.h"

/* Everything an evaluation reads. */
typedef struct {
    const qctx_rows *questions;
    const qctx_rows *contexts;
    int64_t context_count;
    const qctx_eval_set *set;
    const qctx_projector *projector;
    const qctx_protocol *protocol;
} evaluation;

/* Index of `row` in the ascending `rows`, which hold it. Local. */
int64_t evaluate_index_of(const int64_t *rows, int64_t count, int64_t row);

/*
 * How many of scores [count] stand above a target with score `target`, of which the first `before` have a lower row
 * number than the target's and the others a higher one (or are the target itself). Local.
 */
int64_t evaluate_count_above(const float *scores, int64_t count, int64_t before, float target);

/*
 * Adds the positions that this rank finds to `positions`, which is zero at first; the sum over the ranks is the
 * result. Collective. Errors: MEMORY.
 */
qctx_status evaluate_pools(qctx_comm *comm, const evaluation *task, int64_t *positions, qctx_error *error);
qctx_status evaluate_all(qctx_comm *comm, const evaluation *task, int64_t *positions, qctx_error *error);

#endif
