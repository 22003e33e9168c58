#include "qctx/sweep/table.h"

#include <math.h>
#include <stdlib.h>

#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"
#include "qctx/base/plural.h"
#include "table_internal.h"

static int64_t best_of(const qctx_trial *trials, int64_t count, qctx_trial_state state)
{
    double best = -INFINITY;
    int64_t found = -1;

    for (int64_t t = 0; t < count; t++)
        if (trials[t].state == state && trials[t].metric > best) {
            best = trials[t].metric;
            found = t;
        }
    return found < 0 ? -1 : trials[found].index;
}

int64_t qctx_sweep_best(const qctx_ledger *ledger)
{
    int64_t count;
    const qctx_trial *trials = qctx_ledger_trials(ledger, &count);
    int64_t finished = best_of(trials, count, QCTX_TRIAL_FINISHED);

    return finished >= 0 ? finished : best_of(trials, count, QCTX_TRIAL_PAUSED);
}

void table_print_counts(FILE *out, const qctx_sweep_definition *definition, const qctx_ledger *ledger)
{
    int64_t begun, counts[QCTX_TRIAL_FAILED + 1] = {0};
    const qctx_trial *trials = qctx_ledger_trials(ledger, &begun);
    const char *joint = ":";

    for (int64_t t = 0; t < begun; t++)
        counts[trials[t].state]++;
    fprintf(out, "%s of %lld trial%s", qctx_sweep_method_names[definition->method], (long long)definition->trials,
            qctx_plural(definition->trials));
    for (int s = 0; s <= QCTX_TRIAL_FAILED; s++)
        if (counts[s] > 0) {
            fprintf(out, "%s %lld %s", joint, (long long)counts[s], qctx_trial_state_names[s]);
            joint = ",";
        }
    if (definition->trials > begun)
        fprintf(out, "%s %lld to begin", joint, (long long)(definition->trials - begun));
    fputs("\n", out);
}

qctx_status table_written(FILE *out, qctx_error *error)
{
    if (fflush(out) != 0 || ferror(out))
        return qctx_fail(error, QCTX_ERR_IO, "the table of the sweep cannot be written");
    return QCTX_OK;
}
