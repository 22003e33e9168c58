/* ranks: 1 */
#include "harness.h"

#include "qctx/base/clock.h"
#include "qctx/base/names.h"
#include "qctx/training/timers.h"

static void wait_for(double seconds)
{
    double start = qctx_clock_seconds();

    while (qctx_clock_seconds() - start < seconds) {
    }
}

/* Each end counts from the last begin or end, and phases add up. */
static void time_goes_to_the_phase_that_ends(void **state)
{
    qctx_timers timers = {0};
    double start = qctx_clock_seconds(), all = 0.0;

    (void)state;
    qctx_timers_begin(&timers);
    wait_for(0.02);
    qctx_timers_end(&timers, QCTX_TIMER_FORWARD);
    wait_for(0.01);
    qctx_timers_end(&timers, QCTX_TIMER_LOSS);
    wait_for(0.02);
    qctx_timers_end(&timers, QCTX_TIMER_FORWARD);
    assert_true(timers.seconds[QCTX_TIMER_FORWARD] >= 0.04);
    assert_true(timers.seconds[QCTX_TIMER_LOSS] >= 0.01);
    for (int t = 0; t < QCTX_TIMER_COUNT; t++)
        all += timers.seconds[t];
    assert_true(all <= qctx_clock_seconds() - start);
    assert_true(all == timers.seconds[QCTX_TIMER_FORWARD] + timers.seconds[QCTX_TIMER_LOSS]);
}

static void what_lies_before_a_begin_is_not_counted(void **state)
{
    qctx_timers timers = {0};
    double start;

    (void)state;
    qctx_timers_begin(&timers);
    wait_for(0.02);
    start = qctx_clock_seconds();
    qctx_timers_begin(&timers);
    qctx_timers_end(&timers, QCTX_TIMER_OPEN);
    assert_true(timers.seconds[QCTX_TIMER_OPEN] >= 0.0);
    assert_true(timers.seconds[QCTX_TIMER_OPEN] <= qctx_clock_seconds() - start);
}

static void every_timer_has_a_name_of_its_own(void **state)
{
    (void)state;
    assert_int_equal(qctx_name_count(qctx_timer_names), QCTX_TIMER_COUNT);
    for (int t = 0; t < QCTX_TIMER_COUNT; t++)
        assert_int_equal(qctx_name_find(qctx_timer_names, qctx_timer_names[t]), t);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(time_goes_to_the_phase_that_ends),
    cmocka_unit_test(what_lies_before_a_begin_is_not_counted),
    cmocka_unit_test(every_timer_has_a_name_of_its_own),
};
TEST_MAIN(tests)
