#include "transformer_reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"
#include "transformer_reference_layer.h"

/* x [tokens, d] of one text: the word's embedding, the position's and, where there are any, that of type 0. */
static qctx_status embed(const qctx_model_folder *folder, int64_t tokens, const int32_t *ids, double *x,
                         qctx_error *error)
{
    const transformer_part kinds[] = {TRANSFORMER_WORDS, TRANSFORMER_POSITIONS, TRANSFORMER_TYPES};
    int64_t d = folder->hidden;
    float *row = qctx_alloc(d, sizeof *row, "an embedding", error);
    int64_t *positions = qctx_alloc(tokens, sizeof *positions, "positions", error);
    const qctx_tensor *tensor;
    qctx_status status = row != NULL && positions != NULL ? QCTX_OK : QCTX_ERR_MEMORY;

    if (status == QCTX_OK)
        transformer_positions(folder, tokens, ids, positions);
    for (int k = 0; k < 3 && status == QCTX_OK; k++) {
        if (!transformer_has(folder, kinds[k]))
            continue;
        status = transformer_tensor(folder, kinds[k], 0, false, &tensor, error);
        for (int64_t i = 0; i < tokens && status == QCTX_OK; i++) {
            int64_t at = kinds[k] == TRANSFORMER_WORDS ? ids[i] : kinds[k] == TRANSFORMER_POSITIONS ? positions[i] : 0;

            qctx_tensor_read(tensor, at * d, d, row);
            for (int64_t j = 0; j < d; j++)
                x[i * d + j] += row[j];
        }
    }
    free(row);
    free(positions);
    return status;
}

/* A norm outside of the layers, over all tokens. */
static qctx_status apply_norm(const qctx_model_folder *folder, transformer_part part, int64_t tokens, double *x,
                              qctx_error *error)
{
    reference_pair norm = {NULL, NULL};
    qctx_status status = QCTX_OK;

    if (transformer_has(folder, part)) {
        status = reference_read(folder, part, 0, folder->hidden, 1, &norm, error);
        if (status == QCTX_OK)
            reference_norm(tokens, folder->hidden, folder->epsilon, &norm, x, x);
    }
    reference_free(&norm);
    return status;
}

/* Appends pooled values of one kind to `to` [d]. */
static void pool_one(const qctx_model_folder *folder, unsigned kind, int64_t tokens, const int32_t *ids,
                     const double *x, double *to)
{
    int64_t d = folder->hidden;
    int64_t at = kind == QCTX_POOL_LAST ? tokens - 1 : 0;

    if (kind == QCTX_POOL_END_OF_TEXT)
        at = transformer_end_of_text(folder, tokens, ids);
    for (int64_t j = 0; j < d; j++) {
        double sum = 0.0, weighted = 0.0, weights = 0.0, largest = -INFINITY;

        for (int64_t i = 0; i < tokens; i++) {
            sum += x[i * d + j];
            weighted += (double)(i + 1) * x[i * d + j];
            weights += (double)(i + 1);
            largest = fmax(largest, x[i * d + j]);
        }
        to[j] = kind == QCTX_POOL_MEAN            ? sum / (double)tokens
                : kind == QCTX_POOL_MEAN_SQRT_LEN ? sum / sqrt((double)tokens)
                : kind == QCTX_POOL_WEIGHTED_MEAN ? weighted / weights
                : kind == QCTX_POOL_MAX           ? largest
                                                  : x[at * d + j];
    }
}

/* Reads the linear layer `index` behind the pooling: the text projection comes before all dense layers. */
static qctx_status read_map(const qctx_model_folder *folder, int64_t index, reference_pair *map, int64_t *output,
                            qctx_linear_function *function, qctx_error *error)
{
    int64_t number = index - (folder->projection > 0);
    const qctx_tensor *weight, *bias;
    const qctx_dense *dense;
    qctx_status status;

    if (number < 0) {
        *output = folder->projection;
        *function = QCTX_LINEAR_IDENTITY;
        status = reference_alloc(*output, folder->hidden, map, error);
        return status == QCTX_OK ? transformer_read_projection(folder, map->weight, error) : status;
    }
    dense = &folder->dense[number];
    *output = dense->output;
    *function = dense->function;
    status = transformer_check_dense(dense, &weight, &bias, error);
    if (status == QCTX_OK)
        status = reference_alloc(dense->output, dense->input, map, error);
    if (status != QCTX_OK)
        return status;
    qctx_tensor_read(weight, 0, weight->count, map->weight);
    if (bias != NULL)
        qctx_tensor_read(bias, 0, bias->count, map->bias);
    return QCTX_OK;
}

/* rows [texts, dim] from pooled vectors [texts, width], which are freed. */
static qctx_status project(const qctx_model_folder *folder, int64_t texts, int64_t width, double *vectors, double *rows,
                           qctx_error *error)
{
    int64_t maps = folder->dense_count + (folder->projection > 0);
    qctx_status status = QCTX_OK;

    for (int64_t i = 0; i < maps && status == QCTX_OK; i++) {
        reference_pair map = {NULL, NULL};
        qctx_linear_function function;
        int64_t output;
        double *next = NULL;

        status = read_map(folder, i, &map, &output, &function, error);
        if (status == QCTX_OK) {
            next = qctx_alloc(texts * output, sizeof *next, "vectors of the reference", error);
            status = next != NULL ? QCTX_OK : QCTX_ERR_MEMORY;
        }
        if (status == QCTX_OK) {
            reference_affine(texts, output, width, vectors, &map, next);
            reference_function(function, texts * output, next);
            free(vectors);
            vectors = next;
            width = output;
        }
        reference_free(&map);
    }
    if (status == QCTX_OK)
        memcpy(rows, vectors, (size_t)(texts * width) * sizeof *rows);
    free(vectors);
    return status;
}

/* x [all tokens, d] = the last layer's output, behind the final norm. */
static qctx_status transform(const qctx_model_folder *folder, const qctx_token_batch *batch, double *x,
                             qctx_error *error)
{
    int64_t d = folder->hidden, tokens = batch->offsets[batch->texts];
    reference_layers layers;
    qctx_status status = reference_open(&layers, folder, tokens, error);

    for (int64_t i = 0; i < batch->texts && status == QCTX_OK; i++)
        status = embed(folder, batch->offsets[i + 1] - batch->offsets[i], batch->ids + batch->offsets[i],
                       x + batch->offsets[i] * d, error);
    if (status == QCTX_OK)
        status = apply_norm(folder, TRANSFORMER_EMBEDDING_NORM, tokens, x, error);
    for (int64_t layer = 0; layer < folder->layers && status == QCTX_OK; layer++) {
        status = reference_load(&layers, layer, error);
        for (int64_t i = 0; i < batch->texts && status == QCTX_OK; i++)
            reference_apply(&layers, batch->offsets[i + 1] - batch->offsets[i], x + batch->offsets[i] * d);
    }
    if (status == QCTX_OK)
        status = apply_norm(folder, TRANSFORMER_FINAL_NORM, tokens, x, error);
    reference_close(&layers);
    return status;
}

qctx_status transformer_reference(const qctx_model_folder *folder, unsigned pooling, const qctx_token_batch *batch,
                                  double *rows, qctx_error *error)
{
    int64_t d = folder->hidden, texts = batch->texts, width, dim;
    double *x = NULL, *pooled = NULL;
    qctx_status status = transformer_check(folder, error);

    if (pooling == 0)
        pooling = folder->pooling;
    if (status == QCTX_OK)
        status = transformer_pooled_dim(folder, pooling, &width, &dim, error);
    if (status == QCTX_OK)
        status = transformer_check_batch(folder, batch, error);
    if (status != QCTX_OK)
        return status;
    x = qctx_alloc(batch->offsets[texts] * d, sizeof *x, "rows of the reference", error);
    pooled = qctx_alloc(texts * width, sizeof *pooled, "vectors of the reference", error);
    status = x != NULL && pooled != NULL ? transform(folder, batch, x, error) : QCTX_ERR_MEMORY;
    for (int64_t i = 0; i < texts && status == QCTX_OK; i++) {
        double *to = pooled + i * width;

        for (const unsigned *kind = qctx_poolings; *kind != 0; kind++)
            if (pooling & *kind) {
                pool_one(folder, *kind, batch->offsets[i + 1] - batch->offsets[i], batch->ids + batch->offsets[i],
                         x + batch->offsets[i] * d, to);
                to += d;
            }
    }
    free(x);
    if (status == QCTX_OK)
        return project(folder, texts, width, pooled, rows, error);
    free(pooled);
    return status;
}
