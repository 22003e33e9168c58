/* ranks: 1 */
#include "harness.h"

#include <float.h>
#include <string.h>

#include "qctx/retrieval/scored_rows.h"
#include "score_data.h"

enum { QUESTIONS = 40, CONTEXTS = 90 };

static qctx_error error;
static const qctx_precision precisions[] = {QCTX_PRECISION_FLOAT32, QCTX_PRECISION_BFLOAT16};

static qctx_scored_rows operand_of(rows_kind kind, qctx_side side, int64_t count, int64_t width,
                                   qctx_precision precision)
{
    qctx_scored_rows operand;
    float *rows = rows_make(kind, side, count, width);

    assert_status(qctx_scored_rows_alloc(count, width, precision, "a test", &operand, &error), QCTX_OK, &error);
    memcpy(operand.values, rows, (size_t)(count * width) * sizeof *rows);
    free(rows);
    qctx_scored_rows_measure(&operand, count, width);
    return operand;
}

/* No product's score is further from the plain loop's than the bound, and some bound is not much too wide. */
static void check(rows_kind kind, qctx_precision precision, int64_t width)
{
    qctx_scored_rows questions = operand_of(kind, 0, QUESTIONS, width, precision);
    qctx_scored_rows contexts = operand_of(kind, 1, CONTEXTS, width, precision);
    const bool rounded = precision == QCTX_PRECISION_BFLOAT16;
    float *scores = qctx_alloc(QUESTIONS * CONTEXTS, sizeof *scores, "a test", NULL);

    assert_int_equal(questions.rounded != NULL, rounded);
    qctx_product(precision, QCTX_PLAIN, QCTX_TRANSPOSED, QUESTIONS, CONTEXTS, width,
                 rounded ? (const void *)questions.rounded : (const void *)questions.values, width,
                 rounded ? (const void *)contexts.rounded : (const void *)contexts.values, width, false, scores,
                 CONTEXTS);
    for (int64_t q = 0; q < QUESTIONS; q++)
        for (int64_t c = 0; c < CONTEXTS; c++) {
            double bound = qctx_score_bound(precision, width, questions.extents[q], contexts.extents[c]);
            double exact = rows_score(questions.values + q * width, contexts.values + c * width, width);

            assert_true(bound > 0.0);
            assert_true(isinf(bound) || fabs((double)scores[q * CONTEXTS + c] - exact) <= bound);
            /* Rounding to bfloat16 takes 0.16% of a long row, at most 0.39% of a short one. */
            if (kind == ROWS_RANDOM && width >= 64)
                assert_true(bound < (rounded ? 0.0045 : 1.1e-7 * (double)width) * questions.extents[q].length *
                                        contexts.extents[c].length);
        }
    free(scores);
    qctx_scored_rows_free(&questions);
    qctx_scored_rows_free(&contexts);
}

static void bounds_hold(void **state)
{
    static const int64_t widths[] = {1, 3, 64, 700};

    (void)state;
    for (int kind = 0; kind < ROWS_KINDS; kind++)
        for (int p = 0; p < 2; p++)
            for (int w = 0; w < 4; w++)
                check((rows_kind)kind, precisions[p], widths[w]);
}

static void what_may_overflow_has_no_bound(void **state)
{
    const qctx_extent one = {1.0, 0.0}, large = {1e20, 0.0}, broken = {INFINITY, 0.0}, zero = {0.0, 0.0};

    (void)state;
    assert_true(isinf(qctx_score_bound(QCTX_PRECISION_FLOAT32, 8, large, large)));
    assert_true(isinf(qctx_score_bound(QCTX_PRECISION_FLOAT32, 8, one, broken)));
    assert_true(isinf(qctx_score_bound(QCTX_PRECISION_FLOAT32, 8, zero, broken)));
    assert_true(isinf(qctx_score_bound(QCTX_PRECISION_BFLOAT16, INT64_C(1) << 40, one, one)));
    assert_true(isfinite(qctx_score_bound(QCTX_PRECISION_FLOAT32, 8, one, large)));
    assert_true(qctx_score_bound(QCTX_PRECISION_FLOAT32, 8, zero, zero) > 0.0);
}

static void rows_are_measured_by_hand(void **state)
{
    /* 257 lies half way between two bfloat16 and goes to 256; 3 and 4 stay. */
    const float rows[] = {3, 4, 257, 0, NAN, 1, FLT_MAX, 0};
    const double lengths[] = {5, 257, INFINITY, (double)FLT_MAX}, errors[] = {0, 1, INFINITY, INFINITY};
    qctx_scored_rows operand;

    (void)state;
    assert_status(qctx_scored_rows_alloc(4, 2, QCTX_PRECISION_BFLOAT16, "a test", &operand, &error), QCTX_OK, &error);
    memcpy(operand.values, rows, sizeof rows);
    qctx_scored_rows_measure(&operand, 4, 2);
    for (int i = 0; i < 4; i++) {
        assert_true(operand.extents[i].length == lengths[i]);
        assert_true(operand.extents[i].error == errors[i]);
    }
    assert_true(qctx_extent_most(operand.extents, 2).length == 257.0);
    assert_true(qctx_extent_most(operand.extents, 2).error == 1.0);
    assert_true(qctx_extent_most(operand.extents, 0).length == 0.0);
    assert_true(qctx_score(rows, rows + 4, 2) == -INFINITY);
    assert_true(qctx_score(rows, rows + 2, 2) == 771.0);
    qctx_scored_rows_free(&operand);
}

static void memory_that_is_not_there_is_named(void **state)
{
    qctx_scored_rows operand;

    (void)state;
    assert_status(qctx_scored_rows_alloc(INT64_C(1) << 52, 1 << 10, QCTX_PRECISION_FLOAT32, "projected contexts",
                                         &operand, &error),
                  QCTX_ERR_MEMORY, &error);
    assert_contains(error.message, "projected contexts");
    qctx_scored_rows_free(&operand);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(bounds_hold),
    cmocka_unit_test(what_may_overflow_has_no_bound),
    cmocka_unit_test(rows_are_measured_by_hand),
    cmocka_unit_test(memory_that_is_not_there_is_named),
};
TEST_MAIN(tests)
