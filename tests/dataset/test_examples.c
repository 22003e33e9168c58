/* ranks: 1 2 3 */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/dataset/examples.h"
#include "small_store.h"

/* A config with one training source, the small store: 60 questions, question i answered by contexts i (and i + 1). */
typedef struct {
    small_store *small;
    qctx_config config;
    qctx_opened_source source;
    qctx_opened opened;
} fixture;

static void open_fixture(fixture *on, const char *override)
{
    const char text[] = "data: {train: [{store: unused.h5}]}\n";
    qctx_error error;

    on->small = small_open();
    assert_status(qctx_config_parse(text, strlen(text), "test", &override, 1, &on->config, &error), QCTX_OK, &error);
    on->source = (qctx_opened_source){
        .store = on->small->store, .split = qctx_store_split_at(on->small->store, 0), .name = "small"};
    on->opened = (qctx_opened){.train_count = 1, .train = &on->source};
}

static void close_fixture(fixture *on)
{
    qctx_config_free(&on->config);
    small_close(on->small);
}

static void expect_set(const fixture *on, qctx_status expected, qctx_training_set *set, qctx_error *error)
{
    assert_status(qctx_training_set_build(test_comm, &on->config, &on->opened, set, error), expected, error);
}

/* The same of the same pairs and vectors, another of others: of a pair, of what may be drawn, of a store. */
static void a_fingerprint_tells_what_is_trained_on(void **state)
{
    qctx_training_set set;
    qctx_error error;
    fixture on;
    int64_t first, own[1 << 10], *drawn;

    (void)state;
    open_fixture(&on, "eval.tune=0");
    expect_set(&on, QCTX_OK, &set, &error);
    first = qctx_examples_fingerprint(&set.examples, &on.opened);
    assert_int_not_equal(first, 0);
    set.examples.contexts[3]++;
    assert_int_not_equal(qctx_examples_fingerprint(&set.examples, &on.opened), first);
    set.examples.contexts[3]--;
    set.examples.question[5]++;
    assert_int_not_equal(qctx_examples_fingerprint(&set.examples, &on.opened), first);
    set.examples.question[5]--;
    assert_true(set.examples.count < (int64_t)(sizeof own / sizeof own[0]));
    drawn = set.examples.pairs;
    for (int64_t i = 0; i < set.examples.count; i++)
        own[i] = 7;
    set.examples.pairs = own;
    assert_int_not_equal(qctx_examples_fingerprint(&set.examples, &on.opened), first);
    set.examples.pairs = drawn;
    assert_int_equal(qctx_examples_fingerprint(&set.examples, &on.opened), first);
    on.opened.train_count = 0;
    assert_int_not_equal(qctx_examples_fingerprint(&set.examples, &on.opened), first);
    on.opened.train_count = 1;
    qctx_training_set_free(&set);
    close_fixture(&on);
}

static bool is_answer(const qctx_tuning *tuning, int64_t context)
{
    for (int64_t i = 0; i < tuning->set.offsets[tuning->set.count]; i++)
        if (tuning->set.contexts[i] == context)
            return true;
    return false;
}

static void few_questions_hold_out_more(void **state)
{
    static const struct {
        double share;
        int64_t questions, wanted;
    } cases[] = {
        {0.05, 100, 5},
        {0, 100, 0},
        {QCTX_CONFIG_AUTO, 80000, 4000},
        {QCTX_CONFIG_AUTO, 4000, 200},
        {QCTX_CONFIG_AUTO, 2400, 200},
        {QCTX_CONFIG_AUTO, 1000, 200},
        {QCTX_CONFIG_AUTO, 240, 48},
        {QCTX_CONFIG_AUTO, 8, 1},
        {QCTX_CONFIG_AUTO, 1, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(qctx_hold_out_wanted(cases[i].share, cases[i].questions), cases[i].wanted);
}

/* 20% of 60 questions are 12; titles are single lamps, and a question with two answers may bring a neighbour along. */
static void held_out_contexts_stand_in_no_example(void **state)
{
    qctx_training_set set;
    qctx_error error;
    fixture on;

    (void)state;
    open_fixture(&on, "eval.tune=0.2");
    expect_set(&on, QCTX_OK, &set, &error);
    assert_int_equal(set.held_out.count, 1);
    assert_in_range(set.held_out.questions, 12, 24);
    assert_true(set.examples.count + set.held_out.questions <= SMALL_QUESTIONS);
    assert_true(set.examples.count >= SMALL_QUESTIONS - 36);
    for (int64_t i = 0; i < set.examples.offsets[set.examples.count]; i++)
        assert_false(is_answer(&set.held_out.sets[0], set.examples.contexts[i]));
    qctx_training_set_free(&set);
    close_fixture(&on);
}

static void examples_know_the_title_of_their_first_context(void **state)
{
    qctx_training_set set;
    qctx_error error;
    fixture on;

    (void)state;
    open_fixture(&on, "eval.tune=0");
    expect_set(&on, QCTX_OK, &set, &error);
    for (int64_t i = 0; i < set.examples.count; i++)
        for (int64_t j = 0; j < set.examples.count; j++) {
            const int64_t one = set.examples.contexts[set.examples.offsets[i]];
            const int64_t other = set.examples.contexts[set.examples.offsets[j]];
            const bool alike = strcmp(on.small->title[one], on.small->title[other]) == 0;

            assert_int_not_equal(set.examples.titles[i], 0);
            assert_int_equal(set.examples.titles[i] == set.examples.titles[j], alike);
        }
    qctx_training_set_free(&set);
    close_fixture(&on);
}

static void the_division_is_the_seeds(void **state)
{
    qctx_training_set first, again, other;
    qctx_error error;
    fixture on;

    (void)state;
    open_fixture(&on, "eval.tune=0.2");
    expect_set(&on, QCTX_OK, &first, &error);
    expect_set(&on, QCTX_OK, &again, &error);
    on.config.run.seed++;
    expect_set(&on, QCTX_OK, &other, &error);
    assert_int_equal(first.held_out.questions, again.held_out.questions);
    assert_memory_equal(first.held_out.sets[0].questions, again.held_out.sets[0].questions,
                        (size_t)first.held_out.questions * sizeof(int64_t));
    assert_true(first.held_out.questions != other.held_out.questions ||
                memcmp(first.held_out.sets[0].questions, other.held_out.sets[0].questions,
                       (size_t)first.held_out.questions * sizeof(int64_t)) != 0);
    qctx_training_set_free(&first);
    qctx_training_set_free(&again);
    qctx_training_set_free(&other);
    close_fixture(&on);
}

static void without_tuning_every_question_is_an_example_with_all_its_contexts(void **state)
{
    qctx_training_set set;
    qctx_error error;
    fixture on;

    (void)state;
    open_fixture(&on, "eval.tune=0");
    expect_set(&on, QCTX_OK, &set, &error);
    assert_int_equal(set.held_out.questions, 0);
    assert_int_equal(set.examples.count, SMALL_QUESTIONS);
    for (int64_t i = 0; i < SMALL_QUESTIONS; i++) {
        assert_int_equal(set.examples.offsets[i + 1] - set.examples.offsets[i], i % 2 == 0 ? 2 : 1);
        assert_int_equal(set.examples.contexts[set.examples.offsets[i]], i);
    }
    qctx_training_set_free(&set);
    on.source.limit = 7;
    expect_set(&on, QCTX_OK, &set, &error);
    assert_int_equal(set.examples.count, 7);
    qctx_training_set_free(&set);
    close_fixture(&on);
}

/*
 * Of five questions the first has a pair of grade 2, a context below data.min_grade and one of its own id, which are no
 * negatives; the second answers nothing that is there, the third nothing well enough; the fourth's own context answers.
 */
static void grades_and_own_contexts_make_pairs_and_masks(void **state)
{
    int64_t rows[] = {0, 1, 2, 3, 4}, offsets[] = {0, 2, 4, 5, 6, 8}, contexts[] = {5, 6, -1, -1, 7, 8, -1, 9};
    float grades[] = {1, 2, 2, 2, 1, 2, 2, 2};
    int64_t own[SMALL_QUESTIONS] = {20, -1, -1, 8, -1};
    const int64_t ends[] = {3, 4, 5}, taken[] = {6, 5, 20, 8, 9}, asked[] = {0, 3, 4};
    const qctx_split split = {
        .name = "made", .count = 5, .questions = rows, .offsets = offsets, .contexts = contexts, .grades = grades};
    qctx_training_set set;
    qctx_error error;
    fixture on;

    (void)state;
    open_fixture(&on, "eval.tune=0");
    on.config.data.min_grade = 2;
    on.source.split = &split;
    on.source.own = own;
    expect_set(&on, QCTX_OK, &set, &error);
    assert_int_equal(set.examples.count, 3);
    for (int64_t i = 0; i < 3; i++) {
        assert_int_equal(set.examples.question[i], asked[i]);
        assert_int_equal(set.examples.offsets[i + 1], ends[i]);
        assert_int_equal(set.examples.pairs[i], 1);
    }
    assert_memory_equal(set.examples.contexts, taken, sizeof taken);
    qctx_training_set_free(&set);
    close_fixture(&on);
}

/* Held-out questions are measured by all their judgements, and none of these contexts is trained on. */
static void held_out_questions_keep_grades(void **state)
{
    int64_t rows[SMALL_QUESTIONS], offsets[SMALL_QUESTIONS + 1], contexts[2 * SMALL_QUESTIONS];
    float grades[2 * SMALL_QUESTIONS];
    const qctx_split split = {.name = "made",
                              .count = SMALL_QUESTIONS,
                              .questions = rows,
                              .offsets = offsets,
                              .contexts = contexts,
                              .grades = grades};
    const qctx_tuning *tuning;
    qctx_training_set set;
    qctx_error error;
    fixture on;

    (void)state;
    for (int64_t q = 0; q < SMALL_QUESTIONS; q++) {
        rows[q] = q;
        offsets[q + 1] = 2 * (q + 1);
        contexts[2 * q] = QCTX_ABSENT;
        contexts[2 * q + 1] = q;
        grades[2 * q] = 3;
        grades[2 * q + 1] = q % 2 == 0 ? 2 : 1;
    }
    offsets[0] = 0;
    open_fixture(&on, "eval.tune=0.2");
    on.config.data.min_grade = 2;
    on.source.split = &split;
    expect_set(&on, QCTX_OK, &set, &error);
    tuning = &set.held_out.sets[0];
    assert_int_equal(set.held_out.questions, 6);
    assert_int_equal(set.examples.count, SMALL_QUESTIONS / 2 - 6);
    for (int64_t k = 0; k < tuning->set.count; k++) {
        assert_int_equal(tuning->set.questions[k] % 2, 0);
        assert_int_equal(tuning->set.contexts[2 * k], QCTX_ABSENT);
        assert_int_equal(tuning->set.contexts[2 * k + 1], tuning->set.questions[k]);
        assert_true(tuning->set.grades[2 * k] == 3 && tuning->set.grades[2 * k + 1] == 2);
    }
    qctx_training_set_free(&set);
    close_fixture(&on);
}

/* Every question is answered by ten contexts of seventeen, so every two share some: single questions are held out. */
static void densely_judged_questions_are_held_out_singly(void **state)
{
    enum { ANSWERS = 10, POOL = 17 };
    int64_t rows[SMALL_QUESTIONS], offsets[SMALL_QUESTIONS + 1] = {0}, contexts[ANSWERS * SMALL_QUESTIONS];
    const qctx_split split = {
        .name = "dense", .count = SMALL_QUESTIONS, .questions = rows, .offsets = offsets, .contexts = contexts};
    bool seen[SMALL_QUESTIONS] = {false};
    qctx_training_set set, again;
    qctx_error error;
    fixture on;

    (void)state;
    for (int64_t q = 0; q < SMALL_QUESTIONS; q++) {
        const int64_t first = q % (POOL - ANSWERS + 1);

        rows[q] = q;
        offsets[q + 1] = ANSWERS * (q + 1);
        for (int64_t a = 0; a < ANSWERS; a++)
            contexts[ANSWERS * q + a] = first + a;
    }
    open_fixture(&on, "eval.tune=auto");
    on.source.split = &split;
    expect_set(&on, QCTX_OK, &set, &error);
    assert_int_equal(set.held_out.questions, SMALL_QUESTIONS / 5);
    assert_int_equal(set.examples.count, SMALL_QUESTIONS - SMALL_QUESTIONS / 5);
    for (int64_t i = 0; i < set.examples.count; i++)
        seen[set.examples.question[i]] = true;
    for (int64_t k = 0; k < set.held_out.questions; k++)
        assert_false(seen[set.held_out.sets[0].questions[k]]);
    expect_set(&on, QCTX_OK, &again, &error);
    assert_memory_equal(set.held_out.sets[0].questions, again.held_out.sets[0].questions,
                        (size_t)set.held_out.questions * sizeof(int64_t));
    qctx_training_set_free(&again);
    on.config.run.seed++;
    expect_set(&on, QCTX_OK, &again, &error);
    assert_memory_not_equal(set.held_out.sets[0].questions, again.held_out.sets[0].questions,
                            (size_t)set.held_out.questions * sizeof(int64_t));
    qctx_training_set_free(&again);
    qctx_training_set_free(&set);
    on.config.data.min_grade = 2;
    expect_set(&on, QCTX_ERR_DATA, &set, &error);
    assert_contains(error.hint, "lower data.min_grade: the best grade here is 1");
    close_fixture(&on);
}

static void an_unknown_tuning_split_is_named(void **state)
{
    qctx_training_set set;
    qctx_error error;
    fixture on;

    (void)state;
    open_fixture(&on, "eval.tune_split=nosuch");
    expect_set(&on, QCTX_ERR_DATA, &set, &error);
    assert_contains(error.message, "nosuch");
    close_fixture(&on);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(few_questions_hold_out_more),
    cmocka_unit_test(a_fingerprint_tells_what_is_trained_on),
    cmocka_unit_test(held_out_contexts_stand_in_no_example),
    cmocka_unit_test(examples_know_the_title_of_their_first_context),
    cmocka_unit_test(the_division_is_the_seeds),
    cmocka_unit_test(without_tuning_every_question_is_an_example_with_all_its_contexts),
    cmocka_unit_test(grades_and_own_contexts_make_pairs_and_masks),
    cmocka_unit_test(held_out_questions_keep_grades),
    cmocka_unit_test(densely_judged_questions_are_held_out_singly),
    cmocka_unit_test(an_unknown_tuning_split_is_named),
};
TEST_MAIN(tests)
