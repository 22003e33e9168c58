/* The cells of tables, and the figures that stand in them as JSON. */
#include <math.h>
#include <stdio.h>

#include "report_internal.h"

static const char *const labels[QCTX_METRIC_COUNT] = {
    "top-1", "top-5", "top-10", "MRR@10", "nDCG@10", "recall@5", "recall@10", "mean position",
};

const char *report_count(int64_t count, char *text, size_t bytes)
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

json_t *report_figures_json(const qctx_interval *intervals)
{
    json_t *object = json_object();

    for (int f = 0; f < QCTX_METRIC_COUNT; f++)
        json_object_set_new(object, qctx_metric_names[f],
                            json_pack("{s:f, s:f, s:f}", "value", intervals[f].value, "low", intervals[f].low, "high",
                                      intervals[f].high));
    return object;
}

/* No position is beyond it, and a figure below it fits into every table. */
static const double longest_position = 1e12;

static qctx_status read_number(const json_t *object, const char *key, double most, const char *place, double *value,
                               qctx_error *error)
{
    qctx_status status = qctx_json_get_number(object, key, place, value, error);

    if (status == QCTX_OK && !(fabs(*value) <= most))
        status = qctx_fail(error, QCTX_ERR_FORMAT, "%s: '%s' is %g, expected at most %g", place, key, *value, most);
    return status;
}

qctx_status report_read_figures(const json_t *object, const char *key, const char *place, qctx_interval *intervals,
                                qctx_error *error)
{
    const json_t *figures = json_object_get(object, key);
    qctx_status status = QCTX_OK;

    for (int f = 0; f < QCTX_METRIC_COUNT && status == QCTX_OK; f++) {
        const char *name = qctx_metric_names[f];
        const json_t *figure = json_object_get(figures, name);
        double most = f == QCTX_METRIC_POSITION ? longest_position : 1.0;

        if (!json_is_object(figure))
            return qctx_fail(error, QCTX_ERR_FORMAT, "%s: '%s' of '%s' is %s, expected an object", place, name, key,
                             qctx_json_type(figure));
        status = read_number(figure, "value", most, place, &intervals[f].value, error);
        if (status == QCTX_OK)
            status = read_number(figure, "low", most, place, &intervals[f].low, error);
        if (status == QCTX_OK)
            status = read_number(figure, "high", most, place, &intervals[f].high, error);
    }
    return status;
}
