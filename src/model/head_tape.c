/* The tape: what its arrays take, and where a layer's rows stand in them. */
#include <stdlib.h>

#include "head_internal.h"
#include "qctx/base/buffers.h"
#include "qctx/base/mem.h"
#include "qctx/base/order.h"

/* Relu's derivative is told by what it gave; so is that of tanh, unless dropout or rounding came between. */
static bool keeps_slope(const qctx_head_config *config, qctx_precision precision)
{
    switch (config->activation) {
    case QCTX_ACTIVATION_RELU:
        return false;
    case QCTX_ACTIVATION_TANH:
        return config->dropout > 0.0 || precision == QCTX_PRECISION_BFLOAT16;
    default:
        return true;
    }
}

static int64_t widest(const qctx_head_config *config)
{
    return config->layers > 1 && config->hidden > config->output ? config->hidden : config->output;
}

/* Products that cannot be counted saturate, and cannot be allocated. */
static int64_t times(int64_t a, int64_t b)
{
    int64_t product;

    return __builtin_mul_overflow(a, b, &product) ? INT64_MAX : product;
}

static qctx_buffers buffers_of(qctx_head_tape *tape)
{
    const qctx_head_config *config = &tape->config;
    const bool rounds = tape->precision == QCTX_PRECISION_BFLOAT16;
    const size_t operand = (size_t)qctx_precision_bytes(tape->precision);
    const int64_t block = qctx_smaller(tape->rows, HEAD_BLOCK), activations = config->layers - 1;
    /* Gradients of the backward pass: of each activation, and rounded ones behind the end. */
    const int64_t deltas = activations + rounds;
    const int64_t hidden = times(times(tape->sides * activations, config->hidden), tape->rows);

    return (qctx_buffers){{
        {&tape->hidden, hidden, operand, "a head's activations"},
        {&tape->slope, keeps_slope(config, tape->precision) ? hidden : QCTX_BUFFER_NONE, operand,
         "the slopes of a head's activations"},
        {&tape->delta[0], deltas > 0 ? block * widest(config) : 0, operand, "a head's gradients"},
        {&tape->delta[1], deltas > 1 ? block * widest(config) : 0, operand, "a head's gradients"},
        {&tape->product, rounds && activations > 0 ? block * widest(config) : QCTX_BUFFER_NONE, sizeof *tape->product,
         "a head's products"},
        {&tape->partial, qctx_divide_up(block, HEAD_CELL) * widest(config), sizeof *tape->partial,
         "a head's column sums"},
        {&tape->weights, rounds ? qctx_head_parameter_count(config) : QCTX_BUFFER_NONE, sizeof *tape->weights,
         "a head's rounded weights"},
    }};
}

qctx_status qctx_head_tape_create(const qctx_head_config *config, qctx_precision precision, int64_t rows, int sides,
                                  qctx_head_tape **created, qctx_error *error)
{
    qctx_head_tape *tape = qctx_alloc(1, sizeof *tape, "a head's tape", error);
    qctx_buffers buffers;

    if (tape == NULL)
        return QCTX_ERR_MEMORY;
    *tape = (qctx_head_tape){.config = *config, .precision = precision, .sides = sides, .rows = rows};
    buffers = buffers_of(tape);
    if (qctx_buffers_alloc(&buffers, error) != QCTX_OK) {
        qctx_head_tape_destroy(tape);
        return QCTX_ERR_MEMORY;
    }
    *created = tape;
    return QCTX_OK;
}

void qctx_head_tape_destroy(qctx_head_tape *tape)
{
    qctx_buffers buffers;

    if (tape == NULL)
        return;
    buffers = buffers_of(tape);
    qctx_buffers_free(&buffers);
    free(tape);
}

int64_t qctx_head_tape_memory(const qctx_head_config *config, qctx_precision precision, int64_t rows, int sides)
{
    qctx_head_tape tape = {.config = *config, .precision = precision, .sides = sides, .rows = rows};
    const qctx_buffers buffers = buffers_of(&tape);

    return qctx_buffers_bytes(&buffers);
}

void qctx_head_tape_load(const qctx_head_config *config, const float *parameters, qctx_head_tape *tape)
{
    if (tape->precision == QCTX_PRECISION_BFLOAT16)
        qctx_to_bfloat16_array(parameters, qctx_head_parameter_count(config), tape->weights);
}

const void *head_weights(const qctx_head_tape *tape, const float *parameters, const head_layer *layer)
{
    if (tape->precision == QCTX_PRECISION_BFLOAT16)
        return tape->weights + layer->weight;
    return parameters + layer->weight;
}

void *head_rows(const qctx_head_config *config, const qctx_head_tape *tape, void *array, qctx_side side, int64_t layer,
                int64_t at)
{
    int64_t place = tape->sides == 2 ? side : 0;
    int64_t row = (place * (config->layers - 1) + layer) * tape->rows + at;

    if (array == NULL)
        return NULL;
    return (char *)array + row * config->hidden * qctx_precision_bytes(tape->precision);
}
