#include "qctx/base/names.h"
#include "report_internal.h"

/* The value of an enum that a member of the object names. */
static qctx_status read_name(const json_t *object, const char *key, const char *const *names, const char *place,
                             int *value, qctx_error *error)
{
    const char *text;
    char expected[64];
    qctx_status status = qctx_json_get_string(object, key, NULL, place, &text, error);

    if (status != QCTX_OK)
        return status;
    *value = qctx_name_find(names, text);
    if (*value < 0)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: '%s' is '%.40s', expected %s", place, key, text,
                         qctx_names_join(names, ", ", " or ", expected, sizeof expected));
    return QCTX_OK;
}

/* Earlier versions counted mean positions from 0, and wrote nothing of where they begin. */
static qctx_status count_from_one(const json_t *object, const char *place, qctx_comparison *comparison,
                                  qctx_error *error)
{
    qctx_interval *means[] = {&comparison->base[QCTX_METRIC_POSITION], &comparison->head[QCTX_METRIC_POSITION]};
    int64_t first = 0;
    qctx_status status = qctx_json_get_integer(object, "first_position", 0, 0, 1, place, &first, error);

    for (int m = 0; m < 2 && status == QCTX_OK; m++) {
        means[m]->value += (double)(1 - first);
        means[m]->low += (double)(1 - first);
        means[m]->high += (double)(1 - first);
    }
    return status;
}

/* How grades were read, where it is said. */
static qctx_status read_judging(const json_t *object, const char *place, qctx_protocol *protocol, qctx_error *error)
{
    int found = QCTX_GAIN_LINEAR;
    qctx_status status;

    protocol->relevant = 1;
    if (json_object_get(object, "relevant") == NULL)
        return QCTX_OK;
    status = qctx_json_get_number(object, "relevant", place, &protocol->relevant, error);
    if (status == QCTX_OK)
        status = read_name(object, "gain", qctx_gain_names, place, &found, error);
    protocol->gain = (qctx_gain)found;
    return status;
}

static qctx_status read_protocol(const json_t *object, const char *place, qctx_protocol *protocol, qctx_error *error)
{
    int found = 0;
    qctx_status status = read_judging(object, place, protocol, error);

    if (status == QCTX_OK)
        status = read_name(object, "candidates", qctx_candidates_names, place, &found, error);
    protocol->candidates = (qctx_candidates)found;
    if (status != QCTX_OK || protocol->candidates != QCTX_CANDIDATES_POOLS)
        return status;
    status = read_name(object, "order", qctx_pool_order_names, place, &found, error);
    if (status != QCTX_OK)
        return status;
    protocol->order = (qctx_pool_order)found;
    return qctx_json_get_integer(object, "pool", 0, 1, INT64_MAX, place, &protocol->pool, error);
}

qctx_status qctx_report_parse(const json_t *object, const char *place, const char **source, qctx_protocol *protocol,
                              qctx_comparison *comparison, qctx_novelty *novelty, qctx_error *error)
{
    qctx_status status = qctx_json_get_string(object, "source", NULL, place, source, error);

    *protocol = (qctx_protocol){0};
    *comparison = (qctx_comparison){0};
    if (status == QCTX_OK)
        status = qctx_json_get_integer(object, "questions", 0, 1, INT64_MAX, place, &comparison->questions, error);
    if (status == QCTX_OK)
        status = qctx_json_get_integer(object, "resamples", 0, 0, INT64_MAX, place, &comparison->resamples, error);
    if (status == QCTX_OK)
        status = read_protocol(object, place, protocol, error);
    if (status == QCTX_OK)
        status = report_read_figures(object, "no_head", place, comparison->base, error);
    if (status == QCTX_OK)
        status = report_read_figures(object, "head", place, comparison->head, error);
    if (status == QCTX_OK)
        status = report_read_figures(object, "difference", place, comparison->difference, error);
    if (status == QCTX_OK && novelty != NULL)
        status = report_read_novelty(json_object_get(object, "novelty"), place, comparison->resamples, novelty, error);
    return status == QCTX_OK ? count_from_one(object, place, comparison, error) : status;
}
