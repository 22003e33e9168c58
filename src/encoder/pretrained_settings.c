/* The settings of the pretrained encoder, read and written. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pretrained_internal.h"
#include "qctx/base/mem.h"
#include "qctx/base/names.h"
#include "qctx/base/suggest.h"
#include "settings.h"

const char pretrained_place[] = "settings of the encoder 'pretrained'";

/* In the order of the saved text. */
static const char *const names[] = {"model",   "context_model",   "precision",      "dim",
                                    "pooling", "question_prompt", "context_prompt", "hash"};
enum { MODEL, CONTEXT_MODEL, PRECISION, DIM, POOLING, QUESTION_PROMPT, CONTEXT_PROMPT, HASH, NAME_COUNT };
_Static_assert(sizeof names / sizeof names[0] == NAME_COUNT, "one name per setting");

static qctx_status refuse_unknown(const char *key, qctx_error *error)
{
    const char *nearest = qctx_suggest(key, names, NAME_COUNT);

    qctx_fail(error, QCTX_ERR_CONFIG, "%s: unknown setting '%s'", pretrained_place, key);
    if (nearest != NULL)
        return qctx_hint(error, "did you mean '%s'?", nearest);
    return qctx_hint(error, "the settings are model, context_model, precision, dim, pooling, question_prompt, "
                            "context_prompt and hash");
}

static qctx_status take_dim(const json_t *value, int64_t *dim, qctx_error *error)
{
    if (!json_is_integer(value))
        return qctx_fail(error, QCTX_ERR_CONFIG, "%s: dim: found %s, expected a whole number", pretrained_place,
                         qctx_json_type(value));
    *dim = json_integer_value(value);
    if (*dim < 0)
        return qctx_fail(error, QCTX_ERR_CONFIG, "%s: dim: found %" PRId64 ", expected 0 (all) or more",
                         pretrained_place, *dim);
    return QCTX_OK;
}

static qctx_status take_precision(const char *text, qctx_precision *precision, qctx_error *error)
{
    const int found = qctx_name_find(qctx_precision_names, text);
    char expected[64];

    if (found >= 0) {
        *precision = (qctx_precision)found;
        return QCTX_OK;
    }
    return qctx_fail(error, QCTX_ERR_CONFIG, "%s: precision: found '%s', expected %s", pretrained_place, text,
                     qctx_names_join(qctx_precision_names, ", ", " or ", expected, sizeof expected));
}

static qctx_status take_hash(const char *text, pretrained_settings *settings, qctx_error *error)
{
    size_t digits = strspn(text, "0123456789abcdef");

    if (digits != sizeof settings->hash - 1 || text[digits] != '\0')
        return qctx_fail(error, QCTX_ERR_CONFIG, "%s: hash: found '%s', expected %d hexadecimal digits",
                         pretrained_place, text, (int)sizeof settings->hash - 1);
    memcpy(settings->hash, text, sizeof settings->hash);
    return QCTX_OK;
}

static qctx_status take_text(const char *text, char **taken, qctx_error *error)
{
    free(*taken);
    *taken = qctx_strdup(text, error);
    return *taken != NULL ? QCTX_OK : QCTX_ERR_MEMORY;
}

static qctx_status take(const char *key, const json_t *value, pretrained_settings *settings, qctx_error *error)
{
    int found = 0;
    const char *text = json_string_value(value);

    while (found < NAME_COUNT && strcmp(names[found], key) != 0)
        found++;
    if (found == NAME_COUNT)
        return refuse_unknown(key, error);
    if (found == DIM)
        return take_dim(value, &settings->dim, error);
    if (json_is_null(value) && (found == QUESTION_PROMPT || found == CONTEXT_PROMPT))
        return QCTX_OK;
    if (text == NULL)
        return qctx_fail(error, QCTX_ERR_CONFIG, "%s: %s: found %s, expected a string", pretrained_place, key,
                         qctx_json_type(value));
    switch (found) {
    case MODEL:
        return take_text(text, &settings->model, error);
    case CONTEXT_MODEL:
        return take_text(text, &settings->context_model, error);
    case PRECISION:
        return take_precision(text, &settings->precision, error);
    case POOLING:
        return take_text(text, &settings->pooling, error);
    case QUESTION_PROMPT:
        return take_text(text, &settings->prompts[QCTX_QUESTION], error);
    case CONTEXT_PROMPT:
        return take_text(text, &settings->prompts[QCTX_CONTEXT], error);
    default:
        return take_hash(text, settings, error);
    }
}

static qctx_status take_all(const char *text, pretrained_settings *settings, qctx_error *error)
{
    const char *key;
    json_t *root, *value;
    qctx_status status = encoder_settings_parse(text, pretrained_place, &root, error);

    if (status != QCTX_OK)
        return status;
    json_object_foreach(root, key, value)
    {
        status = take(key, value, settings, error);
        if (status != QCTX_OK)
            break;
    }
    json_decref(root);
    return status;
}

qctx_status pretrained_settings_read(const char *text, pretrained_settings *settings, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    *settings = (pretrained_settings){.precision = QCTX_PRECISION_FLOAT32};
    if (text != NULL)
        status = take_all(text, settings, error);
    if (status == QCTX_OK && settings->context_model == NULL)
        status = take_text("", &settings->context_model, error);
    if (status == QCTX_OK && settings->pooling == NULL)
        status = take_text("", &settings->pooling, error);
    if (status == QCTX_OK && (settings->model == NULL || settings->model[0] == '\0')) {
        qctx_fail(error, QCTX_ERR_CONFIG, "%s: model: found nothing, expected the folder of a model", pretrained_place);
        status = qctx_hint(error, "{\"model\": \"path/to/model\"}");
    }
    return status;
}

void pretrained_settings_free(pretrained_settings *settings)
{
    free(settings->model);
    free(settings->context_model);
    free(settings->pooling);
    free(settings->prompts[QCTX_QUESTION]);
    free(settings->prompts[QCTX_CONTEXT]);
}

/* The text of an object that is built for it. */
static char *dump(json_t *object, qctx_error *error)
{
    char *text = NULL;

    if (object == NULL)
        qctx_fail(error, QCTX_ERR_MEMORY, "no memory for the %s", pretrained_place);
    else
        text = qctx_json_dump(object, error);
    json_decref(object);
    return text;
}

char *pretrained_settings_text(const void *opaque, qctx_error *error)
{
    const pretrained_state *state = opaque;
    const pretrained_settings *settings = &state->settings;

    return dump(json_pack("{s:s, s:s, s:s, s:I, s:s, s:s, s:s, s:s}", names[MODEL], settings->model,
                          names[CONTEXT_MODEL], settings->context_model, names[PRECISION],
                          qctx_precision_names[settings->precision], names[DIM], (json_int_t)settings->dim,
                          names[POOLING], settings->pooling, names[QUESTION_PROMPT], settings->prompts[QCTX_QUESTION],
                          names[CONTEXT_PROMPT], settings->prompts[QCTX_CONTEXT], names[HASH], settings->hash),
                error);
}

/* Poolings that are the folders' own are part of the hash. */
char *pretrained_identity(const void *opaque, qctx_error *error)
{
    const pretrained_state *state = opaque;
    const pretrained_settings *settings = &state->settings;

    return dump(json_pack("{s:s, s:s, s:I, s:s, s:s, s:s}", names[HASH], settings->hash, names[PRECISION],
                          qctx_precision_names[settings->precision], names[DIM], (json_int_t)settings->dim,
                          names[POOLING], settings->pooling, names[QUESTION_PROMPT], settings->prompts[QCTX_QUESTION],
                          names[CONTEXT_PROMPT], settings->prompts[QCTX_CONTEXT]),
                error);
}
