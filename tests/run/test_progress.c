/* ranks: 1 */
#include "harness.h"

#include "qctx/run/progress.h"

static void a_run_begins_with_nothing(void **state)
{
    qctx_progress progress = qctx_progress_start();

    (void)state;
    assert_int_equal(progress.epoch, 0);
    assert_int_equal(progress.step, 0);
    assert_int_equal(progress.evaluated, -1);
    assert_int_equal(progress.best_step, -1);
    assert_true(progress.best_metric == -1.0 && progress.best_mrr == -1.0 && progress.best_strength == 1.0);
    assert_false(qctx_progress_diverges(&progress));
}

/* The sums are those of the running epoch, the running mean that of the run. */
static void steps_are_summed_by_epoch(void **state)
{
    qctx_progress progress = qctx_progress_start();

    (void)state;
    qctx_progress_add_step(&progress, 0, true, 4.0, 0.25);
    qctx_progress_add_step(&progress, 0, false, 3.0, 0.5);
    assert_int_equal(progress.epoch, 1);
    assert_int_equal(progress.step, 2);
    assert_int_equal(progress.summed, 2);
    assert_true(progress.loss_sum == 7.0 && progress.accuracy_sum == 0.75);
    assert_true(progress.loss_start == 4.0);
    assert_close(progress.loss_now, 4.0 - 1.0 / 50.0, 1e-15);
    qctx_progress_add_step(&progress, 1, true, 2.0, 1.0);
    assert_int_equal(progress.epoch, 2);
    assert_int_equal(progress.step, 3);
    assert_int_equal(progress.summed, 1);
    assert_true(progress.loss_sum == 2.0 && progress.accuracy_sum == 1.0);
    assert_true(progress.loss_start == 4.0);
    assert_close(progress.loss_now, 3.98 - 1.98 / 50.0, 1e-15);
}

static void the_best_is_where_the_run_is(void **state)
{
    qctx_progress progress = qctx_progress_start();

    (void)state;
    qctx_progress_add_step(&progress, 0, true, 4.0, 0.25);
    qctx_progress_set_best(&progress, (qctx_merit){0.5, 0.6}, 0.7);
    qctx_progress_add_step(&progress, 1, true, 4.0, 0.25);
    qctx_progress_set_unguarded(&progress, (qctx_merit){0.75, 0.8}, 0.9, 2);
    assert_int_equal(progress.unguarded_epoch, 2);
    assert_int_equal(progress.limited_by, 2);
    assert_true(qctx_progress_unguarded(&progress).metric == 0.75 && progress.unguarded_strength == 0.9);
    assert_int_equal(progress.best_epoch, 1);
    assert_int_equal(progress.best_step, 1);
    assert_true(progress.best_metric == 0.5 && progress.best_mrr == 0.6 && progress.best_strength == 0.7);
}

static void divergence_is_twice_the_first_loss_and_two_above_it(void **state)
{
    static const struct {
        double start, now;
        bool diverges;
    } cases[] = {
        {5.0, 5.0, false}, {5.0, 10.0, false}, {5.0, 10.1, true}, {2.0, 4.0, false},   {2.0, 4.1, true},
        {0.1, 0.2, false}, {0.1, 2.0, false},  {0.1, 2.2, true},  {-3.0, -1.0, false}, {-3.0, -0.9, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        qctx_progress progress = {.loss_start = cases[i].start, .loss_now = cases[i].now};

        assert_int_equal(qctx_progress_diverges(&progress), cases[i].diverges);
    }
}

/* From 5 on at 12, the mean is 12 − 7·0.98ⁿ: above 10 from the 63rd step on, for 0.98⁶² > 2/7 > 0.98⁶³. */
static void a_hump_is_no_divergence(void **state)
{
    qctx_progress progress = qctx_progress_start();

    (void)state;
    qctx_progress_add_step(&progress, 0, true, 5.0, 0.0);
    for (int i = 0; i < 62; i++) {
        qctx_progress_add_step(&progress, 0, false, 12.0, 0.0);
        assert_false(qctx_progress_diverges(&progress));
    }
    qctx_progress_add_step(&progress, 0, false, 12.0, 0.0);
    assert_true(qctx_progress_diverges(&progress));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_run_begins_with_nothing),
    cmocka_unit_test(steps_are_summed_by_epoch),
    cmocka_unit_test(the_best_is_where_the_run_is),
    cmocka_unit_test(divergence_is_twice_the_first_loss_and_two_above_it),
    cmocka_unit_test(a_hump_is_no_divergence),
};
TEST_MAIN(tests)
