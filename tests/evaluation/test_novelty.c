/* ranks: 1 2 3 */
#include "harness.h"

#include "qctx/evaluation/novelty.h"

enum { COUNT = 40 };

/* Even questions ask for known contexts: there the base finds every fourth, the head all; of the others both find none.
 */
static void compares_each_side_alone(void **state)
{
    static double base[COUNT * QCTX_METRIC_COUNT], head[COUNT * QCTX_METRIC_COUNT];
    unsigned char classes[COUNT];
    qctx_novelty novelty;
    qctx_error error;

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        classes[i] = i % 2 == 0 ? QCTX_NEW_QUESTION : i < 10 ? QCTX_NEW_CONTEXT : QCTX_NEW_TITLE;
        base[i * QCTX_METRIC_COUNT + QCTX_METRIC_TOP1] = i % 8 == 0;
        head[i * QCTX_METRIC_COUNT + QCTX_METRIC_TOP1] = i % 2 == 0;
    }
    assert_status(qctx_novelty_compare(test_comm, classes, base, head, COUNT, 100, 1, &novelty, &error), QCTX_OK,
                  &error);
    assert_int_equal(novelty.counts[QCTX_NEW_QUESTION], 20);
    assert_int_equal(novelty.counts[QCTX_NEW_CONTEXT], 5);
    assert_int_equal(novelty.counts[QCTX_NEW_TITLE], 15);
    assert_true(qctx_novelty_is_mixed(&novelty));
    assert_int_equal(novelty.known.questions, 20);
    assert_int_equal(novelty.others.questions, 20);
    assert_close(novelty.known.base[QCTX_METRIC_TOP1].value, 0.25, 1e-15);
    assert_close(novelty.known.head[QCTX_METRIC_TOP1].value, 1.0, 0);
    assert_close(novelty.known.difference[QCTX_METRIC_TOP1].value, 0.75, 1e-15);
    assert_close(novelty.others.difference[QCTX_METRIC_TOP1].value, 0.0, 0);
    assert_close(novelty.others.head[QCTX_METRIC_TOP1].high, 0.0, 0);
}

static void of_one_kind_there_is_nothing_to_compare(void **state)
{
    const double values[2 * QCTX_METRIC_COUNT] = {0};
    const unsigned char classes[2] = {QCTX_NEW_QUESTION, QCTX_NEW_QUESTION};
    qctx_novelty novelty;
    qctx_error error;

    (void)state;
    assert_status(qctx_novelty_compare(test_comm, classes, values, values, 2, 100, 1, &novelty, &error), QCTX_OK,
                  &error);
    assert_true(qctx_novelty_is_known(&novelty));
    assert_false(qctx_novelty_is_mixed(&novelty));
    assert_int_equal(novelty.known.questions, 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(compares_each_side_alone),
    cmocka_unit_test(of_one_kind_there_is_nothing_to_compare),
};
TEST_MAIN(tests)
