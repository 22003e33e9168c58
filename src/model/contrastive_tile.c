/* The passes with one shift for all of S, and what belongs to all of them: the scale, the shift, sums, the diagonal. */
#include "contrastive_tile.h"

#include <math.h>

#include "contrastive_tile_internal.h"
#include "qctx/base/multiversion.h"
#include "qctx/base/order.h"
#include "qctx/base/vector_math.h"

/* Whole cache lines, and one more: rows a power of two apart would fall into the same few sets of a cache. */
int64_t loss_tile_pitch(int64_t cols)
{
    const int64_t line = 16;

    return (qctx_divide_up(cols, line) + 1) * line;
}

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

bool loss_sums_are_finite(const double *sums, int64_t count)
{
    for (int64_t k = 0; k < count; k++)
        if (!isfinite(sums[k]))
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

/* A piece of a row. */
static inline void take_piece(const float *x, int64_t cols, float factor, float shift, float *e, float *column,
                              tile_lanes *lanes)
{
    int64_t whole = cols - cols % TILE_LANES;

    for (int64_t j = 0; j < whole; j += TILE_LANES)
#pragma omp simd
        for (int64_t k = 0; k < TILE_LANES; k++)
            take_entry(x, factor, shift, e, column, lanes, j, k);
    for (int64_t k = 0; k < cols - whole; k++)
        take_entry(x, factor, shift, e, column, lanes, whole, k);
}

/* A cell; e is NULL for none. best and sum [rows] and column_sum [cols] are added to. */
QCTX_MULTIVERSION
static void exponentials_cell(const loss_tile *cell, float factor, float shift, qctx_precision precision, void *e,
                              int64_t e_pitch, float *best, double *sum, double *column_sum)
{
    float column[BLOCK_COLUMNS] = {0.0f}, values[PIECE_COLUMNS];

    for (int64_t i = 0; i < cell->rows; i++)
        for (int64_t j = 0; j < cell->cols; j += PIECE_COLUMNS) {
            int64_t width = qctx_smaller(PIECE_COLUMNS, cell->cols - j);
            void *row = element(precision, e, i * e_pitch + j);
            tile_lanes lanes = lanes_from(best[i]);

            take_piece(cell->x + i * cell->pitch + j, width, factor, shift,
                       row != NULL && precision == QCTX_PRECISION_FLOAT32 ? row : values, column + j, &lanes);
            if (row != NULL && precision == QCTX_PRECISION_BFLOAT16)
                round_row(values, width, row);
            join_lanes(&lanes);
            best[i] = lanes.best[0];
            sum[i] += (double)lanes.sum[0];
        }
    for (int64_t j = 0; j < cell->cols; j++)
        column_sum[j] += (double)column[j];
}

/* A band of a column block, cell by cell; column_sum [cols] is this band's own. */
static void exponentials_band(const loss_tile *band, float factor, float shift, qctx_precision precision, void *e,
                              int64_t e_pitch, float *best, double *row_sum, double *column_sum)
{
    float top[BAND_ROWS];
    double sum[BAND_ROWS] = {0.0};

    for (int64_t i = 0; i < band->rows; i++)
        top[i] = -INFINITY;
    for (int64_t j = 0; j < band->cols; j++)
        column_sum[j] = 0.0;
    for (int64_t i = 0; i < band->rows; i += CELL_ROWS) {
        loss_tile cell = part_of(band, i, 0, CELL_ROWS, BLOCK_COLUMNS);

        exponentials_cell(&cell, factor, shift, precision, element(precision, e, i * e_pitch), e_pitch, top + i,
                          sum + i, column_sum);
    }
    for (int64_t i = 0; best != NULL && i < band->rows; i++)
        best[i] = larger(best[i], top[i]);
    for (int64_t i = 0; row_sum != NULL && i < band->rows; i++)
        row_sum[i] += sum[i];
}

/* Some bands of a column block, shared by the threads. */
static void exponentials_bands(const loss_tile *part, float factor, float shift, qctx_precision precision, void *e,
                               int64_t e_pitch, float *best, double *row_sum, double *column_sum)
{
    int64_t bands = qctx_divide_up(part->rows, BAND_ROWS);
    double sums[BANDS_AT_ONCE][BLOCK_COLUMNS];

#pragma omp parallel for schedule(static) if (part->rows * part->cols > LOSS_ALONE)
    for (int64_t b = 0; b < bands; b++) {
        int64_t i = b * BAND_ROWS;
        loss_tile band = part_of(part, i, 0, BAND_ROWS, BLOCK_COLUMNS);

        exponentials_band(&band, factor, shift, precision, element(precision, e, i * e_pitch), e_pitch,
                          best == NULL ? NULL : best + i, row_sum == NULL ? NULL : row_sum + i, sums[b]);
    }
    for (int64_t b = 0; column_sum != NULL && b < bands; b++)
        for (int64_t j = 0; j < part->cols; j++)
            column_sum[j] += sums[b][j];
}

void loss_tile_exponentials(const loss_tile *tile, double scale, double shift, qctx_precision precision, void *e,
                            int64_t e_pitch, float *best, double *row_sum, double *column_sum)
{
    const int64_t rows = (int64_t)BANDS_AT_ONCE * BAND_ROWS;

    for (int64_t j = 0; j < tile->cols; j += BLOCK_COLUMNS)
        for (int64_t i = 0; i < tile->rows; i += rows) {
            loss_tile part = part_of(tile, i, j, rows, BLOCK_COLUMNS);

            exponentials_bands(&part, (float)(scale * PER_OCTAVE), (float)(shift * PER_OCTAVE), precision,
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
#pragma omp parallel for schedule(static) if (rows * cols > LOSS_ALONE)
    for (int64_t i = 0; i < rows; i++) {
        if (precision == QCTX_PRECISION_BFLOAT16)
            gradient_row_bfloat16((const qctx_bfloat16 *)e + i * e_pitch, cols, by_row[i], by_column,
                                  (qctx_bfloat16 *)g + i * g_pitch);
        else
            gradient_row((const float *)e + i * e_pitch, cols, by_row[i], by_column, (float *)g + i * g_pitch);
    }
}

/* A row in pieces: floats first, for a loop of mixed widths takes twice the time, then rounded. */
QCTX_MULTIVERSION
static void again_row_bfloat16(const float *x, int64_t cols, float factor, float shift, float by_row,
                               const float *by_column, qctx_bfloat16 *g)
{
    float values[PIECE_COLUMNS];

    for (int64_t from = 0; from < cols; from += PIECE_COLUMNS) {
        int64_t width = qctx_smaller(PIECE_COLUMNS, cols - from);

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

#pragma omp parallel for schedule(static) if (tile->rows * tile->cols > LOSS_ALONE)
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
