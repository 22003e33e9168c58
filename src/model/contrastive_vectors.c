#include <math.h>

#include "contrastive_internal.h"
#include "qctx/base/bfloat16.h"
#include "qctx/base/dot.h"
#include "qctx/base/multiversion.h"
#include "qctx/base/order.h"

enum {
    PIECE = 256, /* entries of a row that are worked at a time */
    BLOCK = 4096 /* of a sum that a thread takes at a time */
};

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

/* Entries from `at` on of row i of `unit`, as floats: its own, or widened into `room` [PIECE]. */
static const float *piece_of(qctx_precision precision, const void *unit, int64_t at, int64_t count, float *room)
{
    if (precision == QCTX_PRECISION_FLOAT32)
        return (const float *)unit + at;
    qctx_from_bfloat16_row((const qctx_bfloat16 *)unit + at, count, room);
    return room;
}

bool loss_normalize_back(qctx_precision precision, const void *unit, const double *inverse, int64_t rows, int64_t dim,
                         bool normalize, double factor, float *dx, double *along)
{
    int64_t bad = 0;

#pragma omp parallel for schedule(static) reduction(+ : bad)
    for (int64_t i = 0; i < rows; i++) {
        float room[PIECE];
        double dot = 0.0;

        for (int64_t k = 0; k < dim; k += PIECE) {
            int64_t count = qctx_smaller(PIECE, dim - k);

            dot += qctx_dot(piece_of(precision, unit, i * dim + k, count, room), dx + i * dim + k, count);
        }
        along[i] = factor * dot;
        for (int64_t k = 0; k < dim; k += PIECE) {
            int64_t count = qctx_smaller(PIECE, dim - k);

            bad += combine(factor * inverse[i], normalize ? along[i] * inverse[i] : 0.0,
                           piece_of(precision, unit, i * dim + k, count, room), count, dx + i * dim + k);
        }
        bad += !isfinite(along[i]);
    }
    return bad == 0;
}
