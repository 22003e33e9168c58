/* The head's forward and backward pass: matrix products, with the passes over rows between them. */
#include <string.h>

#include "head_internal.h"
#include "qctx/base/order.h"

/* Row `row` of an operand [.., width]. */
static const void *operand_row(const qctx_head_tape *tape, const void *array, int64_t row, int64_t width)
{
    return (const char *)array + row * width * qctx_precision_bytes(tape->precision);
}

/* A side without MLP: y = x. */
static void copy_rows(const qctx_head_tape *tape, const void *x, int64_t count, float *y)
{
    if (tape->precision == QCTX_PRECISION_FLOAT32)
        memcpy(y, x, sizeof(float) * (size_t)count);
    else
        qctx_from_bfloat16_row(x, count, y);
}

/* One forward pass, as its caller asked for it. */
typedef struct {
    const qctx_head_config *config;
    const float *parameters;
    qctx_side side;
    int64_t mlp;
    double alpha;
    qctx_head_tape *tape;
} pass;

/* Rows of one block through all layers; `key` begins with the first of them, which stands at row `at` of the tape. */
static void forward_block(const pass *p, const void *x, int64_t rows, const qctx_dropout_key *key, int64_t at, float *y)
{
    const qctx_head_config *config = p->config;
    qctx_head_tape *tape = p->tape;
    qctx_precision precision = tape->precision;
    const void *input = x;
    head_layer layer;

    for (int64_t l = 0; l < config->layers - 1; l++) {
        void *hidden = head_rows(config, tape, tape->hidden, p->side, l, at);
        void *slope = key == NULL ? NULL : head_rows(config, tape, tape->slope, p->side, l, at);
        float *z = precision == QCTX_PRECISION_FLOAT32 ? hidden : tape->product;

        layer = qctx_head_layer(config, p->mlp, l);
        qctx_product(precision, QCTX_PLAIN, QCTX_TRANSPOSED, rows, layer.out, layer.in, input, layer.in,
                     head_weights(tape, p->parameters, &layer), layer.in, false, z, layer.out);
        head_activate(config, precision, p->side, l, rows, p->parameters + layer.bias, key, z, hidden, slope);
        input = hidden;
    }
    if (y == NULL)
        return;
    layer = qctx_head_layer(config, p->mlp, config->layers - 1);
    qctx_product(precision, QCTX_PLAIN, QCTX_TRANSPOSED, rows, layer.out, layer.in, input, layer.in,
                 head_weights(tape, p->parameters, &layer), layer.in, false, y, layer.out);
    head_finish_output(config, precision, p->alpha, rows, p->parameters + layer.bias, x, y);
}

void qctx_head_forward(const qctx_head_config *config, const float *parameters, qctx_side side, double alpha,
                       const void *x, int64_t rows, const qctx_dropout_key *key, qctx_head_tape *tape, int64_t at,
                       float *y)
{
    pass p = {.config = config, .parameters = parameters, .side = side, .alpha = alpha, .tape = tape};

    if (!qctx_head_has_side(config, side)) {
        if (y != NULL)
            copy_rows(tape, x, rows * config->input, y);
        return;
    }
    p.mlp = qctx_head_mlp_of(config, side);
    for (int64_t first = 0; first < rows; first += HEAD_BLOCK) {
        qctx_dropout_key rest = {0};

        if (key != NULL)
            rest = (qctx_dropout_key){key->step, key->row_ids + first};
        forward_block(&p, operand_row(tape, x, first, config->input), qctx_smaller(HEAD_BLOCK, rows - first),
                      key == NULL ? NULL : &rest, at + first, y == NULL ? NULL : y + first * config->output);
    }
}

/* The gradient behind the last layer: its column sums and, for products in bfloat16, its rounded copy. */
static const void *begin_delta(const pass *p, const float *dy, int64_t rows, float *bias, bool add)
{
    bool rounds = p->tape->precision == QCTX_PRECISION_BFLOAT16;
    const head_delta delta = {.rows = rows,
                              .width = p->config->output,
                              .values = dy,
                              .result = rounds ? p->tape->delta[0] : NULL,
                              .bias = bias,
                              .add = add};

    head_pass_delta(p->config, p->tape, &delta);
    return rounds ? delta.result : dy;
}

/* The gradient behind layer l − 1, before its activation, from that behind layer l. */
static const void *lower_delta(const pass *p, const void *above, int64_t l, int64_t rows, int64_t at, float *gradient,
                               bool add)
{
    const qctx_head_config *config = p->config;
    qctx_head_tape *tape = p->tape;
    head_layer layer = qctx_head_layer(config, p->mlp, l), lower = qctx_head_layer(config, p->mlp, l - 1);
    /* Two arrays take turns, since a product cannot overwrite what it reads. */
    void *result = above == tape->delta[0] ? tape->delta[1] : tape->delta[0];
    float *product = tape->precision == QCTX_PRECISION_BFLOAT16 ? tape->product : result;
    const head_delta delta = {.rows = rows,
                              .width = layer.in,
                              .values = product,
                              .hidden = head_rows(config, tape, tape->hidden, p->side, l - 1, at),
                              .slope = head_rows(config, tape, tape->slope, p->side, l - 1, at),
                              .result = result,
                              .bias = gradient + lower.bias,
                              .add = add};

    qctx_product(tape->precision, QCTX_PLAIN, QCTX_PLAIN, rows, layer.in, layer.out, above, layer.out,
                 head_weights(tape, p->parameters, &layer), layer.in, false, product, layer.in);
    head_pass_delta(config, tape, &delta);
    return result;
}

static void backward_block(const pass *p, const void *x, const float *dy, int64_t rows, int64_t at,
                           const qctx_head_gradient *gradient)
{
    const qctx_head_config *config = p->config;
    qctx_head_tape *tape = p->tape;
    head_layer layer = qctx_head_layer(config, p->mlp, config->layers - 1);
    const void *delta = begin_delta(p, dy, rows, gradient->values + layer.bias, gradient->add);

    for (int64_t l = config->layers - 1; l >= 0; l--) {
        const void *input = l == 0 ? x : head_rows(config, tape, tape->hidden, p->side, l - 1, at);

        layer = qctx_head_layer(config, p->mlp, l);
        qctx_product(tape->precision, QCTX_TRANSPOSED, QCTX_PLAIN, layer.out, layer.in, rows, delta, layer.out, input,
                     layer.in, gradient->add, gradient->values + layer.weight, layer.in);
        if (gradient->settled != NULL)
            gradient->settled(gradient->context, layer.weight);
        if (l > 0)
            delta = lower_delta(p, delta, l, rows, at, gradient->values, gradient->add);
    }
}

static void clear_range(const qctx_head_config *config, qctx_side side, const qctx_head_gradient *gradient)
{
    int64_t first, count;

    qctx_head_range(config, side, &first, &count);
    if (!gradient->add)
        memset(gradient->values + first, 0, (size_t)count * sizeof(float));
    if (gradient->settled != NULL)
        gradient->settled(gradient->context, first);
}

void qctx_head_backward(const qctx_head_config *config, const float *parameters, qctx_side side, const void *x,
                        const float *dy, int64_t rows, qctx_head_tape *tape, int64_t at,
                        const qctx_head_gradient *gradient)
{
    pass p = {.config = config, .parameters = parameters, .side = side, .alpha = 1.0, .tape = tape};

    if (!qctx_head_has_side(config, side))
        return;
    if (rows == 0)
        clear_range(config, side, gradient);
    p.mlp = qctx_head_mlp_of(config, side);
    for (int64_t first = 0; first < rows; first += HEAD_BLOCK) {
        int64_t count = qctx_smaller(HEAD_BLOCK, rows - first);
        qctx_head_gradient block = *gradient;

        /* The first block writes where the pass may; only the last one leaves values as they stay. */
        block.add = gradient->add || first > 0;
        if (first + count < rows)
            block.settled = NULL;
        backward_block(&p, operand_row(tape, x, first, config->input), dy + first * config->output, count, at + first,
                       &block);
    }
}
