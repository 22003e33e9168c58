#include <stdlib.h>

#include "qctx/base/clock.h"
#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"
#include "qctx/platform/topology.h"
#include "trainer_internal.h"

/* A checkpoint that borrows the run's values, but for the arrays; never freed. */
static qctx_checkpoint borrow(const trainer *run)
{
    return (qctx_checkpoint){
        .progress = run->progress,
        .strength = 1.0,
        .ranks = qctx_comm_size(run->comm),
        .threads = qctx_topology_threads(),
        .config = run->config_text,
        .encoder_fingerprint = (char *)qctx_store_encoder_fingerprint(run->opened->train[0].store),
        .sources = run->sources,
        .head = run->head,
        .trained_on = run->trained_on,
        .widened = qctx_evaluator_is_widened(run->evaluator),
        .similarity = run->plan.scheme,
        .precision = run->plan.precision,
        .scalar_count = qctx_stepper_scalar_count(run->config->loss.kind),
    };
}

/* The metrics first: a checkpoint of a step whose line is lost could not be gone on from. */
qctx_status trainer_keep(trainer *run, qctx_error *error)
{
    qctx_checkpoint checkpoint;
    qctx_status status;

    qctx_timers_begin(&run->timers);
    qctx_stepper_complete(run->stepper);
    qctx_run_log_sync(run->log);
    status = qctx_metrics_log_flush(run->metrics_log, error);
    run->progress.seconds = trainer_seconds(run);
    checkpoint = borrow(run);
    checkpoint.parameters = qctx_stepper_parameters(run->stepper);
    checkpoint.best = run->progress.best_step < 0 ? NULL : run->best;
    checkpoint.mined = qctx_course_mines(&run->course, &run->progress) ? NULL : run->mined_with;
    checkpoint.optimizer = *qctx_stepper_optimizer(run->stepper);
    if (status == QCTX_OK)
        status = qctx_checkpoints_keep(run->checkpoints, &checkpoint, error);
    qctx_timers_end(&run->timers, QCTX_TIMER_CHECKPOINT);
    if (status != QCTX_OK)
        return status;
    run->kept_at = qctx_clock_seconds();
    run->kept = run->progress;
    return QCTX_OK;
}

qctx_status trainer_keep_best(trainer *run, qctx_error *error)
{
    qctx_checkpoint checkpoint;
    qctx_status status;

    qctx_timers_begin(&run->timers);
    run->progress.seconds = trainer_seconds(run);
    checkpoint = borrow(run);
    checkpoint.progress.epoch = run->progress.best_epoch;
    checkpoint.progress.step = run->progress.best_step;
    checkpoint.strength = run->progress.best_strength;
    checkpoint.parameters = run->best;
    status = qctx_checkpoints_keep_best(run->checkpoints, &checkpoint, error);
    qctx_timers_end(&run->timers, QCTX_TIMER_CHECKPOINT);
    return status;
}

qctx_status trainer_keep_all(trainer *run, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    qctx_comm_set_phase("checkpoint");
    if (run->kept.step != run->progress.step || run->kept.evaluated != run->progress.evaluated)
        status = trainer_keep(run, error);
    return status == QCTX_OK ? qctx_checkpoints_wait(run->checkpoints, error) : status;
}

static qctx_status describe_stop(const trainer *run, const char *reason, qctx_error *error)
{
    char *path = qctx_checkpoints_step_path(run->folder, run->kept.step, error);

    if (path == NULL)
        return QCTX_ERR_MEMORY;
    qctx_fail(error, QCTX_STOPPED, "%s after step %lld of %lld (epoch %lld); nothing is lost, %s holds it all", reason,
              (long long)run->progress.step, (long long)run->course.total_steps, (long long)run->progress.epoch, path);
    free(path);
    return qctx_hint(error, "the same command with --resume goes on from there");
}

qctx_status trainer_keep_stopped(trainer *run, qctx_error *error)
{
    char *reason = qctx_strdup(error->message, error);
    qctx_status status = qctx_agree(run->comm, reason == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);

    if (status == QCTX_OK)
        status = trainer_keep_all(run, error);
    if (status == QCTX_OK)
        status = qctx_agree(run->comm, describe_stop(run, reason, error), error);
    free(reason);
    return status;
}

void trainer_name_last(trainer *run, qctx_error *error)
{
    char *path = NULL;
    qctx_error ignored;

    if (qctx_checkpoints_wait(run->checkpoints, &ignored) == QCTX_OK && run->kept.step >= 0)
        path = qctx_checkpoints_step_path(run->folder, run->kept.step, NULL);
    qctx_error_append(error, "the last checkpoint from before is %s", path != NULL ? path : "none");
    free(path);
}
