#include "qctx/data/scores.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "qctx/data/lines.h"
#include "qctx/text/json.h"
#include "qrels_columns.h"

enum { DIGITS_MOST = 24 };

static const char *const wanted[QRELS_ROLES] = {
    [QRELS_QUESTION] = "a question id", [QRELS_CONTEXT] = "a context id", [QRELS_SCORE] = "a finite score"};

/* The values of an object by their roles, each named once. */
static qctx_status sort_keys(json_t *object, const char *place, json_t *values[QRELS_ROLES], qctx_error *error)
{
    const char *key;
    json_t *value;

    json_object_foreach(object, key, value)
    {
        const qrels_role role = qrels_role_of(key);

        if (role == QRELS_ROLES)
            continue;
        if (values[role] != NULL)
            return qctx_fail(error, QCTX_ERR_FORMAT, "%s: two keys, of which one is '%s', say %s; expected one", place,
                             key, wanted[role]);
        values[role] = value;
    }
    return QCTX_OK;
}

static qctx_status refuse_value(const char *place, qrels_role role, const json_t *found, qctx_error *error)
{
    qctx_fail(error, QCTX_ERR_FORMAT, "%s: expected %s, found %s", place, wanted[role], qctx_json_type(found));
    return qctx_hint(error,
                     "a line is an object such as {\"question\": \"q7\", \"context\": \"c31\", \"score\": 8.25}");
}

/* An id as text; numbers are written into `digits`. */
static const char *id_of(const json_t *value, char digits[DIGITS_MOST])
{
    if (!json_is_integer(value))
        return json_string_value(value);
    snprintf(digits, DIGITS_MOST, "%lld", (long long)json_integer_value(value));
    return digits;
}

static qctx_status take_object(const qctx_lines *lines, qctx_scores_take take, void *context, qctx_error *error)
{
    json_t *object = NULL, *values[QRELS_ROLES] = {NULL};
    char digits[2][DIGITS_MOST];
    const char *ids[2] = {NULL, NULL};
    qctx_status status = qctx_json_parse_unique(lines->text, lines->length, lines->place, &object, error);

    if (status == QCTX_OK && !json_is_object(object))
        status =
            qctx_fail(error, QCTX_ERR_FORMAT, "%s: expected an object, found %s", lines->place, qctx_json_type(object));
    if (status == QCTX_OK)
        status = sort_keys(object, lines->place, values, error);
    for (int role = QRELS_QUESTION; role <= QRELS_CONTEXT && status == QCTX_OK; role++) {
        ids[role] = id_of(values[role], digits[role]);
        if (ids[role] == NULL)
            status = refuse_value(lines->place, (qrels_role)role, values[role], error);
    }
    if (status == QCTX_OK &&
        (!json_is_number(values[QRELS_SCORE]) || !isfinite((float)json_number_value(values[QRELS_SCORE]))))
        status = refuse_value(lines->place, QRELS_SCORE, values[QRELS_SCORE], error);
    if (status == QCTX_OK)
        status = take(context, ids[QRELS_QUESTION], ids[QRELS_CONTEXT], json_number_value(values[QRELS_SCORE]), error);
    json_decref(object);
    return status;
}

static qctx_status take_columns(qctx_lines *lines, qrels_header *header, qctx_scores_take take, void *context,
                                qctx_error *error)
{
    const char *fields[QRELS_ROLES];
    double score;
    bool is_header;
    qctx_status status = qrels_read_line(lines, header, fields, &score, &is_header, error);

    if (status != QCTX_OK || is_header)
        return status;
    return take(context, fields[QRELS_QUESTION], fields[QRELS_CONTEXT], score, error);
}

qctx_status qctx_scores_read(const char *path, qctx_scores_take take, void *context, uint64_t *hash, qctx_error *error)
{
    qctx_lines lines = {0};
    qrels_header header = {0};
    bool more = true, known = false, objects = false;
    qctx_status status = qctx_lines_open(&lines, path, error);

    while (status == QCTX_OK) {
        status = qctx_lines_next(&lines, &more, error);
        if (status != QCTX_OK || !more)
            break;
        if (!known)
            objects = lines.text[strspn(lines.text, " \t")] == '{';
        known = true;
        status =
            objects ? take_object(&lines, take, context, error) : take_columns(&lines, &header, take, context, error);
    }
    *hash = lines.hash;
    qctx_lines_close(&lines);
    return status;
}
