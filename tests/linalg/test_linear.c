/* ranks: 1 */
#include "harness.h"

#include <float.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/bfloat16.h"
#include "qctx/linalg/linear.h"

#include "../../src/linalg/linear_internal.h"

/* Rows and widths up to these, and elements behind an array that must stay as they are. */
enum { MOST_ROWS = 400, MOST_WIDTH = 1100, GUARD = 64, MOST_COUNT = 4001, FUNCTIONS = QCTX_LINEAR_TANH + 1 };

static const qctx_precision precisions[] = {QCTX_PRECISION_FLOAT32, QCTX_PRECISION_BFLOAT16};
static const float guard_value = 12345.0f;

static float weight[MOST_WIDTH * MOST_WIDTH], bias[MOST_WIDTH];
static float wide_x[MOST_ROWS * MOST_WIDTH], residual[MOST_ROWS * MOST_WIDTH];
static qctx_bfloat16 narrow_x[MOST_ROWS * MOST_WIDTH];
static float y[MOST_ROWS * MOST_WIDTH + GUARD], other[MOST_ROWS * MOST_WIDTH + GUARD];
static qctx_error error;

static double random_value(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(int64_t)(*state >> 32) / 2147483648.0 - 1.0;
}

/* Values that bfloat16 has, so that both precisions compute with the same. */
static void fill(float *values, int64_t count, double scale, uint64_t seed)
{
    for (int64_t i = 0; i < count; i++)
        values[i] = qctx_from_bfloat16(qctx_to_bfloat16((float)(scale * random_value(&seed))));
}

static void fill_all(int64_t rows, int64_t output, int64_t input)
{
    fill(weight, output * input, 2.0 / sqrt((double)input), 1);
    fill(bias, output, 1.0, 2);
    fill(wide_x, rows * input, 2.0, 3);
    fill(residual, rows * output, 1.0, 4);
    qctx_to_bfloat16_row(wide_x, rows * input, narrow_x);
    for (int64_t i = 0; i < rows * output + GUARD; i++)
        y[i] = other[i] = guard_value;
}

static const void *x_of(qctx_precision precision, int64_t index)
{
    return precision == QCTX_PRECISION_FLOAT32 ? (const void *)(wide_x + index) : narrow_x + index;
}

static qctx_linear *layer(qctx_precision precision, int64_t output, int64_t input, bool with_bias,
                          qctx_linear_function function)
{
    qctx_linear *created;

    assert_status(
        qctx_linear_create(precision, output, input, weight, with_bias ? bias : NULL, function, &created, &error),
        QCTX_OK, &error);
    return created;
}

/* The functions in double, straight from their formulas. */
static double exact(qctx_linear_function function, double x)
{
    switch (function) {
    case QCTX_LINEAR_IDENTITY:
        return x;
    case QCTX_LINEAR_RELU:
        return x > 0.0 ? x : 0.0;
    case QCTX_LINEAR_GELU:
        return 0.5 * x * (1.0 + erf(x / sqrt(2.0)));
    case QCTX_LINEAR_GELU_TANH:
        return 0.5 * x * (1.0 + tanh(sqrt(2.0 / M_PI) * (x + 0.044715 * x * x * x)));
    case QCTX_LINEAR_QUICK_GELU:
        return x / (1.0 + exp(-1.702 * x));
    case QCTX_LINEAR_TANH:
        return tanh(x);
    }
    return NAN;
}

/* Σ x·w of a row and an output in double, and the sum of its terms' sizes. */
static double product(int64_t row, int64_t out, int64_t input, double *size)
{
    double sum = 0.0;

    *size = 0.0;
    for (int64_t l = 0; l < input; l++) {
        double term = (double)wide_x[row * input + l] * weight[out * input + l];

        sum += term;
        *size += fabs(term);
    }
    return sum;
}

/* y against the reference, within the rounding of `input` float32 sums and that of the function (slope below 1.2). */
static void expect_values(int64_t rows, int64_t output, int64_t input, bool with_bias, bool with_residual,
                          qctx_linear_function function, double rounding)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < output; j++) {
            double size, sum = product(i, j, input, &size) + (with_bias ? bias[j] : 0.0);
            double expected = exact(function, sum) + (with_residual ? residual[i * output + j] : 0.0);
            double bound = 1.2 * size * FLT_EPSILON * sqrt((double)input) + 1e-6 * (1.0 + fabs(expected));

            if (fabs(y[i * output + j] - expected) > bound + rounding * fabs(expected))
                fail_msg("row %lld, output %lld of %lld × %lld: %.9g, expected %.9g within %.2g", (long long)i,
                         (long long)j, (long long)output, (long long)input, y[i * output + j], expected, bound);
        }
    for (int i = 0; i < GUARD; i++)
        assert_true(y[rows * output + i] == guard_value);
}

/* All that a layer may be asked for, at one size. */
static void check_size(int64_t rows, int64_t output, int64_t input, qctx_linear_function function, int variant)
{
    const bool with_bias = variant & 1, with_residual = variant & 2;

    for (int p = 0; p < 2; p++) {
        qctx_linear *linear;

        fill_all(rows, output, input);
        linear = layer(precisions[p], output, input, with_bias, function);
        qctx_linear_apply(linear, rows, x_of(precisions[p], 0), with_residual ? residual : NULL, QCTX_PRECISION_FLOAT32,
                          y);
        expect_values(rows, output, input, with_bias, with_residual, function, 0.0);
        qctx_linear_destroy(linear);
    }
}

static void test_layers_are_the_reference(void **state)
{
    static const int64_t rows[] = {1, 3, 17, 100}, widths[] = {1, 15, 64, 97, 200};

    (void)state;
    for (int r = 0; r < 4; r++)
        for (int n = 0; n < 5; n++)
            for (int k = 0; k < 5; k++)
                for (int f = 0; f < FUNCTIONS; f++)
                    check_size(rows[r], widths[n], widths[k] + r, (qctx_linear_function)f, (n + k + f) % 4);
}

static void test_long_sums_and_many_rows(void **state)
{
    (void)state;
    check_size(29, 65, 1099, QCTX_LINEAR_GELU, 3);
    check_size(6, 130, 1100, QCTX_LINEAR_IDENTITY, 1);
    check_size(391, 70, 33, QCTX_LINEAR_RELU, 3);
    check_size(0, 7, 5, QCTX_LINEAR_TANH, 3);
}

static void test_results_in_bfloat16_are_those_of_float32_rounded(void **state)
{
    enum { ROWS = 23, OUTPUT = 75, INPUT = 46 };
    static qctx_bfloat16 narrow[ROWS * OUTPUT + 1];

    (void)state;
    for (int f = 0; f < FUNCTIONS; f++) {
        qctx_linear *linear;

        fill_all(ROWS, OUTPUT, INPUT);
        linear = layer(QCTX_PRECISION_BFLOAT16, OUTPUT, INPUT, true, (qctx_linear_function)f);
        narrow[ROWS * OUTPUT] = 4711;
        qctx_linear_apply(linear, ROWS, narrow_x, NULL, QCTX_PRECISION_FLOAT32, y);
        qctx_linear_apply(linear, ROWS, narrow_x, NULL, QCTX_PRECISION_BFLOAT16, narrow);
        for (int i = 0; i < ROWS * OUTPUT; i++)
            assert_int_equal(narrow[i], qctx_to_bfloat16(y[i]));
        assert_int_equal(narrow[ROWS * OUTPUT], 4711);
        qctx_linear_destroy(linear);
    }
}

static void test_the_residual_may_be_the_result(void **state)
{
    enum { ROWS = 41, OUTPUT = 150, INPUT = 64 };

    (void)state;
    for (int p = 0; p < 2; p++) {
        qctx_linear *linear;

        fill_all(ROWS, OUTPUT, INPUT);
        linear = layer(precisions[p], OUTPUT, INPUT, true, QCTX_LINEAR_GELU);
        qctx_linear_apply(linear, ROWS, x_of(precisions[p], 0), residual, QCTX_PRECISION_FLOAT32, y);
        memcpy(other, residual, ROWS * OUTPUT * sizeof *other);
        qctx_linear_apply(linear, ROWS, x_of(precisions[p], 0), other, QCTX_PRECISION_FLOAT32, other);
        assert_memory_equal(y, other, ROWS * OUTPUT * sizeof *y);
        qctx_linear_destroy(linear);
    }
}

/* Each thread applies the shared layer to rows of its own: the bits are those of one thread that does all. */
static void test_threads_share_a_layer(void **state)
{
    enum { SHARES = 8, ROWS = 40, OUTPUT = 130, INPUT = 96 };

    (void)state;
    for (int p = 0; p < 2; p++) {
        qctx_linear *linear;

        fill_all(SHARES * ROWS, OUTPUT, INPUT);
        linear = layer(precisions[p], OUTPUT, INPUT, true, QCTX_LINEAR_QUICK_GELU);
        for (int s = 0; s < SHARES; s++)
            qctx_linear_apply(linear, ROWS, x_of(precisions[p], s * ROWS * INPUT), NULL, QCTX_PRECISION_FLOAT32,
                              y + s * ROWS * OUTPUT);
#pragma omp parallel for num_threads(4) schedule(static, 1)
        for (int s = 0; s < SHARES; s++)
            qctx_linear_apply(linear, ROWS, x_of(precisions[p], s * ROWS * INPUT), NULL, QCTX_PRECISION_FLOAT32,
                              other + s * ROWS * OUTPUT);
        assert_memory_equal(y, other, SHARES * ROWS * OUTPUT * sizeof *y);
        qctx_linear_destroy(linear);
    }
}

/* The function alone, in place: what follows a row of sums without a bias. */
static void apply(qctx_linear_function function, int64_t count, float *values)
{
    static const float no_bias[MOST_COUNT];
    const linear_block block = {
        .rows = 1, .cols = count, .sums = values, .bias = no_bias, .y_type = QCTX_PRECISION_FLOAT32, .y = values};

    assert_true(count <= MOST_COUNT);
    linear_finish(function, &block);
}

static void test_functions_over_their_range(void **state)
{
    enum { COUNT = MOST_COUNT };
    static float values[COUNT];

    (void)state;
    for (int f = 0; f < FUNCTIONS; f++) {
        for (int i = 0; i < COUNT; i++)
            values[i] = (float)(i - COUNT / 2) * 0.01f;
        apply((qctx_linear_function)f, COUNT, values);
        for (int i = 0; i < COUNT; i++) {
            double expected = exact((qctx_linear_function)f, (float)(i - COUNT / 2) * 0.01f);

            if (fabs(values[i] - expected) > 1.5e-6 * (1.0 + 0.3 * fabs(expected)))
                fail_msg("function %d (%g): %.9g, expected %.9g", f, (i - COUNT / 2) * 0.01, values[i], expected);
        }
    }
}

static void test_extreme_values(void **state)
{
    static const float extremes[] = {-FLT_MAX, -1e30f, -1e5f,  -100.0f, -1e-40f, -0.0f,
                                     0.0f,     1e-40f, 100.0f, 1e5f,    1e30f,   FLT_MAX};
    enum { COUNT = sizeof extremes / sizeof extremes[0] };

    (void)state;
    for (int f = 0; f < FUNCTIONS; f++) {
        float values[COUNT];

        memcpy(values, extremes, sizeof values);
        apply((qctx_linear_function)f, COUNT, values);
        for (int i = 0; i < COUNT; i++) {
            double expected = exact((qctx_linear_function)f, extremes[i]);

            if (!(fabs(values[i] - expected) <= 1e-6 * fabs(expected) + 1e-30))
                fail_msg("function %d (%g): %.9g, expected %.9g", f, extremes[i], values[i], expected);
        }
    }
}

static void test_nothing_is_destroyed(void **state)
{
    (void)state;
    qctx_linear_destroy(NULL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_layers_are_the_reference),
    cmocka_unit_test(test_long_sums_and_many_rows),
    cmocka_unit_test(test_results_in_bfloat16_are_those_of_float32_rounded),
    cmocka_unit_test(test_the_residual_may_be_the_result),
    cmocka_unit_test(test_threads_share_a_layer),
    cmocka_unit_test(test_functions_over_their_range),
    cmocka_unit_test(test_extreme_values),
    cmocka_unit_test(test_nothing_is_destroyed),
};
TEST_MAIN(tests)
