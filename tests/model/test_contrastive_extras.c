/* ranks: 1 2 3 4 5 */
#include "contrastive_probe.h"

static const probe_bound usual = {1e-6, 1e-5};

/* Contents of extras are their own, copies of each other, of paired contexts and of positives. */
static void agrees_with_the_reference(void **state)
{
    const int64_t extras[] = {1, 23, 700};

    (void)state;
    for (int k = 0; k < 3; k++) {
        problem p = probe_problem(37, 16);

        probe_add_duplicates(&p);
        probe_add_extras(&p, extras[k]);
        probe_check_all(&p, 1.0, usual);
        probe_check_all(&p, 20.0, usual);
        probe_free(&p);
    }
}

/* Several tiles of either kind, with scores that are kept and that are computed again. */
static void agrees_with_the_reference_on_several_tiles(void **state)
{
    problem p = probe_problem(1201, 4);
    qctx_loss_config config = {.normalize = true, .keep_bytes = 6 << 20};

    (void)state;
    probe_add_duplicates(&p);
    probe_add_extras(&p, 2203);
    probe_check(&p, &config, (qctx_loss_scale){log(20.0), -6.0}, usual);
    probe_free(&p);
}

static void takes_uneven_and_empty_shards(void **state)
{
    const int64_t rows[3][5] = {{3, 2, 7, 1, 0}, {0, 0, 0, 0, 6}, {6, 0, 0, 0, 0}};
    const int64_t extras[3][5] = {{0, 9, 0, 4, 1}, {5, 0, 0, 0, 0}, {0, 0, 3, 0, 2}};
    int size = qctx_comm_size(test_comm);

    (void)state;
    for (int k = 0; k < 3; k++) {
        const int64_t *own = rows[k] + (k == 1 ? 5 - size : 0);
        int64_t sums[2] = {0, 0};
        problem p;

        for (int r = 0; r < size; r++) {
            sums[0] += own[r];
            sums[1] += extras[k][r];
        }
        p = probe_problem(sums[0], 12);
        probe_add_duplicates(&p);
        probe_add_extras(&p, sums[1]);
        probe_place(&p, own);
        probe_place_extras(&p, extras[k]);
        probe_check_all(&p, 20.0, usual);
        probe_free(&p);
    }
}

/* Opposite vectors at s = 100: the step goes by row maxima. A float32 rounding is 1e-5 at such scores. */
static void rows_far_below_the_shift_are_exact(void **state)
{
    problem p = probe_problem(45, 6);

    (void)state;
    probe_add_duplicates(&p);
    probe_add_extras(&p, 31);
    for (int64_t k = 0; k < 45 * 6; k++)
        p.q[k] = (k / 6 % 3 == 0 ? -1.0f : 1.0f) * (1.0f + 0.1f * p.q[k]);
    for (int64_t k = 0; k < (45 + 31) * 6; k++)
        p.c[k] = -1.0f - 0.05f * p.c[k];
    probe_check_all(&p, 100.0, (probe_bound){1e-6, 1e-4});
    probe_free(&p);
}

/* Extras longer than every row decide the shift where rows are not normalised. */
static void large_extras_without_normalisation(void **state)
{
    problem p = probe_problem(23, 16);

    (void)state;
    probe_add_extras(&p, 40);
    for (int64_t k = 23 * 16; k < (23 + 40) * 16; k++)
        p.c[k] *= 60.0f;
    for (int k = 0; k < PROBE_LOSSES; k++)
        if (qctx_loss_check_extras(probe_losses[k].kind, probe_losses[k].direction).key == NULL)
            probe_check(&p, &probe_losses[k], (qctx_loss_scale){0.0, 0.0}, (probe_bound){1e-6, 1e-4});
    probe_free(&p);
}

/*
 * One question, S = (0, 1, 0) with its own context first, s = 1: r = log(2 + e), and its shares are 1/(2 + e) and
 * e/(2 + e). Its context has no rival questions: c = S₁₁. On every rank count the one question stands on rank 0.
 */
static void one_question_and_two_extras_by_hand(void **state)
{
    const double one = 1.0 / (2.0 + exp(1.0)), e = exp(1.0) * one;
    const float rows[9] = {0.0f, 1.0f, 0.0f, 1.0f, 0.0f, 0.0f, 0.0f, 0.0f, 1.0f};

    (void)state;
    for (int k = 0; k < 2 * PROBE_SCHEMES; k++) {
        qctx_loss_config config = {.direction = k % 2 == 0 ? QCTX_DIRECTION_QUESTION : QCTX_DIRECTION_BOTH,
                                   .scheme = probe_schemes[k / 2]};
        const double mean = k % 2 == 0 ? 1.0 : 0.5;
        problem p = probe_problem(1, 3);
        answer a;

        probe_add_extras(&p, 2);
        memcpy(p.q, (float[]){1.0f, 0.0f, 0.0f}, 3 * sizeof *p.q);
        memcpy(p.c, rows, sizeof rows);
        memcpy(p.content, (uint64_t[]){100, 200, 201}, 3 * sizeof *p.content);
        a = probe_step(&p, &config, (qctx_loss_scale){0.0, 0.0});
        assert_close(a.result.loss, mean * log(2.0 + exp(1.0)), 1e-6);
        assert_close(a.result.dlog_scale, mean * e, 1e-6);
        assert_close(a.result.accuracy, 0.0, 0.0);
        for (int64_t i = 0; i < p.count; i++) {
            assert_close((double)a.dq[0], mean * e, 1e-6);
            assert_close((double)a.dq[1], mean * (one - 1.0), 1e-6);
            assert_close((double)a.dq[2], mean * one, 1e-6);
            assert_close((double)a.dc[0], mean * (one - 1.0), 1e-6);
        }
        for (int64_t j = 0; j < p.extra_count; j++)
            assert_close((double)a.dc[a.count + 3 * j], mean * (p.first_extra + j == 0 ? e : one), 1e-6);
        probe_free_answer(&a);
        probe_free(&p);
    }
}

/* Whatever an extra is to a question that it answers, that question's sums and gradients have nothing of it. */
static void an_extra_that_answers_has_exactly_no_gradient(void **state)
{
    (void)state;
    for (int k = 0; k < 2 * PROBE_SCHEMES; k++) {
        qctx_loss_config config = {.kind = k % 2 == 0 ? QCTX_LOSS_CLIP : QCTX_LOSS_SIGMOID,
                                   .scheme = probe_schemes[k / 2]};
        problem p = probe_problem(4, 5);
        answer a;

        probe_add_extras(&p, 6);
        for (int64_t i = 0; i < 4; i++)
            p.content[i] = p.positives[i] = 100;
        for (int64_t j = 4; j < 10; j++)
            p.content[j] = j == 7 ? 300 : 100;
        p.positives[3] = 300; /* beside its own context, which stands for itself */
        a = probe_step(&p, &config, (qctx_loss_scale){1.0, 0.0});
        assert_true(a.result.finite);
        for (int64_t j = 0; j < p.extra_count; j++)
            for (int d = 0; d < 5; d++)
                assert_true((a.dc[a.count + 5 * j + d] != 0.0f) == (p.first_extra + j == 3));
        for (int64_t i = 0; i < p.count && p.first + i == 3 && config.kind == QCTX_LOSS_CLIP; i++)
            for (int d = 0; d < 5; d++)
                assert_true(a.dq[5 * i + d] == 0.0f);
        probe_free_answer(&a);
        probe_free(&p);
    }
}

static void a_batch_of_no_rows_gives_extras_nothing(void **state)
{
    (void)state;
    for (int k = 0; k < PROBE_SCHEMES; k++) {
        qctx_loss_config config = {.scheme = probe_schemes[k], .normalize = true};
        problem p = probe_problem(0, 5);
        answer a;

        probe_add_extras(&p, 7);
        a = probe_step(&p, &config, (qctx_loss_scale){0.0, 0.0});
        assert_true(a.result.finite && a.result.loss == 0.0 && a.result.dlog_scale == 0.0);
        for (int64_t j = 0; j < a.extras; j++)
            assert_true(a.dc[j] == 0.0f);
        probe_free_answer(&a);
        probe_free(&p);
    }
}

static void an_extra_that_is_not_finite_is_told_to_all_ranks(void **state)
{
    (void)state;
    for (int k = 0; k < PROBE_SCHEMES; k++) {
        qctx_loss_config config = {.scheme = probe_schemes[k], .direction = QCTX_DIRECTION_QUESTION};
        problem p = probe_problem(5, 4);
        answer a;

        probe_add_extras(&p, 9);
        p.c[(5 + 8) * 4] = NAN;
        a = probe_step(&p, &config, (qctx_loss_scale){0.0, 0.0});
        assert_false(a.result.finite);
        probe_free_answer(&a);
        probe_free(&p);
    }
}

/* Rounded operands: the angle between the gradients and the reference's stays small. */
static void bfloat16_is_near_the_reference(void **state)
{
    problem p = probe_problem(60, 64);
    const qctx_loss_scale scale = {log(20.0), -6.0};

    (void)state;
    probe_add_duplicates(&p);
    probe_add_extras(&p, 210);
    for (int k = 0; k < 4; k++) {
        qctx_loss_config config = {.kind = k / 2 == 0 ? QCTX_LOSS_CLIP : QCTX_LOSS_SIGMOID,
                                   .normalize = true,
                                   .precision = QCTX_PRECISION_BFLOAT16,
                                   .scheme = k % 2 == 0 ? QCTX_SIMILARITY_ROWS : QCTX_SIMILARITY_RING};
        truth t = probe_truth(&p, &config, scale);
        answer a = probe_step(&p, &config, scale);
        double sums[3] = {0.0, 0.0, 0.0};

        assert_true(a.result.finite);
        assert_close(a.result.loss, t.result.loss, 1e-2 * fmin(1.0, t.result.loss));
        for (int64_t j = 0; j < a.extras; j++) {
            double left = (double)a.dc[a.count + j], right = t.dc[(p.rows + p.first_extra) * p.dim + j];

            sums[0] += left * right;
            sums[1] += left * left;
            sums[2] += right * right;
        }
        assert_true(sums[0] >= 0.999 * sqrt(sums[1] * sums[2]));
        probe_free_answer(&a);
        probe_free_truth(&t);
    }
    probe_free(&p);
}

static void what_has_no_use_for_extras_is_refused(void **state)
{
    const qctx_loss_config bad[] = {{.kind = QCTX_LOSS_SOFT, .scheme = QCTX_SIMILARITY_FULL},
                                    {.direction = QCTX_DIRECTION_CONTEXT, .scheme = QCTX_SIMILARITY_ROWS}};

    (void)state;
    for (int k = 0; k < 2; k++) {
        qctx_error error;
        qctx_loss *loss;

        assert_status(qctx_loss_create(test_comm, &bad[k], (qctx_loss_size){2, 16, 1, 8, 4}, &loss, &error),
                      QCTX_ERR_INTERNAL, &error);
        assert_contains(error.message, k == 0 ? "soft" : "question or both");
        assert_null(loss);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(agrees_with_the_reference),
    cmocka_unit_test(agrees_with_the_reference_on_several_tiles),
    cmocka_unit_test(takes_uneven_and_empty_shards),
    cmocka_unit_test(rows_far_below_the_shift_are_exact),
    cmocka_unit_test(large_extras_without_normalisation),
    cmocka_unit_test(one_question_and_two_extras_by_hand),
    cmocka_unit_test(an_extra_that_answers_has_exactly_no_gradient),
    cmocka_unit_test(a_batch_of_no_rows_gives_extras_nothing),
    cmocka_unit_test(an_extra_that_is_not_finite_is_told_to_all_ranks),
    cmocka_unit_test(bfloat16_is_near_the_reference),
    cmocka_unit_test(what_has_no_use_for_extras_is_refused),
};
TEST_MAIN(tests)
