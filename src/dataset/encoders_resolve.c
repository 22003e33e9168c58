/* From a specification to what the encoders' classes take. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "encoders_internal.h"
#include "qctx/base/mem.h"
#include "qctx/linalg/product.h"
#include "qctx/text/json.h"

const char *encoders_setting_name(const qctx_encoder_spec *spec, const char *setting, char buffer[64])
{
    snprintf(buffer, 64, "%s%s", spec->command_line ? "--" : "encoder.", setting);
    for (char *c = buffer; spec->command_line && *c != '\0'; c++)
        if (*c == '_')
            *c = '-';
    return buffer;
}

static qctx_status failure_code(const qctx_encoder_spec *spec)
{
    return spec->command_line ? QCTX_ERR_USAGE : QCTX_ERR_CONFIG;
}

/* Whether the text could be set, which it can if it is UTF-8. */
static bool set_text(json_t *object, const char *name, const char *text)
{
    return json_object_set_new(object, name, json_string(text)) == 0;
}

/* A prompt that is left to the model's folder is left out. */
static bool set_prompt(json_t *object, const char *name, const char *prompt)
{
    return strcmp(prompt, QCTX_PROMPT_OF_MODEL) == 0 || set_text(object, name, prompt);
}

qctx_status encoders_model_settings(const qctx_encoder_spec *spec, const char *model, qctx_precision precision,
                                    char **settings, qctx_error *error)
{
    json_t *object = json_object();
    bool good = set_text(object, "model", model) && set_text(object, "context_model", spec->context_model) &&
                set_text(object, "precision", qctx_precision_names[precision]) &&
                json_object_set_new(object, "dim", json_integer(spec->dim)) == 0 &&
                set_text(object, "pooling", spec->pooling) &&
                set_prompt(object, "question_prompt", spec->question_prompt) &&
                set_prompt(object, "context_prompt", spec->context_prompt);

    *settings = good ? qctx_json_dump(object, error) : NULL;
    json_decref(object);
    if (!good)
        return qctx_fail(error, failure_code(spec), "%s: its path or a prompt is not valid UTF-8", model);
    return *settings == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
}

static qctx_status refuse_twice(const qctx_encoder_spec *spec, qctx_error *error)
{
    for (int64_t i = 1; i < spec->count; i++)
        for (int64_t j = 0; j < i; j++) {
            const qctx_encoder_entry *one = &spec->encoders[i], *other = &spec->encoders[j];
            const char *field = qctx_encoder_entry_field(one, spec->titles);
            const char *before = qctx_encoder_entry_field(other, spec->titles);

            if (qctx_encoder_entries_match(one, other) &&
                (field == NULL ? before == NULL : before != NULL && strcmp(field, before) == 0))
                return qctx_fail(error, failure_code(spec), "the encoder %s is named twice", one->model);
        }
    return QCTX_OK;
}

/* Finds out all kinds, which must go together. Rank 0 only. */
static qctx_status find_kinds(const qctx_encoder_spec *spec, encoder_kind *kinds, qctx_error *error)
{
    const char *setting = qctx_encoder_spec_model_setting(spec);
    char name[64];
    int64_t models = 0;

    for (int64_t i = 0; i < spec->count; i++) {
        qctx_status status = encoders_find_kind(spec, spec->encoders[i].model, &kinds[i], error);

        if (status != QCTX_OK)
            return status;
        models += kinds[i] == ENCODER_MODEL;
        if (kinds[i] == ENCODER_STORE && spec->count > 1) {
            qctx_fail(error, failure_code(spec), "%s is a store, which stands alone: it brings its whole encoder",
                      spec->encoders[i].model);
            return qctx_hint(error, "join 'hashing' and model folders");
        }
    }
    if (setting != NULL && models == 0) {
        bool store = kinds[0] == ENCODER_STORE;

        qctx_fail(error, failure_code(spec), "%s is for model folders, and %s",
                  encoders_setting_name(spec, setting, name),
                  store ? "a store's encoder is used as it is" : "none is named");
        return qctx_hint(error, "leave it away");
    }
    return refuse_twice(spec, error);
}

static qctx_status built_in_settings(const qctx_encoder_spec *spec, char **settings, qctx_error *error)
{
    if (spec->built_in_dim == 0)
        return QCTX_OK;
    *settings = qctx_format(error, "{\"dim\":%lld}", (long long)spec->built_in_dim);
    return *settings == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
}

/* Appends the recipe of entry `index`; the first of its encoder stands at `first`. Local. */
static qctx_status add_recipe(const qctx_encoder_spec *spec, int64_t index, bool is_model, qctx_precision precision,
                              int64_t first, qctx_encoders *encoders, qctx_error *error)
{
    const qctx_encoder_entry *entry = &spec->encoders[index];
    qctx_encoder_recipe *recipe = &encoders->recipes[encoders->count];

    encoders->weights[encoders->count++] = spec->weight_count > 0 ? spec->weights[index] : entry->weight;
    recipe->given = entry->model;
    recipe->field = qctx_encoder_entry_field(entry, spec->titles);
    recipe->name = is_model ? "pretrained" : entry->model;
    recipe->learns = !is_model;
    recipe->first = first;
    return is_model ? encoders_model_settings(spec, entry->model, precision, &recipe->settings, error)
                    : built_in_settings(spec, &recipe->settings, error);
}

/* The first entry of the encoder that entry `index` names. */
static int64_t first_entry(const qctx_encoder_spec *spec, int64_t index)
{
    int64_t first = 0;

    while (!qctx_encoder_entries_match(&spec->encoders[first], &spec->encoders[index]))
        first++;
    return first;
}

/* Entries of one encoder come together, at the place of the first of them. Local. */
static qctx_status fill(const qctx_encoder_spec *spec, const encoder_kind *kinds, qctx_precision precision,
                        qctx_encoders *encoders, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    encoders->recipes = qctx_alloc(spec->count, sizeof *encoders->recipes, "the encoders", error);
    encoders->weights = qctx_alloc(spec->count, sizeof *encoders->weights, "the weights of the encoders", error);
    if (encoders->recipes == NULL || encoders->weights == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t f = 0; f < spec->count; f++) {
        const int64_t first = encoders->count;

        for (int64_t i = f; i < spec->count && status == QCTX_OK; i++)
            if (first_entry(spec, i) == f)
                status = add_recipe(spec, i, kinds[i] == ENCODER_MODEL, precision, first, encoders, error);
    }
    return status;
}

qctx_status qctx_encoders_resolve(qctx_comm *comm, const qctx_encoder_spec *spec, qctx_encoders *encoders,
                                  qctx_error *error)
{
    encoder_kind kinds[QCTX_JOINED_MAX] = {0};
    int64_t lacking = !qctx_product_is_native(QCTX_PRECISION_BFLOAT16);
    qctx_precision precision = spec->precision;
    qctx_status status = QCTX_OK;

    *encoders = (qctx_encoders){.titles = spec->titles};
    if (qctx_comm_rank(comm) == 0)
        status = find_kinds(spec, kinds, error);
    status = qctx_agree(comm, status, error);
    if (status != QCTX_OK)
        return status;
    qctx_comm_broadcast(comm, kinds, sizeof kinds, 0);
    qctx_comm_max_int64(comm, &lacking, 1);
    if (precision == QCTX_PRECISION_AUTO)
        precision = lacking ? QCTX_PRECISION_FLOAT32 : QCTX_PRECISION_BFLOAT16;
    if (kinds[0] == ENCODER_STORE) {
        encoders->store = spec->encoders[0].model;
        encoders->field = spec->encoders[0].field;
        return QCTX_OK;
    }
    return qctx_agree(comm, fill(spec, kinds, precision, encoders, error), error);
}

qctx_status qctx_encoders_show_weights(const qctx_encoder_spec *spec, const char *settings, char **text,
                                       qctx_error *error)
{
    double weights[QCTX_JOINED_MAX];
    size_t bytes;
    int64_t shown = 0;
    FILE *out;
    qctx_status status = qctx_joined_weights(settings, spec->count, weights, error);

    *text = NULL;
    if (status != QCTX_OK)
        return status;
    out = open_memstream(text, &bytes);
    /* In the order of the recipes: entries of one encoder stand together. */
    for (int64_t f = 0; f < spec->count && out != NULL; f++)
        for (int64_t i = f; i < spec->count; i++) {
            const qctx_encoder_entry *entry = &spec->encoders[i];

            if (first_entry(spec, i) != f)
                continue;
            fprintf(out, "%s%s%s%s%s %.4g", shown > 0 ? ", " : "", entry->model, entry->field != NULL ? " (" : "",
                    entry->field != NULL ? entry->field : "", entry->field != NULL ? ")" : "", weights[shown]);
            shown++;
        }
    if (out == NULL || fclose(out) != 0)
        return qctx_fail(error, QCTX_ERR_MEMORY, "no memory for the weights of the encoders");
    return QCTX_OK;
}
