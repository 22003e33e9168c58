/* ranks: 1 2 3 4 5 */
#include "stepper_probe.h"

#include <math.h>
#include <stdlib.h>

#include "qctx/base/tree_sum.h"
#include "qctx/dataset/negatives.h"
#include "qctx/training/stepper.h"

/*
 * Steps whose questions list negatives: all that the batch's questions list join it once, whoever lists them. Question
 * i lists up to three contexts, some of which answer others of the batch, and every seventh question none.
 */
enum { MOST = 3 };

static qctx_listed_negatives lists;

static int64_t listed_by(int64_t example, int64_t listed[MOST])
{
    const int64_t count = example % 7 == 0 ? 0 : 1 + example % MOST;

    for (int64_t k = 0; k < count; k++)
        listed[k] = (example * 3 + 11 + 40 * k) % MADE_UP_CONTEXTS;
    return count;
}

static int open_listed(void **state)
{
    static int64_t offsets[MADE_UP_EXAMPLES + 1];
    static qctx_negative listed[MADE_UP_EXAMPLES * MOST];

    probe_open_rows(state);
    for (int64_t i = 0; i < MADE_UP_EXAMPLES; i++) {
        int64_t contexts[MOST], count = listed_by(i, contexts);

        for (int64_t k = 0; k < count; k++)
            listed[offsets[i] + k] = (qctx_negative){.content = (uint64_t)contexts[k], .row = contexts[k]};
        offsets[i + 1] = offsets[i] + count;
    }
    assert_status(qctx_listed_negatives_make(MADE_UP_EXAMPLES, offsets, listed, &lists, &probe_error), QCTX_OK,
                  &probe_error);
    probe_rows.loader.listed = &lists;
    probe_rows.loader.most_listed = MOST;
    probe_rows.loader.most_pool = MADE_UP_CONTEXTS;
    return 0;
}

static int close_listed(void **state)
{
    (void)state;
    qctx_listed_negatives_free(&lists);
    return 0;
}

static training with_lists(void)
{
    training run = probe_usual();

    run.plan.micro_rows = BATCH + MADE_UP_CONTEXTS;
    return run;
}

/* Step by step in double: the loss of a residual head before its first step, which leaves the vectors as they are. */
static double first_loss(const int64_t *batch, int64_t size)
{
    bool joins[MADE_UP_CONTEXTS] = {false};
    int64_t times[MADE_UP_CONTEXTS] = {0};
    double vectors[2][MADE_UP_EXAMPLES][DIM], loss = 0.0;

    for (int64_t i = 0; i < size; i++) {
        int64_t listed[MOST], count = listed_by(batch[i], listed);

        times[batch[i] % MADE_UP_CONTEXTS]++;
        for (int64_t k = 0; k < count; k++)
            joins[listed[k]] = true;
    }
    for (int side = 0; side < 2; side++)
        for (int64_t row = 0; row < (side == 0 ? MADE_UP_EXAMPLES : MADE_UP_CONTEXTS); row++) {
            const qctx_negative context = {.row = row};
            const int64_t none = 0;
            double square = 0.0;
            float x[DIM];

            if (side == 0)
                probe_rows.loader.gather(&probe_rows.loader, QCTX_QUESTION, &row, &none, 1, x);
            else
                probe_rows.loader.gather_contexts(&probe_rows.loader, &context, 1, x);
            for (int k = 0; k < DIM; k++)
                square += (double)x[k] * (double)x[k];
            for (int k = 0; k < DIM; k++)
                vectors[side][row][k] = (double)x[k] / sqrt(square);
        }
    for (int64_t i = 0; i < size; i++) {
        const int64_t own = batch[i] % MADE_UP_CONTEXTS;
        double sum = 0.0, right = 0.0;

        for (int64_t j = 0; j < MADE_UP_CONTEXTS; j++) {
            const double weight = times[j] > 0 ? (double)times[j] : joins[j] ? 1.0 : 0.0;
            double score = 0.0;

            for (int k = 0; k < DIM; k++)
                score += 20.0 * vectors[0][batch[i]][k] * vectors[1][j][k];
            /* Questions are odd: their own context is the only one that answers them. */
            sum += j == own ? exp(score) : weight * exp(score);
            right = j == own ? score : right;
        }
        loss += (log(sum) - right) / (double)size;
    }
    return loss;
}

static void questions_meet_what_the_batch_lists(void **state)
{
    training run = with_lists();
    int64_t batch[BATCH];
    qctx_step_result result = {0};
    qctx_timers timers = {0};
    qctx_stepper *stepper;

    (void)state;
    run.head.form = QCTX_HEAD_RESIDUAL;
    run.config.loss.direction = QCTX_DIRECTION_QUESTION;
    for (int64_t i = 0; i < BATCH; i++)
        batch[i] = (2 * i + 1 + (i > 80 ? MADE_UP_CONTEXTS - 100 : 0)) % MADE_UP_EXAMPLES;
    assert_status(qctx_stepper_create(test_comm, &run.config, &run.plan, &probe_rows.loader, &run.head, &timers,
                                      &stepper, &probe_error),
                  QCTX_OK, &probe_error);
    assert_status(qctx_stepper_step(stepper, batch, 0, 0, 0.0, &result, &probe_error), QCTX_OK, &probe_error);
    assert_close(result.loss / first_loss(batch, BATCH), 1.0, 1e-5);
    qctx_stepper_destroy(stepper);
}

static void any_number_of_ranks_steps_as_one(void **state)
{
    static const qctx_similarity schemes[] = {QCTX_SIMILARITY_FULL, QCTX_SIMILARITY_ROWS, QCTX_SIMILARITY_RING};

    (void)state;
    for (int s = 0; s < 3; s++) {
        training all = with_lists();

        all.plan.scheme = schemes[s];
        all.head.sides = s == 1 ? QCTX_SIDES_SHARED : QCTX_SIDES_BOTH;
        all.plan.split_step = s > 0;
        probe_assert_as_on_one_rank(all, 1e-6);
    }
}

/* With three questions a step some ranks of five have neither rows nor extras. */
static void ranks_without_extras_step_along(void **state)
{
    training few = with_lists();

    (void)state;
    few.config.batch.size = 3;
    few.plan.scheme = QCTX_SIMILARITY_ROWS;
    probe_assert_as_on_one_rank(few, 1e-6);
}

static void micro_batches_are_one_batch(void **state)
{
    training whole = with_lists(), parts = with_lists();

    (void)state;
    parts.plan.micro_rows = 7;
    probe_train(test_comm, &whole, NULL);
    probe_train(test_comm, &parts, NULL);
    probe_assert_alike(&parts, &whole, 1e-6);
    probe_forget(&whole);
    probe_forget(&parts);
}

static void leaves_give_the_same_bits_on_any_ranks(void **state)
{
    qctx_comm *alone = qctx_comm_groups(test_comm, 1);
    training one = with_lists();

    (void)state;
    one.steps = 6;
    one.head.sides = QCTX_SIDES_SHARED;
    one.plan.scheme = QCTX_SIMILARITY_ROWS;
    one.plan.leaves = 8;
    for (int size = 2; size <= qctx_comm_size(test_comm); size *= 2) {
        qctx_comm *group = qctx_comm_groups(test_comm, size);
        training several = one, reference = one;

        probe_train(alone, &reference, NULL);
        probe_train(group, &several, NULL);
        probe_assert_same_bits(&several, &reference);
        probe_forget(&several);
        probe_forget(&reference);
        qctx_comm_close_group(group);
    }
    qctx_comm_close_group(alone);
}

static void extras_are_bounded(void **state)
{
    (void)state;
    assert_int_equal(qctx_loader_most_extras(&probe_rows.loader, 20), 20 * MOST);
    assert_int_equal(qctx_loader_most_extras(&probe_rows.loader, BATCH), MADE_UP_CONTEXTS);
    probe_rows.loader.listed = NULL;
    assert_int_equal(qctx_loader_most_extras(&probe_rows.loader, BATCH), 0);
    probe_rows.loader.negatives = &probe_rows.negatives;
    assert_int_equal(qctx_loader_most_extras(&probe_rows.loader, 20), MADE_UP_CONTEXTS);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(questions_meet_what_the_batch_lists, open_listed, close_listed),
    cmocka_unit_test_setup_teardown(any_number_of_ranks_steps_as_one, open_listed, close_listed),
    cmocka_unit_test_setup_teardown(ranks_without_extras_step_along, open_listed, close_listed),
    cmocka_unit_test_setup_teardown(micro_batches_are_one_batch, open_listed, close_listed),
    cmocka_unit_test_setup_teardown(leaves_give_the_same_bits_on_any_ranks, open_listed, close_listed),
    cmocka_unit_test_setup_teardown(extras_are_bounded, open_listed, close_listed),
};
TEST_MAIN(tests)
