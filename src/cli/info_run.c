/* What is said of a run, and how it is printed: what it gained first, as train printed it, then all the rest. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "info_internal.h"
#include "qctx/base/fileio.h"
#include "qctx/base/plural.h"
#include "qctx/evaluation/report.h"
#include "qctx/run/checkpoints.h"
#include "qctx/run/outcome.h"
#include "qctx/run/run.h"

json_t *info_outcome(const qctx_run_outcome *outcome)
{
    json_t *object = json_object();

    json_object_set_new(object, "state", json_string(qctx_run_state_names[outcome->state]));
    json_object_set_new(object, "reached",
                        json_pack("{s:I, s:I, s:I, s:I}", "epoch", (json_int_t)outcome->epoch, "whole",
                                  (json_int_t)outcome->whole, "epochs", (json_int_t)outcome->epochs, "step",
                                  (json_int_t)outcome->step));
    json_object_set_new(object, "when", json_string(outcome->when));
    json_object_set_new(object, "evaluated_epoch",
                        json_array_size(outcome->results) > 0 ? json_integer(outcome->evaluated) : json_null());
    json_object_set(object, "results", outcome->results);
    return object;
}

/* What the run found out at its end; a run that has not ended has no summary. Local. */
static qctx_status set_summary(json_t *description, const char *folder, qctx_error *error)
{
    char *path = qctx_path_join(folder, "summary.json", error);
    json_t *summary = NULL;
    qctx_status status = path == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    if (status == QCTX_OK && qctx_path_exists(path))
        status = qctx_json_load_inside(path, &summary, error);
    if (status == QCTX_OK)
        json_object_set_new(description, "summary", summary != NULL ? summary : json_null());
    free(path);
    return status;
}

/* How far the run is, and whether it has a head already. Rank 0 looks for all. Collective. */
static qctx_status set_outcome(qctx_comm *comm, const char *path, json_t *description, bool *has_head,
                               qctx_error *error)
{
    qctx_run_outcome outcome = {0};
    qctx_status status = QCTX_OK;

    *has_head = false;
    if (qctx_comm_rank(comm) == 0) {
        char *best = qctx_checkpoints_best_path(path, error);
        json_t *object;

        *has_head = best != NULL && qctx_path_exists(best);
        status = best == NULL ? QCTX_ERR_MEMORY : qctx_run_outcome_read(path, &outcome, error);
        object = info_outcome(&outcome);
        json_object_update(description, object);
        json_decref(object);
        free(best);
        qctx_run_outcome_free(&outcome);
    }
    qctx_comm_broadcast(comm, has_head, sizeof *has_head, 0);
    return qctx_agree(comm, status, error);
}

/* Collective. */
static qctx_status set_head(qctx_comm *comm, const char *path, json_t *description, qctx_error *error)
{
    qctx_run run = {0};
    qctx_status status = qctx_run_open(comm, path, &run, error);

    if (status != QCTX_OK)
        return status;
    info_set_checkpoint(description, &run.checkpoint);
    status = info_set_config(description, &run.config, error);
    qctx_run_close(&run);
    return status;
}

/* The configuration of a run without a head yet. Collective. */
static qctx_status set_config(qctx_comm *comm, const char *folder, json_t *description, qctx_error *error)
{
    char *path = qctx_path_join(folder, "config.yaml", error);
    qctx_config config = {0};
    qctx_status status = qctx_agree(comm, path == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);

    if (status == QCTX_OK)
        status = qctx_config_load(comm, path, NULL, 0, &config, error);
    if (status == QCTX_OK)
        status = info_set_config(description, &config, error);
    qctx_config_free(&config);
    free(path);
    return status;
}

qctx_status info_run(qctx_comm *comm, const char *path, json_t **description, qctx_error *error)
{
    bool has_head;
    qctx_status status;

    *description = info_new("run", path);
    status = set_outcome(comm, path, *description, &has_head, error);
    if (status != QCTX_OK)
        return status;
    status = has_head ? set_head(comm, path, *description, error) : set_config(comm, path, *description, error);
    if (status == QCTX_OK)
        status = set_summary(*description, path, error);
    return qctx_agree(comm, status, error);
}

/* How far a run is that has not finished, and of when its table is. */
static void print_progress(const json_t *description)
{
    const json_t *reached = json_object_get(description, "reached"), *results = json_object_get(description, "results");
    const char *state = json_string_value(json_object_get(description, "state"));

    if (strcmp(state, qctx_run_state_names[QCTX_RUN_FINISHED]) == 0)
        return;
    printf("%s in epoch %lld of %lld, after %lld step%s; ",
           strcmp(state, qctx_run_state_names[QCTX_RUN_RUNNING]) == 0 ? "Running" : "Stopped",
           (long long)json_integer_value(json_object_get(reached, "epoch")),
           (long long)json_integer_value(json_object_get(reached, "epochs")),
           (long long)json_integer_value(json_object_get(reached, "step")),
           qctx_plural(json_integer_value(json_object_get(reached, "step"))));
    if (json_array_size(results) > 0)
        printf("evaluated last in epoch %lld:\n\n",
               (long long)json_integer_value(json_object_get(description, "evaluated_epoch")));
    else
        puts("no table yet.\n");
}

static qctx_status print_tables(const json_t *description, qctx_error *error)
{
    const json_t *results = json_object_get(description, "results");
    const char *path = json_string_value(json_object_get(description, "path"));

    for (size_t i = 0; i < json_array_size(results); i++) {
        qctx_protocol protocol;
        qctx_comparison comparison;
        qctx_novelty novelty;
        const char *source;
        qctx_status status =
            qctx_report_parse(json_array_get(results, i), path, &source, &protocol, &comparison, &novelty, error);

        if (status != QCTX_OK)
            return status;
        if (qctx_report_is_guard(json_array_get(results, i)))
            qctx_report_print_guard(stdout);
        qctx_report_print(stdout, source, &protocol, &comparison, &novelty);
        putchar('\n');
    }
    return QCTX_OK;
}

qctx_status info_print_run(const json_t *description, qctx_error *error)
{
    json_t *rest = json_copy((json_t *)description), *summary = json_copy(json_object_get(description, "summary"));
    qctx_status status;

    print_progress(description);
    status = print_tables(description, error);
    /* The tables have shown them. */
    json_object_del(rest, "results");
    json_object_del(summary, "results");
    json_object_set(rest, "summary", summary);
    if (status == QCTX_OK)
        status = info_print_text(rest, error);
    json_decref(summary);
    json_decref(rest);
    return status;
}
