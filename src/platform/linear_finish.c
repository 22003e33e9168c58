#include "linear_internal.h"
#include "qctx/base/bfloat16.h"
#include "qctx/base/multiversion.h"
#include "qctx/base/order.h"
#include "qctx/base/vector_math.h"

/* Values that go through the function at a time. */
enum { CHUNK = 64 };

#define INLINE __attribute__((always_inline)) static inline

INLINE float identity(float x)
{
    return x;
}

INLINE float relu(float x)
{
    return x > 0.0f ? x : 0.0f;
}

INLINE float gelu(float x)
{
    float density;

    return x * qctx_normal(x, &density);
}

INLINE float logistic(float x)
{
    return 1.0f / (1.0f + qctx_expf(-x));
}

/* ½·x·(1 + tanh(u)) = x·σ(2u). */
INLINE float gelu_tanh(float x)
{
    return x * logistic(1.5957691216057308f * (x + 0.044715f * x * x * x));
}

INLINE float quick_gelu(float x)
{
    return x * logistic(1.702f * x);
}

/* y [count] = values + residual, in the type of y. */
INLINE void put(int64_t count, const float *values, const float *residual, qctx_precision type, void *y)
{
    float *wide = y;
    qctx_bfloat16 *narrow = y;

    if (residual != NULL)
        for (int64_t i = 0; i < count; i++)
            wide[i] = values[i] + residual[i];
    else if (type == QCTX_PRECISION_FLOAT32)
        for (int64_t i = 0; i < count; i++)
            wide[i] = values[i];
    else
        for (int64_t i = 0; i < count; i++)
            narrow[i] = qctx_to_bfloat16(values[i]);
}

/*
 * One pass over a chunk in the cache for each function, so that it is chosen once for a block and vectorises. `count`
 * is a constant for all chunks but the last of a row.
 */
#define DEFINE_FUNCTION(FUNCTION)                                                                                      \
    INLINE void chunk_##FUNCTION(int64_t count, const float *sums, const float *bias, const float *residual,           \
                                 qctx_precision type, void *y)                                                         \
    {                                                                                                                  \
        float values[CHUNK];                                                                                           \
                                                                                                                       \
        for (int64_t i = 0; i < count; i++)                                                                            \
            values[i] = FUNCTION(sums[i] + bias[i]);                                                                   \
        put(count, values, residual, type, y);                                                                         \
    }                                                                                                                  \
                                                                                                                       \
    QCTX_MULTIVERSION static void finish_##FUNCTION(const linear_block *block, int64_t row, int64_t first)             \
    {                                                                                                                  \
        const int64_t at = row * block->stride + first, count = qctx_smaller(CHUNK, block->cols - first);              \
        const float *sums = block->sums + row * block->sums_stride + first, *bias = block->bias + first;               \
        const float *residual = block->residual == NULL ? NULL : block->residual + at;                                 \
        void *y = (char *)block->y + at * qctx_precision_bytes(block->y_type);                                         \
                                                                                                                       \
        if (count == CHUNK)                                                                                            \
            chunk_##FUNCTION(CHUNK, sums, bias, residual, block->y_type, y);                                           \
        else                                                                                                           \
            chunk_##FUNCTION(count, sums, bias, residual, block->y_type, y);                                           \
    }                                                                                                                  \
                                                                                                                       \
    QCTX_MULTIVERSION static void loop_##FUNCTION(int64_t count, float *values)                                        \
    {                                                                                                                  \
        for (int64_t i = 0; i < count; i++)                                                                            \
            values[i] = FUNCTION(values[i]);                                                                           \
    }

DEFINE_FUNCTION(identity)
DEFINE_FUNCTION(relu)
DEFINE_FUNCTION(gelu)
DEFINE_FUNCTION(gelu_tanh)
DEFINE_FUNCTION(quick_gelu)
DEFINE_FUNCTION(qctx_tanhf)

static const struct {
    const char *name;
    void (*finish)(const linear_block *block, int64_t row, int64_t first);
    void (*loop)(int64_t count, float *values);
} functions[] = {
    [QCTX_LINEAR_IDENTITY] = {"identity", finish_identity, loop_identity},
    [QCTX_LINEAR_RELU] = {"relu", finish_relu, loop_relu},
    [QCTX_LINEAR_GELU] = {"gelu", finish_gelu, loop_gelu},
    [QCTX_LINEAR_GELU_TANH] = {"gelu_new", finish_gelu_tanh, loop_gelu_tanh},
    [QCTX_LINEAR_QUICK_GELU] = {"quick_gelu", finish_quick_gelu, loop_quick_gelu},
    [QCTX_LINEAR_TANH] = {"tanh", finish_qctx_tanhf, loop_qctx_tanhf},
};

void linear_finish(qctx_linear_function function, const linear_block *block)
{
    for (int64_t row = 0; row < block->rows; row++)
        for (int64_t first = 0; first < block->cols; first += CHUNK)
            functions[function].finish(block, row, first);
}

void qctx_linear_function_apply(qctx_linear_function function, int64_t count, float *values)
{
    functions[function].loop(count, values);
}

const char *qctx_linear_function_name(qctx_linear_function function)
{
    return functions[function].name;
}
