/* The settings of a joined encoder, read and written. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "joined_internal.h"
#include "qctx/base/mem.h"
#include "settings.h"

static const char place[] = "settings of the encoder 'joined'";

void joined_settings_free(joined_settings *settings)
{
    for (int64_t i = 0; i < settings->count; i++) {
        free(settings->names[i]);
        free(settings->settings[i]);
    }
    *settings = (joined_settings){0};
}

/* Refuses what an object has beside the two keys. */
static qctx_status check_keys(const json_t *object, const char *where, const char *first, const char *second,
                              qctx_error *error)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)object, key, value) if (strcmp(key, first) != 0 && strcmp(key, second) != 0)
    {
        qctx_fail(error, QCTX_ERR_CONFIG, "%s: unknown setting '%s'", where, key);
        return qctx_hint(error, "the settings are %s and %s", first, second);
    }
    return QCTX_OK;
}

static qctx_status take_part(const json_t *part, int64_t index, joined_settings *settings, qctx_error *error)
{
    const json_t *name = json_object_get(part, "name"), *own = json_object_get(part, "settings");
    char where[64];
    qctx_status status;

    snprintf(where, sizeof where, "%s: parts[%lld]", place, (long long)index);
    if (!json_is_object(part))
        return qctx_fail(error, QCTX_ERR_CONFIG, "%s: found %s, expected an object", where, qctx_json_type(part));
    status = check_keys(part, where, "name", "settings", error);
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
    qctx_status status = QCTX_OK;

    if (!json_is_array(parts))
        return qctx_fail(error, QCTX_ERR_CONFIG, "%s: parts: found %s, expected a list", place, qctx_json_type(parts));
    if (count < 2 || count > QCTX_JOINED_MAX)
        return qctx_fail(error, QCTX_ERR_CONFIG, "%s: parts: found %zu, expected 2 to %d", place, count,
                         QCTX_JOINED_MAX);
    for (size_t i = 0; i < count && status == QCTX_OK; i++)
        status = take_part(json_array_get(parts, i), (int64_t)i, settings, error);
    return status;
}

static qctx_status take_weights(const json_t *weights, int64_t count, double *values, qctx_error *error)
{
    double sum = 0;

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
        sum += values[i];
    }
    if (!(sum > 0 && sum <= QCTX_JOINED_WEIGHT_MAX))
        return qctx_fail(error, QCTX_ERR_CONFIG, "%s: weights: their sum is %g, expected above 0 and at most %g", place,
                         sum, QCTX_JOINED_WEIGHT_MAX);
    return QCTX_OK;
}

qctx_status joined_settings_parse(const char *text, joined_settings *settings, qctx_error *error)
{
    json_t *root = NULL;
    qctx_status status;

    *settings = (joined_settings){0};
    if (text == NULL)
        return qctx_fail(error, QCTX_ERR_CONFIG, "%s: parts: found nothing, expected a list", place);
    status = encoder_settings_parse(text, place, &root, error);
    if (status == QCTX_OK)
        status = check_keys(root, place, "parts", "weights", error);
    if (status == QCTX_OK)
        status = take_parts(json_object_get(root, "parts"), settings, error);
    if (status == QCTX_OK)
        status = take_weights(json_object_get(root, "weights"), settings->count, settings->weights, error);
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
    if (settings.count == count)
        memcpy(weights, settings.weights, (size_t)count * sizeof *weights);
    else
        status = qctx_fail(error, QCTX_ERR_CONFIG, "%s: found %lld parts, expected %lld", place,
                           (long long)settings.count, (long long)count);
    joined_settings_free(&settings);
    return status;
}

/* The shortest of the usual precisions that reads back as the same number. */
static void write_weights(FILE *out, const double *weights, int64_t count)
{
    fputs("\"weights\":[", out);
    for (int64_t i = 0; i < count; i++) {
        char text[32];

        for (int digits = 15; digits <= 17; digits++) {
            snprintf(text, sizeof text, "%.*g", digits, weights[i]);
            if (strtod(text, NULL) == weights[i])
                break;
        }
        fprintf(out, "%s%s", i > 0 ? "," : "", text);
    }
    fputs("]}", out);
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
        fputs("],", out);
        write_weights(out, weights, count);
        if (fclose(out) == 0)
            return text;
    }
    qctx_fail(error, QCTX_ERR_MEMORY, "no memory to write the %s", place);
    free(text);
    return NULL;
}

static void write_settings(FILE *out, const qctx_joined_part *part)
{
    fprintf(out, "{\"name\":\"%s\",\"settings\":%s}", part->name, part->settings != NULL ? part->settings : "{}");
}

static void write_fingerprint(FILE *out, const qctx_joined_part *part)
{
    fprintf(out, "\"%s\"", part->fingerprint);
}

char *qctx_joined_settings(const qctx_joined_part *parts, const double *weights, int64_t count, qctx_error *error)
{
    return write_object(parts, weights, count, write_settings, error);
}

char *joined_identity(const qctx_joined_part *parts, const double *weights, int64_t count, qctx_error *error)
{
    return write_object(parts, weights, count, write_fingerprint, error);
}
