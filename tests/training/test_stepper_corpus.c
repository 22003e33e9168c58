/* ranks: 1 2 4 5 */
#include "stepper_probe.h"

#include <math.h>
#include <stdlib.h>

#include "qctx/base/mem.h"
#include "qctx/base/tree_sum.h"
#include "qctx/training/stepper.h"

/* Steps whose questions meet all contexts of the corpus: near or bit by bit what they must be, however carried out. */

static int open_corpus(void **state)
{
    probe_open_rows(state);
    probe_rows.loader.negatives = &probe_rows.negatives;
    return 0;
}

static training against_corpus(void)
{
    training run = probe_usual();

    run.config.loss.candidates = QCTX_LOSS_CANDIDATES_CORPUS;
    run.plan.micro_rows = BATCH + MADE_UP_CONTEXTS;
    return run;
}

/* The raw vector of a question, or of a context, to unit length in double. */
static void unit_row(qctx_side side, int64_t row, double *unit)
{
    const qctx_negative context = {.row = row};
    const int64_t none = 0;
    float x[DIM];
    double square = 0.0;

    if (side == QCTX_QUESTION)
        probe_rows.loader.gather(&probe_rows.loader, side, &row, &none, 1, x);
    else
        probe_rows.loader.gather_contexts(&probe_rows.loader, &context, 1, x);
    for (int k = 0; k < DIM; k++)
        square += (double)x[k] * (double)x[k];
    for (int k = 0; k < DIM; k++)
        unit[k] = (double)x[k] / sqrt(square);
}

static double product(const double *x, const double *y)
{
    double sum = 0.0;

    for (int k = 0; k < DIM; k++)
        sum += x[k] * y[k];
    return sum;
}

/* Whether context j answers question i: the rows as they are made up. */
static bool answers(int64_t i, int64_t j)
{
    return j == i % MADE_UP_CONTEXTS || (i % 2 == 0 && j == (i + 1) % MADE_UP_CONTEXTS);
}

/*
 * A residual head changes nothing before its first step, so the loss of that step is the frozen vectors': for each
 * question over its own context, the others of the batch as often as they stand there, and every other context of the
 * corpus once. Questions are odd, so that each has one right context and the batch leaves no choice.
 */
static void the_first_loss_is_that_of_the_whole_corpus(void **state)
{
    static double contexts[MADE_UP_CONTEXTS][DIM];
    training run = against_corpus();
    int64_t batch[BATCH], times[MADE_UP_CONTEXTS] = {0};
    qctx_step_result result = {0};
    qctx_timers timers = {0};
    qctx_stepper *stepper;
    double expected = 0.0;

    (void)state;
    run.head.form = QCTX_HEAD_RESIDUAL;
    run.config.loss.direction = QCTX_DIRECTION_QUESTION;
    for (int64_t i = 0; i < BATCH; i++) {
        batch[i] = (2 * i + 1 + (i > 80 ? MADE_UP_CONTEXTS - 100 : 0)) % MADE_UP_EXAMPLES;
        times[batch[i] % MADE_UP_CONTEXTS]++;
    }
    for (int64_t j = 0; j < MADE_UP_CONTEXTS; j++)
        unit_row(QCTX_CONTEXT, j, contexts[j]);
    for (int64_t i = 0; i < BATCH; i++) {
        double question[DIM], own, sum;

        unit_row(QCTX_QUESTION, batch[i], question);
        own = 20.0 * product(question, contexts[batch[i] % MADE_UP_CONTEXTS]);
        sum = exp(own);
        for (int64_t j = 0; j < MADE_UP_CONTEXTS; j++)
            if (!answers(batch[i], j))
                sum += (times[j] > 0 ? (double)times[j] : 1.0) * exp(20.0 * product(question, contexts[j]));
        expected += (log(sum) - own) / BATCH;
    }
    assert_status(qctx_stepper_create(test_comm, &run.config, &run.plan, &probe_rows.loader, &run.head, &timers,
                                      &stepper, &probe_error),
                  QCTX_OK, &probe_error);
    assert_status(qctx_stepper_step(stepper, batch, 0, 0, 0.0, &result, &probe_error), QCTX_OK, &probe_error);
    assert_close(result.loss / expected, 1.0, 1e-5);
    qctx_stepper_destroy(stepper);
}

static void any_number_of_ranks_steps_as_one(void **state)
{
    (void)state;
    for (int sides = QCTX_SIDES_QUESTION; sides <= QCTX_SIDES_SHARED; sides++) {
        training all = against_corpus();

        all.head.sides = (qctx_head_sides)sides;
        all.head.form = sides == QCTX_SIDES_SHARED ? QCTX_HEAD_RESIDUAL : QCTX_HEAD_PLAIN;
        all.plan.split_step = sides != QCTX_SIDES_CONTEXT;
        all.plan.scheme = sides == QCTX_SIDES_QUESTION ? QCTX_SIMILARITY_RING : QCTX_SIMILARITY_ROWS;
        probe_assert_as_on_one_rank(all, 1e-6);
    }
}

/* With fewer rows than ranks some have only contexts of the corpus; and with a corpus of three, some have none. */
static void ranks_without_rows_or_extras_step_along(void **state)
{
    training few = against_corpus(), small = against_corpus();

    (void)state;
    few.config.batch.size = 3;
    probe_assert_as_on_one_rank(few, 1e-6);
    probe_rows.negatives.count = 3;
    probe_assert_as_on_one_rank(small, 1e-6);
}

static void micro_batches_are_one_batch(void **state)
{
    (void)state;
    for (int sides = QCTX_SIDES_BOTH; sides <= QCTX_SIDES_SHARED; sides++) {
        training whole = against_corpus(), parts = against_corpus();

        whole.head.sides = parts.head.sides = (qctx_head_sides)sides;
        parts.plan.micro_rows = 7;
        probe_train(test_comm, &whole, NULL);
        probe_train(test_comm, &parts, NULL);
        probe_assert_alike(&parts, &whole, 1e-6);
        probe_forget(&whole);
        probe_forget(&parts);
    }
}

/* The gradient of the extras is part of the step: without it, parameters end elsewhere. */
static void extras_count(void **state)
{
    training corpus = against_corpus(), batch = against_corpus();
    double apart = 0.0;

    (void)state;
    probe_train(test_comm, &corpus, NULL);
    probe_rows.loader.negatives = NULL;
    probe_train(test_comm, &batch, NULL);
    for (int64_t i = 0; i < batch.count; i++)
        apart = fmax(apart, fabs((double)corpus.parameters[i] - (double)batch.parameters[i]));
    assert_true(corpus.loss > batch.loss + 0.1 && apart > 1e-4);
    probe_forget(&corpus);
    probe_forget(&batch);
}

static void leaves_give_the_same_bits_on_any_ranks(void **state)
{
    const int64_t counts[] = {MADE_UP_CONTEXTS, 93};

    (void)state;
    for (int k = 0; k < 2; k++) {
        qctx_comm *alone = qctx_comm_groups(test_comm, 1);
        training one = against_corpus();

        probe_rows.negatives.count = counts[k];
        one.steps = 8;
        one.head.sides = k == 0 ? QCTX_SIDES_SHARED : QCTX_SIDES_BOTH;
        one.config.optim.kind = QCTX_OPTIMIZER_ADAMW;
        one.plan.scheme = QCTX_SIMILARITY_ROWS;
        one.plan.leaves = 8;
        for (int size = 2; size <= qctx_comm_size(test_comm); size *= 2) {
            qctx_comm *group = qctx_comm_groups(test_comm, size);
            training several = one, reference = one;

            several.plan.micro_rows = size == 4 ? 1 : one.plan.micro_rows;
            several.plan.split_step = size == 2;
            probe_train(alone, &reference, NULL);
            probe_train(group, &several, NULL);
            if (qctx_leaf_is_invariant(several.plan.leaves, qctx_comm_size(group)))
                probe_assert_same_bits(&several, &reference);
            probe_forget(&several);
            probe_forget(&reference);
            qctx_comm_close_group(group);
        }
        qctx_comm_close_group(alone);
    }
}

static void bfloat16_stays_near(void **state)
{
    training wide = against_corpus(), narrow = against_corpus();

    (void)state;
    wide.steps = narrow.steps = 1;
    wide.plan.scheme = narrow.plan.scheme = QCTX_SIMILARITY_ROWS;
    narrow.plan.precision = QCTX_PRECISION_BFLOAT16;
    probe_train(test_comm, &wide, NULL);
    probe_train(test_comm, &narrow, NULL);
    assert_close(narrow.loss / wide.loss, 1.0, 1e-2);
    assert_close(narrow.grad_norm / wide.grad_norm, 1.0, 3e-2);
    probe_forget(&wide);
    probe_forget(&narrow);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup(the_first_loss_is_that_of_the_whole_corpus, open_corpus),
    cmocka_unit_test_setup(any_number_of_ranks_steps_as_one, open_corpus),
    cmocka_unit_test_setup(ranks_without_rows_or_extras_step_along, open_corpus),
    cmocka_unit_test_setup(micro_batches_are_one_batch, open_corpus),
    cmocka_unit_test_setup(extras_count, open_corpus),
    cmocka_unit_test_setup(leaves_give_the_same_bits_on_any_ranks, open_corpus),
    cmocka_unit_test_setup(bfloat16_stays_near, open_corpus),
};
TEST_MAIN(tests)
