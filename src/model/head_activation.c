/* The head's loops over activations: what stands between its matrix products. */
#include "head_internal.h"
#include "qctx/base/multiversion.h"
#include "qctx/base/rng.h"
#include "qctx/base/vector_math.h"

/* Below so many values a loop is not worth waking threads for. */
enum { PARALLEL_FROM = 65536 };

/* Columns summed together: fixed, so that the number of threads changes no sum. */
enum { COLUMN_BLOCK = 64 };

QCTX_MULTIVERSION
static void activate_relu(int64_t width, const float *restrict bias, float *restrict values, float *restrict slope)
{
    for (int64_t i = 0; i < width; i++) {
        float z = values[i] + bias[i];

        /* A NaN passes, so that the loss sees it. */
        values[i] = z <= 0.0f ? 0.0f : z;
        slope[i] = z <= 0.0f ? 0.0f : 1.0f;
    }
}

/* z·Φ(z), the exact form, as PyTorch's default. */
QCTX_MULTIVERSION
static void activate_gelu(int64_t width, const float *restrict bias, float *restrict values, float *restrict slope)
{
    for (int64_t i = 0; i < width; i++) {
        float z = values[i] + bias[i], density;
        float below = qctx_normal(z, &density);

        values[i] = z * below;
        slope[i] = below + z * density;
    }
}

QCTX_MULTIVERSION
static void activate_tanh(int64_t width, const float *restrict bias, float *restrict values, float *restrict slope)
{
    for (int64_t i = 0; i < width; i++) {
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

/* Inverted dropout of one row: units whose 32 bits fall below `threshold` become 0, the others grow by `scale`. */
QCTX_MULTIVERSION
static void drop_units(int64_t width, uint64_t row_key, uint32_t threshold, float scale, float *restrict values,
                       float *restrict slope)
{
    uint32_t low = (uint32_t)row_key, high = (uint32_t)(row_key >> 32);

    for (int64_t i = 0; i < width; i++) {
        uint32_t bits = mix(mix((uint32_t)i + low) ^ high);
        float value = values[i] * scale, derivative = slope[i] * scale;

        values[i] = bits < threshold ? 0.0f : value;
        slope[i] = bits < threshold ? 0.0f : derivative;
    }
}

static void activate_row(const qctx_head_config *config, const float *bias, float *values, float *slope)
{
    switch (config->activation) {
    case QCTX_ACTIVATION_RELU:
        activate_relu(config->hidden, bias, values, slope);
        break;
    case QCTX_ACTIVATION_GELU:
        activate_gelu(config->hidden, bias, values, slope);
        break;
    case QCTX_ACTIVATION_TANH:
        activate_tanh(config->hidden, bias, values, slope);
        break;
    }
}

void qctx_head_activate(const qctx_head_config *config, int side, int64_t layer, int64_t rows, const float *bias,
                        const qctx_dropout_key *key, float *values, float *slope)
{
    int64_t width = config->hidden;
    bool drops = key != NULL && config->dropout > 0.0;
    uint32_t threshold = (uint32_t)(config->dropout * 0x1p32);
    float scale = (float)(1.0 / (1.0 - config->dropout));
    /* One key for the step, side and layer, from which each row draws its own. */
    uint64_t pass_key =
        drops ? qctx_rng(config->seed, QCTX_STREAM_DROPOUT, key->step, (uint64_t)(2 * layer + side)) : 0;

#pragma omp parallel for schedule(static) if (rows * width > PARALLEL_FROM)
    for (int64_t row = 0; row < rows; row++) {
        float *row_values = values + row * width, *row_slope = slope + row * width;

        activate_row(config, bias, row_values, row_slope);
        if (drops)
            drop_units(width, qctx_rng(pass_key, QCTX_STREAM_DROPOUT, (uint64_t)key->row_ids[row], 0), threshold, scale,
                       row_values, row_slope);
    }
}

void qctx_head_multiply(int64_t count, const float *factors, float *values)
{
    /* Bound by memory: no version of this loop is faster than the plain one. */
#pragma omp parallel for simd schedule(static) if (count > PARALLEL_FROM)
    for (int64_t i = 0; i < count; i++)
        values[i] *= factors[i];
}

QCTX_MULTIVERSION
static void sum_columns(int64_t rows, int64_t stride, int64_t width, const float *restrict values,
                        double *restrict totals)
{
    for (int64_t row = 0; row < rows; row++)
        for (int64_t i = 0; i < width; i++)
            totals[i] += (double)values[row * stride + i];
}

void qctx_head_add_column_sums(int64_t rows, int64_t cols, const float *values, float *sums)
{
#pragma omp parallel for schedule(static) if (rows * cols > PARALLEL_FROM)
    for (int64_t start = 0; start < cols; start += COLUMN_BLOCK) {
        int64_t width = cols - start < COLUMN_BLOCK ? cols - start : COLUMN_BLOCK;
        double totals[COLUMN_BLOCK] = {0};

        sum_columns(rows, cols, width, values + start, totals);
        for (int64_t i = 0; i < width; i++)
            sums[start + i] += (float)totals[i];
    }
}
