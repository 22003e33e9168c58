/* ranks: 1 */
#include "harness.h"

#include "qctx/model/schedule.h"

/* Values at the joints: 0, warmup − 1, warmup, between, total − 1, total, far beyond. */
typedef struct {
    int64_t step;
    double rate;
} point;

static void assert_points(qctx_schedule schedule, const point *points, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_close(qctx_schedule_rate(&schedule, points[i].step), points[i].rate, 1e-15);
}

#define ASSERT_POINTS(schedule, points) assert_points((schedule), (points), sizeof(points) / sizeof((points)[0]))

static void constant_rises_and_stays(void **state)
{
    const point points[] = {{0, 0.2}, {1, 0.4}, {4, 1.0}, {5, 1.0}, {13, 1.0}, {14, 1.0}, {1000000000000, 1.0}};

    (void)state;
    ASSERT_POINTS(((qctx_schedule){QCTX_DECAY_CONSTANT, 1.0, 0.5, 5, 14}), points);
}

static void linear_falls_to_the_last_rate(void **state)
{
    /* Eight equal falls of 0.1 from step 5 to step 13. */
    const point points[] = {{0, 0.2}, {3, 0.8},  {4, 1.0},  {5, 1.0},  {6, 0.9},
                            {9, 0.6}, {12, 0.3}, {13, 0.2}, {14, 0.2}, {1000000000000, 0.2}};

    (void)state;
    ASSERT_POINTS(((qctx_schedule){QCTX_DECAY_LINEAR, 1.0, 0.2, 5, 14}), points);
}

static void cosine_falls_to_the_last_rate(void **state)
{
    /* From 3 to 1 over 6 steps: 2 + cos(i·30°). */
    const point points[] = {{0, 1.5},
                            {1, 3.0},
                            {2, 3.0},
                            {3, 2.86602540378443865},
                            {4, 2.5},
                            {5, 2.0},
                            {6, 1.5},
                            {7, 1.13397459621556135},
                            {8, 1.0},
                            {9, 1.0},
                            {1000000000000, 1.0}};

    (void)state;
    ASSERT_POINTS(((qctx_schedule){QCTX_DECAY_COSINE, 3.0, 1.0, 2, 9}), points);
}

static void no_warmup_begins_at_the_peak(void **state)
{
    const point points[] = {{0, 2.0}, {1, 1.0}, {2, 0.0}, {3, 0.0}};

    (void)state;
    ASSERT_POINTS(((qctx_schedule){QCTX_DECAY_LINEAR, 2.0, 0.0, 0, 3}), points);
    ASSERT_POINTS(((qctx_schedule){QCTX_DECAY_COSINE, 2.0, 0.0, 0, 3}), points);
}

static void a_single_decay_step_takes_the_peak(void **state)
{
    const point alone[] = {{0, 2.0}, {1, 0.0}, {7, 0.0}};
    const point after_warmup[] = {{0, 1.0}, {1, 2.0}, {2, 2.0}, {3, 0.0}};

    (void)state;
    ASSERT_POINTS(((qctx_schedule){QCTX_DECAY_COSINE, 2.0, 0.0, 0, 1}), alone);
    ASSERT_POINTS(((qctx_schedule){QCTX_DECAY_LINEAR, 2.0, 0.0, 2, 3}), after_warmup);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(constant_rises_and_stays),           cmocka_unit_test(linear_falls_to_the_last_rate),
    cmocka_unit_test(cosine_falls_to_the_last_rate),      cmocka_unit_test(no_warmup_begins_at_the_peak),
    cmocka_unit_test(a_single_decay_step_takes_the_peak),
};
TEST_MAIN(tests)
