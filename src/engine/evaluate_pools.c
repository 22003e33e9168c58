/* Pools: each is one rank's alone, and the pools are dealt over ranks and threads whole. */
#include <stdlib.h>

#include "evaluate_internal.h"
#include "qctx/base/mem.h"
#include "qctx/base/order.h"
#include "qctx/base/rng.h"

/* Questions of a pool that are held against its candidates at a time. */
enum { QUESTIONS_AT_A_TIME = 256 };

/* One pool: its questions are set->questions[order[0 … count − 1]]. */
typedef struct {
    const evaluation *task;
    const int64_t *order;
    int64_t count;
    int64_t *candidates; /* [total] rows, ascending */
    int64_t total;
    float *contexts; /* [total, width] */
} pool_work;

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

/* Positions of the right contexts of question `question` of the set, from its scores [total]. */
static void place_answers(const pool_work *pool, int64_t question, const float *scores, int64_t *positions)
{
    const qctx_eval_set *set = pool->task->set;

    for (int64_t a = set->offsets[question]; a < set->offsets[question + 1]; a++) {
        int64_t index = evaluate_index_of(pool->candidates, pool->total, set->contexts[a]);

        positions[a] = evaluate_count_above(scores, pool->total, index, scores[index]);
    }
}

static qctx_status place_questions(const pool_work *pool, int64_t *positions, qctx_error *error)
{
    const evaluation *task = pool->task;
    const int64_t width = qctx_projector_output(task->projector);
    const int64_t most = qctx_smaller(QUESTIONS_AT_A_TIME, pool->count);
    int64_t *rows = qctx_alloc(most, sizeof *rows, "questions of a pool", error);
    float *questions = qctx_alloc(most * width, sizeof *questions, "questions of a pool", error);
    float *scores = qctx_alloc(most * pool->total, sizeof *scores, "scores of a pool", error);
    qctx_status status = rows == NULL || questions == NULL || scores == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    for (int64_t first = 0; first < pool->count && status == QCTX_OK; first += most) {
        int64_t count = qctx_smaller(most, pool->count - first);

        for (int64_t i = 0; i < count; i++)
            rows[i] = task->set->questions[pool->order[first + i]];
        status = qctx_rows_project(task->questions, task->projector, 0, rows, count, questions, error);
        if (status != QCTX_OK)
            break;
        qctx_rows_scores(questions, count, pool->contexts, pool->total, width, scores);
        for (int64_t i = 0; i < count; i++)
            place_answers(pool, pool->order[first + i], scores + i * pool->total, positions);
    }
    free(rows);
    free(questions);
    free(scores);
    return status;
}

static qctx_status evaluate_pool(const evaluation *task, const int64_t *order, int64_t count, int64_t *positions,
                                 qctx_error *error)
{
    pool_work pool = {.task = task, .order = order, .count = count};
    qctx_status status = collect_candidates(&pool, error);

    if (status != QCTX_OK)
        goto out;
    pool.contexts =
        qctx_alloc(pool.total * qctx_projector_output(task->projector), sizeof(float), "contexts of a pool", error);
    status = pool.contexts == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
    if (status == QCTX_OK)
        status =
            qctx_rows_project(task->contexts, task->projector, 1, pool.candidates, pool.total, pool.contexts, error);
    if (status == QCTX_OK)
        status = place_questions(&pool, positions, error);
out:
    free(pool.candidates);
    free(pool.contexts);
    return status;
}

static qctx_status evaluate_own_pools(qctx_comm *comm, const evaluation *task, const int64_t *order, int64_t *positions,
                                      qctx_error *error)
{
    const int64_t count = task->set->count;
    const int64_t size = qctx_smaller(task->protocol->pool, count);
    qctx_status status = QCTX_OK;
    int64_t first, own;

    qctx_share((count + size - 1) / size, qctx_comm_rank(comm), qctx_comm_size(comm), &first, &own);
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
    const int64_t count = task->set->count;
    int64_t *order = qctx_alloc(count, sizeof *order, "the order of pools", error);
    qctx_status status = order == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    if (status == QCTX_OK) {
        if (task->protocol->order == QCTX_POOLS_SHUFFLED)
            qctx_rng_permutation(order, count, task->protocol->seed, QCTX_STREAM_POOL, 0);
        else
            for (int64_t i = 0; i < count; i++)
                order[i] = i;
        status = evaluate_own_pools(comm, task, order, positions, error);
    }
    free(order);
    return qctx_agree(comm, status, error);
}
