/* ranks: 1 */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/evaluation/report.h"
#include "qctx/evaluation/trec.h"
#include "qctx/text/text.h"

static qctx_error error;

static const qctx_protocol pools = {.candidates = QCTX_CANDIDATES_POOLS,
                                    .order = QCTX_POOLS_CONSECUTIVE,
                                    .pool = 500,
                                    .seed = 1,
                                    .scan = QCTX_PRECISION_FLOAT32};

/* All figures alike: base 0.65 ± 0.01, head 0.05 above it, the difference within ± `half`. */
static qctx_comparison make(double half)
{
    qctx_comparison made = {.questions = 10570, .resamples = 1000};

    for (int f = 0; f < QCTX_METRIC_COUNT; f++) {
        made.base[f] = (qctx_interval){0.65, 0.64, 0.66};
        made.head[f] = (qctx_interval){0.70, 0.69, 0.71};
        made.difference[f] = (qctx_interval){0.05, 0.05 - half, 0.05 + half};
    }
    made.base[QCTX_METRIC_POSITION] = (qctx_interval){20000.4, 19000.4, 21000.4};
    made.head[QCTX_METRIC_POSITION] = (qctx_interval){19000.4, 18000.4, 20000.4};
    made.difference[QCTX_METRIC_POSITION] = (qctx_interval){-1000.0, -1500.0, -500.0};
    return made;
}

static char *printed(const qctx_protocol *protocol, const qctx_comparison *comparison)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&text, &bytes);

    qctx_report_print(stream, "squad/dev", protocol, comparison, NULL);
    fclose(stream);
    return text;
}

static void lines_fit(const char *text)
{
    for (const char *line = text; *line != '\0';) {
        size_t length = strcspn(line, "\n");

        assert_true(qctx_text_codepoints(line, length) <= 80);
        line += length + (line[length] == '\n');
    }
}

static void a_gain_is_printed_in_percent(void **state)
{
    const qctx_comparison comparison = make(0.03);
    char *text = printed(&pools, &comparison);

    (void)state;
    assert_contains(text, "squad/dev: 10,570 questions, pools of 500, the last of 70 (consecutive)\n");
    assert_contains(text, "top-1         65.0 [64.0, 66.0]     70.0 [69.0, 71.0]     +5.0 [+2.0, +8.0]\n");
    assert_contains(text, "mean position 20000 [19000, 21000]  19000 [18000, 20000]  -1000 [-1500, -500]\n");
    assert_contains(text, "The head gains in top-1, top-5, top-10, MRR@10, nDCG@10, recall@5, recall@10 and\n"
                          "  mean position.\n");
    assert_null(strstr(text, "LOSES"));
    assert_null(strstr(text, "No significant"));
    lines_fit(text);
    free(text);
}

/* 120 questions are one pool of 120, whatever eval.pool allows, and in any order. */
static void pools_are_told_as_they_are(void **state)
{
    static const struct {
        int64_t questions;
        const char *line;
    } rows[] = {
        {1, "s: 1 question, one pool of 1\n"},
        {120, "s: 120 questions, one pool of 120\n"},
        {499, "s: 499 questions, one pool of 499\n"},
        {500, "s: 500 questions, pools of 500 (consecutive)\n"},
        {501, "s: 501 questions, pools of 500, the last of 1 (consecutive)\n"},
        {1500, "s: 1,500 questions, pools of 500 (consecutive)\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *text = NULL;
        size_t bytes = 0;
        FILE *stream = open_memstream(&text, &bytes);

        qctx_report_print_heading(stream, "s", &pools, rows[i].questions);
        fclose(stream);
        assert_string_equal(text, rows[i].line);
        free(text);
    }
}

/* A summary.json may be of anyone. */
/* Fewer questions than a pool takes are fewer candidates than any search has: their table flatters. */
static void few_candidates_are_said_to_be_easier(void **state)
{
    static const char line[] = "Only 30 candidates: easier than a whole search (eval --candidates corpus).\n";
    qctx_protocol whole = pools;
    qctx_comparison comparison = make(0.03);
    char *text;

    (void)state;
    comparison.questions = 30;
    text = printed(&pools, &comparison);
    assert_contains(text, line);
    lines_fit(text);
    free(text);
    whole.candidates = QCTX_CANDIDATES_CORPUS;
    text = printed(&whole, &comparison);
    assert_null(strstr(text, line));
    free(text);
    comparison.questions = 500;
    text = printed(&pools, &comparison);
    assert_null(strstr(text, "candidates:"));
    free(text);
}

static void a_name_of_questions_holds_no_escapes(void **state)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&text, &bytes);

    (void)state;
    qctx_report_print_heading(stream, "caf\xc3\xa9\033[2J\xc2\x9b", &pools, 500);
    fclose(stream);
    assert_string_equal(text, "caf\xc3\xa9\\x1b[2J\\u009b: 500 questions, pools of 500 (consecutive)\n");
    free(text);
}

/* Another reading of grades stands below the heading and in the JSON, and comes back; the default stands nowhere. */
static void tells_how_grades_are_read(void **state)
{
    const qctx_comparison comparison = make(0.03);
    qctx_protocol protocol = {.candidates = QCTX_CANDIDATES_CORPUS, .relevant = 1}, read;
    qctx_comparison again;
    const char *source;
    char *text = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&text, &bytes);
    json_t *object = qctx_report_json("s", &protocol, &comparison, NULL, &error);

    (void)state;
    assert_null(json_object_get(object, "relevant"));
    assert_null(json_object_get(object, "gain"));
    assert_status(qctx_report_parse(object, "f", &source, &read, &again, NULL, &error), QCTX_OK, &error);
    assert_true(read.relevant == 1 && read.gain == QCTX_GAIN_LINEAR);
    json_decref(object);
    qctx_report_print_heading(stream, "s", &protocol, 7);
    protocol.relevant = 2;
    protocol.gain = QCTX_GAIN_EXPONENTIAL;
    qctx_report_print_heading(stream, "s", &protocol, 7);
    fclose(stream);
    assert_string_equal(text, "s: 7 questions, against all contexts of the corpus\n"
                              "s: 7 questions, against all contexts of the corpus\n"
                              "right from grade 2 on, nDCG's gain 2^grade - 1\n");
    object = qctx_report_json("s", &protocol, &comparison, NULL, &error);
    assert_status(qctx_report_parse(object, "f", &source, &read, &again, NULL, &error), QCTX_OK, &error);
    assert_true(read.relevant == 2 && read.gain == QCTX_GAIN_EXPONENTIAL);
    json_decref(object);
    free(text);
}

/* Results of earlier versions count from 0 and do not say so; a mix of both in one table would not be seen. */
static void positions_of_earlier_versions_are_counted_from_one(void **state)
{
    const qctx_comparison comparison = make(0.03);
    json_t *object = qctx_report_json("squad/dev", &pools, &comparison, NULL, &error);
    qctx_protocol protocol;
    qctx_comparison again;
    const char *source;

    (void)state;
    assert_int_equal(json_integer_value(json_object_get(object, "first_position")), 1);
    json_object_del(object, "first_position");
    assert_status(qctx_report_parse(object, "f", &source, &protocol, &again, NULL, &error), QCTX_OK, &error);
    assert_close(again.base[QCTX_METRIC_POSITION].value, 20001.4, 1e-15);
    assert_close(again.base[QCTX_METRIC_POSITION].low, 19001.4, 1e-15);
    assert_close(again.head[QCTX_METRIC_POSITION].high, 20001.4, 1e-15);
    assert_close(again.difference[QCTX_METRIC_POSITION].value, -1000.0, 1e-15);
    assert_close(again.base[QCTX_METRIC_TOP1].value, 0.65, 0);
    json_object_set_new(object, "first_position", json_integer(2));
    assert_status(qctx_report_parse(object, "f", &source, &protocol, &again, NULL, &error), QCTX_ERR_FORMAT, &error);
    assert_contains(error.message, "f: 'first_position' is 2");
    json_decref(object);
}

/* What a reader of the table must know: whether the head had learnt these contexts. */
static void tells_how_new_the_questions_are(void **state)
{
    static const struct {
        qctx_novelty novelty;
        const char *said;
    } cases[] = {
        {{.counts = {1293, 0, 0}}, "New questions: training questions ask for the same contexts.\n"},
        {{.counts = {1293, 400, 14}}, "1,293 ask for contexts that training questions ask for, 414 for others.\n"},
        {{.counts = {0, 400, 0}}, "New contexts: training questions ask for none of them.\n"},
        {{.counts = {0, 0, 400}}, "New contexts: training questions ask for none of them, nor for their titles.\n"},
        {{.counts = {0, 1400, 4}}, "New contexts: training questions ask for none, but for the titles of 1,400.\n"},
    };
    const qctx_comparison comparison = make(0.03);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *text = NULL;
        size_t bytes = 0;
        FILE *stream = open_memstream(&text, &bytes);

        qctx_report_print(stream, "squad/dev", &pools, &comparison, &cases[i].novelty);
        fclose(stream);
        assert_contains(text, cases[i].said);
        lines_fit(text);
        free(text);
    }
}

/* Both kinds stand apart, in the table and in the JSON, and come back from there. */
static void shows_known_contexts_and_others_apart(void **state)
{
    const qctx_comparison comparison = make(0.03);
    qctx_novelty novelty = {.counts = {7000, 3000, 570}, .known = make(0.01), .others = make(0.03)}, again;
    char *text = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&text, &bytes);
    json_t *object;
    qctx_protocol protocol;
    qctx_comparison read;
    const char *source;

    (void)state;
    novelty.known.questions = 7000;
    novelty.others.questions = 3570;
    novelty.others.head[QCTX_METRIC_TOP10] = (qctx_interval){0.6, 0.5, 0.7};
    novelty.others.difference[QCTX_METRIC_TOP10] = (qctx_interval){-0.05, -0.15, 0.05};
    qctx_report_print(stream, "squad/dev", &pools, &comparison, &novelty);
    fclose(stream);
    assert_contains(text, "Apart:   7,000 of known contexts             3,570 of others\n");
    assert_contains(text, "top-1    65.0 to 70.0, +5.0 [+4.0, +6.0]     65.0 to 70.0, +5.0 [+2.0, +8.0]\n");
    assert_contains(text, "top-10   65.0 to 70.0, +5.0 [+4.0, +6.0]     65.0 to 60.0, -5.0 [-15.0, +5.0]\n");
    lines_fit(text);
    free(text);

    object = qctx_report_json("s", &pools, &comparison, &novelty, &error);
    assert_status(qctx_report_parse(object, "f", &source, &protocol, &read, &again, &error), QCTX_OK, &error);
    assert_memory_equal(again.counts, novelty.counts, sizeof again.counts);
    assert_int_equal(again.others.questions, 3570);
    assert_int_equal(again.known.resamples, 1000);
    assert_close(again.others.head[QCTX_METRIC_TOP10].value, 0.6, 0);
    json_object_del(json_object_get(object, "novelty"), "others");
    assert_status(qctx_report_parse(object, "f", &source, &protocol, &read, &again, &error), QCTX_ERR_FORMAT, &error);
    assert_contains(error.message, "'others' of 'novelty'");
    json_decref(object);
    object = qctx_report_json("s", &pools, &comparison, &(qctx_novelty){0}, &error);
    assert_null(json_object_get(object, "novelty"));
    assert_status(qctx_report_parse(object, "f", &source, &protocol, &read, &again, &error), QCTX_OK, &error);
    assert_false(qctx_novelty_is_known(&again));
    json_decref(object);
}

static void a_loss_says_so(void **state)
{
    qctx_comparison comparison = make(0.06);
    char *text;

    (void)state;
    comparison.difference[QCTX_METRIC_TOP1] = (qctx_interval){-0.02, -0.03, -0.01};
    comparison.difference[QCTX_METRIC_POSITION] = (qctx_interval){5, 4, 6};
    comparison.difference[QCTX_METRIC_TOP5] = (qctx_interval){-0.0001, -0.02, 0.02};
    text = printed(&pools, &comparison);
    assert_contains(text, "The head LOSES in top-1 and mean position.\n");
    assert_contains(text, "No significant difference in top-5, top-10, MRR@10, nDCG@10, recall@5 and\n  recall@10.\n");
    assert_contains(text, "+0.0 [-2.0, +2.0]");
    assert_null(strstr(text, "head gains"));
    lines_fit(text);
    free(text);
}

static void without_intervals_there_are_no_claims(void **state)
{
    const qctx_protocol corpus = {.candidates = QCTX_CANDIDATES_CORPUS};
    qctx_comparison comparison = make(0.0);
    char *text;

    (void)state;
    comparison.resamples = 0;
    text = printed(&corpus, &comparison);
    assert_contains(text, "against all contexts of the corpus\n");
    assert_contains(text, "top-1         65.0                  70.0                  +5.0\n");
    assert_contains(text, "nothing is said about significance");
    assert_null(strstr(text, "head gains"));
    free(text);
}

static void json_holds_shares(void **state)
{
    const qctx_comparison comparison = make(0.03);
    json_t *object = qctx_report_json("squad/dev", &pools, &comparison, NULL, &error);
    const char *source, *candidates, *order;
    json_int_t questions, pool, resamples;
    double value, low, head, high;

    (void)state;
    assert_non_null(object);
    assert_int_equal(json_unpack(object, "{s:s, s:I, s:s, s:I, s:s, s:I, s:{s:{s:f, s:f}}, s:{s:{s:f}}, s:{s:{s:f}}}",
                                 "source", &source, "questions", &questions, "candidates", &candidates, "pool", &pool,
                                 "order", &order, "resamples", &resamples, "no_head", "top1", "value", &value, "low",
                                 &low, "head", "mrr@10", "value", &head, "difference", "ndcg@10", "high", &high),
                     0);
    assert_string_equal(source, "squad/dev");
    assert_string_equal(candidates, "pools");
    assert_string_equal(order, "consecutive");
    assert_int_equal(questions, 10570);
    assert_int_equal(pool, 500);
    assert_int_equal(resamples, 1000);
    assert_close(value, 0.65, 0);
    assert_close(low, 0.64, 0);
    assert_close(head, 0.70, 0);
    assert_close(high, 0.08, 1e-15);
    json_decref(object);
}

static void json_is_read_back(void **state)
{
    const qctx_comparison comparison = make(0.03);
    json_t *object = qctx_report_json("squad/dev", &pools, &comparison, NULL, &error);
    qctx_protocol protocol;
    qctx_comparison again;
    const char *source;

    (void)state;
    assert_status(qctx_report_parse(object, "f", &source, &protocol, &again, NULL, &error), QCTX_OK, &error);
    assert_string_equal(source, "squad/dev");
    assert_int_equal(protocol.candidates, QCTX_CANDIDATES_POOLS);
    assert_int_equal(protocol.order, QCTX_POOLS_CONSECUTIVE);
    assert_int_equal(protocol.pool, 500);
    assert_memory_equal(&again, &comparison, sizeof again);
    json_object_set_new(object, "questions", json_integer(0));
    assert_status(qctx_report_parse(object, "f", &source, &protocol, &again, NULL, &error), QCTX_ERR_FORMAT, &error);
    assert_contains(error.message, "f: 'questions' is 0");
    json_decref(object);
}

static void an_encoder_alone_has_one_column(void **state)
{
    const qctx_comparison comparison = make(0.03);
    json_t *object = qctx_report_json_alone("squad/dev", &pools, &comparison, &error);
    char *text = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&text, &bytes);

    (void)state;
    qctx_report_print_alone(stream, "squad/dev", "minilm", &pools, &comparison);
    fclose(stream);
    assert_contains(text, "(consecutive)\n              minilm\ntop-1         65.0 [64.0, 66.0]\n");
    assert_contains(text, "mean position 20000 [19000, 21000]\n");
    assert_non_null(json_object_get(object, "no_head"));
    assert_null(json_object_get(object, "head"));
    assert_null(json_object_get(object, "difference"));
    json_decref(object);
    free(text);
}

static void strengths_mark_the_one_in_use(void **state)
{
    const qctx_comparison comparisons[] = {make(0.03), make(0.03)};
    const double strengths[] = {0.0, 0.5};
    char *text = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&text, &bytes);
    json_t *rows = qctx_report_strengths_json(strengths, comparisons, 2, &error);

    (void)state;
    qctx_report_print_strengths(stream, strengths, comparisons, 2, 0.5);
    fclose(stream);
    assert_contains(text, "0.00          70.0    70.0    70.0    70.0     70.0   +5.0 [+2.0, +8.0]\n");
    assert_contains(text, "0.50 used     70.0");
    lines_fit(text);
    assert_int_equal(json_array_size(rows), 2);
    assert_close(json_real_value(json_object_get(json_array_get(rows, 1), "strength")), 0.5, 0);
    json_decref(rows);
    free(text);
}

static void a_trec_run_has_falling_scores(void **state)
{
    /* Ties, and a next score that lies between a tie and what the tie was lowered to. */
    const float one = 1.0f, below = 0x1.fffffep-1f;
    const qctx_hit hits[] = {{one, 2}, {one, 0}, {below, 3}, {0.5f, 1}, {0.0f, -1}};
    char *const ids[] = {"a", "b", "c", "d"};
    char *text = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&text, &bytes);

    (void)state;
    qctx_trec_lines(stream, "mine", "q7", hits, 5, ids);
    fclose(stream);
    assert_string_equal(text, "q7 Q0 c 1 1 mine\n"
                              "q7 Q0 a 2 0.99999994 mine\n"
                              "q7 Q0 d 3 0.999999881 mine\n"
                              "q7 Q0 b 4 0.5 mine\n");
    free(text);
}

static void a_name_becomes_one_token(void **state)
{
    /* The second is a no-break space, at which Python's split() parts as well. */
    const char *const names[][2] = {{"minilm-2", "minilm-2"},
                                    {"my run\t\033[1m", "my-run--[1m"},
                                    {"caf\xc3\xa9\xc2\xa0x", "caf\xc3\xa9-x"},
                                    {"", "-"}};

    (void)state;
    for (int i = 0; i < 4; i++) {
        char *tag = qctx_trec_tag(names[i][0], &error);

        assert_string_equal(tag, names[i][1]);
        free(tag);
    }
}

static void a_trec_run_refuses_ids_with_spaces(void **state)
{
    (void)state;
    assert_status(qctx_trec_check_id("context", "c17", &error), QCTX_OK, &error);
    assert_status(qctx_trec_check_id("context", "Eiffel Tower", &error), QCTX_ERR_DATA, &error);
    assert_contains(error.message, "context id 'Eiffel Tower' contains white space");
    assert_status(qctx_trec_check_id("question", "a\tb", &error), QCTX_ERR_DATA, &error);
    assert_status(qctx_trec_check_id("question", "", &error), QCTX_ERR_DATA, &error);
    assert_contains(error.message, "is empty");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_gain_is_printed_in_percent),
    cmocka_unit_test(pools_are_told_as_they_are),
    cmocka_unit_test(few_candidates_are_said_to_be_easier),
    cmocka_unit_test(a_name_of_questions_holds_no_escapes),
    cmocka_unit_test(tells_how_grades_are_read),
    cmocka_unit_test(positions_of_earlier_versions_are_counted_from_one),
    cmocka_unit_test(tells_how_new_the_questions_are),
    cmocka_unit_test(shows_known_contexts_and_others_apart),
    cmocka_unit_test(a_loss_says_so),
    cmocka_unit_test(without_intervals_there_are_no_claims),
    cmocka_unit_test(json_holds_shares),
    cmocka_unit_test(json_is_read_back),
    cmocka_unit_test(an_encoder_alone_has_one_column),
    cmocka_unit_test(strengths_mark_the_one_in_use),
    cmocka_unit_test(a_trec_run_has_falling_scores),
    cmocka_unit_test(a_name_becomes_one_token),
    cmocka_unit_test(a_trec_run_refuses_ids_with_spaces),
};
TEST_MAIN(tests)
