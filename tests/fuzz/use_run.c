#include "use.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "qctx/base/fileio.h"
#include "qctx/run/metrics_log.h"
#include "qctx/run/outcome.h"
#include "qctx/run/run.h"
#include "qctx/sweep/definition.h"
#include "qctx/sweep/ledger.h"
#include "qctx/sweep/table.h"

static void check_outcome(const qctx_run_outcome *outcome)
{
    fuzz_holds(outcome->epoch >= 0 && outcome->step >= 0 && outcome->evaluated >= 0 && outcome->epochs >= 0);
    fuzz_holds(json_is_array(outcome->results));
}

/* A curve that is gone on with has the steps up to there, and can be gone on with again. */
static void resume(const char *path, int64_t step)
{
    qctx_metrics_log *log;

    for (int i = 0; i < 2; i++) {
        qctx_status status =
            qctx_metrics_log_open(fuzz_alone, path, (qctx_metrics_log_place){step, step}, &log, &fuzz_error);

        fuzz_holds(i == 0 || status == QCTX_OK);
        if (!fuzz_opened(status))
            return;
        qctx_metrics_log_close(log);
    }
}

bool fuzz_use_run(const fuzz_target *target, uint64_t draw)
{
    qctx_run_outcome outcome;
    qctx_status status = qctx_run_outcome_read(target->folder, &outcome, &fuzz_error);
    bool served = fuzz_opened(status);

    if (served)
        check_outcome(&outcome);
    qctx_run_outcome_free(&outcome);
    fuzz_holds(qctx_run_is(target->folder));
    if (strcmp(target->name, "metrics.jsonl") == 0)
        resume(target->path, (int64_t)(draw % 3));
    return served;
}

static void check_trial(const qctx_trial *trial)
{
    fuzz_holds(trial->index >= 0 && trial->rung >= -1 && trial->takes >= 0 && trial->step >= 0);
    fuzz_holds(qctx_trial_state_names[trial->state] != NULL);
    fuzz_holds((trial->state == QCTX_TRIAL_FAILED) == (trial->message != NULL));
}

/* What was read under the lock can be read again without it, and gives the same. */
static void read_again(const char *folder, int64_t parameters, int64_t expected)
{
    qctx_ledger *ledger;
    int64_t count;

    assert_status(qctx_ledger_open(folder, parameters, false, &ledger, &fuzz_error), QCTX_OK, &fuzz_error);
    fuzz_holds(qctx_ledger_refresh(ledger, &fuzz_error) == QCTX_OK);
    qctx_ledger_trials(ledger, &count);
    fuzz_holds(count == expected);
    qctx_ledger_close(ledger);
}

static bool use_ledger(const fuzz_target *target, const qctx_sweep_definition *definition, FILE *out)
{
    qctx_ledger *ledger;
    const qctx_trial *trials;
    int64_t count;
    bool served;

    assert_status(qctx_ledger_open(target->folder, definition->space.count, true, &ledger, &fuzz_error), QCTX_OK,
                  &fuzz_error);
    served = fuzz_opened(qctx_ledger_lock(ledger, &fuzz_error));
    if (served) {
        trials = qctx_ledger_trials(ledger, &count);
        for (int64_t i = 0; i < count; i++) {
            check_trial(&trials[i]);
            fuzz_holds(i == 0 || trials[i - 1].index < trials[i].index);
        }
        qctx_ledger_unlock(ledger);
        read_again(target->folder, definition->space.count, count);
        fuzz_opened(qctx_sweep_print_status(out, definition, ledger, &fuzz_error));
        fuzz_opened(qctx_sweep_print_markdown(out, definition, ledger, &fuzz_error));
        fuzz_opened(qctx_sweep_print_csv(out, definition, ledger, &fuzz_error));
        fuzz_holds(qctx_sweep_best(ledger) < count);
    }
    qctx_ledger_close(ledger);
    return served;
}

/* A sweep's folder: its ledger with the definition that stands beside it. */
bool fuzz_use_ledger(const fuzz_target *target, uint64_t draw)
{
    char lock[FUZZ_PATH_MAX];
    qctx_sweep_definition definition;
    FILE *out;
    bool served;

    (void)draw;
    if (!fuzz_opened(qctx_sweep_definition_load_folder(fuzz_alone, target->folder, &definition, &fuzz_error)))
        return false;
    out = fopen("/dev/null", "w");
    assert_non_null(out);
    served = use_ledger(target, &definition, out);
    fclose(out);
    qctx_sweep_definition_free(&definition);
    fuzz_path(lock, target->folder, "ledger.lock");
    remove(lock);
    return served;
}
