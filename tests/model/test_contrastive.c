/* ranks: 1 2 3 4 5 */
#include "contrastive_probe.h"

static const probe_bound usual = {1e-6, 1e-5};

static void agrees_with_the_reference(void **state)
{
    problem p = probe_problem(37, 16);

    (void)state;
    probe_check_all(&p, 20.0, usual);
    probe_add_duplicates(&p);
    probe_check_all(&p, 1.0, usual);
    probe_check_all(&p, 100.0, usual);
    probe_free(&p);
}

/* More rows than any piece, cell or column block of the kernels holds, and no multiple of one. */
static void agrees_with_the_reference_on_a_larger_batch(void **state)
{
    problem p = probe_problem(579, 8);
    qctx_loss_config config = {.normalize = true};

    (void)state;
    probe_add_duplicates(&p);
    for (int k = 0; k < 3; k++) {
        config.kind = (qctx_loss_kind)k;
        probe_check(&p, &config, (qctx_loss_scale){log(20.0), -6.0}, usual);
    }
    probe_free(&p);
}

static void takes_uneven_and_empty_shards(void **state)
{
    const int64_t uneven[5] = {0, 1, 7, 2, 3}, last_only[5] = {0, 0, 0, 0, 6}, first_only[5] = {6, 0, 0, 0, 0};
    const int64_t *shards[3] = {uneven, last_only, first_only};
    int size = qctx_comm_size(test_comm);

    (void)state;
    for (int k = 0; k < 3; k++) {
        const int64_t *counts = shards[k] + (k == 2 ? 0 : 5 - size);
        problem p;
        int64_t rows = 0;

        for (int r = 0; r < size; r++)
            rows += counts[r];
        p = probe_problem(rows, 12);
        probe_add_duplicates(&p);
        probe_place(&p, counts);
        probe_check_all(&p, 20.0, usual);
        probe_free(&p);
    }
}

static void takes_batches_of_none_one_and_two(void **state)
{
    (void)state;
    for (int64_t rows = 1; rows <= 2; rows++) {
        problem p = probe_problem(rows, 5);

        probe_check_all(&p, 20.0, usual);
        probe_free(&p);
    }
    for (int k = 0; k < PROBE_LOSSES * PROBE_SCHEMES; k++) {
        problem p = probe_problem(0, 5);
        qctx_loss_config config = probe_losses[k / PROBE_SCHEMES];
        answer a;

        config.scheme = probe_schemes[k % PROBE_SCHEMES];
        if (probe_knows(config.scheme, &config)) {
            a = probe_step(&p, &config, (qctx_loss_scale){0.0, 0.0});
            assert_true(a.result.finite);
            assert_true(a.result.loss == 0.0 && a.result.dlog_scale == 0.0 && a.result.dbias == 0.0 &&
                        a.result.accuracy == 0.0);
            probe_free_answer(&a);
        }
        probe_free(&p);
    }
}

/* One handle serves a short batch after a full one: nothing of the first may be left. */
static void check_changing_size(const qctx_loss_config *config)
{
    const qctx_loss_scale scale = {2.0, -3.0};
    problem large = probe_problem(90, 8), small = probe_problem(7, 8);
    int64_t *offsets = probe_array(large.count + 1, sizeof *offsets);
    uint64_t *content = probe_array(large.count, sizeof *content);
    float *dq = probe_array(large.count * 8, sizeof *dq), *dc = probe_array(large.count * 8, sizeof *dc);
    qctx_loss_batch mine;
    qctx_loss_result result;
    qctx_loss *loss;
    qctx_error error;
    answer expected;

    for (int64_t i = 0; i < large.rows; i++)
        large.content[i] = 1;
    assert_status(qctx_loss_create(test_comm, config, probe_size(&large), &loss, &error), QCTX_OK, &error);
    mine = probe_batch(&large, offsets, content);
    qctx_loss_step(loss, large.q + large.first * 8, large.c + large.first * 8, &mine, scale, dq, dc, &result);
    mine = probe_batch(&small, offsets, content);
    qctx_loss_step(loss, small.q + small.first * 8, small.c + small.first * 8, &mine, scale, dq, dc, &result);
    qctx_loss_destroy(loss);

    expected = probe_step(&small, config, scale);
    assert_true(result.loss == expected.result.loss);
    assert_memory_equal(dq, expected.dq, (size_t)small.count * 8 * sizeof *dq);
    assert_memory_equal(dc, expected.dc, (size_t)small.count * 8 * sizeof *dc);
    probe_free_answer(&expected);
    free(offsets);
    free(content);
    free(dq);
    free(dc);
    probe_free(&large);
    probe_free(&small);
}

static void a_handle_takes_batches_of_changing_size(void **state)
{
    (void)state;
    for (int k = 0; k < PROBE_SCHEMES; k++) {
        check_changing_size(&(qctx_loss_config){.normalize = true, .scheme = probe_schemes[k]});
        check_changing_size(&(qctx_loss_config){.kind = QCTX_LOSS_SIGMOID, .scheme = probe_schemes[k]});
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(agrees_with_the_reference),
    cmocka_unit_test(agrees_with_the_reference_on_a_larger_batch),
    cmocka_unit_test(takes_uneven_and_empty_shards),
    cmocka_unit_test(takes_batches_of_none_one_and_two),
    cmocka_unit_test(a_handle_takes_batches_of_changing_size),
};
TEST_MAIN(tests)
