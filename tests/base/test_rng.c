/* ranks: 1 */
#include "harness.h"

#include "qctx/base/rng.h"

enum { DRAWS = 200000 };

/* Mean and variance of U(0, 1) are 1/2 and 1/12; the bounds are five standard errors. */
static void uniform_has_the_moments_of_a_uniform(void **state)
{
    double sum = 0, squares = 0;

    (void)state;
    for (int i = 0; i < DRAWS; i++) {
        double u = qctx_rng_uniform(7, QCTX_STREAM_DROPOUT, 3, (uint64_t)i);

        assert_true(u >= 0.0 && u < 1.0);
        sum += u;
        squares += u * u;
    }
    assert_close(sum / DRAWS, 0.5, 5 * 0.2887 / 447.2);
    assert_close(squares / DRAWS, 1.0 / 3.0, 5 * 0.2981 / 447.2);
}

/* Chi-squared over 16 cells, 15 degrees of freedom: beyond 45 with probability below 1e-4. */
static void below_is_even_over_its_cells(void **state)
{
    int64_t cells[16] = {0};
    double chi = 0;

    (void)state;
    for (int i = 0; i < DRAWS; i++)
        cells[qctx_rng_below(16, 1, QCTX_STREAM_INIT, (uint64_t)i, 0)]++;
    for (int c = 0; c < 16; c++)
        chi += (double)(cells[c] - DRAWS / 16) * (double)(cells[c] - DRAWS / 16) / (DRAWS / 16);
    assert_true(chi < 45.0);
}

static void values_depend_on_every_word_of_the_counter(void **state)
{
    uint64_t base = qctx_rng(1, QCTX_STREAM_INIT, 2, 3);

    (void)state;
    assert_true(base == qctx_rng(1, QCTX_STREAM_INIT, 2, 3));
    assert_true(base != qctx_rng(2, QCTX_STREAM_INIT, 2, 3));
    assert_true(base != qctx_rng(1, QCTX_STREAM_ORDER, 2, 3));
    assert_true(base != qctx_rng(1, QCTX_STREAM_INIT, 3, 3));
    assert_true(base != qctx_rng(1, QCTX_STREAM_INIT, 2, 4));
    assert_true(base != qctx_rng(1, QCTX_STREAM_INIT, 3, 2));
}

static void permutations_hold_every_index_once_and_differ_by_epoch(void **state)
{
    enum { COUNT = 1000 };
    int64_t first[COUNT], second[COUNT];
    int seen[COUNT] = {0};
    int fixed = 0;

    (void)state;
    qctx_rng_permutation(first, COUNT, 5, QCTX_STREAM_ORDER, 0);
    qctx_rng_permutation(second, COUNT, 5, QCTX_STREAM_ORDER, 1);
    for (int i = 0; i < COUNT; i++) {
        assert_in_range(first[i], 0, COUNT - 1);
        seen[first[i]]++;
        fixed += first[i] == second[i];
    }
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(seen[i], 1);
    assert_true(fixed < 10);
    qctx_rng_permutation(first, 1, 5, QCTX_STREAM_ORDER, 0);
    assert_int_equal(first[0], 0);
    qctx_rng_permutation(first, 0, 5, QCTX_STREAM_ORDER, 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(uniform_has_the_moments_of_a_uniform),
    cmocka_unit_test(below_is_even_over_its_cells),
    cmocka_unit_test(values_depend_on_every_word_of_the_counter),
    cmocka_unit_test(permutations_hold_every_index_once_and_differ_by_epoch),
};
TEST_MAIN(tests)
