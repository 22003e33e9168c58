/* ranks: 1 2 3 4 5 */
#include "stepper_probe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"
#include "qctx/base/rng.h"
#include "qctx/base/tree_sum.h"
#include "qctx/training/stepper.h"

/* loss.recovery: its gradient against differences of the penalty by its definition, and the same however it is taken.
 */

static training usual(qctx_head_sides sides, double recovery)
{
    training run = probe_usual();

    run.head.sides = sides;
    run.head.form = QCTX_HEAD_RESIDUAL;
    run.config.loss.recovery = recovery;
    run.plan.recovers = recovery > 0;
    return run;
}

/* Σ ‖y/|y| − x/|x|‖² of a batch on one side, in double, projected without dropout. */
static double moved(const training *run, const float *parameters, qctx_side side)
{
    const qctx_loader *loader = &probe_rows.loader;
    int64_t batch[BATCH], chosen[BATCH];
    float x[BATCH * DIM], y[BATCH * DIM];
    qctx_head_tape *tape = NULL;
    double sum = 0.0;

    probe_fill_batch(0, BATCH, batch);
    for (int64_t i = 0; i < BATCH; i++) {
        const int64_t first = probe_rows.offsets[batch[i]], count = probe_rows.offsets[batch[i] + 1] - first;

        chosen[i] = first + (int64_t)qctx_rng_below((uint64_t)count, (uint64_t)run->config.run.seed,
                                                    QCTX_STREAM_POSITIVE, 0, (uint64_t)batch[i]);
    }
    loader->gather(loader, side, batch, chosen, BATCH, x);
    assert_status(qctx_head_tape_create(&run->head, QCTX_PRECISION_FLOAT32, BATCH, 1, &tape, &probe_error), QCTX_OK,
                  &probe_error);
    qctx_head_tape_load(&run->head, parameters, tape);
    qctx_head_forward(&run->head, parameters, side, 1.0, x, BATCH, NULL, tape, 0, y);
    qctx_head_tape_destroy(tape);
    for (int64_t i = 0; i < BATCH; i++) {
        double xx = 0.0, yy = 0.0;

        for (int64_t k = i * DIM; k < (i + 1) * DIM; k++) {
            xx += pow(x[k], 2.0);
            yy += pow(y[k], 2.0);
        }
        for (int64_t k = i * DIM; k < (i + 1) * DIM; k++)
            sum += pow(y[k] / sqrt(yy) - x[k] / sqrt(xx), 2.0);
    }
    return sum;
}

/* The penalty: a mean over the projected rows of the batch. */
static double penalty(const training *run, const float *parameters)
{
    double sum = 0.0;
    int64_t rows = 0;

    for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++)
        if (qctx_head_has_side(&run->head, side)) {
            sum += moved(run, parameters, side);
            rows += BATCH;
        }
    return run->config.loss.recovery * sum / (double)rows;
}

/* Parameters at which the head moves its rows: a residual head begins with none of that. */
static float *some_parameters(const training *run, int64_t count)
{
    float *parameters = qctx_alloc(count, sizeof(float), "parameters", NULL);

    qctx_head_init(&run->head, parameters);
    for (int64_t i = 0; i < count - 1; i++)
        parameters[i] += 0.2f * (float)sin((double)(3 * i + 1));
    parameters[count - 1] = (float)log(20.0);
    return parameters;
}

/* A step with the penalty less the same step without it follows the penalty's gradient alone. */
static void check_gradient(qctx_head_sides sides, qctx_similarity scheme)
{
    const double h = 1e-3;
    training with = usual(sides, 5.0), without = usual(sides, 0.0);
    const int64_t count = qctx_head_parameter_count(&with.head) + 1;
    float *start = some_parameters(&with, count), *there = qctx_alloc(count, sizeof(float), "parameters", NULL);
    double length = 0.0, found[2];

    with.steps = without.steps = 1;
    with.head.dropout = without.head.dropout = 0.0;
    with.plan.scheme = without.plan.scheme = scheme;
    probe_train(test_comm, &with, start);
    probe_train(test_comm, &without, start);
    /* What is shown is the loss alone. */
    assert_close(with.loss, without.loss, 1e-6);
    for (int64_t i = 0; i < count; i++)
        length += pow((double)with.parameters[i] - without.parameters[i], 2.0);
    length = sqrt(length);
    assert_true(length > 1e-4);
    for (int way = 0; way < 2; way++) {
        for (int64_t i = 0; i < count; i++)
            there[i] =
                (float)(start[i] + (way == 0 ? h : -h) * ((double)with.parameters[i] - without.parameters[i]) / length);
        found[way] = penalty(&with, there);
    }
    assert_close((found[0] - found[1]) / (2.0 * h) / (-length / with.rate), 1.0, 5e-3);
    probe_forget(&with);
    probe_forget(&without);
    free(start);
    free(there);
}

static void the_gradient_is_that_of_the_penalty(void **state)
{
    (void)state;
    for (int sides = QCTX_SIDES_QUESTION; sides <= QCTX_SIDES_SHARED; sides++)
        check_gradient((qctx_head_sides)sides, QCTX_SIMILARITY_FULL);
    check_gradient(QCTX_SIDES_BOTH, QCTX_SIMILARITY_ROWS);
    check_gradient(QCTX_SIDES_BOTH, QCTX_SIMILARITY_RING);
}

static void any_ranks_and_schemes_step_as_one(void **state)
{
    (void)state;
    for (int scheme = QCTX_SIMILARITY_FULL; scheme <= QCTX_SIMILARITY_RING; scheme++) {
        training run = usual(QCTX_SIDES_BOTH, 2.0);

        run.plan.scheme = (qctx_similarity)scheme;
        run.plan.split_step = true;
        probe_assert_as_on_one_rank(run, 1e-5);
        run.config.batch.size = 3;
        probe_assert_as_on_one_rank(run, 1e-5);
    }
}

static void leaves_give_the_same_bits_on_any_ranks(void **state)
{
    qctx_comm *alone = qctx_comm_groups(test_comm, 1);
    training several = usual(QCTX_SIDES_SHARED, 2.0), one;

    (void)state;
    several.plan.leaves = 8;
    several.plan.scheme = QCTX_SIMILARITY_ROWS;
    one = several;
    probe_train(test_comm, &several, NULL);
    probe_train(alone, &one, NULL);
    if (qctx_leaf_is_invariant(several.plan.leaves, qctx_comm_size(test_comm)))
        probe_assert_same_bits(&several, &one);
    else
        probe_assert_alike(&several, &one, 1e-6);
    probe_forget(&several);
    probe_forget(&one);
    qctx_comm_close_group(alone);
}

static void units_and_bfloat16_stay_near(void **state)
{
    training whole = usual(QCTX_SIDES_BOTH, 2.0), micro = whole, narrow;

    (void)state;
    whole.plan.scheme = micro.plan.scheme = QCTX_SIMILARITY_ROWS;
    micro.plan.micro_rows = 7;
    narrow = micro;
    narrow.plan.precision = QCTX_PRECISION_BFLOAT16;
    probe_train(test_comm, &whole, NULL);
    probe_train(test_comm, &micro, NULL);
    probe_train(test_comm, &narrow, NULL);
    probe_assert_alike(&micro, &whole, 1e-6);
    assert_close(narrow.grad_norm / whole.grad_norm, 1.0, 0.03);
    for (int64_t i = 0; i < whole.count; i++)
        assert_close(narrow.parameters[i], whole.parameters[i], 0.01);
    probe_forget(&whole);
    probe_forget(&micro);
    probe_forget(&narrow);
}

static void (*gather_rows)(const qctx_loader *loader, qctx_side side, const int64_t *example, const int64_t *chosen,
                           int64_t count, float *out);

/* Rows of a store that somebody else made may be zeros. */
static void gather_a_row_of_zeros(const qctx_loader *loader, qctx_side side, const int64_t *example,
                                  const int64_t *chosen, int64_t count, float *out)
{
    gather_rows(loader, side, example, chosen, count, out);
    if (count > 0)
        memset(out, 0, DIM * sizeof *out);
}

static void a_row_of_zeros_has_nothing_to_recover(void **state)
{
    training run = usual(QCTX_SIDES_BOTH, 2.0);

    (void)state;
    gather_rows = probe_rows.loader.gather;
    probe_rows.loader.gather = gather_a_row_of_zeros;
    probe_train(test_comm, &run, NULL);
    assert_int_equal(run.status, QCTX_OK);
    assert_true(isfinite(run.grad_norm));
    for (int64_t i = 0; i < run.count; i++)
        assert_true(isfinite(run.parameters[i]));
    probe_forget(&run);
}

/* Its gradient has a place for every projected row of the batch. */
static void memory_is_told(void **state)
{
    const qctx_plan_lists none = {0};
    const int64_t rows = 64, bytes = rows * DIM * (int64_t)sizeof(float);
    qctx_plan with = {.micro_rows = rows, .recovers = true}, without = {.micro_rows = rows};

    (void)state;
    for (int sides = QCTX_SIDES_QUESTION; sides <= QCTX_SIDES_SHARED; sides++) {
        const training run = usual((qctx_head_sides)sides, 1.0);
        const bool both = sides == QCTX_SIDES_BOTH || sides == QCTX_SIDES_SHARED;

        assert_int_equal(qctx_stepper_memory(&run.head, QCTX_LOSS_CLIP, &with, 1, rows, 0, none) -
                             qctx_stepper_memory(&run.head, QCTX_LOSS_CLIP, &without, 1, rows, 0, none),
                         both ? 2 * bytes : bytes);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup(the_gradient_is_that_of_the_penalty, probe_open_rows),
    cmocka_unit_test_setup(any_ranks_and_schemes_step_as_one, probe_open_rows),
    cmocka_unit_test_setup(leaves_give_the_same_bits_on_any_ranks, probe_open_rows),
    cmocka_unit_test_setup(units_and_bfloat16_stay_near, probe_open_rows),
    cmocka_unit_test_setup(a_row_of_zeros_has_nothing_to_recover, probe_open_rows),
    cmocka_unit_test(memory_is_told),
};
TEST_MAIN(tests)
