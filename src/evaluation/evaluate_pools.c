/* Pools: each is one rank's alone, and the pools are dealt over ranks and threads whole. */
#include <stdlib.h>
#include <string.h>

#include "evaluate_internal.h"
#include "qctx/base/mem.h"
#include "qctx/base/order.h"
#include "qctx/base/rng.h"
#include "qctx/platform/stop.h"
#include "qctx/retrieval/positions_count.h"

/* Questions of a pool that are held against its candidates at a time. */
enum { QUESTIONS_AT_A_TIME = 256 };

/* One pool: its questions are set->questions[order[0 … count − 1]]. */
typedef struct {
    const evaluation *task;
    const int64_t *order;
    int64_t count;
    int64_t *candidates; /* [total] rows, ascending */
    int64_t total;
    qctx_scored_rows contexts; /* [total, width] */
} pool_work;

/* Questions of a pool that are worked together: order[first … first + count − 1]. */
typedef struct {
    int64_t first;
    int64_t count;
    int64_t *rows;              /* [count] */
    qctx_scored_rows questions; /* [count, width] */
    float *scores;              /* [count, SCAN_TILE] */
} pool_block;

static qctx_status collect_candidates(pool_work *pool, qctx_error *error)
{
    const qctx_eval_set *set = pool->task->set;
    int64_t room = 0, filled = 0;

    for (int64_t i = 0; i < pool->count; i++)
        room += set->offsets[pool->order[i] + 1] - set->offsets[pool->order[i]];
    pool->candidates = qctx_alloc(room, sizeof *pool->candidates, "the candidates of a pool", error);
    if (pool->candidates == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t i = 0; i < pool->count; i++)
        for (int64_t a = set->offsets[pool->order[i]]; a < set->offsets[pool->order[i] + 1]; a++)
            pool->candidates[filled++] = set->contexts[a];
    pool->total = qctx_sort_unique(pool->candidates, filled);
    return QCTX_OK;
}

/* Adds to `positions` the candidates of a tile that stand above the right contexts of question i of the block. */
static void count_question(const pool_work *pool, const pool_block *block, int64_t i, const positions_row *row,
                           int64_t first, int64_t *positions)
{
    const qctx_eval_set *set = pool->task->set;
    const int64_t question = pool->order[block->first + i], width = row->width;
    int64_t settled = 0;

    for (int64_t a = set->offsets[question]; a < set->offsets[question + 1]; a++) {
        int64_t index = evaluate_index_of(pool->candidates, pool->total, set->contexts[a]);
        double target = qctx_score(row->question, pool->contexts.values + index * width, width);

        positions[a] += positions_count(row, index - first, target, &settled);
    }
}

/* Holds the block's questions against the pool's candidates first … first + count − 1. */
static void count_tile(const pool_work *pool, const pool_block *block, int64_t first, int64_t count, int64_t *positions)
{
    const int64_t width = qctx_projector_output(pool->task->projector);
    const float *contexts = pool->contexts.values + first * width;
    const qctx_extent most = qctx_extent_most(pool->contexts.extents + first, count);

    qctx_product(QCTX_PRECISION_FLOAT32, QCTX_PLAIN, QCTX_TRANSPOSED, block->count, count, width,
                 block->questions.values, width, contexts, width, false, block->scores, count);
    for (int64_t i = 0; i < block->count; i++) {
        const positions_row row = {
            .scores = block->scores + i * count,
            .count = count,
            .bound = qctx_score_bound(QCTX_PRECISION_FLOAT32, width, block->questions.extents[i], most),
            .question = block->questions.values + i * width,
            .contexts = contexts,
            .width = width};

        count_question(pool, block, i, &row, first, positions);
    }
}

static qctx_status place_block(const pool_work *pool, pool_block *block, int64_t *positions, qctx_error *error)
{
    const evaluation *task = pool->task;
    qctx_status status;

    for (int64_t i = 0; i < block->count; i++)
        block->rows[i] = task->set->questions[pool->order[block->first + i]];
    status = qctx_rows_project(task->questions, task->projector, 0, block->rows, block->count, block->questions.values,
                               error);
    if (status != QCTX_OK)
        return status;
    qctx_scored_rows_measure(&block->questions, block->count, qctx_projector_output(task->projector));
    for (int64_t first = 0; first < pool->total; first += SCAN_TILE)
        count_tile(pool, block, first, qctx_smaller(SCAN_TILE, pool->total - first), positions);
    return QCTX_OK;
}

static qctx_status place_questions(const pool_work *pool, int64_t *positions, qctx_error *error)
{
    const int64_t width = qctx_projector_output(pool->task->projector);
    const int64_t most = qctx_smaller(QUESTIONS_AT_A_TIME, pool->count);
    pool_block block = {0};
    qctx_status status =
        qctx_scored_rows_alloc(most, width, QCTX_PRECISION_FLOAT32, "questions of a pool", &block.questions, error);

    block.rows = qctx_alloc(most, sizeof *block.rows, "questions of a pool", error);
    block.scores = qctx_alloc(most * SCAN_TILE, sizeof *block.scores, "scores of a pool", error);
    if (block.rows == NULL || block.scores == NULL)
        status = QCTX_ERR_MEMORY;
    for (; block.first < pool->count && status == QCTX_OK; block.first += most) {
        block.count = qctx_smaller(most, pool->count - block.first);
        status = qctx_stop_check(error);
        if (status == QCTX_OK)
            status = place_block(pool, &block, positions, error);
    }
    qctx_scored_rows_free(&block.questions);
    free(block.rows);
    free(block.scores);
    return status;
}

static qctx_status evaluate_pool(const evaluation *task, const int64_t *order, int64_t count, int64_t *positions,
                                 qctx_error *error)
{
    const int64_t width = qctx_projector_output(task->projector);
    pool_work pool = {.task = task, .order = order, .count = count};
    qctx_status status = qctx_stop_check(error);

    if (status == QCTX_OK)
        status = collect_candidates(&pool, error);
    if (status != QCTX_OK)
        goto out;
    status =
        qctx_scored_rows_alloc(pool.total, width, QCTX_PRECISION_FLOAT32, "contexts of a pool", &pool.contexts, error);
    if (status == QCTX_OK)
        status = qctx_rows_project(task->contexts, task->projector, 1, pool.candidates, pool.total,
                                   pool.contexts.values, error);
    if (status != QCTX_OK)
        goto out;
    qctx_scored_rows_measure(&pool.contexts, pool.total, width);
    status = place_questions(&pool, positions, error);
out:
    free(pool.candidates);
    qctx_scored_rows_free(&pool.contexts);
    return status;
}

static qctx_status evaluate_own_pools(qctx_comm *comm, const evaluation *task, const int64_t *order, int64_t *positions,
                                      qctx_error *error)
{
    const int64_t count = task->set->count;
    const int64_t size = qctx_smaller(task->protocol->pool, count);
    qctx_status status = QCTX_OK;
    int64_t first, own;

    qctx_share(qctx_divide_up(count, size), qctx_comm_rank(comm), qctx_comm_size(comm), &first, &own);
#pragma omp parallel for schedule(dynamic) if (own > 1)
    for (int64_t p = first; p < first + own; p++) {
        qctx_error pool_error;
        qctx_status pool_status =
            evaluate_pool(task, order + p * size, qctx_smaller(size, count - p * size), positions, &pool_error);

        if (pool_status != QCTX_OK) {
#pragma omp critical(qctx_evaluate_pools)
            {
                status = pool_status;
                *error = pool_error;
            }
        }
    }
    return status;
}

qctx_status evaluate_pools(qctx_comm *comm, const evaluation *task, int64_t *positions, qctx_error *error)
{
    const int64_t count = task->set->count, answers = task->set->offsets[count];
    int64_t *order = qctx_alloc(count, sizeof *order, "the order of pools", error);
    qctx_status status = order == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    memset(positions, 0, (size_t)answers * sizeof *positions);
    if (status == QCTX_OK) {
        if (task->protocol->order == QCTX_POOLS_SHUFFLED)
            qctx_rng_permutation(order, count, task->protocol->seed, QCTX_STREAM_POOL, 0);
        else
            for (int64_t i = 0; i < count; i++)
                order[i] = i;
        status = evaluate_own_pools(comm, task, order, positions, error);
    }
    free(order);
    status = qctx_agree(comm, status, error);
    if (status == QCTX_OK)
        qctx_comm_sum_int64(comm, positions, answers);
    return status;
}
