#include "kernels.h"

#include <math.h>

void transformer_layer_norm(int64_t rows, int64_t d, const float *x, const float *gain, const float *bias,
                            float epsilon, float *y, qctx_bfloat16 *narrow)
{
    for (int64_t i = 0; i < rows; i++) {
        const float *from = x + i * d;
        float *to = y + i * d;
        double sum = 0.0, squares = 0.0;
        float mean, scale;

        for (int64_t j = 0; j < d; j++)
            sum += from[j];
        mean = (float)(sum / (double)d);
        for (int64_t j = 0; j < d; j++)
            squares += (double)(from[j] - mean) * (from[j] - mean);
        scale = (float)(1.0 / sqrt(squares / (double)d + epsilon));
        for (int64_t j = 0; j < d; j++)
            to[j] = (from[j] - mean) * scale * gain[j] + bias[j];
        if (narrow != NULL)
            qctx_to_bfloat16_row(to, d, narrow + i * d);
    }
}
