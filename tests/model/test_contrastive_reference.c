/* ranks: 1 */
#include "harness.h"

#include <math.h>

#include "contrastive_reference.h"
#include "qctx/base/rng.h"

enum { ROWS = 6, EXTRAS = 5, DIM = 4, QUESTIONS = ROWS * DIM, VALUES = (ROWS + EXTRAS) * DIM };

/*
 * Rows 1 and 4 have the same context; questions 0 and 3 have others beside their own, one of them outside the batch but
 * for the extras, which are that one, a copy of a paired context, and three that answer nothing, two of them equal.
 */
static const uint64_t content[ROWS + EXTRAS] = {10, 11, 12, 13, 11, 15, 77, 12, 20, 20, 21};
static const int64_t positive_offsets[ROWS + 1] = {0, 3, 4, 5, 8, 9, 10};
static const uint64_t positives[] = {10, 12, 77, 11, 12, 15, 13, 13, 11, 15};
static const qctx_loss_batch batch = {ROWS, content, positive_offsets, positives, 0};
static const qctx_loss_batch batch_with_extras = {ROWS, content, positive_offsets, positives, EXTRAS};

static const uint64_t two_content[2] = {1, 2};
static const int64_t two_offsets[3] = {0, 1, 2};
static const qctx_loss_batch two = {2, two_content, two_offsets, two_content, 0};

static double loss_at(const qctx_loss_config *config, const qctx_loss_batch *on, const double *q, const double *c,
                      qctx_loss_scale scale)
{
    double dq[QUESTIONS], dc[VALUES];
    qctx_loss_result result;

    contrastive_reference(config, q, c, DIM, on, scale, dq, dc, &result);
    return result.loss;
}

/* Holds `gradient` against central differences of the loss in the `count` entries of x, which is q or c. */
static void assert_gradient(const qctx_loss_config *config, const qctx_loss_batch *on, const double *q, const double *c,
                            qctx_loss_scale scale, double *x, int64_t count, const double *gradient)
{
    const double step = 1e-5;

    for (int64_t k = 0; k < count; k++) {
        double kept = x[k], above, below;

        x[k] = kept + step;
        above = loss_at(config, on, q, c, scale);
        x[k] = kept - step;
        below = loss_at(config, on, q, c, scale);
        x[k] = kept;
        assert_close(gradient[k], (above - below) / (2.0 * step), 1e-8);
    }
}

/* The same in t or β, which is a member of `scale`. */
static void assert_scalar(const qctx_loss_config *config, const qctx_loss_batch *on, const double *q, const double *c,
                          qctx_loss_scale *scale, double *x, double gradient)
{
    const double step = 1e-5, kept = *x;
    double above, below;

    *x = kept + step;
    above = loss_at(config, on, q, c, *scale);
    *x = kept - step;
    below = loss_at(config, on, q, c, *scale);
    *x = kept;
    assert_close(gradient, (above - below) / (2.0 * step), 1e-8);
}

static void check_differences(const qctx_loss_config *config, const qctx_loss_batch *on, qctx_loss_scale scale)
{
    double q[QUESTIONS], c[VALUES], dq[QUESTIONS], dc[VALUES];
    qctx_loss_result result;

    for (int k = 0; k < VALUES; k++) {
        if (k < QUESTIONS)
            q[k] = 2.0 * qctx_rng_uniform(1, QCTX_STREAM_SYNTH, 0, (uint64_t)k) - 1.0;
        c[k] = 2.0 * qctx_rng_uniform(1, QCTX_STREAM_SYNTH, 1, (uint64_t)k) - 1.0;
    }
    contrastive_reference(config, q, c, DIM, on, scale, dq, dc, &result);
    assert_true(result.finite);
    assert_gradient(config, on, q, c, scale, q, QUESTIONS, dq);
    assert_gradient(config, on, q, c, scale, c, (on->rows + on->extras) * DIM, dc);
    assert_scalar(config, on, q, c, &scale, &scale.log_scale, result.dlog_scale);
    assert_scalar(config, on, q, c, &scale, &scale.bias, result.dbias);
}

static void gradients_are_those_of_finite_differences(void **state)
{
    static const qctx_loss_config losses[] = {
        {.kind = QCTX_LOSS_CLIP, .direction = QCTX_DIRECTION_BOTH, .normalize = true},
        {.kind = QCTX_LOSS_CLIP, .direction = QCTX_DIRECTION_BOTH, .normalize = false},
        {.kind = QCTX_LOSS_CLIP, .direction = QCTX_DIRECTION_QUESTION, .normalize = true},
        {.kind = QCTX_LOSS_CLIP, .direction = QCTX_DIRECTION_QUESTION, .normalize = false},
        {.kind = QCTX_LOSS_CLIP, .direction = QCTX_DIRECTION_CONTEXT, .normalize = true},
        {.kind = QCTX_LOSS_CLIP, .direction = QCTX_DIRECTION_CONTEXT, .normalize = false},
        {.kind = QCTX_LOSS_SOFT, .direction = QCTX_DIRECTION_BOTH, .normalize = true},
        {.kind = QCTX_LOSS_SOFT, .direction = QCTX_DIRECTION_BOTH, .normalize = false},
        {.kind = QCTX_LOSS_SIGMOID, .direction = QCTX_DIRECTION_BOTH, .normalize = true},
        {.kind = QCTX_LOSS_SIGMOID, .direction = QCTX_DIRECTION_BOTH, .normalize = false},
    };

    (void)state;
    for (size_t k = 0; k < sizeof losses / sizeof losses[0]; k++) {
        check_differences(&losses[k], &batch, (qctx_loss_scale){1.0, -1.5});
        check_differences(&losses[k], &batch, (qctx_loss_scale){-0.5, 0.75});
        if (qctx_loss_check_extras(losses[k].kind, losses[k].direction).key == NULL)
            check_differences(&losses[k], &batch_with_extras, (qctx_loss_scale){1.0, -1.5});
    }
}

/* Q = D = the unit vectors and s = 1, so S is the identity: all by hand, with e/(e + 1) = 0.7310585786300049. */
static void clip_of_the_identity(void **state)
{
    qctx_loss_config config = {.kind = QCTX_LOSS_CLIP, .direction = QCTX_DIRECTION_BOTH, .normalize = true};
    const double x[4] = {1.0, 0.0, 0.0, 1.0};
    double dq[4], dc[4];
    qctx_loss_result result;

    (void)state;
    contrastive_reference(&config, x, x, 2, &two, (qctx_loss_scale){0.0, 0.0}, dq, dc, &result);
    assert_close(result.loss, 0.31326168751822286, 1e-15);
    assert_close(result.dlog_scale, -0.2689414213699951, 1e-15);
    assert_close(result.accuracy, 1.0, 0.0);
    assert_close(dq[0], 0.0, 1e-15);
    assert_close(dq[1], 0.13447071068499756, 1e-15);
    assert_close(dc[2], 0.13447071068499756, 1e-15);

    config.normalize = false;
    contrastive_reference(&config, x, x, 2, &two, (qctx_loss_scale){0.0, 0.0}, dq, dc, &result);
    assert_close(dq[0], -0.13447071068499756, 1e-15);
    assert_close(dq[1], 0.13447071068499756, 1e-15);

    /* Both directions of a symmetric S are alike, and the mean over B instead of 2B makes them equal to the whole. */
    config.direction = QCTX_DIRECTION_QUESTION;
    contrastive_reference(&config, x, x, 2, &two, (qctx_loss_scale){0.0, 0.0}, dq, dc, &result);
    assert_close(result.loss, 0.31326168751822286, 1e-15);
    assert_close(dc[3], -0.13447071068499756, 1e-15);
}

/* Here T is the softmax of S itself, so only the targets' own gradient is left. */
static void soft_of_the_identity(void **state)
{
    qctx_loss_config config = {.kind = QCTX_LOSS_SOFT, .direction = QCTX_DIRECTION_BOTH, .normalize = false};
    const double x[4] = {1.0, 0.0, 0.0, 1.0};
    double dq[4], dc[4];
    qctx_loss_result result;

    (void)state;
    contrastive_reference(&config, x, x, 2, &two, (qctx_loss_scale){0.0, 0.0}, dq, dc, &result);
    assert_close(result.loss, 0.5822031088882179, 1e-14);
    assert_close(result.dlog_scale, 0.19661193324148185, 1e-14);
    assert_close(dq[0], -0.09830596662074093, 1e-14);
    assert_close(dq[1], 0.09830596662074093, 1e-14);
    assert_close(dc[3], -0.09830596662074093, 1e-14);
}

/* The same S and β = 0: on the diagonal log(1 + 1/e) = 0.31326168751822286, beside it log 2, both halved per row. */
static void sigmoid_of_the_identity(void **state)
{
    qctx_loss_config config = {.kind = QCTX_LOSS_SIGMOID, .direction = QCTX_DIRECTION_BOTH, .normalize = false};
    const double x[4] = {1.0, 0.0, 0.0, 1.0};
    double dq[4], dc[4];
    qctx_loss_result result;

    (void)state;
    contrastive_reference(&config, x, x, 2, &two, (qctx_loss_scale){0.0, 0.0}, dq, dc, &result);
    assert_close(result.loss, 0.31326168751822286 + 0.6931471805599453, 1e-15);
    /* G = (-0.2689414213699951, 0.5)/2 by rows; Σ G·S is twice the first, Σ G both. */
    assert_close(result.dlog_scale, -0.2689414213699951, 1e-15);
    assert_close(result.dbias, -0.2689414213699951 + 0.5, 1e-15);
    assert_close(dq[0], -0.13447071068499756, 1e-15);
    assert_close(dq[1], 0.25, 1e-15);
    assert_close(dc[2], 0.25, 1e-15);
    assert_close(dc[3], -0.13447071068499756, 1e-15);
    assert_close(result.accuracy, 1.0, 0.0);
}

static void a_masked_context_gets_nothing_from_the_question_it_answers(void **state)
{
    qctx_loss_config config = {.kind = QCTX_LOSS_CLIP, .direction = QCTX_DIRECTION_QUESTION, .normalize = false};
    const uint64_t contents[3] = {1, 2, 3}, more[4] = {1, 2, 2, 3};
    const int64_t offsets[4] = {0, 2, 3, 4};
    const qctx_loss_batch three = {3, contents, offsets, more, 0};
    const double x[9] = {1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0};
    double dq[9], dc[9];
    qctx_loss_result result;

    (void)state;
    contrastive_reference(&config, x, x, 3, &three, (qctx_loss_scale){0.0, 0.0}, dq, dc, &result);
    /* dc[j] holds the entries of column j of s·G: question 0 does not push context 1, but question 1 pushes context 0.
     */
    assert_true(dc[3 * 1 + 0] == 0.0);
    assert_true(dc[3 * 2 + 0] > 0.0);
    assert_true(dc[3 * 0 + 1] > 0.0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(gradients_are_those_of_finite_differences),
    cmocka_unit_test(clip_of_the_identity),
    cmocka_unit_test(soft_of_the_identity),
    cmocka_unit_test(sigmoid_of_the_identity),
    cmocka_unit_test(a_masked_context_gets_nothing_from_the_question_it_answers),
};
TEST_MAIN(tests)
