/* The figure of many weights at once: the scores of a pool by each part, and their weighted sums. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"
#include "qctx/base/order.h"
#include "qctx/encoder/joined.h"
#include "qctx/evaluation/weights.h"
#include "qctx/linalg/product.h"
#include "qctx/platform/mapped.h"
#include "qctx/platform/stop.h"

/* Questions of a pool that are worked together. */
enum { QUESTIONS_AT_A_TIME = 256 };

typedef struct {
    const qctx_weights_task *task;
    const qctx_weights_set *set;
    const double *weights; /* [trials, parts] */
    int64_t trials;
    int64_t *positions;  /* [trials, answers of the set] */
    int64_t *candidates; /* [questions of the set] */
} sweep;

/* Questions first … first + count − 1 of the set, and the contexts that answer them. */
typedef struct {
    int64_t first;
    int64_t count;
    int64_t *candidates; /* [total] rows, ascending */
    int64_t total;
    float *contexts[QCTX_JOINED_MAX]; /* [total, dim] of each part */
    float *questions;                 /* [QUESTIONS_AT_A_TIME, the widest dim] */
    float *scores[QCTX_JOINED_MAX];   /* [QUESTIONS_AT_A_TIME, total] of each part */
    double *sums;                     /* [total] of one question */
    double *scales; /* [trials, parts, total] what a part's scores count with each set of weights, by context */
} pool_work;

static void free_pool(pool_work *pool)
{
    free(pool->candidates);
    free(pool->questions);
    free(pool->sums);
    free(pool->scales);
    for (int64_t i = 0; i < QCTX_JOINED_MAX; i++) {
        free(pool->contexts[i]);
        free(pool->scores[i]);
    }
}

static double dot(const float *a, const float *b, int64_t dim)
{
    double sum = 0;

    for (int64_t j = 0; j < dim; j++)
        sum += (double)a[j] * (double)b[j];
    return sum;
}

/* The parts of one encoder end where the next one's begin. */
static int64_t end_of(const sweep *s, int64_t first)
{
    int64_t end = first + 1;

    while (end < s->task->count && s->task->firsts[end] == first)
        end++;
    return end;
}

/*
 * The scales of the parts first … end − 1, fields of one encoder, of one context: its row is their weighted sum at unit
 * length, and counts as much as their weights together.
 */
static void scale_fields(const sweep *s, const pool_work *pool, int64_t first, int64_t end, int64_t context)
{
    const int64_t dim = qctx_store_dim(s->set->parts[first]), parts = s->task->count;
    double products[QCTX_JOINED_MAX][QCTX_JOINED_MAX];

    for (int64_t f = first; f < end; f++)
        for (int64_t g = first; g <= f; g++)
            products[f][g] = products[g][f] =
                dot(pool->contexts[f] + context * dim, pool->contexts[g] + context * dim, dim);
    for (int64_t t = 0; t < s->trials; t++) {
        const double *weights = s->weights + t * parts;
        double together = 0, squares = 0;

        for (int64_t f = first; f < end; f++) {
            together += weights[f];
            for (int64_t g = first; g < end; g++)
                squares += weights[f] * weights[g] * products[f][g];
        }
        for (int64_t f = first; f < end; f++)
            pool->scales[(t * parts + f) * pool->total + context] =
                squares > 0 ? together * weights[f] / sqrt(squares) : 0.0;
    }
}

/* A part that is all of its encoder counts as its weight says. */
static void prepare_scales(const sweep *s, const pool_work *pool)
{
    for (int64_t first = 0, end; first < s->task->count; first = end) {
        end = end_of(s, first);
        for (int64_t c = 0; c < pool->total && end > first + 1; c++)
            scale_fields(s, pool, first, end, c);
        for (int64_t t = 0; t < s->trials && end == first + 1; t++)
            for (int64_t c = 0; c < pool->total; c++)
                pool->scales[(t * s->task->count + first) * pool->total + c] = s->weights[t * s->task->count + first];
    }
}

static qctx_status prepare_pool(const sweep *s, pool_work *pool, qctx_error *error)
{
    const qctx_eval_set *set = &s->set->set;
    const int64_t answers = set->offsets[pool->first + pool->count] - set->offsets[pool->first];
    const int64_t block = qctx_smaller(pool->count, QUESTIONS_AT_A_TIME);
    int64_t widest = 0;

    pool->candidates = qctx_alloc(answers, sizeof *pool->candidates, "the candidates of a pool", error);
    if (pool->candidates == NULL)
        return QCTX_ERR_MEMORY;
    memcpy(pool->candidates, set->contexts + set->offsets[pool->first], (size_t)answers * sizeof *pool->candidates);
    pool->total = qctx_distinct_contexts(pool->candidates, answers);
    for (int64_t i = 0; i < s->task->count; i++) {
        const int64_t dim = qctx_store_dim(s->set->parts[i]);

        widest = dim > widest ? dim : widest;
        pool->contexts[i] = qctx_alloc(pool->total * dim, sizeof(float), "contexts of a pool", error);
        pool->scores[i] = qctx_alloc(block * pool->total, sizeof(float), "scores of a pool", error);
        if (pool->contexts[i] == NULL || pool->scores[i] == NULL)
            return QCTX_ERR_MEMORY;
        qctx_store_gather(s->set->parts[i], QCTX_CONTEXT, pool->candidates, pool->total, pool->contexts[i]);
    }
    pool->questions = qctx_alloc(block * widest, sizeof(float), "questions of a pool", error);
    pool->sums = qctx_alloc(pool->total, sizeof *pool->sums, "scores of a question", error);
    pool->scales =
        qctx_alloc(s->trials * s->task->count * pool->total, sizeof *pool->scales, "weights of a pool", error);
    if (pool->questions == NULL || pool->sums == NULL || pool->scales == NULL)
        return QCTX_ERR_MEMORY;
    prepare_scales(s, pool);
    return QCTX_OK;
}

/* scores[i] [count, total] of questions first … of the set by every part. */
static void score_block(const sweep *s, const pool_work *pool, int64_t first, int64_t count)
{
    for (int64_t i = 0; i < s->task->count; i++) {
        qctx_store *part = s->set->parts[i];
        const int64_t dim = qctx_store_dim(part);

        qctx_store_gather(part, QCTX_QUESTION, s->set->set.questions + first, count, pool->questions);
        qctx_product(QCTX_PRECISION_FLOAT32, QCTX_PLAIN, QCTX_TRANSPOSED, count, pool->total, dim, pool->questions, dim,
                     pool->contexts[i], dim, false, pool->scores[i], pool->total);
    }
}

static void add_scores(const sweep *s, const pool_work *pool, int64_t row, int64_t trial)
{
    memset(pool->sums, 0, (size_t)pool->total * sizeof *pool->sums);
    for (int64_t i = 0; i < s->task->count; i++) {
        const float *scores = pool->scores[i] + row * pool->total;
        const double *scales = pool->scales + (trial * s->task->count + i) * pool->total;

        for (int64_t c = 0; c < pool->total; c++)
            pool->sums[c] += scales[c] * (double)scores[c];
    }
}

/* The index of a row among the pool's candidates, or QCTX_ABSENT. */
static int64_t index_of(const pool_work *pool, int64_t row)
{
    const int64_t index = qctx_lower_bound(pool->candidates, pool->total, row);

    return index < pool->total && pool->candidates[index] == row ? index : QCTX_ABSENT;
}

/* Candidates other than `own` that stand above the one at `index`: of equals those before it; all, where it is absent.
 */
static int64_t position_of(const pool_work *pool, int64_t index, int64_t own)
{
    int64_t above = 0;

    if (index == QCTX_ABSENT)
        return pool->total - (own != QCTX_ABSENT);
    for (int64_t c = 0; c < pool->total; c++)
        above += c != own && (pool->sums[c] > pool->sums[index] || (c < index && pool->sums[c] == pool->sums[index]));
    return above;
}

static void place_question(const sweep *s, const pool_work *pool, int64_t row, int64_t question)
{
    const qctx_eval_set *set = &s->set->set;
    const int64_t answers = set->offsets[set->count], own = index_of(pool, qctx_eval_set_own(set, question));

    s->candidates[question] = position_of(pool, QCTX_ABSENT, own);
    for (int64_t t = 0; t < s->trials; t++) {
        add_scores(s, pool, row, t);
        for (int64_t a = set->offsets[question]; a < set->offsets[question + 1]; a++)
            s->positions[t * answers + a] = position_of(pool, index_of(pool, set->contexts[a]), own);
    }
}

static qctx_status place_pool(const sweep *s, int64_t first, int64_t count, qctx_error *error)
{
    pool_work pool = {.first = first, .count = count};
    qctx_status status = prepare_pool(s, &pool, error);

    for (int64_t done = 0; done < count && status == QCTX_OK; done += QUESTIONS_AT_A_TIME) {
        const int64_t block = qctx_smaller(QUESTIONS_AT_A_TIME, count - done);

        status = qctx_stop_check(error);
        if (status != QCTX_OK)
            break;
        if (pool.total > 0)
            score_block(s, &pool, first + done, block);
        for (int64_t row = 0; row < block; row++)
            place_question(s, &pool, row, first + done + row);
    }
    free_pool(&pool);
    return status;
}

/* Pools are dealt over the ranks whole. */
static qctx_status place_own_pools(qctx_comm *comm, const sweep *s, qctx_error *error)
{
    const int64_t count = s->set->set.count, size = qctx_smaller(s->task->pool, count);
    qctx_status status = QCTX_OK;
    int64_t first, own;

    qctx_share(qctx_divide_up(count, size), qctx_comm_rank(comm), qctx_comm_size(comm), &first, &own);
    for (int64_t p = first; p < first + own && status == QCTX_OK; p++)
        status = place_pool(s, p * size, qctx_smaller(size, count - p * size), error);
    return status;
}

/* Adds the figures of one set, each weighed by its questions. Collective. */
static qctx_status add_set(qctx_comm *comm, sweep *s, qctx_merit *figures, qctx_error *error)
{
    const qctx_eval_set *set = &s->set->set;
    const int64_t answers = set->offsets[set->count];
    const qctx_protocol protocol = {.gain = s->task->gain, .relevant = s->task->relevant};
    double *values = qctx_alloc(set->count * QCTX_METRIC_COUNT, sizeof *values, "figures", error);
    qctx_status status = QCTX_OK;

    s->positions = qctx_alloc(s->trials * answers, sizeof *s->positions, "positions", error);
    s->candidates = qctx_alloc(set->count, sizeof *s->candidates, "counts of candidates", error);
    if (values == NULL || s->positions == NULL || s->candidates == NULL)
        status = QCTX_ERR_MEMORY;
    if (status == QCTX_OK)
        status = place_own_pools(comm, s, error);
    status = qctx_agree(comm, qctx_mapped_check(status, error), error);
    if (status == QCTX_OK) {
        qctx_comm_sum_int64(comm, s->positions, s->trials * answers);
        qctx_comm_sum_int64(comm, s->candidates, set->count);
        for (int64_t t = 0; t < s->trials; t++) {
            qctx_metrics_of(set, &protocol, s->positions + t * answers, s->candidates, values);
            figures[t].metric += qctx_metrics_mean(values, set->count, s->task->metric) * (double)set->count;
            figures[t].mrr += qctx_metrics_mean(values, set->count, QCTX_METRIC_MRR) * (double)set->count;
        }
    }
    free(s->positions);
    free(s->candidates);
    free(values);
    return status;
}

qctx_status qctx_weights_measure(qctx_comm *comm, const qctx_weights_task *task, const double *weights, int64_t trials,
                                 qctx_merit *figures, qctx_error *error)
{
    int64_t questions = 0;
    qctx_status status = QCTX_OK;

    memset(figures, 0, (size_t)trials * sizeof *figures);
    for (int64_t i = 0; i < task->set_count && status == QCTX_OK; i++) {
        sweep s = {.task = task, .set = &task->sets[i], .weights = weights, .trials = trials};

        status = add_set(comm, &s, figures, error);
        questions += task->sets[i].set.count;
    }
    for (int64_t t = 0; t < trials && status == QCTX_OK; t++) {
        figures[t].metric /= (double)questions;
        figures[t].mrr /= (double)questions;
    }
    return status;
}
