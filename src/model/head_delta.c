/* The head's backward pass over rows: the activation's derivative, column sums and rounding at once. */
#include <string.h>

#include "head_internal.h"
#include "qctx/base/multiversion.h"
#include "qctx/base/order.h"

enum {
    /* Values of a row that go through all loops at a time, in the innermost cache. */
    SEGMENT = 512,
    /* Below so many values a pass is not worth waking threads for. */
    PARALLEL_FROM = 65536,
};

QCTX_MULTIVERSION
static void multiply(int64_t count, const float *restrict slope, const float *restrict values, float *restrict scaled)
{
    for (int64_t i = 0; i < count; i++)
        scaled[i] = values[i] * slope[i];
}

/* A unit that gives nothing was below zero, or dropped. */
QCTX_MULTIVERSION
static void multiply_relu(int64_t count, float scale, const float *restrict hidden, const float *restrict values,
                          float *restrict scaled)
{
    for (int64_t i = 0; i < count; i++) {
        float value = values[i] * scale;

        scaled[i] = hidden[i] > 0.0f ? value : 0.0f;
    }
}

QCTX_MULTIVERSION
static void multiply_tanh(int64_t count, const float *restrict hidden, const float *restrict values,
                          float *restrict scaled)
{
    for (int64_t i = 0; i < count; i++)
        scaled[i] = values[i] * (1.0f - hidden[i] * hidden[i]);
}

QCTX_MULTIVERSION
static void add(int64_t count, const float *restrict values, float *restrict sums)
{
    for (int64_t i = 0; i < count; i++)
        sums[i] += values[i];
}

/* Values at … of an array of the tape, in float32: where they stand, or widened into `buffer`. */
static const float *load(qctx_precision precision, const void *array, int64_t at, int64_t count, float *buffer)
{
    if (precision == QCTX_PRECISION_FLOAT32)
        return (const float *)array + at;
    qctx_from_bfloat16_row((const qctx_bfloat16 *)array + at, count, buffer);
    return buffer;
}

/* scaled [count] = values at … times the activation's derivative. */
static void multiply_slope(const qctx_head_config *config, qctx_precision precision, const head_delta *delta,
                           int64_t at, int64_t count, float *scaled)
{
    const float *values = delta->values + at;
    float buffer[SEGMENT];

    if (delta->slope != NULL)
        multiply(count, load(precision, delta->slope, at, count, buffer), values, scaled);
    else if (config->activation == QCTX_ACTIVATION_RELU)
        multiply_relu(count, (float)(1.0 / (1.0 - config->dropout)), load(precision, delta->hidden, at, count, buffer),
                      values, scaled);
    else
        multiply_tanh(count, load(precision, delta->hidden, at, count, buffer), values, scaled);
}

/* One cell: rows first … of all columns, their sums into `sums` [width]. */
static void pass_cell(const qctx_head_config *config, qctx_precision precision, const head_delta *delta,
                      int64_t first_row, int64_t rows, float *sums)
{
    for (int64_t first = 0; first < delta->width; first += SEGMENT) {
        int64_t count = qctx_smaller(SEGMENT, delta->width - first);
        float segment[SEGMENT] = {0}, scaled[SEGMENT];

        for (int64_t row = first_row; row < first_row + rows; row++) {
            int64_t at = row * delta->width + first;
            const float *values = delta->values + at;

            if (delta->hidden != NULL) {
                multiply_slope(config, precision, delta, at, count, scaled);
                values = scaled;
            }
            if (delta->result != NULL)
                head_store(precision, count, values, delta->result, at);
            add(count, values, segment);
        }
        memcpy(sums + first, segment, (size_t)count * sizeof *segment);
    }
}

QCTX_MULTIVERSION
static void add_wide(int64_t count, const float *restrict values, double *restrict sums)
{
    for (int64_t i = 0; i < count; i++)
        sums[i] += (double)values[i];
}

/* The cells' sums, in their order, to the gradient of the bias. */
static void add_cells(const head_delta *delta, int64_t cells, const float *partial)
{
    for (int64_t first = 0; first < delta->width; first += SEGMENT) {
        int64_t count = qctx_smaller(SEGMENT, delta->width - first);
        double totals[SEGMENT] = {0};

        for (int64_t cell = 0; cell < cells; cell++)
            add_wide(count, partial + cell * delta->width + first, totals);
        for (int64_t i = 0; i < count; i++)
            delta->bias[first + i] = (delta->add ? delta->bias[first + i] : 0.0f) + (float)totals[i];
    }
}

void head_pass_delta(const qctx_head_config *config, qctx_head_tape *tape, const head_delta *delta)
{
    int64_t cells = qctx_divide_up(delta->rows, HEAD_CELL);

#pragma omp parallel for schedule(static) if (delta->rows * delta->width > PARALLEL_FROM)
    for (int64_t cell = 0; cell < cells; cell++) {
        int64_t first = cell * HEAD_CELL;

        pass_cell(config, tape->precision, delta, first, qctx_smaller(HEAD_CELL, delta->rows - first),
                  tape->partial + cell * delta->width);
    }
    add_cells(delta, cells, tape->partial);
}
