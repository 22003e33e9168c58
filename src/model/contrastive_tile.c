#include "contrastive_tile.h"

#include <math.h>

#include "contrastive_tile_internal.h"
#include "qctx/base/multiversion.h"
#include "qctx/base/vector_math.h"

double loss_tile_scale(double scale)
{
    return (double)(float)(scale * PER_OCTAVE) / PER_OCTAVE;
}

double loss_shift(double scale)
{
    return ceil(fmax(0.0, scale - 75.0) * PER_OCTAVE) / PER_OCTAVE;
}

double loss_own_share(double score, double shift, double sum, double *share)
{
    double below = score - shift;

    *share = exp(below) / sum;
    return below > -700.0 ? -log(*share) : log(sum) - below;
}

bool loss_sums_are_safe(const double *sums, int64_t count)
{
    const double least = exp(-60.0), most = exp(87.0);

    for (int64_t k = 0; k < count; k++)
        if (!(sums[k] >= least && sums[k] <= most))
            return false;
    return true;
}

/* One entry of a row: E, the sums of its column and lane, the lane's largest dot product. */
static inline void take_entry(const float *x, float factor, float shift, float *e, float *column, tile_lanes *lanes,
                              int64_t j, int64_t k)
{
    float dot = x[j + k], value = qctx_exp2f(factor * dot - shift);

    e[j + k] = value;
    column[j + k] += value;
    lanes->best[k] = larger(lanes->best[k], dot);
    lanes->sum[k] += value;
}

/* A cell; e is NULL for none, column_sum [cols]; best and sum [rows] are those of the strip. */
QCTX_MULTIVERSION
static void exponentials_cell(const loss_tile *cell, float factor, float shift, qctx_precision precision, void *e,
                              int64_t e_pitch, float *best, double *sum, double *column_sum)
{
    int64_t cols = cell->cols, whole = cols - cols % TILE_LANES;
    float column[STRIP_COLUMNS] = {0.0f}, values[STRIP_COLUMNS];

    for (int64_t i = 0; i < cell->rows; i++) {
        const float *x = cell->x + i * cell->pitch;
        void *row = element(precision, e, i * e_pitch);
        float *out = row != NULL && precision == QCTX_PRECISION_FLOAT32 ? row : values;
        tile_lanes lanes = lanes_from(best[i]);

        for (int64_t j = 0; j < whole; j += TILE_LANES)
#pragma omp simd
            for (int64_t k = 0; k < TILE_LANES; k++)
                take_entry(x, factor, shift, out, column, &lanes, j, k);
        for (int64_t k = 0; k < cols - whole; k++)
            take_entry(x, factor, shift, out, column, &lanes, whole, k);
        if (row != NULL && precision == QCTX_PRECISION_BFLOAT16)
            round_row(values, cols, row);
        join_lanes(&lanes);
        best[i] = lanes.best[0];
        sum[i] += (double)lanes.sum[0];
    }
    if (column_sum != NULL)
        for (int64_t j = 0; j < cols; j++)
            column_sum[j] += (double)column[j];
}

/* A strip of a block, cell by cell. */
static void exponentials_strip(const loss_tile *strip, float factor, float shift, qctx_precision precision, void *e,
                               int64_t e_pitch, double *column_sum, tile_notes *notes)
{
    for (int64_t i = 0; i < strip->rows; i++) {
        notes->best[i] = -INFINITY;
        notes->sum[i] = 0.0;
    }
    for (int64_t i = 0; i < strip->rows; i += CELL_ROWS) {
        loss_tile cell = part_of(strip, i, 0, CELL_ROWS, STRIP_COLUMNS);

        exponentials_cell(&cell, factor, shift, precision, element(precision, e, i * e_pitch), e_pitch, notes->best + i,
                          notes->sum + i, column_sum);
    }
}

/* A block: some strips of up to BLOCK_ROWS rows, shared by the threads. */
static void exponentials_block(const loss_tile *block, float factor, float shift, qctx_precision precision, void *e,
                               int64_t e_pitch, float *best, double *row_sum, double *column_sum)
{
    int64_t strips = (block->cols + STRIP_COLUMNS - 1) / STRIP_COLUMNS;
    tile_notes notes[BLOCK_STRIPS];

#pragma omp parallel for schedule(static) if (block->rows * block->cols > TILE_ALONE)
    for (int64_t s = 0; s < strips; s++) {
        int64_t j = s * STRIP_COLUMNS;
        loss_tile strip = part_of(block, 0, j, block->rows, STRIP_COLUMNS);

        exponentials_strip(&strip, factor, shift, precision, element(precision, e, j), e_pitch,
                           column_sum == NULL ? NULL : column_sum + j, notes + s);
    }
    for (int64_t s = 0; s < strips; s++)
        for (int64_t i = 0; i < block->rows; i++) {
            if (best != NULL)
                best[i] = larger(best[i], notes[s].best[i]);
            if (row_sum != NULL)
                row_sum[i] += notes[s].sum[i];
        }
}

void loss_tile_exponentials(const loss_tile *tile, double scale, double shift, qctx_precision precision, void *e,
                            int64_t e_pitch, float *best, double *row_sum, double *column_sum)
{
    const int64_t columns = (int64_t)BLOCK_STRIPS * STRIP_COLUMNS;

    for (int64_t i = 0; i < tile->rows; i += BLOCK_ROWS)
        for (int64_t j = 0; j < tile->cols; j += columns) {
            loss_tile block = part_of(tile, i, j, BLOCK_ROWS, columns);

            exponentials_block(&block, (float)(scale * PER_OCTAVE), (float)(shift * PER_OCTAVE), precision,
                               element(precision, e, i * e_pitch + j), e_pitch, best == NULL ? NULL : best + i,
                               row_sum == NULL ? NULL : row_sum + i, column_sum == NULL ? NULL : column_sum + j);
        }
}

QCTX_MULTIVERSION
static void gradient_row(const float *e, int64_t cols, float by_row, const float *by_column, float *g)
{
#pragma omp simd
    for (int64_t j = 0; j < cols; j++)
        g[j] = e[j] * (by_row + by_column[j]);
}

QCTX_MULTIVERSION
static void gradient_row_bfloat16(const qctx_bfloat16 *e, int64_t cols, float by_row, const float *by_column,
                                  qctx_bfloat16 *g)
{
#pragma omp simd
    for (int64_t j = 0; j < cols; j++)
        g[j] = qctx_to_bfloat16(qctx_from_bfloat16(e[j]) * (by_row + by_column[j]));
}

void loss_tile_gradient(int64_t rows, int64_t cols, const float *by_row, const float *by_column,
                        qctx_precision precision, const void *e, int64_t e_pitch, void *g, int64_t g_pitch)
{
#pragma omp parallel for schedule(static) if (rows * cols > TILE_ALONE)
    for (int64_t i = 0; i < rows; i++) {
        if (precision == QCTX_PRECISION_BFLOAT16)
            gradient_row_bfloat16((const qctx_bfloat16 *)e + i * e_pitch, cols, by_row[i], by_column,
                                  (qctx_bfloat16 *)g + i * g_pitch);
        else
            gradient_row((const float *)e + i * e_pitch, cols, by_row[i], by_column, (float *)g + i * g_pitch);
    }
}

/* A row in pieces of a strip: floats first, for a loop of mixed widths takes twice the time, then rounded. */
QCTX_MULTIVERSION
static void again_row_bfloat16(const float *x, int64_t cols, float factor, float shift, float by_row,
                               const float *by_column, qctx_bfloat16 *g)
{
    float values[STRIP_COLUMNS];

    for (int64_t from = 0; from < cols; from += STRIP_COLUMNS) {
        int64_t width = qctx_smaller(STRIP_COLUMNS, cols - from);

#pragma omp simd
        for (int64_t j = 0; j < width; j++)
            values[j] = qctx_exp2f(factor * x[from + j] - shift);
#pragma omp simd
        for (int64_t j = 0; j < width; j++)
            g[from + j] =
                qctx_to_bfloat16(qctx_from_bfloat16(qctx_to_bfloat16(values[j])) * (by_row + by_column[from + j]));
    }
}

QCTX_MULTIVERSION
static void again_row(const float *x, int64_t cols, float factor, float shift, float by_row, const float *by_column,
                      float *g)
{
#pragma omp simd
    for (int64_t j = 0; j < cols; j++)
        g[j] = qctx_exp2f(factor * x[j] - shift) * (by_row + by_column[j]);
}

void loss_tile_gradient_again(const loss_tile *tile, double scale, double shift, const float *by_row,
                              const float *by_column, qctx_precision precision, void *g, int64_t g_pitch)
{
    float factor = (float)(scale * PER_OCTAVE), octaves = (float)(shift * PER_OCTAVE);

#pragma omp parallel for schedule(static) if (tile->rows * tile->cols > TILE_ALONE)
    for (int64_t i = 0; i < tile->rows; i++) {
        const float *x = tile->x + i * tile->pitch;
        void *row = element(precision, g, i * g_pitch);

        if (precision == QCTX_PRECISION_BFLOAT16)
            again_row_bfloat16(x, tile->cols, factor, octaves, by_row[i], by_column, row);
        else
            again_row(x, tile->cols, factor, octaves, by_row[i], by_column, row);
    }
}

void loss_tile_set_diagonal(int64_t rows, int64_t cols, int64_t diagonal, const float *value, qctx_precision precision,
                            void *g, int64_t g_pitch)
{
    for (int64_t i = 0; i < rows; i++) {
        int64_t at = i * g_pitch + i + diagonal;

        if (i + diagonal < 0 || i + diagonal >= cols)
            continue;
        if (precision == QCTX_PRECISION_BFLOAT16)
            ((qctx_bfloat16 *)g)[at] = qctx_to_bfloat16(value[i]);
        else
            ((float *)g)[at] = value[i];
    }
}
