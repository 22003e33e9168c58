/*
 * Many questions, held against all candidates of a shard: what top-k lists and positions are asked of.
 */
#ifndef QCTX_RETRIEVAL_QUERY_H
#define QCTX_RETRIEVAL_QUERY_H

#include <stdint.h>

#include "qctx/platform/comm.h"
#include "qctx/retrieval/projector.h"
#include "qctx/retrieval/shard.h"

/* The same on all ranks but for the shard. Borrows everything. */
typedef struct {
    qctx_comm *comm;
    const qctx_shard *shard;
    const qctx_projector *projector; /* the one that the shard was projected with */
    const qctx_rows *questions;      /* encoder rows */
    const int64_t *rows;             /* [count] of these */
    int64_t count;
} qctx_query;

#endif
