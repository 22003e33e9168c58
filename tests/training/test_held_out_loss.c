/* ranks: 1 2 3 5 */
#include "harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "made_up_loader.h"
#include "qctx/base/rng.h"
#include "qctx/data/sampler.h"
#include "qctx/training/held_out_loss.h"

/* A head of one layer on the questions, so that what it gives can be said in a line of double. */
enum { DIM = 12, PARAMETERS = DIM * DIM + DIM + 1 };

static qctx_error error;
static made_up rows;
static const qctx_head_config head = {.form = QCTX_HEAD_RESIDUAL,
                                      .sides = QCTX_SIDES_QUESTION,
                                      .activation = QCTX_ACTIVATION_RELU,
                                      .layers = 1,
                                      .input = DIM,
                                      .hidden = DIM,
                                      .output = DIM,
                                      .dropout = 0.5};
static float parameters[PARAMETERS];

static qctx_config config_of(int64_t batch)
{
    qctx_config config = {0};

    config.run.seed = 5;
    config.batch.size = batch;
    config.loss.kind = QCTX_LOSS_CLIP;
    config.loss.direction = QCTX_DIRECTION_BOTH;
    config.loss.normalize = true;
    return config;
}

static int open_rows(void **state)
{
    (void)state;
    made_up_open(&rows, DIM);
    for (int64_t i = 0; i < PARAMETERS; i++)
        parameters[i] = (float)(0.4 * (qctx_rng_uniform(9, QCTX_STREAM_SYNTH, 0, (uint64_t)i) - 0.5));
    parameters[PARAMETERS - 1] = (float)log(20.0);
    return 0;
}

/* The side's row of an example at unit length, the question's behind the head, with the first of its contexts. */
static void row_of(int64_t example, qctx_side side, double *row)
{
    const int64_t chosen = rows.offsets[example];
    float x[DIM];
    double squares = 0.0;

    rows.loader.gather(&rows.loader, side, &example, &chosen, 1, x);
    for (int64_t o = 0; o < DIM; o++) {
        row[o] = x[o];
        for (int64_t i = 0; side == QCTX_QUESTION && i < DIM; i++)
            row[o] += (double)parameters[o * DIM + i] * x[i];
        row[o] += side == QCTX_QUESTION ? parameters[DIM * DIM + o] : 0.0;
        squares += row[o] * row[o];
    }
    for (int64_t o = 0; o < DIM; o++)
        row[o] /= sqrt(squares);
}

/* Whether the context taken for `other` answers the question of `example`, too. */
static bool answers(int64_t other, int64_t example)
{
    for (int64_t a = rows.offsets[example]; a < rows.offsets[example + 1]; a++)
        if (rows.content[a] == rows.content[rows.offsets[other]])
            return true;
    return false;
}

/* The loss of CLIP over one batch, from the formula in qctx/model/loss.h. */
static double clip_loss(const int64_t *batch, int64_t size)
{
    double *questions = calloc((size_t)(size * DIM), sizeof *questions);
    double *contexts = calloc((size_t)(size * DIM), sizeof *contexts);
    double *columns = calloc((size_t)size, sizeof *columns), loss = 0.0;

    for (int64_t i = 0; i < size; i++) {
        row_of(batch[i], QCTX_QUESTION, questions + i * DIM);
        row_of(batch[i], QCTX_CONTEXT, contexts + i * DIM);
    }
    for (int64_t i = 0; i < size; i++) {
        double sum = 0.0, own = 0.0;

        for (int64_t j = 0; j < size; j++) {
            double score = 0.0;

            for (int64_t k = 0; k < DIM; k++)
                score += 20.0 * questions[i * DIM + k] * contexts[j * DIM + k];
            own = i == j ? score : own;
            if (i != j && answers(batch[j], batch[i]))
                continue;
            sum += exp(score);
            columns[j] += exp(score);
        }
        loss += sum > 0.0 ? log(sum) - 2.0 * own : NAN;
    }
    for (int64_t j = 0; j < size; j++)
        loss += log(columns[j]);
    free(questions);
    free(contexts);
    free(columns);
    return loss / (2.0 * (double)size);
}

static double measure(qctx_comm *comm, const qctx_config *config, const qctx_plan *plan)
{
    double loss = 0.0;

    assert_status(qctx_held_out_loss(comm, config, plan, &rows.loader, &head, parameters, &loss, &error), QCTX_OK,
                  &error);
    return loss;
}

/* The mean over the whole batches: of 260 examples two of 90, or all in one where a training batch is larger. */
static void it_is_the_loss_of_whole_batches(void **state)
{
    static const int64_t batches[] = {2, 90, 260, 1000};
    static const qctx_similarity schemes[] = {QCTX_SIMILARITY_FULL, QCTX_SIMILARITY_ROWS, QCTX_SIMILARITY_RING};

    (void)state;
    for (size_t b = 0; b < sizeof batches / sizeof batches[0]; b++) {
        const qctx_config config = config_of(batches[b]);
        const int64_t size = batches[b] < MADE_UP_EXAMPLES ? batches[b] : MADE_UP_EXAMPLES;
        double expected = 0.0;
        qctx_sampler sampler;

        assert_status(qctx_sampler_create(&(qctx_sampling){MADE_UP_EXAMPLES, size, 5, .run = 1}, &sampler, &error),
                      QCTX_OK, &error);
        for (int64_t i = 0; i < qctx_sampler_batches(&sampler); i++)
            expected += clip_loss(qctx_sampler_batch(&sampler, 0, i), size) / (double)qctx_sampler_batches(&sampler);
        qctx_sampler_destroy(&sampler);
        for (size_t s = 0; s < sizeof schemes / sizeof schemes[0]; s++) {
            const qctx_plan plan = {.scheme = schemes[s], .precision = QCTX_PRECISION_FLOAT32};

            assert_close(measure(test_comm, &config, &plan), expected, 1e-5);
        }
    }
}

/* Also where there are fewer questions than ranks, or none that a single one could be contrasted with. */
static void few_questions_will_do(void **state)
{
    const qctx_config config = config_of(64);
    const qctx_plan plan = {.scheme = QCTX_SIMILARITY_RING, .precision = QCTX_PRECISION_FLOAT32};
    const int64_t both[] = {0, 1}, turned[] = {1, 0};
    double loss;

    (void)state;
    rows.examples.count = 2;
    loss = measure(test_comm, &config, &plan);
    assert_close(loss, clip_loss(both, 2), 1e-5);
    assert_close(loss, clip_loss(turned, 2), 1e-5);
    rows.examples.count = 1;
    assert_true(isnan(measure(test_comm, &config, &plan)));
}

static void a_reproducible_run_has_the_same_bits_on_any_number_of_ranks(void **state)
{
    const qctx_config config = config_of(90);
    const qctx_plan plan = {.scheme = QCTX_SIMILARITY_ROWS, .precision = QCTX_PRECISION_FLOAT32, .leaves = 8};
    qctx_comm *alone = qctx_comm_groups(test_comm, 1);
    double together = measure(test_comm, &config, &plan), one = measure(alone, &config, &plan);

    (void)state;
    assert_close(together, one, 1e-6);
    if (qctx_comm_size(test_comm) <= 2)
        assert_memory_equal(&together, &one, sizeof one);
    qctx_comm_close_group(alone);
}

/* Training goes on with what it had. */
static void nothing_is_changed_by_it(void **state)
{
    const qctx_config config = config_of(90);
    const qctx_plan plan = {.scheme = QCTX_SIMILARITY_ROWS, .precision = QCTX_PRECISION_FLOAT32};
    float before[PARAMETERS];
    double first;

    (void)state;
    memcpy(before, parameters, sizeof before);
    first = measure(test_comm, &config, &plan);
    assert_memory_equal(before, parameters, sizeof before);
    assert_close(measure(test_comm, &config, &plan), first, 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup(it_is_the_loss_of_whole_batches, open_rows),
    cmocka_unit_test_setup(few_questions_will_do, open_rows),
    cmocka_unit_test_setup(a_reproducible_run_has_the_same_bits_on_any_number_of_ranks, open_rows),
    cmocka_unit_test_setup(nothing_is_changed_by_it, open_rows),
};
TEST_MAIN(tests)
