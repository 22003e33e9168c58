/* The rows of the tables, from the ledger and the summaries of the runs, and which of them share no head. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"
#include "qctx/evaluation/report.h"
#include "table_internal.h"

const table_result *table_find(const table_row *row, const char *source)
{
    for (int64_t r = 0; r < row->result_count; r++)
        if (strcmp(row->results[r].source, source) == 0)
            return &row->results[r];
    return NULL;
}

static qctx_status read_best(const json_t *summary, const char *place, table_row *row, qctx_error *error)
{
    const json_t *best = json_object_get(summary, "best");
    qctx_status status;

    if (!json_is_object(best))
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: 'best' is %s, expected an object", place, qctx_json_type(best));
    status = qctx_json_get_integer(best, "epoch", 0, 0, INT64_MAX, place, &row->best_epoch, error);
    if (status == QCTX_OK)
        status = qctx_json_get_number(best, "value", place, &row->metric, error);
    if (status == QCTX_OK)
        status = qctx_json_get_number(best, "no_head", place, &row->no_head, error);
    if (status == QCTX_OK)
        status = qctx_json_get_number(best, "strength", place, &row->strength, error);
    /* A run without questions to choose by has −1 here. */
    row->chosen = row->no_head >= 0.0;
    return status;
}

static qctx_status read_results(const json_t *summary, const char *place, table_row *row, qctx_error *error)
{
    json_t *results;
    qctx_status status = qctx_json_get_array(summary, "results", place, &results, error);

    if (status != QCTX_OK)
        return status;
    row->results = qctx_alloc((int64_t)json_array_size(results), sizeof *row->results, "results of a trial", error);
    if (row->results == NULL)
        return QCTX_ERR_MEMORY;
    for (size_t r = 0; r < json_array_size(results) && status == QCTX_OK; r++) {
        table_result *result = &row->results[row->result_count];

        if (qctx_report_is_guard(json_array_get(results, r)))
            continue;
        status = qctx_report_parse(json_array_get(results, r), place, &result->source, &result->protocol,
                                   &result->comparison, NULL, error);
        row->result_count += status == QCTX_OK;
    }
    return status;
}

static qctx_status read_summary(const char *path, table_row *row, qctx_error *error)
{
    qctx_status status = qctx_json_load_inside(path, &row->summary, error);

    if (status == QCTX_OK)
        status = qctx_json_get_integer(row->summary, "epochs", 0, 0, INT64_MAX, path, &row->epochs, error);
    if (status == QCTX_OK)
        status = qctx_json_get_number(row->summary, "seconds", path, &row->seconds, error);
    if (status == QCTX_OK)
        status = read_best(row->summary, path, row, error);
    if (status == QCTX_OK)
        status = read_results(row->summary, path, row, error);
    return status;
}

static void forget_results(table_row *row)
{
    json_decref(row->summary);
    free(row->results);
    row->summary = NULL;
    row->results = NULL;
    row->result_count = 0;
}

/* A summary that cannot be read is shown as the problem of its trial; the table goes on. */
static qctx_status fill_row(const qctx_sweep_definition *definition, table_row *row, qctx_error *error)
{
    char *path = qctx_sweep_definition_trial_path(definition, row->trial->index, "summary.json", error);
    qctx_error problem = {0};
    qctx_status status = path == NULL ? QCTX_ERR_MEMORY : read_summary(path, row, &problem);

    if (status == QCTX_ERR_IO || status == QCTX_ERR_FORMAT) {
        forget_results(row);
        row->problem = qctx_strdup(problem.message, error);
        status = row->problem == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
    } else if (status != QCTX_OK && path != NULL && error != NULL) {
        *error = problem;
    }
    free(path);
    return status;
}

static bool same_no_head(const sweep_table *table, const table_row *a, const table_row *b)
{
    const qctx_space *space = &table->definition->space;

    for (int64_t p = 0; p < space->count; p++)
        if (table_changes_no_head(&space->parameters[p]) && strcmp(a->trial->overrides[p], b->trial->overrides[p]) != 0)
            return false;
    for (int64_t r = 0; r < a->result_count; r++) {
        const table_result *other = table_find(b, a->results[r].source);

        if (other == NULL)
            return false;
        for (int f = 0; f < QCTX_METRIC_COUNT; f++)
            if (fabs(a->results[r].comparison.base[f].value - other->comparison.base[f].value) > 1e-9)
                return false;
    }
    return a->result_count == b->result_count;
}

static void find_groups(sweep_table *table)
{
    for (int64_t r = 0; r < table->count; r++) {
        int64_t first = 0;

        while (first < r &&
               (table->rows[first].summary == NULL || !same_no_head(table, &table->rows[first], &table->rows[r])))
            first++;
        table->rows[r].group = first;
    }
}

static bool knows_source(const sweep_table *table, const char *source)
{
    for (int64_t s = 0; s < table->source_count; s++)
        if (strcmp(table->sources[s], source) == 0)
            return true;
    return false;
}

static qctx_status list_sources(sweep_table *table, qctx_error *error)
{
    int64_t most = 0;

    for (int64_t r = 0; r < table->count; r++)
        most += table->rows[r].result_count;
    table->sources = qctx_alloc(most, sizeof *table->sources, "names of evaluation sources", error);
    if (table->sources == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t r = 0; r < table->count; r++)
        for (int64_t s = 0; s < table->rows[r].result_count; s++)
            if (!knows_source(table, table->rows[r].results[s].source))
                table->sources[table->source_count++] = table->rows[r].results[s].source;
    return QCTX_OK;
}

qctx_status table_collect(const qctx_sweep_definition *definition, const qctx_ledger *ledger, sweep_table *table,
                          qctx_error *error)
{
    const qctx_trial *trials;
    qctx_status status = QCTX_OK;

    *table = (sweep_table){.definition = definition};
    trials = qctx_ledger_trials(ledger, &table->count);
    table->rows = qctx_alloc(table->count, sizeof *table->rows, "rows of a sweep's table", error);
    if (table->rows == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t r = 0; r < table->count && status == QCTX_OK; r++) {
        table->rows[r].trial = &trials[r];
        if (trials[r].state == QCTX_TRIAL_FINISHED)
            status = fill_row(definition, &table->rows[r], error);
    }
    if (status == QCTX_OK)
        status = list_sources(table, error);
    if (status == QCTX_OK)
        find_groups(table);
    else
        table_free(table);
    return status;
}

void table_free(sweep_table *table)
{
    for (int64_t r = 0; r < table->count && table->rows != NULL; r++) {
        forget_results(&table->rows[r]);
        free(table->rows[r].problem);
    }
    free(table->rows);
    free(table->sources);
    *table = (sweep_table){0};
}
