#include "qctx/retrieval/positions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "positions_count.h"
#include "qctx/base/mem.h"
#include "scores_block.h"

/* What the scan needs at each block of questions. */
typedef struct {
    const qctx_query *query;
    const int64_t *offsets;
    const int64_t *places;
    double *targets;    /* [most places of a block] their scores */
    int64_t *positions; /* this rank's part */
} placement;

static qctx_status score_targets(void *context, const scan_block *block, qctx_error *error)
{
    const placement *task = context;

    (void)error;
    scores_of_block(task->query, block, task->offsets, task->places, task->targets);
    return QCTX_OK;
}

static int64_t count_tile(void *context, const scan_tile *tile)
{
    const placement *task = context;
    const scan_block *block = tile->block;
    const int64_t width = tile->shard->width;
    int64_t settled = 0;

    for (int64_t q = 0; q < block->count; q++) {
        const positions_row row = {.scores = tile->scores + q * tile->count,
                                   .count = tile->count,
                                   .bound = scan_bound(tile, q),
                                   .question = block->values + q * width,
                                   .contexts = tile->shard->rows.values + tile->first * width,
                                   .width = width};

        for (int64_t a = task->offsets[block->first + q]; a < task->offsets[block->first + q + 1]; a++) {
            int64_t place = task->places[a] - tile->shard->first - tile->first;
            int64_t above = positions_count(&row, place, task->targets[a - task->offsets[block->first]], &settled);

#pragma omp atomic update
            task->positions[a] += above;
        }
    }
    return settled;
}

static qctx_status end_block(void *context, const scan_block *block, qctx_error *error)
{
    (void)context;
    (void)block;
    (void)error;
    return QCTX_OK;
}

qctx_status qctx_positions(const qctx_query *query, const int64_t *offsets, const int64_t *places, int64_t *positions,
                           qctx_error *error)
{
    const int64_t answers = offsets[query->count];
    placement task = {.query = query, .offsets = offsets, .places = places, .positions = positions};
    const scan_taker taker = {&task, score_targets, end_block, count_tile};
    qctx_status status;

    memset(positions, 0, (size_t)answers * sizeof *positions);
    task.targets = qctx_alloc(answers, sizeof *task.targets, "the scores of right contexts", error);
    status = qctx_agree(query->comm, task.targets == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);
    if (status == QCTX_OK)
        status = scan_run(query, query->count, &taker, error);
    if (status == QCTX_OK)
        qctx_comm_sum_int64(query->comm, positions, answers);
    free(task.targets);
    return status;
}
