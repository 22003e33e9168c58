/* ranks: 1 2 3 5 */
#include "harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "qctx/base/mem.h"
#include "qctx/base/rng.h"
#include "qctx/mining/mine.h"
#include "qctx/model/head.h"
#include "qctx/retrieval/shard.h"
#include "qctx/store/store_writer.h"

/*
 * Two stores of rows that are small whole numbers, whose scores are exact and tie often, held against a search through
 * every pair of a question and a context.
 */
enum { DIM = 6, STORES = 2, CONTEXTS = 150, QUESTIONS = 90, ALL = STORES * CONTEXTS, EXAMPLES = STORES * QUESTIONS };

static qctx_error error;

/* Question i of a store has 1 + i mod 3 pairs and, if i is even, a context that is no negative either. */
typedef struct {
    char texts[CONTEXTS][32], ids[CONTEXTS][16], question_ids[QUESTIONS][16];
    qctx_context contexts[CONTEXTS];
    qctx_question questions[QUESTIONS];
    int64_t rows[QUESTIONS], offsets[QUESTIONS + 1], answers[QUESTIONS];
    qctx_split split;
    qctx_corpus corpus;
    qctx_store *store;
    uint64_t content[CONTEXTS];
    int number;
    bool opposed; /* what the questions ask for points away from them */
} made_store;

typedef struct {
    made_store stores[STORES];
    qctx_opened_source sources[STORES];
    qctx_opened opened;
    int32_t source[EXAMPLES];
    int64_t question[EXAMPLES], offsets[EXAMPLES + 1], pairs[EXAMPLES], contexts[4 * EXAMPLES];
    uint64_t content[4 * EXAMPLES];
    qctx_examples examples;
} made_data;

/* What a row is a copy of, or itself. */
typedef struct {
    int store;
    int64_t row;
} origin;

/* Contexts 40 to 49 of both stores, and 50 to 59, are copies of one another, and so are the questions. */
static origin origin_of(int store, int64_t row)
{
    const int64_t same = row >= 50 && row < 60 ? row - 10 : row;

    return (origin){same >= 40 && same < 50 ? 0 : store, same};
}

static float number_of(int store, qctx_side side, int64_t row, int64_t place, bool opposed)
{
    const origin of = origin_of(store, row);
    const float value = (float)((int64_t)qctx_rng_below(7, 5, QCTX_STREAM_POOL, (uint64_t)(2 * of.store + (int)side),
                                                        (uint64_t)(of.row * DIM + place)) -
                                3);

    if (place > 0)
        return value;
    return side == QCTX_QUESTION ? 4 : opposed ? -8 : 8;
}

static qctx_status fill_rows(void *context, qctx_side side, int64_t first, int64_t count, float *rows,
                             qctx_error *failed)
{
    const made_store *made = context;

    (void)failed;
    for (int64_t i = 0; i < count; i++)
        for (int64_t k = 0; k < DIM; k++)
            rows[i * DIM + k] = number_of(made->number, side, first + i, k, made->opposed);
    return QCTX_OK;
}

static void write_store(made_store *made, int number, bool opposed)
{
    char name[16];
    qctx_store_description what;

    made->number = number;
    made->opposed = opposed;
    for (int64_t i = 0; i < CONTEXTS; i++) {
        const origin of = origin_of(number, i);

        snprintf(made->texts[i], sizeof made->texts[i], "text %d of store %d", (int)of.row, of.store);
        snprintf(made->ids[i], sizeof made->ids[i], "c%d", (int)i);
        made->contexts[i] = (qctx_context){made->ids[i], "", made->texts[i]};
    }
    for (int64_t i = 0; i < QUESTIONS; i++) {
        snprintf(made->question_ids[i], sizeof made->question_ids[i], "q%d", (int)i);
        made->questions[i] = (qctx_question){made->question_ids[i], made->texts[i]};
        made->rows[i] = made->answers[i] = made->offsets[i] = i;
    }
    made->offsets[QUESTIONS] = QUESTIONS;
    made->split = (qctx_split){.name = "train",
                               .count = QUESTIONS,
                               .questions = made->rows,
                               .offsets = made->offsets,
                               .contexts = made->answers};
    made->corpus = (qctx_corpus){.context_count = CONTEXTS,
                                 .contexts = made->contexts,
                                 .question_count = QUESTIONS,
                                 .questions = made->questions,
                                 .split_count = 1,
                                 .splits = &made->split,
                                 .fingerprint = 1,
                                 .folder = "made"};
    what = (qctx_store_description){.corpus = &made->corpus,
                                    .dtype = QCTX_FLOAT32,
                                    .dim = DIM,
                                    .encoder = "made",
                                    .encoder_fingerprint = "made",
                                    .encoder_settings = "{}"};
    snprintf(name, sizeof name, "%d.h5", number);
    assert_status(qctx_store_write(test_comm, test_path(name), true, &what, fill_rows, made, &error), QCTX_OK, &error);
    assert_status(qctx_store_open(test_comm, test_path(name), &made->store, &error), QCTX_OK, &error);
    assert_status(qctx_store_content(made->store, QCTX_CONTEXT, made->content, &error), QCTX_OK, &error);
}

static void add_example(made_data *data, int store, int64_t question)
{
    qctx_examples *examples = &data->examples;
    int64_t *end = &data->offsets[examples->count + 1];
    const int64_t pairs = 1 + question % 3, all = pairs + (question % 2 == 0);

    data->source[examples->count] = store;
    data->question[examples->count] = question;
    data->pairs[examples->count] = pairs;
    *end = data->offsets[examples->count];
    for (int64_t a = 0; a < all; a++, (*end)++) {
        data->contexts[*end] = (question * 7 + a * 31) % CONTEXTS;
        data->content[*end] = data->stores[store].content[data->contexts[*end]];
    }
    examples->count++;
}

static made_data *open_data(bool opposed)
{
    made_data *data = calloc(1, sizeof *data);

    assert_non_null(data);
    data->examples = (qctx_examples){.source = data->source,
                                     .question = data->question,
                                     .offsets = data->offsets,
                                     .pairs = data->pairs,
                                     .contexts = data->contexts,
                                     .content = data->content};
    for (int s = 0; s < STORES; s++) {
        write_store(&data->stores[s], s, opposed);
        data->sources[s] = (qctx_opened_source){.store = data->stores[s].store};
        for (int64_t i = 0; i < QUESTIONS; i++)
            add_example(data, s, i);
    }
    data->opened = (qctx_opened){.train_count = STORES, .train = data->sources};
    return data;
}

static void close_data(made_data *data)
{
    for (int s = 0; s < STORES; s++)
        qctx_store_close(data->stores[s].store);
    free(data);
}

/* A context of all, and how it scores. */
typedef struct {
    double score;
    int64_t number;
} scored;

static int by_score(const void *left, const void *right)
{
    const scored *a = left, *b = right;

    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

/* The rows of both stores, projected, contexts by number and questions by example. */
typedef struct {
    float *rows[QCTX_SIDE_COUNT];
    int64_t width;
} projected;

static projected project(const made_data *data, const qctx_projector *projector)
{
    projected all = {.width = qctx_projector_output(projector)};

    for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++) {
        const int64_t each = side == QCTX_QUESTION ? QUESTIONS : CONTEXTS;
        int64_t numbers[ALL];
        float encoded[ALL * DIM];
        const qctx_rows rows = qctx_rows_of_array(encoded, DIM, 0);

        for (int64_t i = 0; i < STORES * each; i++) {
            const int64_t row = i % each;

            numbers[i] = i;
            qctx_store_gather(data->stores[i / each].store, side, &row, 1, encoded + i * DIM);
        }
        all.rows[side] = qctx_alloc(STORES * each * all.width, sizeof(float), "a test", NULL);
        assert_status(qctx_rows_project(&rows, projector, side, numbers, STORES * each, all.rows[side], &error),
                      QCTX_OK, &error);
    }
    return all;
}

static double score(const projected *all, int64_t example, int64_t number)
{
    double sum = 0.0;

    for (int64_t k = 0; k < all->width; k++)
        sum += (double)all->rows[QCTX_QUESTION][example * all->width + k] *
               (double)all->rows[QCTX_CONTEXT][number * all->width + k];
    return sum;
}

static uint64_t content_of(const made_data *data, int64_t number)
{
    return data->stores[number / CONTEXTS].content[number % CONTEXTS];
}

static bool asks_the_same(const made_data *data, int64_t one, int64_t other)
{
    const origin a = origin_of(data->source[one], data->question[one]);
    const origin b = origin_of(data->source[other], data->question[other]);

    return a.store == b.store && a.row == b.row;
}

/* The rule in its own words: expected [rule->count] = numbers of contexts; returns how many. */
static int64_t search_all(const made_data *data, const projected *all, int64_t example, const qctx_mining_rule *rule,
                          int64_t *expected)
{
    scored list[ALL];
    int64_t count = 0;
    double least = INFINITY, bound;

    for (int64_t c = 0; c < ALL; c++)
        list[c] = (scored){score(all, example, c), c};
    for (int64_t a = 0; a < data->pairs[example]; a++)
        least = fmin(least, list[data->source[example] * CONTEXTS + data->contexts[data->offsets[example] + a]].score);
    bound = least > 0 ? rule->margin * least : (2.0 - rule->margin) * least;
    qsort(list, ALL, sizeof *list, by_score);
    for (int64_t k = 0; k < ALL && k < rule->depth && count < rule->count; k++) {
        bool fits = list[k].score <= bound + 1e-9;

        for (int64_t e = 0; e < EXAMPLES; e++)
            for (int64_t a = data->offsets[e]; a < data->offsets[e + 1] && asks_the_same(data, example, e); a++)
                fits = fits && data->content[a] != content_of(data, list[k].number);
        for (int64_t n = 0; n < count; n++)
            fits = fits && content_of(data, expected[n]) != content_of(data, list[k].number);
        if (fits)
            expected[count++] = list[k].number;
    }
    return count;
}

/* Mines by a rule and compares; returns how many examples have fewer than they should. */
static int64_t check(const made_data *data, const qctx_projector *projector, qctx_mining_rule rule)
{
    const projected all = project(data, projector);
    qctx_listed_negatives lists;
    qctx_miner *miner;
    int64_t few = 0, found;

    assert_status(qctx_miner_create(test_comm, &data->opened, &data->examples, &miner, &error), QCTX_OK, &error);
    assert_int_equal(qctx_miner_contexts(miner), ALL);
    assert_status(qctx_miner_mine(miner, projector, &rule, &lists, &error), QCTX_OK, &error);
    assert_int_equal(lists.examples, EXAMPLES);
    for (int64_t i = 0; i < EXAMPLES; i++) {
        int64_t expected[ALL], count = search_all(data, &all, i, &rule, expected);

        few += count < rule.count;
        assert_int_equal(lists.offsets[i + 1] - lists.offsets[i], count);
        for (int64_t k = 0; k < count; k++) {
            const qctx_negative *negative = &lists.pool.list[lists.places[lists.offsets[i] + k]];

            assert_true(negative->content == content_of(data, expected[k]));
            assert_true(negative->content == data->stores[negative->source].content[negative->row]);
        }
    }
    found = qctx_listed_negatives_short(&lists, rule.count);
    assert_int_equal(found, few);
    qctx_listed_negatives_free(&lists);
    qctx_miner_destroy(miner);
    for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++)
        free(all.rows[side]);
    return few;
}

static void lists_are_those_of_a_search_through_all(void **state)
{
    const qctx_projector projector = {.input = DIM};
    made_data *data = open_data(false);

    (void)state;
    check(data, &projector, (qctx_mining_rule){4, 2 * ALL, 1.0});
    check(data, &projector, (qctx_mining_rule){4, 2 * ALL, 0.75});
    /* No deeper than that, some questions have too few, and none has as many as all contexts. */
    assert_true(check(data, &projector, (qctx_mining_rule){4, 7, 0.75}) > 0);
    assert_int_equal(check(data, &projector, (qctx_mining_rule){ALL, ALL, 1.0}), EXAMPLES);
    close_data(data);
}

/* Where right contexts score below 0, 95% of their score would lie above it. */
static void negative_scores_have_their_bound_below(void **state)
{
    const qctx_projector projector = {.input = DIM};
    made_data *data = open_data(true);

    (void)state;
    check(data, &projector, (qctx_mining_rule){4, ALL, 0.95});
    check(data, &projector, (qctx_mining_rule){3, ALL, 0.5});
    close_data(data);
}

static void a_head_is_mined_with_as_it_is(void **state)
{
    const qctx_head_config head = {.form = QCTX_HEAD_RESIDUAL,
                                   .sides = QCTX_SIDES_BOTH,
                                   .layers = 2,
                                   .input = DIM,
                                   .hidden = 9,
                                   .output = DIM,
                                   .activation = QCTX_ACTIVATION_GELU,
                                   .seed = 3};
    float *parameters = qctx_alloc(qctx_head_parameter_count(&head), sizeof *parameters, "a test", NULL);
    const qctx_projector projector = {
        .head = &head, .parameters = parameters, .strength = 1.0, .normalize = true, .input = DIM};
    made_data *data = open_data(false);

    (void)state;
    for (int64_t i = 0; i < qctx_head_parameter_count(&head); i++)
        parameters[i] = (float)qctx_rng_below(100, 9, QCTX_STREAM_POOL, 0, (uint64_t)i) / 100.0f - 0.5f;
    check(data, &projector, (qctx_mining_rule){4, 40, 0.95});
    close_data(data);
    free(parameters);
}

static void a_store_of_two_sources_is_searched_once(void **state)
{
    made_data *data = open_data(false);
    qctx_miner *miner;

    (void)state;
    data->sources[1].store = data->sources[0].store;
    assert_status(qctx_miner_create(test_comm, &data->opened, &data->examples, &miner, &error), QCTX_OK, &error);
    assert_int_equal(qctx_miner_contexts(miner), CONTEXTS);
    qctx_miner_destroy(miner);
    close_data(data);
}

/* Copies of one content share a place of the pool; the lists stand in their order. */
static void a_pool_holds_each_content_once(void **state)
{
    const int64_t offsets[] = {0, 3, 3, 5};
    const qctx_negative listed[] = {{50, 4, 0}, {20, 9, 1}, {90, 1, 0}, {20, 8, 1}, {90, 7, 1}};
    const int64_t places[] = {1, 0, 2, 0, 2};
    qctx_listed_negatives lists;

    (void)state;
    assert_status(qctx_listed_negatives_make(3, offsets, listed, &lists, &error), QCTX_OK, &error);
    assert_int_equal(lists.pool.count, 3);
    assert_int_equal(lists.pool.list[0].row, 8);
    assert_int_equal(lists.pool.list[2].source, 0);
    for (int k = 0; k < 5; k++)
        assert_int_equal(lists.places[k], places[k]);
    assert_int_equal(qctx_listed_negatives_short(&lists, 3), 2);
    assert_int_equal(qctx_listed_negatives_short(&lists, 1), 1);
    qctx_listed_negatives_free(&lists);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(lists_are_those_of_a_search_through_all),
    cmocka_unit_test(negative_scores_have_their_bound_below),
    cmocka_unit_test(a_head_is_mined_with_as_it_is),
    cmocka_unit_test(a_store_of_two_sources_is_searched_once),
    cmocka_unit_test(a_pool_holds_each_content_once),
};
TEST_MAIN(tests)
