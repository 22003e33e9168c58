/* One trial, from its configuration to its line in the ledger. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/fileio.h"
#include "qctx/base/log.h"
#include "qctx/base/outfile.h"
#include "qctx/platform/mapped.h"
#include "sweep_internal.h"

/* Every rank of the group writes to the trial's log.txt what it would say if the trial ran alone. */
static qctx_status open_log(const sweep *s, int64_t index, FILE **log, qctx_error *error)
{
    char *path = qctx_sweep_definition_trial_path(s->definition, index, "log.txt", error);
    qctx_status status = path == NULL ? QCTX_ERR_MEMORY : qctx_folder_make_parent(path, error);

    *log = NULL;
    if (status == QCTX_OK)
        status = qctx_stream_append(path, false, log, error);
    if (status == QCTX_OK)
        setvbuf(*log, NULL, _IOLBF, BUFSIZ);
    free(path);
    return status;
}

static qctx_status train(sweep *s, const sweep_task *task, const qctx_config *config, FILE *log,
                         qctx_train_result *result, qctx_error *error)
{
    FILE *before = qctx_log_redirect(log);
    qctx_status status;

    qctx_log_set_rank(qctx_comm_rank(s->group));
    status = qctx_train(
        s->group, config,
        &(qctx_train_options){
            .resume = QCTX_RESUME_AUTO, .pause = task->pause, .results = log, .opened = sweep_find_sources(s, config)},
        result, error);
    if (status != QCTX_OK && qctx_comm_rank(s->group) == 0)
        qctx_log_error(error);
    qctx_log_redirect(before);
    qctx_log_set_rank(qctx_comm_rank(s->world));
    return status;
}

qctx_status sweep_run_trial(sweep *s, const sweep_task *task, qctx_train_result *result, qctx_error *error)
{
    qctx_config config = {0};
    FILE *log = NULL;
    qctx_status status = qctx_sweep_definition_config(s->definition, task->index, s->units, &config, error);

    if (status == QCTX_OK)
        status = open_log(s, task->index, &log, error);
    status = qctx_agree(s->group, status, error);
    if (status == QCTX_OK)
        status = train(s, task, &config, log, result, error);
    if (log != NULL)
        fclose(log);
    qctx_config_free(&config);
    return status;
}

bool sweep_ends_by(qctx_status outcome)
{
    return outcome == QCTX_STOPPED || outcome == QCTX_ERR_SPACE ||
           (outcome == QCTX_ERR_MISMATCH && qctx_mapped_check(QCTX_OK, NULL) != QCTX_OK);
}

static json_t *failed_event(const sweep_task *task, qctx_status code, const char *message)
{
    return json_pack("{s:s, s:I, s:i, s:s}", "event", "failed", "trial", (json_int_t)task->index, "code", (int)code,
                     "message", message);
}

static json_t *event_of(const sweep_task *task, const qctx_train_result *result, qctx_status outcome,
                        const qctx_error *why)
{
    const json_int_t index = task->index;

    if (sweep_ends_by(outcome))
        return json_pack("{s:s, s:I}", "event", "stopped", "trial", index);
    if (outcome != QCTX_OK)
        return failed_event(task, outcome, why->message);
    if (!result->chosen)
        return failed_event(task, QCTX_ERR_CONFIG,
                            "there are no questions to choose by: eval.tune is 0, and data.eval empty");
    if (!result->finished)
        return json_pack("{s:s, s:I, s:I, s:I, s:f, s:f}", "event", "paused", "trial", index, "rung",
                         (json_int_t)task->rung, "epoch", (json_int_t)result->epoch, "metric", result->metric,
                         "seconds", result->seconds);
    return json_pack("{s:s, s:I, s:I, s:f, s:f, s:f, s:f}", "event", "finished", "trial", index, "epoch",
                     (json_int_t)result->epoch, "metric", result->metric, "no_head", result->no_head, "strength",
                     result->strength, "seconds", result->seconds);
}

qctx_status sweep_record(sweep *s, const sweep_task *task, const qctx_train_result *result, qctx_status outcome,
                         const qctx_error *why, qctx_error *error)
{
    qctx_status status = qctx_ledger_lock(s->ledger, error);

    if (status == QCTX_OK)
        status = qctx_ledger_append(s->ledger, event_of(task, result, outcome, why), error);
    /* Released before the lock of the ledger: as soon as others can read that the trial is paused, they may take it. */
    qctx_lockfile_release(s->lock);
    s->lock = NULL;
    qctx_ledger_unlock(s->ledger);
    return status;
}
