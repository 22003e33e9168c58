/* ranks: 1 */
#include "harness.h"

#include <math.h>

#include "qctx/base/dot.h"

enum { LONGEST = 300 };

static void whole_numbers_are_exact(void **state)
{
    float x[LONGEST], y[LONGEST];

    (void)state;
    for (int i = 0; i < LONGEST; i++) {
        x[i] = (float)(i % 17 - 8);
        y[i] = (float)(i % 23 - 5);
    }
    for (int count = 0; count <= LONGEST; count++) {
        double sum = 0.0;

        for (int i = 0; i < count; i++)
            sum += (double)x[i] * (double)y[i];
        assert_true(qctx_dot(x, y, count) == sum);
    }
}

static void is_within_its_bound_and_does_not_depend_on_the_place(void **state)
{
    float x[LONGEST + 3], y[LONGEST + 3];

    (void)state;
    for (int i = 0; i < LONGEST; i++) {
        x[i] = sinf((float)i) * powf(10.0f, (float)(i % 9));
        y[i] = cosf((float)(3 * i));
    }
    for (int count = 1; count <= LONGEST; count += 7) {
        long double sum = 0.0L, size = 0.0L;
        const double dot = qctx_dot(x, y, count);

        for (int i = 0; i < count; i++) {
            sum += (long double)x[i] * (long double)y[i];
            size += fabsl((long double)x[i] * (long double)y[i]);
        }
        assert_true(fabsl((long double)dot - sum) <= (long double)count * 0x1p-53L * size);
        assert_true(qctx_dot(y, x, count) == dot);
        for (int shift = 1; shift <= 3; shift++) {
            float moved_x[LONGEST + 3], moved_y[LONGEST + 3];

            for (int i = 0; i < count; i++) {
                moved_x[i + shift] = x[i];
                moved_y[i + shift] = y[i];
            }
            assert_true(qctx_dot(moved_x + shift, moved_y + shift, count) == dot);
        }
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(whole_numbers_are_exact),
    cmocka_unit_test(is_within_its_bound_and_does_not_depend_on_the_place),
};
TEST_MAIN(tests)
