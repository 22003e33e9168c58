/* ranks: 1 */
#include "harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "head_probe.h"
#include "qctx/base/mem.h"
#include "qctx/base/rng.h"
#include "qctx/model/head.h"

/* Masks: their share, their independence, and that they belong to rows and not to calls. */

enum { ROWS = 500, UNITS = 150, CELLS = ROWS * UNITS };

static const qctx_head_config base = {.form = QCTX_HEAD_PLAIN,
                                      .sides = QCTX_SIDES_BOTH,
                                      .activation = QCTX_ACTIVATION_RELU,
                                      .layers = 3,
                                      .input = 20,
                                      .hidden = UNITS,
                                      .output = 20,
                                      .dropout = 0.3,
                                      .seed = 21};

static int64_t row_ids[ROWS];

static double *mask_of(const qctx_head_config *config, qctx_side side, int64_t layer, uint64_t step, int64_t first_row)
{
    double *mask = qctx_alloc(CELLS, sizeof(double), "a mask", NULL);
    qctx_dropout_key key = {.step = step, .row_ids = row_ids};

    for (int64_t row = 0; row < ROWS; row++)
        row_ids[row] = first_row + row;
    probe_mask(config, side, layer, ROWS, &key, mask);
    return mask;
}

static void the_share_is_the_probability(void **state)
{
    const double chances[] = {0.0, 0.1, 0.5, 0.9};

    (void)state;
    for (size_t c = 0; c < sizeof chances / sizeof chances[0]; c++) {
        qctx_head_config config = base;
        double p = chances[c], *mask;
        int64_t dropped = 0;

        config.dropout = p;
        mask = mask_of(&config, 0, 0, 1, 0);
        for (int64_t i = 0; i < CELLS; i++) {
            dropped += mask[i] == 0.0;
            if (mask[i] != 0.0)
                assert_close(mask[i] * (1.0 - p), 1.0, 1e-6);
        }
        assert_true(fabs((double)dropped - p * CELLS) <= 5.0 * sqrt(p * (1.0 - p) * CELLS));
        free(mask);
    }
}

/* Rows and units are dropped alike: no row and no column is far from its share. */
static void rows_and_units_are_even(void **state)
{
    double *mask = mask_of(&base, 1, 1, 5, 1000000);
    double p = base.dropout;

    (void)state;
    for (int64_t row = 0; row < ROWS; row++) {
        int64_t dropped = 0;

        for (int64_t unit = 0; unit < UNITS; unit++)
            dropped += mask[row * UNITS + unit] == 0.0;
        assert_true(fabs((double)dropped - p * UNITS) <= 5.0 * sqrt(p * (1.0 - p) * UNITS));
    }
    for (int64_t unit = 0; unit < UNITS; unit++) {
        int64_t dropped = 0;

        for (int64_t row = 0; row < ROWS; row++)
            dropped += mask[row * UNITS + unit] == 0.0;
        assert_true(fabs((double)dropped - p * ROWS) <= 5.0 * sqrt(p * (1.0 - p) * ROWS));
    }
    free(mask);
}

/* Two independent masks agree in p² + (1 − p)² of their cells. */
static void assert_independent(const double *a, double *b, int64_t offset)
{
    double p = base.dropout, share = p * p + (1.0 - p) * (1.0 - p);
    int64_t cells = CELLS - offset, agree = 0;

    for (int64_t i = 0; i < cells; i++)
        agree += (a[i + offset] == 0.0) == (b[i] == 0.0);
    assert_true(fabs((double)agree - share * (double)cells) <= 5.0 * sqrt(share * (1.0 - share) * (double)cells));
    if (a != b)
        free(b);
}

static void each_part_of_the_key_counts(void **state)
{
    qctx_head_config reseeded = base;
    double *mask = mask_of(&base, 0, 0, 5, 0);

    (void)state;
    reseeded.seed++;
    assert_independent(mask, mask_of(&reseeded, 0, 0, 5, 0), 0);
    assert_independent(mask, mask_of(&base, 1, 0, 5, 0), 0);
    assert_independent(mask, mask_of(&base, 0, 1, 5, 0), 0);
    assert_independent(mask, mask_of(&base, 0, 0, 6, 0), 0);
    assert_independent(mask, mask_of(&base, 0, 0, 5, ROWS), 0);
    /* Neighbouring units, and neighbouring rows, of one mask. */
    assert_independent(mask, mask, 1);
    assert_independent(mask, mask, UNITS);
    free(mask);
}

static void a_mask_belongs_to_its_row(void **state)
{
    enum { COUNT = 8, CUT = 5 };
    const int64_t ids[COUNT] = {4, 900, 17, 3, 4000000000, 22, 0, 8};
    int64_t reversed[COUNT];
    float *parameters = qctx_alloc(qctx_head_parameter_count(&base), sizeof(float), "parameters", NULL);
    float x[COUNT * 20], backwards[COUNT * 20], whole[COUNT * 20], parts[COUNT * 20], turned[COUNT * 20];
    qctx_head_tape *tape;

    (void)state;
    qctx_head_init(&base, parameters);
    for (int64_t i = 0; i < COUNT * 20; i++)
        x[i] = (float)qctx_rng_uniform(1, QCTX_STREAM_SYNTH, 0, (uint64_t)i);
    for (int64_t row = 0; row < COUNT; row++) {
        reversed[row] = ids[COUNT - 1 - row];
        memcpy(backwards + row * 20, x + (COUNT - 1 - row) * 20, 20 * sizeof(float));
    }
    assert_int_equal(qctx_head_tape_create(&base, QCTX_PRECISION_FLOAT32, COUNT, 1, &tape, NULL), QCTX_OK);
    qctx_head_forward(&base, parameters, QCTX_CONTEXT, 1.0, x, COUNT, &(qctx_dropout_key){9, ids}, tape, 0, whole);
    qctx_head_forward(&base, parameters, QCTX_CONTEXT, 1.0, x, CUT, &(qctx_dropout_key){9, ids}, tape, 0, parts);
    qctx_head_forward(&base, parameters, QCTX_CONTEXT, 1.0, x + CUT * 20, COUNT - CUT,
                      &(qctx_dropout_key){9, ids + CUT}, tape, 0, parts + CUT * 20);
    qctx_head_forward(&base, parameters, QCTX_CONTEXT, 1.0, backwards, COUNT, &(qctx_dropout_key){9, reversed}, tape, 0,
                      turned);
    for (int64_t row = 0; row < COUNT; row++) {
        for (int64_t i = 0; i < 20; i++) {
            assert_close(parts[row * 20 + i], whole[row * 20 + i], 1e-6);
            assert_close(turned[(COUNT - 1 - row) * 20 + i], whole[row * 20 + i], 1e-6);
        }
    }
    qctx_head_tape_destroy(tape);
    free(parameters);
}

static void without_a_key_dropout_is_off(void **state)
{
    qctx_head_config dry = base;
    float *parameters = qctx_alloc(qctx_head_parameter_count(&base), sizeof(float), "parameters", NULL);
    const int64_t ids[1] = {3};
    float x[20], off[20], zero[20], on[20];
    qctx_head_tape *tape;

    (void)state;
    dry.dropout = 0.0;
    qctx_head_init(&base, parameters);
    for (int i = 0; i < 20; i++)
        x[i] = 0.1f * (float)i;
    assert_int_equal(qctx_head_tape_create(&base, QCTX_PRECISION_FLOAT32, 1, 1, &tape, NULL), QCTX_OK);
    qctx_head_forward(&base, parameters, QCTX_QUESTION, 1.0, x, 1, NULL, tape, 0, off);
    qctx_head_forward(&dry, parameters, QCTX_QUESTION, 1.0, x, 1, &(qctx_dropout_key){1, ids}, tape, 0, zero);
    qctx_head_forward(&base, parameters, QCTX_QUESTION, 1.0, x, 1, &(qctx_dropout_key){1, ids}, tape, 0, on);
    assert_memory_equal(off, zero, sizeof off);
    assert_memory_not_equal(off, on, sizeof off);
    qctx_head_tape_destroy(tape);
    free(parameters);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_share_is_the_probability), cmocka_unit_test(rows_and_units_are_even),
    cmocka_unit_test(each_part_of_the_key_counts),  cmocka_unit_test(a_mask_belongs_to_its_row),
    cmocka_unit_test(without_a_key_dropout_is_off),
};
TEST_MAIN(tests)
