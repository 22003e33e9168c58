/* The arithmetic of the scheme `full`, on one row or one column block. */
#include <float.h>

#include "contrastive_full.h"
#include "qctx/base/multiversion.h"
#include "qctx/base/order.h"
#include "qctx/base/vector_math.h"

/* Columns summed in float32 before the sum goes into a double; rows likewise in a column block. */
enum { PIECE = 512, TILE = 32 };
/* Maxima kept side by side. */
enum { LANES = 64 };

/* exp of anything lower adds nothing to a float32 sum that holds a 1; as 0 it spares the products denormal numbers. */
static const float LOWEST = -64.0f;

/* exp(x) for x ≤ 0, exactly 1 at 0, exactly 0 below LOWEST. */
static inline float exp_below(float x)
{
    return x < LOWEST ? 0.0f : qctx_expf(x);
}

/*
 * The maximum starts at −FLT_MAX, not at −infinity: where all is masked so far, x − max must not be ∞ − ∞. Lanes are
 * written out, for clang takes no maximum as a reduction without leave to forget NaN.
 */
static inline float row_max(const float *x, int64_t count)
{
    float lanes[LANES], top = -FLT_MAX;
    int64_t whole = count - count % LANES;

    for (int64_t k = 0; k < LANES; k++)
        lanes[k] = -FLT_MAX;
    for (int64_t j = 0; j < whole; j += LANES)
#pragma omp simd
        for (int64_t k = 0; k < LANES; k++)
            lanes[k] = x[j + k] > lanes[k] ? x[j + k] : lanes[k];
    for (int64_t k = 0; k < LANES; k++)
        top = lanes[k] > top ? lanes[k] : top;
    for (int64_t j = whole; j < count; j++)
        top = x[j] > top ? x[j] : top;
    return top;
}

QCTX_MULTIVERSION
void loss_row_sum(const float *x, int64_t count, float *max, double *sum)
{
    float top = row_max(x, count);
    double total = 0.0;

    for (int64_t from = 0; from < count; from += PIECE) {
        int64_t to = qctx_smaller(from + PIECE, count);
        float part = 0.0f;

#pragma omp simd reduction(+ : part)
        for (int64_t j = from; j < to; j++)
            part += exp_below(x[j] - top);
        total += (double)part;
    }
    *max = top;
    *sum = total;
}

QCTX_MULTIVERSION
void loss_column_sums(const float *x, int64_t pitch, int64_t rows, int64_t width, float *max, double *sum)
{
    float top[LOSS_COLUMN_BLOCK], part[LOSS_COLUMN_BLOCK];

    for (int64_t j = 0; j < width; j++) {
        max[j] = -FLT_MAX;
        sum[j] = 0.0;
    }
    for (int64_t from = 0; from < rows; from += TILE) {
        int64_t to = qctx_smaller(from + TILE, rows);

        for (int64_t j = 0; j < width; j++) {
            top[j] = max[j];
            part[j] = 0.0f;
        }
        for (int64_t i = from; i < to; i++)
#pragma omp simd
            for (int64_t j = 0; j < width; j++)
                top[j] = x[i * pitch + j] > top[j] ? x[i * pitch + j] : top[j];
        for (int64_t i = from; i < to; i++)
#pragma omp simd
            for (int64_t j = 0; j < width; j++)
                part[j] += exp_below(x[i * pitch + j] - top[j]);
        for (int64_t j = 0; j < width; j++) {
            sum[j] = sum[j] * (double)exp_below(max[j] - top[j]) + (double)part[j];
            max[j] = top[j];
        }
    }
}

QCTX_MULTIVERSION
void loss_column_mass(const float *x, int64_t pitch, int64_t rows, int64_t width, double *sum)
{
    for (int64_t j = 0; j < width; j++)
        sum[j] = 0.0;
    for (int64_t i = 0; i < rows; i++)
#pragma omp simd
        for (int64_t j = 0; j < width; j++)
            sum[j] += (double)x[i * pitch + j];
}

QCTX_MULTIVERSION
int64_t loss_count_from(const float *x, int64_t count, float bound)
{
    int64_t found = 0;

#pragma omp simd reduction(+ : found)
    for (int64_t j = 0; j < count; j++)
        found += x[j] >= bound;
    return found;
}

QCTX_MULTIVERSION
void loss_row_softmax(float *x, int64_t count, float max, float inverse)
{
#pragma omp simd
    for (int64_t j = 0; j < count; j++)
        x[j] = exp_below(x[j] - max) * inverse;
}

QCTX_MULTIVERSION
void loss_column_softmax(float *x, int64_t count, const float *max, const float *inverse)
{
#pragma omp simd
    for (int64_t j = 0; j < count; j++)
        x[j] = exp_below(x[j] - max[j]) * inverse[j];
}

QCTX_MULTIVERSION
void loss_both_softmax(float *x, int64_t count, float row_max, float row_inverse, const float *max,
                       const float *inverse)
{
#pragma omp simd
    for (int64_t j = 0; j < count; j++)
        x[j] = exp_below(x[j] - row_max) * row_inverse + exp_below(x[j] - max[j]) * inverse[j];
}

/* log softmax by row + log softmax by column; the maxima are subtracted first, where the difference is nearly exact. */
static inline float log_softmaxes(float x, float row_max, float row_log_sum, float column_max, float column_log_sum)
{
    return (x - row_max) + (x - column_max) - (row_log_sum + column_log_sum);
}

QCTX_MULTIVERSION
double loss_agreement(const float *x, const float *t, int64_t count, float row_max, float row_log_sum,
                      const loss_softmax *columns)
{
    const float *max = columns->max, *log_sum = columns->log_sum;
    double total = 0.0;

    for (int64_t from = 0; from < count; from += PIECE) {
        int64_t to = qctx_smaller(from + PIECE, count);
        float part = 0.0f;

#pragma omp simd reduction(+ : part)
        for (int64_t j = from; j < to; j++)
            part += t[j] * log_softmaxes(x[j], row_max, row_log_sum, max[j], log_sum[j]);
        total += (double)part;
    }
    return total;
}

QCTX_MULTIVERSION
void loss_soft_gradient(float *x, float *t, int64_t from, int64_t count, int64_t row, const loss_full *loss)
{
    const float *max = loss->by_column.max + from, *inverse = loss->by_column.inverse + from;
    const float *log_sum = loss->by_column.log_sum + from, *mass = loss->target_mass + from;
    float row_max = loss->by_row.max[row], row_inverse = loss->by_row.inverse[row];
    float row_log_sum = loss->by_row.log_sum[row], agreement = loss->agreement[row];

#pragma omp simd
    for (int64_t j = 0; j < count; j++) {
        float u = log_softmaxes(x[j], row_max, row_log_sum, max[j], log_sum[j]);
        float by_row = exp_below(x[j] - row_max) * row_inverse;
        float by_column = exp_below(x[j] - max[j]) * inverse[j];

        x[j] = by_row + mass[j] * by_column - 2.0f * t[j];
        t[j] = t[j] * (agreement - u);
    }
}
