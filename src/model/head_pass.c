/* The head's forward and backward pass: matrix products, with the loops of head_activation.c between them. */
#include <string.h>

#include "head_internal.h"
#include "qctx/platform/blas.h"

/* What the last layer's product is added to: y = bias for plain heads, x + α·bias for residual ones. */
static void begin_output(const qctx_head_config *config, double alpha, const float *bias, const float *x, int64_t rows,
                         float *y)
{
    bool residual = config->form == QCTX_HEAD_RESIDUAL;
    int64_t width = config->output;
    float strength = residual ? (float)alpha : 1.0f;

#pragma omp parallel for schedule(static) if (rows * width > 65536)
    for (int64_t row = 0; row < rows; row++)
        for (int64_t i = 0; i < width; i++)
            y[row * width + i] = residual ? x[row * width + i] + strength * bias[i] : bias[i];
}

void qctx_head_forward(const qctx_head_config *config, const float *parameters, int side, double alpha, const float *x,
                       int64_t rows, const qctx_dropout_key *key, qctx_head_tape *tape, float *y)
{
    const float *input = x;
    head_layer layer;
    int64_t mlp;

    if (rows == 0)
        return;
    if (!qctx_head_has_side(config, side)) {
        memcpy(y, x, sizeof(float) * (size_t)(rows * config->input));
        return;
    }
    mlp = qctx_head_mlp_of(config, side);
    for (int64_t l = 0; l < config->layers - 1; l++) {
        float *hidden = tape->hidden + l * tape->stride;

        layer = qctx_head_layer(config, mlp, l);
        qctx_sgemm(QCTX_PLAIN, QCTX_TRANSPOSED, rows, layer.out, layer.in, 1.0f, input, layer.in,
                   parameters + layer.weight, layer.in, 0.0f, hidden, layer.out);
        qctx_head_activate(config, side, l, rows, parameters + layer.bias, key, hidden, tape->slope + l * tape->stride);
        input = hidden;
    }
    layer = qctx_head_layer(config, mlp, config->layers - 1);
    begin_output(config, alpha, parameters + layer.bias, x, rows, y);
    qctx_sgemm(QCTX_PLAIN, QCTX_TRANSPOSED, rows, layer.out, layer.in,
               config->form == QCTX_HEAD_RESIDUAL ? (float)alpha : 1.0f, input, layer.in, parameters + layer.weight,
               layer.in, 1.0f, y, layer.out);
}

void qctx_head_backward(const qctx_head_config *config, const float *parameters, int side, const float *x,
                        const float *dy, int64_t rows, qctx_head_tape *tape, float *gradient)
{
    const float *delta = dy;
    int64_t mlp;

    if (rows == 0 || !qctx_head_has_side(config, side))
        return;
    mlp = qctx_head_mlp_of(config, side);
    for (int64_t l = config->layers - 1; l >= 0; l--) {
        head_layer layer = qctx_head_layer(config, mlp, l);
        const float *input = l == 0 ? x : tape->hidden + (l - 1) * tape->stride;
        float *below;

        qctx_sgemm(QCTX_TRANSPOSED, QCTX_PLAIN, layer.out, layer.in, rows, 1.0f, delta, layer.out, input, layer.in,
                   1.0f, gradient + layer.weight, layer.in);
        qctx_head_add_column_sums(rows, layer.out, delta, gradient + layer.bias);
        if (l == 0)
            break;
        /* Two arrays take turns, since a product cannot overwrite what it reads. */
        below = tape->delta + ((config->layers - 1 - l) % 2) * tape->stride;
        qctx_sgemm(QCTX_PLAIN, QCTX_PLAIN, rows, layer.in, layer.out, 1.0f, delta, layer.out, parameters + layer.weight,
                   layer.in, 0.0f, below, layer.in);
        qctx_head_multiply(rows * layer.in, tape->slope + (l - 1) * tape->stride, below);
        delta = below;
    }
}
