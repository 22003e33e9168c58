/*
 * The passes with a maximum for each row and column. They are rare, and their columns have more to keep than a sum:
 * threads take column blocks of one piece, and what these find of rows is joined in their order.
 */
#include <float.h>
#include <math.h>

#include "contrastive_tile_internal.h"
#include "qctx/base/multiversion.h"
#include "qctx/base/order.h"
#include "qctx/base/vector_math.h"

enum { PART_ROWS = 512, PART_BLOCKS = 16 };

/* What a column block found for the rows of a part. */
typedef struct {
    float best[PART_ROWS];
    double sum[PART_ROWS];
} found_rows;

void loss_join_maxima(float *max, double *sum, float other_max, double other_sum)
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

/* A column block of a part, cell by cell; its rows' maxima of dot products, and sums, go to `found`. */
static void sum_block(const loss_tile *block, float scale, float *column_max, double *column_sum, found_rows *found)
{
    for (int64_t from = 0; from < block->rows; from += CELL_ROWS) {
        loss_tile cell = part_of(block, from, 0, CELL_ROWS, PIECE_COLUMNS);
        float top[PIECE_COLUMNS], part[PIECE_COLUMNS];

        cell_maxima(&cell, scale, found->best + from, top);
        cell_sums(&cell, scale, found->best + from, top, found->sum + from, part);
        for (int64_t j = 0; column_max != NULL && j < cell.cols; j++)
            loss_join_maxima(column_max + j, column_sum + j, top[j], (double)part[j]);
    }
}

/* Some rows of some column blocks, which are shared by the threads. */
static void sum_part(const loss_tile *part, float scale, float *row_max, double *row_sum, float *column_max,
                     double *column_sum)
{
    int64_t blocks = qctx_divide_up(part->cols, PIECE_COLUMNS);
    found_rows found[PART_BLOCKS];

#pragma omp parallel for schedule(static) if (part->rows * part->cols > LOSS_ALONE)
    for (int64_t b = 0; b < blocks; b++) {
        int64_t j = b * PIECE_COLUMNS;
        loss_tile block = part_of(part, 0, j, part->rows, PIECE_COLUMNS);

        sum_block(&block, scale, column_max == NULL ? NULL : column_max + j, column_sum == NULL ? NULL : column_sum + j,
                  found + b);
    }
    for (int64_t b = 0; b < blocks; b++)
        for (int64_t i = 0; i < part->rows; i++)
            loss_join_maxima(row_max + i, row_sum + i, top_score(scale, found[b].best[i]), found[b].sum[i]);
}

void loss_tile_sums_row_maxima(const loss_tile *tile, double scale, float *row_max, double *row_sum, float *column_max,
                               double *column_sum)
{
    const int64_t columns = (int64_t)PART_BLOCKS * PIECE_COLUMNS;

    for (int64_t i = 0; i < tile->rows; i += PART_ROWS)
        for (int64_t j = 0; j < tile->cols; j += columns) {
            loss_tile part = part_of(tile, i, j, PART_ROWS, columns);

            sum_part(&part, (float)scale, row_max + i, row_sum + i, column_max == NULL ? NULL : column_max + j,
                     column_sum == NULL ? NULL : column_sum + j);
        }
}

QCTX_MULTIVERSION
static void gradient_row(const float *x, int64_t cols, float scale, float row_max, float by_row,
                         const float *column_max, const float *by_column, float *g)
{
#pragma omp simd
    for (int64_t j = 0; j < cols; j++) {
        float score = scale * x[j];

        g[j] = qctx_expf(score - row_max) * by_row + qctx_expf(score - column_max[j]) * by_column[j];
    }
}

/* A row in pieces, so that it can be rounded from a buffer. */
static void gradient_pieces(const float *x, int64_t cols, float scale, float row_max, float by_row,
                            const float *column_max, const float *by_column, qctx_precision precision, void *g)
{
    for (int64_t j = 0; j < cols; j += PIECE_COLUMNS) {
        int64_t width = qctx_smaller(PIECE_COLUMNS, cols - j);
        float values[PIECE_COLUMNS];
        float *out = precision == QCTX_PRECISION_FLOAT32 ? (float *)g + j : values;

        gradient_row(x + j, width, scale, row_max, by_row, column_max + j, by_column + j, out);
        if (precision == QCTX_PRECISION_BFLOAT16)
            round_row(values, width, (qctx_bfloat16 *)g + j);
    }
}

void loss_tile_gradient_row_maxima(const loss_tile *tile, double scale, const float *row_max, const float *by_row,
                                   const float *column_max, const float *by_column, qctx_precision precision, void *g,
                                   int64_t g_pitch)
{
#pragma omp parallel for schedule(static) if (tile->rows * tile->cols > LOSS_ALONE)
    for (int64_t i = 0; i < tile->rows; i++)
        gradient_pieces(tile->x + i * tile->pitch, tile->cols, (float)scale, row_max[i], by_row[i], column_max,
                        by_column, precision, element(precision, g, i * g_pitch));
}
