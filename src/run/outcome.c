#include "qctx/run/outcome.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "qctx/base/fileio.h"
#include "qctx/base/lockfile.h"
#include "qctx/config/config.h"

const char *const qctx_run_state_names[] = {
    [QCTX_RUN_FINISHED] = "finished", [QCTX_RUN_RUNNING] = "running", [QCTX_RUN_STOPPED] = "stopped", NULL};

static qctx_status read_config(const char *path, qctx_run_outcome *outcome, qctx_error *error)
{
    qctx_config config = {0};
    char *text = NULL;
    size_t bytes;
    qctx_status status = qctx_file_read_inside(path, &text, &bytes, error);

    if (status == QCTX_OK)
        status = qctx_config_parse(text, bytes, path, NULL, 0, &config, error);
    if (status == QCTX_OK) {
        outcome->epochs = config.batch.epochs;
        outcome->seed = (uint64_t)config.run.seed;
    }
    qctx_config_free(&config);
    free(text);
    return status;
}

static qctx_status read_summary(const char *path, qctx_run_outcome *outcome, qctx_error *error)
{
    json_t *summary = NULL, *results = NULL;
    const char *finished = "";
    qctx_status status = qctx_json_load_inside(path, &summary, error);

    if (status == QCTX_OK)
        status = qctx_json_get_string(summary, "finished", "", path, &finished, error);
    if (status == QCTX_OK)
        status = qctx_json_get_integer(summary, "epochs", 0, 0, INT64_MAX, path, &outcome->epoch, error);
    outcome->whole = outcome->epoch;
    if (status == QCTX_OK)
        status = qctx_json_get_integer(summary, "steps", 0, 0, INT64_MAX, path, &outcome->step, error);
    if (status == QCTX_OK)
        status = qctx_json_get_integer(json_object_get(summary, "best"), "epoch", 0, 0, INT64_MAX, path,
                                       &outcome->evaluated, error);
    if (status == QCTX_OK)
        status = qctx_json_get_array(summary, "results", path, &results, error);
    if (status == QCTX_OK) {
        snprintf(outcome->when, sizeof outcome->when, "%s", finished);
        json_array_extend(outcome->results, results);
    }
    json_decref(summary);
    return status;
}

/* The tables of one evaluation are lines of the same step: those of a later step replace them. */
static qctx_status take_table(const json_t *event, const char *path, int64_t *step, qctx_run_outcome *outcome,
                              qctx_error *error)
{
    const json_t *table = json_object_get(event, "table");
    int64_t at = 0;
    qctx_status status = qctx_json_get_integer(event, "step", 0, 0, INT64_MAX, path, &at, error);

    if (status == QCTX_OK)
        status = qctx_json_get_integer(event, "epoch", 0, 0, INT64_MAX, path, &outcome->evaluated, error);
    if (status != QCTX_OK)
        return status;
    if (!json_is_object(table))
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: 'table' is %s, expected an object", path, qctx_json_type(table));
    if (at != *step)
        json_array_clear(outcome->results);
    *step = at;
    json_array_append(outcome->results, (json_t *)table);
    return QCTX_OK;
}

/* Most lines are steps, which say how far the run is: the last of them alone is looked at. */
static qctx_status take_event(const char *line, size_t length, const char *path, bool is_last, int64_t *evaluated,
                              qctx_run_outcome *outcome, qctx_error *error)
{
    const bool is_evaluation = memmem(line, length, "\"eval\"", 6) != NULL;
    json_t *event = NULL;
    qctx_status status = QCTX_OK;

    if (!is_evaluation && !is_last)
        return QCTX_OK;
    status = qctx_json_parse(line, length, path, &event, error);
    if (status == QCTX_OK && is_evaluation)
        status = take_table(event, path, evaluated, outcome, error);
    if (status == QCTX_OK)
        status = qctx_json_get_integer(event, "step", 0, 0, INT64_MAX, path, &outcome->step, error);
    if (status == QCTX_OK)
        status = qctx_json_get_integer(event, "epoch", 0, 0, INT64_MAX, path, &outcome->epoch, error);
    /* Epochs are over when the next one has begun, or when they were measured. */
    outcome->whole = is_evaluation ? outcome->epoch : outcome->epoch - (outcome->epoch > 0);
    json_decref(event);
    return status;
}

static qctx_status read_metrics(const char *path, qctx_run_outcome *outcome, qctx_error *error)
{
    char *text = NULL;
    size_t bytes;
    int64_t evaluated = -1;
    qctx_status status = qctx_file_read_inside(path, &text, &bytes, error);

    for (char *line = text, *end; status == QCTX_OK && (end = strchr(line, '\n')) != NULL; line = end + 1)
        status =
            take_event(line, (size_t)(end - line), path, strchr(end + 1, '\n') == NULL, &evaluated, outcome, error);
    free(text);
    return status;
}

static void set_when(const char *path, qctx_run_outcome *outcome)
{
    struct stat found;
    struct tm parts;

    if (stat(path, &found) == 0 && gmtime_r(&found.st_mtime, &parts) != NULL)
        strftime(outcome->when, sizeof outcome->when, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

/* The files of a run folder. */
typedef struct {
    char *config;
    char *summary;
    char *metrics;
    char *lock;
} run_files;

static qctx_status read_files(const run_files *files, qctx_run_outcome *outcome, qctx_error *error)
{
    qctx_status status = read_config(files->config, outcome, error);

    if (status != QCTX_OK)
        return status;
    if (qctx_path_exists(files->summary))
        return read_summary(files->summary, outcome, error);
    outcome->state = qctx_lockfile_is_held(files->lock) ? QCTX_RUN_RUNNING : QCTX_RUN_STOPPED;
    set_when(files->config, outcome);
    if (!qctx_path_exists(files->metrics))
        return QCTX_OK;
    set_when(files->metrics, outcome);
    return read_metrics(files->metrics, outcome, error);
}

qctx_status qctx_run_outcome_read(const char *folder, qctx_run_outcome *outcome, qctx_error *error)
{
    const run_files files = {
        .config = qctx_path_join(folder, "config.yaml", error),
        .summary = qctx_path_join(folder, "summary.json", error),
        .metrics = qctx_path_join(folder, "metrics.jsonl", error),
        .lock = qctx_path_join(folder, "lock", error),
    };
    qctx_status status = QCTX_ERR_MEMORY;

    *outcome = (qctx_run_outcome){.results = json_array()};
    if (files.config != NULL && files.summary != NULL && files.metrics != NULL && files.lock != NULL)
        status = read_files(&files, outcome, error);
    free(files.config);
    free(files.summary);
    free(files.metrics);
    free(files.lock);
    return status;
}

void qctx_run_outcome_free(qctx_run_outcome *outcome)
{
    json_decref(outcome->results);
    *outcome = (qctx_run_outcome){0};
}
