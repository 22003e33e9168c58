#include <math.h>

#include "qctx/base/clock.h"
#include "qctx/base/hash.h"
#include "qctx/platform/stop.h"
#include "trainer_internal.h"

/* Length of the running mean that says whether a run diverges: a hump of some steps is no divergence yet. */
enum { WATCHED_STEPS = 50 };

/* What any rank may have to say after a step, in one reduction. */
enum { ASKED_TO_STOP = 1, CHECKPOINT_DUE = 2, DIVERGED = 4 };

/* A mean that forgets: it begins at the first loss, which was measured before anything was learned. */
static void watch_loss(trainer *run, double loss)
{
    if (run->step == 1)
        run->loss_start = run->loss_now = loss;
    else
        run->loss_now += (loss - run->loss_now) / (double)WATCHED_STEPS;
}

/*
 * Twice the loss of knowing nothing yet, for as many steps as the mean takes to get there: no run that learns at all
 * does that. The 2 is for losses that begin near zero.
 */
static bool diverges(const trainer *run)
{
    return run->loss_now > fmax(2.0 * run->loss_start, run->loss_start + 2.0);
}

static qctx_status refuse_divergence(trainer *run, double rate, qctx_error *error)
{
    qctx_fail(
        error, QCTX_ERR_DIVERGED,
        "step %lld (epoch %lld): the run diverges: the loss began at %.4g and its running mean is %.4g, at a learning "
        "rate of %.3g",
        (long long)run->step, (long long)run->epoch, run->loss_start, run->loss_now, rate);
    trainer_name_last(run, error);
    return qctx_hint(error, "lower optim.lr, or set optim.clip_norm or a longer optim.warmup");
}

/* The step that comes next, and what it leaves in the records of the run. */
static qctx_status take_step(trainer *run, qctx_error *error)
{
    int64_t epoch = run->step / run->steps_per_epoch, in_epoch = run->step % run->steps_per_epoch;
    double rate = qctx_schedule_rate(&run->schedule, run->step);
    qctx_step_result result;
    qctx_status status;

    if (in_epoch == 0)
        run->sums = (trainer_sums){0};
    run->epoch = epoch + 1;
    if (in_epoch + 1 < run->steps_per_epoch && run->step + 1 < run->total_steps)
        qctx_stepper_prefetch(run->stepper, qctx_sampler_batch(&run->sampler, epoch, in_epoch + 1), epoch);
    status = qctx_stepper_step(run->stepper, qctx_sampler_batch(&run->sampler, epoch, in_epoch), epoch, run->step, rate,
                               &result, error);
    if (status != QCTX_OK)
        return status;
    run->step++;
    run->sums.loss += result.loss;
    run->sums.accuracy += result.accuracy;
    run->sums.steps++;
    watch_loss(run, result.loss);
    trainer_record_step(run, &result, rate);
    trainer_show_progress(run, &result, rate);
    return QCTX_OK;
}

/* The parameters are summed and stepped alike on all ranks; what differs now would drift apart unseen. */
static qctx_status check_parameters(trainer *run, qctx_error *error)
{
    size_t bytes = (size_t)trainer_parameter_count(run) * sizeof(float);

    if (qctx_comm_same(run->comm, qctx_hash(qctx_stepper_parameters(run->stepper), bytes, 0)))
        return QCTX_OK;
    return qctx_fail(error, QCTX_ERR_INTERNAL, "epoch %lld: the parameters differ between the ranks",
                     (long long)run->epoch);
}

static bool at_end(const trainer *run)
{
    return run->step == run->total_steps;
}

/* At the end of the run, or of every `every`-th epoch; the untrained start counts as the end of epoch 0. */
static bool is_due_by_epochs(int64_t every, const trainer *run)
{
    if (run->step == 0 || at_end(run))
        return true;
    return every > 0 && run->step % run->steps_per_epoch == 0 && run->epoch % every == 0;
}

static bool evaluation_is_due(const trainer *run)
{
    return run->evaluated < run->step && is_due_by_epochs(run->config->eval.every, run);
}

/* Whether a checkpoint is due by minutes is for the clock of rank 0 to say. */
static bool minutes_are_over(const trainer *run)
{
    double seconds = 60.0 * run->config->checkpoint.minutes;

    return seconds > 0 && qctx_comm_rank(run->comm) == 0 && qctx_clock_seconds() - run->kept_at >= seconds;
}

/* What is asked for between two steps: a stop, and a checkpoint by steps, by minutes or by epochs. */
static qctx_status heed_step(trainer *run, qctx_error *error)
{
    int64_t every = run->config->checkpoint.steps;
    uint64_t flags = (qctx_stop_requested() ? ASKED_TO_STOP : 0) | (minutes_are_over(run) ? CHECKPOINT_DUE : 0) |
                     (diverges(run) ? DIVERGED : 0);
    qctx_status status = QCTX_OK;

    flags = qctx_comm_any(run->comm, flags);
    /* Before anything is kept: the checkpoints that are there are of better days. */
    if (flags & DIVERGED)
        return refuse_divergence(run, qctx_schedule_rate(&run->schedule, run->step - 1), error);
    if (run->step % run->steps_per_epoch == 0 || at_end(run))
        status = check_parameters(run, error);
    if (status == QCTX_OK && (flags & ASKED_TO_STOP))
        status = qctx_stop_agree(run->comm, error);
    if (status != QCTX_OK)
        return status;
    if ((flags & CHECKPOINT_DUE) || (every > 0 && run->step % every == 0) ||
        (is_due_by_epochs(run->config->checkpoint.every, run) && !evaluation_is_due(run)))
        status = trainer_keep(run, error);
    return status;
}

/* An evaluation that is due, and the checkpoint behind it. A resumed run may begin with one. */
static qctx_status heed_evaluation(trainer *run, qctx_error *error)
{
    qctx_status status;

    if (!evaluation_is_due(run))
        return QCTX_OK;
    status = trainer_evaluate(run, error);
    if (status == QCTX_OK && run->step > 0 && is_due_by_epochs(run->config->checkpoint.every, run))
        status = trainer_keep(run, error);
    qctx_comm_set_phase("training step");
    return status;
}

static bool is_to_pause(const trainer *run)
{
    int64_t pause = run->options->pause;

    return pause > 0 && run->step >= pause * run->steps_per_epoch && !at_end(run);
}

qctx_status trainer_take_steps(trainer *run, qctx_error *error)
{
    qctx_status status = heed_evaluation(run, error);

    run->kept_at = qctx_clock_seconds();
    while (status == QCTX_OK && !at_end(run) && !is_to_pause(run)) {
        status = take_step(run, error);
        if (status == QCTX_OK)
            status = heed_step(run, error);
        if (status == QCTX_OK)
            status = heed_evaluation(run, error);
    }
    if (status == QCTX_ERR_NUMERIC)
        trainer_name_last(run, error);
    return status;
}
