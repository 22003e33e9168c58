#include "qctx/evaluation/report.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "qctx/base/plural.h"
#include "qctx/base/shown.h"
#include "report_internal.h"

enum { CELL_COLUMNS = 22, PAGE_COLUMNS = 80 };

static void print_row(FILE *out, qctx_metric metric, const qctx_comparison *comparison)
{
    const bool bounds = comparison->resamples > 0;
    char cells[3][64];

    qctx_report_interval(metric, comparison->base[metric], false, bounds, cells[0]);
    qctx_report_interval(metric, comparison->head[metric], false, bounds, cells[1]);
    qctx_report_interval(metric, comparison->difference[metric], true, bounds, cells[2]);
    fprintf(out, "%-*s%-*s%-*s%s\n", REPORT_LABEL_COLUMNS, qctx_report_label(metric), CELL_COLUMNS, cells[0],
            CELL_COLUMNS, cells[1], cells[2]);
}

qctx_outcome qctx_report_outcome(const qctx_comparison *comparison, qctx_metric metric)
{
    const qctx_interval *difference = &comparison->difference[metric];
    bool above = difference->low > 0.0, below = difference->high < 0.0;

    if (!above && !below)
        return QCTX_OUTCOME_SAME;
    return above == (metric != QCTX_METRIC_POSITION) ? QCTX_OUTCOME_GAIN : QCTX_OUTCOME_LOSS;
}

/* "The head LOSES in top-1, MRR@10 and nDCG@10.", or nothing if no metric has this outcome. */
static void print_sentence(FILE *out, const char *beginning, const qctx_comparison *comparison, qctx_outcome wanted)
{
    int column = (int)strlen(beginning), count = 0, done = 0;

    for (int f = 0; f < QCTX_METRIC_COUNT; f++)
        count += qctx_report_outcome(comparison, (qctx_metric)f) == wanted;
    if (count == 0)
        return;
    fputs(beginning, out);
    for (int f = 0; f < QCTX_METRIC_COUNT; f++) {
        const char *joint;

        if (qctx_report_outcome(comparison, (qctx_metric)f) != wanted)
            continue;
        joint = done == 0 ? "" : done + 1 == count ? " and" : ",";
        column += (int)(strlen(joint) + 1 + strlen(qctx_report_label((qctx_metric)f)));
        /* Room for the " and" that may follow at the end of the line. */
        if (column + 4 > PAGE_COLUMNS) {
            fprintf(out, "%s\n ", joint);
            column = 2 + (int)strlen(qctx_report_label((qctx_metric)f));
        } else {
            fputs(joint, out);
        }
        fprintf(out, " %s", qctx_report_label((qctx_metric)f));
        done++;
    }
    fputs(".\n", out);
}

static void print_verdict(FILE *out, const qctx_comparison *comparison)
{
    if (comparison->resamples == 0) {
        fputs("Without bootstrap intervals nothing is said about significance.\n", out);
        return;
    }
    print_sentence(out, "The head gains in", comparison, QCTX_OUTCOME_GAIN);
    print_sentence(out, "The head LOSES in", comparison, QCTX_OUTCOME_LOSS);
    print_sentence(out, "No significant difference in", comparison, QCTX_OUTCOME_SAME);
}

/* Of how many questions the pools are: few questions make one pool, and what is left over makes the last. */
static void print_pools(FILE *out, const qctx_protocol *protocol, int64_t questions)
{
    const int64_t left = questions % protocol->pool;
    char pool[48], last[48];

    if (questions < protocol->pool) {
        fprintf(out, "one pool of %s\n", report_count(questions, pool, sizeof pool));
        return;
    }
    fprintf(out, "pools of %s", report_count(protocol->pool, pool, sizeof pool));
    if (left > 0)
        fprintf(out, ", the last of %s", report_count(left, last, sizeof last));
    fprintf(out, " (%s)\n", qctx_pool_order_names[protocol->order]);
}

/* Whether figures are not those of the default reading of grades; 0 is where nothing was said. */
static bool judges_otherwise(const qctx_protocol *protocol)
{
    return protocol->gain != QCTX_GAIN_LINEAR || (protocol->relevant != 1 && protocol->relevant != 0);
}

void qctx_report_print_heading(FILE *out, const char *source, const qctx_protocol *protocol, int64_t questions)
{
    char count[48];

    qctx_show(source, strlen(source), out);
    fprintf(out, ": %s question%s, ", report_count(questions, count, sizeof count), qctx_plural(questions));
    if (protocol->candidates == QCTX_CANDIDATES_POOLS)
        print_pools(out, protocol, questions);
    else if (protocol->candidates == QCTX_CANDIDATES_SPLIT)
        fputs("against all contexts of the split\n", out);
    else
        fputs("against all contexts of the corpus\n", out);
    if (judges_otherwise(protocol))
        fprintf(out, "right from grade %.15g on, nDCG's gain %s\n", protocol->relevant,
                protocol->gain == QCTX_GAIN_LINEAR ? "the grade" : "2^grade - 1");
}

/* Fewer candidates than a pool takes flatter: those of a table cannot be compared with what a search finds. */
static void print_ease(FILE *out, const qctx_protocol *protocol, int64_t questions)
{
    char count[48];

    if (protocol->candidates == QCTX_CANDIDATES_POOLS && questions < protocol->pool)
        fprintf(out, "Only %s candidate%s: easier than a whole search (eval --candidates corpus).\n",
                report_count(questions, count, sizeof count), qctx_plural(questions));
}

void qctx_report_print(FILE *out, const char *source, const qctx_protocol *protocol, const qctx_comparison *comparison,
                       const qctx_novelty *novelty)
{
    qctx_report_print_heading(out, source, protocol, comparison->questions);
    if (novelty != NULL)
        report_print_novelty(out, novelty);
    fprintf(out, "%-*s%-*s%-*s%s\n", REPORT_LABEL_COLUMNS, "", CELL_COLUMNS, "no head", CELL_COLUMNS, "head",
            "difference");
    for (int f = 0; f < QCTX_METRIC_COUNT; f++)
        print_row(out, (qctx_metric)f, comparison);
    print_verdict(out, comparison);
    print_ease(out, protocol, comparison->questions);
    if (novelty != NULL)
        report_print_apart(out, novelty);
}

void qctx_report_print_guard(FILE *out)
{
    fputs("A guard: the head was chosen so as not to lose here.\n", out);
}

bool qctx_report_is_guard(const json_t *table)
{
    return json_is_true(json_object_get(table, "guard"));
}

void qctx_report_print_alone(FILE *out, const char *source, const char *encoder, const qctx_protocol *protocol,
                             const qctx_comparison *comparison)
{
    char cell[64];

    qctx_report_print_heading(out, source, protocol, comparison->questions);
    fprintf(out, "%-*s", REPORT_LABEL_COLUMNS, "");
    qctx_show(encoder, strlen(encoder), out);
    fputc('\n', out);
    for (int f = 0; f < QCTX_METRIC_COUNT; f++) {
        qctx_report_interval((qctx_metric)f, comparison->base[f], false, comparison->resamples > 0, cell);
        fprintf(out, "%-*s%s\n", REPORT_LABEL_COLUMNS, qctx_report_label((qctx_metric)f), cell);
    }
    print_ease(out, protocol, comparison->questions);
}

void qctx_report_print_strengths(FILE *out, const double *strengths, const qctx_comparison *comparisons, int64_t count,
                                 double chosen)
{
    fprintf(out, "%-10s%8s%8s%8s%8s%9s   %s\n", "strength", "top-1", "top-5", "top-10", "MRR@10", "nDCG@10",
            "top-1, head − no head");
    for (int64_t i = 0; i < count; i++) {
        const qctx_comparison *at = &comparisons[i];
        char difference[64];

        qctx_report_interval(QCTX_METRIC_TOP1, at->difference[QCTX_METRIC_TOP1], true, at->resamples > 0, difference);
        fprintf(out, "%-4.2f %s%8.1f%8.1f%8.1f%8.1f%9.1f   %s\n", strengths[i],
                fabs(strengths[i] - chosen) < 1e-9 ? "used " : "     ", 100 * at->head[QCTX_METRIC_TOP1].value,
                100 * at->head[QCTX_METRIC_TOP5].value, 100 * at->head[QCTX_METRIC_TOP10].value,
                100 * at->head[QCTX_METRIC_MRR].value, 100 * at->head[QCTX_METRIC_NDCG].value, difference);
    }
}

static json_t *out_of_memory(qctx_error *error)
{
    qctx_fail(error, QCTX_ERR_MEMORY, "cannot allocate the JSON of a table");
    return NULL;
}

json_t *qctx_report_json_alone(const char *source, const qctx_protocol *protocol, const qctx_comparison *comparison,
                               qctx_error *error)
{
    json_t *object = json_pack("{s:s, s:I, s:s}", "source", source, "questions", (json_int_t)comparison->questions,
                               "candidates", qctx_candidates_names[protocol->candidates]);

    if (object == NULL)
        return out_of_memory(error);
    if (protocol->candidates == QCTX_CANDIDATES_POOLS) {
        json_object_set_new(object, "pool", json_integer(protocol->pool));
        json_object_set_new(object, "order", json_string(qctx_pool_order_names[protocol->order]));
    }
    if (judges_otherwise(protocol)) {
        json_object_set_new(object, "relevant", json_real(protocol->relevant));
        json_object_set_new(object, "gain", json_string(qctx_gain_names[protocol->gain]));
    }
    json_object_set_new(object, "resamples", json_integer(comparison->resamples));
    json_object_set_new(object, "first_position", json_integer(1));
    json_object_set_new(object, "no_head", report_figures_json(comparison->base));
    return object;
}

json_t *qctx_report_json(const char *source, const qctx_protocol *protocol, const qctx_comparison *comparison,
                         const qctx_novelty *novelty, qctx_error *error)
{
    json_t *object = qctx_report_json_alone(source, protocol, comparison, error);

    if (object == NULL)
        return NULL;
    json_object_set_new(object, "head", report_figures_json(comparison->head));
    json_object_set_new(object, "difference", report_figures_json(comparison->difference));
    if (novelty != NULL && qctx_novelty_is_known(novelty))
        json_object_set_new(object, "novelty", report_novelty_json(novelty));
    return object;
}

json_t *qctx_report_strengths_json(const double *strengths, const qctx_comparison *comparisons, int64_t count,
                                   qctx_error *error)
{
    json_t *rows = json_array();

    if (rows == NULL)
        return out_of_memory(error);
    for (int64_t i = 0; i < count; i++)
        json_array_append_new(rows, json_pack("{s:f, s:o, s:o}", "strength", strengths[i], "head",
                                              report_figures_json(comparisons[i].head), "difference",
                                              report_figures_json(comparisons[i].difference)));
    return rows;
}
