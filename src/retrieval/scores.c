#include "qctx/retrieval/scores.h"

#include "scores_block.h"

/* The score of a place is taken by the rank that holds the candidate; the others add zero. */
void scores_of_block(const qctx_query *query, const scan_block *block, const int64_t *offsets, const int64_t *places,
                     double *scores)
{
    const qctx_shard *shard = query->shard;
    const int64_t begin = offsets[block->first];

#pragma omp parallel for schedule(static)
    for (int64_t q = 0; q < block->count; q++)
        for (int64_t a = offsets[block->first + q]; a < offsets[block->first + q + 1]; a++) {
            const int64_t candidate = places[a] - shard->first;

            scores[a - begin] =
                candidate >= 0 && candidate < shard->count ? scan_score(block, shard, q, candidate) : 0.0;
        }
    qctx_comm_sum_double(query->comm, scores, offsets[block->first + block->count] - begin);
}

typedef struct {
    const qctx_query *query;
    const int64_t *offsets;
    const int64_t *places;
    double *scores;
} scoring;

static qctx_status score_block(void *context, const scan_block *block, qctx_error *error)
{
    const scoring *task = context;

    (void)error;
    scores_of_block(task->query, block, task->offsets, task->places, task->scores + task->offsets[block->first]);
    return QCTX_OK;
}

static qctx_status end_block(void *context, const scan_block *block, qctx_error *error)
{
    (void)context;
    (void)block;
    (void)error;
    return QCTX_OK;
}

qctx_status qctx_scores(const qctx_query *query, const int64_t *offsets, const int64_t *places, double *scores,
                        qctx_error *error)
{
    scoring task = {query, offsets, places, scores};
    const scan_taker taker = {&task, score_block, end_block, NULL};

    return scan_run(query, query->count, &taker, error);
}
