/* From the tokens' vectors to the text's: pooling, and the maps behind it. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "transformer_internal.h"

qctx_status transformer_pooled_dim(const qctx_model_folder *folder, unsigned pooling, int64_t *pooled, int64_t *dim,
                                   qctx_error *error)
{
    int64_t width = 0;

    for (const unsigned *kind = qctx_poolings; *kind != 0; kind++)
        width += pooling & *kind ? folder->hidden : 0;
    *pooled = *dim = width;
    if (width == 0)
        return qctx_fail(error, QCTX_ERR_CONFIG, "%s: no pooling", folder->path);
    if ((pooling & QCTX_POOL_END_OF_TEXT) && !transformer_is_clip(folder))
        return qctx_fail(error, QCTX_ERR_CONFIG,
                         "%s: pooling at the end of the text, expected another: the model is a %s, not CLIP",
                         folder->path, qctx_architecture_names[folder->architecture]);
    if (folder->projection > 0 && width != folder->hidden)
        return qctx_fail(error, QCTX_ERR_CONFIG,
                         "%s: pooled vectors have %" PRId64 " values, but the text projection takes %" PRId64,
                         folder->path, width, folder->hidden);
    if (folder->projection > 0)
        *dim = folder->projection;
    for (int64_t i = 0; i < folder->dense_count; i++) {
        if (folder->dense[i].input != *dim)
            return qctx_fail(error, QCTX_ERR_CONFIG,
                             "%s: vectors of %" PRId64 " values come to dense layer %" PRId64 ", which takes %" PRId64,
                             folder->path, *dim, i + 1, folder->dense[i].input);
        *dim = folder->dense[i].output;
    }
    return QCTX_OK;
}

int64_t transformer_end_of_text(const qctx_model_folder *folder, int64_t count, const int32_t *ids)
{
    int64_t best = 0;

    for (int64_t i = 0; i < count; i++) {
        if (folder->end_of_text >= 0 && ids[i] == folder->end_of_text)
            return i;
        if (folder->end_of_text < 0 && ids[i] > ids[best])
            best = i;
    }
    return best;
}

bool transformer_pools_one(const qctx_transformer *transformer)
{
    return transformer->pooling == QCTX_POOL_CLS || transformer->pooling == QCTX_POOL_LAST ||
           transformer->pooling == QCTX_POOL_END_OF_TEXT;
}

/* Row of the token that pooling of this kind takes. */
static int64_t token_of(const qctx_transformer *transformer, unsigned kind, const qctx_token_batch *batch, int64_t text)
{
    int64_t first = batch->offsets[text], count = batch->offsets[text + 1] - first;

    if (kind == QCTX_POOL_LAST)
        return first + count - 1;
    if (kind == QCTX_POOL_END_OF_TEXT)
        return first + transformer_end_of_text(transformer->folder, count, batch->ids + first);
    return first;
}

int64_t transformer_pooled_token(const qctx_transformer *transformer, const qctx_token_batch *batch, int64_t text)
{
    return token_of(transformer, transformer->pooling, batch, text);
}

static void pool_sum(int64_t d, int64_t count, const float *x, float divisor, float *to)
{
    memset(to, 0, (size_t)d * sizeof *to);
    for (int64_t i = 0; i < count; i++)
        for (int64_t j = 0; j < d; j++)
            to[j] += x[i * d + j];
    for (int64_t j = 0; j < d; j++)
        to[j] /= divisor;
}

static void pool_weighted(int64_t d, int64_t count, const float *x, float *to)
{
    float weights = 0.5f * (float)count * (float)(count + 1);

    memset(to, 0, (size_t)d * sizeof *to);
    for (int64_t i = 0; i < count; i++)
        for (int64_t j = 0; j < d; j++)
            to[j] += (float)(i + 1) * x[i * d + j];
    for (int64_t j = 0; j < d; j++)
        to[j] /= weights;
}

static void pool_max(int64_t d, int64_t count, const float *x, float *to)
{
    memcpy(to, x, (size_t)d * sizeof *to);
    for (int64_t i = 1; i < count; i++)
        for (int64_t j = 0; j < d; j++)
            to[j] = x[i * d + j] > to[j] ? x[i * d + j] : to[j];
}

/* All kinds of one text, side by side. */
static void pool_text(const qctx_transformer *transformer, const qctx_token_batch *batch, int64_t text, const float *x,
                      float *to)
{
    int64_t d = transformer->folder->hidden;
    int64_t first = batch->offsets[text], count = batch->offsets[text + 1] - first;

    for (const unsigned *kind = qctx_poolings; *kind != 0; kind++) {
        if ((transformer->pooling & *kind) == 0)
            continue;
        if (*kind == QCTX_POOL_MEAN)
            pool_sum(d, count, x + first * d, (float)count, to);
        else if (*kind == QCTX_POOL_MEAN_SQRT_LEN)
            pool_sum(d, count, x + first * d, sqrtf((float)count), to);
        else if (*kind == QCTX_POOL_WEIGHTED_MEAN)
            pool_weighted(d, count, x + first * d, to);
        else if (*kind == QCTX_POOL_MAX)
            pool_max(d, count, x + first * d, to);
        else
            memcpy(to, x + token_of(transformer, *kind, batch, text) * d, (size_t)d * sizeof *to);
        to += d;
    }
}

void transformer_pool(const qctx_transformer *transformer, qctx_transformer_workspace *workspace,
                      const qctx_token_batch *batch, bool picked, float *rows)
{
    float *from = workspace->vectors, *to = workspace->turned;
    int64_t pooled = transformer->pooled;

    if (picked)
        memcpy(from, workspace->x, (size_t)(batch->texts * pooled) * sizeof *from);
    for (int64_t i = 0; !picked && i < batch->texts; i++)
        pool_text(transformer, batch, i, workspace->x, from + i * pooled);
    for (int64_t i = 0; i < transformer->map_count; i++) {
        float *swap = from;

        qctx_linear_apply(transformer->maps[i], batch->texts, from, NULL, QCTX_PRECISION_FLOAT32, to);
        from = to;
        to = swap;
    }
    memcpy(rows, from, (size_t)(batch->texts * transformer->dim) * sizeof *rows);
}
