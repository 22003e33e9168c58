/* ranks: 1 2 4 5 */
#include "stepper_probe.h"

#include <math.h>
#include <stdlib.h>

#include "qctx/base/mem.h"
#include "qctx/training/stepper.h"

/* However a step is carried out, its parameters are the same, and their gradient is that of the loss. */

static void any_number_of_ranks_steps_as_one(void **state)
{
    (void)state;
    for (int sides = QCTX_SIDES_QUESTION; sides <= QCTX_SIDES_SHARED; sides++) {
        training all = probe_usual();

        all.head.sides = (qctx_head_sides)sides;
        all.head.form = sides == QCTX_SIDES_SHARED ? QCTX_HEAD_RESIDUAL : QCTX_HEAD_PLAIN;
        all.config.optim.clip_norm = sides == QCTX_SIDES_BOTH ? 0.01 : 0.0;
        probe_assert_as_on_one_rank(all, 1e-6);
    }
}

/* With fewer rows than ranks, some have none. */
static void ranks_without_rows_step_along(void **state)
{
    training all = probe_usual();

    (void)state;
    all.config.batch.size = 3;
    probe_assert_as_on_one_rank(all, 1e-6);
}

/* How far a step led. */
static double distance(const training *start, const training *stepped)
{
    double squares = 0.0;

    for (int64_t i = 0; i < start->count; i++)
        squares += pow(stepped->parameters[i] - (double)start->parameters[i], 2.0);
    return sqrt(squares);
}

/* `start` moved by `length` along the direction of the step that led to `stepped`. */
static float *move(const training *start, const training *stepped, double length)
{
    float *moved = qctx_alloc(start->count, sizeof(float), "moved parameters", NULL);
    double factor = length / distance(start, stepped);

    for (int64_t i = 0; i < start->count; i++)
        moved[i] = (float)(start->parameters[i] + factor * (stepped->parameters[i] - (double)start->parameters[i]));
    return moved;
}

/* The difference of the loss, as a step that changes nothing reports it, against the gradient that a step follows. */
static void check_gradient(training usual_run)
{
    const double h = 2e-3;
    training start = usual_run, stepped = usual_run;
    double losses[2];

    start.steps = stepped.steps = 1;
    start.rate = 0.0;
    stepped.config.optim.weight_decay = 0.0;
    probe_train(test_comm, &start, NULL);
    probe_train(test_comm, &stepped, NULL);
    for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++) {
        float *moved = move(&start, &stepped, side == 0 ? h : -h);
        training there = usual_run;

        there.steps = 1;
        there.rate = 0.0;
        probe_train(test_comm, &there, moved);
        losses[side] = there.loss;
        probe_forget(&there);
        free(moved);
    }
    /* Without momentum so far, the step is −rate·gradient, and the loss falls along it by the gradient's length. */
    assert_close((losses[0] - losses[1]) / (2.0 * h) / (-distance(&start, &stepped) / stepped.rate), 1.0, 2e-3);
    probe_forget(&start);
    probe_forget(&stepped);
}

static void the_gradient_is_that_of_the_loss(void **state)
{
    training run = probe_usual();

    (void)state;
    check_gradient(run);
    run.head.sides = QCTX_SIDES_SHARED;
    check_gradient(run);
    /* The bias is a parameter, too. */
    run.config.loss.kind = QCTX_LOSS_SIGMOID;
    run.plan.scheme = QCTX_SIMILARITY_ROWS;
    check_gradient(run);
}

/* Scale and bias are stepped where they are learned, and only there. */
static void scalars_are_learned_where_asked(void **state)
{
    training learned = probe_usual(), fixed;

    (void)state;
    learned.config.loss.kind = QCTX_LOSS_SIGMOID;
    learned.plan.scheme = QCTX_SIMILARITY_ROWS;
    fixed = learned;
    fixed.config.loss.logit_scale.learn = fixed.config.loss.logit_bias.learn = false;
    probe_train(test_comm, &learned, NULL);
    probe_train(test_comm, &fixed, NULL);
    assert_close(fixed.parameters[fixed.count - 2], log(20.0), 1e-6);
    assert_close(fixed.parameters[fixed.count - 1], -5.0, 0.0);
    assert_true(fabs(learned.parameters[learned.count - 2] - log(20.0)) > 1e-4);
    assert_true(fabs(learned.parameters[learned.count - 1] + 5.0) > 1e-4);
    probe_forget(&learned);
    probe_forget(&fixed);
}

static void micro_batches_are_one_batch(void **state)
{
    (void)state;
    for (int sides = QCTX_SIDES_QUESTION; sides <= QCTX_SIDES_SHARED; sides++) {
        training whole = probe_usual(), micro;

        whole.head.sides = (qctx_head_sides)sides;
        whole.head.layers = 3;
        micro = whole;
        micro.plan.micro_rows = 7;
        probe_train(test_comm, &whole, NULL);
        probe_train(test_comm, &micro, NULL);
        probe_assert_alike(&micro, &whole, 1e-6);
        probe_forget(&whole);
        probe_forget(&micro);
    }
}

static void bfloat16_stays_near(void **state)
{
    training wide = probe_usual(), narrow = probe_usual();

    (void)state;
    wide.plan.scheme = narrow.plan.scheme = QCTX_SIMILARITY_ROWS;
    narrow.plan.precision = QCTX_PRECISION_BFLOAT16;
    probe_train(test_comm, &wide, NULL);
    probe_train(test_comm, &narrow, NULL);
    /* Every operand is off by up to one part in 256; the parameters themselves are not rounded. */
    assert_close(narrow.loss / wide.loss, 1.0, 0.01);
    assert_close(narrow.grad_norm / wide.grad_norm, 1.0, 0.03);
    for (int64_t i = 0; i < wide.count; i++)
        assert_close(narrow.parameters[i], wide.parameters[i], 0.01);
    probe_forget(&wide);
    probe_forget(&narrow);
}

static void what_is_not_finite_changes_nothing(void **state)
{
    training start = probe_usual(), spoilt = probe_usual();

    (void)state;
    start.steps = 0;
    spoilt.steps = 1;
    probe_train(test_comm, &start, NULL);
    probe_rows.spoilt = NAN;
    probe_train(test_comm, &spoilt, NULL);
    probe_rows.spoilt = 0.0f;
    assert_int_equal(spoilt.status, QCTX_ERR_NUMERIC);
    assert_contains(probe_error.message, "step 1: the loss or its gradient is not finite");
    assert_memory_equal(spoilt.parameters, start.parameters, (size_t)start.count * sizeof(float));
    probe_forget(&start);
    probe_forget(&spoilt);
}

static void rows_to_come_are_prefetched(void **state)
{
    training run = probe_usual();
    qctx_timers timers = {0};
    qctx_stepper *stepper = NULL;
    int64_t batch[BATCH], first, own;

    (void)state;
    probe_fill_batch(0, BATCH, batch);
    probe_rows.loader.dim = DIM;
    assert_status(qctx_stepper_create(test_comm, &run.config, &run.plan, &probe_rows.loader, &run.head, &timers,
                                      &stepper, &probe_error),
                  QCTX_OK, &probe_error);
    probe_rows.prefetched = 0;
    qctx_stepper_prefetch(stepper, batch, 0);
    qctx_plan_rows(test_comm, &run.plan, BATCH, &first, &own);
    assert_int_equal(probe_rows.prefetched, own);
    qctx_stepper_destroy(stepper);
}

static void sizes_follow_the_plan(void **state)
{
    const qctx_head_config head = {
        .sides = QCTX_SIDES_BOTH, .layers = 2, .input = 1024, .hidden = 1024, .output = 1024};
    qctx_plan kept = {.micro_rows = 8192}, micro = {.micro_rows = 1024};
    const qctx_plan_lists none = {0};
    double product = 2.0 * 8192 * 1024 * 1024;
    /* Four arrays of parameters, a byte each, and two sides of projected rows in either case. */
    int64_t least = 17 * qctx_head_parameter_count(&head) + 2 * 8192 * 1024 * 4;

    (void)state;
    assert_close(qctx_stepper_flops(&head, &kept, 8192, 0), 10.0 * product, 0.0);
    assert_close(qctx_stepper_flops(&head, &micro, 8192, 0), 12.0 * product, 0.0);
    assert_in_range(qctx_stepper_memory(&head, QCTX_LOSS_CLIP, &micro, 2, 8192, 0, none) - least, 0, 48 << 20);
    assert_in_range(qctx_stepper_memory(&head, QCTX_LOSS_CLIP, &kept, 2, 8192, 0, none) -
                        qctx_stepper_memory(&head, QCTX_LOSS_CLIP, &micro, 2, 8192, 0, none),
                    64 << 20, 256 << 20);
    assert_int_equal(qctx_stepper_scalar_count(QCTX_LOSS_CLIP), 1);
    assert_int_equal(qctx_stepper_scalar_count(QCTX_LOSS_SIGMOID), 2);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup(any_number_of_ranks_steps_as_one, probe_open_rows),
    cmocka_unit_test_setup(ranks_without_rows_step_along, probe_open_rows),
    cmocka_unit_test_setup(the_gradient_is_that_of_the_loss, probe_open_rows),
    cmocka_unit_test_setup(scalars_are_learned_where_asked, probe_open_rows),
    cmocka_unit_test_setup(micro_batches_are_one_batch, probe_open_rows),
    cmocka_unit_test_setup(bfloat16_stays_near, probe_open_rows),
    cmocka_unit_test_setup(what_is_not_finite_changes_nothing, probe_open_rows),
    cmocka_unit_test_setup(rows_to_come_are_prefetched, probe_open_rows),
    cmocka_unit_test_setup(sizes_follow_the_plan, probe_open_rows),
};
TEST_MAIN(tests)
