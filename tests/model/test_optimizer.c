/* ranks: 1 */
#include "harness.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>

#include "qctx/base/mem.h"
#include "qctx/base/rng.h"
#include "qctx/model/optimizer.h"

/* More than one block of the fast loop, with an odd tail. */
enum { COUNT = 40003, STEPS = 50 };

/* The plain twin: the header's formulas in double, one parameter at a time. */
typedef struct {
    double parameter, first, second;
} plain;

static void plain_step(const qctx_optimizer_config *config, plain *p, int64_t step, double rate, double g, bool decays)
{
    double decay = decays ? config->weight_decay : 0.0, m_hat, v_hat;

    if (config->kind != QCTX_OPTIMIZER_ADAMW)
        g += decay * p->parameter;
    if (config->kind == QCTX_OPTIMIZER_SGD) {
        p->first = config->momentum * p->first + g;
        p->parameter -= rate * p->first;
        return;
    }
    p->first = config->beta1 * p->first + (1 - config->beta1) * g;
    p->second = config->beta2 * p->second + (1 - config->beta2) * g * g;
    m_hat = p->first / (1 - pow(config->beta1, (double)step));
    v_hat = p->second / (1 - pow(config->beta2, (double)step));
    if (config->kind == QCTX_OPTIMIZER_ADAMW)
        p->parameter -= rate * (m_hat / (sqrt(v_hat) + config->epsilon) + decay * p->parameter);
    else
        p->parameter -= rate * m_hat / (sqrt(v_hat) + config->epsilon);
}

static float draw(uint64_t a, uint64_t b)
{
    return (float)(2.0 * qctx_rng_uniform(11, QCTX_STREAM_INIT, a, b) - 1.0);
}

static void follows_plain_twin(qctx_optimizer_config config)
{
    qctx_error error;
    qctx_optimizer_state fast;
    plain *slow = qctx_alloc(COUNT, sizeof *slow, "the plain twin", &error);
    float *parameters = qctx_alloc(COUNT, sizeof(float), "parameters", &error);
    float *gradient = qctx_alloc(COUNT, sizeof(float), "gradient", &error);
    uint8_t *decays = qctx_alloc(COUNT, 1, "marks", &error);
    double worst = 0.0;

    assert_status(qctx_optimizer_state_create(COUNT, &fast, &error), QCTX_OK, &error);
    for (int64_t i = 0; i < COUNT; i++) {
        parameters[i] = draw(0, (uint64_t)i);
        slow[i].parameter = parameters[i];
        decays[i] = i % 3 != 0;
    }
    for (int64_t step = 1; step <= STEPS; step++) {
        double rate = 1e-2 / (double)step, scale = step % 2 == 0 ? 1.0 : 0.25;

        for (int64_t i = 0; i < COUNT; i++) {
            gradient[i] = draw((uint64_t)step, (uint64_t)i);
            plain_step(&config, &slow[i], step, rate, scale * gradient[i], decays[i] != 0);
        }
        fast.steps++;
        qctx_optimizer_step(&config, &fast, rate, scale, 0, COUNT, decays, gradient, parameters);
    }
    assert_int_equal(fast.steps, STEPS);
    for (int64_t i = 0; i < COUNT; i++)
        worst = fmax(worst, fabs(parameters[i] - slow[i].parameter));
    /* 50 roundings of a parameter of size 1 to float32, half a unit of 2^-24 to 2^-23 each. */
    assert_true(worst < STEPS * 0x1p-24);
    qctx_optimizer_state_destroy(&fast);
    free(slow);
    free(parameters);
    free(gradient);
    free(decays);
}

static void every_kind_follows_its_plain_twin(void **state)
{
    (void)state;
    follows_plain_twin((qctx_optimizer_config){QCTX_OPTIMIZER_ADAMW, 0.1, 0.9, 0.999, 1e-8, 0.0});
    follows_plain_twin((qctx_optimizer_config){QCTX_OPTIMIZER_ADAM, 0.1, 0.8, 0.99, 1e-6, 0.0});
    follows_plain_twin((qctx_optimizer_config){QCTX_OPTIMIZER_SGD, 0.1, 0.0, 0.0, 0.0, 0.9});
}

/* Two steps on one decaying and one other parameter, both 1 at first; gradients 2 and −1 (the same for both). */
static void two_steps(qctx_optimizer_config config, double scale, const double expected[4])
{
    const float gradients[2][2] = {{2.0f, 2.0f}, {-1.0f, -1.0f}};
    const uint8_t decays[2] = {1, 0};
    float parameters[2] = {1.0f, 1.0f};
    qctx_optimizer_state optimizer;
    qctx_error error;

    assert_status(qctx_optimizer_state_create(2, &optimizer, &error), QCTX_OK, &error);
    for (int step = 0; step < 2; step++) {
        optimizer.steps++;
        qctx_optimizer_step(&config, &optimizer, 0.1, scale, 0, optimizer.count, decays, gradients[step], parameters);
        assert_close(parameters[0], expected[2 * step], 2e-7);
        assert_close(parameters[1], expected[2 * step + 1], 2e-7);
    }
    assert_int_equal(optimizer.steps, 2);
    qctx_optimizer_state_destroy(&optimizer);
}

static void first_two_steps_by_hand(void **state)
{
    /*
     * β₁ = β₂ = ½, no ε. Step 1: m̂ = 2, v̂ = 4, so the direction is 1. Step 2: m = ½·1 − ½ = 0, so it is 0.
     * adamw: 1 − 0.1·(1 + 0.5·1) = 0.85; then 0.85 − 0.1·0.5·0.85 = 0.8075. Without decay: 0.9, 0.9.
     */
    const double adamw[4] = {0.85, 0.9, 0.8075, 0.9};
    /*
     * adam: g = 2 + 0.5 = 2.5, direction 1: 0.9. Then g = −1 + 0.45 = −0.55, m = 0.625 − 0.275 = 0.35,
     * v = 3.125/2 + 0.3025/2 = 1.71375; m̂ = 0.35/0.75, v̂ = 1.71375/0.75 = 2.285;
     * 0.9 − 0.1·0.466666667/1.511621646 = 0.869128077.
     */
    const double adam[4] = {0.9, 0.9, 0.869128077, 0.9};
    /* sgd, μ = 0.9: g = 2.5: 0.75; m = 2.25 + (−1 + 0.375) = 1.625: 0.5875. Without decay: 0.8, m = 0.8: 0.72. */
    const double sgd[4] = {0.75, 0.8, 0.5875, 0.72};
    /* Half the gradient, without momentum: 1 − 0.1·(1 + 0.5) = 0.85; 0.85 − 0.1·(−0.5 + 0.425) = 0.8575. */
    const double half[4] = {0.85, 0.9, 0.8575, 0.95};

    (void)state;
    two_steps((qctx_optimizer_config){QCTX_OPTIMIZER_ADAMW, 0.5, 0.5, 0.5, 1e-30, 0.0}, 1.0, adamw);
    two_steps((qctx_optimizer_config){QCTX_OPTIMIZER_ADAM, 0.5, 0.5, 0.5, 1e-30, 0.0}, 1.0, adam);
    two_steps((qctx_optimizer_config){QCTX_OPTIMIZER_SGD, 0.5, 0.0, 0.0, 0.0, 0.9}, 1.0, sgd);
    two_steps((qctx_optimizer_config){QCTX_OPTIMIZER_SGD, 0.5, 0.0, 0.0, 0.0, 0.0}, 0.5, half);
}

static void a_zero_gradient_moves_nothing(void **state)
{
    qctx_optimizer_config config = {QCTX_OPTIMIZER_ADAMW, 0.0, 0.9, 0.999, 1e-8, 0.0};
    const float gradient[3] = {0};
    const uint8_t decays[3] = {1, 0, 1};
    float parameters[3] = {1.0f, -2.0f, 0.0f};
    qctx_optimizer_state optimizer;
    qctx_error error;

    (void)state;
    assert_status(qctx_optimizer_state_create(3, &optimizer, &error), QCTX_OK, &error);
    optimizer.steps++;
    qctx_optimizer_step(&config, &optimizer, 0.1, 1.0, 0, optimizer.count, decays, gradient, parameters);
    assert_true(parameters[0] == 1.0f && parameters[1] == -2.0f && parameters[2] == 0.0f);
    qctx_optimizer_state_destroy(&optimizer);
}

static void an_empty_head_takes_steps(void **state)
{
    qctx_optimizer_config config = {QCTX_OPTIMIZER_ADAMW, 0.1, 0.9, 0.999, 1e-8, 0.0};
    qctx_optimizer_state optimizer;
    qctx_error error;
    float none;
    uint8_t no_mark;

    (void)state;
    assert_status(qctx_optimizer_state_create(0, &optimizer, &error), QCTX_OK, &error);
    optimizer.steps++;
    qctx_optimizer_step(&config, &optimizer, 0.1, 1.0, 0, 0, &no_mark, &none, &none);
    assert_int_equal(optimizer.steps, 1);
    qctx_optimizer_state_destroy(&optimizer);
}

static void too_many_parameters_are_refused(void **state)
{
    qctx_optimizer_state optimizer;
    qctx_error error;

    (void)state;
    assert_status(qctx_optimizer_state_create(INT64_MAX, &optimizer, &error), QCTX_ERR_MEMORY, &error);
    assert_null(optimizer.first);
    assert_null(optimizer.second);
}

static void norm_is_the_double_sum(void **state)
{
    const float triangle[2] = {3.0f, -4.0f};
    const int64_t counts[] = {0, 1, 15, 16, 17, 63, 64, 65, 1023, COUNT};
    float *values = qctx_alloc(COUNT, sizeof(float), "values", NULL);
    int threads = omp_get_max_threads();
    double one, three;

    (void)state;
    assert_close(qctx_norm(triangle, 2), 5.0, 0.0);
    /* Squares beyond float32. */
    assert_close(qctx_norm((const float[]){3e30f, 4e30f}, 2) / 5e30, 1.0, 1e-6);
    for (int64_t i = 0; i < COUNT; i++)
        values[i] = draw(99, (uint64_t)i);
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        double sum = 0.0;

        for (int64_t i = 0; i < counts[c]; i++)
            sum += (double)values[i] * values[i];
        assert_close(qctx_norm(values, counts[c]), sqrt(sum), 1e-13);
    }
    omp_set_num_threads(1);
    one = qctx_norm(values, COUNT);
    omp_set_num_threads(3);
    three = qctx_norm(values, COUNT);
    omp_set_num_threads(threads);
    assert_memory_equal(&one, &three, sizeof one);
    free(values);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_kind_follows_its_plain_twin), cmocka_unit_test(first_two_steps_by_hand),
    cmocka_unit_test(a_zero_gradient_moves_nothing),     cmocka_unit_test(an_empty_head_takes_steps),
    cmocka_unit_test(too_many_parameters_are_refused),   cmocka_unit_test(norm_is_the_double_sum),
};
TEST_MAIN(tests)
