/* Weights as they are read, and what else of a model follows from its folder: pooled sizes, positions, buckets. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "qctx/base/mem.h"
#include "transformer_internal.h"

qctx_status transformer_read(const qctx_model_folder *folder, transformer_part part, int64_t layer, bool bias,
                             float *values, qctx_error *error)
{
    const qctx_tensor *tensor;
    qctx_status status = transformer_tensor(folder, part, layer, bias, &tensor, error);

    if (status == QCTX_OK)
        qctx_tensor_read(tensor, 0, tensor->count, values);
    return status;
}

qctx_status transformer_read_joint(const qctx_model_folder *folder, int64_t layer, bool bias, float *values,
                                   qctx_error *error)
{
    int64_t count = bias ? folder->hidden : folder->hidden * folder->hidden;
    qctx_status status;

    if (transformer_has(folder, TRANSFORMER_JOINT))
        return transformer_read(folder, TRANSFORMER_JOINT, layer, bias, values, error);
    status = transformer_read(folder, TRANSFORMER_QUERY, layer, bias, values, error);
    if (status == QCTX_OK)
        status = transformer_read(folder, TRANSFORMER_KEY, layer, bias, values + count, error);
    if (status == QCTX_OK)
        status = transformer_read(folder, TRANSFORMER_VALUE, layer, bias, values + 2 * count, error);
    return status;
}

qctx_status transformer_read_projection(const qctx_model_folder *folder, float *values, qctx_error *error)
{
    int64_t d = folder->hidden, columns = folder->projection;
    const qctx_tensor *tensor;
    qctx_status status;
    float *row;

    if (!transformer_has(folder, TRANSFORMER_PROJECTION_MATRIX))
        return transformer_read(folder, TRANSFORMER_PROJECTION, 0, false, values, error);
    row = qctx_alloc(columns, sizeof *row, "a row of the text projection", error);
    if (row == NULL)
        return QCTX_ERR_MEMORY;
    status = transformer_tensor(folder, TRANSFORMER_PROJECTION_MATRIX, 0, false, &tensor, error);
    for (int64_t i = 0; status == QCTX_OK && i < d; i++) {
        qctx_tensor_read(tensor, i * columns, columns, row);
        for (int64_t j = 0; j < columns; j++)
            values[j * d + i] = row[j];
    }
    free(row);
    return status;
}

qctx_status transformer_check_dense(const qctx_dense *dense, const qctx_tensor **weight, const qctx_tensor **bias,
                                    qctx_error *error)
{
    const int64_t shape[] = {dense->output, dense->input};
    qctx_status status = qctx_safetensors_get(dense->tensors, "linear.weight", 2, shape, weight, error);

    *bias = NULL;
    if (status == QCTX_OK && dense->bias)
        status = qctx_safetensors_get(dense->tensors, "linear.bias", 1, shape, bias, error);
    return status;
}

qctx_status transformer_pooled_dim(const qctx_model_folder *folder, unsigned pooling, int64_t *pooled, int64_t *dim,
                                   qctx_error *error)
{
    int64_t width = 0;

    for (unsigned kind = QCTX_POOL_CLS; kind <= QCTX_POOL_END_OF_TEXT; kind *= 2)
        width += pooling & kind ? folder->hidden : 0;
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

void transformer_positions(const qctx_model_folder *folder, int64_t count, const int32_t *ids, int64_t *positions)
{
    int64_t padding = folder->first_position - 1, seen = 0;

    /* Where positions begin behind a padding token, one that stands in a text is not counted. */
    for (int64_t i = 0; i < count; i++) {
        bool counted = padding < 0 || ids[i] != padding;

        positions[i] = counted ? folder->first_position + seen : padding;
        seen += counted;
    }
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

int64_t transformer_bucket(int64_t distance)
{
    enum { HALF = TRANSFORMER_BUCKET_COUNT / 2, EXACT = HALF / 2 };
    int64_t size = distance < 0 ? -distance : distance;
    int64_t bucket = size;

    /* In float32, as the model was trained with: distances at a bucket's edge depend on it. */
    if (size >= EXACT)
        bucket = EXACT + (int64_t)(logf((float)size / EXACT) / logf(128.0f / EXACT) * (HALF - EXACT));
    if (bucket > HALF - 1)
        bucket = HALF - 1;
    return distance > 0 ? HALF + bucket : bucket;
}

qctx_status transformer_check_batch(const qctx_model_folder *folder, const qctx_token_batch *batch, qctx_error *error)
{
    for (int64_t i = 0; i < batch->texts; i++) {
        int64_t count = batch->offsets[i + 1] - batch->offsets[i];

        if (count < 1 || count > folder->max_tokens)
            return qctx_fail(error, QCTX_ERR_DATA, "%s: a text of %" PRId64 " tokens, expected 1 to %" PRId64,
                             folder->path, count, folder->max_tokens);
        for (int64_t t = batch->offsets[i]; t < batch->offsets[i + 1]; t++)
            if (batch->ids[t] < 0 || batch->ids[t] >= folder->vocabulary)
                return qctx_fail(error, QCTX_ERR_DATA, "%s: token id %" PRId32 ", expected 0 to %" PRId64, folder->path,
                                 batch->ids[t], folder->vocabulary - 1);
    }
    return QCTX_OK;
}
