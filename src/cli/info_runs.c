/*
 * The table of the runs in a folder: one for each set of evaluation questions, for only figures of the same questions
 * among the same candidates can be compared; best first.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "info_internal.h"
#include "qctx/base/clock.h"
#include "qctx/base/mem.h"
#include "qctx/base/shown.h"
#include "qctx/cli/wrap.h"
#include "qctx/evaluation/report.h"

enum { NAME_COLUMNS = 19 };

/* One result of one run. Borrows from the description. */
typedef struct {
    const json_t *run;
    const char *source;
    qctx_protocol protocol;
    qctx_comparison comparison;
} run_result;

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text == NULL ? "" : text;
}

static int compare_doubles(double a, double b)
{
    return (a > b) - (a < b);
}

static int compare_integers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/* The grade from which a context is right; 0 stands for the usual 1. */
static double least_right(const qctx_protocol *protocol)
{
    return protocol->relevant == 0 ? 1 : protocol->relevant;
}

/* 0 where both are of the same questions, candidates and grades; else an order of the tables. */
static int compare_sets(const run_result *a, const run_result *b)
{
    int order = strcmp(a->source, b->source);

    if (order == 0)
        order = compare_integers(a->comparison.questions, b->comparison.questions);
    if (order == 0)
        order = compare_integers(a->protocol.candidates, b->protocol.candidates);
    if (order == 0 && a->protocol.candidates == QCTX_CANDIDATES_POOLS)
        order = compare_integers(a->protocol.pool, b->protocol.pool);
    if (order == 0 && a->protocol.candidates == QCTX_CANDIDATES_POOLS)
        order = compare_integers(a->protocol.order, b->protocol.order);
    /* Pools that were shuffled by another seed are others. */
    if (order == 0 && a->protocol.candidates == QCTX_CANDIDATES_POOLS && a->protocol.order == QCTX_POOLS_SHUFFLED)
        order = compare_integers((int64_t)a->protocol.seed, (int64_t)b->protocol.seed);
    if (order == 0)
        order = compare_doubles(least_right(&a->protocol), least_right(&b->protocol));
    if (order == 0)
        order = compare_integers(a->protocol.gain, b->protocol.gain);
    return order;
}

static int compare_results(const void *first, const void *second)
{
    const run_result *a = first, *b = second;
    int order = compare_sets(a, b);

    if (order == 0)
        order = compare_doubles(b->comparison.head[QCTX_METRIC_TOP1].value, a->comparison.head[QCTX_METRIC_TOP1].value);
    if (order == 0)
        order = compare_doubles(b->comparison.head[QCTX_METRIC_MRR].value, a->comparison.head[QCTX_METRIC_MRR].value);
    return order != 0 ? order : strcmp(text_of(a->run, "name"), text_of(b->run, "name"));
}

/* "11-29 20:47" of this year, "2025-11-29" of another. */
static void print_when(const char *when)
{
    char now[32];

    qctx_clock_timestamp(now, sizeof now);
    if (strlen(when) < 16)
        puts("");
    else if (strncmp(when, now, 5) == 0)
        qctx_shown_print(stdout, "%.5s %.5s\n", when + 5, when + 11);
    else
        qctx_shown_print(stdout, "%.10s\n", when);
}

/* Name, state and epochs; a name that is too long has a line of its own. */
static void print_run(const json_t *run)
{
    const json_t *reached = json_object_get(run, "reached");
    const char *name = text_of(run, "name");
    int64_t width = qctx_shown_columns(name, strlen(name));
    char epochs[48];

    snprintf(epochs, sizeof epochs, "%lld/%lld", (long long)json_integer_value(json_object_get(reached, "whole")),
             (long long)json_integer_value(json_object_get(reached, "epochs")));
    qctx_show(name, strlen(name), stdout);
    if (width > NAME_COLUMNS) {
        putchar('\n');
        width = 0;
    }
    qctx_shown_print(stdout, "%*s %-8s %7s", (int)(NAME_COLUMNS - width), "", text_of(run, "state"), epochs);
}

static void print_result(const run_result *result)
{
    const qctx_comparison *of = &result->comparison;

    print_run(result->run);
    printf("%7.1f %7.1f %7.1f %+7.1f  ", 100 * of->head[QCTX_METRIC_TOP1].value,
           100 * of->head[QCTX_METRIC_TOP10].value, 100 * of->head[QCTX_METRIC_MRR].value,
           nearbyint(1000 * of->difference[QCTX_METRIC_TOP1].value) / 10 + 0.0);
    print_when(text_of(result->run, "when"));
}

static void print_heading(const char *figures)
{
    printf("%-*s %-8s %7s%s  when (UTC)\n", NAME_COLUMNS, "run", "state", "epochs", figures);
}

static void print_results(const run_result *results, int64_t count)
{
    for (int64_t r = 0; r < count; r++) {
        if (r == 0 || compare_sets(&results[r - 1], &results[r]) != 0) {
            qctx_report_print_heading(stdout, results[r].source, &results[r].protocol, results[r].comparison.questions);
            print_heading("  top-1  top-10  MRR@10    gain");
        }
        print_result(&results[r]);
        if (r + 1 == count || compare_sets(&results[r], &results[r + 1]) != 0)
            putchar('\n');
    }
}

/* Runs that have measured nothing yet, and those that cannot be read. */
static void print_others(const json_t *runs)
{
    bool headed = false;

    for (size_t i = 0; i < json_array_size(runs); i++) {
        const json_t *run = json_array_get(runs, i);

        if (json_object_get(run, "problem") != NULL || json_array_size(json_object_get(run, "results")) > 0)
            continue;
        if (!headed)
            print_heading("");
        headed = true;
        print_run(run);
        fputs("  ", stdout);
        print_when(text_of(run, "when"));
    }
    if (headed)
        putchar('\n');
    for (size_t i = 0; i < json_array_size(runs); i++) {
        const char *problem = text_of(json_array_get(runs, i), "problem");

        if (problem[0] != '\0')
            qctx_wrap(problem, 0, 2, QCTX_COLUMNS, stdout);
    }
}

/* results [*count] of all runs, those on guards apart: no run is made for these. A table that cannot be read becomes
 * the problem of its run. */
static void collect_results(json_t *runs, run_result *results, int64_t *count)
{
    *count = 0;
    for (size_t i = 0; i < json_array_size(runs); i++) {
        json_t *run = json_array_get(runs, i);
        const json_t *tables = json_object_get(run, "results");

        for (size_t t = 0; t < json_array_size(tables); t++) {
            run_result *result = &results[*count];
            qctx_error problem = {0};

            if (qctx_report_is_guard(json_array_get(tables, t)))
                continue;
            result->run = run;
            if (qctx_report_parse(json_array_get(tables, t), text_of(run, "path"), &result->source, &result->protocol,
                                  &result->comparison, NULL, &problem) == QCTX_OK) {
                result->protocol.seed = (uint64_t)json_integer_value(json_object_get(run, "seed"));
                (*count)++;
            } else {
                json_object_set_new(run, "problem", json_string(problem.message));
            }
        }
    }
}

static qctx_status print_runs(json_t *runs, qctx_error *error)
{
    int64_t most = 0, count;
    run_result *results;

    for (size_t i = 0; i < json_array_size(runs); i++)
        most += (int64_t)json_array_size(json_object_get(json_array_get(runs, i), "results"));
    results = qctx_alloc(most, sizeof *results, "the results of runs", error);
    if (results == NULL)
        return QCTX_ERR_MEMORY;
    collect_results(runs, results, &count);
    qsort(results, (size_t)count, sizeof *results, compare_results);
    print_results(results, count);
    print_others(runs);
    free(results);
    return QCTX_OK;
}

/* "stores: a.h5, b.h5", or nothing where there are none. */
static void print_list(const json_t *description, const char *name)
{
    const json_t *items = json_object_get(description, name);
    int64_t column = (int64_t)strlen(name) + 1;

    if (json_array_size(items) == 0)
        return;
    printf("%s:", name);
    for (size_t i = 0; i < json_array_size(items); i++) {
        const char *text = json_string_value(json_array_get(items, i));
        const char *end = i + 1 < json_array_size(items) ? "," : "";
        int64_t width = qctx_shown_columns(text, strlen(text)) + 1 + (int64_t)strlen(end);

        if (column + width > QCTX_COLUMNS && column > 2) {
            fputs("\n ", stdout);
            column = 1;
        }
        putchar(' ');
        qctx_show(text, strlen(text), stdout);
        fputs(end, stdout);
        column += width;
    }
    putchar('\n');
}

qctx_status info_print_folder(const json_t *description, qctx_error *error)
{
    const int64_t others = json_integer_value(json_object_get(description, "others"));
    qctx_status status = print_runs(json_object_get(description, "runs"), error);

    if (status != QCTX_OK)
        return status;
    print_list(description, "corpora");
    print_list(description, "stores");
    print_list(description, "sweeps");
    if (others > 0)
        printf("and %lld that %s neither run, corpus, store nor sweep\n", (long long)others,
               others == 1 ? "is" : "are");
    return QCTX_OK;
}
