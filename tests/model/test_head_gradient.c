/* ranks: 1 */
#include "harness.h"

#include <math.h>
#include <stdlib.h>

#include "head_probe.h"
#include "qctx/base/mem.h"
#include "qctx/base/rng.h"
#include "qctx/model/head.h"

/*
 * Forward against straight loops in double; backward against central differences of those loops. The loss is
 * Σ dy·y over both sides, so that a shared head has to add up the two.
 */

enum { MOST_ROWS = 24, MOST_WIDTH = 130, MOST_LAYERS = 3 };

typedef struct {
    qctx_head_config config;
    int64_t rows;
    int64_t count;
    float *parameters, *gradient;
    double *exact;    /* the parameters in double, which the differences move */
    float *x[2];      /* [rows, input] a side */
    float *dy[2];     /* [rows, output] a side */
    double *masks[2]; /* [layers − 1, rows, hidden] a side, or ones */
    qctx_dropout_key key;
    int64_t ids[MOST_ROWS];
} bench;

static void fill(float *values, int64_t count, double bound, uint64_t stream)
{
    for (int64_t i = 0; i < count; i++)
        values[i] = (float)(bound * (2.0 * qctx_rng_uniform(3, QCTX_STREAM_SYNTH, stream, (uint64_t)i) - 1.0));
}

static void bench_create(bench *b, qctx_head_config config, int64_t rows, double bound)
{
    *b = (bench){.config = config, .rows = rows, .count = qctx_head_parameter_count(&config)};
    b->parameters = qctx_alloc(b->count, sizeof(float), "parameters", NULL);
    b->gradient = qctx_alloc(b->count, sizeof(float), "gradient", NULL);
    b->exact = qctx_alloc(b->count, sizeof(double), "parameters", NULL);
    fill(b->parameters, b->count, bound, 0);
    for (int64_t i = 0; i < b->count; i++)
        b->exact[i] = b->parameters[i];
    for (int64_t row = 0; row < rows; row++)
        b->ids[row] = 1000 - 7 * row;
    b->key = (qctx_dropout_key){.step = 12, .row_ids = b->ids};
    for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++) {
        int64_t block = rows * config.hidden;

        b->x[side] = qctx_alloc(rows * config.input, sizeof(float), "rows", NULL);
        b->dy[side] = qctx_alloc(rows * config.output, sizeof(float), "gradients", NULL);
        b->masks[side] = qctx_alloc(config.layers * block, sizeof(double), "masks", NULL);
        fill(b->x[side], rows * config.input, 1.0, (uint64_t)(1 + side));
        fill(b->dy[side], rows * config.output, 1.0, (uint64_t)(3 + side));
        for (int64_t l = 0; l < config.layers - 1; l++)
            probe_mask(&config, side, l, rows, &b->key, b->masks[side] + l * block);
    }
}

static void bench_destroy(bench *b)
{
    free(b->parameters);
    free(b->gradient);
    free(b->exact);
    for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++) {
        free(b->x[side]);
        free(b->dy[side]);
        free(b->masks[side]);
    }
}

static double activation(qctx_activation kind, double z)
{
    switch (kind) {
    case QCTX_ACTIVATION_RELU:
        return z > 0.0 ? z : 0.0;
    case QCTX_ACTIVATION_GELU:
        return 0.5 * z * (1.0 + erf(z / sqrt(2.0)));
    default:
        return tanh(z);
    }
}

/* One row through the head, in double; `masked` applies the masks of training. */
static void plain_forward(const bench *b, qctx_side side, int64_t row, double alpha, bool masked, double *y)
{
    const qctx_head_config *c = &b->config;
    bool has_mlp = c->sides == QCTX_SIDES_BOTH || c->sides == QCTX_SIDES_SHARED ||
                   (c->sides == QCTX_SIDES_QUESTION) == (side == 0);
    const double *p = b->exact + (c->sides == QCTX_SIDES_BOTH && side == 1 ? b->count / 2 : 0);
    double in[MOST_WIDTH], out[MOST_WIDTH];
    int64_t width = c->input;

    for (int64_t i = 0; i < width; i++)
        y[i] = in[i] = b->x[side][row * width + i];
    if (!has_mlp)
        return;
    for (int64_t l = 0; l < c->layers; l++) {
        bool last = l == c->layers - 1;
        int64_t next = last ? c->output : c->hidden;

        for (int64_t i = 0; i < next; i++) {
            out[i] = p[next * width + i];
            for (int64_t j = 0; j < width; j++)
                out[i] += p[i * width + j] * in[j];
            if (!last)
                out[i] = activation(c->activation, out[i]);
            if (!last && masked)
                out[i] *= b->masks[side][(l * b->rows + row) * c->hidden + i];
        }
        p += next * (width + 1);
        width = next;
        for (int64_t i = 0; i < width; i++)
            in[i] = out[i];
    }
    for (int64_t i = 0; i < width; i++)
        y[i] = c->form == QCTX_HEAD_RESIDUAL ? y[i] + alpha * out[i] : out[i];
}

static double plain_loss(const bench *b)
{
    double loss = 0.0, y[MOST_WIDTH];

    for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++) {
        for (int64_t row = 0; row < b->rows; row++) {
            plain_forward(b, side, row, 1.0, true, y);
            for (int64_t i = 0; i < b->config.output; i++)
                loss += b->dy[side][row * b->config.output + i] * y[i];
        }
    }
    return loss;
}

/* The forward pass at strength `alpha` against the plain one. */
static void check_forward(const bench *b, double alpha, bool dropout, double bound)
{
    float *y = qctx_alloc(b->rows * b->config.output, sizeof(float), "outputs", NULL);
    double expected[MOST_WIDTH];
    qctx_head_tape *tape;

    assert_int_equal(qctx_head_tape_create(&b->config, QCTX_PRECISION_FLOAT32, b->rows, 1, &tape, NULL), QCTX_OK);
    for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++) {
        qctx_head_forward(&b->config, b->parameters, side, alpha, b->x[side], b->rows, dropout ? &b->key : NULL, tape,
                          0, y);
        for (int64_t row = 0; row < b->rows; row++) {
            plain_forward(b, side, row, alpha, dropout, expected);
            for (int64_t i = 0; i < b->config.output; i++)
                assert_close(y[row * b->config.output + i], expected[i], bound);
        }
    }
    qctx_head_tape_destroy(tape);
    free(y);
}

/* Forward and backward of both sides, added to a gradient that is 0.5 before. */
static void run_backward(bench *b)
{
    float *y = qctx_alloc(b->rows * b->config.output, sizeof(float), "outputs", NULL);

    for (int64_t i = 0; i < b->count; i++)
        b->gradient[i] = 0.5f;
    for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++) {
        qctx_head_tape *tape;

        /* A tape may be larger than its rows. */
        assert_int_equal(qctx_head_tape_create(&b->config, QCTX_PRECISION_FLOAT32, b->rows + 3, 1, &tape, NULL),
                         QCTX_OK);
        qctx_head_forward(&b->config, b->parameters, side, 1.0, b->x[side], b->rows, &b->key, tape, 0, y);
        qctx_head_backward(&b->config, b->parameters, side, b->x[side], b->dy[side], b->rows, tape, 0,
                           &(qctx_head_gradient){.values = b->gradient, .add = true});
        qctx_head_tape_destroy(tape);
    }
    free(y);
}

static void check_gradient(bench *b)
{
    const double h = 1e-5;
    double *expected = qctx_alloc(b->count, sizeof(double), "differences", NULL);
    double largest = 0.0;

    run_backward(b);
    for (int64_t i = 0; i < b->count; i++) {
        double kept = b->exact[i], above;

        b->exact[i] = kept + h;
        above = plain_loss(b);
        b->exact[i] = kept - h;
        expected[i] = (above - plain_loss(b)) / (2.0 * h);
        b->exact[i] = kept;
        largest = fmax(largest, fabs(expected[i]));
    }
    assert_true(largest > 0.1);
    for (int64_t i = 0; i < b->count; i++)
        if (!(fabs(b->gradient[i] - 0.5 - expected[i]) <= 1e-4 * largest))
            fail_msg("form %d, sides %d, activation %d, layers %d, parameter %d: %.9g, expected %.9g",
                     (int)b->config.form, (int)b->config.sides, (int)b->config.activation, (int)b->config.layers,
                     (int)i, b->gradient[i] - 0.5, expected[i]);
    free(expected);
}

static void check_form(qctx_head_form form, double dropout, int64_t rows)
{
    for (int sides = QCTX_SIDES_QUESTION; sides <= QCTX_SIDES_SHARED; sides++) {
        for (int act = QCTX_ACTIVATION_RELU; act <= QCTX_ACTIVATION_TANH; act++) {
            for (int64_t layers = 1; layers <= MOST_LAYERS; layers++) {
                bool square = form == QCTX_HEAD_RESIDUAL || sides <= QCTX_SIDES_CONTEXT;
                qctx_head_config config = {
                    form,    (qctx_head_sides)sides,    (qctx_activation)act, layers, 6, 9, square ? 6 : 4,
                    dropout, 0xfeedface + (uint64_t)act};
                bench b;

                bench_create(&b, config, rows, 0.7);
                check_forward(&b, 1.0, true, 2e-6);
                check_forward(&b, 0.3, false, 2e-6);
                check_gradient(&b);
                bench_destroy(&b);
            }
        }
    }
}

static void plain_heads(void **state)
{
    (void)state;
    check_form(QCTX_HEAD_PLAIN, 0.0, 5);
}

static void residual_heads(void **state)
{
    (void)state;
    check_form(QCTX_HEAD_RESIDUAL, 0.0, 5);
}

static void plain_heads_with_dropout(void **state)
{
    (void)state;
    check_form(QCTX_HEAD_PLAIN, 0.4, 5);
}

static void residual_heads_with_dropout(void **state)
{
    (void)state;
    check_form(QCTX_HEAD_RESIDUAL, 0.4, 5);
}

static void one_row(void **state)
{
    (void)state;
    check_form(QCTX_HEAD_RESIDUAL, 0.0, 1);
}

/* Shapes beyond one vector and one block of columns: the derivative along random directions. */
static void wide_heads(void **state)
{
    (void)state;
    for (int act = QCTX_ACTIVATION_RELU; act <= QCTX_ACTIVATION_TANH; act++) {
        qctx_head_config config = {
            QCTX_HEAD_RESIDUAL, QCTX_SIDES_SHARED, (qctx_activation)act, 3, 67, MOST_WIDTH, 67, 0.1, 9};
        bench b;
        double *direction;

        bench_create(&b, config, MOST_ROWS, 0.12);
        direction = qctx_alloc(b.count, sizeof(double), "a direction", NULL);
        check_forward(&b, 1.0, true, 5e-6);
        run_backward(&b);
        for (uint64_t turn = 0; turn < 8; turn++) {
            const double h = 1e-6;
            double slope = 0.0, above, below;

            /* A random share of the parameters, along the gradient's signs, so that nothing cancels. */
            for (int64_t i = 0; i < b.count; i++) {
                bool moves = qctx_rng_below(4, turn, QCTX_STREAM_SYNTH, 77, (uint64_t)i) == 0;

                direction[i] = !moves ? 0.0 : b.gradient[i] > 0.5f ? 1.0 : -1.0;
                slope += direction[i] * ((double)b.gradient[i] - 0.5);
            }
            for (int64_t i = 0; i < b.count; i++)
                b.exact[i] = b.parameters[i] + h * direction[i];
            above = plain_loss(&b);
            for (int64_t i = 0; i < b.count; i++)
                b.exact[i] = b.parameters[i] - h * direction[i];
            below = plain_loss(&b);
            assert_close((above - below) / (2.0 * h) / slope, 1.0, 1e-5);
        }
        free(direction);
        bench_destroy(&b);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(plain_heads),
    cmocka_unit_test(residual_heads),
    cmocka_unit_test(plain_heads_with_dropout),
    cmocka_unit_test(residual_heads_with_dropout),
    cmocka_unit_test(one_row),
    cmocka_unit_test(wide_heads),
};
TEST_MAIN(tests)
