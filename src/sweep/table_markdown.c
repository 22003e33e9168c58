/* qctx_sweep_print_markdown: the results beside those of no head, then what is paused and what has failed. */
#include <stdlib.h>

#include "qctx/base/mem.h"
#include "qctx/evaluation/evaluator.h"
#include "qctx/evaluation/report.h"
#include "table_grid.h"
#include "table_internal.h"

static const qctx_metric shown[] = {QCTX_METRIC_TOP1, QCTX_METRIC_TOP10};

enum { SHOWN = sizeof shown / sizeof shown[0] };

static int64_t varying(const qctx_space *space)
{
    int64_t count = 0;

    for (int64_t p = 0; p < space->count; p++)
        count += table_varies(&space->parameters[p]);
    return count;
}

static const char *metric_label(const sweep_table *table)
{
    return qctx_report_label(table->definition->metric);
}

static void add_heading(const sweep_table *table, table_grid *grid, qctx_error *error)
{
    const qctx_space *space = &table->definition->space;

    table_grid_add(grid, "trial", error);
    for (int64_t p = 0; p < space->count; p++)
        if (table_varies(&space->parameters[p]))
            table_grid_add(grid, table_short_name(space, p), error);
    for (int64_t s = 0; s < table->source_count; s++)
        for (int f = 0; f < SHOWN; f++)
            table_grid_take(grid, qctx_format(error, "%s %s", table->sources[s], qctx_report_label(shown[f])), error);
    table_grid_take(grid, qctx_format(error, "held out %s", metric_label(table)), error);
    table_grid_add(grid, "strength", error);
    table_grid_add(grid, "epoch", error);
    table_grid_add(grid, "minutes", error);
}

static void add_value(const sweep_table *table, const table_row *row, int64_t parameter, table_grid *grid,
                      qctx_error *error)
{
    table_grid_take(
        grid, table_value(&table->definition->space.parameters[parameter], row->trial->overrides[parameter], error),
        error);
}

/* "66.7 [65.8, 67.6]", and a word where the head loses to no head. */
static void add_figures(const sweep_table *table, const table_row *row, bool head, table_grid *grid, qctx_error *error)
{
    for (int64_t s = 0; s < table->source_count; s++)
        for (int f = 0; f < SHOWN; f++) {
            const table_result *result = table_find(row, table->sources[s]);
            char text[64];

            if (result == NULL) {
                table_grid_add(grid, "", error);
                continue;
            }
            qctx_report_interval(shown[f], head ? result->comparison.head[shown[f]] : result->comparison.base[shown[f]],
                                 false, result->comparison.resamples > 0, text);
            table_grid_take(grid,
                            qctx_format(error, "%s%s", text,
                                        head && qctx_report_outcome(&result->comparison, shown[f]) == QCTX_OUTCOME_LOSS
                                            ? " loses"
                                            : ""),
                            error);
        }
}

static void add_share(double share, bool known, table_grid *grid, qctx_error *error)
{
    table_grid_take(grid, known ? qctx_format(error, "%.1f", 100.0 * share) : qctx_strdup("", error), error);
}

/* Whether all rows of the group from `first` on have the same figure of no head on held-out questions. */
static bool one_held_out(table_row *const *rows, int64_t first, int64_t count)
{
    for (int64_t r = first; r < count && rows[r]->group == rows[first]->group; r++)
        if (!rows[r]->chosen || rows[r]->no_head != rows[first]->no_head)
            return false;
    return true;
}

static void add_no_head(const sweep_table *table, table_row *const *rows, int64_t first, int64_t count,
                        table_grid *grid, qctx_error *error)
{
    const qctx_space *space = &table->definition->space;

    table_grid_add(grid, "no head", error);
    for (int64_t p = 0; p < space->count; p++) {
        if (table_varies(&space->parameters[p]) && table_changes_no_head(&space->parameters[p]))
            add_value(table, rows[first], p, grid, error);
        else if (table_varies(&space->parameters[p]))
            table_grid_add(grid, "", error);
    }
    add_figures(table, rows[first], false, grid, error);
    add_share(rows[first]->no_head, one_held_out(rows, first, count), grid, error);
    for (int i = 0; i < 3; i++)
        table_grid_add(grid, "", error);
}

static void add_trial(const sweep_table *table, const table_row *row, table_grid *grid, qctx_error *error)
{
    const qctx_space *space = &table->definition->space;

    table_grid_take(grid, qctx_format(error, "%lld", (long long)row->trial->index), error);
    for (int64_t p = 0; p < space->count; p++)
        if (table_varies(&space->parameters[p]))
            add_value(table, row, p, grid, error);
    add_figures(table, row, true, grid, error);
    add_share(row->metric, row->chosen, grid, error);
    table_grid_take(grid, qctx_format(error, "%g", row->strength), error);
    table_grid_take(grid, qctx_format(error, "%lld of %lld", (long long)row->best_epoch, (long long)row->epochs),
                    error);
    table_grid_take(grid, qctx_format(error, "%.1f", row->seconds / 60.0), error);
}

/* Groups in the order of their first trials, the best of a group first. */
static int compare_rows(const void *left, const void *right)
{
    const table_row *a = *(table_row *const *)left, *b = *(table_row *const *)right;

    if (a->group != b->group)
        return a->group < b->group ? -1 : 1;
    if (a->chosen && b->chosen && a->metric != b->metric)
        return a->metric > b->metric ? -1 : 1;
    return a->trial->index < b->trial->index ? -1 : 1;
}

static qctx_status print_results(FILE *out, const sweep_table *table, table_row *const *rows, int64_t count,
                                 qctx_error *error)
{
    table_grid grid = {.columns = 5 + varying(&table->definition->space) + SHOWN * table->source_count};
    qctx_status status;

    add_heading(table, &grid, error);
    for (int64_t r = 0; r < count; r++) {
        if (r == 0 || rows[r]->group != rows[r - 1]->group)
            add_no_head(table, rows, r, count, &grid, error);
        add_trial(table, rows[r], &grid, error);
    }
    if (grid.status == QCTX_OK)
        table_grid_print(out, &grid);
    status = grid.status;
    table_grid_free(&grid);
    return status;
}

static void explain_results(FILE *out, const sweep_table *table, table_row *const *rows, int64_t count)
{
    if (count == 0) {
        fputs("No trial has finished.\n", out);
        return;
    }
    fprintf(out,
            "\nIn percent, with 95%% intervals. \"loses\": the interval of head − no head lies below zero.\n"
            "Epoch and strength were chosen by %s on held-out questions.\n",
            metric_label(table));
    if (rows[0]->group != rows[count - 1]->group)
        fputs("Below each \"no head\" its own trials, best first; held-out questions of different data do not "
              "compare.\n",
              out);
    if (table->source_count > 0)
        fputs("\n", out);
    for (int64_t s = 0; s < table->source_count; s++)
        for (int64_t r = 0; r < count; r++) {
            const table_result *result = table_find(rows[r], table->sources[s]);

            if (result == NULL)
                continue;
            fputs("- ", out);
            qctx_report_print_heading(out, result->source, &result->protocol, result->comparison.questions);
            break;
        }
}

/* Trials that have not gone on from their rung: when the sweep is done, because they were not good enough. */
static qctx_status print_paused(FILE *out, const sweep_table *table, qctx_error *error)
{
    table_grid grid = {.columns = 4 + varying(&table->definition->space)};
    const qctx_space *space = &table->definition->space;
    qctx_status status;

    table_grid_add(&grid, "trial", error);
    for (int64_t p = 0; p < space->count; p++)
        if (table_varies(&space->parameters[p]))
            table_grid_add(&grid, table_short_name(space, p), error);
    table_grid_take(&grid, qctx_format(error, "held out %s", metric_label(table)), error);
    table_grid_add(&grid, "epochs", error);
    table_grid_add(&grid, "minutes", error);
    for (int64_t r = 0; r < table->count; r++) {
        const table_row *row = &table->rows[r];

        if (row->trial->state != QCTX_TRIAL_PAUSED)
            continue;
        table_grid_take(&grid, qctx_format(error, "%lld", (long long)row->trial->index), error);
        for (int64_t p = 0; p < space->count; p++)
            if (table_varies(&space->parameters[p]))
                add_value(table, row, p, &grid, error);
        add_share(row->trial->metric, true, &grid, error);
        table_grid_take(&grid, qctx_format(error, "%lld", (long long)row->trial->epoch), error);
        table_grid_take(&grid, qctx_format(error, "%.1f", row->trial->seconds / 60.0), error);
    }
    if (grid.status == QCTX_OK && grid.count > grid.columns) {
        fputs("\n## Paused by successive halving\n\n", out);
        table_grid_print(out, &grid);
    }
    status = grid.status;
    table_grid_free(&grid);
    return status;
}

/* One line: "- 9 (lr 0.3, hidden 512): diverged: message". */
static qctx_status print_message(FILE *out, const sweep_table *table, const table_row *row, const char *kind,
                                 const char *message, qctx_error *error)
{
    char *settings = table_settings(&table->definition->space, row->trial, error);

    if (settings == NULL)
        return QCTX_ERR_MEMORY;
    fprintf(out, "- %lld (", (long long)row->trial->index);
    table_print_escaped(out, settings);
    fprintf(out, "): %s: ", kind);
    table_print_escaped(out, message);
    fputs("\n", out);
    free(settings);
    return QCTX_OK;
}

static qctx_status print_failed(FILE *out, const sweep_table *table, qctx_error *error)
{
    qctx_status status = QCTX_OK;
    bool any = false;

    for (int64_t r = 0; r < table->count && status == QCTX_OK; r++) {
        const table_row *row = &table->rows[r];
        const qctx_trial *trial = row->trial;

        if (trial->state != QCTX_TRIAL_FAILED && row->problem == NULL)
            continue;
        if (!any)
            fputs("\n## Failed\n\n", out);
        any = true;
        if (row->problem != NULL)
            status = print_message(out, table, row, "no results", row->problem, error);
        else
            status = print_message(out, table, row, qctx_status_name((qctx_status)trial->code),
                                   trial->message == NULL ? "" : trial->message, error);
    }
    return status;
}

static qctx_status print_all(FILE *out, const sweep_table *table, const qctx_ledger *ledger, qctx_error *error)
{
    table_row **rows = qctx_alloc(table->count, sizeof *rows, "order of a sweep's table", error);
    int64_t count = 0;
    qctx_status status;

    if (rows == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t r = 0; r < table->count; r++)
        if (table->rows[r].summary != NULL)
            rows[count++] = &table->rows[r];
    if (count > 0)
        qsort(rows, (size_t)count, sizeof *rows, compare_rows);
    fputs("# Sweep ", out);
    table_print_escaped(out, table->definition->name);
    fputs("\n\n", out);
    table_print_counts(out, table->definition, ledger);
    fputs("\n", out);
    status = print_results(out, table, rows, count, error);
    if (status == QCTX_OK) {
        explain_results(out, table, rows, count);
        status = print_paused(out, table, error);
    }
    if (status == QCTX_OK)
        status = print_failed(out, table, error);
    free(rows);
    return status == QCTX_OK ? table_written(out, error) : status;
}

qctx_status qctx_sweep_print_markdown(FILE *out, const qctx_sweep_definition *definition, const qctx_ledger *ledger,
                                      qctx_error *error)
{
    sweep_table table;
    qctx_status status = table_collect(definition, ledger, &table, error);

    if (status == QCTX_OK) {
        status = print_all(out, &table, ledger, error);
        table_free(&table);
    }
    return status;
}
