/* What a sweep says: a line for what becomes of a trial, and the results. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/clock.h"
#include "qctx/base/fileio.h"
#include "qctx/base/log.h"
#include "qctx/evaluation/evaluator.h"
#include "qctx/evaluation/metrics.h"
#include "qctx/sweep/table.h"
#include "sweep_internal.h"

void sweep_describe(const sweep *s, char *text, size_t size)
{
    int64_t count, in[4] = {0};
    const qctx_trial *trials = qctx_ledger_trials(s->ledger, &count);
    int used;

    for (int64_t t = 0; t < count; t++)
        in[trials[t].state]++;
    used = snprintf(text, size, "%lld of %lld trials finished", (long long)in[QCTX_TRIAL_FINISHED],
                    (long long)s->definition->trials);
    if (in[QCTX_TRIAL_PAUSED] > 0)
        used += snprintf(text + used, size - (size_t)used, ", %lld paused", (long long)in[QCTX_TRIAL_PAUSED]);
    if (in[QCTX_TRIAL_FAILED] > 0)
        used += snprintf(text + used, size - (size_t)used, ", %lld failed", (long long)in[QCTX_TRIAL_FAILED]);
    if (in[QCTX_TRIAL_RUNNING] > 0)
        snprintf(text + used, size - (size_t)used, ", %lld running", (long long)in[QCTX_TRIAL_RUNNING]);
}

static void say_trial(const sweep *s, const qctx_trial *trial)
{
    const char *metric = qctx_figure_name(qctx_evaluator_figure(s->definition->metric));
    char counts[160], seconds[32];

    sweep_describe(s, counts, sizeof counts);
    qctx_clock_format(trial->seconds, seconds, sizeof seconds);
    if (trial->state == QCTX_TRIAL_FINISHED)
        qctx_info("trial %04lld finished: %s %.2f (no head %.2f), %s; %s", (long long)trial->index, metric,
                  100.0 * trial->metric, 100.0 * trial->no_head, seconds, counts);
    else if (trial->state == QCTX_TRIAL_PAUSED)
        qctx_info("trial %04lld paused at epoch %lld: %s %.2f, %s; %s", (long long)trial->index,
                  (long long)trial->epoch, metric, 100.0 * trial->metric, seconds, counts);
    else
        qctx_warn("trial %04lld failed (%s): %.*s; %s", (long long)trial->index,
                  qctx_status_name((qctx_status)trial->code), (int)strcspn(trial->message, "\n"), trial->message,
                  counts);
}

void sweep_say_news(sweep *s, bool silent)
{
    int64_t count;
    const qctx_trial *trials = qctx_ledger_trials(s->ledger, &count);

    if (s->said == NULL)
        return;
    for (int64_t t = 0; t < count; t++) {
        const qctx_trial *trial = &trials[t];
        sweep_said *said;

        /* A sweep that goes on with fewer trials than it had. */
        if (trial->index >= s->definition->trials)
            continue;
        said = &s->said[trial->index];
        if (!silent && trial->state != QCTX_TRIAL_RUNNING &&
            !(said->begun && said->state == trial->state && said->rung == trial->rung))
            say_trial(s, trial);
        *said = (sweep_said){true, trial->state, trial->rung};
    }
}

typedef qctx_status table_printer(FILE *out, const qctx_sweep_definition *definition, const qctx_ledger *ledger,
                                  qctx_error *error);

static qctx_status write_table(const sweep *s, const char *name, table_printer *print, qctx_error *error)
{
    char *path = qctx_path_join(s->folder, name, error);
    qctx_outfile *file = NULL;
    qctx_status status = path == NULL ? QCTX_ERR_MEMORY : qctx_outfile_open(path, &file, error);

    if (status == QCTX_OK)
        status = print(qctx_outfile_stream(file), s->definition, s->ledger, error);
    if (status == QCTX_OK) {
        status = qctx_outfile_commit(file, error);
        file = NULL;
    }
    qctx_outfile_discard(file);
    free(path);
    return status;
}

/* All trials have failed: the first one's error is the sweep's. */
static qctx_status judge_failures(const sweep *s, qctx_error *error)
{
    int64_t count;
    const qctx_trial *trials = qctx_ledger_trials(s->ledger, &count);

    for (int64_t t = 0; t < count; t++)
        if (trials[t].state != QCTX_TRIAL_FAILED)
            return QCTX_OK;
    if (count == 0)
        return QCTX_OK;
    return qctx_fail(error, (qctx_status)trials[0].code, "%s: all trials have failed, the first one by: %s", s->folder,
                     trials[0].message);
}

qctx_status sweep_write_results(sweep *s, qctx_error *error)
{
    bool complete = false;
    /* The jobs of an array may end at the same time. */
    qctx_status status = qctx_ledger_lock(s->ledger, error);

    if (status != QCTX_OK)
        return status;
    sweep_say_news(s, false);
    status = sweep_is_complete(s, &complete, error);
    if (status == QCTX_OK && !complete) {
        char counts[160];

        sweep_describe(s, counts, sizeof counts);
        qctx_info("this share is done; %s. Who finishes last writes the results", counts);
    }
    if (status == QCTX_OK && complete)
        status = write_table(s, "results.md", qctx_sweep_print_markdown, error);
    if (status == QCTX_OK && complete)
        status = write_table(s, "results.csv", qctx_sweep_print_csv, error);
    qctx_ledger_unlock(s->ledger);
    /* Nothing changes any more, and whoever reads the table may take their time. */
    if (status == QCTX_OK && complete)
        status = qctx_sweep_print_markdown(stdout, s->definition, s->ledger, error);
    if (status == QCTX_OK && complete)
        status = judge_failures(s, error);
    return status;
}
