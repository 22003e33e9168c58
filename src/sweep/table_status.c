/* qctx_sweep_print_status: what runs and how far it is, the best so far, and what has failed. */
#include <stdlib.h>
#include <string.h>

#include "qctx/base/clock.h"
#include "qctx/base/fileio.h"
#include "qctx/base/lockfile.h"
#include "qctx/base/mem.h"
#include "qctx/base/shown.h"
#include "qctx/evaluation/evaluator.h"
#include "qctx/text/yaml.h"
#include "table_internal.h"

enum { PAGE_COLUMNS = 80, TAIL_BYTES = 1 << 16 };

/* One line of at most 80 columns, cut where it is longer. Takes `line`; NULL is an allocation that failed. */
static qctx_status print_line(FILE *out, char *line)
{
    char cut[PAGE_COLUMNS + 1];

    if (line == NULL)
        return QCTX_ERR_MEMORY;
    fprintf(out, "%s\n", qctx_shown_excerpt(line, strlen(line), cut, sizeof cut));
    free(line);
    return QCTX_OK;
}

/* How far a running trial is, by the last whole line of its metrics.jsonl that tells. */
typedef struct {
    int64_t epoch;
    double seconds;
} progress;

static bool read_progress(const char *line, size_t bytes, progress *at)
{
    json_t *event = NULL;
    const json_t *epoch, *seconds;
    bool found;

    if (qctx_json_parse(line, bytes, "metrics.jsonl", &event, NULL) != QCTX_OK)
        return false;
    epoch = json_object_get(event, "epoch");
    seconds = json_object_get(event, "seconds");
    found = json_is_integer(epoch) && json_is_number(seconds);
    if (found)
        *at = (progress){json_integer_value(epoch), json_number_value(seconds)};
    json_decref(event);
    return found;
}

/* The end of the file, where its last lines stand; NULL if there is nothing to read. */
static char *read_tail(const char *path, size_t *bytes)
{
    FILE *file = NULL;
    char *tail = qctx_file_open_inside(path, &file, NULL) != QCTX_OK
                     ? NULL
                     : qctx_alloc(TAIL_BYTES, 1, "the end of metrics.jsonl", NULL);

    *bytes = 0;
    if (tail != NULL) {
        if (fseek(file, -(long)TAIL_BYTES, SEEK_END) != 0)
            rewind(file);
        *bytes = fread(tail, 1, TAIL_BYTES, file);
    }
    if (file != NULL)
        fclose(file);
    return tail;
}

/* A trial that has written nothing yet, or whose file cannot be read, is shown at its beginning. */
static progress progress_of(const char *path)
{
    progress at = {0, 0.0};
    size_t end;
    char *tail = read_tail(path, &end);

    while (end > 0) {
        size_t first;

        /* Behind the last line end stands a line that is being written. */
        if (tail[--end] != '\n')
            continue;
        for (first = end; first > 0 && tail[first - 1] != '\n'; first--)
            ;
        if (read_progress(tail + first, end - first, &at))
            break;
    }
    free(tail);
    return at;
}

enum { EPOCHS_MAX = 32 };

/* " of 20", the epochs that a trial is to run; "" if they are left to its data, or its configuration is refused. */
static void write_epochs(const qctx_sweep_definition *definition, const qctx_trial *trial, char text[EPOCHS_MAX])
{
    qctx_config config;

    text[0] = '\0';
    if (qctx_sweep_definition_config(definition, trial->index, trial->units, &config, NULL) != QCTX_OK)
        return;
    if (!qctx_config_is_left(&config, "batch.epochs"))
        snprintf(text, EPOCHS_MAX, " of %lld", (long long)config.batch.epochs);
    qctx_config_free(&config);
}

/* "   7  epoch 3 of 20, 2:03  lr 0.0003, hidden 512" */
static qctx_status print_running(FILE *out, const qctx_sweep_definition *definition, const qctx_trial *trial,
                                 qctx_error *error)
{
    char *lock = qctx_sweep_definition_trial_path(definition, trial->index, "trial.lock", error);
    char *metrics =
        lock == NULL ? NULL : qctx_sweep_definition_trial_path(definition, trial->index, "metrics.jsonl", error);
    char *settings = metrics == NULL ? NULL : table_settings(&definition->space, trial, error);
    qctx_status status = QCTX_ERR_MEMORY;

    if (settings != NULL) {
        progress at = progress_of(metrics);
        char elapsed[32], epochs[EPOCHS_MAX];

        qctx_clock_format(at.seconds, elapsed, sizeof elapsed);
        write_epochs(definition, trial, epochs);
        status = print_line(out, qctx_format(error, "%6lld  epoch %lld%s, %s%s  %s", (long long)trial->index,
                                             (long long)at.epoch, epochs, elapsed,
                                             qctx_lockfile_is_held(lock) ? "" : ", nobody at work", settings));
    }
    free(lock);
    free(metrics);
    free(settings);
    return status;
}

static qctx_status print_best(FILE *out, const qctx_sweep_definition *definition, const qctx_trial *trial,
                              qctx_error *error)
{
    char elapsed[32], no_head[64] = "";
    qctx_status status = QCTX_OK;

    qctx_clock_format(trial->seconds, elapsed, sizeof elapsed);
    if (trial->state == QCTX_TRIAL_FINISHED)
        snprintf(no_head, sizeof no_head, " (no head %.2f), strength %g", 100.0 * trial->no_head, trial->strength);
    fputs("\nbest so far\n", out);
    status =
        print_line(out, qctx_format(error, "%6lld  %s %.2f%s, %s %s", (long long)trial->index,
                                    qctx_metric_names[definition->metric], 100.0 * trial->metric, no_head,
                                    trial->state == QCTX_TRIAL_FINISHED ? "finished in" : "paused after", elapsed));
    for (int64_t p = 0; p < definition->space.count && status == QCTX_OK; p++)
        if (table_varies(&definition->space.parameters[p]))
            status = print_line(out, qctx_format(error, "        %s", trial->overrides[p]));
    return status;
}

/* The first line of the message: the table has all of it. */
static qctx_status print_failed(FILE *out, const qctx_trial *trial, qctx_error *error)
{
    const char *message = trial->message == NULL ? "" : trial->message;

    return print_line(out,
                      qctx_format(error, "%6lld  %s: %.*s", (long long)trial->index,
                                  qctx_status_name((qctx_status)trial->code), (int)strcspn(message, "\n"), message));
}

/* The trials of one state under a heading, if there are any. */
static qctx_status print_state(FILE *out, const qctx_sweep_definition *definition, const qctx_ledger *ledger,
                               qctx_trial_state state, qctx_error *error)
{
    int64_t count;
    const qctx_trial *trials = qctx_ledger_trials(ledger, &count);
    qctx_status status = QCTX_OK;
    bool any = false;

    for (int64_t t = 0; t < count && status == QCTX_OK; t++) {
        if (trials[t].state != state)
            continue;
        if (!any)
            fprintf(out, "\n%s\n", qctx_trial_state_names[state]);
        any = true;
        status = state == QCTX_TRIAL_RUNNING ? print_running(out, definition, &trials[t], error)
                                             : print_failed(out, &trials[t], error);
    }
    return status;
}

qctx_status qctx_sweep_print_status(FILE *out, const qctx_sweep_definition *definition, const qctx_ledger *ledger,
                                    qctx_error *error)
{
    int64_t count, best = qctx_sweep_best(ledger);
    const qctx_trial *trials = qctx_ledger_trials(ledger, &count);
    qctx_status status = print_line(out, qctx_format(error, "sweep %s", definition->name));

    table_print_counts(out, definition, ledger);
    if (status == QCTX_OK)
        status = print_state(out, definition, ledger, QCTX_TRIAL_RUNNING, error);
    for (int64_t t = 0; t < count && status == QCTX_OK; t++)
        if (trials[t].index == best)
            status = print_best(out, definition, &trials[t], error);
    if (status == QCTX_OK)
        status = print_state(out, definition, ledger, QCTX_TRIAL_FAILED, error);
    return status == QCTX_OK ? table_written(out, error) : status;
}
