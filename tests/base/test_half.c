/* ranks: 1 */
#include "harness.h"

#include <math.h>

#include "qctx/base/half.h"

enum { ALL = 1 << 16 };

/* The definition: (−1)^sign · 2^(exponent − 15) · 1.mantissa, in double. */
static double meaning(uint16_t half)
{
    int exponent = half >> 10 & 31;
    double mantissa = half & 1023;
    double sign = half & 0x8000 ? -1.0 : 1.0;

    if (exponent == 31)
        return mantissa == 0 ? sign * INFINITY : NAN;
    return sign * (exponent == 0 ? ldexp(mantissa, -24) : ldexp(1024 + mantissa, exponent - 25));
}

static void widens_every_half(void **state)
{
    static uint16_t halves[ALL];
    static float values[ALL];

    (void)state;
    for (int i = 0; i < ALL; i++)
        halves[i] = (uint16_t)i;
    qctx_half_to_float(halves, ALL, values);
    for (int i = 0; i < ALL; i++) {
        if (isnan(meaning(halves[i])))
            assert_true(isnan(values[i]));
        else
            assert_true((double)values[i] == meaning(halves[i]) && !signbit(values[i]) == !signbit(meaning(halves[i])));
    }
}

static void narrows_what_it_widened(void **state)
{
    static uint16_t halves[ALL], back[ALL];
    static float values[ALL];

    (void)state;
    for (int i = 0; i < ALL; i++)
        halves[i] = (uint16_t)i;
    qctx_half_to_float(halves, ALL, values);
    qctx_half_from_float(values, ALL, back);
    for (int i = 0; i < ALL; i++)
        assert_true(isnan(values[i]) ? back[i] == (0x7e00 | (i & 0x8000)) : back[i] == i);
}

/* Between each two neighbours: below, at and above the middle; the middle goes to the even one. */
static void rounds_to_nearest_even(void **state)
{
    (void)state;
    for (int i = 0; i < 0x7bff; i++) {
        double middle = (meaning((uint16_t)i) + meaning((uint16_t)(i + 1))) / 2;
        float values[] = {nextafterf((float)middle, 0.0f), (float)middle, nextafterf((float)middle, INFINITY)};
        uint16_t halves[3];

        assert_true((double)(float)middle == middle);
        qctx_half_from_float(values, 3, halves);
        assert_int_equal(halves[0], i);
        assert_int_equal(halves[1], i % 2 == 0 ? i : i + 1);
        assert_int_equal(halves[2], i + 1);
    }
}

static void overflows_to_infinity(void **state)
{
    const float values[] = {65519.996f, 65520.0f, 1e10f, -3e38f, INFINITY, -NAN, 1e-30f, -1e-45f};
    const uint16_t expected[] = {0x7bff, 0x7c00, 0x7c00, 0xfc00, 0x7c00, 0xfe00, 0, 0x8000};
    uint16_t halves[8];

    (void)state;
    qctx_half_from_float(values, 8, halves);
    for (int i = 0; i < 8; i++)
        assert_int_equal(i == 5 ? halves[i] | 0x8000 : halves[i], expected[i]);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(widens_every_half),
    cmocka_unit_test(narrows_what_it_widened),
    cmocka_unit_test(rounds_to_nearest_even),
    cmocka_unit_test(overflows_to_infinity),
};
TEST_MAIN(tests)
