/* Layers: their packed weights, and how rows are cut into blocks and tiles. */
#include "qctx/linalg/linear.h"

#include <stdlib.h>
#include <string.h>

#include "linear_internal.h"
#include "qctx/base/bfloat16.h"
#include "qctx/base/mem.h"
#include "qctx/base/order.h"

/* Sums of a block on the stack, and its sides where a library multiplies: wide, since that packs its operands anew. */
enum { SUMS = LINEAR_ROWS * LINEAR_COLS, PLAIN_COLS = 192, PLAIN_ROWS = SUMS / PLAIN_COLS };

struct qctx_linear {
    qctx_precision precision;
    int64_t output, input;
    qctx_linear_function function;
    bool packed;
    int64_t depth; /* units of an input: `input`, or half of it where a unit is a pair */
    void *weight;  /* panels, or [output, input] as it came */
    float *bias;   /* [output], filled up with zeros to whole panels */
};

/* Panels of float32: line l has input l of each output. */
static void pack_float32(const qctx_linear *linear, const float *weight)
{
    float *units = linear->weight;

    for (int64_t j = 0; j < linear->output; j++) {
        float *column = units + j / LINEAR_COLS * linear->depth * LINEAR_COLS + j % LINEAR_COLS;

        for (int64_t l = 0; l < linear->input; l++)
            column[l * LINEAR_COLS] = weight[j * linear->input + l];
    }
}

/* Panels of bfloat16: line l has inputs 2l and 2l + 1 of each output, side by side. */
static void pack_bfloat16(const qctx_linear *linear, const float *weight)
{
    qctx_bfloat16 *halves = linear->weight;

    for (int64_t j = 0; j < linear->output; j++) {
        qctx_bfloat16 *column = halves + 2 * (j / LINEAR_COLS * linear->depth * LINEAR_COLS + j % LINEAR_COLS);

        for (int64_t l = 0; l < linear->input; l++)
            column[l / 2 * 2 * LINEAR_COLS + l % 2] = qctx_to_bfloat16(weight[j * linear->input + l]);
    }
}

static void keep_weight(qctx_linear *linear, const float *weight)
{
    const int64_t count = linear->output * linear->input;

    if (linear->packed && linear->precision == QCTX_PRECISION_FLOAT32)
        pack_float32(linear, weight);
    else if (linear->packed)
        pack_bfloat16(linear, weight);
    else if (linear->precision == QCTX_PRECISION_FLOAT32)
        memcpy(linear->weight, weight, (size_t)count * sizeof *weight);
    else
        qctx_to_bfloat16_row(weight, count, linear->weight);
}

qctx_status qctx_linear_create(qctx_precision precision, int64_t output, int64_t input, const float *weight,
                               const float *bias, qctx_linear_function function, qctx_linear **created,
                               qctx_error *error)
{
    const int64_t whole = qctx_divide_up(output, LINEAR_COLS) * LINEAR_COLS, size = qctx_precision_bytes(precision);
    qctx_linear *linear = qctx_alloc(1, sizeof *linear, "a linear layer", error);

    *created = NULL;
    if (linear == NULL)
        return QCTX_ERR_MEMORY;
    linear->precision = precision;
    linear->output = output;
    linear->input = input;
    linear->function = function;
    linear->packed = linear_tile_fits(precision, input);
    linear->depth = input * size / (int64_t)sizeof(float);
    linear->weight =
        qctx_alloc(size * input * (linear->packed ? whole : output), 1, "the weights of a linear layer", error);
    linear->bias = qctx_alloc(whole, sizeof *linear->bias, "the bias of a linear layer", error);
    if (linear->weight == NULL || linear->bias == NULL) {
        qctx_linear_destroy(linear);
        return QCTX_ERR_MEMORY;
    }
    keep_weight(linear, weight);
    if (bias != NULL)
        memcpy(linear->bias, bias, (size_t)output * sizeof *bias);
    *created = linear;
    return QCTX_OK;
}

void qctx_linear_destroy(qctx_linear *linear)
{
    if (linear == NULL)
        return;
    free(linear->weight);
    free(linear->bias);
    free(linear);
}

/* The element `index` of an array of this precision. */
static const void *element(qctx_precision precision, const void *array, int64_t index)
{
    return (const char *)array + index * qctx_precision_bytes(precision);
}

/* The part of a block that begins at this row of it. */
static linear_block part_of(const linear_block *block, int64_t row, int64_t rows)
{
    linear_block part = *block;

    part.rows = rows;
    part.sums += row * block->sums_stride;
    part.y = (char *)block->y + row * block->stride * qctx_precision_bytes(block->y_type);
    if (block->residual != NULL)
        part.residual += row * block->stride;
    return part;
}

/*
 * A block of one panel, in tiles as even as can be. What follows a tile's last units is done at once, while its sums
 * are in the first cache.
 */
static void multiply_packed(const qctx_linear *linear, const float *x, const float *panel, float *sums,
                            const linear_block *block)
{
    for (int64_t l = 0; l < linear->depth; l += LINEAR_DEPTH) {
        const int64_t units = qctx_smaller(LINEAR_DEPTH, linear->depth - l);
        int64_t row = 0;

        for (int64_t tiles = qctx_divide_up(block->rows, LINEAR_TILE); tiles > 0; tiles--) {
            const int64_t taken = qctx_divide_up(block->rows - row, tiles);

            linear_tile(linear->precision, taken, units, x + row * linear->depth + l, linear->depth,
                        panel + l * LINEAR_COLS, l > 0, sums + row * LINEAR_COLS);
            if (l + units == linear->depth) {
                const linear_block tile = part_of(block, row, taken);

                linear_finish_tile(linear->function, &tile);
            }
            row += taken;
        }
    }
}

static void multiply_plain(const qctx_linear *linear, const void *x, const void *weight, float *sums,
                           const linear_block *block)
{
    qctx_product(linear->precision, QCTX_PLAIN, QCTX_TRANSPOSED, block->rows, block->cols, linear->input, x,
                 linear->input, weight, linear->input, false, sums, block->sums_stride);
    linear_finish(linear->function, block);
}

void qctx_linear_apply(const qctx_linear *linear, int64_t rows, const void *x, const float *residual,
                       qctx_precision y_type, void *y)
{
    const int64_t n = linear->output;
    const int64_t most_rows = linear->packed ? LINEAR_ROWS : PLAIN_ROWS;
    const int64_t most_cols = linear->packed ? LINEAR_COLS : PLAIN_COLS;
    float sums[SUMS];

    for (int64_t row = 0; row < rows; row += most_rows)
        for (int64_t col = 0; col < n; col += most_cols) {
            const void *block_x = element(linear->precision, x, row * linear->input);
            const void *weight = element(linear->precision, linear->weight, col * linear->input);
            const linear_block block = {
                .rows = qctx_smaller(most_rows, rows - row),
                .cols = qctx_smaller(most_cols, n - col),
                .sums = sums,
                .sums_stride = most_cols,
                .bias = linear->bias + col,
                .residual = residual == NULL ? NULL : residual + row * n + col,
                .y_type = y_type,
                .y = (char *)y + (row * n + col) * qctx_precision_bytes(y_type),
                .stride = n,
            };

            if (linear->packed)
                multiply_packed(linear, block_x, weight, sums, &block);
            else
                multiply_plain(linear, block_x, weight, sums, &block);
        }
}
