#include "qctx/platform/linear.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"

struct qctx_linear {
    qctx_precision precision;
    int64_t output, input;
    float *weight, *bias;
    qctx_bfloat16 *narrow;
    qctx_linear_function function;
};

qctx_status qctx_linear_create(qctx_precision precision, int64_t output, int64_t input, const float *weight,
                               const float *bias, qctx_linear_function function, qctx_linear **created,
                               qctx_error *error)
{
    qctx_linear *linear = qctx_alloc(1, sizeof *linear, "a layer", error);

    *created = NULL;
    if (linear == NULL)
        return QCTX_ERR_MEMORY;
    *linear = (qctx_linear){precision, output, input, NULL, NULL, NULL, function};
    linear->weight = qctx_alloc(output * input, sizeof *weight, "a layer", error);
    linear->narrow = qctx_alloc(output * input, sizeof *linear->narrow, "a layer", error);
    linear->bias = qctx_alloc(output, sizeof *bias, "a layer", error);
    if (linear->weight == NULL || linear->bias == NULL || linear->narrow == NULL) {
        qctx_linear_destroy(linear);
        return QCTX_ERR_MEMORY;
    }
    memcpy(linear->weight, weight, (size_t)(output * input) * sizeof *weight);
    qctx_to_bfloat16_row(weight, output * input, linear->narrow);
    if (bias != NULL)
        memcpy(linear->bias, bias, (size_t)output * sizeof *bias);
    *created = linear;
    return QCTX_OK;
}

void qctx_linear_destroy(qctx_linear *linear)
{
    if (linear == NULL)
        return;
    free(linear->weight);
    free(linear->narrow);
    free(linear->bias);
    free(linear);
}

int64_t qctx_linear_bytes(const qctx_linear *linear)
{
    return linear->output * linear->input * 6;
}

static float apply(qctx_linear_function function, float x)
{
    switch (function) {
    case QCTX_LINEAR_IDENTITY:
        return x;
    case QCTX_LINEAR_RELU:
        return x > 0 ? x : 0;
    case QCTX_LINEAR_GELU:
        return 0.5f * x * (1.0f + erff(x * 0.70710678118654752f));
    case QCTX_LINEAR_GELU_TANH:
        return 0.5f * x * (1.0f + tanhf(0.79788456080286536f * (x + 0.044715f * x * x * x)));
    case QCTX_LINEAR_QUICK_GELU:
        return x / (1.0f + expf(-1.702f * x));
    case QCTX_LINEAR_TANH:
        return tanhf(x);
    }
    return x;
}

void qctx_linear_function_apply(qctx_linear_function function, int64_t count, float *values)
{
    for (int64_t i = 0; i < count; i++)
        values[i] = apply(function, values[i]);
}

void qctx_linear_apply(const qctx_linear *linear, int64_t rows, const void *x, const float *residual,
                       qctx_precision y_type, void *y)
{
    int64_t n = linear->output;
    float *sums = calloc((size_t)(rows * n), sizeof *sums);

    qctx_product(linear->precision, QCTX_PLAIN, QCTX_TRANSPOSED, rows, n, linear->input, x, linear->input,
                 linear->precision == QCTX_PRECISION_FLOAT32 ? (void *)linear->weight : linear->narrow, linear->input,
                 false, sums, n);
    for (int64_t i = 0; i < rows * n; i++)
        sums[i] = apply(linear->function, sums[i] + linear->bias[i % n]) + (residual != NULL ? residual[i] : 0.0f);
    if (y_type == QCTX_PRECISION_FLOAT32)
        memcpy(y, sums, (size_t)(rows * n) * sizeof *sums);
    else
        qctx_to_bfloat16_row(sums, rows * n, y);
    free(sums);
}

const char *qctx_linear_function_name(qctx_linear_function function)
{
    static const char *const names[] = {"identity", "relu", "gelu", "gelu_new", "quick_gelu", "tanh"};

    return names[function];
}
