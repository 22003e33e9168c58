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

/* Every tail of lanes, pieces, cells, bands and column blocks; both precisions. */
enum { TILE_SHAPES = 10 };
extern const int64_t tile_shapes[TILE_SHAPES][2];
extern const qctx_precision tile_precisions[2];

/* A tile, room for an output of either precision, and what rows and columns get, in the function and in its twin. */
typedef struct {
    loss_tile tile;
    void *out;
    float *best, *row_max, *column_max, *by_row, *by_column;
    double *row_sum, *column_sum;
} sample;

/* Zeroed elements; the caller frees them. */
void *tile_array(int64_t count, size_t size);

/* Random number k of a stream, in ±1. */
double tile_uniform(uint64_t stream, int64_t k);

/* Random dot products in ±1, every ninth masked; 8 and 5 stand outside the tile and must stay. */
sample tile_sample(const int64_t shape[2]);

void tile_free(sample *s);

/* The dot product at (i, j), and an element of an array in `precision`. */
double tile_entry(const sample *s, int64_t i, int64_t j);
float tile_stored(qctx_precision precision, const void *array, int64_t at);

/* Relative, for values that may be tiny. */
void tile_assert_near(double actual, double expected, double bound);

/* What is beyond the columns of the output must stay 0. */
void tile_assert_padding(const sample *s, qctx_precision precision);

/* Rounding of bfloat16, beside `bound` of float32. */
double tile_bound(qctx_precision precision, double bound);

#endif
