/* ranks: 1 2 3 */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/mining/given_negatives.h"
#include "small_store.h"

/* Two sources of one store, of which the second has its questions in its own order; examples 0 to 3. */
typedef struct {
    small_store *small;
    qctx_opened_source sources[2];
    qctx_opened opened;
    int32_t source[4];
    int64_t question[4], offsets[5], pairs[4], contexts[7];
    uint64_t content[7], all[SMALL_CONTEXTS];
    qctx_examples examples;
} fixture;

static void open_fixture(fixture *on)
{
    const fixture made = {.small = small_open(),
                          .source = {0, 0, 0, 1},
                          .question = {1, 2, 5, 2},
                          .offsets = {0, 1, 3, 4, 7},
                          .pairs = {1, 1, 1, 2},
                          .contexts = {1, 2, 3, 5, 2, 3, 9}};
    qctx_error error;

    *on = made;
    assert_status(qctx_store_content(on->small->store, QCTX_CONTEXT, on->all, &error), QCTX_OK, &error);
    for (int a = 0; a < 7; a++)
        on->content[a] = on->all[on->contexts[a]];
    for (int s = 0; s < 2; s++)
        on->sources[s] = (qctx_opened_source){
            .store = on->small->store, .split = qctx_store_split_at(on->small->store, 0), .name = "small"};
    on->opened = (qctx_opened){.train_count = 2, .train = on->sources};
    on->examples = (qctx_examples){.count = 4,
                                   .source = on->source,
                                   .question = on->question,
                                   .offsets = on->offsets,
                                   .pairs = on->pairs,
                                   .contexts = on->contexts,
                                   .content = on->content};
}

/* Writes the file of a source. */
static void give(fixture *on, int source, const char *name, const char *text)
{
    test_write(test_path(name), text);
    on->sources[source].negatives = test_path(name);
}

/* Checks the rows that an example's list holds, in their order and all of source `source`. */
static void expect_list(const fixture *on, const qctx_listed_negatives *lists, int64_t example, const char *expected)
{
    char found[200] = "";

    for (int64_t k = lists->offsets[example]; k < lists->offsets[example + 1]; k++) {
        const qctx_negative *at = &lists->pool.list[lists->places[k]];

        assert_true(at->content == on->all[at->row]);
        snprintf(found + strlen(found), sizeof found - strlen(found), "%lld ", (long long)at->row);
    }
    assert_string_equal(found, expected);
}

static void expect_read(const fixture *on, qctx_status expected, qctx_listed_negatives *lists, qctx_error *error)
{
    assert_status(qctx_given_negatives_read(test_comm, &on->opened, &on->examples, lists, error), expected, error);
}

/* Question q5 is of source 0 only; q2's contexts are 2 and 3, of which the second is no pair of source 0's example. */
static void lists_what_the_file_of_each_source_says(void **state)
{
    qctx_listed_negatives lists;
    qctx_error error;
    fixture on;

    (void)state;
    open_fixture(&on);
    give(&on, 0, "a.tsv",
         "query-id\tcorpus-"
         "id\nq2\tc40\nq1\tc600\nq2\tc7\nq2\tc3\nq2\tc40\nq2\tc2\nq40\tc8\nq2\tc1\nnobody\tc1\nq1\tnothing\n");
    give(&on, 1, "b.tsv", "q2 0 c9 0\nq2 0 c7 0\nq2 0 c8 1\n");
    expect_read(&on, QCTX_OK, &lists, &error);
    assert_int_equal(lists.examples, 4);
    expect_list(&on, &lists, 0, "600 ");
    expect_list(&on, &lists, 1, "40 7 1 ");
    expect_list(&on, &lists, 2, "");
    expect_list(&on, &lists, 3, "7 ");
    qctx_listed_negatives_free(&lists);
    /* A source without a file has none. */
    on.sources[1].negatives = NULL;
    expect_read(&on, QCTX_OK, &lists, &error);
    expect_list(&on, &lists, 1, "40 7 1 ");
    expect_list(&on, &lists, 3, "");
    qctx_listed_negatives_free(&lists);
    small_close(on.small);
}

static void expect_refusal(fixture *on, const char *text, qctx_status expected, const char *part)
{
    qctx_listed_negatives lists;
    qctx_error error;

    give(on, 0, "bad.tsv", text);
    expect_read(on, expected, &lists, &error);
    assert_contains(error.message, part);
    qctx_listed_negatives_free(&lists);
}

static void refuses_a_file_that_gives_nothing(void **state)
{
    qctx_listed_negatives lists;
    qctx_error error;
    fixture on;

    (void)state;
    open_fixture(&on);
    expect_read(&on, QCTX_ERR_DATA, &lists, &error);
    assert_contains(error.message, "no source of data.train has a file of negatives");
    qctx_listed_negatives_free(&lists);
    expect_refusal(&on, "query-id\tcorpus-id\n\nx1\tc3\nq1\tx9\n", QCTX_ERR_DATA,
                   "none of its 2 negatives is of this corpus, which does not have");
    expect_refusal(&on, "x1\tc3\n", QCTX_ERR_DATA, "bad.tsv:1: question 'x1'");
    expect_refusal(&on, "q1\tc3\t1\nq2\tc3\t2\n", QCTX_ERR_DATA, "judges all its 2 contexts to answer");
    expect_refusal(&on, "q1\tc1\nq40\tc3\nx1\tc1\n", QCTX_ERR_DATA,
                   "of 3 lines, 1 of other questions, 1 that answer theirs, 1 of unknown ids");
    expect_refusal(&on, "q1\n", QCTX_ERR_FORMAT, "bad.tsv:1: expected question id, context id");
    on.sources[0].negatives = "no/such.tsv";
    expect_read(&on, QCTX_ERR_IO, &lists, &error);
    qctx_listed_negatives_free(&lists);
    small_close(on.small);
}

static void takes_the_next_ones_in_a_circle(void **state)
{
    qctx_listed_negatives lists, taken;
    qctx_error error;
    fixture on;
    static const char *const rounds[] = {"10 11 ", "12 13 ", "14 10 ", "11 12 "};

    (void)state;
    open_fixture(&on);
    give(&on, 0, "a.tsv", "q1\tc10\nq1\tc11\nq1\tc12\nq1\tc13\nq1\tc14\nq2\tc20\n");
    expect_read(&on, QCTX_OK, &lists, &error);
    for (int round = 0; round < 4; round++) {
        assert_status(qctx_given_negatives_take(&lists, 2, round, &taken, &error), QCTX_OK, &error);
        expect_list(&on, &taken, 0, rounds[round]);
        expect_list(&on, &taken, 1, "20 ");
        expect_list(&on, &taken, 2, "");
        qctx_listed_negatives_free(&taken);
    }
    assert_status(qctx_given_negatives_take(&lists, 9, 3, &taken, &error), QCTX_OK, &error);
    expect_list(&on, &taken, 0, "10 11 12 13 14 ");
    qctx_listed_negatives_free(&taken);
    qctx_listed_negatives_free(&lists);
    small_close(on.small);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(lists_what_the_file_of_each_source_says),
    cmocka_unit_test(refuses_a_file_that_gives_nothing),
    cmocka_unit_test(takes_the_next_ones_in_a_circle),
};
TEST_MAIN(tests)
