/* Which trial a group takes next. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"
#include "qctx/platform/stop.h"
#include "qctx/run/checkpoints.h"
#include "qctx/sweep/tpe.h"
#include "sweep_internal.h"

/* A trial that was taken so often without advancing kills the processes that take it, and counts as failed. */
enum { MOST_TAKES = 3 };

/* How long to wait before the ledger is read again. */
static const struct timespec pause_between_looks = {.tv_nsec = 200000000};

bool sweep_is_own(const sweep *s, int64_t index)
{
    return index % s->options->shares == s->options->share;
}

/* Whether the trial is now this group's: nobody else holds its lock. */
static qctx_status try_lock(sweep *s, int64_t index, bool *taken, qctx_error *error)
{
    char *path = qctx_sweep_definition_trial_path(s->definition, index, "trial.lock", error);
    qctx_status status = path == NULL ? QCTX_ERR_MEMORY : qctx_folder_make_parent(path, error);

    if (status == QCTX_OK)
        status = qctx_lockfile_take(path, &s->lock, error);
    free(path);
    *taken = status == QCTX_OK;
    return status == QCTX_ERR_EXISTS ? QCTX_OK : status;
}

static void free_lock(sweep *s)
{
    qctx_lockfile_release(s->lock);
    s->lock = NULL;
}

/* The step of the trial's newest checkpoint; 0 without one. */
static int64_t newest_step(const sweep *s, int64_t index)
{
    char *folder = qctx_sweep_definition_trial_path(s->definition, index, "", NULL);
    int64_t newest = folder == NULL ? 0 : qctx_checkpoints_newest_step(folder);

    free(folder);
    return newest;
}

static qctx_status append_failed(sweep *s, int64_t index, qctx_error *error)
{
    return qctx_ledger_append(s->ledger,
                              json_pack("{s:s, s:I, s:i, s:s}", "event", "failed", "trial", (json_int_t)index, "code",
                                        (int)QCTX_ERR_INTERNAL, "message",
                                        "the process that worked on it died three times before it advanced; "
                                        "its log.txt and those of the job may say why"),
                              error);
}

/* Takes a trial that has begun and is free; its lock is held. */
static qctx_status take(sweep *s, const qctx_trial *trial, sweep_task *task, qctx_error *error)
{
    memcpy(s->units, trial->units, (size_t)s->definition->space.count * sizeof *s->units);
    task->index = trial->index;
    task->rung = trial->rung + 1;
    return qctx_ledger_append(s->ledger,
                              json_pack("{s:s, s:I, s:I}", "event", "taken", "trial", (json_int_t)trial->index, "step",
                                        (json_int_t)newest_step(s, trial->index)),
                              error);
}

/* Takes a trial that runs according to the ledger, but whose lock nobody holds. */
static qctx_status take_abandoned(sweep *s, sweep_task *task, qctx_error *error)
{
    int64_t count;
    const qctx_trial *trials = qctx_ledger_trials(s->ledger, &count);

    for (int64_t t = 0; t < count; t++) {
        const qctx_trial *trial = &trials[t];
        bool taken = false;
        qctx_status status = QCTX_OK;

        if (trial->state == QCTX_TRIAL_RUNNING && sweep_is_own(s, trial->index))
            status = try_lock(s, trial->index, &taken, error);
        if (status != QCTX_OK)
            return status;
        if (taken && trial->takes < MOST_TAKES)
            return take(s, trial, task, error);
        if (taken) {
            status = append_failed(s, trial->index, error);
            free_lock(s);
        }
        if (status != QCTX_OK)
            return status;
    }
    return QCTX_OK;
}

/* losses [rung + 1] of a trial, for halving: a finished one reached all rungs. Freshly allocated. */
static double *losses_of(const sweep *s, const qctx_trial *trial, int64_t *rung, qctx_error *error)
{
    double *losses;

    *rung = trial->state == QCTX_TRIAL_FINISHED ? qctx_halving_rungs(&s->definition->halving) - 1 : trial->rung;
    losses = qctx_alloc(*rung + 1, sizeof *losses, "the rungs of a trial", error);
    for (int64_t k = 0; losses != NULL && k <= *rung; k++)
        losses[k] = k <= trial->rung ? -trial->metrics[k] : -trial->metric;
    return losses;
}

/* The place in the ledger of the paused trial of this job's share (or of all) that may go on; −1: none. */
static qctx_status next_of_paused(const sweep *s, bool anybodys, int64_t *next, qctx_error *error)
{
    int64_t count;
    const qctx_trial *trials = qctx_ledger_trials(s->ledger, &count);
    qctx_halving_trial *known = qctx_alloc(count, sizeof *known, "the trials", error);
    qctx_status status = known == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    for (int64_t t = 0; t < count && status == QCTX_OK; t++) {
        known[t].losses = losses_of(s, &trials[t], &known[t].rung, error);
        known[t].idle = trials[t].state == QCTX_TRIAL_PAUSED && (anybodys || sweep_is_own(s, trials[t].index));
        known[t].failed = trials[t].state == QCTX_TRIAL_FAILED;
        status = known[t].losses == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
    }
    if (status == QCTX_OK)
        *next = qctx_halving_next(&s->definition->halving, known, count);
    for (int64_t t = 0; known != NULL && t < count; t++)
        free((double *)known[t].losses);
    free(known);
    return status;
}

static qctx_status take_paused(sweep *s, sweep_task *task, qctx_error *error)
{
    int64_t count, next = -1;
    const qctx_trial *trials = qctx_ledger_trials(s->ledger, &count);
    bool taken = false;
    qctx_status status = s->definition->halves ? next_of_paused(s, false, &next, error) : QCTX_OK;

    if (status == QCTX_OK && next >= 0)
        status = try_lock(s, trials[next].index, &taken, error);
    return taken ? take(s, &trials[next], task, error) : status;
}

/*
 * The point that the estimator proposes by what the trials so far gave. Of those that run or have failed it is told
 * that they are to be avoided.
 */
static qctx_status propose(sweep *s, int64_t index, qctx_error *error)
{
    const int64_t parameters = s->definition->space.count;
    int64_t count;
    const qctx_trial *trials = qctx_ledger_trials(s->ledger, &count);
    double *units = qctx_alloc(count * parameters, sizeof *units, "the trials", error);
    double *losses = qctx_alloc(count, sizeof *losses, "the trials", error);
    qctx_status status = units == NULL || losses == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    for (int64_t t = 0; t < count && status == QCTX_OK; t++) {
        bool measured = trials[t].state == QCTX_TRIAL_FINISHED || trials[t].state == QCTX_TRIAL_PAUSED;

        memcpy(units + t * parameters, trials[t].units, (size_t)parameters * sizeof *units);
        losses[t] = measured ? -trials[t].metric : INFINITY;
    }
    if (status == QCTX_OK)
        status = qctx_tpe_propose(&s->definition->space, &(qctx_tpe_history){count, units, losses},
                                  (uint64_t)s->definition->seed, index, s->units, error);
    free(units);
    free(losses);
    return status;
}

static qctx_status place(sweep *s, int64_t index, qctx_error *error)
{
    if (s->definition->method == QCTX_SWEEP_BAYES)
        return propose(s, index, error);
    qctx_sweep_definition_point(s->definition, index, s->units);
    return QCTX_OK;
}

static json_t *begun_event(const sweep *s, int64_t index, qctx_error *error)
{
    json_t *event = json_pack("{s:s, s:I}", "event", "begun", "trial", (json_int_t)index);
    json_t *units = json_array(), *overrides = json_array();

    for (int64_t p = 0; p < s->definition->space.count; p++) {
        char *text = qctx_space_override(&s->definition->space.parameters[p], s->units[p], error);

        json_array_append_new(units, json_real(s->units[p]));
        json_array_append_new(overrides, text == NULL ? NULL : json_string(text));
        free(text);
    }
    json_object_set_new(event, "units", units);
    json_object_set_new(event, "overrides", overrides);
    return event;
}

/* The lowest index of this share (or of all) whose trial has not begun; the number of trials if all have. */
static int64_t next_new(const sweep *s, bool anybodys)
{
    int64_t count, t = 0, index;
    const qctx_trial *trials = qctx_ledger_trials(s->ledger, &count);

    for (index = 0; index < s->definition->trials; index++) {
        while (t < count && trials[t].index < index)
            t++;
        if ((anybodys || sweep_is_own(s, index)) && !(t < count && trials[t].index == index))
            break;
    }
    return index;
}

static qctx_status begin(sweep *s, sweep_task *task, qctx_error *error)
{
    int64_t index = next_new(s, false);
    bool taken = false;
    qctx_status status;

    if (index == s->definition->trials)
        return QCTX_OK;
    status = place(s, index, error);
    if (status == QCTX_OK)
        status = try_lock(s, index, &taken, error);
    if (status == QCTX_OK && !taken)
        status = qctx_fail(error, QCTX_ERR_EXISTS, "%s: trial %lld has not begun by the ledger, but somebody holds it",
                           s->folder, (long long)index);
    if (status == QCTX_OK)
        status = qctx_ledger_append(s->ledger, begun_event(s, index, error), error);
    task->index = index;
    task->rung = 0;
    return status;
}

static bool any_runs(const sweep *s, bool anybodys)
{
    int64_t count;
    const qctx_trial *trials = qctx_ledger_trials(s->ledger, &count);

    for (int64_t t = 0; t < count; t++)
        if (trials[t].state == QCTX_TRIAL_RUNNING && (anybodys || sweep_is_own(s, trials[t].index)))
            return true;
    return false;
}

/* Looks for a task once, under the lock of the ledger. If there is none, `*later` says whether to look again. */
static qctx_status choose_now(sweep *s, sweep_task *task, bool *later, qctx_error *error)
{
    qctx_status status = take_abandoned(s, task, error);

    if (status == QCTX_OK && task->index < 0)
        status = take_paused(s, task, error);
    if (status == QCTX_OK && task->index < 0)
        status = begin(s, task, error);
    /* Trials that run decide which of those that are paused may go on. */
    *later = task->index < 0 && s->definition->halves && any_runs(s, false);
    if (status != QCTX_OK)
        free_lock(s);
    return status;
}

static int64_t pause_of(const sweep *s, int64_t rung)
{
    const qctx_halving *halving = &s->definition->halving;

    return s->definition->halves && rung < qctx_halving_rungs(halving) ? qctx_halving_epochs(halving, rung) : 0;
}

qctx_status sweep_choose(sweep *s, sweep_task *task, qctx_error *error)
{
    bool later = true;
    qctx_status status = QCTX_OK;

    *task = (sweep_task){.index = -1};
    while (status == QCTX_OK && task->index < 0 && later) {
        status = qctx_stop_check(error);
        if (status == QCTX_OK)
            status = qctx_ledger_lock(s->ledger, error);
        if (status != QCTX_OK)
            return status;
        status = choose_now(s, task, &later, error);
        qctx_ledger_unlock(s->ledger);
        sweep_log_news(s, false);
        if (status == QCTX_OK && later) {
            qctx_comm_tell_alive();
            nanosleep(&pause_between_looks, NULL);
        }
    }
    if (status == QCTX_OK && task->index >= 0)
        task->pause = pause_of(s, task->rung);
    return status;
}

qctx_status sweep_is_complete(const sweep *s, bool *complete, qctx_error *error)
{
    int64_t next = -1;
    qctx_status status = s->definition->halves ? next_of_paused(s, true, &next, error) : QCTX_OK;

    *complete = status == QCTX_OK && next < 0 && next_new(s, true) == s->definition->trials && !any_runs(s, true);
    return status;
}
