/* What follows the sums of a linear layer, in plain C: bias, function, residual, rounding. */
#include "linear_internal.h"
#include "qctx/base/bfloat16.h"
#include "qctx/base/multiversion.h"
#include "qctx/base/vector_math.h"

/* All functions here are parts of two loops that are made anew for each `function`, a constant to the compiler. */
#define INLINE __attribute__((always_inline)) static inline

INLINE float logistic(float x)
{
    return 1.0f / (1.0f + qctx_expf(-x));
}

INLINE float apply(const qctx_linear_function function, float x)
{
    float density;

    switch (function) {
    case QCTX_LINEAR_RELU:
        return x > 0.0f ? x : 0.0f;
    case QCTX_LINEAR_GELU:
        return x * qctx_normal(x, &density);
    case QCTX_LINEAR_GELU_TANH:
        /* ½·x·(1 + tanh(u)) = x·σ(2u) */
        return x * logistic(1.5957691216057308f * (x + 0.044715f * x * x * x));
    case QCTX_LINEAR_QUICK_GELU:
        return x * logistic(1.702f * x);
    case QCTX_LINEAR_TANH:
        return qctx_tanhf(x);
    default:
        return x;
    }
}

INLINE void apply_to_row(const qctx_linear_function function, int64_t count, float *values)
{
    for (int64_t i = 0; i < count; i++)
        values[i] = apply(function, values[i]);
}

QCTX_MULTIVERSION
static void apply_to_values(qctx_linear_function function, int64_t count, float *values)
{
    switch (function) {
    case QCTX_LINEAR_IDENTITY:
        break;
    case QCTX_LINEAR_RELU:
        apply_to_row(QCTX_LINEAR_RELU, count, values);
        break;
    case QCTX_LINEAR_GELU:
        apply_to_row(QCTX_LINEAR_GELU, count, values);
        break;
    case QCTX_LINEAR_GELU_TANH:
        apply_to_row(QCTX_LINEAR_GELU_TANH, count, values);
        break;
    case QCTX_LINEAR_QUICK_GELU:
        apply_to_row(QCTX_LINEAR_QUICK_GELU, count, values);
        break;
    case QCTX_LINEAR_TANH:
        apply_to_row(QCTX_LINEAR_TANH, count, values);
        break;
    }
}

QCTX_MULTIVERSION
static void add(int64_t count, const float *values, float *sums)
{
    for (int64_t i = 0; i < count; i++)
        sums[i] += values[i];
}

QCTX_MULTIVERSION
static void copy(int64_t count, const float *values, float *to)
{
    for (int64_t i = 0; i < count; i++)
        to[i] = values[i];
}

void linear_finish(qctx_linear_function function, const linear_block *block)
{
    for (int64_t row = 0; row < block->rows; row++) {
        float *sums = block->sums + row * block->sums_stride;
        const int64_t at = row * block->stride;

        add(block->cols, block->bias, sums);
        apply_to_values(function, block->cols, sums);
        if (block->residual != NULL)
            add(block->cols, block->residual + at, sums);
        if (block->y_type == QCTX_PRECISION_FLOAT32)
            copy(block->cols, sums, (float *)block->y + at);
        else
            qctx_to_bfloat16_row(sums, block->cols, (qctx_bfloat16 *)block->y + at);
    }
}
