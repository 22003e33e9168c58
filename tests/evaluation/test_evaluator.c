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
    return (qctx_named_set){name,
                            {.rows = {qctx_rows_of_array(questions, DIM, 0), qctx_rows_of_array(contexts, DIM, 0)},
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
                                        &evaluator, &error),
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
    assert_close(qctx_evaluator_no_head(evaluator), 2.0 / 3.0, 1e-15);
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
    assert_close(qctx_evaluator_no_head(evaluator), 0.75, 1e-15);
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
    double strength = -1, metric = -1;
    qctx_named_set tuning = set_of(NULL, 0, 3);
    qctx_evaluator *evaluator = evaluator_of(&config, &tuning, 1, NULL, 0);

    (void)state;
    /* Two of three are right without the head, one with much of it. */
    assert_status(qctx_evaluator_choose(evaluator, &head, strengths, 4, &strength, &metric, &error), QCTX_OK, &error);
    assert_close(strength, 0.0, 0);
    assert_close(metric, 2.0 / 3.0, 1e-15);
    qctx_evaluator_destroy(evaluator);
    tuning = set_of(NULL, 2, 2);
    evaluator = evaluator_of(&config, &tuning, 1, NULL, 0);
    assert_status(qctx_evaluator_choose(evaluator, &head, strengths, 4, &strength, &metric, &error), QCTX_OK, &error);
    assert_close(strength, 3.0, 0);
    assert_close(metric, 1.0, 0);
    qctx_evaluator_destroy(evaluator);
}

static void a_head_without_strength_is_tried_at_one(void **state)
{
    const qctx_config config = config_of(QCTX_CANDIDATES_CORPUS);
    const double strengths[] = {0.0, 0.5};
    qctx_head_config plain = residual;
    qctx_projector head = {&plain, swap, 0.25, false, DIM};
    const qctx_named_set tuning = set_of(NULL, 2, 2);
    qctx_evaluator *evaluator = evaluator_of(&config, &tuning, 1, NULL, 0);
    double strength = -1, metric = -1;

    (void)state;
    plain.form = QCTX_HEAD_PLAIN;
    assert_status(qctx_evaluator_choose(evaluator, &head, strengths, 2, &strength, &metric, &error), QCTX_OK, &error);
    assert_close(strength, 1.0, 0);
    assert_close(metric, 1.0, 0);
    qctx_evaluator_destroy(evaluator);
}

static void a_set_without_questions_is_refused(void **state)
{
    const qctx_config config = config_of(QCTX_CANDIDATES_POOLS);
    const qctx_named_set source = set_of("none", 0, 0);
    const qctx_projector no_head = {.input = DIM};
    qctx_evaluator *evaluator = NULL;

    (void)state;
    assert_status(qctx_evaluator_create(test_comm, &config, NULL, 0, &source, 1, &no_head, &evaluator, &error),
                  QCTX_ERR_DATA, &error);
    assert_null(evaluator);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(no_head_is_measured_once_on_what_chooses),
    cmocka_unit_test(sources_choose_where_nothing_is_held_out),
    cmocka_unit_test(a_comparison_leaves_the_positions_behind_it),
    cmocka_unit_test(the_best_strength_is_chosen_and_the_first_of_equals),
    cmocka_unit_test(a_head_without_strength_is_tried_at_one),
    cmocka_unit_test(a_set_without_questions_is_refused),
};
TEST_MAIN(tests)
