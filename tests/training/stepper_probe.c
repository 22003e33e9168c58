#include "stepper_probe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"
#include "qctx/training/stepper.h"

qctx_error probe_error;
made_up probe_rows;

training probe_usual(void)
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

void probe_forget(training *run)
{
    free(run->parameters);
    free(run->moments);
}

void probe_fill_batch(int64_t step, int64_t size, int64_t *batch)
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

void probe_train(qctx_comm *comm, training *run, const float *start)
{
    int64_t *batch = qctx_alloc(run->config.batch.size, sizeof *batch, "a batch", NULL);
    qctx_timers timers = {0};
    qctx_stepper *stepper = NULL;

    probe_rows.loader.dim = run->head.input;
    assert_status(qctx_stepper_create(comm, &run->config, &run->plan, &probe_rows.loader, &run->head, &timers, &stepper,
                                      &probe_error),
                  QCTX_OK, &probe_error);
    if (start != NULL)
        memcpy(qctx_stepper_parameters(stepper), start, (size_t)qctx_stepper_optimizer(stepper)->count * sizeof(float));
    for (int64_t step = 0; step < run->steps; step++) {
        qctx_step_result result = {0};

        probe_fill_batch(step, run->config.batch.size, batch);
        run->status = qctx_stepper_step(stepper, batch, 0, step, run->rate, &result, &probe_error);
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
void probe_assert_alike(const training *a, const training *b, double bound)
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

void probe_assert_as_on_one_rank(training run, double bound)
{
    qctx_comm *alone = qctx_comm_groups(test_comm, 1);
    training one = run;

    one.plan.split_step = false;
    probe_train(test_comm, &run, NULL);
    probe_train(alone, &one, NULL);
    probe_assert_alike(&run, &one, bound);
    probe_forget(&run);
    probe_forget(&one);
    qctx_comm_close_group(alone);
}

void probe_assert_same_bits(const training *a, const training *b)
{
    assert_memory_equal(&a->loss, &b->loss, sizeof a->loss);
    assert_memory_equal(&a->grad_norm, &b->grad_norm, sizeof a->grad_norm);
    assert_memory_equal(a->parameters, b->parameters, (size_t)a->count * sizeof(float));
    assert_memory_equal(a->moments, b->moments, (size_t)a->count * sizeof(float));
}

int probe_open_rows(void **state)
{
    (void)state;
    made_up_open(&probe_rows, DIM);
    return 0;
}
