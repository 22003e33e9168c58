/* What evaluation over all candidates and evaluation in pools share. */
#ifndef QCTX_EVALUATION_EVALUATE_INTERNAL_H
#define QCTX_EVALUATION_EVALUATE_INTERNAL_H

#include "qctx/evaluation/evaluate.h"

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
 * positions [answers] = those of the protocol `pools`, the same on all ranks. Collective. Errors: MEMORY.
 */
qctx_status evaluate_pools(qctx_comm *comm, const evaluation *task, int64_t *positions, qctx_error *error);

#endif
