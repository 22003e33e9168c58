/* ranks: 1 */
#include "harness.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/transformer/kernels.h"
#include "qctx/base/mem.h"

static qctx_error error;

static double random_value(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(int64_t)(*state >> 32) / 2147483648.0 - 1.0;
}

/* Values that bfloat16 has, so that both precisions compute with the same. */
static float *made_up(int64_t count, double scale, uint64_t seed)
{
    float *values = qctx_alloc(count, sizeof *values, "test", &error);

    assert_non_null(values);
    for (int64_t i = 0; i < count; i++)
        values[i] = qctx_from_bfloat16(qctx_to_bfloat16((float)(scale * random_value(&seed))));
    return values;
}

/* ---- layer normalisation ---- */

static void check_norm(int64_t rows, int64_t d, double scale, double offset, float epsilon)
{
    float *x = made_up(rows * d, scale, 1), *gain = made_up(d, 1.0, 2), *bias = made_up(d, 1.0, 3);
    float *y = made_up(rows * d, 1.0, 4);
    qctx_bfloat16 *narrow = qctx_alloc(rows * d + 1, sizeof *narrow, "test", &error);

    for (int64_t i = 0; i < rows * d; i++)
        x[i] += (float)offset;
    narrow[rows * d] = 4711;
    transformer_layer_norm(rows, d, x, gain, bias, epsilon, y, narrow);
    for (int64_t i = 0; i < rows; i++) {
        double mean = 0.0, variance = 0.0;

        for (int64_t j = 0; j < d; j++)
            mean += x[i * d + j] / (double)d;
        for (int64_t j = 0; j < d; j++)
            variance += (x[i * d + j] - mean) * (x[i * d + j] - mean) / (double)d;
        for (int64_t j = 0; j < d; j++) {
            double expected = (x[i * d + j] - mean) / sqrt(variance + epsilon) * gain[j] + bias[j];

            /* The mean is rounded to float32, which is the larger error where it is far from 0. */
            assert_close(y[i * d + j], expected, 2e-6 + fabs(mean) * FLT_EPSILON / sqrt(variance + epsilon));
            assert_int_equal(narrow[i * d + j], qctx_to_bfloat16(y[i * d + j]));
        }
    }
    assert_int_equal(narrow[rows * d], 4711);
    /* In place, and without the copy: the same bits. */
    transformer_layer_norm(rows, d, x, gain, bias, epsilon, x, NULL);
    assert_memory_equal(x, y, (size_t)(rows * d) * sizeof *x);
    free(x);
    free(gain);
    free(bias);
    free(y);
    free(narrow);
}

static void test_layer_norm_is_the_reference(void **state)
{
    static const int64_t widths[] = {1, 2, 15, 16, 17, 64, 100, 384, 1031};

    (void)state;
    for (int i = 0; i < 9; i++) {
        check_norm(3, widths[i], 2.0, 0.0, 1e-5f);
        check_norm(2, widths[i], 1.0, 30.0, 1e-12f + (widths[i] == 1 ? 1e-5f : 0.0f));
    }
    check_norm(0, 20, 1.0, 0.0, 1e-5f);
}

static void test_layer_norm_of_tiny_and_large_values(void **state)
{
    (void)state;
    check_norm(2, 40, 1e-42, 0.0, 1e-5f);
    check_norm(2, 40, 1e15, 0.0, 1e-5f);
    /* All equal: the bias is left. */
    check_norm(2, 48, 0.0, 3.0, 1e-12f);
}

/* ---- attention ---- */

typedef struct {
    int64_t heads, width; /* of a head */
    bool causal, biased;
    double scale;
} attention_case;

/* Row `row` of text [first, first + count) in one head, in double: its weighted values, and the largest of them. */
static void expect_row(const attention_case *c, const float *projected, const float *bias, int64_t longest,
                       int64_t first, int64_t count, int64_t row, int64_t head, double *expected, double *largest)
{
    const int64_t d = c->heads * c->width, seen = c->causal ? row + 1 : count;
    const float *query = projected + (first + row) * 3 * d + head * c->width;
    double scores[200], top = -INFINITY, sum = 0.0;

    for (int64_t j = 0; j < seen; j++) {
        const float *key = projected + (first + j) * 3 * d + d + head * c->width;

        scores[j] = bias != NULL ? bias[head * (2 * longest - 1) + j - row + longest - 1] : 0.0;
        for (int64_t k = 0; k < c->width; k++)
            scores[j] += (double)query[k] * key[k] / sqrt((double)c->width);
        top = scores[j] > top ? scores[j] : top;
    }
    for (int64_t j = 0; j < seen; j++)
        sum += scores[j] = exp(scores[j] - top);
    *largest = 0.0;
    for (int64_t k = 0; k < c->width; k++) {
        expected[k] = 0.0;
        for (int64_t j = 0; j < seen; j++) {
            const double value = projected[(first + j) * 3 * d + 2 * d + head * c->width + k];

            expected[k] += scores[j] / sum * value;
            *largest = fabs(value) > *largest ? fabs(value) : *largest;
        }
    }
}

/* `mixed` against the reference: within the rounding of scores of this size, and that of bfloat16. */
static void expect_mixed(const attention_case *c, const float *projected, const float *bias, int64_t texts,
                         const int64_t *offsets, int64_t longest, const float *mixed, double rounding)
{
    const int64_t d = c->heads * c->width;

    for (int64_t text = 0; text < texts; text++)
        for (int64_t row = 0; row < offsets[text + 1] - offsets[text]; row++)
            for (int64_t head = 0; head < c->heads; head++) {
                double expected[128], largest;

                expect_row(c, projected, bias, longest, offsets[text], offsets[text + 1] - offsets[text], row, head,
                           expected, &largest);
                for (int64_t k = 0; k < c->width; k++) {
                    const float found = mixed[(offsets[text] + row) * d + head * c->width + k];
                    /* Below FLT_MIN bfloat16 has steps of FLT_MIN / 128. */
                    const double bound =
                        largest * (2e-6 + 1e-6 * c->scale * c->scale) + rounding * (fabs(expected[k]) + 2 * FLT_MIN);

                    if (!(fabs(found - expected[k]) <= bound))
                        fail_msg("text of %lld tokens, token %lld, head %lld, element %lld: %.9g, expected %.9g",
                                 (long long)(offsets[text + 1] - offsets[text]), (long long)row, (long long)head,
                                 (long long)k, found, expected[k]);
                }
            }
}

static void check_attention(const attention_case *c, const int64_t *lengths, int64_t texts)
{
    const int64_t d = c->heads * c->width;
    int64_t offsets[32] = {0}, longest = 0;

    for (int64_t i = 0; i < texts; i++) {
        offsets[i + 1] = offsets[i] + lengths[i];
        longest = lengths[i] > longest ? lengths[i] : longest;
    }
    const int64_t tokens = offsets[texts], needed = transformer_attention_scratch(longest, d, c->heads);
    float *projected = made_up(tokens * 3 * d, c->scale, 5), *bias = made_up(c->heads * (2 * longest - 1), 2.0, 6);
    float *mixed = made_up(tokens * d + 1, 1.0, 7), *scratch = made_up(needed + 1, 1.0, 8);
    qctx_bfloat16 *narrow = qctx_alloc(tokens * 3 * d, sizeof *narrow, "test", &error);
    qctx_bfloat16 *narrow_mixed = qctx_alloc(tokens * d + 1, sizeof *narrow_mixed, "test", &error);
    transformer_attention_task task = {
        texts,     offsets, c->heads, d, c->causal, c->biased ? bias : NULL, longest, QCTX_PRECISION_FLOAT32,
        projected, mixed,   scratch};

    scratch[needed] = mixed[tokens * d] = 12345.0f;
    narrow_mixed[tokens * d] = 4711;
    transformer_attention(&task);
    expect_mixed(c, projected, c->biased ? bias : NULL, texts, offsets, longest, mixed, 0.0);
    assert_true(scratch[needed] == 12345.0f && mixed[tokens * d] == 12345.0f);

    qctx_to_bfloat16_row(projected, tokens * 3 * d, narrow);
    task.precision = QCTX_PRECISION_BFLOAT16;
    task.projected = narrow;
    task.mixed = narrow_mixed;
    transformer_attention(&task);
    qctx_from_bfloat16_row(narrow_mixed, tokens * d, mixed);
    expect_mixed(c, projected, c->biased ? bias : NULL, texts, offsets, longest, mixed, 1.0 / 256.0);
    assert_true(scratch[needed] == 12345.0f && narrow_mixed[tokens * d] == 4711);
    free(projected);
    free(bias);
    free(mixed);
    free(scratch);
    free(narrow);
    free(narrow_mixed);
}

static const int64_t some_lengths[] = {1, 2, 5, 7, 15, 16, 17, 3, 31, 32, 33, 48, 64, 65, 130};
enum { SOME = sizeof some_lengths / sizeof some_lengths[0] };

static void test_attention_is_the_reference(void **state)
{
    static const int64_t widths[] = {1, 3, 8, 16, 24, 32, 64, 80};

    (void)state;
    for (int w = 0; w < 8; w++)
        for (int variant = 0; variant < 4; variant++) {
            const attention_case c = {1 + w % 3, widths[w], variant & 1, variant & 2, 1.5};

            check_attention(&c, some_lengths, SOME);
        }
}

static void test_all_lengths_one_by_one(void **state)
{
    (void)state;
    for (int64_t length = 1; length <= 130; length++) {
        const attention_case c = {2, 32, length % 2, length % 3 == 0, 1.0};

        check_attention(&c, &length, 1);
    }
}

static void test_large_scores_do_not_overflow(void **state)
{
    (void)state;
    /* Scores up to some 10,000 apart: one key takes all, to the rounding of scores of that size. */
    for (int variant = 0; variant < 4; variant++) {
        const attention_case c = {2, 32, variant & 1, variant & 2, 100.0};

        check_attention(&c, some_lengths, SOME);
    }
}

static void test_tiny_values(void **state)
{
    const attention_case c = {2, 32, false, false, 1e-39};

    (void)state;
    check_attention(&c, some_lengths, SOME);
}

/* A text's rows do not depend on the others of the call. */
static void test_texts_do_not_see_each_other(void **state)
{
    enum { HEADS = 3, WIDTH = 32, D = HEADS * WIDTH, TOKENS = 60 };
    static const int64_t offsets[] = {0, 20, 23, 60}, alone[] = {0, 20};
    float *projected = made_up((int64_t)TOKENS * 3 * D, 1.0, 9), *mixed = made_up(TOKENS * D, 1.0, 10);
    float *other = made_up(TOKENS * D, 1.0, 11), *scratch = made_up(transformer_attention_scratch(37, D, HEADS), 1, 12);
    transformer_attention_task task = {3,         offsets, HEADS,  D, false, NULL, 37, QCTX_PRECISION_FLOAT32,
                                       projected, mixed,   scratch};

    (void)state;
    transformer_attention(&task);
    task.texts = 1;
    task.offsets = alone;
    task.longest = 20;
    task.mixed = other;
    transformer_attention(&task);
    assert_memory_equal(mixed, other, 20 * D * sizeof *mixed);
    free(projected);
    free(mixed);
    free(other);
    free(scratch);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_layer_norm_is_the_reference),  cmocka_unit_test(test_layer_norm_of_tiny_and_large_values),
    cmocka_unit_test(test_attention_is_the_reference),   cmocka_unit_test(test_all_lengths_one_by_one),
    cmocka_unit_test(test_large_scores_do_not_overflow), cmocka_unit_test(test_tiny_values),
    cmocka_unit_test(test_texts_do_not_see_each_other),
};
TEST_MAIN(tests)
