#include "kernels.h"

#include <math.h>

#include "kernels_tile.h"
#include "qctx/base/multiversion.h"

/* Σ values, in LANES sums side by side. */
KERNEL_INLINE float sum_of_row(int64_t d, const float *x)
{
    lanes sums = {0};
    float rest = 0.0f;
    int64_t j = 0;

    for (; j + LANES <= d; j += LANES)
        sums += *(const lanes *)(x + j);
    for (; j < d; j++)
        rest += x[j];
    return sum_of_lanes(&sums) + rest;
}

/* Σ (values − mean)². */
KERNEL_INLINE float squares_of_row(int64_t d, const float *x, float mean)
{
    lanes sums = {0};
    float rest = 0.0f;
    int64_t j = 0;

    for (; j + LANES <= d; j += LANES) {
        const lanes away = *(const lanes *)(x + j) - mean;

        sums += away * away;
    }
    for (; j < d; j++)
        rest += (x[j] - mean) * (x[j] - mean);
    return sum_of_lanes(&sums) + rest;
}

QCTX_MULTIVERSION
static void normalise_row(int64_t d, const float *x, const float *gain, const float *bias, float epsilon, float *y,
                          qctx_bfloat16 *narrow)
{
    const float mean = sum_of_row(d, x) / (float)d;
    const float scale = 1.0f / sqrtf(squares_of_row(d, x, mean) / (float)d + epsilon);

    for (int64_t j = 0; j < d; j++)
        y[j] = (x[j] - mean) * scale * gain[j] + bias[j];
    if (narrow != NULL)
        for (int64_t j = 0; j < d; j++)
            narrow[j] = qctx_to_bfloat16(y[j]);
}

void transformer_layer_norm(int64_t rows, int64_t d, const float *x, const float *gain, const float *bias,
                            float epsilon, float *y, qctx_bfloat16 *narrow)
{
    for (int64_t i = 0; i < rows; i++)
        normalise_row(d, x + i * d, gain, bias, epsilon, y + i * d, narrow != NULL ? narrow + i * d : NULL);
}
