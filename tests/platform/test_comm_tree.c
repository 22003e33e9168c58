/* ranks: 1 2 3 8 */
#include "harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/order.h"
#include "qctx/base/tree_sum.h"

enum { LEAVES = 16 };

/* Of many sizes, so that nearly every order of additions rounds to other bits. */
static float number(int64_t leaf, int64_t i)
{
    uint64_t x = (uint64_t)i * 0x9e3779b97f4a7c15u + (uint64_t)leaf * 0xd1b54a32d192ed03u;
    uint32_t bits;
    float value;

    x ^= x >> 31;
    x *= 0x94d049bb133111ebu;
    /* Sign and mantissa at random, exponents of −7 to 8. */
    bits = ((uint32_t)(x >> 32) & 0x807fffffu) | (120 + (uint32_t)(x >> 20 & 15)) << 23;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float tree_of(int64_t first, int64_t count, int64_t i)
{
    if (count == 1)
        return number(first, i);
    return tree_of(first, count / 2, i) + tree_of(first + count / 2, count / 2, i);
}

/* As numbers that no float holds, so that a sum in float would show. */
static double tree_of_doubles(int64_t first, int64_t count, int64_t i)
{
    if (count == 1)
        return number(first, i) / 3.0;
    return tree_of_doubles(first, count / 2, i) + tree_of_doubles(first + count / 2, count / 2, i);
}

/* This rank's leaves, added up by base/tree_sum. */
static void sum_own_leaves(int64_t length, float *out)
{
    int64_t first, count;
    qctx_tree_sum *sum;
    qctx_error error;

    qctx_share(LEAVES, qctx_comm_rank(test_comm), qctx_comm_size(test_comm), &first, &count);
    assert_status(qctx_tree_sum_create(length, count, &sum, &error), QCTX_OK, &error);
    for (int64_t leaf = first; leaf < first + count; leaf++) {
        float *room = qctx_tree_sum_leaf(sum);

        for (int64_t i = 0; i < length; i++)
            room[i] = number(leaf, i);
        qctx_tree_sum_push(sum);
    }
    qctx_tree_sum_result(sum, out);
    qctx_tree_sum_destroy(sum);
}

/* Lengths below the number of ranks, odd ones, and one whose halves go in several messages through little room. */
static const int64_t lengths[] = {0, 1, 3, 1001, 300001};

static void floats_continue_the_tree_of_the_leaves(void **state)
{
    bool invariant = qctx_leaf_is_invariant(LEAVES, qctx_comm_size(test_comm));

    (void)state;
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
        float *values = calloc((size_t)lengths[l] + 1, sizeof *values);
        float *again = calloc((size_t)lengths[l] + 1, sizeof *again);
        int64_t differ = 0;

        sum_own_leaves(lengths[l], values);
        memcpy(again, values, (size_t)lengths[l] * sizeof *values);
        qctx_comm_tree_sum_float(test_comm, values, lengths[l]);
        qctx_comm_tree_sum_float(test_comm, again, lengths[l]);
        assert_memory_equal(values, again, ((size_t)lengths[l] + 1) * sizeof *values);
        for (int64_t i = 0; i < lengths[l]; i++) {
            float truth = tree_of(0, LEAVES, i);

            differ += invariant ? values[i] != truth : !(fabsf(values[i] - truth) <= 0.01f);
        }
        assert_int_equal(differ, 0);
        free(values);
        free(again);
    }
}

static void doubles_continue_the_tree_of_the_leaves(void **state)
{
    enum { LENGTH = 160003 };
    bool invariant = qctx_leaf_is_invariant(LEAVES, qctx_comm_size(test_comm));
    double *values = malloc(LENGTH * sizeof *values);
    double leaves[LEAVES];
    int64_t first, count, differ = 0;

    (void)state;
    qctx_share(LEAVES, qctx_comm_rank(test_comm), qctx_comm_size(test_comm), &first, &count);
    for (int64_t i = 0; i < LENGTH; i++) {
        leaves[0] = 0.0;
        for (int64_t leaf = 0; leaf < count; leaf++)
            leaves[leaf] = number(first + leaf, i) / 3.0;
        qctx_tree_sum_rows(leaves, count, 1, 1);
        values[i] = leaves[0];
    }
    qctx_comm_tree_sum_double(test_comm, values, LENGTH);
    for (int64_t i = 0; i < LENGTH; i++) {
        double truth = tree_of_doubles(0, LEAVES, i);

        differ += invariant ? values[i] != truth : !(fabs(values[i] - truth) <= 1e-8);
    }
    assert_int_equal(differ, 0);
    free(values);
}

/* A blocking sum carries on what is under way, and is not disturbed by it. */
static void other_exchanges_go_on_beneath(void **state)
{
    enum { BYTES = 2000000, LENGTH = 100003 };
    int rank = qctx_comm_rank(test_comm), size = qctx_comm_size(test_comm), from = (rank + size - 1) % size;
    unsigned char *out = malloc(BYTES), *in = malloc(BYTES);
    float *values = malloc(LENGTH * sizeof *values);
    qctx_exchange *pass;
    int64_t differ = 0;

    (void)state;
    memset(out, rank + 1, BYTES);
    for (int64_t i = 0; i < LENGTH; i++)
        values[i] = (float)(rank + i);
    pass = qctx_comm_start_pass(test_comm, out, BYTES, (rank + 1) % size, in, BYTES, from);
    qctx_comm_tree_sum_float(test_comm, values, LENGTH);
    qctx_exchange_wait(&pass);
    for (int64_t i = 0; i < LENGTH; i++)
        differ += values[i] != (float)(size * i + size * (size - 1) / 2);
    for (int64_t i = 0; i < BYTES; i++)
        differ += in[i] != from + 1;
    assert_int_equal(differ, 0);
    free(out);
    free(in);
    free(values);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(floats_continue_the_tree_of_the_leaves),
    cmocka_unit_test(doubles_continue_the_tree_of_the_leaves),
    cmocka_unit_test(other_exchanges_go_on_beneath),
};
TEST_MAIN(tests)
