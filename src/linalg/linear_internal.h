/* What the parts of a linear layer share: the packed form of its weights, the product with them, and what follows. */
#ifndef QCTX_LINALG_LINEAR_INTERNAL_H
#define QCTX_LINALG_LINEAR_INTERNAL_H

#include "qctx/linalg/linear.h"

/*
 * Packed weights: panels of LINEAR_COLS outputs, the last one filled up with zeros. A panel is `depth` lines of
 * LINEAR_COLS units, 4 bytes each: one float32 of each output, or two bfloat16 of neighbouring inputs.
 */
enum {
    LINEAR_COLS = 64,
    LINEAR_TILE = 6,    /* most rows whose sums of one panel are kept in registers */
    LINEAR_ROWS = 192,  /* rows worked at a time: their sums of one panel are 48 KB on the stack */
    LINEAR_DEPTH = 512, /* units of a panel worked at a time: 128 KB, which stay in the second cache */
};

/* Whether this CPU has the instructions of a tile, for a layer of this precision and input. Local. Cannot fail. */
bool linear_tile_fits(qctx_precision precision, int64_t input);

/*
 * sums [rows, LINEAR_COLS] = or += x·panel over `depth` units, of x [rows] with `stride` units from row to row; rows ≤
 * LINEAR_TILE. Each sum goes through the units in their order, however they are cut. Local. Cannot fail.
 */
void linear_tile(qctx_precision precision, int64_t rows, int64_t depth, const void *x, int64_t stride,
                 const void *panel, bool add, float *sums);

/* What becomes of a block of sums: y = function(sums + bias) + residual. */
typedef struct {
    int64_t rows, cols;
    float *sums; /* lost */
    int64_t sums_stride;
    const float *bias;     /* [cols] */
    const float *residual; /* or NULL; like y it has `stride` elements from row to row */
    qctx_precision y_type;
    void *y;
    int64_t stride;
} linear_block;

/* Finishes any block, in plain C. Local. Cannot fail. */
void linear_finish(qctx_linear_function function, const linear_block *block);

/* Finishes a block whose sums and bias go on to the end of the panel, as those of tiles do. Local. Cannot fail. */
void linear_finish_tile(qctx_linear_function function, const linear_block *block);

#endif
