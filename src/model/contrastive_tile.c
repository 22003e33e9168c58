#include "contrastive_tile.h"

#include <float.h>
#include <math.h>

#include "qctx/base/vector_math.h"

double loss_shift(double scale)
{
    return fmax(0.0, scale - 75.0);
}

/* The one store into either kind of array. */
static void store(qctx_precision precision, void *array, int64_t at, float value)
{
    if (precision == QCTX_PRECISION_BFLOAT16)
        ((qctx_bfloat16 *)array)[at] = qctx_to_bfloat16(value);
    else
        ((float *)array)[at] = value;
}

static float load(qctx_precision precision, const void *array, int64_t at)
{
    return precision == QCTX_PRECISION_BFLOAT16 ? qctx_from_bfloat16(((const qctx_bfloat16 *)array)[at])
                                                : ((const float *)array)[at];
}

void loss_tile_exponentials(const loss_tile *tile, float scale, float shift, qctx_precision precision, void *e,
                            int64_t e_pitch, float *best, double *row_sum, double *column_sum)
{
    for (int64_t i = 0; i < tile->rows; i++)
        for (int64_t j = 0; j < tile->cols; j++) {
            float x = tile->x[i * tile->pitch + j], value = qctx_expf(scale * x - shift);

            if (best != NULL && x > best[i])
                best[i] = x;
            if (row_sum != NULL)
                row_sum[i] += (double)value;
            if (column_sum != NULL)
                column_sum[j] += (double)value;
            if (e != NULL)
                store(precision, e, i * e_pitch + j, value);
        }
}

void loss_tile_gradient(int64_t rows, int64_t cols, const float *by_row, const float *by_column,
                        qctx_precision precision, const void *e, int64_t e_pitch, void *g, int64_t g_pitch)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < cols; j++)
            store(precision, g, i * g_pitch + j, load(precision, e, i * e_pitch + j) * (by_row[i] + by_column[j]));
}

void loss_tile_gradient_again(const loss_tile *tile, float scale, float shift, const float *by_row,
                              const float *by_column, qctx_precision precision, void *g, int64_t g_pitch)
{
    loss_tile_exponentials(tile, scale, shift, precision, g, g_pitch, NULL, NULL, NULL);
    loss_tile_gradient(tile->rows, tile->cols, by_row, by_column, precision, g, g_pitch, g, g_pitch);
}

bool loss_sums_are_safe(const double *sums, int64_t count)
{
    const double least = exp(-60.0), most = exp(87.0);

    for (int64_t k = 0; k < count; k++)
        if (!(sums[k] >= least && sums[k] <= most))
            return false;
    return true;
}

void loss_careful_join(float *max, double *sum, float other_max, double other_sum)
{
    float top = other_max > *max ? other_max : *max;

    *sum = *sum * exp((double)*max - (double)top) + other_sum * exp((double)other_max - (double)top);
    *max = top;
}

void loss_tile_careful_sums(const loss_tile *tile, float scale, float *best, float *row_max, double *row_sum,
                            float *column_max, double *column_sum)
{
    for (int64_t i = 0; i < tile->rows; i++)
        for (int64_t j = 0; j < tile->cols; j++) {
            float x = tile->x[i * tile->pitch + j];

            if (best != NULL && x > best[i])
                best[i] = x;
            loss_careful_join(row_max + i, row_sum + i, scale * x, 1.0);
            if (column_max != NULL)
                loss_careful_join(column_max + j, column_sum + j, scale * x, 1.0);
        }
}

void loss_tile_careful_gradient(const loss_tile *tile, float scale, const float *row_max, const float *by_row,
                                const float *column_max, const float *by_column, qctx_precision precision, void *g,
                                int64_t g_pitch)
{
    for (int64_t i = 0; i < tile->rows; i++)
        for (int64_t j = 0; j < tile->cols; j++) {
            float x = scale * tile->x[i * tile->pitch + j];

            store(precision, g, i * g_pitch + j,
                  qctx_expf(x - row_max[i]) * by_row[i] + qctx_expf(x - column_max[j]) * by_column[j]);
        }
}

double loss_tile_sigmoid(const loss_tile *tile, float scale, float bias, float *best, qctx_precision precision, void *g,
                         int64_t g_pitch, double *g_sum)
{
    double total = 0.0;

    for (int64_t i = 0; i < tile->rows; i++)
        for (int64_t j = 0; j < tile->cols; j++) {
            float x = tile->x[i * tile->pitch + j], z = scale * x + bias, tail = qctx_expf(-fabsf(z));
            float value = (z < 0.0f ? tail : 1.0f) / (1.0f + tail);

            if (best != NULL && x > best[i])
                best[i] = x;
            total += (double)(z > 0.0f ? z : 0.0f) + log1p((double)tail);
            *g_sum += (double)value;
            if (g != NULL)
                store(precision, g, i * g_pitch + j, value);
        }
    return total;
}

void loss_tile_set_diagonal(int64_t rows, int64_t cols, int64_t diagonal, const float *value, qctx_precision precision,
                            void *g, int64_t g_pitch)
{
    for (int64_t i = 0; i < rows; i++)
        if (i + diagonal >= 0 && i + diagonal < cols)
            store(precision, g, i * g_pitch + i + diagonal, value[i]);
}
