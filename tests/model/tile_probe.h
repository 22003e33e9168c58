/*
 * What the tests of the passes over a tile share: random tiles of every tail, and outputs in either precision.
 */
#ifndef QCTX_TESTS_TILE_PROBE_H
#define QCTX_TESTS_TILE_PROBE_H

#include "harness.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/model/contrastive_tile.h"
#include "qctx/base/mem.h"
#include "qctx/base/rng.h"

/* Every tail of lanes, pieces, cells, bands, strips and blocks. */
static const int64_t shapes[][2] = {{1, 1},   {3, 15},   {31, 17},  {33, 255},   {64, 256},
                                    {7, 513}, {515, 40}, {5, 4099}, {150, 1100}, {2100, 3}};
enum { SHAPES = sizeof shapes / sizeof shapes[0], PAD = 5 };
static const qctx_precision precisions[] = {QCTX_PRECISION_FLOAT32, QCTX_PRECISION_BFLOAT16};

/* A tile, room for an output of either precision, and what rows and columns get, in the function and in its twin. */
typedef struct {
    loss_tile tile;
    void *out;
    float *best, *row_max, *column_max, *by_row, *by_column;
    double *row_sum, *column_sum;
} sample;

static inline void *room(int64_t count, size_t size)
{
    void *memory = qctx_alloc(count, size, "a test", NULL);

    assert_non_null(memory);
    return memory;
}

static inline double uniform(uint64_t stream, int64_t k)
{
    return 2.0 * qctx_rng_uniform(7, QCTX_STREAM_SYNTH, stream, (uint64_t)k) - 1.0;
}

/* Random dot products in ±1, every ninth masked; 8 and 5 stand outside the tile and must stay. */
static inline sample make_sample(const int64_t shape[2])
{
    int64_t rows = shape[0], cols = shape[1], pitch = cols + PAD;
    sample s = {{room(rows * pitch, sizeof(float)), pitch, rows, cols},
                room(rows * pitch, sizeof(float)),
                room(rows, sizeof(float)),
                room(rows, sizeof(float)),
                room(cols, sizeof(float)),
                room(rows, sizeof(float)),
                room(cols, sizeof(float)),
                room(rows, sizeof(double)),
                room(cols, sizeof(double))};

    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < pitch; j++)
            s.tile.x[i * pitch + j] = j >= cols              ? 8.0f
                                      : (i * 7 + j) % 9 == 0 ? -INFINITY
                                                             : (float)uniform(0, i * cols + j);
    for (int64_t i = 0; i < rows; i++) {
        s.best[i] = i % 2 == 0 ? -FLT_MAX : 0.9f;
        s.row_max[i] = -FLT_MAX;
        s.by_row[i] = (float)(1.5 + uniform(1, i));
        s.row_sum[i] = i % 3 == 0 ? 0.0 : 2.0;
    }
    for (int64_t j = 0; j < cols; j++) {
        s.column_max[j] = -FLT_MAX;
        s.by_column[j] = (float)(1.5 + uniform(2, j));
        s.column_sum[j] = j % 3 == 0 ? 0.0 : 3.0;
    }
    return s;
}

static inline void free_sample(sample *s)
{
    free(s->tile.x);
    free(s->out);
    free(s->best);
    free(s->row_max);
    free(s->column_max);
    free(s->by_row);
    free(s->by_column);
    free(s->row_sum);
    free(s->column_sum);
}

static inline double entry(const sample *s, int64_t i, int64_t j)
{
    return (double)s->tile.x[i * s->tile.pitch + j];
}

static inline float stored(qctx_precision precision, const void *array, int64_t at)
{
    return precision == QCTX_PRECISION_BFLOAT16 ? qctx_from_bfloat16(((const qctx_bfloat16 *)array)[at])
                                                : ((const float *)array)[at];
}

/* Relative, for values that may be tiny. */
static inline void assert_near(double actual, double expected, double bound)
{
    assert_true(fabs(actual - expected) <= bound * fabs(expected) + 1e-35);
}

/* What is beyond the columns of the output must stay 0. */
static inline void assert_padding(const sample *s, qctx_precision precision)
{
    for (int64_t i = 0; i < s->tile.rows; i++)
        for (int64_t j = s->tile.cols; j < s->tile.pitch; j++)
            assert_true(stored(precision, s->out, i * s->tile.pitch + j) == 0.0f);
}

/* Rounding of bfloat16, beside `bound` of float32. */
static inline double bound_of(qctx_precision precision, double bound)
{
    return precision == QCTX_PRECISION_BFLOAT16 ? bound + 0x1p-8 : bound;
}

#endif
