#include "qctx/base/clock.h"
#include "qctx/base/hash.h"
#include "qctx/platform/mapped.h"
#include "qctx/platform/stop.h"
#include "trainer_internal.h"

/* What any rank may have to say after a step, in one reduction. */
enum { ASKED_TO_STOP = 1, CHECKPOINT_DUE = 2, DIVERGED = 4, FILE_CHANGED = 8 };

/* Whether a store was written to under the run. What was computed since is of no use. Collective. */
static qctx_status check_files(trainer *run, qctx_error *error)
{
    qctx_status status = qctx_agree(run->comm, qctx_mapped_check(QCTX_OK, error), error);

    if (status != QCTX_OK)
        trainer_name_last(run, error);
    return status;
}

static qctx_status refuse_divergence(trainer *run, double rate, qctx_error *error)
{
    const qctx_progress *now = &run->progress;

    qctx_fail(
        error, QCTX_ERR_DIVERGED,
        "step %lld (epoch %lld): the run diverges: the loss began at %.4g and its running mean is %.4g, at a learning "
        "rate of %.3g",
        (long long)now->step, (long long)now->epoch, now->loss_start, now->loss_now, rate);
    trainer_name_last(run, error);
    return qctx_hint(error, "lower optim.lr, or set optim.clip_norm or a longer optim.warmup");
}

/* The step that comes next, and what it leaves in the records of the run. */
static qctx_status take_step(trainer *run, qctx_error *error)
{
    int64_t step = run->progress.step;
    int64_t epoch = step / run->course.steps_per_epoch, in_epoch = step % run->course.steps_per_epoch;
    double rate = qctx_schedule_rate(&run->schedule, step);
    qctx_step_result result;
    qctx_status status;

    if (in_epoch + 1 < run->course.steps_per_epoch && step + 1 < run->course.total_steps)
        qctx_stepper_prefetch(run->stepper, qctx_sampler_batch(&run->sampler, epoch, in_epoch + 1), epoch);
    status = qctx_stepper_step(run->stepper, qctx_sampler_batch(&run->sampler, epoch, in_epoch), epoch, step, rate,
                               &result, error);
    if (status == QCTX_ERR_NUMERIC) {
        qctx_error changed;

        /* Rows that somebody writes are anything meanwhile. */
        if (check_files(run, &changed) == QCTX_OK)
            return status;
        *error = changed;
        return error->code;
    }
    if (status != QCTX_OK)
        return status;
    qctx_progress_add_step(&run->progress, epoch, in_epoch == 0, result.loss, result.accuracy);
    trainer_record_step(run, &result, rate);
    trainer_show_progress(run, &result, rate);
    return QCTX_OK;
}

/* The parameters are summed and stepped alike on all ranks; what differs now would drift apart unseen. */
static qctx_status check_parameters(trainer *run, qctx_error *error)
{
    size_t bytes = (size_t)run->parameter_count * sizeof(float);

    if (qctx_comm_same(run->comm, qctx_hash(qctx_stepper_parameters(run->stepper), bytes, 0)))
        return QCTX_OK;
    return qctx_fail(error, QCTX_ERR_INTERNAL, "epoch %lld: the parameters differ between the ranks",
                     (long long)run->progress.epoch);
}

/* Whether a checkpoint is due by minutes is for the clock of rank 0 to say. */
static bool minutes_are_over(const trainer *run)
{
    return qctx_comm_rank(run->comm) == 0 && qctx_course_keeps_after(&run->course, qctx_clock_seconds() - run->kept_at);
}

/* What is asked for behind a step: a stop, and a checkpoint by steps, by minutes or by epochs. */
static qctx_status handle_step(trainer *run, qctx_error *error)
{
    uint64_t flags = (qctx_stop_requested() ? ASKED_TO_STOP : 0) | (minutes_are_over(run) ? CHECKPOINT_DUE : 0) |
                     (qctx_progress_diverges(&run->progress) ? DIVERGED : 0) |
                     (qctx_mapped_check(QCTX_OK, NULL) != QCTX_OK ? FILE_CHANGED : 0);
    qctx_status status = QCTX_OK;

    flags = qctx_comm_any(run->comm, flags);
    /* Before anything is kept: the checkpoints that are there are of better days. */
    if (flags & FILE_CHANGED)
        return check_files(run, error);
    if (flags & DIVERGED)
        return refuse_divergence(run, qctx_schedule_rate(&run->schedule, run->progress.step - 1), error);
    if (qctx_course_ends_epoch(&run->course, &run->progress))
        status = check_parameters(run, error);
    if (status == QCTX_OK && (flags & ASKED_TO_STOP))
        status = qctx_stop_agree(run->comm, error);
    if (status != QCTX_OK)
        return status;
    if ((flags & CHECKPOINT_DUE) || qctx_course_keeps(&run->course, &run->progress))
        status = trainer_keep(run, error);
    return status;
}

/* An evaluation that is due, and the checkpoint behind it. A resumed run may begin with one. */
static qctx_status handle_evaluation(trainer *run, qctx_error *error)
{
    qctx_status status;

    if (!qctx_course_evaluates(&run->course, &run->progress))
        return QCTX_OK;
    status = trainer_evaluate(run, error);
    if (status == QCTX_OK && qctx_course_keeps_evaluation(&run->course, &run->progress))
        status = trainer_keep(run, error);
    qctx_comm_set_phase("training step");
    return status;
}

qctx_status trainer_take_steps(trainer *run, qctx_error *error)
{
    qctx_status status;

    trainer_say_columns(run);
    status = handle_evaluation(run, error);
    if (status == QCTX_OK)
        status = trainer_mine_again(run, error);
    run->kept_at = qctx_clock_seconds();
    while (status == QCTX_OK && !qctx_course_is_over(&run->course, &run->progress) &&
           !qctx_course_pauses(&run->course, &run->progress, run->options->pause)) {
        status = trainer_mine(run, error);
        if (status == QCTX_OK)
            status = take_step(run, error);
        if (status == QCTX_OK)
            status = handle_step(run, error);
        if (status == QCTX_OK)
            status = handle_evaluation(run, error);
    }
    if (status == QCTX_ERR_NUMERIC)
        trainer_name_last(run, error);
    return status;
}
