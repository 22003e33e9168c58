/*
 * The exact k best candidates of each question: a scan in the shard's precision finds the few that can be among them,
 * their scores in double decide (retrieval/scored_rows), and the ranks' lists are merged.
 */
#ifndef QCTX_RETRIEVAL_TOPK_H
#define QCTX_RETRIEVAL_TOPK_H

#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/retrieval/query.h"

typedef struct {
    double score;      /* qctx_score of the projected rows */
    int64_t candidate; /* number among the shard's candidates; −1 where there are fewer than k */
} qctx_hit;

/*
 * hits [count, k] = the k best candidates of each question, best first, equal scores by lower number: the order of
 * qctx_evaluate's positions. The same on all ranks and for any number of ranks. Collective. Errors: MEMORY.
 */
qctx_status qctx_topk(const qctx_query *query, int64_t k, qctx_hit *hits, qctx_error *error);

#endif
