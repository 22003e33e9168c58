/*
 * How the passes over a tile are cut up. Memory is read row by row, as it lies. A cell is a few rows of a column
 * block: small enough that float32 sums over its rows are as good as double ones, and that its columns' sums stay in
 * the first cache; a row's own sum is float32 within a piece. Within a piece, sums and maxima run in sixteen lanes
 * whatever the vectors' width, so that every generation of CPU gives the same bits.
 *
 * Threads take whole bands of rows; what bands sum of columns is joined in their order.
 */
#ifndef QCTX_MODEL_CONTRASTIVE_TILE_INTERNAL_H
#define QCTX_MODEL_CONTRASTIVE_TILE_INTERNAL_H

#include "contrastive_tile.h"
#include "qctx/base/order.h"

enum {
    TILE_LANES = 16,
    PIECE_COLUMNS = 256,
    CELL_ROWS = 32,
    BAND_ROWS = 128,
    BANDS_AT_ONCE = 16,
    BLOCK_COLUMNS = 1024 /* of a column block */
};

/* log₂ e: powers of 2 take fewer instructions than powers of e. */
static const double PER_OCTAVE = 1.4426950408889634;

/* A row's running maximum and sum, lane by lane. */
typedef struct {
    float best[TILE_LANES];
    float sum[TILE_LANES];
} tile_lanes;

static inline tile_lanes lanes_from(float best)
{
    tile_lanes lanes;

    for (int64_t k = 0; k < TILE_LANES; k++) {
        lanes.best[k] = best;
        lanes.sum[k] = 0.0f;
    }
    return lanes;
}

/* The larger; the first if the second is NaN. */
static inline float larger(float a, float b)
{
    return b > a ? b : a;
}

/* Joins the lanes into lane 0, by halves. */
static inline void join_lanes(tile_lanes *lanes)
{
    for (int64_t half = TILE_LANES / 2; half > 0; half /= 2)
        for (int64_t k = 0; k < half; k++) {
            lanes->best[k] = larger(lanes->best[k], lanes->best[k + half]);
            lanes->sum[k] += lanes->sum[k + half];
        }
}

/* The part of a tile that begins at (i, j), at most rows × cols. */
static inline loss_tile part_of(const loss_tile *tile, int64_t i, int64_t j, int64_t rows, int64_t cols)
{
    return (loss_tile){tile->x + i * tile->pitch + j, tile->pitch, qctx_smaller(rows, tile->rows - i),
                       qctx_smaller(cols, tile->cols - j)};
}

/* Element `at` of an array in `precision`; NULL stays NULL. */
static inline void *element(qctx_precision precision, void *array, int64_t at)
{
    return array == NULL ? NULL : (char *)array + at * (precision == QCTX_PRECISION_BFLOAT16 ? 2 : 4);
}

/* Rounds a row of values into an array of bfloat16. */
static inline void round_row(const float *values, int64_t cols, qctx_bfloat16 *to)
{
#pragma omp simd
    for (int64_t j = 0; j < cols; j++)
        to[j] = qctx_to_bfloat16(values[j]);
}

#endif
