/* ranks: 1 */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "qctx/data/negatives_file.h"

/* Appends "question/context " to a text. */
static qctx_status append(void *context, const char *question, const char *id, const char *place, qctx_error *error)
{
    char *text = context;

    (void)place;
    (void)error;
    snprintf(text + strlen(text), 200 - strlen(text), "%s/%s ", question, id);
    return QCTX_OK;
}

static void expect(const char *written, const char *expected, int64_t expected_answering)
{
    char text[200] = "";
    int64_t answering;
    qctx_error error;

    test_write(test_path("n.tsv"), written);
    assert_status(qctx_negatives_file_read(test_path("n.tsv"), append, text, &answering, &error), QCTX_OK, &error);
    assert_string_equal(text, expected);
    assert_int_equal(answering, expected_answering);
}

static void expect_failure(const char *written, const char *part)
{
    char text[200] = "";
    int64_t answering;
    qctx_error error;

    test_write(test_path("n.tsv"), written);
    assert_status(qctx_negatives_file_read(test_path("n.tsv"), append, text, &answering, &error), QCTX_ERR_FORMAT,
                  &error);
    assert_contains(error.message, part);
}

static void reads_lists_judgements_and_triples(void **state)
{
    (void)state;
    expect("query-id\tcorpus-id\nq0\tc2\nq0\tc7\n", "q0/c2 q0/c7 ", 0);
    expect("q0\tc 2\r\n\r\nq1\tc7", "q0/c 2 q1/c7 ", 0);
    expect("q0 c2\nq0   c7\n", "q0/c2 q0/c7 ", 0);
    /* BEIR's judgements and TREC's: 0 and less are wrong. */
    expect("query-id\tcorpus-id\tscore\nq0\tc2\t1\nq0\tc3\t0\nq1\tc4\t-1\n", "q0/c3 q1/c4 ", 1);
    expect("101 0 d5 0\n101 0 d6 2\n102 0 d5 0\n", "101/d5 102/d5 ", 1);
    expect("corpus-id\tquery-id\nc2\tq0\n", "q0/c2 ", 0);
    /* Triples of ids by their header. */
    expect("qid\tpositive_id\tnegative_id\n1\t20\t30\n1\t20\t31\n", "1/30 1/31 ", 0);
    expect("query-id\tcorpus-id\n", "", 0);
    expect("", "", 0);
}

static void names_file_and_line_of_what_is_none(void **state)
{
    (void)state;
    expect_failure("q0\tc2\nq0\n", "n.tsv:2: expected question id, context id and perhaps a score, found 1 column");
    expect_failure("query-id\tcorpus-id\nq0\tc2\t0\n", "n.tsv:2: found 3 columns, but the file's header names 2");
    expect_failure("q0\tc2\tno\n", "n.tsv:1: the score 'no' is not a number, and the line is no header");
    expect_failure("q0\tc2\nq0\tc3\t\xff\n", "n.tsv:2");
}

static void finds_the_file_of_a_split(void **state)
{
    char *path = NULL;
    qctx_error error;

    (void)state;
    assert_int_equal(mkdir(test_path("corpus"), 0777), 0);
    assert_int_equal(mkdir(test_path("corpus/negatives"), 0777), 0);
    test_write(test_path("corpus/negatives/train.tsv.gz"), "");
    assert_status(qctx_negatives_file_of(test_path("corpus"), "train", &path, &error), QCTX_OK, &error);
    assert_string_equal(path, test_path("corpus/negatives/train.tsv.gz"));
    free(path);
    assert_status(qctx_negatives_file_of(test_path("corpus"), "dev", &path, &error), QCTX_OK, &error);
    assert_null(path);
    assert_status(qctx_negatives_file_of(test_path("nowhere"), "dev", &path, &error), QCTX_OK, &error);
    assert_null(path);
    test_write(test_path("corpus/negatives/train.tsv"), "");
    assert_status(qctx_negatives_file_of(test_path("corpus"), "train", &path, &error), QCTX_ERR_FORMAT, &error);
    assert_contains(error.message, "train.tsv is there in several forms");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(reads_lists_judgements_and_triples),
    cmocka_unit_test(names_file_and_line_of_what_is_none),
    cmocka_unit_test(finds_the_file_of_a_split),
};
TEST_MAIN(tests)
