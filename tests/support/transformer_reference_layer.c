#include "transformer_reference_layer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"

void reference_free(reference_pair *values)
{
    free(values->weight);
    free(values->bias);
    *values = (reference_pair){NULL, NULL};
}

qctx_status reference_alloc(int64_t rows, int64_t columns, reference_pair *values, qctx_error *error)
{
    values->weight = qctx_alloc(rows * columns, sizeof *values->weight, "weights of the reference", error);
    values->bias = qctx_alloc(rows, sizeof *values->bias, "weights of the reference", error);
    return values->weight != NULL && values->bias != NULL ? QCTX_OK : QCTX_ERR_MEMORY;
}

qctx_status reference_read(const qctx_model_folder *folder, transformer_part part, int64_t layer, int64_t rows,
                           int64_t columns, reference_pair *values, qctx_error *error)
{
    qctx_status status = reference_alloc(rows, columns, values, error);

    if (status == QCTX_OK)
        status = transformer_read(folder, part, layer, false, values->weight, error);
    if (status == QCTX_OK)
        status = transformer_read(folder, part, layer, true, values->bias, error);
    return status;
}

/* y [rows, output] = x [rows, input]·Wᵀ + b. */
void reference_affine(int64_t rows, int64_t output, int64_t input, const double *x, const reference_pair *map,
                      double *y)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t o = 0; o < output; o++) {
            double sum = map->bias[o];

            for (int64_t j = 0; j < input; j++)
                sum += x[i * input + j] * map->weight[o * input + j];
            y[i * output + o] = sum;
        }
}

void reference_norm(int64_t rows, int64_t d, double epsilon, const reference_pair *norm, const double *x, double *y)
{
    for (int64_t i = 0; i < rows; i++, x += d, y += d) {
        double mean = 0.0, variance = 0.0;

        for (int64_t j = 0; j < d; j++)
            mean += x[j] / (double)d;
        for (int64_t j = 0; j < d; j++)
            variance += (x[j] - mean) * (x[j] - mean) / (double)d;
        for (int64_t j = 0; j < d; j++)
            y[j] = (x[j] - mean) / sqrt(variance + epsilon) * norm->weight[j] + norm->bias[j];
    }
}

void reference_function(qctx_linear_function function, int64_t count, double *x)
{
    for (int64_t i = 0; i < count; i++)
        switch (function) {
        case QCTX_LINEAR_IDENTITY:
            break;
        case QCTX_LINEAR_RELU:
            x[i] = fmax(x[i], 0.0);
            break;
        case QCTX_LINEAR_GELU:
            x[i] *= 0.5 * erfc(-x[i] / sqrt(2.0));
            break;
        case QCTX_LINEAR_GELU_TANH:
            x[i] *= 0.5 * (1.0 + tanh(sqrt(2.0 / acos(-1.0)) * (x[i] + 0.044715 * x[i] * x[i] * x[i])));
            break;
        case QCTX_LINEAR_QUICK_GELU:
            x[i] /= 1.0 + exp(-1.702 * x[i]);
            break;
        case QCTX_LINEAR_TANH:
            x[i] = tanh(x[i]);
            break;
        }
}

/* The weight of each key j for query i of one head, before division by their sum. */
static double affinity(const reference_layers *layers, int64_t head, int64_t i, int64_t j)
{
    int64_t width = layers->d / layers->folder->heads;
    const double *query = layers->wide + i * 3 * layers->d + head * width;
    const double *key = layers->wide + j * 3 * layers->d + layers->d + head * width;
    double sum = 0.0;

    for (int64_t k = 0; k < width; k++)
        sum += query[k] * key[k];
    sum /= sqrt((double)width);
    if (layers->buckets != NULL)
        sum += layers->buckets[transformer_bucket(j - i) * layers->folder->heads + head];
    return exp(sum);
}

/* mixed [tokens, d] = softmax(Q·Kᵀ/√width + bias)·V in each head; queries, keys and values stand in `wide`. */
static void attend(const reference_layers *layers, int64_t tokens)
{
    int64_t width = layers->d / layers->folder->heads;

    memset(layers->mixed, 0, (size_t)(tokens * layers->d) * sizeof *layers->mixed);
    for (int64_t head = 0; head < layers->folder->heads; head++)
        for (int64_t i = 0; i < tokens; i++) {
            int64_t seen = transformer_is_clip(layers->folder) ? i + 1 : tokens;
            double *mixed = layers->mixed + i * layers->d + head * width, sum = 0.0;

            for (int64_t j = 0; j < seen; j++) {
                const double *value = layers->wide + j * 3 * layers->d + 2 * layers->d + head * width;
                double weight = affinity(layers, head, i, j);

                sum += weight;
                for (int64_t k = 0; k < width; k++)
                    mixed[k] += weight * value[k];
            }
            for (int64_t k = 0; k < width; k++)
                mixed[k] /= sum;
        }
}

static void add(int64_t count, const double *from, double *to)
{
    for (int64_t i = 0; i < count; i++)
        to[i] += from[i];
}

/* x + Attention(norm(x)), then that + FeedForward(norm of it), with norms before (CLIP) or behind the sums (BERT). */
void reference_apply(const reference_layers *layers, int64_t tokens, double *x)
{
    int64_t d = layers->d, f = layers->f;
    bool before = transformer_is_clip(layers->folder);
    double epsilon = layers->folder->epsilon;

    if (before)
        reference_norm(tokens, d, epsilon, &layers->first, x, layers->normed);
    reference_affine(tokens, 3 * d, d, before ? layers->normed : x, &layers->joint, layers->wide);
    attend(layers, tokens);
    reference_affine(tokens, d, d, layers->mixed, &layers->output, layers->normed);
    add(tokens * d, layers->normed, x);
    if (!before)
        reference_norm(tokens, d, epsilon, &layers->first, x, x);
    else
        reference_norm(tokens, d, epsilon, &layers->second, x, layers->normed);
    reference_affine(tokens, f, d, before ? layers->normed : x, &layers->up, layers->wide);
    reference_function(layers->folder->function, tokens * f, layers->wide);
    reference_affine(tokens, d, f, layers->wide, &layers->down, layers->mixed);
    add(tokens * d, layers->mixed, x);
    if (!before)
        reference_norm(tokens, d, epsilon, &layers->second, x, x);
}

static void free_layer(reference_layers *layers)
{
    reference_pair *pairs[] = {&layers->joint, &layers->output, &layers->first,
                               &layers->up,    &layers->down,   &layers->second};

    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        reference_free(pairs[i]);
}

qctx_status reference_load(reference_layers *layers, int64_t layer, qctx_error *error)
{
    const qctx_model_folder *folder = layers->folder;
    int64_t d = layers->d, f = layers->f;
    qctx_status status;

    free_layer(layers);
    status = reference_alloc(3 * d, d, &layers->joint, error);
    if (status == QCTX_OK)
        status = transformer_read_joint(folder, layer, false, layers->joint.weight, error);
    if (status == QCTX_OK)
        status = transformer_read_joint(folder, layer, true, layers->joint.bias, error);
    if (status == QCTX_OK)
        status = reference_read(folder, TRANSFORMER_OUTPUT, layer, d, d, &layers->output, error);
    if (status == QCTX_OK)
        status = reference_read(folder, TRANSFORMER_FIRST_NORM, layer, d, 1, &layers->first, error);
    if (status == QCTX_OK)
        status = reference_read(folder, TRANSFORMER_UP, layer, f, d, &layers->up, error);
    if (status == QCTX_OK)
        status = reference_read(folder, TRANSFORMER_DOWN, layer, d, f, &layers->down, error);
    if (status == QCTX_OK)
        status = reference_read(folder, TRANSFORMER_SECOND_NORM, layer, d, 1, &layers->second, error);
    return status;
}

qctx_status reference_open(reference_layers *layers, const qctx_model_folder *folder, int64_t longest,
                           qctx_error *error)
{
    int64_t d = folder->hidden, f = folder->intermediate;

    *layers = (reference_layers){.folder = folder, .d = d, .f = f};
    layers->wide = qctx_alloc(longest * (3 * d > f ? 3 * d : f), sizeof *layers->wide, "a text's rows", error);
    layers->mixed = qctx_alloc(longest * d, sizeof *layers->mixed, "a text's rows", error);
    layers->normed = qctx_alloc(longest * d, sizeof *layers->normed, "a text's rows", error);
    if (layers->wide == NULL || layers->mixed == NULL || layers->normed == NULL)
        return QCTX_ERR_MEMORY;
    if (!transformer_has(folder, TRANSFORMER_BUCKETS))
        return QCTX_OK;
    layers->buckets = qctx_alloc(folder->buckets * folder->heads, sizeof *layers->buckets, "position biases", error);
    if (layers->buckets == NULL)
        return QCTX_ERR_MEMORY;
    return transformer_read(folder, TRANSFORMER_BUCKETS, 0, false, layers->buckets, error);
}

void reference_close(reference_layers *layers)
{
    free_layer(layers);
    free(layers->buckets);
    free(layers->wide);
    free(layers->mixed);
    free(layers->normed);
}
