/* The settings of the hashing encoder, read and written. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hashing_internal.h"
#include "qctx/base/mem.h"
#include "qctx/base/suggest.h"
#include "settings.h"

/* The settings; the order is that of the saved text, which the fingerprint hashes. */
static const struct {
    const char *name;
    double fallback, low, high;
    bool whole;
} rows[] = {
    {"dim", 1024, 16, 65536, true},
    {"ngram_weight", 0.3, 0, 10, false},
    {"k1", 1.2, 0, 100, false},
    {"b", 0.75, 0, 1, false},
};
enum { DIM, NGRAM_WEIGHT, K1, B, SETTING_COUNT };
_Static_assert(sizeof rows / sizeof rows[0] == SETTING_COUNT, "one row per setting");

/* Settings are used as they are written, so that a restored encoder has the same bits: 15 digits survive both ways. */
enum { DIGITS = 15 };

static const char place[] = "settings of the encoder 'hashing'";

static double rounded_as_written(double number)
{
    char text[32];

    snprintf(text, sizeof text, "%.*g", DIGITS, number);
    return strtod(text, NULL);
}

static qctx_status refuse_unknown(const char *key, qctx_error *error)
{
    const char *names[SETTING_COUNT];
    const char *nearest;

    for (int i = 0; i < SETTING_COUNT; i++)
        names[i] = rows[i].name;
    nearest = qctx_suggest(key, names, SETTING_COUNT);
    qctx_fail(error, QCTX_ERR_CONFIG, "%s: unknown setting '%s'", place, key);
    if (nearest != NULL)
        return qctx_hint(error, "did you mean '%s'?", nearest);
    return qctx_hint(error, "the settings are dim, ngram_weight, k1 and b");
}

static qctx_status take(const char *key, const json_t *value, double values[SETTING_COUNT], qctx_error *error)
{
    int found = 0;
    double number;

    while (found < SETTING_COUNT && strcmp(rows[found].name, key) != 0)
        found++;
    if (found == SETTING_COUNT)
        return refuse_unknown(key, error);
    if (!json_is_number(value) || (rows[found].whole && !json_is_integer(value)))
        return qctx_fail(error, QCTX_ERR_CONFIG, "%s: %s: found %s, expected a %snumber", place, key,
                         qctx_json_type(value), rows[found].whole ? "whole " : "");
    number = json_number_value(value);
    if (!(number >= rows[found].low && number <= rows[found].high))
        return qctx_fail(error, QCTX_ERR_CONFIG, "%s: %s: %g is outside %g … %g", place, key, number, rows[found].low,
                         rows[found].high);
    values[found] = rounded_as_written(number);
    return QCTX_OK;
}

static qctx_status take_all(const char *settings, double values[SETTING_COUNT], qctx_error *error)
{
    const char *key;
    json_t *root, *value;
    qctx_status status = encoder_settings_parse(settings, place, &root, error);

    if (status != QCTX_OK)
        return status;
    json_object_foreach(root, key, value)
    {
        status = take(key, value, values, error);
        if (status != QCTX_OK)
            break;
    }
    json_decref(root);
    return status;
}

qctx_status hashing_create(const char *settings, void **created, qctx_error *error)
{
    double values[SETTING_COUNT];
    hashing_state *state;

    for (int i = 0; i < SETTING_COUNT; i++)
        values[i] = rows[i].fallback;
    if (settings != NULL) {
        qctx_status status = take_all(settings, values, error);

        if (status != QCTX_OK)
            return status;
    }
    state = qctx_alloc(1, sizeof *state, "the hashing encoder", error);
    if (state == NULL)
        return QCTX_ERR_MEMORY;
    state->dim = (int64_t)values[DIM];
    state->ngram_weight = values[NGRAM_WEIGHT];
    state->k1 = values[K1];
    state->b = values[B];
    *created = state;
    return QCTX_OK;
}

char *hashing_settings(const void *opaque, qctx_error *error)
{
    const hashing_state *state = opaque;

    return qctx_format(error, "{\"dim\":%" PRId64 ",\"ngram_weight\":%.*g,\"k1\":%.*g,\"b\":%.*g}", state->dim, DIGITS,
                       state->ngram_weight, DIGITS, state->k1, DIGITS, state->b);
}
