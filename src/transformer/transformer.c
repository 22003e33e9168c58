#include "qctx/transformer/transformer.h"

#include <stdlib.h>

#include "qctx/base/mem.h"
#include "transformer_internal.h"

/* Layers are packed out of one buffer, so that there is never more than one in float32 beside them. */
typedef struct {
    float *weight, *bias;
} layer_buffer;

static qctx_status load_norm(const qctx_model_folder *folder, transformer_part part, int64_t layer,
                             transformer_norm *norm, qctx_error *error)
{
    qctx_status status;

    norm->gain = qctx_alloc(folder->hidden, sizeof *norm->gain, "a layer normalisation", error);
    norm->bias = qctx_alloc(folder->hidden, sizeof *norm->bias, "a layer normalisation", error);
    if (norm->gain == NULL || norm->bias == NULL)
        return QCTX_ERR_MEMORY;
    status = transformer_read(folder, part, layer, false, norm->gain, error);
    return status == QCTX_OK ? transformer_read(folder, part, layer, true, norm->bias, error) : status;
}

static qctx_status load_linear(const qctx_transformer *transformer, transformer_part part, int64_t layer,
                               layer_buffer *buffer, qctx_linear **created, qctx_error *error)
{
    const qctx_model_folder *folder = transformer->folder;
    int64_t d = folder->hidden, f = folder->intermediate;
    int64_t output = part == TRANSFORMER_UP ? f : d, input = part == TRANSFORMER_DOWN ? f : d;
    qctx_status status = transformer_read(folder, part, layer, false, buffer->weight, error);

    if (status == QCTX_OK)
        status = transformer_read(folder, part, layer, true, buffer->bias, error);
    if (status != QCTX_OK)
        return status;
    return qctx_linear_create(transformer->precision, output, input, buffer->weight, buffer->bias,
                              part == TRANSFORMER_UP ? folder->function : QCTX_LINEAR_IDENTITY, created, error);
}

static qctx_status load_joint(const qctx_transformer *transformer, int64_t layer, layer_buffer *buffer,
                              qctx_linear **created, qctx_error *error)
{
    int64_t d = transformer->folder->hidden;
    qctx_status status = transformer_read_joint(transformer->folder, layer, false, buffer->weight, error);

    if (status == QCTX_OK)
        status = transformer_read_joint(transformer->folder, layer, true, buffer->bias, error);
    if (status != QCTX_OK)
        return status;
    return qctx_linear_create(transformer->precision, 3 * d, d, buffer->weight, buffer->bias, QCTX_LINEAR_IDENTITY,
                              created, error);
}

static qctx_status load_layer(const qctx_transformer *transformer, int64_t number, layer_buffer *buffer,
                              transformer_layer *layer, qctx_error *error)
{
    qctx_status status = load_joint(transformer, number, buffer, &layer->joint, error);

    if (status == QCTX_OK)
        status = load_linear(transformer, TRANSFORMER_OUTPUT, number, buffer, &layer->output, error);
    if (status == QCTX_OK)
        status = load_linear(transformer, TRANSFORMER_UP, number, buffer, &layer->up, error);
    if (status == QCTX_OK)
        status = load_linear(transformer, TRANSFORMER_DOWN, number, buffer, &layer->down, error);
    if (status == QCTX_OK)
        status = load_norm(transformer->folder, TRANSFORMER_FIRST_NORM, number, &layer->first, error);
    if (status == QCTX_OK)
        status = load_norm(transformer->folder, TRANSFORMER_SECOND_NORM, number, &layer->second, error);
    return status;
}

static qctx_status load_layers(qctx_transformer *transformer, qctx_error *error)
{
    const qctx_model_folder *folder = transformer->folder;
    int64_t d = folder->hidden, f = folder->intermediate, widest = 3 * d > f ? 3 * d : f;
    layer_buffer buffer = {qctx_alloc(widest * d, sizeof *buffer.weight, "the weights of a layer", error),
                           qctx_alloc(widest, sizeof *buffer.bias, "the biases of a layer", error)};
    qctx_status status = buffer.weight != NULL && buffer.bias != NULL ? QCTX_OK : QCTX_ERR_MEMORY;

    transformer->layers = qctx_alloc(folder->layers, sizeof *transformer->layers, "the layers of a transformer", error);
    if (transformer->layers == NULL)
        status = QCTX_ERR_MEMORY;
    else
        transformer->layer_count = folder->layers;
    for (int64_t i = 0; i < folder->layers && status == QCTX_OK; i++)
        status = load_layer(transformer, i, &buffer, &transformer->layers[i], error);
    free(buffer.weight);
    free(buffer.bias);
    return status;
}

/* Positions and token type 0 are added once; words stay in the file. */
static qctx_status load_embeddings(qctx_transformer *transformer, qctx_error *error)
{
    const qctx_model_folder *folder = transformer->folder;
    int64_t d = folder->hidden, count = folder->max_tokens + folder->first_position;
    const qctx_tensor *positions, *types;
    qctx_status status = transformer_tensor(folder, TRANSFORMER_WORDS, 0, false, &transformer->words, error);

    if (status == QCTX_OK)
        status = transformer_tensor(folder, TRANSFORMER_POSITIONS, 0, false, &positions, error);
    if (status != QCTX_OK)
        return status;
    transformer->positions = qctx_alloc(count * d, sizeof *transformer->positions, "position embeddings", error);
    if (transformer->positions == NULL)
        return QCTX_ERR_MEMORY;
    qctx_tensor_read(positions, 0, count * d, transformer->positions);
    if (transformer_has(folder, TRANSFORMER_TYPES)) {
        float *type = qctx_alloc(d, sizeof *type, "the embedding of a token type", error);

        status =
            type != NULL ? transformer_tensor(folder, TRANSFORMER_TYPES, 0, false, &types, error) : QCTX_ERR_MEMORY;
        if (status == QCTX_OK) {
            qctx_tensor_read(types, 0, d, type);
            for (int64_t i = 0; i < count * d; i++)
                transformer->positions[i] += type[i % d];
        }
        free(type);
    }
    if (status == QCTX_OK && transformer_has(folder, TRANSFORMER_EMBEDDING_NORM))
        status = load_norm(folder, TRANSFORMER_EMBEDDING_NORM, 0, &transformer->embedding_norm, error);
    if (status == QCTX_OK && transformer_has(folder, TRANSFORMER_FINAL_NORM))
        status = load_norm(folder, TRANSFORMER_FINAL_NORM, 0, &transformer->final_norm, error);
    return status;
}

static qctx_status load_distances(qctx_transformer *transformer, qctx_error *error)
{
    const qctx_model_folder *folder = transformer->folder;
    int64_t heads = folder->heads, most = folder->max_tokens, span = 2 * most - 1;
    qctx_status status;
    float *buckets;

    if (!transformer_has(folder, TRANSFORMER_BUCKETS))
        return QCTX_OK;
    transformer->distances = qctx_alloc(heads * span, sizeof *transformer->distances, "position biases", error);
    buckets = qctx_alloc(folder->buckets * heads, sizeof *buckets, "position biases", error);
    status = transformer->distances != NULL && buckets != NULL
                 ? transformer_read(folder, TRANSFORMER_BUCKETS, 0, false, buckets, error)
                 : QCTX_ERR_MEMORY;
    for (int64_t i = 0; i < span && status == QCTX_OK; i++)
        for (int64_t head = 0; head < heads; head++)
            transformer->distances[head * span + i] = buckets[transformer_bucket(i - most + 1) * heads + head];
    free(buckets);
    return status;
}

static qctx_status load_dense(const qctx_dense *dense, qctx_linear **created, qctx_error *error)
{
    const qctx_tensor *weight, *bias;
    float *weights = NULL, *biases = NULL;
    qctx_status status = transformer_check_dense(dense, &weight, &bias, error);

    if (status != QCTX_OK)
        return status;
    weights = qctx_alloc(weight->count, sizeof *weights, "a dense layer", error);
    biases = qctx_alloc(dense->output, sizeof *biases, "a dense layer", error);
    status = weights != NULL && biases != NULL ? QCTX_OK : QCTX_ERR_MEMORY;
    if (status == QCTX_OK) {
        qctx_tensor_read(weight, 0, weight->count, weights);
        if (bias != NULL)
            qctx_tensor_read(bias, 0, bias->count, biases);
        status = qctx_linear_create(QCTX_PRECISION_FLOAT32, dense->output, dense->input, weights, biases,
                                    dense->function, created, error);
    }
    free(weights);
    free(biases);
    return status;
}

static qctx_status load_projection(const qctx_model_folder *folder, qctx_linear **created, qctx_error *error)
{
    int64_t d = folder->hidden, output = folder->projection;
    float *weights = qctx_alloc(output * d, sizeof *weights, "the text projection", error);
    qctx_status status = weights != NULL ? transformer_read_projection(folder, weights, error) : QCTX_ERR_MEMORY;

    if (status == QCTX_OK)
        status =
            qctx_linear_create(QCTX_PRECISION_FLOAT32, output, d, weights, NULL, QCTX_LINEAR_IDENTITY, created, error);
    free(weights);
    return status;
}

/* What comes behind the pooling is float32: it is little work, and one rounding less. */
static qctx_status load_maps(qctx_transformer *transformer, qctx_error *error)
{
    const qctx_model_folder *folder = transformer->folder;
    int64_t projections = folder->projection > 0;
    qctx_status status = QCTX_OK;

    transformer->maps = qctx_alloc(folder->dense_count + projections, sizeof(qctx_linear *), "dense layers", error);
    if (transformer->maps == NULL)
        return QCTX_ERR_MEMORY;
    transformer->map_count = folder->dense_count + projections;
    transformer->widest = transformer->pooled > folder->projection ? transformer->pooled : folder->projection;
    if (projections)
        status = load_projection(folder, &transformer->maps[0], error);
    for (int64_t i = 0; i < folder->dense_count && status == QCTX_OK; i++) {
        status = load_dense(&folder->dense[i], &transformer->maps[projections + i], error);
        if (folder->dense[i].output > transformer->widest)
            transformer->widest = folder->dense[i].output;
    }
    return status;
}

qctx_status qctx_transformer_check(const qctx_model_folder *folder, unsigned pooling, int64_t *dim, qctx_error *error)
{
    const qctx_tensor *weight, *bias;
    int64_t pooled;
    qctx_status status = transformer_check(folder, error);

    if (status == QCTX_OK)
        status = transformer_pooled_dim(folder, pooling != 0 ? pooling : folder->pooling, &pooled, dim, error);
    for (int64_t i = 0; i < folder->dense_count && status == QCTX_OK; i++)
        status = transformer_check_dense(&folder->dense[i], &weight, &bias, error);
    return status;
}

qctx_status qctx_transformer_create(const qctx_model_folder *folder, qctx_precision precision, unsigned pooling,
                                    qctx_transformer **created, qctx_error *error)
{
    qctx_transformer *transformer = qctx_alloc(1, sizeof *transformer, "a transformer", error);
    qctx_status status = transformer != NULL ? transformer_check(folder, error) : QCTX_ERR_MEMORY;

    *created = NULL;
    if (status != QCTX_OK)
        goto out;
    transformer->folder = folder;
    transformer->precision = precision;
    transformer->pooling = pooling != 0 ? pooling : folder->pooling;
    transformer->clip = transformer_is_clip(folder);
    status = transformer_pooled_dim(folder, transformer->pooling, &transformer->pooled, &transformer->dim, error);
    if (status == QCTX_OK)
        status = load_embeddings(transformer, error);
    if (status == QCTX_OK)
        status = load_distances(transformer, error);
    if (status == QCTX_OK)
        status = load_layers(transformer, error);
    if (status == QCTX_OK)
        status = load_maps(transformer, error);
out:
    if (status != QCTX_OK) {
        qctx_transformer_destroy(transformer);
        return status;
    }
    *created = transformer;
    return QCTX_OK;
}

static void free_norm(transformer_norm *norm)
{
    free(norm->gain);
    free(norm->bias);
}

void qctx_transformer_destroy(qctx_transformer *transformer)
{
    if (transformer == NULL)
        return;
    for (int64_t i = 0; i < transformer->layer_count; i++) {
        transformer_layer *layer = &transformer->layers[i];

        qctx_linear_destroy(layer->joint);
        qctx_linear_destroy(layer->output);
        qctx_linear_destroy(layer->up);
        qctx_linear_destroy(layer->down);
        free_norm(&layer->first);
        free_norm(&layer->second);
    }
    for (int64_t i = 0; i < transformer->map_count; i++)
        qctx_linear_destroy(transformer->maps[i]);
    free_norm(&transformer->embedding_norm);
    free_norm(&transformer->final_norm);
    free(transformer->positions);
    free(transformer->distances);
    free(transformer->layers);
    free(transformer->maps);
    free(transformer);
}

int64_t qctx_transformer_dim(const qctx_transformer *transformer)
{
    return transformer->dim;
}
