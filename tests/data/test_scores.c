/* ranks: 1 */
#include "harness.h"

#include <string.h>

#include "qctx/data/scores.h"

enum { PAIRS_MOST = 8 };

/* What a file gave. */
typedef struct {
    int count;
    char questions[PAIRS_MOST][32], contexts[PAIRS_MOST][32];
    double scores[PAIRS_MOST];
} found_pairs;

static qctx_error failure;

static qctx_status take(void *context, const char *question, const char *answer, double score, qctx_error *error)
{
    found_pairs *found = context;

    if (found->count == PAIRS_MOST)
        return qctx_fail(error, QCTX_ERR_INTERNAL, "the test has no room");
    snprintf(found->questions[found->count], sizeof found->questions[0], "%s", question);
    snprintf(found->contexts[found->count], sizeof found->contexts[0], "%s", answer);
    found->scores[found->count++] = score;
    return QCTX_OK;
}

static qctx_status read_text(const char *text, found_pairs *found)
{
    const char *path = test_path("scores");
    uint64_t hash = 0;

    *found = (found_pairs){0};
    test_write(path, text);
    return qctx_scores_read(path, take, found, &hash, &failure);
}

static void assert_pairs(const found_pairs *found)
{
    assert_int_equal(found->count, 3);
    assert_string_equal(found->questions[0], "q 1");
    assert_string_equal(found->contexts[0], "c1");
    assert_close(found->scores[0], 8.25, 0.0);
    assert_string_equal(found->questions[1], "q 1");
    assert_string_equal(found->contexts[1], "17");
    assert_close(found->scores[1], -1e-3, 0.0);
    assert_string_equal(found->questions[2], "5");
    assert_string_equal(found->contexts[2], "c1");
    assert_close(found->scores[2], 0.0, 0.0);
}

static void the_same_pairs_in_all_forms(void **state)
{
    static const char *const forms[] = {
        "q 1\tc1\t8.25\nq 1\t17\t-1e-3\n5\tc1\t0\n",
        "query-id\tcorpus-id\tscore\nq 1\tc1\t8.25\nq 1\t17\t-1e-3\n5\tc1\t0\n",
        "\xEF\xBB\xBFscore\tcontext\tquestion\r\n8.25\tc1\tq 1\r\n-1e-3\t17\tq 1\r\n0\tc1\t5\r\n",
        "{\"question\": \"q 1\", \"context\": \"c1\", \"score\": 8.25}\n"
        "{\"context\": 17, \"rank\": 2, \"score\": -1e-3, \"question\": \"q 1\"}\n\n"
        "{\"question\": 5, \"context\": \"c1\", \"score\": 0}",
        "\n {\"query-id\": \"q 1\", \"corpus-id\": \"c1\", \"score\": 8.25, \"text\": [{}]}\n"
        "{\"qid\": \"q 1\", \"docid\": \"17\", \"score\": -1e-3}\n"
        "{\"query_id\": \"5\", \"passage id\": \"c1\", \"Score\": 0.0}\n",
    };

    (void)state;
    for (size_t f = 0; f < sizeof forms / sizeof forms[0]; f++) {
        found_pairs found;

        assert_status(read_text(forms[f], &found), QCTX_OK, &failure);
        assert_pairs(&found);
    }
}

static void what_is_wrong_is_refused_with_its_line(void **state)
{
    static const struct {
        const char *text, *message;
    } wrong[] = {
        {"q1\tc1\t1\nq1\tc2\tnan\n", "scores:2: the score 'nan' is not finite"},
        {"q1\tc1\tnan\n", "scores:1: the score 'nan' is not finite"},
        {"q1\tc1\t1\nq1\tc2\t-inf\n", "scores:2: the score '-inf' is not finite"},
        {"q1\tc1\t1\nq1\tc2\t1e39\n", "scores:2: the score '1e39' is not finite"},
        {"q1\tc1\n", "scores:1: expected question id, context id and score, found 2 columns"},
        {"q1\tc1\tgood\n", "scores:1: the score 'good' is not a number, and the line is no header"},
        {"{\"question\": \"a\", \"context\": \"b\", \"score\": 1}\n{\"question\": \"a\", \"context\": \"b\"}\n",
         "scores:2: expected a finite score, found nothing"},
        {"{\"question\": \"a\", \"context\": \"b\", \"score\": \"1\"}\n",
         "scores:1: expected a finite score, found a string"},
        {"{\"question\": \"a\", \"context\": \"b\", \"score\": NaN}\n", "scores:1"},
        {"{\"question\": \"a\", \"context\": \"b\", \"score\": 1e39}\n", "scores:1: expected a finite score"},
        {"{\"question\": null, \"context\": \"b\", \"score\": 1}\n", "scores:1: expected a question id, found null"},
        {"{\"question\": \"a\", \"context\": 1.5, \"score\": 1}\n", "scores:1: expected a context id, found a number"},
        {"{\"question\": \"a\", \"query-id\": \"a\", \"context\": \"b\", \"score\": 1}\n",
         "scores:1: two keys, of which one is 'query-id', say a question id"},
        {"{\"question\": \"a\", \"context\": \"b\", \"score\": 1}\nq1\tc1\t1\n", "scores:2"},
        {"{\"question\": \"a\", \"context\": \"b\", \"score\": 1}\n[]\n",
         "scores:2: expected an object, found an array"},
    };

    (void)state;
    for (size_t w = 0; w < sizeof wrong / sizeof wrong[0]; w++) {
        found_pairs found;

        assert_status(read_text(wrong[w].text, &found), QCTX_ERR_FORMAT, &failure);
        assert_contains(failure.message, wrong[w].message);
    }
}

static void commas_are_told_of(void **state)
{
    found_pairs found;

    (void)state;
    assert_status(read_text("q1,c1,1\n", &found), QCTX_ERR_FORMAT, &failure);
    assert_contains(failure.message, "found 1 column");
    assert_contains(failure.hint, "not by commas");
}

static void a_file_that_is_not_there_is_refused(void **state)
{
    found_pairs found = {0};
    uint64_t hash;

    (void)state;
    assert_status(qctx_scores_read(test_path("none"), take, &found, &hash, &failure), QCTX_ERR_IO, &failure);
    assert_contains(failure.message, "none");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_same_pairs_in_all_forms),
    cmocka_unit_test(what_is_wrong_is_refused_with_its_line),
    cmocka_unit_test(commas_are_told_of),
    cmocka_unit_test(a_file_that_is_not_there_is_refused),
};
TEST_MAIN(tests)
