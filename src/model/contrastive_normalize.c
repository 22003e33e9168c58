#include <math.h>
#include <string.h>

#include "contrastive_internal.h"
#include "contrastive_tile_internal.h"
#include "qctx/base/dot.h"
#include "qctx/base/multiversion.h"

/* unit [count] = x·factor. */
QCTX_MULTIVERSION
static void scale_piece(const float *x, int64_t count, double factor, float *unit)
{
#pragma omp simd
    for (int64_t k = 0; k < count; k++)
        unit[k] = (float)((double)x[k] * factor);
}

QCTX_MULTIVERSION
static void round_piece(const float *unit, int64_t count, qctx_bfloat16 *half)
{
    round_row(unit, count, half);
}

/* One row in pieces that stay in the first cache. */
static void scale_row(const float *x, int64_t dim, double factor, float *unit, qctx_bfloat16 *half)
{
    for (int64_t k = 0; k < dim; k += PIECE_COLUMNS) {
        int64_t count = qctx_smaller(PIECE_COLUMNS, dim - k);
        float piece[PIECE_COLUMNS];

        scale_piece(x + k, count, factor, piece);
        if (unit != NULL)
            memcpy(unit + k, piece, (size_t)count * sizeof *piece);
        if (half != NULL)
            round_piece(piece, count, half + k);
    }
}

void loss_normalize(const float *x, int64_t rows, int64_t dim, bool normalize, float *unit, qctx_bfloat16 *half,
                    double *inverse)
{
#pragma omp parallel for schedule(static) if (rows * dim > TILE_ALONE)
    for (int64_t i = 0; i < rows; i++) {
        double square = normalize ? qctx_dot(x + i * dim, x + i * dim, dim) : 1.0;

        inverse[i] = square == 0.0 ? 0.0 : 1.0 / sqrt(square);
        scale_row(x + i * dim, dim, inverse[i], unit == NULL ? NULL : unit + i * dim,
                  half == NULL ? NULL : half + i * dim);
    }
}
