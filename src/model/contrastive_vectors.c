#include "contrastive_vectors.h"

#include <math.h>

#include "qctx/base/bfloat16.h"
#include "qctx/base/dot.h"
#include "qctx/base/multiversion.h"
#include "qctx/base/order.h"

enum {
    PIECE = 256,  /* entries of a row that are worked at a time: they stay in the first cache */
    BLOCK = 4096, /* of a sum that a thread takes at a time */
    ALONE = 32768 /* entries that one thread works sooner than several begin */
};

/* unit [count] = x·factor. */
QCTX_MULTIVERSION
static void scale(const float *x, int64_t count, double factor, float *unit)
{
#pragma omp simd
    for (int64_t k = 0; k < count; k++)
        unit[k] = (float)((double)x[k] * factor);
}

/* One row in `precision`, in pieces. */
static void scale_row(qctx_precision precision, const float *x, int64_t dim, double factor, void *unit)
{
    for (int64_t k = 0; k < dim; k += PIECE) {
        int64_t count = qctx_smaller(PIECE, dim - k);
        float piece[PIECE];

        if (precision == QCTX_PRECISION_FLOAT32) {
            scale(x + k, count, factor, (float *)unit + k);
            continue;
        }
        scale(x + k, count, factor, piece);
        qctx_to_bfloat16_row(piece, count, (qctx_bfloat16 *)unit + k);
    }
}

void loss_normalize(qctx_precision precision, const float *x, int64_t rows, int64_t dim, bool normalize, void *unit,
                    double *inverse)
{
    int64_t row_bytes = dim * qctx_precision_bytes(precision);

#pragma omp parallel for schedule(static) if (rows * dim > ALONE)
    for (int64_t i = 0; i < rows; i++) {
        double square = normalize ? qctx_dot(x + i * dim, x + i * dim, dim) : 1.0;

        inverse[i] = square == 0.0 ? 0.0 : 1.0 / sqrt(square);
        scale_row(precision, x + i * dim, dim, inverse[i], (char *)unit + i * row_bytes);
    }
}

/* dx = by_dx·dx − by_unit·unit; returns how many of dx [count] are not finite. */
QCTX_MULTIVERSION
static int64_t combine(double by_dx, double by_unit, const float *unit, int64_t count, float *dx)
{
    int64_t bad = 0;

#pragma omp simd reduction(+ : bad)
    for (int64_t k = 0; k < count; k++) {
        dx[k] = (float)(by_dx * (double)dx[k] - by_unit * (double)unit[k]);
        bad += !(fabsf(dx[k]) <= 3.402823466e38f);
    }
    return bad;
}

/* Entries from `at` on of row i of `unit`, as floats: its own, or widened into `buffer` [PIECE]. */
static const float *piece_of(qctx_precision precision, const void *unit, int64_t at, int64_t count, float *buffer)
{
    if (precision == QCTX_PRECISION_FLOAT32)
        return (const float *)unit + at;
    qctx_from_bfloat16_row((const qctx_bfloat16 *)unit + at, count, buffer);
    return buffer;
}

bool loss_normalize_back(qctx_precision precision, const void *unit, const double *inverse, int64_t rows, int64_t dim,
                         bool normalize, double factor, float *dx, double *along)
{
    int64_t bad = 0;

#pragma omp parallel for schedule(static) reduction(+ : bad)
    for (int64_t i = 0; i < rows; i++) {
        float buffer[PIECE];
        double dot = 0.0;

        for (int64_t k = 0; k < dim; k += PIECE) {
            int64_t count = qctx_smaller(PIECE, dim - k);

            dot += qctx_dot(piece_of(precision, unit, i * dim + k, count, buffer), dx + i * dim + k, count);
        }
        along[i] = factor * dot;
        for (int64_t k = 0; k < dim; k += PIECE) {
            int64_t count = qctx_smaller(PIECE, dim - k);

            bad += combine(factor * inverse[i], normalize ? along[i] * inverse[i] : 0.0,
                           piece_of(precision, unit, i * dim + k, count, buffer), count, dx + i * dim + k);
        }
        bad += !isfinite(along[i]);
    }
    return bad == 0;
}

double loss_longest(const float *x, int64_t rows, int64_t dim)
{
    double most = 0.0;

#pragma omp parallel for schedule(static) reduction(max : most)
    for (int64_t i = 0; i < rows; i++) {
        double square = qctx_dot(x + i * dim, x + i * dim, dim);

        if (isfinite(square) && square > most)
            most = square;
    }
    return sqrt(most);
}

QCTX_MULTIVERSION
static void add(const float *restrict part, int64_t count, float *restrict sum)
{
#pragma omp simd
    for (int64_t k = 0; k < count; k++)
        sum[k] += part[k];
}

void loss_add(const float *part, int64_t count, float *sum)
{
#pragma omp parallel for schedule(static)
    for (int64_t k = 0; k < count; k += BLOCK)
        add(part + k, qctx_smaller(BLOCK, count - k), sum + k);
}
