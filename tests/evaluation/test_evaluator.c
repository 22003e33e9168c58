/* ranks: 1 2 3 */
#include "harness.h"

#include <stdlib.h>
#include <string.h>

#include "qctx/evaluation/evaluator.h"

/*
 * Two contexts at right angles, four questions along the axes, and a head of one layer that adds a question's mirror
 * image: what each projector finds can be said by hand.
 */
enum { DIM = 2, QUESTIONS = 4 };

static qctx_error error;
static const float contexts[] = {1, 0, 0, 1};
/* Questions 0 and 1 point at their contexts, 2 and 3 at the other one. */
static const float questions[] = {1, 0, 0, 1, 0, 1, 1, 0};
static const int64_t rows[] = {0, 1, 2, 3}, offsets[] = {0, 1, 2, 3, 4}, answers[] = {0, 1, 0, 1};

static const qctx_head_config residual = {.form = QCTX_HEAD_RESIDUAL,
                                          .sides = QCTX_SIDES_QUESTION,
                                          .activation = QCTX_ACTIVATION_RELU,
                                          .layers = 1,
                                          .input = DIM,
                                          .hidden = DIM,
                                          .output = DIM};
/* Weights and bias: the head swaps the axes. At strength α (1, 0) becomes (1, α): above 1 the other context wins. */
static const float swap[] = {0, 1, 1, 0, 0, 0};

static qctx_named_set set_of(const char *name, int64_t first, int64_t count)
{
    return (qctx_named_set){
        .name = name,
        .set = {.rows = {qctx_rows_of_array(questions, DIM, 0), qctx_rows_of_array(contexts, DIM, 0)},
                .context_count = 2,
                .count = count,
                .questions = rows + first,
                .offsets = offsets,
                .contexts = answers + first}};
}

static qctx_config config_of(qctx_candidates candidates)
{
    qctx_config config = {0};

    config.eval.candidates = candidates;
    config.eval.pool = QUESTIONS;
    config.eval.metric = QCTX_METRIC_TOP1;
    config.eval.bootstrap = 100;
    config.run.seed = 3;
    return config;
}

static qctx_evaluator *evaluator_of(const qctx_config *config, const qctx_named_set *tuning, int64_t tuning_count,
                                    const qctx_named_set *sources, int64_t source_count)
{
    const qctx_projector no_head = {.input = DIM};
    qctx_evaluator *evaluator = NULL;

    assert_status(qctx_evaluator_create(test_comm, config, tuning, tuning_count, sources, source_count, &no_head,
                                        QCTX_WIDEN_NEVER, &evaluator, &error),
                  QCTX_OK, &error);
    return evaluator;
}

static void no_head_is_measured_once_on_what_chooses(void **state)
{
    const qctx_config config = config_of(QCTX_CANDIDATES_CORPUS);
    /* The two right ones and one wrong one choose: 2 of 3. */
    const qctx_named_set tuning = set_of(NULL, 0, 3), source = set_of("made/dev", 0, 4);
    qctx_evaluator *evaluator = evaluator_of(&config, &tuning, 1, &source, 1);

    (void)state;
    assert_true(qctx_evaluator_can_choose(evaluator));
    assert_int_equal(qctx_evaluator_choosing_questions(evaluator), 3);
    assert_close(qctx_evaluator_no_head(evaluator).means[QCTX_METRIC_TOP1], 2.0 / 3.0, 1e-15);
    assert_string_equal(qctx_metric_names[config.eval.metric], "top1");
    assert_int_equal(qctx_evaluator_source_count(evaluator), 1);
    assert_string_equal(qctx_evaluator_source_name(evaluator, 0), "made/dev");
    qctx_evaluator_destroy(evaluator);
}

static void sources_choose_where_nothing_is_held_out(void **state)
{
    const qctx_config config = config_of(QCTX_CANDIDATES_CORPUS);
    const qctx_named_set sources[] = {set_of("one", 0, 3), set_of("two", 1, 1)};
    qctx_evaluator *evaluator = evaluator_of(&config, NULL, 0, sources, 2);

    (void)state;
    /* Each question counts once, whatever its source: 2 of 3 and 1 of 1 are 3 of 4. */
    assert_int_equal(qctx_evaluator_choosing_questions(evaluator), 4);
    assert_close(qctx_evaluator_no_head(evaluator).means[QCTX_METRIC_TOP1], 0.75, 1e-15);
    qctx_evaluator_destroy(evaluator);
    evaluator = evaluator_of(&config, NULL, 0, NULL, 0);
    assert_false(qctx_evaluator_can_choose(evaluator));
    qctx_evaluator_destroy(evaluator);
}

static void a_comparison_leaves_the_positions_behind_it(void **state)
{
    const qctx_config config = config_of(QCTX_CANDIDATES_CORPUS);
    const qctx_named_set source = set_of("made/dev", 0, 4);
    const qctx_projector head = {&residual, swap, 3.0, false, DIM};
    qctx_evaluator *evaluator = evaluator_of(&config, NULL, 0, &source, 1);
    const int64_t before[] = {0, 0, 1, 1}, after[] = {1, 1, 0, 0};
    qctx_comparison comparison;

    (void)state;
    assert_status(qctx_evaluator_compare(evaluator, 0, &head, &comparison, &error), QCTX_OK, &error);
    assert_memory_equal(qctx_evaluator_no_head_positions(evaluator, 0), before, sizeof before);
    assert_memory_equal(qctx_evaluator_head_positions(evaluator, 0), after, sizeof after);
    assert_int_equal(comparison.questions, 4);
    assert_close(comparison.base[QCTX_METRIC_TOP1].value, 0.5, 1e-15);
    assert_close(comparison.head[QCTX_METRIC_TOP1].value, 0.5, 1e-15);
    assert_close(comparison.difference[QCTX_METRIC_TOP1].value, 0.0, 1e-15);
    qctx_evaluator_destroy(evaluator);
}

static void the_best_strength_is_chosen_and_the_first_of_equals(void **state)
{
    const qctx_config config = config_of(QCTX_CANDIDATES_CORPUS);
    const double strengths[] = {0.0, 0.5, 3.0, 4.0};
    qctx_projector head = {&residual, swap, 1.0, false, DIM};
    qctx_choice choice;
    qctx_limit limit;
    qctx_named_set tuning = set_of(NULL, 0, 3);
    qctx_evaluator *evaluator = evaluator_of(&config, &tuning, 1, NULL, 0);

    (void)state;
    /* Two of three are right without the head, one with much of it. */
    assert_status(qctx_evaluator_choose(evaluator, &head, strengths, 4, &choice, &limit, &error), QCTX_OK, &error);
    assert_close(choice.strength, 0.0, 0);
    assert_close(choice.means[QCTX_METRIC_TOP1], 2.0 / 3.0, 1e-15);
    qctx_evaluator_destroy(evaluator);
    tuning = set_of(NULL, 2, 2);
    evaluator = evaluator_of(&config, &tuning, 1, NULL, 0);
    assert_status(qctx_evaluator_choose(evaluator, &head, strengths, 4, &choice, &limit, &error), QCTX_OK, &error);
    assert_close(choice.strength, 3.0, 0);
    assert_close(choice.means[QCTX_METRIC_TOP1], 1.0, 0);
    qctx_evaluator_destroy(evaluator);
}

/*
 * Of three questions, one is right without the head and two with it: the gains are −1, 1 and 1, their mean is 1/3, and
 * its standard error √(((−4/3)² + (2/3)² + (2/3)²) / 2 / 3) = 2/3. Of one question nobody knows how sure it is.
 */
static void a_gain_counts_as_far_as_it_is_sure(void **state)
{
    static const struct {
        double caution;
        int64_t first, count;
        double strength;
    } cases[] = {{0.0, 1, 3, 3.0}, {0.4, 1, 3, 3.0}, {0.6, 1, 3, 0.0},
                 {0.0, 2, 1, 3.0}, {0.1, 2, 1, 0.0}, {9.0, 2, 2, 3.0}};
    const double strengths[] = {0.0, 0.5, 3.0, 4.0};
    const qctx_projector head = {&residual, swap, 1.0, false, DIM};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const qctx_named_set tuning = set_of(NULL, cases[i].first, cases[i].count);
        qctx_config config = config_of(QCTX_CANDIDATES_CORPUS);
        qctx_evaluator *evaluator;
        qctx_choice choice;
        qctx_limit limit;

        config.eval.caution = cases[i].caution;
        evaluator = evaluator_of(&config, &tuning, 1, NULL, 0);
        assert_status(qctx_evaluator_choose(evaluator, &head, strengths, 4, &choice, &limit, &error), QCTX_OK, &error);
        assert_close(choice.strength, cases[i].strength, 0);
        if (cases[i].count == 3)
            assert_close(choice.doubt, choice.strength > 0 ? 2.0 / 3.0 : 0.0, 1e-15);
        qctx_evaluator_destroy(evaluator);
    }
}

static void a_head_without_strength_is_tried_at_one(void **state)
{
    const qctx_config config = config_of(QCTX_CANDIDATES_CORPUS);
    const double strengths[] = {0.0, 0.5};
    qctx_head_config plain = residual;
    qctx_projector head = {&plain, swap, 0.25, false, DIM};
    const qctx_named_set tuning = set_of(NULL, 2, 2);
    qctx_evaluator *evaluator = evaluator_of(&config, &tuning, 1, NULL, 0);
    qctx_choice choice;
    qctx_limit limit;

    (void)state;
    plain.form = QCTX_HEAD_PLAIN;
    assert_status(qctx_evaluator_choose(evaluator, &head, strengths, 2, &choice, &limit, &error), QCTX_OK, &error);
    assert_close(choice.strength, 1.0, 0);
    assert_close(choice.means[QCTX_METRIC_TOP1], 1.0, 0);
    qctx_evaluator_destroy(evaluator);
}

static void equals_are_told_apart_by_mrr(void **state)
{
    /* Contexts at 0, 30 and 60 degrees; the question is at 60, and the one at 0 answers it. */
    static const float three[] = {1, 0, 0.8660254F, 0.5F, 0.5F, 0.8660254F}, one[] = {0.5F, 0.8660254F};
    static const int64_t row[] = {0}, ends[] = {0, 1}, right[] = {0};
    /* The head makes (0.5 + α, 0.866) of it: at 51 degrees with 0.2, where the right one is third, at 23 with 1.5 and
     * at 19 with 2, where it is second. */
    static const float push[] = {0, 0, 0, 0, 1, 0};
    const qctx_config config = config_of(QCTX_CANDIDATES_CORPUS);
    const double strengths[] = {0.0, 0.2, 1.5, 2.0};
    const qctx_projector head = {&residual, push, 1.0, true, DIM};
    const qctx_named_set tuning = {.set = {.rows = {qctx_rows_of_array(one, DIM, 0), qctx_rows_of_array(three, DIM, 0)},
                                           .context_count = 3,
                                           .count = 1,
                                           .questions = row,
                                           .offsets = ends,
                                           .contexts = right}};
    qctx_evaluator *evaluator = evaluator_of(&config, &tuning, 1, NULL, 0);
    qctx_choice choice;
    qctx_limit limit;

    (void)state;
    assert_status(qctx_evaluator_choose(evaluator, &head, strengths, 4, &choice, &limit, &error), QCTX_OK, &error);
    assert_close(choice.means[QCTX_METRIC_TOP1], 0.0, 0);
    assert_close(choice.means[QCTX_METRIC_MRR], 0.5, 1e-15);
    assert_close(choice.strength, 1.5, 0);
    qctx_evaluator_destroy(evaluator);
}

/*
 * Questions 2 and 3 choose, which strengths above 1 turn right; guards are made of 0 and 1, which they turn wrong: what
 * each guard allows can be said by hand.
 */
static void guards_limit_the_choice(void **state)
{
    static const struct {
        int64_t first, count; /* the guard's questions */
        double strengths[3];
        double chosen;
        double top1;
        bool is_limited;
    } cases[] = {
        /* Both guarded questions would be lost: the strength that changes nothing is left. */
        {0, 2, {3.0, 4.0, 0.5}, 0.5, 0.0, true},
        /* No strength is left: none. */
        {0, 2, {3.0, 4.0, 2.0}, 0.0, 0.0, true},
        /* Two are lost and two are won: the interval holds zero. */
        {0, 4, {0.5, 3.0, 4.0}, 3.0, 1.0, false},
        /* The head gains on the guard. */
        {2, 2, {0.5, 3.0, 4.0}, 3.0, 1.0, false},
    };
    const qctx_config config = config_of(QCTX_CANDIDATES_CORPUS);
    const qctx_projector head = {&residual, swap, 1.0, false, DIM};
    const qctx_named_set tuning = set_of(NULL, 2, 2);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        qctx_named_set sources[] = {set_of("made/test", 0, 4), set_of("a", 2, 2),
                                    set_of("b", cases[i].first, cases[i].count)};
        qctx_evaluator *evaluator;
        qctx_choice choice;
        qctx_limit limit;

        sources[1].guard = sources[2].guard = true;
        evaluator = evaluator_of(&config, &tuning, 1, sources, 3);
        assert_true(qctx_evaluator_has_guards(evaluator));
        assert_false(qctx_evaluator_is_guard(evaluator, 0));
        assert_true(qctx_evaluator_is_guard(evaluator, 2));
        assert_status(qctx_evaluator_choose(evaluator, &head, cases[i].strengths, 3, &choice, &limit, &error), QCTX_OK,
                      &error);
        assert_close(choice.strength, cases[i].chosen, 0);
        assert_close(choice.means[QCTX_METRIC_TOP1], cases[i].top1, 0);
        assert_int_equal(limit.guard, cases[i].is_limited ? 2 : -1);
        assert_close(limit.without.strength, 3.0, 0);
        assert_close(limit.without.means[QCTX_METRIC_TOP1], 1.0, 0);
        if (cases[i].is_limited) {
            assert_int_equal(limit.metric, QCTX_METRIC_TOP1);
            assert_close(limit.difference.value, -1.0, 0);
            assert_close(limit.difference.high, -1.0, 0);
        }
        qctx_evaluator_destroy(evaluator);
    }
}

/* Without held-out questions the sources choose, and guards are none of them. */
static void guards_do_not_choose(void **state)
{
    const qctx_config config = config_of(QCTX_CANDIDATES_CORPUS);
    qctx_named_set sources[] = {set_of("made/test", 0, 3), set_of("guard", 1, 1)};
    qctx_evaluator *evaluator;

    (void)state;
    sources[1].guard = true;
    evaluator = evaluator_of(&config, NULL, 0, sources, 2);
    assert_int_equal(qctx_evaluator_choosing_questions(evaluator), 3);
    assert_int_equal(qctx_evaluator_source_count(evaluator), 2);
    qctx_evaluator_destroy(evaluator);
    evaluator = evaluator_of(&config, NULL, 0, sources + 1, 1);
    assert_false(qctx_evaluator_can_choose(evaluator));
    qctx_evaluator_destroy(evaluator);
}

/* Where the two questions of a pool have contexts enough, and where they need those of the corpus. */
static void few_or_easy_questions_are_held_against_the_corpus(void **state)
{
    static const struct {
        qctx_widening widening;
        int64_t first, count, pool;
        qctx_candidates candidates;
        bool is_widened;
    } cases[] = {
        /* Found by no head: 1 of 2 in full pools. */
        {QCTX_WIDEN_BY_NEED, 1, 2, 2, QCTX_CANDIDATES_POOLS, false},
        /* Too few for their pool. */
        {QCTX_WIDEN_BY_NEED, 1, 2, 3, QCTX_CANDIDATES_POOLS, true},
        /* All found. */
        {QCTX_WIDEN_BY_NEED, 0, 2, 2, QCTX_CANDIDATES_POOLS, true},
        {QCTX_WIDEN_NEVER, 0, 2, 3, QCTX_CANDIDATES_POOLS, false},
        {QCTX_WIDEN_ALWAYS, 1, 2, 2, QCTX_CANDIDATES_POOLS, true},
        /* What was asked for stands. */
        {QCTX_WIDEN_BY_NEED, 0, 2, 3, QCTX_CANDIDATES_SPLIT, false},
    };
    const qctx_projector no_head = {.input = DIM};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        qctx_config config = config_of(cases[i].candidates);
        const qctx_named_set tuning = set_of(NULL, cases[i].first, cases[i].count), source = set_of("made", 0, 4);
        qctx_evaluator *evaluator = NULL;

        config.eval.pool = cases[i].pool;
        assert_status(qctx_evaluator_create(test_comm, &config, &tuning, 1, &source, 1, &no_head, cases[i].widening,
                                            &evaluator, &error),
                      QCTX_OK, &error);
        assert_int_equal(qctx_evaluator_is_widened(evaluator), cases[i].is_widened);
        /* The report stays as it was asked for. */
        assert_int_equal(qctx_evaluator_protocol(evaluator).candidates, cases[i].candidates);
        qctx_evaluator_destroy(evaluator);
    }
}

/* One question, whose own context is the pool's only one, and another context of the corpus that it is nearer to. */
static void the_corpus_says_what_a_pool_cannot(void **state)
{
    const qctx_config config = config_of(QCTX_CANDIDATES_POOLS);
    const qctx_named_set tuning = set_of(NULL, 2, 1);
    const qctx_projector no_head = {.input = DIM};
    const double expected[] = {1.0, 0.0};

    (void)state;
    for (int i = 0; i < 2; i++) {
        qctx_evaluator *evaluator = NULL;

        assert_status(qctx_evaluator_create(test_comm, &config, &tuning, 1, NULL, 0, &no_head,
                                            i == 0 ? QCTX_WIDEN_NEVER : QCTX_WIDEN_BY_NEED, &evaluator, &error),
                      QCTX_OK, &error);
        assert_close(qctx_evaluator_no_head(evaluator).means[QCTX_METRIC_TOP1], expected[i], 0);
        qctx_evaluator_destroy(evaluator);
    }
}

static void a_set_without_questions_is_refused(void **state)
{
    const qctx_config config = config_of(QCTX_CANDIDATES_POOLS);
    const qctx_named_set source = set_of("none", 0, 0);
    const qctx_projector no_head = {.input = DIM};
    qctx_evaluator *evaluator = NULL;

    (void)state;
    assert_status(
        qctx_evaluator_create(test_comm, &config, NULL, 0, &source, 1, &no_head, QCTX_WIDEN_NEVER, &evaluator, &error),
        QCTX_ERR_DATA, &error);
    assert_null(evaluator);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(no_head_is_measured_once_on_what_chooses),
    cmocka_unit_test(sources_choose_where_nothing_is_held_out),
    cmocka_unit_test(a_comparison_leaves_the_positions_behind_it),
    cmocka_unit_test(the_best_strength_is_chosen_and_the_first_of_equals),
    cmocka_unit_test(a_gain_counts_as_far_as_it_is_sure),
    cmocka_unit_test(a_head_without_strength_is_tried_at_one),
    cmocka_unit_test(equals_are_told_apart_by_mrr),
    cmocka_unit_test(guards_limit_the_choice),
    cmocka_unit_test(guards_do_not_choose),
    cmocka_unit_test(few_or_easy_questions_are_held_against_the_corpus),
    cmocka_unit_test(the_corpus_says_what_a_pool_cannot),
    cmocka_unit_test(a_set_without_questions_is_refused),
};
TEST_MAIN(tests)
