/* ranks: 1 2 3 5 8 */
#include "harness.h"

#include <malloc.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"
#include "qctx/base/rng.h"
#include "qctx/base/tree_sum.h"
#include "qctx/model/contrastive.h"

/* A whole batch, the same on all ranks, with duplicates and further positives. */
typedef struct {
    int64_t rows, dim;
    float *q, *c;
    uint64_t *content, *positives;
    int64_t *offsets;
} problem;

/* What a step says of this rank's rows. */
typedef struct {
    int64_t count; /* floats of each gradient */
    float *dq, *dc;
    qctx_loss_result result;
} answer;

/* How a step is carried out: everything that must change no bit. */
typedef struct {
    bool offer;
    bool in_place;
    double log_scale;
} manner;

static const manner plain = {false, false, 3.0};

static void *room(int64_t count, size_t size)
{
    void *memory = qctx_alloc(count, size, "a test", NULL);

    assert_non_null(memory);
    return memory;
}

static problem make_problem(int64_t rows, int64_t dim)
{
    problem p = {.rows = rows, .dim = dim};

    p.q = room(rows * dim, sizeof *p.q);
    p.c = room(rows * dim, sizeof *p.c);
    p.content = room(rows, sizeof *p.content);
    p.positives = room(2 * rows, sizeof *p.positives);
    p.offsets = room(rows + 1, sizeof *p.offsets);
    for (int64_t k = 0; k < rows * dim; k++) {
        p.q[k] = (float)(2.0 * qctx_rng_uniform(9, QCTX_STREAM_SYNTH, 0, (uint64_t)k) - 1.0);
        p.c[k] = 0.5f * p.q[k] + (float)(2.0 * qctx_rng_uniform(9, QCTX_STREAM_SYNTH, 1, (uint64_t)k) - 1.0);
    }
    for (int64_t i = 0; i < rows; i++) {
        p.content[i] = 100 + (uint64_t)(i % 7 == 5 ? i - 3 : i);
        p.positives[2 * i] = p.content[i];
        p.positives[2 * i + 1] = 100 + (uint64_t)((i * 11 + 4) % rows);
        p.offsets[i + 1] = 2 * (i + 1);
    }
    return p;
}

static void free_problem(problem *p)
{
    free(p->q);
    free(p->c);
    free(p->content);
    free(p->positives);
    free(p->offsets);
}

static void free_answer(answer *a)
{
    free(a->dq);
    free(a->dc);
}

/* The rows of the batch that fall to a rank: a share, or its leaves'. */
static void rows_of_rank(const qctx_comm *comm, const qctx_loss_config *config, int64_t batch, int64_t *first,
                         int64_t *count)
{
    int rank = qctx_comm_rank(comm), size = qctx_comm_size(comm);
    int64_t leaf, leaves, last, length;

    if (config->leaves == 0) {
        qctx_share(batch, rank, size, first, count);
        return;
    }
    qctx_leaf_share(config->leaves, rank, size, &leaf, &leaves);
    qctx_leaf_rows(batch, config->leaves, leaf, first, &length);
    qctx_leaf_rows(batch, config->leaves, leaf + leaves - 1, &last, &length);
    *count = last + length - *first;
}

static answer step(qctx_comm *comm, qctx_loss *loss, const problem *p, const qctx_loss_config *config, manner how)
{
    int64_t first, count, dim = p->dim;
    int64_t *offsets;
    qctx_loss_batch batch;
    answer a;
    float *q, *c;

    rows_of_rank(comm, config, p->rows, &first, &count);
    offsets = room(count + 1, sizeof *offsets);
    for (int64_t i = 0; i <= count; i++)
        offsets[i] = p->offsets[first + i] - p->offsets[first];
    batch = (qctx_loss_batch){count, p->content + first, offsets, p->positives + p->offsets[first]};
    a = (answer){.count = count * dim, .dq = room(count * dim, sizeof *a.dq), .dc = room(count * dim, sizeof *a.dc)};
    memcpy(a.dq, p->q + first * dim, (size_t)(count * dim) * sizeof *a.dq);
    memcpy(a.dc, p->c + first * dim, (size_t)(count * dim) * sizeof *a.dc);
    q = how.in_place ? a.dq : p->q + first * dim;
    c = how.in_place ? a.dc : p->c + first * dim;
    if (how.offer)
        qctx_loss_offer(loss, c, &batch);
    qctx_loss_step(loss, q, c, &batch, (qctx_loss_scale){how.log_scale, -4.0}, a.dq, a.dc, &a.result);
    free(offsets);
    return a;
}

static qctx_loss *create(qctx_comm *comm, const qctx_loss_config *config, const problem *p)
{
    qctx_loss *loss;
    qctx_error error;
    int64_t first, count;

    rows_of_rank(comm, config, p->rows, &first, &count);
    assert_status(qctx_loss_create(comm, config, count, p->rows, p->dim, &loss, &error), QCTX_OK, &error);
    return loss;
}

static answer solve(qctx_comm *comm, const problem *p, const qctx_loss_config *config, manner how)
{
    qctx_loss *loss = create(comm, config, p);
    answer a = step(comm, loss, p, config, how);

    qctx_loss_destroy(loss);
    return a;
}

/* `b` is what `a` holds from float `from` on. */
static bool is_part(const answer *a, int64_t from, const answer *b)
{
    return memcmp(a->dq + from, b->dq, (size_t)b->count * sizeof *b->dq) == 0 &&
           memcmp(a->dc + from, b->dc, (size_t)b->count * sizeof *b->dc) == 0 && a->result.loss == b->result.loss &&
           a->result.dlog_scale == b->result.dlog_scale && a->result.dbias == b->result.dbias &&
           a->result.accuracy == b->result.accuracy && a->result.finite == b->result.finite;
}

static void assert_same(const answer *a, const answer *b)
{
    assert_int_equal(a->count, b->count);
    assert_true(a->result.finite);
    assert_true(is_part(a, 0, b));
}

static qctx_loss_config config_of(qctx_similarity scheme, qctx_loss_kind kind)
{
    return (qctx_loss_config){.kind = kind, .normalize = true, .scheme = scheme};
}

static const qctx_similarity shared[] = {QCTX_SIMILARITY_ROWS, QCTX_SIMILARITY_RING, QCTX_SIMILARITY_ROWS_COLUMNS};
enum { SHARED = sizeof shared / sizeof shared[0] };
static const qctx_loss_kind kinds[] = {QCTX_LOSS_CLIP, QCTX_LOSS_SIGMOID};

static void offers_and_gradients_in_place_change_no_bit(void **state)
{
    const manner manners[] = {{true, false, 3.0}, {false, true, 3.0}, {true, true, 3.0}};
    problem p = make_problem(83, 12);

    (void)state;
    for (int s = 0; s < SHARED; s++)
        for (int k = 0; k < 2; k++)
            for (int m = 0; m < 3; m++) {
                const qctx_loss_config config = config_of(shared[s], kinds[k]);
                answer expected = solve(test_comm, &p, &config, plain);
                answer actual = solve(test_comm, &p, &config, manners[m]);

                assert_same(&expected, &actual);
                free_answer(&expected);
                free_answer(&actual);
            }
    free_problem(&p);
}

/* Several tiles either way on one rank, and memory for none, some and all of them. */
static void kept_scores_change_no_bit(void **state)
{
    const int64_t keep[] = {3 << 20, (int64_t)1 << 40};
    problem p = make_problem(2100, 4);

    (void)state;
    for (int variant = 0; variant < 4; variant++) {
        qctx_loss_config config =
            config_of(variant < 2 ? QCTX_SIMILARITY_ROWS : QCTX_SIMILARITY_ROWS_COLUMNS, QCTX_LOSS_CLIP);
        answer expected;

        config.precision = variant % 2 == 0 ? QCTX_PRECISION_FLOAT32 : QCTX_PRECISION_BFLOAT16;
        expected = solve(test_comm, &p, &config, plain);
        for (int k = 0; k < 2; k++) {
            answer actual;

            config.keep_bytes = keep[k];
            actual = solve(test_comm, &p, &config, plain);
            assert_same(&expected, &actual);
            free_answer(&actual);
        }
        free_answer(&expected);
    }
    free_problem(&p);
}

/* Nothing of a step is left for the next one, be it larger, smaller, or one that took the careful way. */
static void one_loss_serves_steps_of_all_sizes(void **state)
{
    const int64_t rows[] = {40, 7, 61, 0, 1, 40};
    const double scales[] = {log(100.0), 2.0, 3.0, 3.0, 1.0, log(100.0)};
    problem largest = make_problem(61, 5);

    (void)state;
    for (int64_t k = 0; k < 61 * 5; k++)
        largest.c[k] = -largest.q[k];
    for (int s = 0; s < SHARED; s++) {
        const qctx_loss_config config = config_of(shared[s], QCTX_LOSS_CLIP);
        qctx_loss *loss = create(test_comm, &config, &largest);

        for (int k = 0; k < 6; k++) {
            problem p = largest;
            manner how = {k % 2 == 1, false, scales[k]};
            answer expected, actual;

            p.rows = rows[k];
            expected = solve(test_comm, &p, &config, how);
            actual = step(test_comm, loss, &p, &config, how);
            assert_close(actual.result.loss, expected.result.loss, 1e-6);
            assert_close(actual.result.accuracy, expected.result.accuracy, 0.0);
            assert_int_equal(actual.result.finite, true);
            for (int64_t i = 0; i < actual.count; i++)
                assert_close((double)actual.dq[i], (double)expected.dq[i], 1e-5);
            free_answer(&expected);
            free_answer(&actual);
        }
        qctx_loss_destroy(loss);
    }
    free_problem(&largest);
}

/* The double reference for the whole batch against this rank's rows. */
static void assert_agrees(const problem *p, const qctx_loss_config *config, manner how, double bound)
{
    const qctx_loss_batch whole = {p->rows, p->content, p->offsets, p->positives};
    int64_t count = p->rows * p->dim, first, rows;
    double *wide = room(4 * count, sizeof *wide), most[2] = {0.0, 0.0};
    double *dq = wide + 2 * count, *dc = wide + 3 * count;
    answer a = solve(test_comm, p, config, how);
    qctx_loss_result expected;

    for (int64_t k = 0; k < count; k++) {
        wide[k] = (double)p->q[k];
        wide[count + k] = (double)p->c[k];
    }
    qctx_loss_reference(config, wide, wide + count, p->rows, p->dim, &whole, (qctx_loss_scale){how.log_scale, -4.0}, dq,
                        dc, &expected);
    assert_true(a.result.finite && expected.finite);
    assert_close(a.result.loss, expected.loss, bound);
    assert_close(a.result.dlog_scale, expected.dlog_scale, bound);
    assert_close(a.result.accuracy, expected.accuracy, 0.0);
    for (int64_t k = 0; k < count; k++) {
        most[0] = fmax(most[0], fabs(dq[k]));
        most[1] = fmax(most[1], fabs(dc[k]));
    }
    rows_of_rank(test_comm, config, p->rows, &first, &rows);
    for (int64_t k = 0; k < a.count; k++) {
        assert_close(((double)a.dq[k] - dq[first * p->dim + k]) / most[0], 0.0, bound);
        assert_close(((double)a.dc[k] - dc[first * p->dim + k]) / most[1], 0.0, bound);
    }
    free_answer(&a);
    free(wide);
}

/*
 * Every context opposite its question at s = 100, with vectors so alike that whole rows lie 150 below the shared shift;
 * and products of long vectors, where the shift follows from their lengths. At such scores a float32 rounding is 1e-5.
 */
static void sums_below_the_shared_shift_are_exact(void **state)
{
    problem p = make_problem(45, 6);

    (void)state;
    for (int64_t k = 0; k < 45 * 6; k++) {
        p.q[k] = (k / 6 % 3 == 0 ? -1.0f : 1.0f) * (1.0f + 0.1f * p.q[k]);
        p.c[k] = -1.0f - 0.05f * p.c[k];
    }
    for (int s = 0; s < SHARED; s++)
        for (int d = 0; d < 3; d++) {
            qctx_loss_config config = config_of(shared[s], QCTX_LOSS_CLIP);

            config.direction = (qctx_loss_direction)d;
            assert_agrees(&p, &config, (manner){false, false, log(100.0)}, 1e-4);
            config.normalize = false;
            assert_agrees(&p, &config, (manner){false, false, log(40.0)}, 1e-4);
            assert_agrees(&p, &config, (manner){false, false, 0.0}, 1e-5);
        }
    free_problem(&p);
}

/* Groups of 1, 2, 4 and 8 ranks each solve the whole batch: the same bits, be the way fast or careful. */
static void leaves_give_the_same_bits_on_any_number_of_ranks(void **state)
{
    problem p = make_problem(203, 24), opposite = make_problem(101, 6);
    const problem *problems[] = {&p, &p, &p, &opposite};
    qctx_comm *alone = qctx_comm_groups(test_comm, 1);
    bool same = true;

    (void)state;
    for (int64_t k = 0; k < 101 * 6; k++) {
        opposite.q[k] = 1.0f + 0.1f * opposite.q[k];
        opposite.c[k] = -1.0f;
    }
    for (int variant = 0; variant < 8; variant++) {
        const int k = variant % 4;
        qctx_loss_config config = config_of(variant < 4 ? QCTX_SIMILARITY_ROWS : QCTX_SIMILARITY_ROWS_COLUMNS,
                                            k == 2 ? QCTX_LOSS_SIGMOID : QCTX_LOSS_CLIP);
        const manner how = {k == 0, false, k == 3 ? log(100.0) : 3.0};
        answer expected;

        config.leaves = qctx_leaf_count(problems[k]->rows);
        config.precision = k == 1 ? QCTX_PRECISION_BFLOAT16 : QCTX_PRECISION_FLOAT32;
        expected = solve(alone, problems[k], &config, how);
        same = same && expected.result.finite;
        for (int size = 2; size <= qctx_comm_size(test_comm); size *= 2) {
            qctx_comm *group = qctx_comm_groups(test_comm, size);
            answer actual = solve(group, problems[k], &config, how);
            int64_t first, count;

            rows_of_rank(group, &config, problems[k]->rows, &first, &count);
            if (qctx_leaf_is_invariant(config.leaves, qctx_comm_size(group)))
                same = same && is_part(&expected, first * problems[k]->dim, &actual);
            free_answer(&actual);
            qctx_comm_close_group(group);
        }
        free_answer(&expected);
    }
    qctx_comm_close_group(alone);
    assert_true(same);
    free_problem(&p);
    free_problem(&opposite);
}

static void threads_change_no_bit(void **state)
{
    int threads = omp_get_max_threads();
    problem p = make_problem(700, 16);

    (void)state;
    for (int k = 0; k < SHARED + 2; k++) {
        qctx_loss_config config = config_of(shared[k < SHARED ? k : 2 * (k - SHARED)], QCTX_LOSS_CLIP);
        answer one, two;

        config.leaves = k < SHARED ? 0 : 8;
        omp_set_num_threads(1);
        one = solve(test_comm, &p, &config, plain);
        omp_set_num_threads(2);
        two = solve(test_comm, &p, &config, plain);
        omp_set_num_threads(threads);
        assert_same(&one, &two);
        free_answer(&one);
        free_answer(&two);
    }
    free_problem(&p);
}

/* Against what the allocator hands out, which is more by what it needs itself. */
static void memory_is_foretold(void **state)
{
    problem p = make_problem(600, 32);

    (void)state;
#ifdef __SANITIZE_ADDRESS__
    free_problem(&p);
    test_skip("the sanitizer's allocator does not count");
#endif
    for (int k = 0; k < 8; k++) {
        const qctx_similarity scheme = k == 0   ? QCTX_SIMILARITY_FULL
                                       : k == 4 ? QCTX_SIMILARITY_RING
                                       : k > 4  ? QCTX_SIMILARITY_ROWS_COLUMNS
                                                : QCTX_SIMILARITY_ROWS;
        qctx_loss_config config = config_of(scheme, QCTX_LOSS_CLIP);
        struct mallinfo2 before, after;
        int64_t told, first, rows;
        double taken;
        qctx_loss *loss;

        config.keep_bytes = k == 2 || k == 6 ? 100000 : k == 3 || k == 7 ? 10000000 : 0;
        config.leaves = k == 1 || k == 5 ? 8 : 0;
        rows_of_rank(test_comm, &config, p.rows, &first, &rows);
        told = qctx_loss_memory(&config, qctx_comm_size(test_comm), rows, p.rows, p.dim);
        before = mallinfo2();
        loss = create(test_comm, &config, &p);
        after = mallinfo2();
        taken = (double)(after.uordblks + after.hblkhd) - (double)(before.uordblks + before.hblkhd);
        assert_close(taken / (double)told, 1.0, 0.05);
        qctx_loss_destroy(loss);
    }
    free_problem(&p);
}

static void operations_are_counted(void **state)
{
    qctx_loss_config config = config_of(QCTX_SIMILARITY_ROWS, QCTX_LOSS_CLIP);
    const double product = 2.0 * 1000.0 * 4000.0 * 64.0;

    (void)state;
    assert_close(qctx_loss_flops(&config, 4, 1000, 4000, 64) / product, 4.0, 1e-12);
    config.keep_bytes = (int64_t)1 << 40;
    assert_close(qctx_loss_flops(&config, 4, 1000, 4000, 64) / product, 3.0, 1e-12);
    config.scheme = QCTX_SIMILARITY_RING;
    assert_close(qctx_loss_flops(&config, 4, 1000, 4000, 64) / product, 4.0, 1e-12);
    config.kind = QCTX_LOSS_SIGMOID;
    assert_close(qctx_loss_flops(&config, 4, 1000, 4000, 64) / product, 3.0, 1e-12);
    config.scheme = QCTX_SIMILARITY_ROWS_COLUMNS;
    assert_close(qctx_loss_flops(&config, 4, 1000, 4000, 64) / product, 4.0, 1e-12);
    config.kind = QCTX_LOSS_CLIP;
    assert_close(qctx_loss_flops(&config, 4, 1000, 4000, 64) / product, 4.0, 1e-12);
    config.keep_bytes = 0;
    assert_close(qctx_loss_flops(&config, 4, 1000, 4000, 64) / product, 6.0, 1e-12);
    config.kind = QCTX_LOSS_SIGMOID;
    config.scheme = QCTX_SIMILARITY_FULL;
    assert_close(qctx_loss_flops(&config, 4, 1000, 4000, 64) / product, 6.0, 1e-12);
}

static void what_no_plan_may_ask_for_is_refused(void **state)
{
    const qctx_loss_config bad[] = {config_of(QCTX_SIMILARITY_AUTO, QCTX_LOSS_CLIP),
                                    config_of(QCTX_SIMILARITY_ROWS, QCTX_LOSS_SOFT),
                                    config_of(QCTX_SIMILARITY_RING, QCTX_LOSS_SOFT),
                                    {.normalize = true, .scheme = QCTX_SIMILARITY_RING, .leaves = 8},
                                    {.normalize = true, .scheme = QCTX_SIMILARITY_FULL, .leaves = 8}};

    (void)state;
    for (int k = 0; k < 5; k++) {
        qctx_error error;
        qctx_loss *loss;

        assert_status(qctx_loss_create(test_comm, &bad[k], 2, 16, 4, &loss, &error), QCTX_ERR_INTERNAL, &error);
        assert_contains(error.message, qctx_similarity_name(bad[k].scheme));
        assert_null(loss);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(offers_and_gradients_in_place_change_no_bit),
    cmocka_unit_test(kept_scores_change_no_bit),
    cmocka_unit_test(one_loss_serves_steps_of_all_sizes),
    cmocka_unit_test(sums_below_the_shared_shift_are_exact),
    cmocka_unit_test(leaves_give_the_same_bits_on_any_number_of_ranks),
    cmocka_unit_test(threads_change_no_bit),
    cmocka_unit_test(memory_is_foretold),
    cmocka_unit_test(operations_are_counted),
    cmocka_unit_test(what_no_plan_may_ask_for_is_refused),
};
TEST_MAIN(tests)
