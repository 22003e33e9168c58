/* ranks: 1 2 5 */
#include "harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/rng.h"
#include "qctx/evaluation/weights.h"
#include "qctx/store/store.h"
#include "qctx/store/store_writer.h"

static qctx_error error;

/* Parts that are encoders of their own, and fields of one. */
static const int64_t apart[] = {0, 1, 2}, together[] = {0, 0};

enum { ROWS = 24, DIM = 24, TINY = 8, POOL = 5 };

/* ROWS questions and contexts without texts; question i is answered by context i and, if i is odd, i − 1. */
static struct {
    char id[ROWS][8];
    qctx_question questions[ROWS];
    qctx_context contexts[ROWS];
    int64_t rows[ROWS], offsets[ROWS + 1], answers[2 * ROWS];
    qctx_split split;
    qctx_corpus corpus;
} made_up;

/* A part: its coordinates of a row of one side. */
typedef void (*part_rows)(qctx_side side, int64_t row, float *values);

static void make_corpus(int64_t count, bool second_answers)
{
    int64_t used = 0;

    memset(&made_up, 0, sizeof made_up);
    for (int64_t i = 0; i < count; i++) {
        snprintf(made_up.id[i], sizeof made_up.id[i], "r%d", (int)i);
        made_up.questions[i] = (qctx_question){made_up.id[i], made_up.id[i]};
        made_up.contexts[i] = (qctx_context){made_up.id[i], made_up.id[i], made_up.id[i]};
        made_up.rows[i] = i;
        made_up.answers[used++] = i;
        if (second_answers && i % 2 == 1)
            made_up.answers[used++] = i - 1;
        made_up.offsets[i + 1] = used;
    }
    made_up.split = (qctx_split){.name = "train",
                                 .count = count,
                                 .questions = made_up.rows,
                                 .offsets = made_up.offsets,
                                 .contexts = made_up.answers};
    made_up.corpus = (qctx_corpus){.context_count = count,
                                   .contexts = made_up.contexts,
                                   .question_count = count,
                                   .questions = made_up.questions,
                                   .split_count = 1,
                                   .splits = &made_up.split,
                                   .fingerprint = 1,
                                   .folder = "made up"};
}

/* Question i is the i-th unit vector in all parts; what the contexts are decides. */
static void right(qctx_side side, int64_t row, float *values)
{
    (void)side;
    values[row] = 1.0f;
}

static void wrong(qctx_side side, int64_t row, float *values)
{
    values[side == QCTX_QUESTION ? row : (row + 1) % TINY] = 1.0f;
}

static void alike(qctx_side side, int64_t row, float *values)
{
    (void)side;
    (void)row;
    values[0] = 1.0f;
}

static void noise(uint64_t seed, qctx_side side, int64_t row, float *values)
{
    for (int64_t j = 0; j < DIM; j++)
        values[j] =
            (float)((double)(qctx_rng(seed, (uint64_t)side, (uint64_t)row, (uint64_t)j) >> 40) / (1 << 24)) - 0.5f;
}

static void noise_one(qctx_side side, int64_t row, float *values)
{
    noise(1, side, row, values);
}

static void noise_two(qctx_side side, int64_t row, float *values)
{
    noise(2, side, row, values);
}

/* Another field of the encoder of noise_one: questions are the same. */
static void other_field(qctx_side side, int64_t row, float *values)
{
    noise(side == QCTX_QUESTION ? 1 : 3, side, row, values);
}

static qctx_status fill(void *context, qctx_side side, int64_t first, int64_t count, float *rows, qctx_error *problem)
{
    const part_rows *part = context;

    (void)problem;
    memset(rows, 0, (size_t)(count * DIM) * sizeof *rows);
    for (int64_t i = 0; i < count; i++)
        (*part)(side, first + i, rows + i * DIM);
    return QCTX_OK;
}

static qctx_store *store_of(const char *name, part_rows part)
{
    const qctx_store_description description = {.corpus = &made_up.corpus,
                                                .dtype = QCTX_FLOAT32,
                                                .dim = DIM,
                                                .encoder = "made up",
                                                .encoder_fingerprint = name,
                                                .encoder_settings = "{}"};
    qctx_store *store = NULL;

    assert_status(qctx_store_write(test_comm, test_path(name), true, &description, fill, &part, &error), QCTX_OK,
                  &error);
    assert_status(qctx_store_open(test_comm, test_path(name), &store, &error), QCTX_OK, &error);
    return store;
}

static qctx_weights_set all_questions(qctx_store *const *stores)
{
    return (qctx_weights_set){{.count = made_up.split.count,
                               .questions = made_up.rows,
                               .offsets = made_up.offsets,
                               .contexts = made_up.answers},
                              stores};
}

/* The choice among parts whose contexts are as given, all questions in one pool. */
static void choose(const part_rows *parts, int64_t count, double *weights)
{
    static const char *const names[] = {"one", "two", "three"};
    qctx_store *stores[3] = {0};
    qctx_weights_set set;
    qctx_weights_task task = {1, &set, count, apart, names, TINY, QCTX_METRIC_TOP1, QCTX_GAIN_LINEAR, 1};

    make_corpus(TINY, false);
    for (int64_t i = 0; i < count; i++)
        stores[i] = store_of(names[i], parts[i]);
    set = all_questions(stores);
    assert_status(qctx_weights_choose(test_comm, &task, weights, &error), QCTX_OK, &error);
    for (int64_t i = 0; i < count; i++)
        qctx_store_close(stores[i]);
}

/*
 * By hand: a right context scores the weight of `right`, the wrong one that of `wrong`; so `right` has to weigh more.
 * Of the steps that are equally good the one nearest to 1 is taken.
 */
static void prefers_the_part_that_is_right(void **state)
{
    double weights[3];

    (void)state;
    choose((const part_rows[]){right, wrong}, 2, weights);
    assert_true(weights[0] == 1.0 && weights[1] == 0.75);
    choose((const part_rows[]){wrong, right}, 2, weights);
    assert_true(weights[0] == 1.0 && weights[1] == 4.0 / 3);
    choose((const part_rows[]){right, right}, 2, weights);
    assert_true(weights[0] == 1.0 && weights[1] == 1.0);
    choose((const part_rows[]){right, wrong, alike}, 3, weights);
    assert_true(weights[0] == 4.0 / 3 && weights[1] == 1.0 && weights[2] == 1.0);
    choose((const part_rows[]){alike, wrong, right}, 3, weights);
    assert_true(weights[0] == 1.0 && weights[1] == 0.75 && weights[2] == 1.0);
}

/* Fields of one encoder: the question's product with their weighted sum at unit length, times both weights. */
static double score_of_sum(const part_rows *parts, const double *weights, int64_t question, int64_t context)
{
    float q[DIM] = {0}, one[DIM] = {0}, two[DIM] = {0};
    double product = 0, squares = 0;

    parts[0](QCTX_QUESTION, question, q);
    parts[0](QCTX_CONTEXT, context, one);
    parts[1](QCTX_CONTEXT, context, two);
    for (int j = 0; j < DIM; j++) {
        const double sum = weights[0] * one[j] + weights[1] * two[j];

        product += q[j] * sum;
        squares += sum * sum;
    }
    return (weights[0] + weights[1]) * product / sqrt(squares);
}

static double score(const part_rows *parts, const double *weights, int64_t question, int64_t context)
{
    double sum = 0;

    if (parts[1] == other_field)
        return score_of_sum(parts, weights, question, context);

    for (int i = 0; i < 2; i++) {
        float q[DIM] = {0}, c[DIM] = {0};

        parts[i](QCTX_QUESTION, question, q);
        parts[i](QCTX_CONTEXT, context, c);
        for (int j = 0; j < DIM; j++)
            sum += weights[i] * q[j] * c[j];
    }
    return sum;
}

/* The position of a context among those that answer the question's pool, by counting. */
static int64_t position(const part_rows *parts, const double *weights, int64_t question, int64_t context,
                        const int64_t *own)
{
    const int64_t first = question / POOL * POOL, last = first + POOL < ROWS ? first + POOL : ROWS;
    const double target = context == QCTX_ABSENT ? 0 : score(parts, weights, question, context);
    bool candidate[ROWS] = {0};
    int64_t above = 0;

    for (int64_t a = made_up.offsets[first]; a < made_up.offsets[last]; a++)
        if (made_up.answers[a] != QCTX_ABSENT)
            candidate[made_up.answers[a]] = true;
    if (own != NULL && own[question] != QCTX_ABSENT)
        candidate[own[question]] = false;
    for (int64_t c = 0; c < ROWS; c++)
        above += candidate[c] && (context == QCTX_ABSENT || score(parts, weights, question, c) > target);
    return above;
}

/* Measures four weights, and holds them against scores that are worked out here. */
static void expect_figures(const part_rows *parts, const int64_t *firsts, const int64_t *own)
{
    static const double trials[] = {1, 1, 1, 0, 0, 1, 0.3, 2};
    static const char *const names[] = {"one", "two"};
    double values[ROWS * QCTX_METRIC_COUNT];
    qctx_merit figures[4];
    int64_t positions[2 * ROWS], candidates[ROWS] = {0};
    const qctx_protocol protocol = {.relevant = 1};
    qctx_store *stores[2];
    qctx_weights_set sets[2];
    qctx_weights_task task = {2, sets, 2, firsts, names, POOL, QCTX_METRIC_TOP5, QCTX_GAIN_LINEAR, 1};

    stores[0] = store_of("one", parts[0]);
    stores[1] = store_of("two", parts[1]);
    sets[0] = all_questions(stores);
    sets[0].set.own = own;
    sets[1] = sets[0];
    assert_status(qctx_weights_measure(test_comm, &task, trials, 4, figures, &error), QCTX_OK, &error);
    for (int t = 0; t < 4; t++) {
        for (int64_t q = 0; q < ROWS; q++)
            for (int64_t a = made_up.offsets[q]; a < made_up.offsets[q + 1]; a++)
                positions[a] = position(parts, trials + 2 * t, q, made_up.answers[a], own);
        qctx_metrics_of(&sets[0].set, &protocol, positions, candidates, values);
        assert_close(figures[t].metric, qctx_metrics_mean(values, ROWS, QCTX_METRIC_TOP5), 1e-12);
        assert_close(figures[t].mrr, qctx_metrics_mean(values, ROWS, QCTX_METRIC_MRR), 1e-12);
    }
    qctx_store_close(stores[0]);
    qctx_store_close(stores[1]);
}

static void figures_are_those_of_weighted_scores(void **state)
{
    (void)state;
    make_corpus(ROWS, true);
    expect_figures((const part_rows[]){noise_one, noise_two}, apart, NULL);
}

static void figures_are_those_of_summed_fields(void **state)
{
    (void)state;
    make_corpus(ROWS, true);
    expect_figures((const part_rows[]){noise_one, other_field}, together, NULL);
}

/* Some questions' own documents are in their pool, some contexts that answer are not there. */
static void figures_without_own_and_absent_contexts(void **state)
{
    int64_t own[ROWS];

    (void)state;
    make_corpus(ROWS, true);
    for (int64_t q = 0; q < ROWS; q++)
        own[q] = q % 2 == 0 ? (q + 2) % ROWS : QCTX_ABSENT;
    for (int64_t q = 1; q < ROWS; q += 4)
        made_up.answers[made_up.offsets[q]] = QCTX_ABSENT;
    expect_figures((const part_rows[]){noise_one, noise_two}, apart, own);
}

static void refuses_to_choose_by_nothing(void **state)
{
    static const char *const names[] = {"one", "two"};
    const qctx_weights_task task = {0, NULL, 2, apart, names, POOL, QCTX_METRIC_TOP1, QCTX_GAIN_LINEAR, 1};
    double weights[2];

    (void)state;
    assert_status(qctx_weights_choose(test_comm, &task, weights, &error), QCTX_ERR_DATA, &error);
    assert_contains(error.message, "no training questions are held out");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(prefers_the_part_that_is_right),     cmocka_unit_test(figures_are_those_of_weighted_scores),
    cmocka_unit_test(figures_are_those_of_summed_fields), cmocka_unit_test(figures_without_own_and_absent_contexts),
    cmocka_unit_test(refuses_to_choose_by_nothing),
};
TEST_MAIN(tests)
