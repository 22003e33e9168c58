/* ranks: 1 2 3 5 */
#include "contrastive_sharing.h"

#include <malloc.h>
#include <math.h>

/* Nothing of a step is left for the next one, be it larger, smaller, or one that went by row maxima. */
static void one_loss_serves_steps_of_all_sizes(void **state)
{
    const int64_t rows[] = {40, 7, 61, 0, 1, 40};
    const double scales[] = {log(100.0), 2.0, 3.0, 3.0, 1.0, log(100.0)};
    problem largest = sharing_problem(61, 5);

    (void)state;
    for (int64_t k = 0; k < 61 * 5; k++)
        largest.c[k] = -largest.q[k];
    for (int s = 0; s < SHARING_SCHEMES; s++) {
        const qctx_loss_config config = sharing_config(sharing_schemes[s], QCTX_LOSS_CLIP);
        qctx_loss *loss = sharing_create(test_comm, &config, &largest);

        for (int k = 0; k < 6; k++) {
            problem p = largest;
            manner how = {k % 2 == 1, false, scales[k]};
            answer expected, actual;

            p.rows = rows[k];
            expected = sharing_solve(test_comm, &p, &config, how);
            actual = sharing_step(test_comm, loss, &p, &config, how);
            assert_close(actual.result.loss, expected.result.loss, 1e-6);
            assert_close(actual.result.accuracy, expected.result.accuracy, 0.0);
            assert_int_equal(actual.result.finite, true);
            for (int64_t i = 0; i < actual.count; i++)
                assert_close((double)actual.dq[i], (double)expected.dq[i], 1e-5);
            probe_free_answer(&expected);
            probe_free_answer(&actual);
        }
        qctx_loss_destroy(loss);
    }
    probe_free(&largest);
}

/* The double reference for the whole batch against this rank's rows. */
static void assert_agrees(problem *p, const qctx_loss_config *config, manner how, double bound)
{
    truth t = probe_truth(p, config, (qctx_loss_scale){how.log_scale, -4.0});
    answer a = sharing_solve(test_comm, p, config, how);

    sharing_rows(test_comm, config, p->rows, &p->first, &p->count);
    probe_assert(p, &a, &t, (probe_bound){bound, bound});
    probe_free_answer(&a);
    probe_free_truth(&t);
}

/*
 * Every context opposite its question at s = 100, with vectors so alike that whole rows lie 150 below the shared shift;
 * and products of long vectors, where the shift follows from their lengths. At such scores a float32 rounding is 1e-5.
 */
static void sums_below_the_shared_shift_are_exact(void **state)
{
    problem p = sharing_problem(45, 6);

    (void)state;
    for (int64_t k = 0; k < 45 * 6; k++) {
        p.q[k] = (k / 6 % 3 == 0 ? -1.0f : 1.0f) * (1.0f + 0.1f * p.q[k]);
        p.c[k] = -1.0f - 0.05f * p.c[k];
    }
    for (int s = 0; s < SHARING_SCHEMES; s++)
        for (int d = 0; d < 3; d++) {
            qctx_loss_config config = sharing_config(sharing_schemes[s], QCTX_LOSS_CLIP);

            config.direction = (qctx_loss_direction)d;
            assert_agrees(&p, &config, (manner){false, false, log(100.0)}, 1e-4);
            config.normalize = false;
            assert_agrees(&p, &config, (manner){false, false, log(40.0)}, 1e-4);
            assert_agrees(&p, &config, (manner){false, false, 0.0}, 1e-5);
        }
    probe_free(&p);
}

/* Against what the allocator hands out, which is more by what it needs itself. */
static void check_memory(const problem *p)
{
    for (int k = 0; k < 5; k++) {
        const qctx_similarity scheme = k == 0   ? QCTX_SIMILARITY_FULL
                                       : k == 4 ? QCTX_SIMILARITY_RING
                                                : QCTX_SIMILARITY_ROWS;
        qctx_loss_config config = sharing_config(scheme, QCTX_LOSS_CLIP);
        struct mallinfo2 before, after;
        problem own;
        int64_t told;
        double taken;
        qctx_loss *loss;

        config.keep_bytes = k == 2 ? 100000 : k == 3 ? 10000000 : 0;
        config.leaves = k == 1 ? 8 : 0;
        own = sharing_own(test_comm, &config, p);
        told = qctx_loss_memory(&config, qctx_comm_size(test_comm), probe_size(&own));
        before = mallinfo2();
        loss = sharing_create(test_comm, &config, p);
        after = mallinfo2();
        taken = (double)(after.uordblks + after.hblkhd) - (double)(before.uordblks + before.hblkhd);
        assert_close(taken / (double)told, 1.0, 0.05);
        qctx_loss_destroy(loss);
    }
}

static void memory_is_foretold(void **state)
{
    problem p = sharing_problem(600, 32), more = sharing_problem_with_extras(300, 1900, 32);

    (void)state;
#ifdef __SANITIZE_ADDRESS__
    probe_free(&p);
    probe_free(&more);
    test_skip("the sanitizer's allocator does not count");
#endif
    check_memory(&p);
    check_memory(&more);
    probe_free(&p);
    probe_free(&more);
}

static void operations_are_counted(void **state)
{
    qctx_loss_config config = sharing_config(QCTX_SIMILARITY_ROWS, QCTX_LOSS_CLIP);
    const qctx_loss_size size = {1000, 4000, 0, 0, 64};
    const double product = 2.0 * 1000.0 * 4000.0 * 64.0;

    (void)state;
    assert_close(qctx_loss_flops(&config, 4, size) / product, 4.0, 1e-12);
    config.keep_bytes = (int64_t)1 << 40;
    assert_close(qctx_loss_flops(&config, 4, size) / product, 3.0, 1e-12);
    config.scheme = QCTX_SIMILARITY_RING;
    assert_close(qctx_loss_flops(&config, 4, size) / product, 4.0, 1e-12);
    config.kind = QCTX_LOSS_SIGMOID;
    assert_close(qctx_loss_flops(&config, 4, size) / product, 3.0, 1e-12);
    config.scheme = QCTX_SIMILARITY_FULL;
    assert_close(qctx_loss_flops(&config, 4, size) / product, 6.0, 1e-12);
}

/* 8,000 extras: three times the columns for each question, in all products but that of `full` for own contexts. */
static void operations_of_extras_are_counted(void **state)
{
    qctx_loss_config config = sharing_config(QCTX_SIMILARITY_ROWS, QCTX_LOSS_CLIP);
    const qctx_loss_size size = {1000, 4000, 2000, 8000, 64};
    const double product = 2.0 * 1000.0 * 4000.0 * 64.0;

    (void)state;
    assert_close(qctx_loss_flops(&config, 4, size) / product, 12.0, 1e-12);
    config.keep_bytes = (int64_t)1 << 40;
    assert_close(qctx_loss_flops(&config, 4, size) / product, 9.0, 1e-12);
    config.scheme = QCTX_SIMILARITY_RING;
    assert_close(qctx_loss_flops(&config, 4, size) / product, 12.0, 1e-12);
    config.scheme = QCTX_SIMILARITY_FULL;
    /* S: 4 · 3; Gᵀ… of own questions: 3; of own contexts, 3,000 of them: 3. */
    assert_close(qctx_loss_flops(&config, 4, size) / product, 18.0, 1e-12);
}

static void what_no_plan_may_ask_for_is_refused(void **state)
{
    const qctx_loss_config bad[] = {sharing_config(QCTX_SIMILARITY_AUTO, QCTX_LOSS_CLIP),
                                    sharing_config(QCTX_SIMILARITY_ROWS, QCTX_LOSS_SOFT),
                                    sharing_config(QCTX_SIMILARITY_RING, QCTX_LOSS_SOFT),
                                    {.normalize = true, .scheme = QCTX_SIMILARITY_RING, .leaves = 8},
                                    {.normalize = true, .scheme = QCTX_SIMILARITY_FULL, .leaves = 8}};

    (void)state;
    for (int k = 0; k < 5; k++) {
        qctx_error error;
        qctx_loss *loss;

        assert_status(qctx_loss_create(test_comm, &bad[k], (qctx_loss_size){2, 16, 0, 0, 4}, &loss, &error),
                      QCTX_ERR_INTERNAL, &error);
        assert_contains(error.message, qctx_similarity_names[bad[k].scheme]);
        assert_null(loss);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(one_loss_serves_steps_of_all_sizes),
    cmocka_unit_test(sums_below_the_shared_shift_are_exact),
    cmocka_unit_test(memory_is_foretold),
    cmocka_unit_test(operations_are_counted),
    cmocka_unit_test(operations_of_extras_are_counted),
    cmocka_unit_test(what_no_plan_may_ask_for_is_refused),
};
TEST_MAIN(tests)
