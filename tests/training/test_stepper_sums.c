/* ranks: 1 2 4 5 */
#include "stepper_probe.h"

#include <omp.h>

#include "qctx/base/hash.h"
#include "qctx/base/tree_sum.h"

/* What a step sums over buckets, leaves, threads and ranks: near one rank's sums, and where it must be, bit by bit. */

/* A head of several buckets, the last one shorter. */
static training large(void)
{
    training run = probe_usual();

    run.steps = 2;
    run.config.optim.kind = QCTX_OPTIMIZER_ADAMW;
    run.config.optim.clip_norm = 0.01;
    run.rate = 1e-3;
    run.head.input = run.head.output = 200;
    run.head.hidden = 700;
    return run;
}

static void a_split_step_has_the_same_bits(void **state)
{
    training whole = large(), parts = large();

    (void)state;
    parts.plan.split_step = true;
    probe_train(test_comm, &whole, NULL);
    probe_train(test_comm, &parts, NULL);
    probe_assert_same_bits(&parts, &whole);
    assert_true(qctx_comm_same(test_comm, qctx_hash(parts.parameters, (size_t)parts.count * sizeof(float), 0)));
    assert_true(qctx_comm_same(test_comm, qctx_hash(parts.moments, (size_t)parts.count * sizeof(float), 0)));
    probe_forget(&whole);
    probe_forget(&parts);
}

static void buckets_are_summed_as_one_rank_sums(void **state)
{
    training all = large();

    (void)state;
    /* One step: adamw divides by the gradient's size, which makes differences of its smallest entries large. */
    all.steps = 1;
    all.config.optim.kind = QCTX_OPTIMIZER_SGD;
    all.plan.split_step = true;
    probe_assert_as_on_one_rank(all, 1e-6);
}

static training reproducible(void)
{
    training run = probe_usual();

    run.steps = 20;
    run.rate = 0.02;
    run.config.optim.kind = QCTX_OPTIMIZER_ADAMW;
    run.config.optim.clip_norm = 0.05;
    run.plan.scheme = QCTX_SIMILARITY_ROWS;
    run.plan.leaves = 8;
    return run;
}

/* Runs of `batch` rows, which may be fewer than there are leaves. */
static void check_leaves(int64_t batch)
{
    int ranks = qctx_comm_size(test_comm);

    for (int sides = QCTX_SIDES_BOTH; sides <= QCTX_SIDES_SHARED; sides++) {
        qctx_comm *alone = qctx_comm_groups(test_comm, 1);
        training one = reproducible();

        one.head.sides = (qctx_head_sides)sides;
        one.config.batch.size = batch;
        probe_train(alone, &one, NULL);
        for (int size = 2; size <= ranks; size *= 2) {
            training several = reproducible();
            qctx_comm *group = qctx_comm_groups(test_comm, size);

            several.head.sides = (qctx_head_sides)sides;
            several.config.batch.size = batch;
            several.plan.split_step = size == 2;
            several.plan.micro_rows = size == 4 ? 1 : BATCH;
            probe_train(group, &several, NULL);
            /* The last group may be smaller, and three ranks are no power of two. */
            if (qctx_leaf_is_invariant(several.plan.leaves, qctx_comm_size(group)))
                probe_assert_same_bits(&several, &one);
            probe_forget(&several);
            qctx_comm_close_group(group);
        }
        probe_forget(&one);
        qctx_comm_close_group(alone);
    }
}

static void leaves_give_the_same_bits_on_any_ranks(void **state)
{
    (void)state;
    check_leaves(BATCH);
    check_leaves(5);
}

/* Sizes that are shared out among threads; on one rank, since more of them would wait for each other's threads. */
static void threads_change_no_bit(void **state)
{
    const int threads = omp_get_max_threads();

    (void)state;
    for (int leaves = 0; leaves <= 8 && qctx_comm_size(test_comm) == 1; leaves += 8) {
        training one = reproducible(), two;

        one.steps = 2;
        one.config.batch.size = one.plan.micro_rows = 2048;
        one.head.hidden = 300;
        one.plan.leaves = leaves;
        two = one;
        probe_train(test_comm, &one, NULL);
        omp_set_num_threads(2);
        probe_train(test_comm, &two, NULL);
        omp_set_num_threads(threads);
        probe_assert_same_bits(&two, &one);
        probe_forget(&one);
        probe_forget(&two);
    }
}

/* Three ranks cannot share leaves as a tree, but their run repeats itself. */
static void leaves_repeat_on_other_ranks(void **state)
{
    training first = reproducible(), again = reproducible();

    (void)state;
    first.steps = again.steps = 3;
    probe_train(test_comm, &first, NULL);
    probe_train(test_comm, &again, NULL);
    probe_assert_same_bits(&first, &again);
    assert_true(qctx_comm_same(test_comm, qctx_hash(first.parameters, (size_t)first.count * sizeof(float), 0)));
    probe_forget(&first);
    probe_forget(&again);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup(a_split_step_has_the_same_bits, probe_open_rows),
    cmocka_unit_test_setup(buckets_are_summed_as_one_rank_sums, probe_open_rows),
    cmocka_unit_test_setup(leaves_give_the_same_bits_on_any_ranks, probe_open_rows),
    cmocka_unit_test_setup(threads_change_no_bit, probe_open_rows),
    cmocka_unit_test_setup(leaves_repeat_on_other_ranks, probe_open_rows),
};
TEST_MAIN(tests)
