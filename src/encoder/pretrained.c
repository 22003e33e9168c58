#include "qctx/encoder/pretrained.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pretrained_internal.h"
#include "qctx/base/hash.h"
#include "qctx/base/mem.h"

static void pretrained_destroy(void *opaque)
{
    pretrained_state *state = opaque;

    if (state == NULL)
        return;
    for (int i = 0; i < state->model_count; i++)
        pretrained_model_close(&state->models[i]);
    pretrained_settings_free(&state->settings);
    free(state);
}

static qctx_status open_models(pretrained_state *state, qctx_error *error)
{
    const pretrained_settings *settings = &state->settings;
    bool two = settings->context_model[0] != '\0' && strcmp(settings->context_model, settings->model) != 0;
    qctx_status status;

    state->model_count = 1;
    status = pretrained_model_find(settings->model, !two, settings, &state->models[0], error);
    if (status == QCTX_OK && two) {
        state->model_count = 2;
        status = pretrained_model_find(settings->context_model, false, settings, &state->models[1], error);
    }
    return status;
}

/* The dimension in effect: what is asked for, or all that the models give, if they give the same. */
static qctx_status resolve_dim(pretrained_state *state, qctx_error *error)
{
    int64_t *dim = &state->settings.dim;

    for (int i = 0; i < state->model_count; i++) {
        int64_t given = state->models[i].dim;
        const char *path = state->models[i].folder.path;

        if (*dim > given)
            return qctx_fail(error, QCTX_ERR_CONFIG,
                             "%s: dim: found %" PRId64 ", expected at most %" PRId64 ", which %s gives",
                             pretrained_place, *dim, given, path);
    }
    if (*dim > 0)
        return QCTX_OK;
    *dim = state->models[0].dim;
    if (state->model_count == 2 && state->models[1].dim != *dim) {
        qctx_fail(error, QCTX_ERR_CONFIG, "%s gives vectors of %" PRId64 " values, but %s of %" PRId64,
                  state->models[0].folder.path, *dim, state->models[1].folder.path, state->models[1].dim);
        return qctx_hint(error, "questions and contexts need vectors of the same length");
    }
    return QCTX_OK;
}

/* A prompt may change in its folder without the model being another one, so settings keep those in effect. */
static qctx_status resolve_prompts(pretrained_state *state, qctx_error *error)
{
    for (qctx_side side = QCTX_QUESTION; side <= QCTX_CONTEXT; side++) {
        const qctx_model_folder *folder = &state->models[pretrained_model_of(state, side)].folder;
        char **prompt = &state->settings.prompts[side];

        if (*prompt == NULL)
            *prompt = qctx_strdup(side == QCTX_QUESTION ? folder->question_prompt : folder->context_prompt, error);
        if (*prompt == NULL)
            return QCTX_ERR_MEMORY;
    }
    return QCTX_OK;
}

static qctx_status resolve_hash(pretrained_state *state, qctx_error *error)
{
    uint64_t hashes[2] = {state->models[0].hash, state->models[1].hash};
    uint64_t hash = state->model_count == 1 ? hashes[0] : qctx_hash(hashes, sizeof hashes, 0);
    char *expected = state->settings.hash, text[sizeof state->settings.hash];

    snprintf(text, sizeof text, "%016" PRIx64, hash);
    if (expected[0] != '\0' && strcmp(expected, text) != 0) {
        qctx_fail(error, QCTX_ERR_MISMATCH, "%s%s%s: found a model with the hash %s, expected the one with %s",
                  state->models[0].folder.path, state->model_count == 2 ? " and " : "",
                  state->model_count == 2 ? state->models[1].folder.path : "", text, expected);
        return qctx_hint(error,
                         "name the folder that holds the model that the store was made with in QCTX_MODELS (several "
                         "are separated by ':'), under any name");
    }
    memcpy(expected, text, sizeof text);
    return QCTX_OK;
}

static qctx_status pretrained_create(const char *text, void **created, qctx_error *error)
{
    pretrained_state *state = qctx_alloc(1, sizeof *state, "the pretrained encoder", error);
    pretrained_settings *settings;
    qctx_status status;

    *created = NULL;
    if (state == NULL)
        return QCTX_ERR_MEMORY;
    settings = &state->settings;
    status = pretrained_settings_read(text, settings, error);
    if (settings->precision == QCTX_PRECISION_AUTO)
        settings->precision =
            qctx_product_is_native(QCTX_PRECISION_BFLOAT16) ? QCTX_PRECISION_BFLOAT16 : QCTX_PRECISION_FLOAT32;
    if (status == QCTX_OK)
        status = open_models(state, error);
    if (status == QCTX_OK)
        status = resolve_hash(state, error);
    if (status == QCTX_OK)
        status = resolve_dim(state, error);
    if (status == QCTX_OK)
        status = resolve_prompts(state, error);
    if (status != QCTX_OK) {
        pretrained_destroy(state);
        return status;
    }
    *created = state;
    return QCTX_OK;
}

/* There is nothing to learn. */
static qctx_status pretrained_fit(void *opaque, qctx_comm *comm, const char *const *texts, int64_t count,
                                  qctx_error *error)
{
    (void)opaque, (void)comm, (void)texts, (void)count, (void)error;
    return QCTX_OK;
}

static int64_t pretrained_dim(const void *opaque)
{
    return ((const pretrained_state *)opaque)->settings.dim;
}

static void pretrained_work(const void *opaque, qctx_encoder_work *work)
{
    *work = ((const pretrained_state *)opaque)->work;
}

static qctx_status pretrained_save(const void *opaque, void **table, size_t *bytes, qctx_error *error)
{
    (void)opaque;
    *bytes = 0;
    *table = qctx_alloc(0, 1, "the table of the pretrained encoder", error);
    return *table != NULL ? QCTX_OK : QCTX_ERR_MEMORY;
}

static qctx_status pretrained_restore(void *opaque, const void *table, size_t bytes, qctx_error *error)
{
    (void)opaque, (void)table;
    if (bytes != 0)
        return qctx_fail(error, QCTX_ERR_FORMAT, "table of the encoder 'pretrained': found %zu bytes, expected none",
                         bytes);
    return QCTX_OK;
}

const qctx_encoder_class qctx_pretrained_encoder = {
    .name = "pretrained",
    .create = pretrained_create,
    .fit = pretrained_fit,
    .encode = pretrained_encode,
    .dim = pretrained_dim,
    .settings = pretrained_settings_text,
    .identity = pretrained_identity,
    .work = pretrained_work,
    .save = pretrained_save,
    .restore = pretrained_restore,
    .destroy = pretrained_destroy,
};
