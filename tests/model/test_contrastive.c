/* ranks: 1 2 3 4 5 */
#include "harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"
#include "qctx/base/rng.h"
#include "qctx/model/contrastive.h"

/* A whole batch, the same on all ranks, and the place of this rank's rows in it. */
typedef struct {
    int64_t rows, dim;
    int64_t first, count;
    float *q, *c;
    double *wide_q, *wide_c; /* the same numbers */
    uint64_t *content, *positives;
    int64_t *positive_offsets;
} problem;

/* What both implementations say about this rank's rows. */
typedef struct {
    float *dq, *dc;
    double *wide_dq, *wide_dc;
    qctx_loss_result result, reference;
} answer;

#define FULL(how, which, unit)                                                                                         \
    {                                                                                                                  \
        .kind = how, .direction = which, .normalize = unit, .scheme = QCTX_SIMILARITY_FULL                             \
    }

static const qctx_loss_config configs[] = {
    FULL(QCTX_LOSS_CLIP, QCTX_DIRECTION_BOTH, true),     FULL(QCTX_LOSS_CLIP, QCTX_DIRECTION_BOTH, false),
    FULL(QCTX_LOSS_CLIP, QCTX_DIRECTION_QUESTION, true), FULL(QCTX_LOSS_CLIP, QCTX_DIRECTION_QUESTION, false),
    FULL(QCTX_LOSS_CLIP, QCTX_DIRECTION_CONTEXT, true),  FULL(QCTX_LOSS_CLIP, QCTX_DIRECTION_CONTEXT, false),
    FULL(QCTX_LOSS_SOFT, QCTX_DIRECTION_BOTH, true),     FULL(QCTX_LOSS_SOFT, QCTX_DIRECTION_BOTH, false),
};
enum { CONFIGS = sizeof configs / sizeof configs[0] };
static const qctx_loss_config plain_clip = FULL(QCTX_LOSS_CLIP, QCTX_DIRECTION_BOTH, false);

static void *room(int64_t count, size_t size)
{
    void *memory = qctx_alloc(count, size, "a test", NULL);

    assert_non_null(memory);
    return memory;
}

/* Random vectors; every row has its own context, named 100 + row, as the only positive. */
static problem make_problem(int64_t rows, int64_t dim)
{
    problem p = {.rows = rows, .dim = dim};

    qctx_share(rows, qctx_comm_rank(test_comm), qctx_comm_size(test_comm), &p.first, &p.count);
    p.q = room(rows * dim, sizeof *p.q);
    p.c = room(rows * dim, sizeof *p.c);
    p.wide_q = room(rows * dim, sizeof *p.wide_q);
    p.wide_c = room(rows * dim, sizeof *p.wide_c);
    p.content = room(rows, sizeof *p.content);
    p.positives = room(3 * rows, sizeof *p.positives);
    p.positive_offsets = room(rows + 1, sizeof *p.positive_offsets);
    for (int64_t k = 0; k < rows * dim; k++) {
        p.q[k] = (float)(2.0 * qctx_rng_uniform(5, QCTX_STREAM_SYNTH, 0, (uint64_t)k) - 1.0);
        p.c[k] = 0.5f * p.q[k] + (float)(2.0 * qctx_rng_uniform(5, QCTX_STREAM_SYNTH, 1, (uint64_t)k) - 1.0);
    }
    for (int64_t i = 0; i < rows; i++) {
        p.content[i] = 100 + (uint64_t)i;
        p.positives[i] = p.content[i];
        p.positive_offsets[i] = i;
    }
    p.positive_offsets[rows] = rows;
    return p;
}

/* Every fifth context is that of the row three before; questions have other positives, some outside the batch. */
static void add_duplicates(problem *p)
{
    for (int64_t i = 3; i < p->rows; i += 5)
        p->content[i] = p->content[i - 3];
    for (int64_t i = 0; i < p->rows; i++) {
        p->positive_offsets[i] = 3 * i;
        p->positives[3 * i] = i % 3 == 0 ? 1000000 : p->content[(i * 7 + 2) % p->rows];
        p->positives[3 * i + 1] = p->content[i];
        p->positives[3 * i + 2] = p->content[i % 2 == 0 ? i : p->rows - 1];
    }
    p->positive_offsets[p->rows] = 3 * p->rows;
}

/* Gives rank r counts[r] rows. */
static void place(problem *p, const int64_t *counts)
{
    int rank = qctx_comm_rank(test_comm);

    p->first = 0;
    for (int r = 0; r < rank; r++)
        p->first += counts[r];
    p->count = counts[rank];
}

static void free_problem(problem *p)
{
    free(p->q);
    free(p->c);
    free(p->wide_q);
    free(p->wide_c);
    free(p->content);
    free(p->positives);
    free(p->positive_offsets);
}

/* This rank's rows of the batch; offsets are from 0, so they are copied. */
static qctx_loss_batch own_batch(const problem *p, int64_t *offsets)
{
    for (int64_t i = 0; i <= p->count; i++)
        offsets[i] = p->positive_offsets[p->first + i] - p->positive_offsets[p->first];
    return (qctx_loss_batch){p->count, p->content + p->first, offsets, p->positives + p->positive_offsets[p->first]};
}

static answer solve(const problem *p, const qctx_loss_config *config, double log_scale)
{
    answer a = {0};
    int64_t *offsets = room(p->count + 1, sizeof *offsets);
    qctx_loss_batch mine = own_batch(p, offsets);
    qctx_loss_batch whole = {p->rows, p->content, p->positive_offsets, p->positives};
    qctx_loss *loss;
    qctx_error error;

    a.dq = room(p->count * p->dim, sizeof *a.dq);
    a.dc = room(p->count * p->dim, sizeof *a.dc);
    a.wide_dq = room(p->rows * p->dim, sizeof *a.wide_dq);
    a.wide_dc = room(p->rows * p->dim, sizeof *a.wide_dc);
    /* Room for more than the batch: a step must not rely on full ones. */
    assert_status(qctx_loss_create(test_comm, config, p->count + 2, p->rows + 9, p->dim, &loss, &error), QCTX_OK,
                  &error);
    qctx_loss_step(loss, p->q + p->first * p->dim, p->c + p->first * p->dim, &mine, (qctx_loss_scale){log_scale, 0.0},
                   a.dq, a.dc, &a.result);
    qctx_loss_destroy(loss);

    for (int64_t k = 0; k < p->rows * p->dim; k++) {
        p->wide_q[k] = (double)p->q[k];
        p->wide_c[k] = (double)p->c[k];
    }
    qctx_loss_reference(config, p->wide_q, p->wide_c, p->rows, p->dim, &whole, (qctx_loss_scale){log_scale, 0.0},
                        a.wide_dq, a.wide_dc, &a.reference);
    free(offsets);
    return a;
}

static void free_answer(answer *a)
{
    free(a->dq);
    free(a->dc);
    free(a->wide_dq);
    free(a->wide_dc);
}

/* Largest difference of this rank's rows from the reference, relative to the largest entry of all rows. */
static double gradient_error(const problem *p, const float *actual, const double *expected)
{
    double largest = 0.0, worst = 0.0;

    for (int64_t k = 0; k < p->rows * p->dim; k++)
        largest = fmax(largest, fabs(expected[k]));
    for (int64_t k = 0; k < p->count * p->dim; k++)
        worst = fmax(worst, fabs((double)actual[k] - expected[p->first * p->dim + k]));
    return largest > 0.0 ? worst / largest : worst;
}

/* The same bits on all ranks? */
static bool agreed(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return qctx_comm_same(test_comm, bits);
}

static void check(const problem *p, const qctx_loss_config *config, double log_scale, double bound)
{
    answer a = solve(p, config, log_scale);
    bool same = agreed(a.result.loss);

    same = agreed(a.result.dlog_scale) && same;
    same = agreed(a.result.accuracy) && same;
    assert_true(same);
    assert_true(a.result.finite);
    assert_true(a.reference.finite);
    assert_close(a.result.loss, a.reference.loss, bound);
    assert_close(a.result.dlog_scale, a.reference.dlog_scale, bound);
    assert_close(a.result.accuracy, a.reference.accuracy, 1e-12);
    assert_close(gradient_error(p, a.dq, a.wide_dq), 0.0, bound);
    assert_close(gradient_error(p, a.dc, a.wide_dc), 0.0, bound);
    free_answer(&a);
}

static void check_all_configs(const problem *p, double bound)
{
    for (int k = 0; k < CONFIGS; k++)
        check(p, &configs[k], configs[k].normalize ? log(20.0) : 0.5, bound);
}

static void agrees_with_the_reference(void **state)
{
    problem p = make_problem(37, 16);

    (void)state;
    check_all_configs(&p, 1e-5);
    add_duplicates(&p);
    check_all_configs(&p, 1e-5);
    free_problem(&p);
}

/* More rows than any piece, tile or strip of the kernels holds, and no multiple of one. */
static void agrees_with_the_reference_on_a_larger_batch(void **state)
{
    problem p = make_problem(579, 8);

    (void)state;
    add_duplicates(&p);
    check(&p, &configs[0], log(20.0), 1e-5);
    check(&p, &configs[6], log(20.0), 1e-5);
    free_problem(&p);
}

static void takes_uneven_and_empty_shards(void **state)
{
    const int64_t uneven[5] = {0, 1, 7, 2, 3}, last_only[5] = {0, 0, 0, 0, 6}, first_only[5] = {6, 0, 0, 0, 0};
    const int64_t *shards[3] = {uneven, last_only, first_only};
    int size = qctx_comm_size(test_comm);

    (void)state;
    for (int k = 0; k < 3; k++) {
        const int64_t *counts = shards[k] + (k == 2 ? 0 : 5 - size);
        problem p;
        int64_t rows = 0;

        for (int r = 0; r < size; r++)
            rows += counts[r];
        p = make_problem(rows, 12);
        add_duplicates(&p);
        place(&p, counts);
        check_all_configs(&p, 1e-5);
        free_problem(&p);
    }
}

static void takes_batches_of_none_one_and_two(void **state)
{
    (void)state;
    for (int64_t rows = 1; rows <= 2; rows++) {
        problem p = make_problem(rows, 5);

        check_all_configs(&p, 1e-5);
        free_problem(&p);
    }
    for (int k = 0; k < CONFIGS; k++) {
        problem p = make_problem(0, 5);
        answer a = solve(&p, &configs[k], 0.0);

        assert_true(a.result.finite);
        assert_true(a.result.loss == 0.0 && a.result.dlog_scale == 0.0 && a.result.accuracy == 0.0);
        free_answer(&a);
        free_problem(&p);
    }
}

/* One handle serves a short batch after a full one: nothing of the first may be left. */
static void a_handle_takes_batches_of_changing_size(void **state)
{
    problem large = make_problem(90, 8), small = make_problem(7, 8);
    int64_t *offsets = room(large.count + 1, sizeof *offsets);
    float *dq = room(large.count * 8, sizeof *dq), *dc = room(large.count * 8, sizeof *dc);
    qctx_loss_batch mine;
    qctx_loss_result result;
    qctx_loss *loss;
    qctx_error error;
    answer expected;

    (void)state;
    for (int64_t i = 0; i < large.rows; i++)
        large.content[i] = 1;
    assert_status(qctx_loss_create(test_comm, &configs[0], large.count, 90, 8, &loss, &error), QCTX_OK, &error);
    mine = own_batch(&large, offsets);
    qctx_loss_step(loss, large.q + large.first * 8, large.c + large.first * 8, &mine, (qctx_loss_scale){2.0, 0.0}, dq,
                   dc, &result);
    mine = own_batch(&small, offsets);
    qctx_loss_step(loss, small.q + small.first * 8, small.c + small.first * 8, &mine, (qctx_loss_scale){2.0, 0.0}, dq,
                   dc, &result);
    qctx_loss_destroy(loss);

    expected = solve(&small, &configs[0], 2.0);
    assert_true(result.loss == expected.result.loss);
    assert_memory_equal(dq, expected.dq, (size_t)small.count * 8 * sizeof *dq);
    assert_memory_equal(dc, expected.dc, (size_t)small.count * 8 * sizeof *dc);
    free_answer(&expected);
    free(offsets);
    free(dq);
    free(dc);
    free_problem(&large);
    free_problem(&small);
}

/* Nobody is anybody's negative: nothing to learn, exactly. */
static void rows_that_are_all_one_context_give_nothing(void **state)
{
    problem p = make_problem(150, 8);
    answer a;

    (void)state;
    for (int64_t i = 0; i < p.rows; i++)
        p.content[i] = p.positives[i] = 42;
    a = solve(&p, &configs[0], log(100.0));
    assert_true(a.result.loss == 0.0 && a.result.dlog_scale == 0.0 && a.result.accuracy == 1.0 && a.result.finite);
    for (int64_t k = 0; k < p.count * p.dim; k++)
        assert_true(a.dq[k] == 0.0f && a.dc[k] == 0.0f);
    free_answer(&a);
    free_problem(&p);
}

/* Question 0 has context 1 as another positive and must not push it; question 1 has only its own. */
static void a_masked_entry_has_exactly_no_gradient(void **state)
{
    qctx_loss_config config = FULL(QCTX_LOSS_CLIP, QCTX_DIRECTION_QUESTION, false);
    problem p = make_problem(3, 3);
    answer a;

    (void)state;
    memset(p.q, 0, 9 * sizeof *p.q);
    memset(p.c, 0, 9 * sizeof *p.c);
    for (int i = 0; i < 3; i++)
        p.q[4 * i] = p.c[4 * i] = 1.0f;
    memcpy(p.positives, (uint64_t[]){100, 101, 101, 102}, 4 * sizeof *p.positives);
    memcpy(p.positive_offsets, (int64_t[]){0, 2, 3, 4}, 4 * sizeof *p.positive_offsets);
    a = solve(&p, &config, 0.0);
    for (int64_t j = p.first; j < p.first + p.count; j++) {
        const float *row = a.dc + (j - p.first) * 3; /* s·G of column j */

        if (j == 1)
            assert_true(row[0] == 0.0f && row[1] < 0.0f && row[2] > 0.0f);
        else
            assert_true(row[0] != 0.0f && row[1] > 0.0f && row[2] != 0.0f);
    }
    free_answer(&a);
    free_problem(&p);
}

/* S = the identity; the figures are worked out by hand in the reference's test. */
static void the_identity_by_hand(void **state)
{
    problem p = make_problem(2, 2);
    answer a;

    (void)state;
    memcpy(p.q, (float[]){1.0f, 0.0f, 0.0f, 1.0f}, 4 * sizeof *p.q);
    memcpy(p.c, p.q, 4 * sizeof *p.c);
    a = solve(&p, &plain_clip, 0.0);
    assert_close(a.result.loss, 0.31326168751822286, 1e-6);
    assert_close(a.result.dlog_scale, -0.2689414213699951, 1e-6);
    for (int64_t i = p.first; i < p.first + p.count; i++)
        for (int64_t k = 0; k < 2; k++)
            assert_close((double)a.dq[(i - p.first) * 2 + k], i == k ? -0.1344707106849976 : 0.1344707106849976, 1e-6);
    free_answer(&a);
    free_problem(&p);
}

/* S = ±100 with the diagonal at −100: L = 100 + 100, G = ∓½, and exp(200) must not be formed on the way. */
static void opposite_vectors_at_scale_100(void **state)
{
    problem p = make_problem(2, 1);
    answer a;

    (void)state;
    p.q[0] = p.c[1] = 1.0f;
    p.q[1] = p.c[0] = -1.0f;
    a = solve(&p, &plain_clip, log(100.0));
    assert_true(a.result.finite);
    assert_close(a.result.loss, 200.0, 1e-6);
    assert_close(a.result.dlog_scale, 200.0, 1e-6);
    assert_close(a.result.accuracy, 0.0, 0.0);
    for (int64_t i = 0; i < p.count; i++)
        assert_close((double)a.dq[i], (double)(p.first + i == 0 ? 100.0f : -100.0f), 1e-6);
    free_answer(&a);
    free_problem(&p);
}

/* Scores of ±100 carry an error of 100 float32 roundings, about 1e-5, into each exponential: hence the bound. */
static void random_opposite_vectors_at_scale_100(void **state)
{
    problem p = make_problem(41, 16);

    (void)state;
    for (int64_t k = 0; k < p.rows * p.dim; k++)
        p.c[k] = (k / p.dim % 2 == 0 ? -1.0f : 1.0f) * p.q[k];
    add_duplicates(&p);
    for (int k = 0; k < CONFIGS; k++)
        if (configs[k].normalize)
            check(&p, &configs[k], log(100.0), 1e-4);
    free_problem(&p);
}

static void a_row_of_zeros_has_no_gradient(void **state)
{
    problem p = make_problem(5, 4);
    answer a;

    (void)state;
    memset(p.q + 2 * 4, 0, 4 * sizeof *p.q);
    memset(p.c + 3 * 4, 0, 4 * sizeof *p.c);
    check(&p, &configs[0], 2.0, 1e-5);
    check(&p, &configs[6], 2.0, 1e-5);
    a = solve(&p, &configs[0], 2.0);
    for (int64_t i = p.first; i < p.first + p.count; i++)
        for (int k = 0; k < 4; k++) {
            assert_true(i != 2 || a.dq[(i - p.first) * 4 + k] == 0.0f);
            assert_true(i != 3 || a.dc[(i - p.first) * 4 + k] == 0.0f);
        }
    free_answer(&a);
    free_problem(&p);
}

/* One bad number on one rank is seen by all. */
static void what_is_not_finite_is_told_to_all_ranks(void **state)
{
    const float bad[3] = {NAN, INFINITY, -INFINITY};

    (void)state;
    for (int k = 0; k < CONFIGS; k++)
        for (int b = 0; b < 3; b++) {
            problem p = make_problem(11, 4);
            answer a;

            (b == 0 ? p.q : p.c)[10 * 4 + 1] = bad[b];
            a = solve(&p, &configs[k], 1.0);
            assert_false(a.result.finite);
            free_answer(&a);
            free_problem(&p);
        }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(agrees_with_the_reference),
    cmocka_unit_test(agrees_with_the_reference_on_a_larger_batch),
    cmocka_unit_test(takes_uneven_and_empty_shards),
    cmocka_unit_test(takes_batches_of_none_one_and_two),
    cmocka_unit_test(a_handle_takes_batches_of_changing_size),
    cmocka_unit_test(rows_that_are_all_one_context_give_nothing),
    cmocka_unit_test(a_masked_entry_has_exactly_no_gradient),
    cmocka_unit_test(the_identity_by_hand),
    cmocka_unit_test(opposite_vectors_at_scale_100),
    cmocka_unit_test(random_opposite_vectors_at_scale_100),
    cmocka_unit_test(a_row_of_zeros_has_no_gradient),
    cmocka_unit_test(what_is_not_finite_is_told_to_all_ranks),
};
TEST_MAIN(tests)
