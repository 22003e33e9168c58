#include "qctx/evaluation/report.h"
#include "qctx/base/shown.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "qctx/text/text.h"

enum { LABEL_COLUMNS = 14, CELL_COLUMNS = 22, PAGE_COLUMNS = 80 };

static const char *const labels[QCTX_METRIC_COUNT] = {
    "top-1", "top-5", "top-10", "MRR@10", "nDCG@10", "recall@5", "recall@10", "mean position",
};

/* A count with commas between thousands: "10,570". */
static const char *with_commas(int64_t count, char *text, size_t bytes)
{
    char digits[32];
    size_t length = (size_t)snprintf(digits, sizeof digits, "%lld", (long long)count), used = 0;

    for (size_t i = 0; i < length && used + 2 < bytes; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            text[used++] = ',';
        text[used++] = digits[i];
    }
    text[used] = '\0';
    return text;
}

const char *qctx_report_label(qctx_metric metric)
{
    return labels[metric];
}

static int print_number(char *text, size_t bytes, double value, int digits, bool sign)
{
    double unit = digits == 0 ? 1.0 : 10.0;
    /* Adding zero turns the −0 of a rounded difference into a plain 0. */
    double rounded = nearbyint(value * unit) / unit + 0.0;

    return sign ? snprintf(text, bytes, "%+.*f", digits, rounded) : snprintf(text, bytes, "%.*f", digits, rounded);
}

void qctx_report_interval(qctx_metric metric, qctx_interval interval, bool sign, bool bounds, char text[64])
{
    double unit = metric == QCTX_METRIC_POSITION ? 1.0 : 100.0;
    int digits = fabs(interval.value * unit) < 1000.0 ? 1 : 0;
    char low[20], high[20];
    int used = print_number(text, 20, interval.value * unit, digits, sign);

    print_number(low, sizeof low, interval.low * unit, digits, sign);
    print_number(high, sizeof high, interval.high * unit, digits, sign);
    if (bounds)
        snprintf(text + used, 44, " [%s, %s]", low, high);
}

static void print_row(FILE *out, qctx_metric metric, const qctx_comparison *comparison)
{
    const bool bounds = comparison->resamples > 0;
    char cells[3][64];

    qctx_report_interval(metric, comparison->base[metric], false, bounds, cells[0]);
    qctx_report_interval(metric, comparison->head[metric], false, bounds, cells[1]);
    qctx_report_interval(metric, comparison->difference[metric], true, bounds, cells[2]);
    fprintf(out, "%-*s%-*s%-*s%s\n", LABEL_COLUMNS, labels[metric], CELL_COLUMNS, cells[0], CELL_COLUMNS, cells[1],
            cells[2]);
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
        column += (int)(strlen(joint) + 1 + strlen(labels[f]));
        /* Room for the " and" that may follow at the end of the line. */
        if (column + 4 > PAGE_COLUMNS) {
            fprintf(out, "%s\n ", joint);
            column = 2 + (int)strlen(labels[f]);
        } else {
            fputs(joint, out);
        }
        fprintf(out, " %s", labels[f]);
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
        fprintf(out, "one pool of %s\n", with_commas(questions, pool, sizeof pool));
        return;
    }
    fprintf(out, "pools of %s", with_commas(protocol->pool, pool, sizeof pool));
    if (left > 0)
        fprintf(out, ", the last of %s", with_commas(left, last, sizeof last));
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
    fprintf(out, ": %s question%s, ", with_commas(questions, count, sizeof count), questions == 1 ? "" : "s");
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
                with_commas(questions, count, sizeof count), questions == 1 ? "" : "s");
}

void qctx_report_print(FILE *out, const char *source, const qctx_protocol *protocol, const qctx_comparison *comparison)
{
    qctx_report_print_heading(out, source, protocol, comparison->questions);
    fprintf(out, "%-*s%-*s%-*s%s\n", LABEL_COLUMNS, "", CELL_COLUMNS, "no head", CELL_COLUMNS, "head", "difference");
    for (int f = 0; f < QCTX_METRIC_COUNT; f++)
        print_row(out, (qctx_metric)f, comparison);
    print_verdict(out, comparison);
    print_ease(out, protocol, comparison->questions);
}

void qctx_report_print_alone(FILE *out, const char *source, const char *encoder, const qctx_protocol *protocol,
                             const qctx_comparison *comparison)
{
    char cell[64];

    qctx_report_print_heading(out, source, protocol, comparison->questions);
    fprintf(out, "%-*s", LABEL_COLUMNS, "");
    qctx_show(encoder, strlen(encoder), out);
    fputc('\n', out);
    for (int f = 0; f < QCTX_METRIC_COUNT; f++) {
        qctx_report_interval((qctx_metric)f, comparison->base[f], false, comparison->resamples > 0, cell);
        fprintf(out, "%-*s%s\n", LABEL_COLUMNS, labels[f], cell);
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

static json_t *figures_json(const qctx_interval *intervals)
{
    json_t *object = json_object();

    for (int f = 0; f < QCTX_METRIC_COUNT; f++)
        json_object_set_new(object, qctx_metric_names[f],
                            json_pack("{s:f, s:f, s:f}", "value", intervals[f].value, "low", intervals[f].low, "high",
                                      intervals[f].high));
    return object;
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
    json_object_set_new(object, "no_head", figures_json(comparison->base));
    return object;
}

json_t *qctx_report_json(const char *source, const qctx_protocol *protocol, const qctx_comparison *comparison,
                         qctx_error *error)
{
    json_t *object = qctx_report_json_alone(source, protocol, comparison, error);

    if (object == NULL)
        return NULL;
    json_object_set_new(object, "head", figures_json(comparison->head));
    json_object_set_new(object, "difference", figures_json(comparison->difference));
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
                                              figures_json(comparisons[i].head), "difference",
                                              figures_json(comparisons[i].difference)));
    return rows;
}
