/* ranks: 1 */
#include "harness.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"
#include "qctx/base/rng.h"
#include "qctx/model/head.h"

/* Names, layout and start of the parameters, and forward passes computed by hand. */

static const qctx_head_config small = {.form = QCTX_HEAD_PLAIN,
                                       .sides = QCTX_SIDES_BOTH,
                                       .activation = QCTX_ACTIVATION_RELU,
                                       .layers = 2,
                                       .input = 3,
                                       .hidden = 5,
                                       .output = 4,
                                       .seed = 7};

static void tensors_lie_one_after_the_other(void **state)
{
    const struct {
        const char *name;
        int64_t offset, rows, cols;
        bool decays;
    } expected[] = {
        {"question/0/weight", 0, 5, 3, true},  {"question/0/bias", 15, 5, 1, false},
        {"question/1/weight", 20, 4, 5, true}, {"question/1/bias", 40, 4, 1, false},
        {"context/0/weight", 44, 5, 3, true},  {"context/0/bias", 59, 5, 1, false},
        {"context/1/weight", 64, 4, 5, true},  {"context/1/bias", 84, 4, 1, false},
    };
    qctx_head_tensor tensors[8];

    (void)state;
    assert_int_equal(qctx_head_tensor_count(&small), 8);
    assert_int_equal(qctx_head_parameter_count(&small), 88);
    qctx_head_tensors(&small, tensors);
    for (int i = 0; i < 8; i++) {
        assert_string_equal(tensors[i].name, expected[i].name);
        assert_int_equal(tensors[i].offset, expected[i].offset);
        assert_int_equal(tensors[i].rows, expected[i].rows);
        assert_int_equal(tensors[i].cols, expected[i].cols);
        assert_int_equal(tensors[i].decays, expected[i].decays);
    }
}

static void one_mlp_is_named_by_its_sides(void **state)
{
    const struct {
        qctx_head_sides sides;
        const char *last;
        bool question, context;
    } cases[] = {
        {QCTX_SIDES_QUESTION, "question/2/bias", true, false},
        {QCTX_SIDES_CONTEXT, "context/2/bias", false, true},
        {QCTX_SIDES_SHARED, "shared/2/bias", true, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        qctx_head_config config = small;
        qctx_head_tensor tensors[6];

        config.sides = cases[i].sides;
        config.layers = 3;
        assert_int_equal(qctx_head_tensor_count(&config), 6);
        assert_int_equal(qctx_head_parameter_count(&config), 5 * 4 + 5 * 6 + 4 * 6);
        qctx_head_tensors(&config, tensors);
        assert_string_equal(tensors[5].name, cases[i].last);
        assert_int_equal(qctx_head_has_side(&config, QCTX_QUESTION), cases[i].question);
        assert_int_equal(qctx_head_has_side(&config, QCTX_CONTEXT), cases[i].context);
    }
}

static void names_are_those_of_the_config(void **state)
{
    (void)state;
    assert_string_equal(qctx_head_form_names[QCTX_HEAD_PLAIN], "plain");
    assert_string_equal(qctx_head_form_names[QCTX_HEAD_RESIDUAL], "residual");
    assert_string_equal(qctx_head_sides_names[QCTX_SIDES_QUESTION], "question");
    assert_string_equal(qctx_head_sides_names[QCTX_SIDES_CONTEXT], "context");
    assert_string_equal(qctx_head_sides_names[QCTX_SIDES_BOTH], "both");
    assert_string_equal(qctx_head_sides_names[QCTX_SIDES_SHARED], "shared");
    assert_string_equal(qctx_activation_names[QCTX_ACTIVATION_RELU], "relu");
    assert_string_equal(qctx_activation_names[QCTX_ACTIVATION_GELU], "gelu");
    assert_string_equal(qctx_activation_names[QCTX_ACTIVATION_TANH], "tanh");
}

static void the_start_is_uniform(void **state)
{
    qctx_head_config config = small;
    qctx_head_tensor tensors[8];
    float *parameters;

    (void)state;
    config.input = 100;
    config.hidden = 300;
    config.output = 80;
    parameters = qctx_alloc(qctx_head_parameter_count(&config), sizeof(float), "parameters", NULL);
    qctx_head_init(&config, parameters);
    qctx_head_tensors(&config, tensors);
    for (int t = 0; t < 8; t++) {
        int64_t count = tensors[t].rows * tensors[t].cols;
        const float *values = parameters + tensors[t].offset;
        /* The inputs of a bias's layer are the columns of the weight before it. */
        double bound = 1.0 / sqrt((double)tensors[t % 2 == 0 ? t : t - 1].cols);
        double sum = 0.0, squares = 0.0, largest = 0.0;

        for (int64_t i = 0; i < count; i++) {
            sum += values[i];
            squares += (double)values[i] * values[i];
            largest = fmax(largest, fabs(values[i]));
        }
        /* A uniform variable in ±b has variance b²/3; the bounds are five standard errors of the mean and variance. */
        assert_true(largest <= bound * (1.0 + 1e-7) && largest > 0.9 * bound);
        assert_true(fabs(sum / (double)count) < 5.0 * bound / sqrt(3.0 * (double)count));
        assert_true(fabs(squares / (double)count - bound * bound / 3.0) <
                    5.0 * bound * bound * sqrt(4.0 / 45.0 / (double)count));
    }
    free(parameters);
}

static void the_start_depends_on_seed_and_side_only(void **state)
{
    qctx_head_config other = small;
    float both[88], again[88], context[44];

    (void)state;
    qctx_head_init(&small, both);
    qctx_head_init(&small, again);
    assert_memory_equal(both, again, sizeof both);
    assert_memory_not_equal(both, both + 44, 44 * sizeof(float));
    other.sides = QCTX_SIDES_CONTEXT;
    qctx_head_init(&other, context);
    assert_memory_equal(both + 44, context, sizeof context);
    other.seed = 8;
    qctx_head_init(&other, again);
    assert_memory_not_equal(again, context, sizeof context);
}

static void a_residual_head_begins_as_the_identity(void **state)
{
    (void)state;
    for (int64_t layers = 1; layers <= 3; layers++) {
        qctx_head_config config = small;
        const float x[6] = {0.3f, -0.7f, 1e-20f, 5.0f, 0.0f, 2.0f};
        float parameters[2 * 100], y[6];
        qctx_head_tape *tape;
        qctx_error error;

        config.form = QCTX_HEAD_RESIDUAL;
        config.layers = layers;
        config.output = config.input;
        qctx_head_init(&config, parameters);
        assert_status(qctx_head_tape_create(&config, QCTX_PRECISION_FLOAT32, 2, 1, &tape, &error), QCTX_OK, &error);
        for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++) {
            qctx_head_forward(&config, parameters, side, 1.0, x, 2, NULL, tape, 0, y);
            assert_memory_equal(x, y, sizeof x);
        }
        qctx_head_tape_destroy(tape);
    }
}

/* 2 → 2 → 2 with weights [out, in] as torch.nn.Linear keeps them: y = W x + b. */
static const float by_hand[12] = {1.0f, 2.0f, -1.0f, 1.0f, 0.5f, -0.5f, 1.0f, 0.0f, 2.0f, -1.0f, 0.25f, 0.75f};
static const float by_hand_x[4] = {1.0f, 1.0f, -3.0f, 1.0f};

static void forward_by_hand(qctx_head_form form, double alpha, const double expected[4])
{
    qctx_head_config config = small;
    qctx_head_tape *tape;
    qctx_error error;
    float y[4];

    config.form = form;
    config.sides = QCTX_SIDES_SHARED;
    config.input = config.hidden = config.output = 2;
    assert_int_equal(qctx_head_parameter_count(&config), 12);
    assert_status(qctx_head_tape_create(&config, QCTX_PRECISION_FLOAT32, 2, 1, &tape, &error), QCTX_OK, &error);
    qctx_head_forward(&config, by_hand, QCTX_CONTEXT, alpha, by_hand_x, 2, NULL, tape, 0, y);
    for (int i = 0; i < 4; i++)
        assert_close(y[i], expected[i], 1e-7);
    qctx_head_tape_destroy(tape);
}

static void layers_are_laid_out_as_pytorch_does(void **state)
{
    /*
     * Row (1, 1): W₀x = (3, 0), + b₀ = (3.5, −0.5), relu (3.5, 0); W₁h = (3.5, 7), + b₁ = (3.75, 7.75).
     * Row (−3, 1): W₀x = (−1, 4), + b₀ = (−0.5, 3.5), relu (0, 3.5); W₁h = (0, −3.5), + b₁ = (0.25, −2.75).
     */
    const double plain[4] = {3.75, 7.75, 0.25, -2.75};
    const double half[4] = {1 + 1.875, 1 + 3.875, -3 + 0.125, 1 - 1.375};
    const double full[4] = {4.75, 8.75, -2.75, -1.75};
    const double none[4] = {1, 1, -3, 1};

    (void)state;
    forward_by_hand(QCTX_HEAD_PLAIN, 1.0, plain);
    forward_by_hand(QCTX_HEAD_PLAIN, 0.5, plain);
    forward_by_hand(QCTX_HEAD_RESIDUAL, 1.0, full);
    forward_by_hand(QCTX_HEAD_RESIDUAL, 0.5, half);
    forward_by_hand(QCTX_HEAD_RESIDUAL, 0.0, none);
}

static void a_side_without_mlp_copies(void **state)
{
    qctx_head_config config = small;
    const float x[6] = {1, 2, 3, 4, 5, 6};
    float parameters[44], gradient[44] = {0}, zero[44] = {0}, y[6];
    qctx_head_tape *tape;
    qctx_error error;

    (void)state;
    config.output = config.input;
    config.sides = QCTX_SIDES_QUESTION;
    qctx_head_init(&config, parameters);
    assert_status(qctx_head_tape_create(&config, QCTX_PRECISION_FLOAT32, 2, 1, &tape, &error), QCTX_OK, &error);
    qctx_head_forward(&config, parameters, QCTX_CONTEXT, 1.0, x, 2, NULL, tape, 0, y);
    assert_memory_equal(x, y, sizeof x);
    qctx_head_backward(&config, parameters, QCTX_CONTEXT, x, y, 2, tape, 0,
                       &(qctx_head_gradient){.values = gradient, .add = true});
    assert_memory_equal(gradient, zero, sizeof gradient);
    qctx_head_forward(&config, parameters, QCTX_QUESTION, 1.0, x, 2, NULL, tape, 0, y);
    assert_memory_not_equal(x, y, sizeof x);
    qctx_head_tape_destroy(tape);
}

static void no_rows_change_nothing(void **state)
{
    float parameters[88], gradient[88], expected[88], none = 3.0f;
    qctx_head_tape *tape;
    qctx_error error;

    (void)state;
    qctx_head_init(&small, parameters);
    memcpy(gradient, parameters, sizeof gradient);
    memcpy(expected, parameters, sizeof gradient);
    assert_status(qctx_head_tape_create(&small, QCTX_PRECISION_FLOAT32, 0, 1, &tape, &error), QCTX_OK, &error);
    qctx_head_forward(&small, parameters, QCTX_QUESTION, 1.0, &none, 0, NULL, tape, 0, &none);
    qctx_head_backward(&small, parameters, QCTX_QUESTION, &none, &none, 0, tape, 0,
                       &(qctx_head_gradient){.values = gradient, .add = true});
    assert_true(none == 3.0f);
    assert_memory_equal(gradient, expected, sizeof gradient);
    qctx_head_tape_destroy(tape);
    qctx_head_tape_destroy(NULL);
}

static void a_tape_too_large_is_refused(void **state)
{
    qctx_head_tape *tape = NULL;
    qctx_error error;

    (void)state;
    assert_status(qctx_head_tape_create(&small, QCTX_PRECISION_FLOAT32, INT64_MAX / 4, 1, &tape, &error),
                  QCTX_ERR_MEMORY, &error);
    assert_null(tape);
}

static void threads_change_no_sum(void **state)
{
    enum { ROWS = 300, WIDTH = 260 };
    qctx_head_config config = {
        QCTX_HEAD_RESIDUAL, QCTX_SIDES_SHARED, QCTX_ACTIVATION_GELU, 2, WIDTH, WIDTH, WIDTH, 0.2, 5};
    int64_t count = qctx_head_parameter_count(&config);
    int64_t *ids = qctx_alloc(ROWS, sizeof *ids, "row ids", NULL);
    float *parameters = qctx_alloc(count, sizeof(float), "parameters", NULL);
    float *x = qctx_alloc(ROWS * WIDTH, sizeof(float), "rows", NULL);
    float *y[2], *gradient[2];
    int threads = omp_get_max_threads();

    (void)state;
    qctx_head_init(&config, parameters);
    for (int64_t row = 0; row < ROWS; row++)
        ids[row] = row;
    for (int64_t i = 0; i < ROWS * WIDTH; i++)
        x[i] = (float)(qctx_rng_uniform(1, QCTX_STREAM_SYNTH, 0, (uint64_t)i) - 0.5);
    for (int run = 0; run < 2; run++) {
        qctx_dropout_key key = {.step = 1, .row_ids = ids};
        qctx_head_tape *tape;

        omp_set_num_threads(run == 0 ? 1 : 3);
        y[run] = qctx_alloc(ROWS * WIDTH, sizeof(float), "outputs", NULL);
        gradient[run] = qctx_alloc(count, sizeof(float), "gradient", NULL);
        assert_int_equal(qctx_head_tape_create(&config, QCTX_PRECISION_FLOAT32, ROWS, 1, &tape, NULL), QCTX_OK);
        qctx_head_forward(&config, parameters, QCTX_QUESTION, 1.0, x, ROWS, &key, tape, 0, y[run]);
        qctx_head_backward(&config, parameters, QCTX_QUESTION, x, x, ROWS, tape, 0,
                           &(qctx_head_gradient){.values = gradient[run], .add = true});
        qctx_head_tape_destroy(tape);
    }
    omp_set_num_threads(threads);
    /* The sums of the last bias are this project's own; products may differ by how the library cuts them. */
    assert_memory_equal(gradient[0] + count - WIDTH, gradient[1] + count - WIDTH, WIDTH * sizeof(float));
    for (int64_t i = 0; i < ROWS * WIDTH; i++)
        assert_close(y[0][i], y[1][i], 1e-6);
    for (int64_t i = 0; i < count; i++)
        assert_close(gradient[0][i], gradient[1][i], 1e-5);
    for (int run = 0; run < 2; run++) {
        free(y[run]);
        free(gradient[run]);
    }
    free(ids);
    free(parameters);
    free(x);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(tensors_lie_one_after_the_other),
    cmocka_unit_test(one_mlp_is_named_by_its_sides),
    cmocka_unit_test(names_are_those_of_the_config),
    cmocka_unit_test(the_start_is_uniform),
    cmocka_unit_test(the_start_depends_on_seed_and_side_only),
    cmocka_unit_test(a_residual_head_begins_as_the_identity),
    cmocka_unit_test(layers_are_laid_out_as_pytorch_does),
    cmocka_unit_test(a_side_without_mlp_copies),
    cmocka_unit_test(no_rows_change_nothing),
    cmocka_unit_test(a_tape_too_large_is_refused),
    cmocka_unit_test(threads_change_no_sum),
};
TEST_MAIN(tests)
