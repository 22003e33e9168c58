#include <math.h>

#include "contrastive_tile.h"

void loss_normalize(const float *x, int64_t rows, int64_t dim, bool normalize, float *unit, qctx_bfloat16 *half,
                    double *inverse)
{
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < rows; i++) {
        double square = 0.0;

        for (int64_t k = 0; k < dim; k++)
            square += (double)x[i * dim + k] * (double)x[i * dim + k];
        inverse[i] = !normalize ? 1.0 : square == 0.0 ? 0.0 : 1.0 / sqrt(square);
        for (int64_t k = 0; k < dim; k++) {
            float value = (float)((double)x[i * dim + k] * inverse[i]);

            if (unit != NULL)
                unit[i * dim + k] = value;
            if (half != NULL)
                half[i * dim + k] = qctx_to_bfloat16(value);
        }
    }
}
