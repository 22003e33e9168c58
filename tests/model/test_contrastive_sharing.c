/* ranks: 1 2 3 8 */
#include "contrastive_sharing.h"

#include <math.h>
#include <omp.h>

static const qctx_loss_kind kinds[] = {QCTX_LOSS_CLIP, QCTX_LOSS_SIGMOID};

/* `b` is what `a` holds from float `from` of its rows on, and from float `from_extra` of its extras. */
static bool is_part(const answer *a, int64_t from, int64_t from_extra, const answer *b)
{
    return memcmp(a->dq + from, b->dq, (size_t)b->count * sizeof *b->dq) == 0 &&
           memcmp(a->dc + from, b->dc, (size_t)b->count * sizeof *b->dc) == 0 &&
           memcmp(a->dc + a->count + from_extra, b->dc + b->count, (size_t)b->extras * sizeof *b->dc) == 0 &&
           a->result.loss == b->result.loss && a->result.dlog_scale == b->result.dlog_scale &&
           a->result.dbias == b->result.dbias && a->result.accuracy == b->result.accuracy &&
           a->result.finite == b->result.finite;
}

static void assert_same(const answer *a, const answer *b)
{
    assert_int_equal(a->count, b->count);
    assert_true(a->result.finite);
    assert_true(is_part(a, 0, 0, b));
}

static void offers_and_gradients_in_place_change_no_bit(void **state)
{
    const manner manners[] = {{true, false, 3.0}, {false, true, 3.0}, {true, true, 3.0}};
    problem p = sharing_problem_with_extras(83, 61, 12);

    (void)state;
    for (int s = 0; s < SHARING_SCHEMES; s++)
        for (int k = 0; k < 2; k++)
            for (int m = 0; m < 3; m++) {
                const qctx_loss_config config = sharing_config(sharing_schemes[s], kinds[k]);
                answer expected = sharing_solve(test_comm, &p, &config, sharing_plain);
                answer actual = sharing_solve(test_comm, &p, &config, manners[m]);

                assert_same(&expected, &actual);
                probe_free_answer(&expected);
                probe_free_answer(&actual);
            }
    probe_free(&p);
}

/* Several tiles either way on one rank, and memory for none, some and all of them. */
static void kept_scores_change_no_bit(void **state)
{
    const int64_t keep[] = {3 << 20, (int64_t)1 << 40};
    problem p = sharing_problem_with_extras(2100, 1700, 4);

    (void)state;
    for (int variant = 0; variant < 2; variant++) {
        qctx_loss_config config = sharing_config(QCTX_SIMILARITY_ROWS, QCTX_LOSS_CLIP);
        answer expected;

        config.precision = variant == 0 ? QCTX_PRECISION_FLOAT32 : QCTX_PRECISION_BFLOAT16;
        expected = sharing_solve(test_comm, &p, &config, sharing_plain);
        for (int k = 0; k < 2; k++) {
            answer actual;

            config.keep_bytes = keep[k];
            actual = sharing_solve(test_comm, &p, &config, sharing_plain);
            assert_same(&expected, &actual);
            probe_free_answer(&actual);
        }
        probe_free_answer(&expected);
    }
    probe_free(&p);
}

/* Groups of 1, 2, 4 and 8 ranks each solve the whole batch: the same bits, with one shift and by row maxima. */
static void leaves_give_the_same_bits_on_any_number_of_ranks(void **state)
{
    problem p = sharing_problem(203, 24), more = sharing_problem_with_extras(203, 1237, 24);
    problem opposite = sharing_problem(101, 6), few = sharing_problem_with_extras(101, 5, 6);
    const problem *problems[] = {&p, &p, &p, &opposite, &more, &more, &more, &few};
    qctx_comm *alone = qctx_comm_groups(test_comm, 1);
    bool same = true;

    (void)state;
    for (int64_t k = 0; k < 101 * 6; k++) {
        opposite.q[k] = few.q[k] = 1.0f + 0.1f * opposite.q[k];
        opposite.c[k] = few.c[k] = -1.0f;
    }
    for (int k = 0; k < 8; k++) {
        qctx_loss_config config = sharing_config(QCTX_SIMILARITY_ROWS, k % 4 == 2 ? QCTX_LOSS_SIGMOID : QCTX_LOSS_CLIP);
        const manner how = {k % 4 == 0, false, k % 4 == 3 ? log(100.0) : 3.0};
        answer expected;

        config.leaves = qctx_leaf_count(problems[k]->rows);
        config.precision = k % 4 == 1 ? QCTX_PRECISION_BFLOAT16 : QCTX_PRECISION_FLOAT32;
        expected = sharing_solve(alone, problems[k], &config, how);
        same = same && expected.result.finite;
        for (int size = 2; size <= qctx_comm_size(test_comm); size *= 2) {
            qctx_comm *group = qctx_comm_groups(test_comm, size);
            answer actual = sharing_solve(group, problems[k], &config, how);
            const problem own = sharing_own(group, &config, problems[k]);

            if (qctx_leaf_is_invariant(config.leaves, qctx_comm_size(group)))
                same = same && is_part(&expected, own.first * own.dim, own.first_extra * own.dim, &actual);
            probe_free_answer(&actual);
            qctx_comm_close_group(group);
        }
        probe_free_answer(&expected);
    }
    qctx_comm_close_group(alone);
    assert_true(same);
    probe_free(&p);
    probe_free(&more);
    probe_free(&opposite);
    probe_free(&few);
}

static void threads_change_no_bit(void **state)
{
    int threads = omp_get_max_threads();
    problem p = sharing_problem_with_extras(700, 900, 16);

    (void)state;
    /* The last one is rows with leaves. */
    for (int k = 0; k <= SHARING_SCHEMES; k++) {
        qctx_loss_config config =
            sharing_config(k < SHARING_SCHEMES ? sharing_schemes[k] : QCTX_SIMILARITY_ROWS, QCTX_LOSS_CLIP);
        answer one, two;

        config.leaves = k < SHARING_SCHEMES ? 0 : 8;
        omp_set_num_threads(1);
        one = sharing_solve(test_comm, &p, &config, sharing_plain);
        omp_set_num_threads(2);
        two = sharing_solve(test_comm, &p, &config, sharing_plain);
        omp_set_num_threads(threads);
        assert_same(&one, &two);
        probe_free_answer(&one);
        probe_free_answer(&two);
    }
    probe_free(&p);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(offers_and_gradients_in_place_change_no_bit),
    cmocka_unit_test(kept_scores_change_no_bit),
    cmocka_unit_test(leaves_give_the_same_bits_on_any_number_of_ranks),
    cmocka_unit_test(threads_change_no_bit),
};
TEST_MAIN(tests)
