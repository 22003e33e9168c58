#include <stdlib.h>

#include "head_internal.h"
#include "qctx/base/mem.h"
#include "qctx/base/order.h"

/* Elements of a tape's arrays: what it takes and what it says it takes come from here. */
typedef struct {
    int64_t operand_bytes; /* of an element of hidden, slope and delta */
    int64_t hidden;
    int64_t slope;
    int64_t delta[2];
    int64_t product; /* float */
    int64_t partial; /* float */
    int64_t weights; /* bfloat16 */
} tape_sizes;

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

static tape_sizes sizes_of(const qctx_head_config *config, qctx_precision precision, int64_t rows, int sides)
{
    bool rounds = precision == QCTX_PRECISION_BFLOAT16;
    int64_t block = qctx_smaller(rows, HEAD_BLOCK);
    int64_t activations = config->layers - 1;
    int64_t arrays = rounds ? activations + 1 : activations; /* gradients of the backward pass, also behind the end */
    tape_sizes sizes = {.operand_bytes = qctx_precision_bytes(precision)};

    sizes.hidden = times(times(sides * activations, config->hidden), rows);
    sizes.slope = keeps_slope(config, precision) ? sizes.hidden : 0;
    sizes.delta[0] = arrays > 0 ? block * widest(config) : 0;
    sizes.delta[1] = arrays > 1 ? block * widest(config) : 0;
    sizes.product = rounds && activations > 0 ? block * widest(config) : 0;
    sizes.partial = qctx_divide_up(block, HEAD_CELL) * widest(config);
    sizes.weights = rounds ? qctx_head_parameter_count(config) : 0;
    return sizes;
}

qctx_status qctx_head_tape_create(const qctx_head_config *config, qctx_precision precision, int64_t rows, int sides,
                                  qctx_head_tape **created, qctx_error *error)
{
    const tape_sizes sizes = sizes_of(config, precision, rows, sides);
    size_t bytes = (size_t)sizes.operand_bytes;
    qctx_head_tape *tape = qctx_alloc(1, sizeof *tape, "a head's tape", error);
    qctx_status status = QCTX_ERR_MEMORY;

    if (tape == NULL)
        goto out;
    tape->precision = precision;
    tape->sides = sides;
    tape->rows = rows;
    tape->hidden = qctx_alloc(sizes.hidden, bytes, "a head's activations", error);
    tape->delta[0] = qctx_alloc(sizes.delta[0], bytes, "a head's gradients", error);
    tape->delta[1] = qctx_alloc(sizes.delta[1], bytes, "a head's gradients", error);
    tape->product = qctx_alloc(sizes.product, sizeof *tape->product, "a head's products", error);
    tape->partial = qctx_alloc(sizes.partial, sizeof *tape->partial, "a head's column sums", error);
    tape->weights = qctx_alloc(sizes.weights, sizeof *tape->weights, "a head's rounded weights", error);
    if (tape->hidden == NULL || tape->delta[0] == NULL || tape->delta[1] == NULL || tape->product == NULL ||
        tape->partial == NULL || tape->weights == NULL)
        goto out;
    if (keeps_slope(config, precision)) {
        tape->slope = qctx_alloc(sizes.slope, bytes, "the slopes of a head's activations", error);
        if (tape->slope == NULL)
            goto out;
    }
    *created = tape;
    tape = NULL;
    status = QCTX_OK;
out:
    qctx_head_tape_destroy(tape);
    return status;
}

void qctx_head_tape_destroy(qctx_head_tape *tape)
{
    if (tape == NULL)
        return;
    free(tape->hidden);
    free(tape->slope);
    free(tape->delta[0]);
    free(tape->delta[1]);
    free(tape->product);
    free(tape->partial);
    free(tape->weights);
    free(tape);
}

int64_t qctx_head_tape_memory(const qctx_head_config *config, qctx_precision precision, int64_t rows, int sides)
{
    const tape_sizes sizes = sizes_of(config, precision, rows, sides);

    return sizes.operand_bytes * (sizes.hidden + sizes.slope + sizes.delta[0] + sizes.delta[1]) +
           (int64_t)sizeof(float) * (sizes.product + sizes.partial) + (int64_t)sizeof(qctx_bfloat16) * sizes.weights;
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
