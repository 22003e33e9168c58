/* The settings of a joined encoder, read and written. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "joined_internal.h"
#include "qctx/base/mem.h"
#include "qctx/base/names.h"
#include "settings.h"

static const char place[] = "settings of the encoder 'joined'";

void joined_settings_free(joined_settings *settings)
{
    for (int64_t i = 0; i < settings->count; i++) {
        free(settings->names[i]);
        free(settings->settings[i]);
    }
    for (int64_t f = 0; f < settings->field_count; f++)
        free(settings->fields[f]);
    *settings = (joined_settings){0};
}

/* Refuses what an object has beside the keys. */
static qctx_status check_keys(const json_t *object, const char *where, const char *const *known, qctx_error *error)
{
    char list[64];
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)object, key, value) if (qctx_name_find(known, key) < 0)
    {
        qctx_fail(error, QCTX_ERR_CONFIG, "%s: unknown setting '%s'", where, key);
        return qctx_hint(error, "the settings are %s", qctx_names_join(known, ", ", " and ", list, sizeof list));
    }
    return QCTX_OK;
}

static qctx_status take_field(const json_t *field, const char *where, joined_settings *settings, qctx_error *error)
{
    static const char *const known[] = {"field", "weight", NULL};
    const json_t *name = json_object_get(field, "field"), *weight = json_object_get(field, "weight");
    const int64_t index = settings->field_count;
    qctx_status status;

    if (!json_is_object(field))
        return qctx_fail(error, QCTX_ERR_CONFIG, "%s: found %s, expected an object", where, qctx_json_type(field));
    status = check_keys(field, where, known, error);
    if (status != QCTX_OK)
        return status;
    if (!json_is_string(name) || json_string_length(name) == 0)
        return qctx_fail(error, QCTX_ERR_CONFIG, "%s: field: found %s, expected a name", where, qctx_json_type(name));
    settings->field_weights[index] = weight == NULL ? 1.0 : json_number_value(weight);
    if ((weight != NULL && !json_is_number(weight)) || !(settings->field_weights[index] >= 0))
        return qctx_fail(error, QCTX_ERR_CONFIG, "%s: weight: expected a number ≥ 0", where);
    settings->fields[index] = qctx_strdup(json_string_value(name), error);
    settings->field_count += settings->fields[index] != NULL;
    return settings->fields[index] == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
}

/* A part names each of its fields once. */
static qctx_status check_field(const joined_settings *settings, int64_t first, const char *where, qctx_error *error)
{
    const int64_t last = settings->field_count - 1;

    for (int64_t f = first; f < last; f++)
        if (strcmp(settings->fields[f], settings->fields[last]) == 0)
            return qctx_fail(error, QCTX_ERR_CONFIG, "%s: field: '%s' is named twice", where, settings->fields[f]);
    return QCTX_OK;
}

/* The fields of part `index`, behind those of the parts before it. */
static qctx_status take_fields(const json_t *part, int64_t index, joined_settings *settings, qctx_error *error)
{
    const json_t *fields = json_object_get(part, "fields");
    const int64_t first = settings->field_count;
    char where[96];
    qctx_status status = QCTX_OK;

    settings->first_fields[index] = first;
    settings->weights[index] = 0;
    if (fields != NULL && (!json_is_array(fields) || json_array_size(fields) == 0))
        return qctx_fail(error, QCTX_ERR_CONFIG, "%s: parts[%lld]: fields: found %s, expected a list of fields", place,
                         (long long)index, json_is_array(fields) ? "nothing" : qctx_json_type(fields));
    for (size_t f = 0; f < json_array_size(fields) && status == QCTX_OK; f++) {
        snprintf(where, sizeof where, "%s: parts[%lld]: fields[%zu]", place, (long long)index, f);
        if (settings->field_count == QCTX_JOINED_MAX)
            return qctx_fail(error, QCTX_ERR_CONFIG, "%s: expected at most %d fields", where, QCTX_JOINED_MAX);
        status = take_field(json_array_get(fields, f), where, settings, error);
        if (status == QCTX_OK)
            status = check_field(settings, first, where, error);
        if (status == QCTX_OK)
            settings->weights[index] += settings->field_weights[settings->field_count - 1];
    }
    settings->first_fields[index + 1] = settings->field_count;
    return status;
}

static qctx_status take_part(const json_t *part, int64_t index, joined_settings *settings, qctx_error *error)
{
    static const char *const known[] = {"name", "settings", "fields", NULL};
    const json_t *name = json_object_get(part, "name"), *own = json_object_get(part, "settings");
    char where[64];
    qctx_status status;

    snprintf(where, sizeof where, "%s: parts[%lld]", place, (long long)index);
    if (!json_is_object(part))
        return qctx_fail(error, QCTX_ERR_CONFIG, "%s: found %s, expected an object", where, qctx_json_type(part));
    status = check_keys(part, where, known, error);
    if (status != QCTX_OK)
        return status;
    if (!json_is_string(name))
        return qctx_fail(error, QCTX_ERR_CONFIG, "%s: name: found %s, expected a string", where, qctx_json_type(name));
    if (own != NULL && !json_is_object(own))
        return qctx_fail(error, QCTX_ERR_CONFIG, "%s: settings: found %s, expected an object", where,
                         qctx_json_type(own));
    if (strcmp(json_string_value(name), JOINED_NAME) == 0)
        return qctx_fail(error, QCTX_ERR_CONFIG, "%s: name: joined encoders are not joined again", where);
    settings->count = index + 1;
    settings->names[index] = qctx_strdup(json_string_value(name), error);
    if (own != NULL)
        settings->settings[index] = qctx_json_dump(own, error);
    return settings->names[index] == NULL || (own != NULL && settings->settings[index] == NULL) ? QCTX_ERR_MEMORY
                                                                                                : QCTX_OK;
}

static qctx_status take_parts(const json_t *parts, joined_settings *settings, qctx_error *error)
{
    const size_t count = json_array_size(parts);
    const bool with_fields = json_object_get(json_array_get(parts, 0), "fields") != NULL;
    qctx_status status = QCTX_OK;

    if (!json_is_array(parts))
        return qctx_fail(error, QCTX_ERR_CONFIG, "%s: parts: found %s, expected a list", place, qctx_json_type(parts));
    if (count < (with_fields ? 1 : 2) || count > QCTX_JOINED_MAX)
        return qctx_fail(error, QCTX_ERR_CONFIG, "%s: parts: found %zu, expected %d to %d", place, count,
                         with_fields ? 1 : 2, QCTX_JOINED_MAX);
    for (size_t i = 0; i < count && status == QCTX_OK; i++) {
        status = take_part(json_array_get(parts, i), (int64_t)i, settings, error);
        if (status == QCTX_OK)
            status = take_fields(json_array_get(parts, i), (int64_t)i, settings, error);
        if (status == QCTX_OK && (settings->first_fields[i + 1] > settings->first_fields[i]) != with_fields)
            status =
                qctx_fail(error, QCTX_ERR_CONFIG, "%s: parts[%zu]: fields: all parts have some, or none has", place, i);
    }
    return status;
}

static qctx_status check_sum(const double *weights, int64_t count, qctx_error *error)
{
    double sum = 0;

    for (int64_t i = 0; i < count; i++)
        sum += weights[i];
    if (!(sum > 0 && sum <= QCTX_JOINED_WEIGHT_MAX))
        return qctx_fail(error, QCTX_ERR_CONFIG, "%s: weights: their sum is %g, expected above 0 and at most %g", place,
                         sum, QCTX_JOINED_WEIGHT_MAX);
    return QCTX_OK;
}

static qctx_status take_weights(const json_t *weights, int64_t count, double *values, qctx_error *error)
{
    for (int64_t i = 0; i < count; i++)
        values[i] = 1.0;
    if (weights == NULL)
        return QCTX_OK;
    if (!json_is_array(weights) || json_array_size(weights) != (size_t)count)
        return qctx_fail(error, QCTX_ERR_CONFIG, "%s: weights: found %s of %zu, expected a list of %lld", place,
                         qctx_json_type(weights), json_array_size(weights), (long long)count);
    for (int64_t i = 0; i < count; i++) {
        const json_t *weight = json_array_get(weights, (size_t)i);

        values[i] = json_number_value(weight);
        if (!json_is_number(weight) || !(values[i] >= 0))
            return qctx_fail(error, QCTX_ERR_CONFIG, "%s: weights[%lld]: expected a number ≥ 0", place, (long long)i);
    }
    return QCTX_OK;
}

qctx_status joined_settings_parse(const char *text, joined_settings *settings, qctx_error *error)
{
    static const char *const known[] = {"parts", "weights", NULL};
    json_t *root = NULL, *weights;
    qctx_status status;

    *settings = (joined_settings){0};
    if (text == NULL)
        return qctx_fail(error, QCTX_ERR_CONFIG, "%s: parts: found nothing, expected a list", place);
    status = encoder_settings_parse(text, place, &root, error);
    if (status == QCTX_OK)
        status = check_keys(root, place, known, error);
    weights = json_object_get(root, "weights");
    if (status == QCTX_OK)
        status = take_parts(json_object_get(root, "parts"), settings, error);
    if (status == QCTX_OK && settings->field_count == 0)
        status = take_weights(weights, settings->count, settings->weights, error);
    else if (status == QCTX_OK && weights != NULL)
        status = qctx_fail(error, QCTX_ERR_CONFIG, "%s: weights: stand with the fields of the parts", place);
    if (status == QCTX_OK)
        status = check_sum(settings->weights, settings->count, error);
    if (status != QCTX_OK)
        joined_settings_free(settings);
    json_decref(root);
    return status;
}

qctx_status qctx_joined_weights(const char *text, int64_t count, double *weights, qctx_error *error)
{
    joined_settings settings;
    qctx_status status = joined_settings_parse(text, &settings, error);

    if (status != QCTX_OK)
        return status;
    if (settings.field_count > 0 && settings.field_count == count)
        memcpy(weights, settings.field_weights, (size_t)count * sizeof *weights);
    else if (settings.field_count == 0 && settings.count == count)
        memcpy(weights, settings.weights, (size_t)count * sizeof *weights);
    else
        status = qctx_fail(error, QCTX_ERR_CONFIG, "%s: found %lld parts with %lld fields, expected %lld", place,
                           (long long)settings.count, (long long)settings.field_count, (long long)count);
    joined_settings_free(&settings);
    return status;
}

/* The shortest of the usual precisions that reads back as the same number. */
static void write_weight(FILE *out, double weight)
{
    char text[32];

    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, weight);
        if (strtod(text, NULL) == weight)
            break;
    }
    fputs(text, out);
}

static void write_weights(FILE *out, const double *weights, int64_t count)
{
    fputs(",\"weights\":[", out);
    for (int64_t i = 0; i < count; i++) {
        fputs(i > 0 ? "," : "", out);
        write_weight(out, weights[i]);
    }
    fputs("]", out);
}

/* ,"fields":[{"field":…,"weight":…},…], or nothing. */
static void write_fields(FILE *out, const qctx_joined_part *part)
{
    for (int64_t f = 0; f < part->field_count; f++) {
        json_t *name = json_string(part->fields[f].name);

        fputs(f > 0 ? ",{\"field\":" : ",\"fields\":[{\"field\":", out);
        qctx_json_print(name, JSON_ENCODE_ANY, out);
        json_decref(name);
        fputs(",\"weight\":", out);
        write_weight(out, part->fields[f].weight);
        fputs(f + 1 < part->field_count ? "}" : "}]", out);
    }
}

/* {"parts":[…],"weights":[…]}, the parts as `write_part` writes them. */
static char *write_object(const qctx_joined_part *parts, const double *weights, int64_t count,
                          void (*write_part)(FILE *out, const qctx_joined_part *part), qctx_error *error)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);

    if (out != NULL) {
        fputs("{\"parts\":[", out);
        for (int64_t i = 0; i < count; i++) {
            fputs(i > 0 ? "," : "", out);
            write_part(out, &parts[i]);
        }
        fputs("]", out);
        if (parts[0].field_count == 0)
            write_weights(out, weights, count);
        fputs("}", out);
        if (fclose(out) == 0)
            return text;
    }
    qctx_fail(error, QCTX_ERR_MEMORY, "no memory to write the %s", place);
    free(text);
    return NULL;
}

static void write_settings(FILE *out, const qctx_joined_part *part)
{
    fprintf(out, "{\"name\":\"%s\",\"settings\":%s", part->name, part->settings != NULL ? part->settings : "{}");
    write_fields(out, part);
    fputs("}", out);
}

static void write_fingerprint(FILE *out, const qctx_joined_part *part)
{
    if (part->field_count == 0) {
        fprintf(out, "\"%s\"", part->fingerprint);
        return;
    }
    fprintf(out, "{\"encoder\":\"%s\"", part->fingerprint);
    write_fields(out, part);
    fputs("}", out);
}

char *qctx_joined_settings(const qctx_joined_part *parts, const double *weights, int64_t count, qctx_error *error)
{
    return write_object(parts, weights, count, write_settings, error);
}

char *joined_identity(const qctx_joined_part *parts, const double *weights, int64_t count, qctx_error *error)
{
    return write_object(parts, weights, count, write_fingerprint, error);
}
