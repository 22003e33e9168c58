#include "qctx/encoder/joined.h"

#include <stdlib.h>
#include <string.h>

#include "joined_internal.h"
#include "qctx/base/mem.h"

static void joined_destroy(void *opaque)
{
    joined_state *state = opaque;

    if (state == NULL)
        return;
    for (int64_t i = 0; i < state->count; i++)
        qctx_encoder_destroy(state->parts[i]);
    joined_settings_free(&state->settings);
    free(state);
}

static qctx_status joined_create(const char *text, void **created, qctx_error *error)
{
    joined_state *state = qctx_alloc(1, sizeof *state, "the joined encoder", error);
    const joined_settings *settings;
    qctx_status status;

    if (state == NULL)
        return QCTX_ERR_MEMORY;
    settings = &state->settings;
    status = joined_settings_parse(text, &state->settings, error);
    for (int64_t i = 0; i < settings->count && status == QCTX_OK; i++) {
        status = qctx_encoder_create(settings->names[i], settings->settings[i], &state->parts[i], error);
        state->count = i + (status == QCTX_OK);
    }
    if (status == QCTX_OK) {
        qctx_joined_factors(settings->weights, state->count, state->factors);
        joined_list_fields(state);
        *created = state;
    } else {
        joined_destroy(state);
    }
    return status;
}

static qctx_status joined_fit(void *opaque, qctx_comm *comm, const char *const *texts, int64_t count, qctx_error *error)
{
    joined_state *state = opaque;
    qctx_status status = QCTX_OK;

    for (int64_t i = 0; i < state->count && status == QCTX_OK; i++)
        status = qctx_encoder_fit(state->parts[i], comm, texts, count, error);
    return status;
}

static int64_t joined_dim(const void *opaque)
{
    const joined_state *state = opaque;
    int64_t dim = 0;

    for (int64_t i = 0; i < state->count; i++)
        dim += qctx_encoder_dim(state->parts[i]);
    return dim;
}

static qctx_status joined_encode(void *opaque, qctx_side side, const char *const *texts, int64_t count, float *rows,
                                 qctx_error *error)
{
    joined_state *state = opaque;
    const int64_t dim = joined_dim(state);
    qctx_status status = QCTX_OK;
    int64_t at = 0;

    if (side == QCTX_CONTEXT && state->name_count > 0)
        return joined_encode_fields(state, texts, count, rows, dim, error);
    for (int64_t i = 0; i < state->count && status == QCTX_OK; i++) {
        const int64_t width = qctx_encoder_dim(state->parts[i]);
        float *part = qctx_alloc(count * width, sizeof *part, "rows of a joined encoder", error);

        /* A part without weight is not asked: its coordinates are 0. */
        if (part == NULL)
            status = QCTX_ERR_MEMORY;
        else if (state->factors[i] > 0)
            status = qctx_encoder_encode(state->parts[i], side, texts, count, part, error);
        if (status == QCTX_OK)
            qctx_joined_place(part, count, width, state->factors[i], rows, at, dim);
        at += width;
        free(part);
    }
    return status;
}

static int64_t joined_fields(const void *opaque, const char *const **names)
{
    const joined_state *state = opaque;

    *names = state->names;
    return state->name_count;
}

/* What the parts say of themselves, for as long as it is needed. */
typedef struct {
    qctx_joined_part parts[QCTX_JOINED_MAX];
    qctx_joined_field fields[QCTX_JOINED_MAX];
    char *settings[QCTX_JOINED_MAX];
    char *fingerprints[QCTX_JOINED_MAX];
    void *tables[QCTX_JOINED_MAX];
} saved_parts;

static void free_saved_parts(saved_parts *saved)
{
    for (int64_t i = 0; i < QCTX_JOINED_MAX; i++) {
        free(saved->settings[i]);
        free(saved->fingerprints[i]);
        free(saved->tables[i]);
    }
}

static qctx_status save_each(const joined_state *state, saved_parts *saved, qctx_error *error)
{
    const joined_settings *settings = &state->settings;

    for (int64_t f = 0; f < settings->field_count; f++)
        saved->fields[f] = (qctx_joined_field){settings->fields[f], settings->field_weights[f]};
    for (int64_t i = 0; i < state->count; i++) {
        qctx_joined_part *part = &saved->parts[i];
        qctx_status status =
            qctx_encoder_save(state->parts[i], &saved->settings[i], &saved->tables[i], &part->bytes, error);

        if (status != QCTX_OK)
            return status;
        saved->fingerprints[i] = qctx_encoder_fingerprint(state->parts[i], error);
        if (saved->fingerprints[i] == NULL)
            return QCTX_ERR_MEMORY;
        part->name = qctx_encoder_name(state->parts[i]);
        part->settings = saved->settings[i];
        part->fingerprint = saved->fingerprints[i];
        part->table = saved->tables[i];
        part->field_count = settings->first_fields[i + 1] - settings->first_fields[i];
        part->fields = saved->fields + settings->first_fields[i];
    }
    return QCTX_OK;
}

static char *joined_settings_of(const void *opaque, qctx_error *error)
{
    const joined_state *state = opaque;
    saved_parts saved = {0};
    char *text = NULL;

    if (save_each(state, &saved, error) == QCTX_OK)
        text = qctx_joined_settings(saved.parts, state->settings.weights, state->count, error);
    free_saved_parts(&saved);
    return text;
}

static char *joined_identity_of(const void *opaque, qctx_error *error)
{
    const joined_state *state = opaque;
    saved_parts saved = {0};
    char *text = NULL;

    if (save_each(state, &saved, error) == QCTX_OK)
        text = joined_identity(saved.parts, state->settings.weights, state->count, error);
    free_saved_parts(&saved);
    return text;
}

static void joined_work(const void *opaque, qctx_encoder_work *work)
{
    const joined_state *state = opaque;

    for (int64_t i = 0; i < state->count; i++) {
        const qctx_encoder_work part = qctx_encoder_work_of(state->parts[i]);

        /* Each part is given all texts: they count once. */
        work->texts = part.texts > work->texts ? part.texts : work->texts;
        work->truncated = part.truncated > work->truncated ? part.truncated : work->truncated;
        work->tokens += part.tokens;
        work->flops += part.flops;
    }
}

static qctx_status joined_save(const void *opaque, void **table, size_t *bytes, qctx_error *error)
{
    const joined_state *state = opaque;
    saved_parts saved = {0};
    qctx_status status = save_each(state, &saved, error);

    if (status == QCTX_OK)
        status = joined_table_write(saved.parts, state->count, table, bytes, error);
    free_saved_parts(&saved);
    return status;
}

static qctx_status joined_restore(void *opaque, const void *table, size_t bytes, qctx_error *error)
{
    joined_state *state = opaque;
    const void *tables[QCTX_JOINED_MAX];
    size_t lengths[QCTX_JOINED_MAX];
    qctx_status status = joined_table_read(table, bytes, state->count, tables, lengths, error);

    for (int64_t i = 0; i < state->count && status == QCTX_OK; i++)
        status = qctx_encoder_load(state->parts[i], tables[i], lengths[i], error);
    return status;
}

const qctx_encoder_class qctx_joined_encoder = {
    .name = JOINED_NAME,
    .create = joined_create,
    .fit = joined_fit,
    .encode = joined_encode,
    .dim = joined_dim,
    .fields = joined_fields,
    .settings = joined_settings_of,
    .identity = joined_identity_of,
    .work = joined_work,
    .save = joined_save,
    .restore = joined_restore,
    .destroy = joined_destroy,
};
