/* ranks: 1 */
#include "harness.h"

#include "qctx/base/order.h"

static void shares_follow_each_other(void **state)
{
    int64_t first, count;

    (void)state;
    qctx_share(10, 0, 3, &first, &count);
    assert_true(first == 0 && count == 4);
    qctx_share(10, 1, 3, &first, &count);
    assert_true(first == 4 && count == 3);
    qctx_share(10, 2, 3, &first, &count);
    assert_true(first == 7 && count == 3);
    qctx_share(1, 1, 2, &first, &count);
    assert_true(first == 1 && count == 0);
}

static void medians_of_odd_and_even_counts(void **state)
{
    double odd[] = {9, 1, 5}, even[] = {8, 2, 4, 6};

    (void)state;
    assert_true(qctx_median(odd, 3) == 5);
    assert_true(qctx_median(even, 4) == 5);
}

static void sorted_values_are_there_once(void **state)
{
    int64_t values[] = {5, -1, 5, 3, -1};

    (void)state;
    assert_int_equal(qctx_sort_unique(values, 5), 3);
    assert_true(values[0] == -1 && values[1] == 3 && values[2] == 5);
}

/* Against counting those that are below, for every number of values and every place of what is sought. */
static void finds_the_first_that_is_not_below(void **state)
{
    enum { MOST = 9 };
    int64_t values[MOST];

    (void)state;
    for (int64_t i = 0; i < MOST; i++)
        values[i] = i / 2 * 2;
    for (int64_t count = 0; count <= MOST; count++)
        for (int64_t value = -1; value <= MOST; value++) {
            int64_t below = 0;

            for (int64_t i = 0; i < count; i++)
                below += values[i] < value;
            assert_int_equal(qctx_lower_bound(values, count, value), below);
        }
}

/* Sought: a letter. */
static bool is_before(const void *sought, int64_t at)
{
    return "aabbcc"[at] < *(const char *)sought;
}

static void searches_any_order_from_any_place(void **state)
{
    (void)state;
    assert_int_equal(qctx_first_not_before(0, 6, is_before, "b"), 2);
    assert_int_equal(qctx_first_not_before(3, 6, is_before, "b"), 3);
    assert_int_equal(qctx_first_not_before(0, 2, is_before, "b"), 2);
    assert_int_equal(qctx_first_not_before(0, 6, is_before, "d"), 6);
    assert_int_equal(qctx_first_not_before(4, 4, is_before, "a"), 4);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(shares_follow_each_other),          cmocka_unit_test(medians_of_odd_and_even_counts),
    cmocka_unit_test(sorted_values_are_there_once),      cmocka_unit_test(finds_the_first_that_is_not_below),
    cmocka_unit_test(searches_any_order_from_any_place),
};
TEST_MAIN(tests)
