/* ranks: 1 */
#include "harness.h"

#include <math.h>
#include <omp.h>
#include <string.h>

#include "qctx/base/rng.h"
#include "qctx/model/distill.h"

enum { ROWS = 5, CONTEXTS = 7, DIM = 70, ENTRIES = 15 };

/*
 * Contexts 1 and 4 stand in several lists, context 6 in none, question 2 has no list, question 3 no right context that
 * was scored, and question 4 one that is neither.
 */
static const int64_t offsets[ROWS + 1] = {0, 4, 7, 7, 10, 15};
static const int64_t contexts[ENTRIES] = {0, 1, 2, 4, 1, 3, 4, 5, 1, 2, 4, 3, 0, 5, 1};
static const uint8_t roles[ENTRIES] = {QCTX_SCORED_RIGHT, QCTX_SCORED_WRONG, QCTX_SCORED_RIGHT,   QCTX_SCORED_WRONG,
                                       QCTX_SCORED_WRONG, QCTX_SCORED_RIGHT, QCTX_SCORED_WRONG,   QCTX_SCORED_WRONG,
                                       QCTX_SCORED_WRONG, QCTX_SCORED_WRONG, QCTX_SCORED_NEITHER, QCTX_SCORED_RIGHT,
                                       QCTX_SCORED_WRONG, QCTX_SCORED_WRONG, QCTX_SCORED_WRONG};
static const float scores[ENTRIES] = {9, 4, 8.5f, -2, 3, 7, 6.5f, 0, 1, 2, 5, 4, 3, -8, 1.5f};
static const qctx_distill_lists lists = {ROWS, offsets, contexts, scores, roles};
static const double factor = 0.7, scale = 3.0;

typedef struct {
    float q[ROWS * DIM], c[CONTEXTS * DIM];
} vectors;

/* Questions `length` times as long as contexts. */
static vectors made_up(double length)
{
    vectors made;

    for (uint64_t k = 0; k < ROWS * DIM; k++)
        made.q[k] = (float)(length * (qctx_rng_uniform(1, QCTX_STREAM_SYNTH, 1, k) - 0.3));
    for (uint64_t k = 0; k < CONTEXTS * DIM; k++)
        made.c[k] = (float)(qctx_rng_uniform(1, QCTX_STREAM_SYNTH, 2, k) - 0.4);
    return made;
}

/* The plain twin: the header's formulas in double, pair by pair. */
static double plain_score(const qctx_distill_config *config, const double *q, const double *c, double log_scale)
{
    double dot = 0.0, squares[2] = {0.0, 0.0};

    for (int k = 0; k < DIM; k++) {
        dot += q[k] * c[k];
        squares[0] += q[k] * q[k];
        squares[1] += c[k] * c[k];
    }
    return exp(log_scale) * dot / (config->normalize ? sqrt(squares[0] * squares[1]) : 1.0);
}

static double plain_kl(const double *z, const double *t, int64_t count)
{
    double sums[2] = {0.0, 0.0}, loss = 0.0;

    for (int64_t j = 0; j < count; j++) {
        sums[0] += exp(z[j]);
        sums[1] += exp(t[j]);
    }
    for (int64_t j = 0; j < count; j++)
        loss += exp(t[j]) / sums[1] * log(exp(t[j]) / sums[1] / (exp(z[j]) / sums[0]));
    return loss;
}

static double plain_margins(const double *z, const double *t, const uint8_t *role, int64_t count)
{
    double sum = 0.0;
    int64_t pairs = 0;

    for (int64_t r = 0; r < count; r++)
        for (int64_t w = 0; w < count; w++)
            if (role[r] == QCTX_SCORED_RIGHT && role[w] == QCTX_SCORED_WRONG) {
                sum += pow(z[r] - z[w] - (t[r] - t[w]), 2.0);
                pairs++;
            }
    return pairs > 0 ? sum / (double)pairs : 0.0;
}

/* Σᵢ Lᵢ of x: the questions, the contexts, and the logarithm of the scale behind them. */
static double plain_loss(const qctx_distill_config *config, const double *x)
{
    double loss = 0.0;

    for (int64_t i = 0; i < ROWS; i++) {
        int64_t count = offsets[i + 1] - offsets[i];
        double z[ENTRIES], t[ENTRIES];

        for (int64_t j = 0; j < count; j++) {
            z[j] = plain_score(config, x + i * DIM, x + (ROWS + contexts[offsets[i] + j]) * DIM,
                               x[(ROWS + CONTEXTS) * DIM]);
            t[j] = (double)scores[offsets[i] + j] / config->temperature;
        }
        if (count > 0)
            loss += config->kind == QCTX_DISTILL_KL ? plain_kl(z, t, count)
                                                    : plain_margins(z, t, roles + offsets[i], count);
    }
    return loss;
}

/* What the module makes of the vectors, whose questions become dq and whose contexts dc. */
static qctx_distill_sums distil(const qctx_distill_config *config, vectors *at)
{
    const qctx_distill_size size = {ROWS, ENTRIES, CONTEXTS};
    float dq[ROWS * DIM];
    qctx_distill *distill;
    qctx_distill_sums sums;
    qctx_error error;

    assert_status(qctx_distill_create(config, size, &distill, &error), QCTX_OK, &error);
    sums = qctx_distill_step(distill, at->q, at->c, CONTEXTS, &lists, scale, factor, dq);
    memcpy(at->q, dq, sizeof dq);
    qctx_distill_destroy(distill);
    return sums;
}

static void loss_and_gradient_are_those_of_the_formulas(void **state)
{
    (void)state;
    for (int kind = QCTX_DISTILL_KL; kind <= QCTX_DISTILL_MARGIN_MSE; kind++)
        for (int normalize = 0; normalize < 2; normalize++) {
            const qctx_distill_config config = {(qctx_distill_kind)kind, normalize, 2.5, DIM};
            vectors at = made_up(normalize ? 1.0 : 0.1);
            double x[(ROWS + CONTEXTS) * DIM + 1], most = 0.0;
            qctx_distill_sums sums;

            for (int k = 0; k < ROWS * DIM; k++)
                x[k] = (double)at.q[k];
            for (int k = 0; k < CONTEXTS * DIM; k++)
                x[ROWS * DIM + k] = (double)at.c[k];
            x[(ROWS + CONTEXTS) * DIM] = log(scale);
            sums = distil(&config, &at);
            assert_close(sums.loss / plain_loss(&config, x), 1.0, 1e-12);
            for (int k = 0; k <= (ROWS + CONTEXTS) * DIM; k++) {
                const double step = 1e-5, value = x[k];
                double found = k < ROWS * DIM                ? (double)at.q[k]
                               : k < (ROWS + CONTEXTS) * DIM ? (double)at.c[k - ROWS * DIM]
                                                             : sums.dlog_scale;
                double above, below;

                x[k] = value + step;
                above = plain_loss(&config, x);
                x[k] = value - step;
                below = plain_loss(&config, x);
                x[k] = value;
                most = fmax(most, fabs(found));
                assert_close(found, factor * (above - below) / (2.0 * step), 1e-6 * fmax(1.0, most));
            }
            /* Question 2 has no list, context 6 stands in none. */
            for (int k = 0; k < DIM; k++) {
                assert_true(at.q[2 * DIM + k] == 0.0f);
                assert_true(at.c[6 * DIM + k] == 0.0f);
            }
            assert_true(most > 0.01);
        }
}

/* By hand: z = 3·(1, 0), t = (1, 0)·log 3. */
static void a_list_of_two_by_hand(void **state)
{
    const float q[2] = {2.0f, 0.0f}, teacher[2] = {(float)log(3.0), 0.0f};
    const int64_t ends[2] = {0, 2}, both[2] = {0, 1};
    const uint8_t role[2] = {QCTX_SCORED_RIGHT, QCTX_SCORED_WRONG};
    const qctx_distill_lists list = {1, ends, both, teacher, role};
    const qctx_distill_size size = {1, 2, 2};

    (void)state;
    for (int kind = QCTX_DISTILL_KL; kind <= QCTX_DISTILL_MARGIN_MSE; kind++) {
        const qctx_distill_config config = {(qctx_distill_kind)kind, true, 1.0, 2};
        const double pi = 1.0 / (1.0 + exp(-3.0));
        float c[4] = {5.0f, 0.0f, 0.0f, 0.5f}, dq[2];
        qctx_distill *distill;
        qctx_distill_sums sums;
        qctx_error error;

        assert_status(qctx_distill_create(&config, size, &distill, &error), QCTX_OK, &error);
        sums = qctx_distill_step(distill, q, c, 2, &list, 3.0, 1.0, dq);
        if (kind == QCTX_DISTILL_KL) {
            assert_close(sums.loss, 0.75 * log(0.75 / pi) + 0.25 * log(0.25 / (1.0 - pi)), 1e-7);
            assert_close(sums.dlog_scale, 3.0 * (pi - 0.75), 1e-7);
            /* Only the direction across q is left, and only the second context points there. */
            assert_close(dq[1], 3.0 / 2.0 * (0.75 - pi), 1e-7);
            assert_close(c[1], 0.0, 1e-7);
            assert_close(c[2], 3.0 / 0.5 * (0.75 - pi), 1e-6);
        } else {
            assert_close(sums.loss, pow(3.0 - log(3.0), 2.0), 1e-6);
            assert_close(sums.dlog_scale, 3.0 * 2.0 * (3.0 - log(3.0)), 1e-6);
            assert_close(c[2], 3.0 / 0.5 * -2.0 * (3.0 - log(3.0)), 1e-5);
        }
        assert_close(dq[0], 0.0, 1e-7);
        qctx_distill_destroy(distill);
    }
}

static void rows_of_zeros_have_no_gradient(void **state)
{
    const qctx_distill_config config = {QCTX_DISTILL_KL, true, 1.0, DIM};
    vectors at = made_up(1.0);

    (void)state;
    memset(at.q, 0, DIM * sizeof(float));
    memset(at.c + DIM, 0, DIM * sizeof(float));
    assert_true(isfinite(distil(&config, &at).loss));
    for (int k = 0; k < DIM; k++) {
        assert_true(at.q[k] == 0.0f);
        assert_true(at.c[DIM + k] == 0.0f);
    }
}

/* Logits of a cross-encoder far apart, at the highest scale: no sum of exponentials overflows. */
static void far_scores_stay_finite(void **state)
{
    const qctx_distill_config config = {QCTX_DISTILL_KL, true, 1e-3, DIM};
    vectors at = made_up(1.0);

    (void)state;
    assert_true(isfinite(distil(&config, &at).loss));
    for (int k = 0; k < ROWS * DIM; k++)
        assert_true(isfinite(at.q[k]));
}

static void threads_change_no_bit(void **state)
{
    const qctx_distill_config config = {QCTX_DISTILL_MARGIN_MSE, true, 1.0, DIM};
    const int threads = omp_get_max_threads();
    vectors one = made_up(1.0), several = made_up(1.0);
    qctx_distill_sums sums[2];

    (void)state;
    omp_set_num_threads(1);
    sums[0] = distil(&config, &one);
    omp_set_num_threads(3);
    sums[1] = distil(&config, &several);
    omp_set_num_threads(threads);
    assert_memory_equal(&sums[0], &sums[1], sizeof sums[0]);
    assert_memory_equal(&one, &several, sizeof one);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(loss_and_gradient_are_those_of_the_formulas),
    cmocka_unit_test(a_list_of_two_by_hand),
    cmocka_unit_test(rows_of_zeros_have_no_gradient),
    cmocka_unit_test(far_scores_stay_finite),
    cmocka_unit_test(threads_change_no_bit),
};
TEST_MAIN(tests)
