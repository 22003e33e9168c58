/* The pass of sigmoid: every entry by itself. */
#include <math.h>

#include "contrastive_tile_internal.h"
#include "qctx/base/multiversion.h"
#include "qctx/base/order.h"
#include "qctx/base/vector_math.h"

/* What a band adds up beside its rows' maxima. */
typedef struct {
    double loss;
    double g;
} sigmoid_sums;

/* One entry of a row; the lanes of `lanes` sum the loss, those of g_sum the gradient. */
static inline void take_entry(const float *x, float scale, float bias, const float *tail, float *g, float *g_sum,
                              tile_lanes *lanes, int64_t j, int64_t k)
{
    float dot = x[j + k], softplus, value = qctx_sigmoid_of_tail(scale * dot + bias, tail[j + k], &softplus);

    g[j + k] = value;
    g_sum[k] += value;
    lanes->best[k] = larger(lanes->best[k], dot);
    lanes->sum[k] += softplus;
}

/* A piece of a row. */
QCTX_MULTIVERSION
static void sigmoid_piece(const float *x, int64_t cols, float scale, float bias, float *best, qctx_precision precision,
                          void *g, sigmoid_sums *sums)
{
    int64_t whole = cols - cols % TILE_LANES;
    float tail[PIECE_COLUMNS], values[PIECE_COLUMNS], g_sum[TILE_LANES] = {0.0f}, g_total = 0.0f;
    float *out = g != NULL && precision == QCTX_PRECISION_FLOAT32 ? g : values;
    tile_lanes lanes = lanes_from(*best);

    /* In two loops, for one long chain of operations an entry would keep the units waiting. */
#pragma omp simd
    for (int64_t j = 0; j < cols; j++)
        tail[j] = qctx_exp2f_below(fabsf(scale * x[j] + bias) * (float)-PER_OCTAVE);
    for (int64_t j = 0; j < whole; j += TILE_LANES)
#pragma omp simd
        for (int64_t k = 0; k < TILE_LANES; k++)
            take_entry(x, scale, bias, tail, out, g_sum, &lanes, j, k);
    for (int64_t k = 0; k < cols - whole; k++)
        take_entry(x, scale, bias, tail, out, g_sum, &lanes, whole, k);
    if (g != NULL && precision == QCTX_PRECISION_BFLOAT16)
        round_row(values, cols, g);
    for (int64_t k = 0; k < TILE_LANES; k++)
        g_total += g_sum[k];
    join_lanes(&lanes);
    *best = lanes.best[0];
    sums->loss += (double)lanes.sum[0];
    sums->g += (double)g_total;
}

static sigmoid_sums sigmoid_band(const loss_tile *band, float scale, float bias, float *best, qctx_precision precision,
                                 void *g, int64_t g_pitch)
{
    sigmoid_sums sums = {0.0, 0.0};

    for (int64_t i = 0; i < band->rows; i++) {
        float top = -INFINITY;

        for (int64_t j = 0; j < band->cols; j += PIECE_COLUMNS)
            sigmoid_piece(band->x + i * band->pitch + j, qctx_smaller(PIECE_COLUMNS, band->cols - j), scale, bias, &top,
                          precision, element(precision, g, i * g_pitch + j), &sums);
        if (best != NULL)
            best[i] = larger(best[i], top);
    }
    return sums;
}

/* Some bands, shared by the threads. */
static sigmoid_sums sigmoid_bands(const loss_tile *part, float scale, float bias, float *best, qctx_precision precision,
                                  void *g, int64_t g_pitch)
{
    int64_t bands = qctx_divide_up(part->rows, BAND_ROWS);
    sigmoid_sums of[BANDS_AT_ONCE], total = {0.0, 0.0};

#pragma omp parallel for schedule(static) if (part->rows * part->cols > LOSS_ALONE)
    for (int64_t b = 0; b < bands; b++) {
        int64_t i = b * BAND_ROWS;
        loss_tile band = part_of(part, i, 0, BAND_ROWS, part->cols);

        of[b] = sigmoid_band(&band, scale, bias, best == NULL ? NULL : best + i, precision,
                             element(precision, g, i * g_pitch), g_pitch);
    }
    for (int64_t b = 0; b < bands; b++) {
        total.loss += of[b].loss;
        total.g += of[b].g;
    }
    return total;
}

double loss_tile_sigmoid(const loss_tile *tile, double scale, double bias, float *best, qctx_precision precision,
                         void *g, int64_t g_pitch, double *g_sum)
{
    const int64_t rows = (int64_t)BANDS_AT_ONCE * BAND_ROWS;
    double loss = 0.0;

    for (int64_t i = 0; i < tile->rows; i += rows) {
        loss_tile part = part_of(tile, i, 0, rows, tile->cols);
        sigmoid_sums sums = sigmoid_bands(&part, (float)scale, (float)bias, best == NULL ? NULL : best + i, precision,
                                          element(precision, g, i * g_pitch), g_pitch);

        loss += sums.loss;
        *g_sum += sums.g;
    }
    return loss;
}

double loss_sigmoid_own(double score, double *g)
{
    double tail = exp(-fabs(score));

    *g = -(score > 0.0 ? tail : 1.0) / (1.0 + tail);
    return fmax(-score, 0.0) + log1p(tail);
}
