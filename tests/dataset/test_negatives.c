/* ranks: 1 */
#include "harness.h"

#include "qctx/dataset/negatives.h"

/* Two sources. Context 4 of source 0 stands there for two questions, content 70 in both sources; the second example's
 * last context is none of its pairs. */
static void each_content_that_answers_stands_there_once(void **state)
{
    int32_t source[4] = {1, 0, 0, 1};
    int64_t offsets[5] = {0, 2, 5, 6, 7}, pairs[4] = {2, 2, 1, 1};
    int64_t contexts[7] = {9, 2, 4, 1, 8, 4, 3};
    uint64_t content[7] = {70, 30, 44, 70, 99, 44, UINT64_MAX};
    const qctx_examples examples = {
        .count = 4, .source = source, .offsets = offsets, .pairs = pairs, .contexts = contexts, .content = content};
    const qctx_negative expected[4] = {{70, 1, 0}, {44, 4, 0}, {30, 2, 1}, {UINT64_MAX, 3, 1}};
    qctx_negatives negatives;
    qctx_error error;

    (void)state;
    assert_status(qctx_negatives_build(&examples, &negatives, &error), QCTX_OK, &error);
    assert_int_equal(negatives.count, 4);
    for (int k = 0; k < 4; k++) {
        assert_true(negatives.list[k].content == expected[k].content);
        assert_int_equal(negatives.list[k].row, expected[k].row);
        assert_int_equal(negatives.list[k].source, expected[k].source);
    }
    qctx_negatives_free(&negatives);
    assert_int_equal(negatives.count, 0);
    assert_null(negatives.list);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(each_content_that_answers_stands_there_once)};
TEST_MAIN(tests)
