/* ranks: 1 */
#include "harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/bfloat16.h"
#include "qctx/base/mem.h"
#include "qctx/base/rng.h"
#include "qctx/model/head.h"

/*
 * Passes in bfloat16 against those in float32, and the ways to call a pass: rows in parts, at a place of the tape, in
 * micro-batches that go forward twice, into a gradient that is written or added to.
 */

enum { ROWS = 70, INPUT = 40, HIDDEN = 530, OUTPUT = 40, LAYERS = 3 };

/* A head with one batch for both sides, in both precisions. */
typedef struct {
    qctx_head_config config;
    int64_t count;
    float *parameters;
    float *x[2], *dy[2];
    qctx_bfloat16 *rounded[2];
    int64_t ids[ROWS];
} batch;

static void fill(float *values, int64_t count, double bound, uint64_t stream)
{
    for (int64_t i = 0; i < count; i++)
        values[i] = (float)(bound * (2.0 * qctx_rng_uniform(8, QCTX_STREAM_SYNTH, stream, (uint64_t)i) - 1.0));
}

static void batch_create(batch *b, qctx_head_sides sides, qctx_activation activation)
{
    b->config = (qctx_head_config){.form = QCTX_HEAD_RESIDUAL,
                                   .sides = sides,
                                   .activation = activation,
                                   .layers = LAYERS,
                                   .input = INPUT,
                                   .hidden = HIDDEN,
                                   .output = OUTPUT,
                                   .dropout = 0.2,
                                   .seed = 3};
    b->count = qctx_head_parameter_count(&b->config);
    b->parameters = qctx_alloc(b->count, sizeof(float), "parameters", NULL);
    fill(b->parameters, b->count, 0.1, 0);
    for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++) {
        b->x[side] = qctx_alloc(ROWS * INPUT, sizeof(float), "rows", NULL);
        b->dy[side] = qctx_alloc(ROWS * OUTPUT, sizeof(float), "gradients", NULL);
        b->rounded[side] = qctx_alloc(ROWS * INPUT, sizeof(qctx_bfloat16), "rows", NULL);
        fill(b->x[side], ROWS * INPUT, 1.0, (uint64_t)(1 + side));
        fill(b->dy[side], ROWS * OUTPUT, 1.0, (uint64_t)(3 + side));
        qctx_to_bfloat16_array(b->x[side], ROWS * INPUT, b->rounded[side]);
    }
    for (int64_t row = 0; row < ROWS; row++)
        b->ids[row] = 5 * row;
}

static void batch_destroy(batch *b)
{
    free(b->parameters);
    for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++) {
        free(b->x[side]);
        free(b->dy[side]);
        free(b->rounded[side]);
    }
}

static qctx_dropout_key key_of(const batch *b, int64_t first)
{
    return (qctx_dropout_key){.step = 4, .row_ids = b->ids + first};
}

/* Both sides forward, then both backward, as one batch. y [2, rows, output], gradient [count]. */
static void run(const batch *b, qctx_precision precision, float *y, float *gradient)
{
    const qctx_dropout_key key = key_of(b, 0);
    qctx_head_tape *tape;
    const void *x[2];

    for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++)
        x[side] = precision == QCTX_PRECISION_FLOAT32 ? (const void *)b->x[side] : b->rounded[side];
    assert_int_equal(qctx_head_tape_create(&b->config, precision, ROWS, 2, &tape, NULL), QCTX_OK);
    qctx_head_tape_load(&b->config, b->parameters, tape);
    for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++)
        qctx_head_forward(&b->config, b->parameters, side, 1.0, x[side], ROWS, &key, tape, 0, y + side * ROWS * OUTPUT);
    for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++) {
        const qctx_head_gradient sink = {.values = gradient,
                                         .add = b->config.sides == QCTX_SIDES_SHARED && side == QCTX_CONTEXT};

        qctx_head_backward(&b->config, b->parameters, side, x[side], b->dy[side], ROWS, tape, 0, &sink);
    }
    qctx_head_tape_destroy(tape);
}

/* The root of the mean square of the difference, as a share of the values' own. */
static double distance(const float *values, const float *expected, int64_t count)
{
    double off = 0.0, all = 0.0;

    for (int64_t i = 0; i < count; i++) {
        off += ((double)values[i] - expected[i]) * ((double)values[i] - expected[i]);
        all += (double)expected[i] * expected[i];
    }
    assert_true(all > 0.0);
    return sqrt(off / all);
}

/*
 * Each operand is off by at most 2⁻⁹ of itself, at random: after three layers and back, less than 1% of the whole.
 * Units of relu so near to zero that they turn on or off change by all of themselves: a few in a thousand, whose root
 * counts.
 */
static void bfloat16_is_within_its_rounding(void **state)
{
    (void)state;
    for (int act = QCTX_ACTIVATION_RELU; act <= QCTX_ACTIVATION_TANH; act++) {
        float *y[2], *gradient[2];
        double off;
        batch b;

        batch_create(&b, act == QCTX_ACTIVATION_TANH ? QCTX_SIDES_SHARED : QCTX_SIDES_BOTH, (qctx_activation)act);
        for (int p = 0; p < 2; p++) {
            y[p] = qctx_alloc(2 * ROWS * OUTPUT, sizeof(float), "outputs", NULL);
            gradient[p] = qctx_alloc(b.count, sizeof(float), "gradient", NULL);
            run(&b, (qctx_precision)p, y[p], gradient[p]);
        }
        off = distance(y[QCTX_PRECISION_BFLOAT16], y[QCTX_PRECISION_FLOAT32], 2 * ROWS * OUTPUT);
        assert_in_range((int64_t)(off * 1e6), 100, 10000);
        off = distance(gradient[QCTX_PRECISION_BFLOAT16], gradient[QCTX_PRECISION_FLOAT32], b.count);
        assert_in_range((int64_t)(off * 1e6), 100, act == QCTX_ACTIVATION_RELU ? 70000 : 10000);
        for (int p = 0; p < 2; p++) {
            free(y[p]);
            free(gradient[p]);
        }
        batch_destroy(&b);
    }
}

/* What a pass leaves settled: the places it told, and the gradient as it was then. */
typedef struct {
    const float *gradient;
    int64_t count;
    int64_t calls;
    int64_t from[2 * LAYERS];
    float *seen;
} watch;

static void note(void *context, int64_t from)
{
    watch *w = context;
    int64_t end = w->calls == 0 ? w->count : w->from[w->calls - 1];

    assert_true(w->calls < 2 * LAYERS);
    assert_true(from < end);
    memcpy(w->seen + from, w->gradient + from, (size_t)(end - from) * sizeof(float));
    w->from[w->calls++] = from;
}

/* Rows in three parts through one side's place, forward twice, backward part by part, the context side first. */
static void run_micro(const batch *b, qctx_precision precision, float *y, float *gradient, watch *watcher)
{
    const int64_t starts[] = {0, 30, 31, ROWS};
    qctx_head_tape *tape;

    assert_int_equal(qctx_head_tape_create(&b->config, precision, 39, 1, &tape, NULL), QCTX_OK);
    qctx_head_tape_load(&b->config, b->parameters, tape);
    for (qctx_side side = QCTX_SIDE_COUNT; side-- > 0;) {
        for (int part = 0; part < 3; part++) {
            int64_t first = starts[part], count = starts[part + 1] - first;
            const void *x = precision == QCTX_PRECISION_FLOAT32 ? (const void *)(b->x[side] + first * INPUT)
                                                                : b->rounded[side] + first * INPUT;
            const qctx_dropout_key key = key_of(b, first);
            const qctx_head_gradient sink = {
                .values = gradient, .add = part > 0, .settled = part == 2 ? note : NULL, .context = watcher};

            qctx_head_forward(&b->config, b->parameters, side, 1.0, x, count, &key, tape, 0,
                              y + (side * ROWS + first) * OUTPUT);
            qctx_head_forward(&b->config, b->parameters, side, 1.0, x, count, &key, tape, 39 - count, NULL);
            qctx_head_backward(&b->config, b->parameters, side, x, b->dy[side] + first * OUTPUT, count, tape,
                               39 - count, &sink);
        }
    }
    qctx_head_tape_destroy(tape);
}

static void parts_of_a_batch_are_the_batch(void **state)
{
    (void)state;
    for (int p = QCTX_PRECISION_FLOAT32; p <= QCTX_PRECISION_BFLOAT16; p++) {
        float *y[2], *gradient[2];
        watch watcher = {0};
        batch b;

        batch_create(&b, QCTX_SIDES_BOTH, QCTX_ACTIVATION_GELU);
        for (int way = 0; way < 2; way++) {
            y[way] = qctx_alloc(2 * ROWS * OUTPUT, sizeof(float), "outputs", NULL);
            gradient[way] = qctx_alloc(b.count, sizeof(float), "gradient", NULL);
            /* What stands there before is overwritten. */
            fill(gradient[way], b.count, 9.0, 77);
        }
        watcher.gradient = gradient[1];
        watcher.count = b.count;
        watcher.seen = qctx_alloc(b.count, sizeof(float), "settled values", NULL);
        run(&b, (qctx_precision)p, y[0], gradient[0]);
        run_micro(&b, (qctx_precision)p, y[1], gradient[1], &watcher);
        /* In bfloat16 a sum that ends in another last bit may be rounded to the neighbour. */
        assert_close(distance(y[1], y[0], 2 * ROWS * OUTPUT), 0.0, p == QCTX_PRECISION_FLOAT32 ? 1e-6 : 1e-4);
        assert_close(distance(gradient[1], gradient[0], b.count), 0.0, p == QCTX_PRECISION_FLOAT32 ? 1e-6 : 1e-4);
        /* Every layer was told in its turn, and nothing that was told changed later. */
        assert_int_equal(watcher.calls, 2 * LAYERS);
        assert_int_equal(watcher.from[2 * LAYERS - 1], 0);
        assert_memory_equal(watcher.seen, gradient[1], (size_t)b.count * sizeof(float));
        for (int way = 0; way < 2; way++) {
            free(y[way]);
            free(gradient[way]);
        }
        free(watcher.seen);
        batch_destroy(&b);
    }
}

/* A block of the products and the passes behind them is 2048 rows: more than one, and a rest. */
static void blocks_are_the_whole(void **state)
{
    enum { MANY = 4500, WIDTH = 8 };
    qctx_head_config config = {
        QCTX_HEAD_PLAIN, QCTX_SIDES_SHARED, QCTX_ACTIVATION_RELU, 2, WIDTH, WIDTH, WIDTH, 0.3, 5};
    int64_t count = qctx_head_parameter_count(&config), *ids = qctx_alloc(MANY, sizeof *ids, "row ids", NULL);
    float *parameters = qctx_alloc(count, sizeof(float), "parameters", NULL), gradient[2][2 * (WIDTH + 1) * WIDTH];
    float *x = qctx_alloc(MANY * WIDTH, sizeof(float), "rows", NULL);
    float *y = qctx_alloc(MANY * WIDTH, sizeof(float), "outputs", NULL);
    qctx_dropout_key key = {.step = 1, .row_ids = ids};
    qctx_head_tape *tape;
    float one[WIDTH];

    (void)state;
    qctx_head_init(&config, parameters);
    fill(x, MANY * WIDTH, 1.0, 5);
    for (int64_t row = 0; row < MANY; row++)
        ids[row] = row;
    assert_int_equal(qctx_head_tape_create(&config, QCTX_PRECISION_FLOAT32, MANY, 1, &tape, NULL), QCTX_OK);
    qctx_head_forward(&config, parameters, QCTX_QUESTION, 1.0, x, MANY, &key, tape, 0, y);
    qctx_head_backward(&config, parameters, QCTX_QUESTION, x, y, MANY, tape, 0,
                       &(qctx_head_gradient){.values = gradient[0]});
    /* Row by row, each in a place of its own. */
    memset(gradient[1], 0, sizeof gradient[1]);
    for (int64_t row = 0; row < MANY; row++) {
        qctx_dropout_key own = {.step = 1, .row_ids = ids + row};

        qctx_head_forward(&config, parameters, QCTX_QUESTION, 1.0, x + row * WIDTH, 1, &own, tape, row, one);
        for (int i = 0; i < WIDTH; i++)
            assert_close(one[i], y[row * WIDTH + i], 1e-6);
        qctx_head_backward(&config, parameters, QCTX_QUESTION, x + row * WIDTH, y + row * WIDTH, 1, tape, row,
                           &(qctx_head_gradient){.values = gradient[1], .add = true});
    }
    assert_true(distance(gradient[0], gradient[1], count) < 1e-5);
    qctx_head_tape_destroy(tape);
    free(ids);
    free(parameters);
    free(x);
    free(y);
}

static void no_rows_leave_zeros_where_they_write(void **state)
{
    qctx_head_config config = {QCTX_HEAD_PLAIN, QCTX_SIDES_BOTH, QCTX_ACTIVATION_RELU, 2, 3, 4, 3, 0.0, 5};
    float gradient[62], expected[62], parameters[62] = {0};
    watch watcher = {.gradient = gradient, .count = 62, .seen = parameters};
    const qctx_head_gradient sink = {.values = gradient, .settled = note, .context = &watcher};
    qctx_head_tape *tape;

    (void)state;
    assert_int_equal(qctx_head_parameter_count(&config), 62);
    fill(gradient, 62, 1.0, 6);
    memcpy(expected, gradient, sizeof gradient);
    memset(expected + 31, 0, 31 * sizeof(float));
    assert_int_equal(qctx_head_tape_create(&config, QCTX_PRECISION_FLOAT32, 0, 2, &tape, NULL), QCTX_OK);
    qctx_head_backward(&config, parameters, QCTX_CONTEXT, NULL, NULL, 0, tape, 0, &sink);
    assert_memory_equal(gradient, expected, sizeof gradient);
    assert_int_equal(watcher.from[0], 31);
    qctx_head_tape_destroy(tape);
}

static void memory_is_what_is_kept(void **state)
{
    const qctx_head_config relu = {QCTX_HEAD_PLAIN, QCTX_SIDES_BOTH, QCTX_ACTIVATION_RELU, 2, 64, 512, 64, 0.0, 5};
    qctx_head_config gelu = relu;
    int64_t hidden = 8192 * 512;

    (void)state;
    gelu.activation = QCTX_ACTIVATION_GELU;
    assert_in_range(qctx_head_tape_memory(&relu, QCTX_PRECISION_FLOAT32, 8192, 2) - 8 * hidden, 0, 5 << 20);
    assert_int_equal(qctx_head_tape_memory(&gelu, QCTX_PRECISION_FLOAT32, 8192, 2) -
                         qctx_head_tape_memory(&relu, QCTX_PRECISION_FLOAT32, 8192, 2),
                     8 * hidden);
    assert_int_equal(qctx_head_tape_memory(&gelu, QCTX_PRECISION_BFLOAT16, 8192, 2) -
                         qctx_head_tape_memory(&relu, QCTX_PRECISION_BFLOAT16, 8192, 2),
                     4 * hidden);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(bfloat16_is_within_its_rounding),
    cmocka_unit_test(parts_of_a_batch_are_the_batch),
    cmocka_unit_test(blocks_are_the_whole),
    cmocka_unit_test(no_rows_leave_zeros_where_they_write),
    cmocka_unit_test(memory_is_what_is_kept),
};
TEST_MAIN(tests)
