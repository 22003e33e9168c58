/* ranks: 1 2 3 4 5 */
#include "contrastive_probe.h"

static const qctx_loss_config plain_clip = {.kind = QCTX_LOSS_CLIP}, plain_sigmoid = {.kind = QCTX_LOSS_SIGMOID};

/* A configuration in one of the schemes. */
static qctx_loss_config in_scheme(qctx_loss_config config, int scheme)
{
    config.scheme = probe_schemes[scheme];
    return config;
}

/* Nobody is anybody's negative: nothing to learn, exactly. */
static void rows_that_are_all_one_context_give_nothing(void **state)
{
    problem p = probe_problem(150, 8);

    (void)state;
    for (int64_t i = 0; i < p.rows; i++)
        p.content[i] = p.positives[i] = 42;
    for (int s = 0; s < PROBE_SCHEMES; s++) {
        qctx_loss_config config = in_scheme((qctx_loss_config){.normalize = true}, s);
        answer a = probe_step(&p, &config, (qctx_loss_scale){log(100.0), 0.0});

        assert_true(fabs(a.result.loss) <= 1e-12 && fabs(a.result.dlog_scale) <= 1e-12);
        assert_true(a.result.accuracy == 1.0 && a.result.finite);
        for (int64_t k = 0; k < p.count * p.dim; k++)
            assert_true(a.dq[k] == 0.0f && a.dc[k] == 0.0f);
        probe_free_answer(&a);
    }
    probe_free(&p);
}

/* Question 0 has context 1 as another positive and must not push it; question 1 has only its own. */
static void a_masked_entry_has_exactly_no_gradient(void **state)
{
    const qctx_loss_config losses[2] = {{.direction = QCTX_DIRECTION_QUESTION}, {.kind = QCTX_LOSS_SIGMOID}};
    problem p = probe_problem(3, 3);

    (void)state;
    memset(p.q, 0, 9 * sizeof *p.q);
    memset(p.c, 0, 9 * sizeof *p.c);
    for (int i = 0; i < 3; i++)
        p.q[4 * i] = p.c[4 * i] = 1.0f;
    memcpy(p.positives, (uint64_t[]){100, 101, 101, 102}, 4 * sizeof *p.positives);
    memcpy(p.positive_offsets, (int64_t[]){0, 2, 3, 4}, 4 * sizeof *p.positive_offsets);
    for (int k = 0; k < 2 * PROBE_SCHEMES; k++) {
        qctx_loss_config config = in_scheme(losses[k % 2], k / 2);
        answer a = probe_step(&p, &config, (qctx_loss_scale){0.0, 0.0});

        for (int64_t j = p.first; j < p.first + p.count; j++) {
            const float *row = a.dc + (j - p.first) * 3; /* s·G of column j */

            if (j == 1)
                assert_true(row[0] == 0.0f && row[1] < 0.0f && row[2] > 0.0f);
            else
                assert_true(row[0] != 0.0f && row[1] > 0.0f && row[2] != 0.0f);
        }
        probe_free_answer(&a);
    }
    probe_free(&p);
}

/* S = the identity; the figures are worked out by hand in the reference's test. */
static void the_identity_by_hand(void **state)
{
    problem p = probe_problem(2, 2);

    (void)state;
    memcpy(p.q, (float[]){1.0f, 0.0f, 0.0f, 1.0f}, 4 * sizeof *p.q);
    memcpy(p.c, p.q, 4 * sizeof *p.c);
    for (int k = 0; k < 2 * PROBE_SCHEMES; k++) {
        bool sigmoid = k % 2 == 1;
        qctx_loss_config config = in_scheme(sigmoid ? plain_sigmoid : plain_clip, k / 2);
        answer a = probe_step(&p, &config, (qctx_loss_scale){0.0, 0.0});

        assert_close(a.result.loss, 0.31326168751822286 + (sigmoid ? 0.6931471805599453 : 0.0), 1e-6);
        assert_close(a.result.dlog_scale, -0.2689414213699951, 1e-6);
        assert_close(a.result.dbias, sigmoid ? 0.2310585786300049 : 0.0, 1e-6);
        for (int64_t i = p.first; i < p.first + p.count; i++)
            for (int64_t j = 0; j < 2; j++)
                assert_close((double)a.dq[(i - p.first) * 2 + j],
                             i == j    ? -0.1344707106849976
                             : sigmoid ? 0.25
                                       : 0.1344707106849976,
                             1e-6);
        probe_free_answer(&a);
    }
    probe_free(&p);
}

/* S = ±100 with the diagonal at −100: L = 100 + 100, G = ∓½, and exp(200) must not be formed on the way. */
static void opposite_vectors_at_scale_100(void **state)
{
    problem p = probe_problem(2, 1);

    (void)state;
    p.q[0] = p.c[1] = 1.0f;
    p.q[1] = p.c[0] = -1.0f;
    for (int s = 0; s < PROBE_SCHEMES; s++) {
        qctx_loss_config config = in_scheme(plain_clip, s);
        answer a = probe_step(&p, &config, (qctx_loss_scale){log(100.0), 0.0});

        assert_true(a.result.finite);
        assert_close(a.result.loss, 200.0, 1e-6);
        assert_close(a.result.dlog_scale, 200.0, 1e-6);
        assert_close(a.result.accuracy, 0.0, 0.0);
        for (int64_t i = 0; i < p.count; i++)
            assert_close((double)a.dq[i], (double)(p.first + i == 0 ? 100.0f : -100.0f), 1e-6);
        probe_free_answer(&a);
    }
    probe_free(&p);
}

/* Scores of ±100 carry an error of 100 float32 roundings, about 1e-5, into each exponential: hence the bound. */
static void random_opposite_vectors_at_scale_100(void **state)
{
    problem p = probe_problem(41, 16);

    (void)state;
    for (int64_t k = 0; k < p.rows * p.dim; k++)
        p.c[k] = (k / p.dim % 2 == 0 ? -1.0f : 1.0f) * p.q[k];
    probe_add_duplicates(&p);
    probe_check_all(&p, 100.0, (probe_bound){1e-6, 1e-4});
    probe_free(&p);
}

/* Dot products as large as float32 exponentials cannot hold: rows as they are, at no scale. */
static void large_dot_products_without_normalisation(void **state)
{
    problem p = probe_problem(23, 16);

    (void)state;
    for (int64_t k = 0; k < p.rows * p.dim; k++)
        p.q[k] *= 40.0f;
    for (int k = 0; k < PROBE_LOSSES; k++)
        probe_check(&p, &probe_losses[k], (qctx_loss_scale){0.0, 0.0}, (probe_bound){1e-6, 1e-4});
    probe_free(&p);
}

static void a_row_of_zeros_has_no_gradient(void **state)
{
    problem p = probe_problem(5, 4);

    (void)state;
    memset(p.q + 2 * 4, 0, 4 * sizeof *p.q);
    memset(p.c + 3 * 4, 0, 4 * sizeof *p.c);
    for (int k = 0; k < PROBE_LOSSES * PROBE_SCHEMES; k++) {
        qctx_loss_config config = in_scheme(probe_losses[k / PROBE_SCHEMES], k % PROBE_SCHEMES);
        answer a;

        config.normalize = true;
        if (!probe_knows(config.scheme, &config))
            continue;
        a = probe_step(&p, &config, (qctx_loss_scale){2.0, -1.0});
        for (int64_t i = p.first; i < p.first + p.count; i++)
            for (int j = 0; j < 4; j++) {
                assert_true(i != 2 || a.dq[(i - p.first) * 4 + j] == 0.0f);
                assert_true(i != 3 || a.dc[(i - p.first) * 4 + j] == 0.0f);
            }
        probe_free_answer(&a);
    }
    probe_check_all(&p, 20.0, (probe_bound){1e-6, 1e-5});
    probe_free(&p);
}

/* One bad number on one rank is seen by all. */
static void what_is_not_finite_is_told_to_all_ranks(void **state)
{
    const float bad[3] = {NAN, INFINITY, -INFINITY};

    (void)state;
    for (int k = 0; k < 2 * PROBE_LOSSES * PROBE_SCHEMES; k++)
        for (int b = 0; b < 3; b++) {
            qctx_loss_config config = in_scheme(probe_losses[k / 2 / PROBE_SCHEMES], k / 2 % PROBE_SCHEMES);
            problem p = probe_problem(11, 4);
            answer a;

            config.normalize = k % 2 == 0;
            (b == 0 ? p.q : p.c)[10 * 4 + 1] = bad[b];
            if (probe_knows(config.scheme, &config)) {
                a = probe_step(&p, &config, (qctx_loss_scale){1.0, 0.0});
                assert_false(a.result.finite);
                probe_free_answer(&a);
            }
            probe_free(&p);
        }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(rows_that_are_all_one_context_give_nothing),
    cmocka_unit_test(a_masked_entry_has_exactly_no_gradient),
    cmocka_unit_test(the_identity_by_hand),
    cmocka_unit_test(opposite_vectors_at_scale_100),
    cmocka_unit_test(random_opposite_vectors_at_scale_100),
    cmocka_unit_test(large_dot_products_without_normalisation),
    cmocka_unit_test(a_row_of_zeros_has_no_gradient),
    cmocka_unit_test(what_is_not_finite_is_told_to_all_ranks),
};
TEST_MAIN(tests)
