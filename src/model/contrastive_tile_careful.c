#include <float.h>
#include <math.h>

#include "contrastive_tile_internal.h"
#include "qctx/base/multiversion.h"
#include "qctx/base/order.h"
#include "qctx/base/vector_math.h"

/*
 * This way is rare, and its columns have more to keep than a sum: threads take strips of one piece, and what strips
 * note of rows is joined in their order.
 */
enum { BLOCK_ROWS = 512, BLOCK_STRIPS = 16 };

/* What a strip found for the rows of a block. */
typedef struct {
    float best[BLOCK_ROWS];
    double sum[BLOCK_ROWS];
} strip_notes;

void loss_careful_join(float *max, double *sum, float other_max, double other_sum)
{
    float top = larger(*max, other_max);

    *sum = *sum * exp((double)*max - (double)top) + other_sum * exp((double)other_max - (double)top);
    *max = top;
}

/* The largest score of a row from its largest dot product; finite, so that no ∞ − ∞ arises where all is masked. */
static inline float top_score(float scale, float best)
{
    return larger(-FLT_MAX, scale * best);
}

/* The maxima of a cell: best [rows] of the dot products, top [cols] of the scores. */
QCTX_MULTIVERSION
static void cell_maxima(const loss_tile *cell, float scale, float *best, float *top)
{
    for (int64_t j = 0; j < cell->cols; j++)
        top[j] = -FLT_MAX;
    for (int64_t i = 0; i < cell->rows; i++) {
        const float *x = cell->x + i * cell->pitch;
        float largest = -INFINITY;

#pragma omp simd
        for (int64_t j = 0; j < cell->cols; j++)
            top[j] = larger(top[j], scale * x[j]);
        for (int64_t j = 0; j < cell->cols; j++)
            largest = larger(largest, x[j]);
        best[i] = largest;
    }
}

/* Σ exp(score − maximum) of a cell by row [rows] and by column [cols]. */
QCTX_MULTIVERSION
static void cell_sums(const loss_tile *cell, float scale, const float *best, const float *top, double *row_sum,
                      float *column_sum)
{
    for (int64_t j = 0; j < cell->cols; j++)
        column_sum[j] = 0.0f;
    for (int64_t i = 0; i < cell->rows; i++) {
        const float *x = cell->x + i * cell->pitch;
        float max = top_score(scale, best[i]), values[PIECE_COLUMNS];
        double sum = 0.0;

#pragma omp simd
        for (int64_t j = 0; j < cell->cols; j++) {
            values[j] = qctx_expf(scale * x[j] - max);
            column_sum[j] += qctx_expf(scale * x[j] - top[j]);
        }
        for (int64_t j = 0; j < cell->cols; j++)
            sum += (double)values[j];
        row_sum[i] = sum;
    }
}

/* A strip of a block, cell by cell; its rows' maxima of dot products and sums go to the notes. */
static void careful_strip(const loss_tile *strip, float scale, float *column_max, double *column_sum,
                          strip_notes *notes)
{
    for (int64_t from = 0; from < strip->rows; from += CELL_ROWS) {
        loss_tile cell = part_of(strip, from, 0, CELL_ROWS, PIECE_COLUMNS);
        float top[PIECE_COLUMNS], part[PIECE_COLUMNS];

        cell_maxima(&cell, scale, notes->best + from, top);
        cell_sums(&cell, scale, notes->best + from, top, notes->sum + from, part);
        for (int64_t j = 0; column_max != NULL && j < cell.cols; j++)
            loss_careful_join(column_max + j, column_sum + j, top[j], (double)part[j]);
    }
}

static void careful_block(const loss_tile *block, float scale, float *row_max, double *row_sum, float *column_max,
                          double *column_sum)
{
    int64_t strips = qctx_divide_up(block->cols, PIECE_COLUMNS);
    strip_notes notes[BLOCK_STRIPS];

#pragma omp parallel for schedule(static) if (block->rows * block->cols > TILE_ALONE)
    for (int64_t s = 0; s < strips; s++) {
        int64_t j = s * PIECE_COLUMNS;
        loss_tile strip = part_of(block, 0, j, block->rows, PIECE_COLUMNS);

        careful_strip(&strip, scale, column_max == NULL ? NULL : column_max + j,
                      column_sum == NULL ? NULL : column_sum + j, notes + s);
    }
    for (int64_t s = 0; s < strips; s++)
        for (int64_t i = 0; i < block->rows; i++)
            loss_careful_join(row_max + i, row_sum + i, top_score(scale, notes[s].best[i]), notes[s].sum[i]);
}

void loss_tile_careful_sums(const loss_tile *tile, double scale, float *row_max, double *row_sum, float *column_max,
                            double *column_sum)
{
    const int64_t columns = (int64_t)BLOCK_STRIPS * PIECE_COLUMNS;

    for (int64_t i = 0; i < tile->rows; i += BLOCK_ROWS)
        for (int64_t j = 0; j < tile->cols; j += columns) {
            loss_tile block = part_of(tile, i, j, BLOCK_ROWS, columns);

            careful_block(&block, (float)scale, row_max + i, row_sum + i, column_max == NULL ? NULL : column_max + j,
                          column_sum == NULL ? NULL : column_sum + j);
        }
}

QCTX_MULTIVERSION
static void careful_gradient_row(const float *x, int64_t cols, float scale, float row_max, float by_row,
                                 const float *column_max, const float *by_column, float *g)
{
#pragma omp simd
    for (int64_t j = 0; j < cols; j++) {
        float score = scale * x[j];

        g[j] = qctx_expf(score - row_max) * by_row + qctx_expf(score - column_max[j]) * by_column[j];
    }
}

/* A row in pieces, so that it can be rounded from a buffer. */
static void careful_gradient(const float *x, int64_t cols, float scale, float row_max, float by_row,
                             const float *column_max, const float *by_column, qctx_precision precision, void *g)
{
    for (int64_t j = 0; j < cols; j += PIECE_COLUMNS) {
        int64_t width = qctx_smaller(PIECE_COLUMNS, cols - j);
        float values[PIECE_COLUMNS];
        float *out = precision == QCTX_PRECISION_FLOAT32 ? (float *)g + j : values;

        careful_gradient_row(x + j, width, scale, row_max, by_row, column_max + j, by_column + j, out);
        if (precision == QCTX_PRECISION_BFLOAT16)
            round_row(values, width, (qctx_bfloat16 *)g + j);
    }
}

void loss_tile_careful_gradient(const loss_tile *tile, double scale, const float *row_max, const float *by_row,
                                const float *column_max, const float *by_column, qctx_precision precision, void *g,
                                int64_t g_pitch)
{
#pragma omp parallel for schedule(static) if (tile->rows * tile->cols > TILE_ALONE)
    for (int64_t i = 0; i < tile->rows; i++)
        careful_gradient(tile->x + i * tile->pitch, tile->cols, (float)scale, row_max[i], by_row[i], column_max,
                         by_column, precision, element(precision, g, i * g_pitch));
}
