/* ranks: 1 2 3 4 5 */
#include "contrastive_probe.h"

/* The schemes that take bfloat16. */
static const qctx_similarity narrow[] = {QCTX_SIMILARITY_ROWS, QCTX_SIMILARITY_RING};
enum { NARROW = sizeof narrow / sizeof narrow[0] };
static const int64_t ROWS = 150, DIM = 64;
static const qctx_loss_scale scale = {2.995732273553991 /* log 20 */, -6.0};

/* The angle between a gradient and the reference's, over this rank's rows, as its cosine; 1 without rows. */
static double cosine(const problem *p, const float *actual, const double *expected)
{
    double product = 0.0, squares[2] = {0.0, 0.0};

    for (int64_t k = 0; k < p->count * p->dim; k++) {
        double right = expected[p->first * p->dim + k];

        product += (double)actual[k] * right;
        squares[0] += (double)actual[k] * (double)actual[k];
        squares[1] += right * right;
    }
    return p->count == 0 ? 1.0 : product / sqrt(squares[0] * squares[1]);
}

static void is_near_the_reference(void **state)
{
    problem p = probe_problem(ROWS, DIM);

    (void)state;
    probe_add_duplicates(&p);
    for (int k = 0; k < 4; k++) {
        qctx_loss_config config = probe_losses[k];
        truth t;

        config.normalize = true;
        config.precision = QCTX_PRECISION_BFLOAT16;
        t = probe_truth(&p, &config, scale);
        for (int s = 0; s < NARROW; s++) {
            answer a;

            config.scheme = narrow[s];
            a = probe_step(&p, &config, scale);
            assert_true(a.result.finite);
            assert_close(a.result.loss, t.result.loss, 1e-2 * fmin(1.0, t.result.loss));
            assert_close(a.result.dlog_scale, t.result.dlog_scale, 1e-2);
            assert_close(a.result.dbias, t.result.dbias, 1e-2);
            assert_true(cosine(&p, a.dq, t.dq) >= 0.999 && cosine(&p, a.dc, t.dc) >= 0.999);
            probe_free_answer(&a);
        }
        probe_free_truth(&t);
    }
    probe_free(&p);
}

/* Rows that bfloat16 holds exactly have exact scores: what is left is the rounding of E and G, entry by entry. */
static void exact_rows_give_the_loss_of_float32(void **state)
{
    problem p = probe_problem(ROWS, DIM);

    (void)state;
    for (int64_t k = 0; k < ROWS * DIM; k++) {
        p.q[k] = p.q[k] > 0.0f ? 0.125f : -0.125f;
        p.c[k] = p.c[k] > 0.0f ? 0.125f : -0.125f;
    }
    for (int k = 0; k < 4; k++)
        for (int s = 0; s < NARROW; s++) {
            qctx_loss_config config = probe_losses[k];
            answer wide, half;

            config.normalize = true;
            config.scheme = narrow[s];
            wide = probe_step(&p, &config, scale);
            config.precision = QCTX_PRECISION_BFLOAT16;
            half = probe_step(&p, &config, scale);
            assert_close(half.result.loss, wide.result.loss, 1e-6);
            assert_close(half.result.accuracy, wide.result.accuracy, 0.0);
            probe_free_answer(&wide);
            probe_free_answer(&half);
        }
    probe_free(&p);
}

static void opposite_vectors_at_scale_100_are_finite(void **state)
{
    problem p = probe_problem(41, 16);

    (void)state;
    for (int64_t k = 0; k < p.rows * p.dim; k++) {
        p.q[k] = 1.0f + 0.1f * p.q[k];
        p.c[k] = -p.q[k];
    }
    for (int s = 0; s < NARROW; s++) {
        qctx_loss_config config = {.normalize = true, .scheme = narrow[s], .precision = QCTX_PRECISION_BFLOAT16};
        const qctx_loss_scale steep = {log(100.0), 0.0};
        truth t = probe_truth(&p, &config, steep);
        answer a = probe_step(&p, &config, steep);

        assert_true(a.result.finite);
        assert_close(a.result.loss, t.result.loss, 5e-2);
        probe_free_answer(&a);
        probe_free_truth(&t);
    }
    probe_free(&p);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(is_near_the_reference),
    cmocka_unit_test(exact_rows_give_the_loss_of_float32),
    cmocka_unit_test(opposite_vectors_at_scale_100_are_finite),
};
TEST_MAIN(tests)
