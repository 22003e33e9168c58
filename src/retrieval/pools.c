#include "qctx/retrieval/pools.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "positions_count.h"
#include "qctx/base/mem.h"
#include "qctx/base/order.h"
#include "qctx/platform/stop.h"
#include "scan.h"

/* Questions of a pool that are held against its candidates at a time. */
enum { QUESTIONS_AT_A_TIME = 256 };

/* One pool: its questions are pools->rows[order[0 … count − 1]]. */
typedef struct {
    const qctx_pools *pools;
    const int64_t *order;
    int64_t count;
    int64_t *candidates; /* [total] rows, ascending */
    int64_t total;
    qctx_scored_rows contexts; /* [total, width] */
} pool_work;

/* What the pools are asked for; `candidates` may be NULL. */
typedef struct {
    int64_t *positions;
    int64_t *candidates;
} pool_results;

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
    const qctx_pools *pools = pool->pools;
    int64_t room = 0, filled = 0;

    for (int64_t i = 0; i < pool->count; i++)
        room += pools->offsets[pool->order[i] + 1] - pools->offsets[pool->order[i]];
    pool->candidates = qctx_alloc(room, sizeof *pool->candidates, "the candidates of a pool", error);
    if (pool->candidates == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t i = 0; i < pool->count; i++)
        for (int64_t a = pools->offsets[pool->order[i]]; a < pools->offsets[pool->order[i] + 1]; a++)
            pool->candidates[filled++] = pools->answers[a];
    pool->total = qctx_distinct_contexts(pool->candidates, filled);
    return QCTX_OK;
}

/* The index of a row among the pool's candidates, or QCTX_ABSENT. */
static int64_t index_of(const pool_work *pool, int64_t row)
{
    const int64_t index = qctx_lower_bound(pool->candidates, pool->total, row);

    return index < pool->total && pool->candidates[index] == row ? index : QCTX_ABSENT;
}

/* What is known before anything is scored: how many candidates each question has, and that absent contexts stand
 * behind them all. */
static void place_absent(const pool_work *pool, pool_results results)
{
    const qctx_pools *pools = pool->pools;

    for (int64_t i = 0; i < pool->count; i++) {
        const int64_t question = pool->order[i];
        const int64_t count = pool->total - (index_of(pool, pools->own[question]) != QCTX_ABSENT);

        if (results.candidates != NULL)
            results.candidates[question] = count;
        for (int64_t a = pools->offsets[question]; a < pools->offsets[question + 1]; a++)
            if (pools->answers[a] == QCTX_ABSENT)
                results.positions[a] = count;
    }
}

/* Adds to `positions` the candidates of a tile that stand above the right contexts of question i of the block. */
static void count_question(const pool_work *pool, const pool_block *block, int64_t i, const positions_row *row,
                           int64_t first, int64_t *positions)
{
    const qctx_pools *pools = pool->pools;
    const int64_t question = pool->order[block->first + i], width = row->width;
    const int64_t own = index_of(pool, pools->own[question]);
    const bool own_is_here = own >= first && own < first + row->count;
    const double left_out = own_is_here ? qctx_score(row->question, pool->contexts.values + own * width, width) : 0.0;
    int64_t settled = 0;

    for (int64_t a = pools->offsets[question]; a < pools->offsets[question + 1]; a++) {
        int64_t index;
        double target;

        if (pools->answers[a] == QCTX_ABSENT)
            continue;
        index = qctx_lower_bound(pool->candidates, pool->total, pools->answers[a]);
        target = qctx_score(row->question, pool->contexts.values + index * width, width);
        positions[a] += positions_count(row, index - first, target, &settled);
        positions[a] -= own_is_here && (left_out > target || (left_out == target && own < index));
    }
}

/* Holds the block's questions against the pool's candidates first … first + count − 1. */
static void count_tile(const pool_work *pool, const pool_block *block, int64_t first, int64_t count, int64_t *positions)
{
    const int64_t width = qctx_projector_output(pool->pools->projector);
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
    const qctx_pools *pools = pool->pools;
    qctx_status status;

    for (int64_t i = 0; i < block->count; i++)
        block->rows[i] = pools->rows[pool->order[block->first + i]];
    status = qctx_rows_project(pools->questions, pools->projector, QCTX_QUESTION, block->rows, block->count,
                               block->questions.values, error);
    if (status != QCTX_OK)
        return status;
    qctx_scored_rows_measure(&block->questions, block->count, qctx_projector_output(pools->projector));
    for (int64_t first = 0; first < pool->total; first += SCAN_TILE)
        count_tile(pool, block, first, qctx_smaller(SCAN_TILE, pool->total - first), positions);
    return QCTX_OK;
}

static qctx_status place_questions(const pool_work *pool, int64_t *positions, qctx_error *error)
{
    const int64_t width = qctx_projector_output(pool->pools->projector);
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

static qctx_status place_pool(const qctx_pools *pools, const int64_t *order, int64_t count, pool_results results,
                              qctx_error *error)
{
    const int64_t width = qctx_projector_output(pools->projector);
    pool_work pool = {.pools = pools, .order = order, .count = count};
    qctx_status status = qctx_stop_check(error);

    if (status == QCTX_OK)
        status = collect_candidates(&pool, error);
    if (status == QCTX_OK)
        place_absent(&pool, results);
    if (status != QCTX_OK || pool.total == 0)
        goto out;
    status =
        qctx_scored_rows_alloc(pool.total, width, QCTX_PRECISION_FLOAT32, "contexts of a pool", &pool.contexts, error);
    if (status == QCTX_OK)
        status = qctx_rows_project(pools->contexts, pools->projector, QCTX_CONTEXT, pool.candidates, pool.total,
                                   pool.contexts.values, error);
    if (status != QCTX_OK)
        goto out;
    qctx_scored_rows_measure(&pool.contexts, pool.total, width);
    status = place_questions(&pool, results.positions, error);
out:
    free(pool.candidates);
    qctx_scored_rows_free(&pool.contexts);
    return status;
}

static qctx_status place_own_pools(qctx_comm *comm, const qctx_pools *pools, pool_results results, qctx_error *error)
{
    const int64_t count = pools->count;
    const int64_t size = qctx_smaller(pools->pool, count);
    qctx_status status = QCTX_OK;
    int64_t first, own;

    qctx_share(qctx_divide_up(count, size), qctx_comm_rank(comm), qctx_comm_size(comm), &first, &own);
#pragma omp parallel for schedule(dynamic) if (own > 1)
    for (int64_t p = first; p < first + own; p++) {
        qctx_error pool_error;
        qctx_status pool_status =
            place_pool(pools, pools->order + p * size, qctx_smaller(size, count - p * size), results, &pool_error);

        if (pool_status != QCTX_OK) {
#pragma omp critical(qctx_pools_positions)
            {
                status = pool_status;
                *error = pool_error;
            }
        }
    }
    return status;
}

qctx_status qctx_pools_positions(qctx_comm *comm, const qctx_pools *pools, int64_t *positions, int64_t *candidates,
                                 qctx_error *error)
{
    const int64_t answers = pools->offsets[pools->count];
    qctx_status status;

    memset(positions, 0, (size_t)answers * sizeof *positions);
    if (candidates != NULL)
        memset(candidates, 0, (size_t)pools->count * sizeof *candidates);
    status = qctx_agree(comm, place_own_pools(comm, pools, (pool_results){positions, candidates}, error), error);
    if (status == QCTX_OK)
        qctx_comm_sum_int64(comm, positions, answers);
    if (status == QCTX_OK && candidates != NULL)
        qctx_comm_sum_int64(comm, candidates, pools->count);
    return status;
}
