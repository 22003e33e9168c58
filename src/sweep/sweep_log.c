/* What the log says of a sweep: a line for what becomes of each trial, and the counts of them all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/clock.h"
#include "qctx/base/log.h"
#include "qctx/base/plural.h"
#include "qctx/evaluation/evaluator.h"
#include "qctx/evaluation/metrics.h"
#include "sweep_internal.h"

void sweep_describe(const sweep *s, char *text, size_t size)
{
    int64_t count, in[4] = {0};
    const qctx_trial *trials = qctx_ledger_trials(s->ledger, &count);
    int used;

    for (int64_t t = 0; t < count; t++)
        in[trials[t].state]++;
    used = snprintf(text, size, "%lld of %lld trial%s finished", (long long)in[QCTX_TRIAL_FINISHED],
                    (long long)s->definition->trials, qctx_plural(s->definition->trials));
    if (in[QCTX_TRIAL_PAUSED] > 0)
        used += snprintf(text + used, size - (size_t)used, ", %lld paused", (long long)in[QCTX_TRIAL_PAUSED]);
    if (in[QCTX_TRIAL_FAILED] > 0)
        used += snprintf(text + used, size - (size_t)used, ", %lld failed", (long long)in[QCTX_TRIAL_FAILED]);
    if (in[QCTX_TRIAL_RUNNING] > 0)
        snprintf(text + used, size - (size_t)used, ", %lld running", (long long)in[QCTX_TRIAL_RUNNING]);
}

static void log_trial(const sweep *s, const qctx_trial *trial)
{
    const char *metric = qctx_metric_names[s->definition->metric];
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

void sweep_log_news(sweep *s, bool silent)
{
    int64_t count;
    const qctx_trial *trials = qctx_ledger_trials(s->ledger, &count);

    if (s->said == NULL)
        return;
    for (int64_t t = 0; t < count; t++) {
        const qctx_trial *trial = &trials[t];
        sweep_said *said;

        /* A sweep may go on with fewer trials than it had. */
        if (trial->index >= s->definition->trials)
            continue;
        said = &s->said[trial->index];
        if (!silent && trial->state != QCTX_TRIAL_RUNNING &&
            !(said->begun && said->state == trial->state && said->rung == trial->rung))
            log_trial(s, trial);
        *said = (sweep_said){true, trial->state, trial->rung};
    }
}
