/* ranks: 1 */
#include "harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/order.h"
#include "qctx/base/rng.h"
#include "qctx/base/tree_sum.h"

enum { LEAVES = 64, LENGTH = 10007 };

/* Numbers of such different sizes that nearly every order of additions rounds to other bits. */
static float number(int64_t leaf, int64_t i)
{
    double uniform = qctx_rng_uniform(11, QCTX_STREAM_DROPOUT, (uint64_t)leaf, (uint64_t)i);

    return (float)((uniform - 0.5) * exp2(12.0 * qctx_rng_uniform(12, QCTX_STREAM_DROPOUT, (uint64_t)i, leaf)));
}

/* The definition, for a power of two of leaves: the sum of the left half plus that of the right half. */
static float tree_of(int64_t first, int64_t count, int64_t i)
{
    if (count == 1)
        return number(first, i);
    return tree_of(first, count / 2, i) + tree_of(first + count / 2, count / 2, i);
}

static double tree_of_values(const double *values, int64_t count)
{
    return count == 1 ? values[0] : tree_of_values(values, count / 2) + tree_of_values(values + count / 2, count / 2);
}

static void push_leaves(qctx_tree_sum *sum, int64_t first, int64_t count, int64_t length)
{
    for (int64_t leaf = first; leaf < first + count; leaf++) {
        float *room = qctx_tree_sum_leaf(sum);

        for (int64_t i = 0; i < length; i++)
            room[i] = number(leaf, i);
        qctx_tree_sum_push(sum);
    }
}

static void counts_of_leaves_follow_the_batch(void **state)
{
    const int64_t batches[][2] = {{0, 8},      {1, 8},      {4096, 8},   {8191, 8},        {8192, 16},
                                  {16383, 16}, {16384, 32}, {32768, 64}, {1 << 20, LEAVES}};

    (void)state;
    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++)
        assert_int_equal(qctx_leaf_count(batches[i][0]), batches[i][1]);
}

static void rows_fall_to_leaves_once(void **state)
{
    const int64_t batches[] = {0, 1, 7, 8, 9, 4099};

    (void)state;
    for (size_t b = 0; b < sizeof batches / sizeof *batches; b++) {
        int64_t next = 0;

        for (int64_t leaf = 0; leaf < 8; leaf++) {
            int64_t first, count;

            qctx_share(batches[b], leaf, 8, &first, &count);
            assert_int_equal(first, next);
            assert_true(count == batches[b] / 8 || count == batches[b] / 8 + 1);
            next += count;
        }
        assert_int_equal(next, batches[b]);
    }
}

static void leaves_fall_to_ranks_in_aligned_runs(void **state)
{
    (void)state;
    for (int size = 1; size <= 9; size++) {
        int64_t next = 0;

        for (int rank = 0; rank < size; rank++) {
            int64_t first, count;

            qctx_share(8, rank, size, &first, &count);
            assert_int_equal(first, next);
            assert_true(count == 8 / size || count == 8 / size + 1);
            if (qctx_leaf_is_invariant(8, size))
                assert_true(count == 8 / size && first % count == 0);
            next += count;
        }
        assert_int_equal(next, 8);
    }
}

static void invariance_needs_a_power_of_two(void **state)
{
    (void)state;
    assert_true(qctx_leaf_is_invariant(8, 1) && qctx_leaf_is_invariant(8, 2) && qctx_leaf_is_invariant(8, 8));
    assert_false(qctx_leaf_is_invariant(8, 3) || qctx_leaf_is_invariant(8, 6) || qctx_leaf_is_invariant(8, 16));
    assert_false(qctx_leaf_is_invariant(8, 0));
}

static void sums_follow_the_tree(void **state)
{
    float *out = malloc(LENGTH * sizeof *out);
    qctx_tree_sum *sum;
    qctx_error error;
    int64_t in_order = 0;

    (void)state;
    assert_status(qctx_tree_sum_create(LENGTH, LEAVES, &sum, &error), QCTX_OK, &error);
    /* From large to small, so that what an earlier sum left behind would show. */
    for (int64_t leaves = LEAVES; leaves >= 1; leaves /= 2) {
        qctx_tree_sum_reset(sum);
        push_leaves(sum, 0, leaves, LENGTH);
        qctx_tree_sum_result(sum, out);
        for (int64_t i = 0; i < LENGTH; i++)
            assert_true(out[i] == tree_of(0, leaves, i));
    }
    /* The numbers do tell one order from another. */
    qctx_tree_sum_reset(sum);
    push_leaves(sum, 0, LEAVES, LENGTH);
    qctx_tree_sum_result(sum, out);
    for (int64_t i = 0; i < LENGTH; i++) {
        float running = 0.0f;

        for (int64_t leaf = 0; leaf < LEAVES; leaf++)
            running += number(leaf, i);
        in_order += out[i] == running;
    }
    assert_true(in_order < LENGTH / 2);
    qctx_tree_sum_destroy(sum);
    free(out);
}

/* What is left over at the end joins from the right: 7 leaves are ((0 1)(2 3)) + ((4 5) + 6). */
static void other_counts_join_from_the_right(void **state)
{
    enum { SHORT = 100 };
    float out[SHORT], again[SHORT];
    qctx_tree_sum *sum;
    qctx_error error;

    (void)state;
    assert_status(qctx_tree_sum_create(SHORT, 7, &sum, &error), QCTX_OK, &error);
    push_leaves(sum, 0, 7, SHORT);
    qctx_tree_sum_result(sum, out);
    qctx_tree_sum_result(sum, again);
    assert_memory_equal(out, again, sizeof out);
    for (int64_t i = 0; i < SHORT; i++)
        assert_true(out[i] == tree_of(0, 4, i) + (tree_of(4, 2, i) + tree_of(6, 1, i)));
    qctx_tree_sum_destroy(sum);
}

static void subtrees_continue_to_the_whole(void **state)
{
    enum { SHORT = 100, RUN = LEAVES / 4 };
    float parts[4][SHORT];
    qctx_tree_sum *sum;
    qctx_error error;

    (void)state;
    assert_status(qctx_tree_sum_create(SHORT, RUN, &sum, &error), QCTX_OK, &error);
    for (int part = 0; part < 4; part++) {
        qctx_tree_sum_reset(sum);
        push_leaves(sum, part * RUN, RUN, SHORT);
        qctx_tree_sum_result(sum, parts[part]);
    }
    for (int64_t i = 0; i < SHORT; i++)
        assert_true((parts[0][i] + parts[1][i]) + (parts[2][i] + parts[3][i]) == tree_of(0, LEAVES, i));
    qctx_tree_sum_destroy(sum);
}

static void nothing_sums_to_zero(void **state)
{
    float out[3] = {1.0f, 2.0f, 3.0f};
    qctx_tree_sum *sum;
    qctx_error error;

    (void)state;
    assert_status(qctx_tree_sum_create(3, 8, &sum, &error), QCTX_OK, &error);
    qctx_tree_sum_result(sum, out);
    assert_true(out[0] == 0.0f && out[1] == 0.0f && out[2] == 0.0f);
    qctx_tree_sum_destroy(sum);
    assert_status(qctx_tree_sum_create(0, 8, &sum, &error), QCTX_OK, &error);
    assert_non_null(qctx_tree_sum_leaf(sum));
    qctx_tree_sum_push(sum);
    qctx_tree_sum_push(sum);
    qctx_tree_sum_result(sum, out);
    qctx_tree_sum_destroy(sum);
    qctx_tree_sum_destroy(NULL);
    qctx_tree_sum_rows(NULL, 0, 3, 3);
}

/* Row i holds value i twice, and behind it a number that no sum may touch. */
static double sum_of_rows(const double *values, int64_t count)
{
    double rows[3 * LEAVES];

    for (int64_t i = 0; i < count; i++) {
        rows[3 * i] = rows[3 * i + 1] = values[i];
        rows[3 * i + 2] = 7.0;
    }
    qctx_tree_sum_rows(rows, count, 2, 3);
    for (int64_t i = 0; i < count; i++)
        assert_true(rows[3 * i + 2] == 7.0);
    assert_true(rows[0] == rows[1]);
    return rows[0];
}

static void numbers_follow_the_same_tree(void **state)
{
    double values[LEAVES];

    (void)state;
    for (int64_t i = 0; i < LEAVES; i++)
        values[i] = number(i, 5) / 3.0;
    for (int64_t count = 1; count <= LEAVES; count *= 2)
        assert_true(sum_of_rows(values, count) == tree_of_values(values, count));
    assert_true(sum_of_rows(values, 7) == tree_of_values(values, 4) + (tree_of_values(values + 4, 2) + values[6]));
}

static void too_long_vectors_are_refused(void **state)
{
    qctx_tree_sum *sum = NULL;
    qctx_error error;

    (void)state;
    assert_status(qctx_tree_sum_create(INT64_MAX / 8, LEAVES, &sum, &error), QCTX_ERR_MEMORY, &error);
    assert_contains(error.message, "sums over leaves");
    assert_null(sum);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(counts_of_leaves_follow_the_batch),
    cmocka_unit_test(rows_fall_to_leaves_once),
    cmocka_unit_test(leaves_fall_to_ranks_in_aligned_runs),
    cmocka_unit_test(invariance_needs_a_power_of_two),
    cmocka_unit_test(sums_follow_the_tree),
    cmocka_unit_test(other_counts_join_from_the_right),
    cmocka_unit_test(subtrees_continue_to_the_whole),
    cmocka_unit_test(nothing_sums_to_zero),
    cmocka_unit_test(numbers_follow_the_same_tree),
    cmocka_unit_test(too_long_vectors_are_refused),
};
TEST_MAIN(tests)
