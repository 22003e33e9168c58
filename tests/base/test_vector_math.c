/* ranks: 1 */
#include "harness.h"

#include <float.h>
#include <math.h>

#include "qctx/base/vector_math.h"

enum { SAMPLES = 200001 };

/* Error of `actual` in units of the last place of `expected`. */
static double ulps(float actual, double expected)
{
    int exponent;

    if (expected == 0.0)
        return actual == 0.0f ? 0.0 : HUGE_VAL;
    frexp(expected, &exponent);
    return fabs((double)actual - expected) / ldexp(1.0, exponent - FLT_MANT_DIG);
}

static void exp_is_near_the_double_one(void **state)
{
    double worst = 0.0;

    (void)state;
    for (int i = 0; i < SAMPLES; i++) {
        float x = (float)(-87.3 + (87.3 + 88.3) * i / (SAMPLES - 1));

        if (x >= -87.3f && x <= 88.3f)
            worst = fmax(worst, ulps(qctx_expf(x), exp((double)x)));
    }
    assert_true(worst <= 2.0);
    assert_true(qctx_expf(0.0f) == 1.0f);
}

static void exp_keeps_its_limits(void **state)
{
    (void)state;
    assert_true(qctx_expf(-INFINITY) == 0.0f);
    assert_true(qctx_expf(-1000.0f) == 0.0f);
    assert_true(isinf(qctx_expf(1000.0f)));
    assert_true(isinf(qctx_expf(INFINITY)));
    assert_true(isnan(qctx_expf(NAN)));
}

static void exp2_is_near_the_double_one(void **state)
{
    double worst = 0.0;

    (void)state;
    for (int i = 0; i < SAMPLES; i++) {
        float x = (float)(-126.0 + (126.0 + 127.4) * i / (SAMPLES - 1));

        if (x <= 127.4f)
            worst = fmax(worst, ulps(qctx_exp2f(x), exp2((double)x)));
    }
    assert_true(worst <= 2.0);
    for (int n = -126; n < 128; n++)
        assert_true(qctx_exp2f((float)n) == ldexpf(1.0f, n));
}

static void exp2_keeps_its_limits(void **state)
{
    const float below[] = {-126.5f, -1000.0f, -1e9f, -FLT_MAX, -INFINITY};
    const float above[] = {127.75f, 1000.0f, 1e9f, FLT_MAX, INFINITY};

    (void)state;
    for (int k = 0; k < 5; k++) {
        assert_true(qctx_exp2f(below[k]) == 0.0f);
        assert_true(qctx_exp2f(above[k]) == INFINITY);
    }
    assert_true(isnan(qctx_exp2f(NAN)));
}

/* As a tile of the loss has it, whose tails are computed in a pass before. */
static float sigmoid(float x, float *softplus)
{
    return qctx_sigmoid_of_tail(x, qctx_exp2f_below(fabsf(x) * -1.44269504088896341f), softplus);
}

static void sigmoid_is_near_the_double_one(void **state)
{
    double worst = 0.0;
    float softplus;

    (void)state;
    for (int i = 0; i < SAMPLES; i++) {
        float x = (float)(-87.0 + 174.0 * i / (SAMPLES - 1)), value = sigmoid(x, &softplus);
        double tail = exp(-fabs((double)x)), bound = (4.0 + 0.7 * fabs((double)x)) * 0x1p-23;
        double expected = x < 0.0f ? tail / (1.0 + tail) : 1.0 / (1.0 + tail);
        double expected_softplus = (x > 0.0f ? (double)x : 0.0) + log1p(tail);

        worst = fmax(worst, fabs((double)value / expected - 1.0) / bound);
        worst = fmax(worst, fabs((double)softplus / expected_softplus - 1.0) / bound);
    }
    assert_true(worst <= 1.0);
    assert_true(sigmoid(-INFINITY, &softplus) == 0.0f && softplus == 0.0f);
    assert_true(sigmoid(INFINITY, &softplus) == 1.0f && softplus == INFINITY);
    assert_true(isnan(sigmoid(NAN, &softplus)));
}

static void tanh_is_near_the_double_one(void **state)
{
    double worst = 0.0;

    (void)state;
    for (int i = 0; i < SAMPLES; i++) {
        float x = (float)(-12.0 + 24.0 * i / (SAMPLES - 1));

        worst = fmax(worst, ulps(qctx_tanhf(x), tanh((double)x)));
    }
    assert_true(worst <= 3.0);
    assert_true(qctx_tanhf(1e-20f) == 1e-20f);
    assert_true(qctx_tanhf(INFINITY) == 1.0f && qctx_tanhf(-INFINITY) == -1.0f);
    assert_true(isnan(qctx_tanhf(NAN)));
}

static void normal_is_near_the_double_one(void **state)
{
    double worst = 0.0, worst_density = 0.0;
    float density;

    (void)state;
    for (int i = 0; i < SAMPLES; i++) {
        float x = (float)(-15.0 + 30.0 * i / (SAMPLES - 1));
        double exact = 0.5 * erfc(-(double)x / sqrt(2.0));

        worst = fmax(worst, fabs((double)qctx_normal(x, &density) - exact));
        worst_density = fmax(worst_density, fabs((double)density - exp(-0.5 * (double)x * x) / sqrt(2.0 * acos(-1.0))));
    }
    assert_true(worst <= 4e-7);
    assert_true(worst_density <= 4e-7);
    assert_true(qctx_normal(-INFINITY, &density) == 0.0f && density == 0.0f);
    assert_true(qctx_normal(INFINITY, &density) == 1.0f && density == 0.0f);
    assert_true(isnan(qctx_normal(NAN, &density)));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(exp_is_near_the_double_one),     cmocka_unit_test(exp_keeps_its_limits),
    cmocka_unit_test(exp2_is_near_the_double_one),    cmocka_unit_test(exp2_keeps_its_limits),
    cmocka_unit_test(sigmoid_is_near_the_double_one), cmocka_unit_test(tanh_is_near_the_double_one),
    cmocka_unit_test(normal_is_near_the_double_one),
};
TEST_MAIN(tests)
