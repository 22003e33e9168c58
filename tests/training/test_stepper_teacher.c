/* ranks: 1 2 4 5 */
#include "stepper_probe.h"

#include <math.h>
#include <stdlib.h>

#include "qctx/base/mem.h"
#include "qctx/base/tree_sum.h"
#include "qctx/training/stepper.h"

/* Steps by a teacher's scores as well: near or bit by bit what they must be, however carried out. */

static int open_teacher(void **state)
{
    probe_open_rows(state);
    probe_rows.loader.teacher = &probe_rows.teacher;
    return 0;
}

static training taught(qctx_distill_kind kind)
{
    training run = probe_usual();

    run.config.loss.distill.kind = kind;
    run.config.loss.distill.weight = 0.5;
    run.config.loss.distill.temperature = 1.0;
    run.plan.micro_rows = 2 * BATCH + MADE_UP_CONTEXTS;
    return run;
}

static qctx_timers timers;

static qctx_stepper *make_stepper(const training *run)
{
    qctx_stepper *stepper = NULL;

    assert_status(qctx_stepper_create(test_comm, &run->config, &run->plan, &probe_rows.loader, &run->head, &timers,
                                      &stepper, &probe_error),
                  QCTX_OK, &probe_error);
    return stepper;
}

/* A step on questions first, first + 1, … of those before `end`, around and around. Collective. */
static qctx_step_result take_step(qctx_stepper *stepper, int64_t first, int64_t end, double rate)
{
    qctx_step_result result = {0};
    int64_t batch[BATCH];

    for (int64_t i = 0; i < BATCH; i++)
        batch[i] = (first + i) % end;
    assert_status(qctx_stepper_step(stepper, batch, 0, 0, rate, &result, &probe_error), QCTX_OK, &probe_error);
    return result;
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

/* A residual head changes nothing before its first step, so the loss of that step is the frozen vectors'. */
static void the_first_loss_is_that_of_the_lists(void **state)
{
    const qctx_teacher *teacher = &probe_rows.teacher;
    training run = taught(QCTX_DISTILL_KL);
    qctx_stepper *stepper;
    double expected = 0.0;

    (void)state;
    run.head.form = QCTX_HEAD_RESIDUAL;
    stepper = make_stepper(&run);
    for (int64_t i = 30; i < 30 + BATCH; i++) {
        int64_t first = teacher->lists.offsets[i], count = teacher->lists.offsets[i + 1] - first;
        double question[DIM], z[MADE_UP_LIST], sums[2] = {0.0, 0.0};

        unit_row(QCTX_QUESTION, i, question);
        for (int64_t j = 0; j < count; j++) {
            double context[DIM];

            unit_row(QCTX_CONTEXT, teacher->lists.places[first + j], context);
            z[j] = 0.0;
            for (int k = 0; k < DIM; k++)
                z[j] += 20.0 * question[k] * context[k];
            sums[0] += exp(z[j]);
            sums[1] += exp((double)teacher->scores[first + j]);
        }
        for (int64_t j = 0; j < count; j++) {
            double log_p = (double)teacher->scores[first + j] - log(sums[1]);

            expected += exp(log_p) * (log_p - z[j] + log(sums[0])) / BATCH;
        }
    }
    assert_true(expected > 0.1);
    assert_close(take_step(stepper, 30, MADE_UP_EXAMPLES, 0.0).distilled / expected, 1.0, 1e-5);
    qctx_stepper_destroy(stepper);
}

/*
 * Along its own gradient g, the step's whole loss changes by ‖g‖² a unit: contrastive loss and distillation, head and
 * logit scale, with the contexts of the lists in it.
 */
static void check_gradient(const training *run)
{
    qctx_stepper *stepper = make_stepper(run);
    const int64_t count = qctx_stepper_optimizer(stepper)->count;
    float *parameters = qctx_stepper_parameters(stepper);
    double *start = qctx_alloc(count, sizeof *start, "parameters", NULL), squares = 0.0, at[2];
    double *gradient = qctx_alloc(count, sizeof *gradient, "a gradient", NULL);

    take_step(stepper, 0, MADE_UP_EXAMPLES, 0.0);
    qctx_stepper_complete(stepper);
    for (int64_t k = 0; k < count; k++) {
        start[k] = (double)parameters[k];
        gradient[k] = (double)qctx_stepper_optimizer(stepper)->first[k];
        squares += gradient[k] * gradient[k];
    }
    for (int s = 0; s < 2; s++) {
        qctx_step_result result;

        for (int64_t k = 0; k < count; k++)
            parameters[k] = (float)(start[k] + (s == 0 ? -1e-3 : 1e-3) * gradient[k] / sqrt(squares));
        result = take_step(stepper, 0, MADE_UP_EXAMPLES, 0.0);
        at[s] = result.loss + run->config.loss.distill.weight * result.distilled;
    }
    assert_close((at[1] - at[0]) / 2e-3 / sqrt(squares), 1.0, 5e-3);
    qctx_stepper_destroy(stepper);
    free(start);
    free(gradient);
}

static void the_gradient_is_that_of_both_losses(void **state)
{
    (void)state;
    for (int kind = QCTX_DISTILL_KL; kind <= QCTX_DISTILL_MARGIN_MSE; kind++)
        for (int sides = QCTX_SIDES_QUESTION; sides <= QCTX_SIDES_SHARED; sides++) {
            training run = taught((qctx_distill_kind)kind);

            run.config.optim.weight_decay = 0.0;
            run.config.loss.distill.weight = kind == QCTX_DISTILL_KL ? 2.0 : 0.02;
            run.head.sides = (qctx_head_sides)sides;
            run.plan.scheme = QCTX_SIMILARITY_ROWS;
            check_gradient(&run);
        }
}

static void any_number_of_ranks_steps_as_one(void **state)
{
    (void)state;
    for (int sides = QCTX_SIDES_QUESTION; sides <= QCTX_SIDES_SHARED; sides++)
        for (int scheme = QCTX_SIMILARITY_FULL; scheme <= QCTX_SIMILARITY_RING; scheme++) {
            training all = taught(scheme == QCTX_SIMILARITY_RING ? QCTX_DISTILL_KL : QCTX_DISTILL_MARGIN_MSE);

            all.head.sides = (qctx_head_sides)sides;
            all.plan.split_step = sides != QCTX_SIDES_CONTEXT;
            all.plan.scheme = (qctx_similarity)scheme;
            all.config.loss.distill.weight = scheme == QCTX_SIMILARITY_RING ? 1.0 : 0.01;
            probe_assert_as_on_one_rank(all, 1e-6);
        }
}

/* With fewer rows than ranks some have no question, and with lists for few others some have none of these. */
static void ranks_without_rows_or_lists_step_along(void **state)
{
    training few = taught(QCTX_DISTILL_KL), rare = taught(QCTX_DISTILL_KL);

    (void)state;
    few.config.batch.size = 3;
    probe_assert_as_on_one_rank(few, 1e-6);
    for (int64_t i = 0; i < MADE_UP_EXAMPLES; i++)
        probe_rows.list_offsets[i + 1] = i < 7 ? 0 : MADE_UP_LIST;
    probe_assert_as_on_one_rank(rare, 1e-6);
}

/* Beside all contexts of the corpus. */
static void extras_and_lists_go_together(void **state)
{
    training both = taught(QCTX_DISTILL_KL);

    (void)state;
    probe_rows.loader.negatives = &probe_rows.negatives;
    both.plan.scheme = QCTX_SIMILARITY_ROWS;
    both.plan.micro_rows += MADE_UP_CONTEXTS;
    probe_assert_as_on_one_rank(both, 1e-6);
}

static void micro_batches_are_one_batch(void **state)
{
    (void)state;
    for (int sides = QCTX_SIDES_BOTH; sides <= QCTX_SIDES_SHARED; sides++) {
        training whole = taught(QCTX_DISTILL_KL), parts = taught(QCTX_DISTILL_KL);

        whole.head.sides = parts.head.sides = (qctx_head_sides)sides;
        parts.plan.micro_rows = 7;
        probe_train(test_comm, &whole, NULL);
        probe_train(test_comm, &parts, NULL);
        probe_assert_alike(&parts, &whole, 1e-6);
        probe_forget(&whole);
        probe_forget(&parts);
    }
}

static void leaves_give_the_same_bits_on_any_ranks(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        qctx_comm *alone = qctx_comm_groups(test_comm, 1);
        training one = taught(k == 0 ? QCTX_DISTILL_KL : QCTX_DISTILL_MARGIN_MSE);

        probe_rows.loader.negatives = k == 0 ? &probe_rows.negatives : NULL;
        one.plan.micro_rows += MADE_UP_CONTEXTS;
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

/*
 * The teacher looks at half of each vector. A head that follows it ranks for questions that it never saw as the teacher
 * does; one that was told right answers alone does not come near.
 */
static void the_head_follows_the_teacher(void **state)
{
    const int64_t seen = MADE_UP_EXAMPLES - BATCH;
    double before, after[2];

    (void)state;
    for (int follows = 0; follows < 2; follows++) {
        training run = taught(QCTX_DISTILL_KL);
        qctx_stepper *stepper;

        run.head.form = QCTX_HEAD_RESIDUAL;
        run.head.layers = 1;
        run.config.optim.kind = QCTX_OPTIMIZER_ADAMW;
        run.config.loss.distill.weight = 40 * follows;
        stepper = make_stepper(&run);
        before = take_step(stepper, seen, MADE_UP_EXAMPLES, 0.0).distilled;
        for (int64_t step = 0; step < 300; step++)
            take_step(stepper, step * 37, seen, 1e-3);
        after[follows] = take_step(stepper, seen, MADE_UP_EXAMPLES, 0.0).distilled;
        qctx_stepper_destroy(stepper);
    }
    assert_true(after[1] < 0.6 * before && after[1] < 0.5 * after[0]);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup(the_first_loss_is_that_of_the_lists, open_teacher),
    cmocka_unit_test_setup(the_gradient_is_that_of_both_losses, open_teacher),
    cmocka_unit_test_setup(any_number_of_ranks_steps_as_one, open_teacher),
    cmocka_unit_test_setup(ranks_without_rows_or_lists_step_along, open_teacher),
    cmocka_unit_test_setup(extras_and_lists_go_together, open_teacher),
    cmocka_unit_test_setup(micro_batches_are_one_batch, open_teacher),
    cmocka_unit_test_setup(leaves_give_the_same_bits_on_any_ranks, open_teacher),
    cmocka_unit_test_setup(the_head_follows_the_teacher, open_teacher),
};
TEST_MAIN(tests)
