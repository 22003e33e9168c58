/* ranks: 1 */
#include "harness.h"

#include <math.h>

#include "qctx/base/bfloat16.h"

enum { ALL = 1 << 16 };

/* The definition: (−1)^sign · 2^(exponent − 127) · 1.mantissa, in double. */
static double meaning(qctx_bfloat16 half)
{
    int exponent = half >> 7 & 255;
    double mantissa = half & 127;
    double sign = half & 0x8000 ? -1.0 : 1.0;

    if (exponent == 255)
        return mantissa == 0 ? sign * INFINITY : NAN;
    return sign * (exponent == 0 ? ldexp(mantissa, -133) : ldexp(128 + mantissa, exponent - 134));
}

static void widens_and_narrows_every_value(void **state)
{
    static float values[ALL];
    static qctx_bfloat16 back[ALL];

    (void)state;
    for (int i = 0; i < ALL; i++) {
        double expected = meaning((qctx_bfloat16)i);

        values[i] = qctx_from_bfloat16((qctx_bfloat16)i);
        if (isnan(expected))
            assert_true(isnan(values[i]));
        else
            assert_true((double)values[i] == expected && !signbit(values[i]) == !signbit(expected));
    }
    qctx_to_bfloat16_array(values, ALL, back);
    for (int i = 0; i < ALL; i++)
        assert_true(isnan(values[i]) ? isnan(qctx_from_bfloat16(back[i])) : back[i] == i);
}

/* Between each two neighbours: below, at and above the middle; the middle goes to the even one. */
static void rounds_to_nearest_even(void **state)
{
    (void)state;
    for (int i = 0; i < 0x7f7f; i++) {
        double middle = (meaning((qctx_bfloat16)i) + meaning((qctx_bfloat16)(i + 1))) / 2;
        float below = nextafterf((float)middle, 0.0f), above = nextafterf((float)middle, INFINITY);

        assert_true((double)(float)middle == middle);
        assert_int_equal(qctx_to_bfloat16(below), i);
        assert_int_equal(qctx_to_bfloat16((float)middle), i % 2 == 0 ? i : i + 1);
        assert_int_equal(qctx_to_bfloat16(above), i + 1);
        assert_int_equal(qctx_to_bfloat16(-below), i | 0x8000);
        assert_int_equal(qctx_to_bfloat16(-above), (i + 1) | 0x8000);
    }
}

static void carries_to_infinity(void **state)
{
    /* 255.5 · 2^120 is halfway between the largest value, 255 · 2^120, and what would be the next. */
    const float halfway = ldexpf(255.5f, 120);

    (void)state;
    assert_int_equal(qctx_to_bfloat16(nextafterf(halfway, 0.0f)), 0x7f7f);
    assert_int_equal(qctx_to_bfloat16(halfway), 0x7f80);
    assert_int_equal(qctx_to_bfloat16(-halfway), 0xff80);
    assert_int_equal(qctx_to_bfloat16(3.4028235e38f), 0x7f80);
    assert_int_equal(qctx_to_bfloat16(INFINITY), 0x7f80);
    assert_int_equal(qctx_to_bfloat16(-INFINITY), 0xff80);
}

/* Every NaN stays one, also those whose bits would round to infinity or wrap to zero. */
static void keeps_nan(void **state)
{
    static const uint32_t patterns[] = {0x7f800001u, 0x7fc00000u, 0x7fffffffu, 0xff800001u, 0xffffffffu, 0x7f80ffffu};

    (void)state;
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        float value;

        memcpy(&value, &patterns[i], sizeof value);
        assert_true(isnan(qctx_from_bfloat16(qctx_to_bfloat16(value))));
    }
}

/* Every length around the width of vectors, and one that threads share; nothing is written behind the end. */
static void converts_arrays_of_any_length(void **state)
{
    enum { MOST = 50001 };
    static float values[MOST];
    static qctx_bfloat16 narrow[MOST + 1];

    (void)state;
    for (int i = 0; i < MOST; i++)
        values[i] = sinf((float)i) * 1e3f;
    for (int count = 0; count <= MOST; count += count < 70 ? 1 : MOST - 70) {
        narrow[count] = 0x1234;
        qctx_to_bfloat16_array(values, count, narrow);
        for (int i = 0; i < count; i++)
            assert_int_equal(narrow[i], qctx_to_bfloat16(values[i]));
        assert_int_equal(narrow[count], 0x1234);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(widens_and_narrows_every_value),
    cmocka_unit_test(rounds_to_nearest_even),
    cmocka_unit_test(carries_to_infinity),
    cmocka_unit_test(keeps_nan),
    cmocka_unit_test(converts_arrays_of_any_length),
};
TEST_MAIN(tests)
