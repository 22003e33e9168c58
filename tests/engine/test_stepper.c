/* ranks: 1 2 3 4 5 */
#include "harness.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>

#include "made_up_feed.h"
#include "qctx/base/hash.h"
#include "qctx/base/mem.h"
#include "qctx/base/tree_sum.h"
#include "qctx/engine/stepper.h"

/*
 * Whole training runs of a few steps over made-up rows: however a step is carried out, its parameters are the same, and
 * their gradient is that of the loss.
 */

enum { BATCH = 90, DIM = 24, HIDDEN = 36 };

static qctx_error error;
static made_up rows;

/* One run, and what it left. */
typedef struct {
    qctx_config config;
    qctx_head_config head;
    qctx_plan plan;
    int64_t steps;
    double rate;
    int64_t count;
    float *parameters, *moments;
    double loss, grad_norm; /* of the last step */
    qctx_status status;
} training;

static training usual(void)
{
    training run = {.steps = 3, .rate = 0.05};

    run.config.run.seed = 5;
    run.config.batch.size = BATCH;
    run.config.loss.normalize = true;
    run.config.loss.logit_scale.init = 20.0;
    run.config.loss.logit_scale.learn = true;
    run.config.loss.logit_scale.max = 100.0;
    run.config.loss.logit_bias.init = -5.0;
    run.config.loss.logit_bias.learn = true;
    run.config.optim.kind = QCTX_OPTIMIZER_SGD;
    run.config.optim.momentum = 0.9;
    run.config.optim.beta1 = 0.9;
    run.config.optim.beta2 = 0.98;
    run.config.optim.epsilon = 1e-6;
    run.config.optim.weight_decay = 0.01;
    run.head = (qctx_head_config){.form = QCTX_HEAD_PLAIN,
                                  .sides = QCTX_SIDES_BOTH,
                                  .activation = QCTX_ACTIVATION_GELU,
                                  .layers = 2,
                                  .input = DIM,
                                  .hidden = HIDDEN,
                                  .output = DIM,
                                  .dropout = 0.1,
                                  .seed = 11};
    run.plan = (qctx_plan){.scheme = QCTX_SIMILARITY_FULL, .micro_rows = BATCH};
    return run;
}

static void forget(training *run)
{
    free(run->parameters);
    free(run->moments);
}

/* The batch of a step: every question once in a while, and some contexts twice in a batch. */
static void fill_batch(int64_t step, int64_t size, int64_t *batch)
{
    for (int64_t i = 0; i < size; i++)
        batch[i] = (i * 7 + step * 31) % MADE_UP_EXAMPLES;
}

static void keep_outcome(training *run, qctx_stepper *stepper)
{
    run->count = qctx_head_parameter_count(&run->head) + qctx_stepper_scalar_count(run->config.loss.kind);
    run->parameters = qctx_alloc(run->count, sizeof(float), "parameters", NULL);
    run->moments = qctx_alloc(run->count, sizeof(float), "moments", NULL);
    memcpy(run->parameters, qctx_stepper_parameters(stepper), (size_t)run->count * sizeof(float));
    qctx_stepper_complete(stepper);
    assert_int_equal(qctx_stepper_optimizer(stepper)->count, run->count);
    memcpy(run->moments, qctx_stepper_optimizer(stepper)->first, (size_t)run->count * sizeof(float));
}

/* Runs on `comm`; `start` [parameters] replaces the first parameters where it is not NULL. */
static void train(qctx_comm *comm, training *run, const float *start)
{
    int64_t *batch = qctx_alloc(run->config.batch.size, sizeof *batch, "a batch", NULL);
    qctx_phases phases = {0};
    qctx_stepper *stepper = NULL;

    rows.feed.dim = run->head.input;
    assert_status(
        qctx_stepper_create(comm, &run->config, &run->plan, &rows.feed, &run->head, &phases, &stepper, &error), QCTX_OK,
        &error);
    if (start != NULL)
        memcpy(qctx_stepper_parameters(stepper), start, (size_t)qctx_stepper_optimizer(stepper)->count * sizeof(float));
    for (int64_t step = 0; step < run->steps; step++) {
        qctx_step_result result = {0};

        fill_batch(step, run->config.batch.size, batch);
        run->status = qctx_stepper_step(stepper, batch, 0, step, run->rate, &result, &error);
        run->loss = result.loss;
        run->grad_norm = result.grad_norm;
    }
    keep_outcome(run, stepper);
    qctx_stepper_destroy(stepper);
    free(batch);
}

static double largest(const float *values, int64_t count)
{
    double most = 0.0;

    for (int64_t i = 0; i < count; i++)
        most = fmax(most, fabs(values[i]));
    return most;
}

/* The moments are sums of gradients: they show every part of them, also where a parameter hardly moves. */
static void assert_alike(const training *a, const training *b, double bound)
{
    double parameters = largest(b->parameters, b->count), moments = largest(b->moments, b->count);

    assert_true(moments > 0.0);
    assert_close(a->loss / b->loss, 1.0, bound);
    assert_close(a->grad_norm / b->grad_norm, 1.0, bound * 10.0);
    for (int64_t i = 0; i < b->count; i++) {
        assert_close(a->parameters[i] / parameters, b->parameters[i] / parameters, bound);
        assert_close(a->moments[i] / moments, b->moments[i] / moments, bound * 10.0);
    }
}

static void assert_same_bits(const training *a, const training *b)
{
    assert_memory_equal(&a->loss, &b->loss, sizeof a->loss);
    assert_memory_equal(&a->grad_norm, &b->grad_norm, sizeof a->grad_norm);
    assert_memory_equal(a->parameters, b->parameters, (size_t)a->count * sizeof(float));
    assert_memory_equal(a->moments, b->moments, (size_t)a->count * sizeof(float));
}

static void any_number_of_ranks_steps_as_one(void **state)
{
    qctx_comm *alone = qctx_comm_groups(test_comm, 1);

    (void)state;
    for (int sides = QCTX_SIDES_QUESTION; sides <= QCTX_SIDES_SHARED; sides++) {
        training all = usual(), one;

        all.head.sides = (qctx_head_sides)sides;
        all.head.form = sides == QCTX_SIDES_SHARED ? QCTX_HEAD_RESIDUAL : QCTX_HEAD_PLAIN;
        all.config.optim.clip_norm = sides == QCTX_SIDES_BOTH ? 0.01 : 0.0;
        one = all;
        train(test_comm, &all, NULL);
        train(alone, &one, NULL);
        assert_alike(&all, &one, 1e-6);
        forget(&all);
        forget(&one);
    }
    qctx_comm_close_group(alone);
}

/* With fewer rows than ranks, some have none. */
static void ranks_without_rows_step_along(void **state)
{
    qctx_comm *alone = qctx_comm_groups(test_comm, 1);
    training all = usual(), one;

    (void)state;
    all.config.batch.size = 3;
    one = all;
    train(test_comm, &all, NULL);
    train(alone, &one, NULL);
    assert_alike(&all, &one, 1e-6);
    forget(&all);
    forget(&one);
    qctx_comm_close_group(alone);
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
    train(test_comm, &start, NULL);
    train(test_comm, &stepped, NULL);
    for (int side = 0; side < 2; side++) {
        float *moved = move(&start, &stepped, side == 0 ? h : -h);
        training there = usual_run;

        there.steps = 1;
        there.rate = 0.0;
        train(test_comm, &there, moved);
        losses[side] = there.loss;
        forget(&there);
        free(moved);
    }
    /* Without momentum so far, the step is −rate·gradient, and the loss falls along it by the gradient's length. */
    assert_close((losses[0] - losses[1]) / (2.0 * h) / (-distance(&start, &stepped) / stepped.rate), 1.0, 2e-3);
    forget(&start);
    forget(&stepped);
}

static void the_gradient_is_that_of_the_loss(void **state)
{
    training run = usual();

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
    training learned = usual(), fixed;

    (void)state;
    learned.config.loss.kind = QCTX_LOSS_SIGMOID;
    learned.plan.scheme = QCTX_SIMILARITY_ROWS;
    fixed = learned;
    fixed.config.loss.logit_scale.learn = fixed.config.loss.logit_bias.learn = false;
    train(test_comm, &learned, NULL);
    train(test_comm, &fixed, NULL);
    assert_close(fixed.parameters[fixed.count - 2], log(20.0), 1e-6);
    assert_close(fixed.parameters[fixed.count - 1], -5.0, 0.0);
    assert_true(fabs(learned.parameters[learned.count - 2] - log(20.0)) > 1e-4);
    assert_true(fabs(learned.parameters[learned.count - 1] + 5.0) > 1e-4);
    forget(&learned);
    forget(&fixed);
}

static void micro_batches_are_one_batch(void **state)
{
    (void)state;
    for (int sides = QCTX_SIDES_QUESTION; sides <= QCTX_SIDES_SHARED; sides++) {
        training whole = usual(), micro;

        whole.head.sides = (qctx_head_sides)sides;
        whole.head.layers = 3;
        micro = whole;
        micro.plan.micro_rows = 7;
        train(test_comm, &whole, NULL);
        train(test_comm, &micro, NULL);
        assert_alike(&micro, &whole, 1e-6);
        forget(&whole);
        forget(&micro);
    }
}

/* A head of several buckets, the last one shorter. */
static training large(void)
{
    training run = usual();

    run.steps = 2;
    run.config.optim.kind = QCTX_OPTIMIZER_ADAMW;
    run.config.optim.clip_norm = 0.01;
    run.rate = 1e-3;
    run.head.input = run.head.output = 200;
    run.head.hidden = 700;
    return run;
}

static void a_split_step_has_the_same_bits(void **state)
{
    training whole = large(), parts = large();

    (void)state;
    parts.plan.split_step = true;
    train(test_comm, &whole, NULL);
    train(test_comm, &parts, NULL);
    assert_same_bits(&parts, &whole);
    assert_true(qctx_comm_same(test_comm, qctx_hash(parts.parameters, (size_t)parts.count * sizeof(float), 0)));
    assert_true(qctx_comm_same(test_comm, qctx_hash(parts.moments, (size_t)parts.count * sizeof(float), 0)));
    forget(&whole);
    forget(&parts);
}

static void buckets_are_summed_as_one_rank_sums(void **state)
{
    qctx_comm *alone = qctx_comm_groups(test_comm, 1);
    training all = large(), one = large();

    (void)state;
    /* One step: adamw divides by the gradient's size, which makes differences of its smallest entries large. */
    all.steps = one.steps = 1;
    all.config.optim.kind = one.config.optim.kind = QCTX_OPTIMIZER_SGD;
    all.plan.split_step = true;
    train(test_comm, &all, NULL);
    train(alone, &one, NULL);
    assert_alike(&all, &one, 1e-6);
    forget(&all);
    forget(&one);
    qctx_comm_close_group(alone);
}

static void bfloat16_stays_near(void **state)
{
    training wide = usual(), narrow = usual();

    (void)state;
    wide.plan.scheme = narrow.plan.scheme = QCTX_SIMILARITY_ROWS;
    narrow.plan.precision = QCTX_PRECISION_BFLOAT16;
    train(test_comm, &wide, NULL);
    train(test_comm, &narrow, NULL);
    /* Every operand is off by up to one part in 256; the parameters themselves are not rounded. */
    assert_close(narrow.loss / wide.loss, 1.0, 0.01);
    assert_close(narrow.grad_norm / wide.grad_norm, 1.0, 0.03);
    for (int64_t i = 0; i < wide.count; i++)
        assert_close(narrow.parameters[i], wide.parameters[i], 0.01);
    forget(&wide);
    forget(&narrow);
}

static training reproducible(void)
{
    training run = usual();

    run.steps = 20;
    run.rate = 0.02;
    run.config.optim.kind = QCTX_OPTIMIZER_ADAMW;
    run.config.optim.clip_norm = 0.05;
    run.plan.scheme = QCTX_SIMILARITY_ROWS;
    run.plan.leaves = 8;
    return run;
}

/* Runs of `batch` rows, which may be fewer than there are leaves. */
static void check_leaves(int64_t batch)
{
    int ranks = qctx_comm_size(test_comm);

    for (int sides = QCTX_SIDES_BOTH; sides <= QCTX_SIDES_SHARED; sides++) {
        qctx_comm *alone = qctx_comm_groups(test_comm, 1);
        training one = reproducible();

        one.head.sides = (qctx_head_sides)sides;
        one.config.batch.size = batch;
        train(alone, &one, NULL);
        for (int size = 2; size <= ranks; size *= 2) {
            training several = reproducible();
            qctx_comm *group = qctx_comm_groups(test_comm, size);

            several.head.sides = (qctx_head_sides)sides;
            several.config.batch.size = batch;
            several.plan.split_step = size == 2;
            several.plan.micro_rows = size == 4 ? 1 : BATCH;
            train(group, &several, NULL);
            /* The last group may be smaller, and three ranks are no power of two. */
            if (qctx_leaf_is_invariant(several.plan.leaves, qctx_comm_size(group)))
                assert_same_bits(&several, &one);
            forget(&several);
            qctx_comm_close_group(group);
        }
        forget(&one);
        qctx_comm_close_group(alone);
    }
}

static void leaves_give_the_same_bits_on_any_ranks(void **state)
{
    (void)state;
    check_leaves(BATCH);
    check_leaves(5);
}

/* Sizes that are shared out among threads; on one rank, since more of them would wait for each other's threads. */
static void threads_change_no_bit(void **state)
{
    const int threads = omp_get_max_threads();

    (void)state;
    for (int leaves = 0; leaves <= 8 && qctx_comm_size(test_comm) == 1; leaves += 8) {
        training one = reproducible(), two;

        one.steps = 2;
        one.config.batch.size = one.plan.micro_rows = 2048;
        one.head.hidden = 300;
        one.plan.leaves = leaves;
        two = one;
        train(test_comm, &one, NULL);
        omp_set_num_threads(2);
        train(test_comm, &two, NULL);
        omp_set_num_threads(threads);
        assert_same_bits(&two, &one);
        forget(&one);
        forget(&two);
    }
}

/* Three ranks cannot share leaves as a tree, but their run repeats itself. */
static void leaves_repeat_on_other_ranks(void **state)
{
    training first = reproducible(), again = reproducible();

    (void)state;
    first.steps = again.steps = 3;
    train(test_comm, &first, NULL);
    train(test_comm, &again, NULL);
    assert_same_bits(&first, &again);
    assert_true(qctx_comm_same(test_comm, qctx_hash(first.parameters, (size_t)first.count * sizeof(float), 0)));
    forget(&first);
    forget(&again);
}

static void what_is_not_finite_changes_nothing(void **state)
{
    training start = usual(), spoilt = usual();

    (void)state;
    start.steps = 0;
    spoilt.steps = 1;
    train(test_comm, &start, NULL);
    rows.spoilt = NAN;
    train(test_comm, &spoilt, NULL);
    rows.spoilt = 0.0f;
    assert_int_equal(spoilt.status, QCTX_ERR_NUMERIC);
    assert_contains(error.message, "step 1: the loss or its gradient is not finite");
    assert_memory_equal(spoilt.parameters, start.parameters, (size_t)start.count * sizeof(float));
    forget(&start);
    forget(&spoilt);
}

static void rows_to_come_are_announced(void **state)
{
    training run = usual();
    qctx_phases phases = {0};
    qctx_stepper *stepper = NULL;
    int64_t batch[BATCH], first, own;

    (void)state;
    fill_batch(0, BATCH, batch);
    rows.feed.dim = DIM;
    assert_status(
        qctx_stepper_create(test_comm, &run.config, &run.plan, &rows.feed, &run.head, &phases, &stepper, &error),
        QCTX_OK, &error);
    rows.announced = 0;
    qctx_stepper_announce(stepper, batch, 0);
    qctx_plan_rows(test_comm, &run.plan, BATCH, &first, &own);
    assert_int_equal(rows.announced, own);
    qctx_stepper_destroy(stepper);
}

static void sizes_follow_the_plan(void **state)
{
    const qctx_head_config head = {
        .sides = QCTX_SIDES_BOTH, .layers = 2, .input = 1024, .hidden = 1024, .output = 1024};
    qctx_plan kept = {.micro_rows = 8192}, micro = {.micro_rows = 1024};
    double product = 2.0 * 8192 * 1024 * 1024;
    /* Four arrays of parameters, a byte each, and two sides of projected rows in either case. */
    int64_t least = 17 * qctx_head_parameter_count(&head) + 2 * 8192 * 1024 * 4;

    (void)state;
    assert_close(qctx_stepper_flops(&head, &kept, 8192), 10.0 * product, 0.0);
    assert_close(qctx_stepper_flops(&head, &micro, 8192), 12.0 * product, 0.0);
    assert_in_range(qctx_stepper_memory(&head, &micro, 2, 8192) - least, 0, 48 << 20);
    assert_in_range(qctx_stepper_memory(&head, &kept, 2, 8192) - qctx_stepper_memory(&head, &micro, 2, 8192), 64 << 20,
                    256 << 20);
    assert_int_equal(qctx_stepper_scalar_count(QCTX_LOSS_CLIP), 1);
    assert_int_equal(qctx_stepper_scalar_count(QCTX_LOSS_SIGMOID), 2);
}

static int open_rows(void **state)
{
    (void)state;
    made_up_open(&rows, DIM);
    return 0;
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup(any_number_of_ranks_steps_as_one, open_rows),
    cmocka_unit_test_setup(ranks_without_rows_step_along, open_rows),
    cmocka_unit_test_setup(the_gradient_is_that_of_the_loss, open_rows),
    cmocka_unit_test_setup(scalars_are_learned_where_asked, open_rows),
    cmocka_unit_test_setup(micro_batches_are_one_batch, open_rows),
    cmocka_unit_test_setup(a_split_step_has_the_same_bits, open_rows),
    cmocka_unit_test_setup(buckets_are_summed_as_one_rank_sums, open_rows),
    cmocka_unit_test_setup(bfloat16_stays_near, open_rows),
    cmocka_unit_test_setup(leaves_give_the_same_bits_on_any_ranks, open_rows),
    cmocka_unit_test_setup(threads_change_no_bit, open_rows),
    cmocka_unit_test_setup(leaves_repeat_on_other_ranks, open_rows),
    cmocka_unit_test_setup(what_is_not_finite_changes_nothing, open_rows),
    cmocka_unit_test_setup(rows_to_come_are_announced, open_rows),
    cmocka_unit_test_setup(sizes_follow_the_plan, open_rows),
};
TEST_MAIN(tests)
