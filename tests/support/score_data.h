/* Rows of real numbers that are hard to rank, and their scores by plain loops in double. */
#ifndef QCTX_TESTS_ENGINE_SCORE_DATA_H
#define QCTX_TESTS_ENGINE_SCORE_DATA_H

#include "harness.h"

#include <math.h>
#include <stdlib.h>

#include "qctx/base/mem.h"
#include "qctx/base/rng.h"
#include "qctx/data/side.h"

typedef enum {
    ROWS_RANDOM,
    ROWS_CLUSTERED,   /* a few centres, with differences of the size of bfloat16's rounding */
    ROWS_NEARLY_TIED, /* contexts that differ by less than float32 products can tell */
    ROWS_EQUAL,       /* every context several times */
    ROWS_SIZES,       /* norms from 1e-36 to 1e36: products overflow and vanish */
    ROWS_BROKEN,      /* some rows with infinities and with what is not a number */
    ROWS_KINDS
} rows_kind;

static inline float rows_noise(qctx_side side, int64_t row, int64_t col)
{
    return (float)qctx_rng_uniform(17, QCTX_STREAM_SYNTH, (uint64_t)(side * 1000003 + row), (uint64_t)col) - 0.5f;
}

static inline float rows_value(rows_kind kind, qctx_side side, int64_t row, int64_t col)
{
    const float noise = rows_noise(side, row, col);

    switch (kind) {
    case ROWS_CLUSTERED:
        return rows_noise(1, row % 7, col) + 0.003f * noise;
    case ROWS_NEARLY_TIED:
        return side == 0 ? noise : rows_noise(1, 0, col) + 1e-7f * noise;
    case ROWS_EQUAL:
        return rows_noise(side, row % 11, col);
    case ROWS_SIZES:
        return noise * powf(10.0f, (float)(row * 13 % 73 - 36));
    case ROWS_BROKEN:
        return col == 1 && row % 50 == 7 ? NAN : col == 1 && row % 50 == 9 ? INFINITY : noise;
    default:
        return noise;
    }
}

/* rows [count, dim], the caller's to free(). */
static inline float *rows_make(rows_kind kind, qctx_side side, int64_t count, int64_t dim)
{
    float *values = qctx_alloc(count * dim, sizeof *values, "a test", NULL);

    for (int64_t i = 0; i < count * dim; i++)
        values[i] = rows_value(kind, side, i / dim, i % dim);
    return values;
}

/* What is not a number counts as the lowest score. */
static inline double rows_score(const float *question, const float *context, int64_t dim)
{
    double sum = 0.0;

    for (int64_t i = 0; i < dim; i++)
        sum += (double)question[i] * (double)context[i];
    return isnan(sum) ? -INFINITY : sum;
}

#endif
