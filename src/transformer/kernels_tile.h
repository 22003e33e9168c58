/*
 * A small product whose sums stay in registers: what attention multiplies is too small for a library's calls.
 *
 * Vectors of the compiler's own, for functions marked QCTX_MULTIVERSION: 64 bytes are one register of AVX-512, and as
 * many of a smaller kind as it takes elsewhere.
 */
#ifndef QCTX_TRANSFORMER_KERNELS_TILE_H
#define QCTX_TRANSFORMER_KERNELS_TILE_H

#include <stdint.h>

enum {
    LANES = 16,
    TILE_ROWS = 6,    /* most rows of a tile; tiles have 2, 4 or 6 */
    TILE_VECTORS = 4, /* most vectors of columns of a tile */
};

/* A vector as it stands in memory: at any address of a float. */
typedef float lanes __attribute__((vector_size(LANES * sizeof(float)), aligned(sizeof(float)), may_alias));

#define KERNEL_INLINE __attribute__((always_inline)) static inline

/* A length in floats, filled up to whole vectors. */
KERNEL_INLINE int64_t round_to_lanes(int64_t count)
{
    return (count + LANES - 1) / LANES * LANES;
}

KERNEL_INLINE float sum_of_lanes(const lanes *values)
{
    float sums[LANES / 2];

    for (int i = 0; i < LANES / 2; i++)
        sums[i] = (*values)[i] + (*values)[i + LANES / 2];
    for (int i = 0; i < LANES / 4; i++)
        sums[i] += sums[i + LANES / 4];
    return (sums[0] + sums[2]) + (sums[1] + sums[3]);
}

/* Lanes of two vectors, the second one's from LANES on: the step of a transpose that changes places `step` apart. */
#define LANE_OF_UPPER(step, lane) (((lane) & (step)) != 0 ? LANES + (lane) - (step) : (lane))
#define LANE_OF_LOWER(step, lane) (((lane) & (step)) != 0 ? LANES + (lane) : (lane) + (step))
#define LANES_OF(LANE, step)                                                                                           \
    LANE(step, 0), LANE(step, 1), LANE(step, 2), LANE(step, 3), LANE(step, 4), LANE(step, 5), LANE(step, 6),           \
        LANE(step, 7), LANE(step, 8), LANE(step, 9), LANE(step, 10), LANE(step, 11), LANE(step, 12), LANE(step, 13),   \
        LANE(step, 14), LANE(step, 15)
#define TRANSPOSE_STEP(block, step)                                                                                    \
    _Pragma("GCC unroll 16") for (int i = 0; i < LANES; i++) if ((i & (step)) == 0)                                    \
    {                                                                                                                  \
        const lanes upper = (block)[i], lower = (block)[i + (step)];                                                   \
                                                                                                                       \
        (block)[i] = __builtin_shufflevector(upper, lower, LANES_OF(LANE_OF_UPPER, step));                             \
        (block)[i + (step)] = __builtin_shufflevector(upper, lower, LANES_OF(LANE_OF_LOWER, step));                    \
    }

/* A square of LANES vectors, turned by Eklundh's algorithm (1972): blocks of 1, 2, 4 and 8 change places. */
KERNEL_INLINE void transpose_lanes(lanes block[LANES]){TRANSPOSE_STEP(block, 1) TRANSPOSE_STEP(block, 2)
                                                           TRANSPOSE_STEP(block, 4) TRANSPOSE_STEP(block, 8)}

/*
 * c [rows, vectors · LANES] = a [rows, depth] · b [depth, vectors · LANES]; rows and vectors are constants of each
 * call.
 */
KERNEL_INLINE void multiply_tile(const int rows, const int vectors, int64_t depth, const float *a, int64_t a_stride,
                                 const float *b, int64_t b_stride, float *c, int64_t c_stride)
{
    lanes sums[TILE_ROWS][TILE_VECTORS];

#pragma GCC unroll 6
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            sums[i][v] = (lanes){0};
    for (int64_t l = 0; l < depth; l++) {
        const lanes *line = (const lanes *)(b + l * b_stride);

#pragma GCC unroll 6
        for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++)
                sums[i][v] += a[i * a_stride + l] * line[v];
    }
#pragma GCC unroll 6
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            *(lanes *)(c + i * c_stride + v * LANES) = sums[i][v];
}

/* multiply_tile for a number of vectors that is known at run time, 1 to TILE_VECTORS. */
KERNEL_INLINE void multiply_vectors(const int rows, int64_t vectors, int64_t depth, const float *a, int64_t a_stride,
                                    const float *b, int64_t b_stride, float *c, int64_t c_stride)
{
    switch (vectors) {
    case 4:
        multiply_tile(rows, 4, depth, a, a_stride, b, b_stride, c, c_stride);
        break;
    case 3:
        multiply_tile(rows, 3, depth, a, a_stride, b, b_stride, c, c_stride);
        break;
    case 2:
        multiply_tile(rows, 2, depth, a, a_stride, b, b_stride, c, c_stride);
        break;
    default:
        multiply_tile(rows, 1, depth, a, a_stride, b, b_stride, c, c_stride);
    }
}

/*
 * c [rows, cols] = a [rows, depth] · b [depth, cols] for up to TILE_ROWS rows, an even number of them, and columns in
 * whole vectors.
 */
KERNEL_INLINE void multiply_rows(int64_t rows, int64_t cols, int64_t depth, const float *a, int64_t a_stride,
                                 const float *b, int64_t b_stride, float *c, int64_t c_stride)
{
    for (int64_t col = 0; col < cols; col += TILE_VECTORS * LANES) {
        const int64_t left = (cols - col) / LANES, vectors = left < TILE_VECTORS ? left : TILE_VECTORS;

        if (rows == 6)
            multiply_vectors(6, vectors, depth, a, a_stride, b + col, b_stride, c + col, c_stride);
        else if (rows == 4)
            multiply_vectors(4, vectors, depth, a, a_stride, b + col, b_stride, c + col, c_stride);
        else
            multiply_vectors(2, vectors, depth, a, a_stride, b + col, b_stride, c + col, c_stride);
    }
}

#endif
