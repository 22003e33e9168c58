/* ranks: 1 */
#include "harness.h"

#include <math.h>
#include <stdlib.h>

#include "qctx/base/mem.h"
#include "qctx/base/rng.h"
#include "qctx/retrieval/projector.h"

/* More than two blocks of the projector, the last one short. */
enum { ROWS = 2050, WIDTH = 12 };

static const qctx_head_config head = {.form = QCTX_HEAD_RESIDUAL,
                                      .sides = QCTX_SIDES_QUESTION,
                                      .activation = QCTX_ACTIVATION_TANH,
                                      .layers = 2,
                                      .input = WIDTH,
                                      .hidden = 16,
                                      .output = WIDTH,
                                      .dropout = 0.5,
                                      .seed = 3};

static float *draw(int64_t count, uint64_t stream)
{
    float *values = qctx_alloc(count, sizeof(float), "values", NULL);

    for (int64_t i = 0; i < count; i++)
        values[i] = (float)(qctx_rng_uniform(5, QCTX_STREAM_SYNTH, stream, (uint64_t)i) - 0.5);
    return values;
}

static void no_head_passes_rows(void **state)
{
    const qctx_projector projector = {.input = 2};
    const float x[6] = {3, -4, 0, 0, 1e-30f, 0};
    float y[6];
    qctx_error error;

    (void)state;
    assert_int_equal(qctx_projector_output(&projector), 2);
    assert_status(qctx_projector_apply(&projector, QCTX_CONTEXT, x, 3, y, &error), QCTX_OK, &error);
    assert_memory_equal(x, y, sizeof x);
}

static void rows_become_unit_length(void **state)
{
    const qctx_projector projector = {.input = 2, .normalize = true};
    /* A zero row stays zero; squares beyond float32's range at both ends do no harm. */
    const float x[10] = {3, -4, 0, 0, 1e-30f, 0, 3e30f, 4e30f, 0, -2};
    const double expected[10] = {0.6, -0.8, 0, 0, 1, 0, 0.6, 0.8, 0, -1};
    float y[10];
    qctx_error error;

    (void)state;
    for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++) {
        assert_status(qctx_projector_apply(&projector, side, x, 5, y, &error), QCTX_OK, &error);
        for (int i = 0; i < 10; i++)
            assert_close(y[i], expected[i], 1e-7);
    }
}

/* One row through the residual head, in double. */
static void plain_project(const float *p, const float *x, double strength, double *y)
{
    const float *first_bias = p + 16 * WIDTH, *second = first_bias + 16, *second_bias = second + 16 * WIDTH;
    double hidden[16], square = 0.0;

    for (int h = 0; h < 16; h++) {
        hidden[h] = first_bias[h];
        for (int i = 0; i < WIDTH; i++)
            hidden[h] += (double)p[h * WIDTH + i] * x[i];
        hidden[h] = tanh(hidden[h]);
    }
    for (int i = 0; i < WIDTH; i++) {
        double sum = second_bias[i];

        for (int h = 0; h < 16; h++)
            sum += second[i * 16 + h] * hidden[h];
        y[i] = x[i] + strength * sum;
        square += y[i] * y[i];
    }
    for (int i = 0; i < WIDTH; i++)
        y[i] /= sqrt(square);
}

static void many_rows_pass_the_head(void **state)
{
    float *parameters = draw(qctx_head_parameter_count(&head), 1), *x = draw(ROWS * WIDTH, 2);
    float *y = qctx_alloc(ROWS * WIDTH, sizeof(float), "rows", NULL);
    const double strengths[] = {0.0, 0.5, 1.0};
    qctx_error error;

    (void)state;
    for (size_t s = 0; s < sizeof strengths / sizeof strengths[0]; s++) {
        const qctx_projector projector = {&head, parameters, strengths[s], true, WIDTH};
        double expected[WIDTH];

        assert_int_equal(qctx_projector_output(&projector), WIDTH);
        assert_status(qctx_projector_apply(&projector, QCTX_QUESTION, x, ROWS, y, &error), QCTX_OK, &error);
        for (int64_t row = 0; row < ROWS; row++) {
            plain_project(parameters, x + row * WIDTH, strengths[s], expected);
            for (int64_t i = 0; i < WIDTH; i++)
                assert_close(y[row * WIDTH + i], expected[i], 1e-6);
        }
    }
    free(parameters);
    free(x);
    free(y);
}

static void the_other_side_passes_as_it_is(void **state)
{
    float *parameters = draw(qctx_head_parameter_count(&head), 1), *x = draw(3 * WIDTH, 2);
    const qctx_projector projector = {&head, parameters, 1.0, false, WIDTH};
    float y[3 * WIDTH];
    qctx_error error;

    (void)state;
    assert_status(qctx_projector_apply(&projector, QCTX_CONTEXT, x, 3, y, &error), QCTX_OK, &error);
    assert_memory_equal(x, y, sizeof y);
    assert_status(qctx_projector_apply(&projector, QCTX_QUESTION, x, 3, y, &error), QCTX_OK, &error);
    assert_memory_not_equal(x, y, sizeof y);
    free(parameters);
    free(x);
}

static void another_output_width(void **state)
{
    qctx_head_config narrow = head;
    qctx_projector projector = {&narrow, NULL, 1.0, true, WIDTH};
    float *parameters, *x = draw(2 * WIDTH, 2), y[2 * 5];
    qctx_error error;

    (void)state;
    narrow.form = QCTX_HEAD_PLAIN;
    narrow.sides = QCTX_SIDES_SHARED;
    narrow.output = 5;
    projector.parameters = parameters = draw(qctx_head_parameter_count(&narrow), 1);
    assert_int_equal(qctx_projector_output(&projector), 5);
    assert_status(qctx_projector_apply(&projector, QCTX_CONTEXT, x, 2, y, &error), QCTX_OK, &error);
    for (int row = 0; row < 2; row++) {
        double square = 0.0;

        for (int i = 0; i < 5; i++)
            square += (double)y[5 * row + i] * y[5 * row + i];
        assert_close(square, 1.0, 1e-6);
    }
    free(parameters);
    free(x);
}

static void no_rows_are_no_work(void **state)
{
    float *parameters = draw(qctx_head_parameter_count(&head), 1), none = 7.0f;
    const qctx_projector projector = {&head, parameters, 1.0, true, WIDTH}, bare = {.input = WIDTH, .normalize = true};
    qctx_error error;

    (void)state;
    assert_status(qctx_projector_apply(&projector, QCTX_QUESTION, &none, 0, &none, &error), QCTX_OK, &error);
    assert_status(qctx_projector_apply(&bare, QCTX_QUESTION, &none, 0, &none, &error), QCTX_OK, &error);
    assert_true(none == 7.0f);
    free(parameters);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(no_head_passes_rows),     cmocka_unit_test(rows_become_unit_length),
    cmocka_unit_test(many_rows_pass_the_head), cmocka_unit_test(the_other_side_passes_as_it_is),
    cmocka_unit_test(another_output_width),    cmocka_unit_test(no_rows_are_no_work),
};
TEST_MAIN(tests)
