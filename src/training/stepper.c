#include "qctx/training/stepper.h"

#include <math.h>

#include "stepper_internal.h"

/* The contexts are offered before the questions go through the head, whose products hide the exchange. */
static void contrast(qctx_stepper *stepper, int64_t step, qctx_loss_result *outcome, qctx_distill_sums *distilled)
{
    const qctx_loss_batch batch = {
        .rows = stepper->sizes.rows,
        .content = stepper->content,
        .positive_offsets = stepper->positive_offsets,
        .positives = stepper->positives,
        .extras = stepper->parts[STEPPER_EXTRAS].rows,
    };
    const float *scalars = stepper->parameters + stepper->sizes.head_count;
    const qctx_loss_scale scale = {(double)scalars[0], stepper->sizes.scalar_count > 1 ? (double)scalars[1] : 0.0};
    float *questions = stepper->parts[STEPPER_QUESTIONS].projected;
    float *contexts = stepper->parts[STEPPER_CONTEXTS].projected;

    stepper_project(stepper, &stepper->parts[STEPPER_CONTEXTS], step);
    stepper_project(stepper, &stepper->parts[STEPPER_EXTRAS], step);
    qctx_loss_offer(stepper->loss, contexts, &batch);
    qctx_timers_end(stepper->timers, QCTX_TIMER_LOSS);
    stepper_project(stepper, &stepper->parts[STEPPER_SCORED], step);
    stepper_project(stepper, &stepper->parts[STEPPER_QUESTIONS], step);
    *distilled = stepper_distil(stepper, scale);
    qctx_loss_step(stepper->loss, questions, contexts, &batch, scale, questions, contexts, outcome);
    stepper_add_distilled(stepper, distilled, outcome);
    stepper_add_recovered(stepper);
    qctx_timers_end(stepper->timers, QCTX_TIMER_LOSS);
}

/* The loss gives the scalars' gradient whole on every rank: it joins after the sum over ranks. */
static void set_scalar_gradient(qctx_stepper *stepper, const qctx_loss_result *outcome)
{
    float *gradient = stepper->gradient + stepper->sizes.head_count;

    gradient[0] = stepper->config->loss.logit_scale.learn ? (float)outcome->dlog_scale : 0.0f;
    if (stepper->sizes.scalar_count > 1)
        gradient[1] = stepper->config->loss.logit_bias.learn ? (float)outcome->dbias : 0.0f;
}

static qctx_status refuse_numbers(int64_t step, const char *what, double value, qctx_error *error)
{
    qctx_fail(error, QCTX_ERR_NUMERIC, "step %lld: %s is not finite (%g); nothing was changed by this step",
              (long long)step + 1, what, value);
    return qctx_hint(error, "lower optim.lr or loss.logit_scale.max, set optim.clip_norm, or look for outliers in the "
                            "data; then go on from the last checkpoint with --resume");
}

qctx_status qctx_stepper_step(qctx_stepper *stepper, const int64_t *batch, int64_t epoch, int64_t step, double rate,
                              qctx_step_result *result, qctx_error *error)
{
    double clip = stepper->config->optim.clip_norm, squares;
    qctx_distill_sums distilled;
    qctx_loss_result outcome;

    qctx_timers_begin(stepper->timers);
    stepper_choose(stepper, batch, epoch);
    stepper_choose_extras(stepper, batch, epoch);
    stepper_choose_scored(stepper);
    qctx_timers_end(stepper->timers, QCTX_TIMER_LOAD);
    qctx_head_tape_load(stepper->head, stepper->parameters, stepper->tape);
    qctx_timers_end(stepper->timers, QCTX_TIMER_FORWARD);
    contrast(stepper, step, &outcome, &distilled);
    if (!outcome.finite)
        return refuse_numbers(step, "the loss or its gradient", outcome.loss, error);
    stepper_back_propagate(stepper, step);
    qctx_timers_end(stepper->timers, QCTX_TIMER_BACKWARD);
    squares = stepper_finish_gradient(stepper);
    set_scalar_gradient(stepper, &outcome);
    squares += qctx_square_sum(stepper->gradient + stepper->sizes.head_count, stepper->sizes.scalar_count);
    qctx_timers_end(stepper->timers, QCTX_TIMER_REDUCE);

    result->loss = outcome.loss;
    result->distilled = distilled.loss;
    result->accuracy = outcome.accuracy;
    result->grad_norm = sqrt(squares);
    if (!isfinite(result->grad_norm))
        return refuse_numbers(step, "the gradient's norm", result->grad_norm, error);
    stepper_update(stepper, rate, clip > 0 && result->grad_norm > clip ? clip / result->grad_norm : 1.0);
    result->scale = exp((double)stepper->parameters[stepper->sizes.head_count]);
    qctx_timers_end(stepper->timers, QCTX_TIMER_OPTIMIZE);
    return QCTX_OK;
}

int64_t qctx_stepper_scalar_count(qctx_loss_kind kind)
{
    return kind == QCTX_LOSS_SIGMOID ? 2 : 1;
}

float *qctx_stepper_parameters(qctx_stepper *stepper)
{
    return stepper->parameters;
}

qctx_optimizer_state *qctx_stepper_optimizer(qctx_stepper *stepper)
{
    return &stepper->state;
}
