/* The head's forward passes over rows: what stands behind its matrix products. */
#include "head_internal.h"
#include "qctx/base/multiversion.h"
#include "qctx/base/order.h"
#include "qctx/base/rng.h"
#include "qctx/base/vector_math.h"

enum {
    /* Values of a row that go through all loops at a time, in the innermost cache. */
    SEGMENT = 512,
    /* Below so many values a pass is not worth waking threads for. */
    PARALLEL_FROM = 65536,
};

/* A row's dropout. */
typedef struct {
    uint64_t key;
    uint32_t threshold; /* units whose 32 bits fall below it are dropped */
    float scale;        /* what the others grow by */
} row_dropout;

QCTX_MULTIVERSION
static void activate_relu(int64_t count, const float *restrict bias, float *restrict values)
{
    for (int64_t i = 0; i < count; i++) {
        float z = values[i] + bias[i];

        /* A NaN passes, so that the loss sees it. */
        values[i] = z <= 0.0f ? 0.0f : z;
    }
}

/* z·Φ(z), the exact form, as PyTorch's default. */
QCTX_MULTIVERSION
static void activate_gelu(int64_t count, const float *restrict bias, float *restrict values, float *restrict slope)
{
    for (int64_t i = 0; i < count; i++) {
        float z = values[i] + bias[i], density;
        float below = qctx_normal(z, &density);

        values[i] = z * below;
        slope[i] = below + z * density;
    }
}

QCTX_MULTIVERSION
static void activate_tanh(int64_t count, const float *restrict bias, float *restrict values, float *restrict slope)
{
    for (int64_t i = 0; i < count; i++) {
        float t = qctx_tanhf(values[i] + bias[i]);

        values[i] = t;
        slope[i] = 1.0f - t * t;
    }
}

/* 32 bits mixed to 32 bits, both ways possible (the constants are Wellons' "lowbias32"); it vectorises. */
static inline uint32_t mix(uint32_t z)
{
    z = (z ^ (z >> 16)) * UINT32_C(0x7feb352d);
    z = (z ^ (z >> 15)) * UINT32_C(0x846ca68b);
    return z ^ (z >> 16);
}

/* Inverted dropout of the units first … first + count − 1 of a row. */
QCTX_MULTIVERSION
static void drop_units(row_dropout dropout, int64_t first, int64_t count, float *restrict values, float *restrict slope)
{
    uint32_t low = (uint32_t)dropout.key + (uint32_t)first, high = (uint32_t)(dropout.key >> 32);

    for (int64_t i = 0; i < count; i++) {
        uint32_t bits = mix(mix((uint32_t)i + low) ^ high);
        float value = values[i] * dropout.scale, derivative = slope[i] * dropout.scale;

        values[i] = bits < dropout.threshold ? 0.0f : value;
        slope[i] = bits < dropout.threshold ? 0.0f : derivative;
    }
}

static void activate(qctx_activation activation, int64_t count, const float *bias, float *values, float *slope)
{
    switch (activation) {
    case QCTX_ACTIVATION_RELU:
        activate_relu(count, bias, values);
        break;
    case QCTX_ACTIVATION_GELU:
        activate_gelu(count, bias, values, slope);
        break;
    case QCTX_ACTIVATION_TANH:
        activate_tanh(count, bias, values, slope);
        break;
    }
}

void head_activate(const qctx_head_config *config, qctx_precision precision, qctx_side side, int64_t layer,
                   int64_t rows, const float *bias, const qctx_dropout_key *key, float *z, void *hidden, void *slope)
{
    int64_t width = config->hidden;
    bool drops = key != NULL && config->dropout > 0.0;
    /* One key for the step, side and layer, from which each row draws its own. */
    uint64_t pass_key =
        drops ? qctx_rng(config->seed, QCTX_STREAM_DROPOUT, key->step, (uint64_t)(2 * layer + side)) : 0;

#pragma omp parallel for schedule(static) if (rows * width > PARALLEL_FROM)
    for (int64_t row = 0; row < rows; row++) {
        row_dropout dropout = {.threshold = (uint32_t)(config->dropout * 0x1p32),
                               .scale = (float)(1.0 / (1.0 - config->dropout))};

        if (drops)
            dropout.key = qctx_rng(pass_key, QCTX_STREAM_DROPOUT, (uint64_t)key->row_ids[row], 0);
        for (int64_t first = 0; first < width; first += SEGMENT) {
            int64_t count = qctx_smaller(SEGMENT, width - first), at = row * width + first;
            float derivative[SEGMENT] = {0};

            activate(config->activation, count, bias + first, z + at, derivative);
            if (drops)
                drop_units(dropout, first, count, z + at, derivative);
            head_store(precision, count, z + at, hidden, at);
            if (slope != NULL)
                head_store(precision, count, derivative, slope, at);
        }
    }
}

QCTX_MULTIVERSION
static void add_bias(int64_t count, const float *restrict bias, float *restrict y)
{
    for (int64_t i = 0; i < count; i++)
        y[i] += bias[i];
}

QCTX_MULTIVERSION
static void add_residual(int64_t count, float alpha, const float *restrict bias, const float *restrict x,
                         float *restrict y)
{
    for (int64_t i = 0; i < count; i++)
        y[i] = x[i] + alpha * (y[i] + bias[i]);
}

QCTX_MULTIVERSION
static void add_rounded_residual(int64_t count, float alpha, const float *restrict bias,
                                 const qctx_bfloat16 *restrict x, float *restrict y)
{
    for (int64_t i = 0; i < count; i++)
        y[i] = qctx_from_bfloat16(x[i]) + alpha * (y[i] + bias[i]);
}

void head_finish_output(const qctx_head_config *config, qctx_precision precision, double alpha, int64_t rows,
                        const float *bias, const void *x, float *y)
{
    int64_t width = config->output;

#pragma omp parallel for schedule(static) if (rows * width > PARALLEL_FROM)
    for (int64_t row = 0; row < rows; row++) {
        float *out = y + row * width;

        if (config->form == QCTX_HEAD_PLAIN)
            add_bias(width, bias, out);
        else if (precision == QCTX_PRECISION_FLOAT32)
            add_residual(width, (float)alpha, bias, (const float *)x + row * width, out);
        else
            add_rounded_residual(width, (float)alpha, bias, (const qctx_bfloat16 *)x + row * width, out);
    }
}
