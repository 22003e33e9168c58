/*
 * Positions within pools: each question looks for its contexts among those that answer the questions of its pool, each
 * once. Pools are dealt over ranks and threads whole.
 */
#ifndef QCTX_RETRIEVAL_POOLS_H
#define QCTX_RETRIEVAL_POOLS_H

#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/platform/comm.h"
#include "qctx/retrieval/projector.h"
#include "qctx/retrieval/shard.h"

/* Borrows everything. */
typedef struct {
    const qctx_rows *questions; /* encoder rows of both sides */
    const qctx_rows *contexts;
    const qctx_projector *projector;
    int64_t count;          /* questions */
    const int64_t *rows;    /* [count] of `questions` */
    const int64_t *offsets; /* [count + 1] */
    const int64_t *answers; /* [offsets[count]] rows of `contexts`, or QCTX_ABSENT */
    const int64_t *own;     /* [count] the row that is no candidate of a question, or QCTX_ABSENT */
    int64_t pool;           /* questions of a pool; the last one may have fewer */
    const int64_t *order;   /* [count] the first pool is that of questions order[0 … pool − 1], and so on */
} qctx_pools;

/*
 * positions [offsets[count]] = the 0-based positions of every question's right contexts in its pool, as
 * retrieval/positions counts them, the same on all ranks and for any number of ranks; those of absent contexts are the
 * number of the question's candidates, which `candidates` [count] receives, too, unless it is NULL. Collective. Errors:
 * MEMORY, STOPPED.
 */
qctx_status qctx_pools_positions(qctx_comm *comm, const qctx_pools *pools, int64_t *positions, int64_t *candidates,
                                 qctx_error *error);

#endif
