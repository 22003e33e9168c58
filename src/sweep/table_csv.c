/* qctx_sweep_print_csv: all that is known of each trial, a line for each of its evaluation sources. */
#include <stdlib.h>
#include <string.h>

#include "qctx/base/shown.h"
#include "qctx/evaluation/evaluator.h"
#include "qctx/evaluation/report.h"
#include "table_internal.h"

/* A field of RFC 4180: quoted where it holds a comma, a quote or a line end, each of its lines as it is shown. */
static void print_text(FILE *out, const char *text)
{
    const bool quoted = strpbrk(text, ",\"\r\n") != NULL;

    fputs(quoted ? "\"" : "", out);
    while (*text != '\0') {
        const size_t length = strcspn(text, "\"\n");

        qctx_show(text, length, out);
        text += length;
        if (*text != '\0')
            fputs(*text++ == '"' ? "\"\"" : "\n", out);
    }
    fputs(quoted ? "\"" : "", out);
}

/* A number that reads back as it is, or nothing. */
static void print_number(FILE *out, double value, bool known)
{
    char text[32];

    fputc(',', out);
    if (!known)
        return;
    for (int digits = 9; digits <= 17; digits += 4) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    fputs(text, out);
}

static void print_count(FILE *out, int64_t value, bool known)
{
    fputc(',', out);
    if (known)
        fprintf(out, "%lld", (long long)value);
}

static void print_field(FILE *out, const char *text)
{
    fputc(',', out);
    print_text(out, text);
}

static const char *const systems[] = {"no_head", "head", "difference"};

static void print_heading(FILE *out, const qctx_space *space)
{
    fputs("trial,state", out);
    for (int64_t p = 0; p < space->count; p++)
        print_field(out, space->parameters[p].path);
    fputs(",metric,held_out,held_out_no_head,strength,best_epoch,epochs,seconds,source,questions,candidates,pool,order,"
          "resamples",
          out);
    for (int f = 0; f < QCTX_METRIC_COUNT; f++)
        for (int s = 0; s < 3; s++) {
            const char *metric = qctx_metric_names[f];

            fprintf(out, ",%s_%s,%s_%s_low,%s_%s_high", metric, systems[s], metric, systems[s], metric, systems[s]);
        }
    fputs(",message\n", out);
}

/* How far a trial came that has no summary, the ledger tells. */
static void print_trial(FILE *out, const sweep_table *table, const table_row *row)
{
    const qctx_trial *trial = row->trial;
    bool whole = row->summary != NULL, paused = trial->state == QCTX_TRIAL_PAUSED;

    fprintf(out, "%lld,%s", (long long)trial->index, qctx_trial_state_names[trial->state]);
    for (int64_t p = 0; p < table->definition->space.count; p++)
        print_field(out, table_raw_value(trial->overrides[p]));
    print_field(out, qctx_metric_names[table->definition->metric]);
    print_number(out, whole ? row->metric : trial->metric, whole ? row->chosen : paused);
    print_number(out, row->no_head, whole && row->chosen);
    print_number(out, row->strength, whole);
    print_count(out, row->best_epoch, whole);
    print_count(out, whole ? row->epochs : trial->epoch, whole || paused);
    print_number(out, whole ? row->seconds : trial->seconds, whole || paused);
}

static void print_result(FILE *out, const table_result *result)
{
    const qctx_comparison *comparison = &result->comparison;
    const qctx_interval *intervals[] = {comparison->base, comparison->head, comparison->difference};
    bool pools = result->protocol.candidates == QCTX_CANDIDATES_POOLS;

    print_field(out, result->source);
    print_count(out, comparison->questions, true);
    print_field(out, qctx_candidates_names[result->protocol.candidates]);
    print_count(out, result->protocol.pool, pools);
    print_field(out, pools ? qctx_pool_order_names[result->protocol.order] : "");
    print_count(out, comparison->resamples, true);
    for (int f = 0; f < QCTX_METRIC_COUNT; f++)
        for (int s = 0; s < 3; s++) {
            print_number(out, intervals[s][f].value, true);
            print_number(out, intervals[s][f].low, true);
            print_number(out, intervals[s][f].high, true);
        }
}

static void print_no_result(FILE *out)
{
    for (int i = 0; i < 6 + 9 * QCTX_METRIC_COUNT; i++)
        fputc(',', out);
}

static void print_row(FILE *out, const sweep_table *table, const table_row *row, const table_result *result)
{
    const char *message = row->problem != NULL ? row->problem : row->trial->message;

    print_trial(out, table, row);
    if (result != NULL)
        print_result(out, result);
    else
        print_no_result(out);
    print_field(out, message == NULL ? "" : message);
    fputs("\n", out);
}

qctx_status qctx_sweep_print_csv(FILE *out, const qctx_sweep_definition *definition, const qctx_ledger *ledger,
                                 qctx_error *error)
{
    sweep_table table;
    qctx_status status = table_collect(definition, ledger, &table, error);

    if (status != QCTX_OK)
        return status;
    print_heading(out, &definition->space);
    for (int64_t r = 0; r < table.count; r++) {
        const table_row *row = &table.rows[r];

        if (row->result_count == 0)
            print_row(out, &table, row, NULL);
        for (int64_t s = 0; s < row->result_count; s++)
            print_row(out, &table, row, &row->results[s]);
    }
    table_free(&table);
    return table_written(out, error);
}
