/*
 * What the tests of the training step share: whole training runs of a few steps over made-up rows, carried out in any
 * way, and what they leave.
 */
#ifndef QCTX_TESTS_STEPPER_PROBE_H
#define QCTX_TESTS_STEPPER_PROBE_H

#include "harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "made_up_loader.h"
#include "qctx/base/mem.h"
#include "qctx/training/stepper.h"

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

static inline training usual(void)
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

static inline void forget(training *run)
{
    free(run->parameters);
    free(run->moments);
}

/* The batch of a step: every question once in a while, and some contexts twice in a batch. */
static inline void fill_batch(int64_t step, int64_t size, int64_t *batch)
{
    for (int64_t i = 0; i < size; i++)
        batch[i] = (i * 7 + step * 31) % MADE_UP_EXAMPLES;
}

static inline void keep_outcome(training *run, qctx_stepper *stepper)
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
static inline void train(qctx_comm *comm, training *run, const float *start)
{
    int64_t *batch = qctx_alloc(run->config.batch.size, sizeof *batch, "a batch", NULL);
    qctx_timers timers = {0};
    qctx_stepper *stepper = NULL;

    rows.loader.dim = run->head.input;
    assert_status(
        qctx_stepper_create(comm, &run->config, &run->plan, &rows.loader, &run->head, &timers, &stepper, &error),
        QCTX_OK, &error);
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

static inline double largest(const float *values, int64_t count)
{
    double most = 0.0;

    for (int64_t i = 0; i < count; i++)
        most = fmax(most, fabs(values[i]));
    return most;
}

/* The moments are sums of gradients: they show every part of them, also where a parameter hardly moves. */
static inline void assert_alike(const training *a, const training *b, double bound)
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

/* The run on all ranks, and on each rank alone. */
static inline void assert_as_on_one_rank(training run, double bound)
{
    qctx_comm *alone = qctx_comm_groups(test_comm, 1);
    training one = run;

    one.plan.split_step = false;
    train(test_comm, &run, NULL);
    train(alone, &one, NULL);
    assert_alike(&run, &one, bound);
    forget(&run);
    forget(&one);
    qctx_comm_close_group(alone);
}

static inline void assert_same_bits(const training *a, const training *b)
{
    assert_memory_equal(&a->loss, &b->loss, sizeof a->loss);
    assert_memory_equal(&a->grad_norm, &b->grad_norm, sizeof a->grad_norm);
    assert_memory_equal(a->parameters, b->parameters, (size_t)a->count * sizeof(float));
    assert_memory_equal(a->moments, b->moments, (size_t)a->count * sizeof(float));
}

static inline int open_rows(void **state)
{
    (void)state;
    made_up_open(&rows, DIM);
    return 0;
}

#endif
