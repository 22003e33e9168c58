/* ranks: 1 2 3 */
#include "harness.h"

#include <stdio.h>

#include "qctx/base/fileio.h"
#include "qctx/data/corpus.h"

static const char *const contexts =
    "{\"_id\": \"c0\", \"title\": \"Tower\", \"text\": \"It was designed by Gustave.\"}\n"
    "{\"_id\": \"x/ \xC3\xA9\", \"text\": \"Nobody knows.\", \"metadata\": {\"a\": [1]}}\n"
    "{\"_id\": 7, \"title\": null, \"text\": \"Third.\"}\n";
static const char *const questions = "{\"_id\": \"q0\", \"text\": \"who designed it?\"}\n"
                                     "{\"_id\": \"q1\", \"text\": \"who knows?\"}\n"
                                     "{\"_id\": \"q2\", \"text\": \"unused?\"}\n";

/* Writes a corpus folder under a fresh name; `split` may be NULL: then there is no qrels/train.tsv. */
static const char *make(const char *name, const char *records, const char *queries, const char *split)
{
    const char *folder = test_path(name);
    char path[1200];

    snprintf(path, sizeof path, "%s/qrels", folder);
    assert_int_equal(qctx_folder_make(path, NULL), QCTX_OK);
    snprintf(path, sizeof path, "%s/corpus.jsonl", folder);
    test_write(path, records);
    snprintf(path, sizeof path, "%s/queries.jsonl", folder);
    test_write(path, queries);
    snprintf(path, sizeof path, "%s/qrels/train.tsv", folder);
    if (split != NULL)
        test_write(path, split);
    return folder;
}

static void fails(const char *folder, qctx_status expected, const char *part)
{
    qctx_corpus *corpus = NULL;
    qctx_error error;

    assert_status(qctx_corpus_open(test_comm, folder, &corpus, &error), expected, &error);
    assert_null(corpus);
    assert_contains(error.message, part);
}

static void reads_a_folder(void **state)
{
    const char *folder =
        make("plain", contexts, questions,
             "query-id\tcorpus-id\tscore\nq1\t7\t1\nq0\tc0\t2\nq1\tx/ \xC3\xA9\t1\nq1\t7\t1\nq2\tc0\t0\n");
    const qctx_split *split;
    qctx_corpus *corpus = NULL;
    qctx_error error;

    (void)state;
    assert_status(qctx_corpus_open(test_comm, folder, &corpus, &error), QCTX_OK, &error);
    assert_int_equal(corpus->context_count, 3);
    assert_string_equal(corpus->contexts[0].title, "Tower");
    assert_string_equal(corpus->contexts[0].text, "It was designed by Gustave.");
    assert_string_equal(corpus->contexts[1].id, "x/ \xC3\xA9");
    assert_string_equal(corpus->contexts[1].title, "");
    assert_string_equal(corpus->contexts[2].id, "7");
    assert_int_equal(corpus->question_count, 3);
    assert_string_equal(corpus->questions[1].text, "who knows?");

    /* Questions ascending; q1's two contexts ascending and without the repetition; q2's score 0 is no answer. */
    assert_int_equal(corpus->split_count, 1);
    split = qctx_corpus_split(corpus, "train", &error);
    assert_non_null(split);
    assert_int_equal(split->count, 2);
    assert_int_equal(split->questions[0], 0);
    assert_int_equal(split->questions[1], 1);
    assert_int_equal(split->offsets[0], 0);
    assert_int_equal(split->offsets[1], 1);
    assert_int_equal(split->offsets[2], 3);
    assert_int_equal(split->contexts[0], 0);
    assert_int_equal(split->contexts[1], 1);
    assert_int_equal(split->contexts[2], 2);

    assert_null(qctx_corpus_split(corpus, "trian", &error));
    assert_int_equal(error.code, QCTX_ERR_DATA);
    assert_contains(error.message, "no split 'trian'");
    assert_contains(error.message, "it has train");
    assert_contains(error.hint, "did you mean 'train'?");
    assert_true(qctx_corpus_is(folder));
    assert_false(qctx_corpus_is(test_path("plain/corpus.jsonl")));
    qctx_corpus_destroy(corpus);
}

static void reads_splits_in_alphabetical_order_and_other_line_ends(void **state)
{
    const char *folder =
        make("ends", "\xEF\xBB\xBF{\"_id\": \"a\", \"text\": \"A.\"}\r\n\r\n{\"_id\": \"b\", \"text\": \"B.\"}",
             "{\"_id\": \"q\", \"text\": \"Q\"}\r\n", "q\ta\t1\r\n");
    qctx_corpus *corpus = NULL;
    qctx_error error;

    (void)state;
    test_write(test_path("ends/qrels/dev.tsv"), "qid\tdid\trelevance\nq\tb\t0.5\n");
    test_write(test_path("ends/qrels/notes.txt"), "not a split");
    assert_true(qctx_corpus_has_split(test_path("ends"), "dev"));
    assert_false(qctx_corpus_has_split(test_path("ends"), "notes"));
    assert_false(qctx_corpus_has_split(test_path("ends"), "de"));
    assert_status(qctx_corpus_open(test_comm, folder, &corpus, &error), QCTX_OK, &error);
    assert_int_equal(corpus->split_count, 2);
    assert_string_equal(corpus->splits[0].name, "dev");
    assert_int_equal(corpus->splits[0].contexts[0], 1);
    assert_string_equal(corpus->splits[1].name, "train");
    assert_int_equal(corpus->splits[1].contexts[0], 0);
    qctx_corpus_destroy(corpus);
}

static void leaves_out_records_without_text(void **state)
{
    const char *folder =
        make("gaps",
             "{\"_id\": \"a\", \"title\": \"\", \"text\": \"\"}\n"
             "{\"_id\": \"b\", \"title\": \"Only a title\", \"text\": \"\"}\n",
             "{\"_id\": \"q\", \"text\": \"Q\"}\n{\"_id\": \"r\", \"text\": \"\"}\n", "q\ta\t1\nq\tb\t1\nr\tb\t1\n");
    qctx_corpus *corpus = NULL;
    qctx_error error;

    (void)state;
    assert_status(qctx_corpus_open(test_comm, folder, &corpus, &error), QCTX_OK, &error);
    assert_int_equal(corpus->context_count, 1);
    assert_string_equal(corpus->contexts[0].text, "Only a title");
    assert_int_equal(corpus->question_count, 1);
    /* A context without text answers, but cannot be found. */
    assert_int_equal(corpus->splits[0].offsets[1], 2);
    assert_int_equal(corpus->splits[0].contexts[0], QCTX_ABSENT);
    assert_int_equal(corpus->splits[0].contexts[1], 0);
    qctx_corpus_destroy(corpus);
}

static uint64_t fingerprint_of(const char *folder)
{
    qctx_corpus *corpus = NULL;
    qctx_error error;
    uint64_t fingerprint;

    assert_status(qctx_corpus_open(test_comm, folder, &corpus, &error), QCTX_OK, &error);
    fingerprint = corpus->fingerprint;
    qctx_corpus_destroy(corpus);
    return fingerprint;
}

static void fingerprints_what_it_read(void **state)
{
    uint64_t first, other;

    (void)state;
    first = fingerprint_of(make("same1", contexts, questions, "q0\tc0\t1\n"));
    assert_true(first == fingerprint_of(make("same2", contexts, questions, "q0\tc0\t1\n")));
    other = fingerprint_of(make("other1", contexts, questions, "q0\t7\t1\n"));
    assert_true(first != other);
    assert_true(first != fingerprint_of(make("other2", contexts, "{\"_id\": \"q0\", \"text\": \"?\"}", "q0\tc0\t1\n")));
}

static void refuses_what_is_missing_or_empty(void **state)
{
    (void)state;
    fails(test_path("nowhere"), QCTX_ERR_IO, "nowhere");
    test_write(test_path("file"), "x");
    fails(test_path("file"), QCTX_ERR_IO, "not a folder");
    assert_int_equal(qctx_folder_make(test_path("bare"), NULL), QCTX_OK);
    fails(test_path("bare"), QCTX_ERR_IO, "bare/corpus.jsonl");
    fails(make("nocontext", "", questions, "q0\tc0\t1\n"), QCTX_ERR_DATA, "no context");
    fails(make("noquestion", contexts, "\n", "q0\tc0\t1\n"), QCTX_ERR_DATA, "no question");
    fails(make("nosplit", contexts, questions, NULL), QCTX_ERR_DATA, "no split");
    fails(make("nothing", contexts, questions, "query-id\tcorpus-id\tscore\n"), QCTX_ERR_DATA, "train.tsv");
    fails(make("zero", contexts, questions, "q0\tc0\t0\n"), QCTX_ERR_DATA, "train.tsv");
}

static void names_file_and_line_of_what_is_malformed(void **state)
{
    static const struct {
        const char *records, *expected;
    } cases[] = {
        {"{\"_id\": \"a\", \"text\": \"A\"}\n{\"_id\": \"b\"", "corpus.jsonl:2:"},
        {"{\"_id\": \"a\", \"text\": \"A\"}\n\n{\"_id\": \"b\"}", "corpus.jsonl:3: the key 'text' is missing"},
        {"{\"text\": \"A\"}", "corpus.jsonl:1: the key '_id' is missing"},
        {"{\"_id\": \"\", \"text\": \"A\"}", "'_id' is empty"},
        {"{\"_id\": [1], \"text\": \"A\"}", "'_id' is an array"},
        {"{\"_id\": \"a\", \"text\": 5}", "'text' is an integer, expected a string"},
        {"{\"_id\": \"a\", \"title\": {}, \"text\": \"A\"}", "'title' is an object"},
        {"[\"a\"]", "corpus.jsonl:1: found an array, expected an object"},
        {"{\"_id\": \"a\", \"text\": \"A\"}\n{\"_id\": \"a\", \"text\": \"B\"}", "corpus.jsonl:2: the id 'a'"},
        {"{\"_id\": \"a\", \"text\": \"caf\xE9\"}", "corpus.jsonl:1:26: the byte 0xe9 is not valid UTF-8"},
        {"{\"_id\": \"a\", \"text\": \"\\udc00\"}", "corpus.jsonl:1:"},
        {"{\"_id\": \"a\", \"text\": \"x\\u0000\"}", "corpus.jsonl:1:"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        fails(make("bad", cases[i].records, questions, "q0\ta\t1\n"), QCTX_ERR_FORMAT, cases[i].expected);
    fails(make("bad", contexts, "{\"_id\": \"q0\"}", "q0\tc0\t1\n"), QCTX_ERR_FORMAT, "queries.jsonl:1");
}

static void refuses_bad_answers(void **state)
{
    static const struct {
        const char *split, *expected;
    } cases[] = {
        {"q0\tc0\n", "train.tsv:1: expected question id, context id and score, found 2 columns"},
        {"q0 c0\n", "train.tsv:1: expected question id, context id and score, found 2 columns"},
        {"q0\n", "found 1 column"},
        {"q0\t0\tc0\t1\t7\n", "found at least 5 columns"},
        {"q0\tc0\tmuch\n", "train.tsv:1: the score 'much' is not a number"},
        {"query-id\tcorpus-id\tscore\nq0\tc0\tnan\n", "train.tsv:2: the score 'nan'"},
        {"q0\tc0\t\n", "train.tsv:1: the score ''"},
        {"q0\tc\xFF\t1\n", "train.tsv:1:5: the byte 0xff"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        fails(make("badsplit", contexts, questions, cases[i].split), QCTX_ERR_FORMAT, cases[i].expected);
}

/* The one answer of a corpus: question 0, context 0. */
static void reads_answer(const char *split)
{
    qctx_corpus *corpus = NULL;
    qctx_error error;

    assert_status(qctx_corpus_open(test_comm, make("forms", contexts, questions, split), &corpus, &error), QCTX_OK,
                  &error);
    assert_int_equal(corpus->split_count, 1);
    assert_int_equal(corpus->splits[0].count, 1);
    assert_int_equal(corpus->splits[0].questions[0], 0);
    assert_int_equal(corpus->splits[0].offsets[1], 1);
    assert_int_equal(corpus->splits[0].contexts[0], 0);
    qctx_corpus_destroy(corpus);
}

/* BEIR's three columns and TREC's four, with tabs or spaces, with a header or without, with a tab too many. */
static void reads_answers_as_people_have_them(void **state)
{
    (void)state;
    reads_answer("query-id\tcorpus-id\tscore\nq0\tc0\t1\n");
    reads_answer("q0\tc0\t1");
    reads_answer("q0\tc0\t1.0\t\n");
    reads_answer("q0\t0\tc0\t1\n");
    reads_answer("query-id\titer\tcorpus-id\tscore\nq0\tQ0\tc0\t2\n");
    reads_answer("q0 c0 1\n");
    reads_answer("q0 0 c0 1\n");
    reads_answer("q0   0  c0    1\n");
}

/*
 * Grades stand beside contexts; those that are not there come first, once each; a question judged 0 alone is left out,
 * one whose contexts are all missing stays.
 */
static void keeps_grades_and_missing_contexts(void **state)
{
    static const int64_t expected[] = {QCTX_ABSENT, QCTX_ABSENT, 0, 1, QCTX_ABSENT};
    static const float grades[] = {0.5f, 3, 2, 1, 1};
    qctx_corpus *corpus = NULL;
    qctx_error error;
    const qctx_split *split;

    (void)state;
    assert_status(qctx_corpus_open(test_comm,
                                   make("grades", contexts, questions,
                                        "q0\tm1\t3\nq0\tx/ \xC3\xA9\t1\nq0\tc0\t2\nq0\tm2\t0.5\nq0\tm1\t3\n"
                                        "q0\tm3\t0\nq0\t7\t-1\nq1\tc0\t0\nq2\tm1\t1\nq9\tc0\t2\n"),
                                   &corpus, &error),
                  QCTX_OK, &error);
    split = &corpus->splits[0];
    assert_int_equal(split->count, 2);
    assert_int_equal(split->questions[0], 0);
    assert_int_equal(split->questions[1], 2);
    assert_int_equal(split->offsets[1], 4);
    assert_int_equal(split->offsets[2], 5);
    assert_memory_equal(split->contexts, expected, sizeof expected);
    assert_memory_equal(split->grades, grades, sizeof grades);
    assert_int_equal(split->judged.lines, 10);
    assert_int_equal(split->judged.unknown_questions, 1);
    assert_int_equal(split->judged.without_answer, 1);
    qctx_corpus_destroy(corpus);
}

/* Grades of 1 are none, and change no fingerprint; others and missing contexts do, beyond the text of the lines. */
static void plain_answers_have_no_grades(void **state)
{
    qctx_corpus *corpus = NULL;
    qctx_error error;

    (void)state;
    assert_status(qctx_corpus_open(test_comm, make("one", contexts, questions, "q0\tc0\t1\nq0\t7\t0\nq1\t7\t1.0\n"),
                                   &corpus, &error),
                  QCTX_OK, &error);
    assert_null(corpus->splits[0].grades);
    /* As it was before there were grades, so that stores stay what they were. */
    assert_true(corpus->fingerprint == UINT64_C(0xf84f7882f786e7c8));
    qctx_corpus_destroy(corpus);
}

/* A line about what is not there takes nothing else with it. */
static void leaves_out_answers_of_unknown_ids(void **state)
{
    (void)state;
    reads_answer("q9\tc0\t1\nq0\tc0\t1\n");
    fails(make("unknown", contexts, questions, "q9\tc0\t1\nq0\tc9\t1\n"), QCTX_ERR_DATA,
          "the split 'train' has no question with an answer: of 2 judgements, 1 are of unknown questions and 1 of "
          "unknown contexts");
}

/* A split of which nothing can be used is refused where it is asked for, and spoils no other. */
static void keeps_other_splits_usable(void **state)
{
    const char *folder = make("spoilt", contexts, questions, "q8\tc0\t1\nq9\tc0\t1\n");
    qctx_corpus *corpus = NULL;
    qctx_error error;

    (void)state;
    test_write(test_path("spoilt/qrels/dev.tsv"), "q0\tc0\t1\n");
    test_write(test_path("spoilt/qrels/zero.tsv"), "q0\tc0\t0\n");
    assert_status(qctx_corpus_open(test_comm, folder, &corpus, &error), QCTX_OK, &error);
    assert_int_equal(corpus->split_count, 3);
    assert_non_null(qctx_corpus_split(corpus, "dev", &error));
    assert_null(qctx_corpus_split(corpus, "train", &error));
    assert_int_equal(error.code, QCTX_ERR_DATA);
    assert_contains(error.message, "spoilt: the split 'train' has no question with an answer: of 2 judgements, 2 are");
    assert_null(qctx_corpus_split(corpus, "zero", &error));
    assert_contains(error.message, "of 1 judgements, 0 are of unknown questions");
    qctx_corpus_destroy(corpus);
}

/* The names of a header say where the columns stand. */
static void follows_a_header(void **state)
{
    (void)state;
    reads_answer("corpus-id\tquery-id\tscore\nc0\tq0\t1\n");
    reads_answer("#query-id\tcorpus-id\tscore\nq0\tc0\t1\n");
    reads_answer("Score Doc_ID Query_ID\n1 c0 q0\n");
    reads_answer("docid\titeration\trelevance\tqid\nc0\t0\t1\tq0\n");
}

static void refuses_a_first_line_that_is_nothing(void **state)
{
    (void)state;
    fails(make("head", contexts, questions, "name\tplace\tworth\nq0\tc0\t1\n"), QCTX_ERR_FORMAT,
          "train.tsv:1: the score 'worth' is not a number, and the line is no header");
    fails(make("head", contexts, questions, "query-id\tquery-id\tscore\nq0\tc0\t1\n"), QCTX_ERR_FORMAT,
          "train.tsv:1: the score 'score' is not a number, and the line is no header");
    fails(make("head", contexts, questions, "query-id\tcorpus-id\tscore\nq0\t0\tc0\t1\n"), QCTX_ERR_FORMAT,
          "train.tsv:2: found 4 columns, but the file's header names 3");
}

static void takes_equal_records_once(void **state)
{
    const char *record = "{\"_id\": \"a\", \"title\": \"T\", \"text\": \"A\"}\n"
                         "{\"_id\": \"b\", \"title\": \"T\", \"text\": \"B\"}\n"
                         "{\"_id\": \"e\", \"text\": \"\"}\n"
                         "{\"_id\": \"e\", \"text\": \"\"}\n"
                         "{\"text\": \"A\", \"title\": \"T\", \"_id\": \"a\"}\n";
    const char *questions_twice = "{\"_id\": \"q\", \"text\": \"Q\"}\n{\"_id\": \"q\", \"text\": \"Q\"}\n"
                                  "{\"_id\": \"r\", \"text\": \"R\"}\n";
    qctx_corpus *corpus = NULL;
    qctx_error error;

    (void)state;
    assert_status(
        qctx_corpus_open(test_comm, make("twice", record, questions_twice, "q\tb\t1\nr\ta\t1\n"), &corpus, &error),
        QCTX_OK, &error);
    assert_int_equal(corpus->context_count, 2);
    assert_string_equal(corpus->contexts[1].id, "b");
    assert_int_equal(corpus->question_count, 2);
    assert_string_equal(corpus->questions[1].id, "r");
    assert_int_equal(corpus->splits[0].contexts[0], 1);
    assert_int_equal(corpus->splits[0].questions[1], 1);
    qctx_corpus_destroy(corpus);

    fails(make("twice", "{\"_id\": \"a\", \"text\": \"A\"}\n{\"_id\": \"a\", \"title\": \"T\", \"text\": \"A\"}\n",
               questions, "q0\ta\t1\n"),
          QCTX_ERR_FORMAT, "corpus.jsonl:2: the id 'a' stands on an earlier line too, with another text");
    fails(
        make("twice", contexts, "{\"_id\": \"q\", \"text\": \"Q\"}\n{\"_id\": \"q\", \"text\": \"\"}\n", "q\tc0\t1\n"),
        QCTX_ERR_FORMAT, "queries.jsonl:2: the id 'q'");
}

/* Of two judgements of one question and context the last counts, as in BEIR's and pytrec_eval's tables. */
static void lets_the_last_judgement_count(void **state)
{
    (void)state;
    reads_answer("q0\tc0\t1\nq1\t7\t1\nq0\t7\t1\nq0\t7\t0\nq1\t7\t0\nq0\tc0\t1\n");
}

/* Fields are no part of the fingerprint, and yet all ranks must read them alike: names, and texts. */
static void ranks_agree_on_fields(void **state)
{
    static const char *const fields[] = {"{\"_id\": \"7\", \"text\": \"a\", \"note\": \"x\"}\n",
                                         "{\"_id\": \"7\", \"text\": \"a\", \"note\": \"y\"}\n",
                                         "{\"_id\": \"7\", \"text\": \"a\", \"nota\": \"x\"}\n"};
    static const char *const names[] = {"noted0", "noted1", "noted2"};
    const int rank = qctx_comm_rank(test_comm), size = qctx_comm_size(test_comm);
    uint64_t first;

    (void)state;
    for (int i = 0; i < 3; i++)
        make(names[i], fields[i], questions, "q0\t7\t1\n");
    first = fingerprint_of(test_path("noted0"));
    for (int i = 1; i < 3; i++) {
        qctx_corpus *corpus = NULL;
        qctx_error error;

        assert_true(fingerprint_of(test_path(names[i])) == first);
        if (size == 1)
            continue;
        assert_status(qctx_corpus_open(test_comm, test_path(names[rank == size - 1 ? i : 0]), &corpus, &error),
                      QCTX_ERR_MISMATCH, &error);
        assert_null(corpus);
    }
}

/* Every rank opens its own folder; only the last one's is bad. All must report the same. */
static void one_rank_fails_for_all(void **state)
{
    int rank = qctx_comm_rank(test_comm), size = qctx_comm_size(test_comm);
    qctx_corpus *corpus = NULL;
    qctx_error error;
    const char *good, *other;

    (void)state;
    good = make("good", contexts, questions, "q0\tc0\t1\n");
    other = make("other", contexts, questions, "q1\tc0\t1\n");
    assert_status(qctx_corpus_open(test_comm, rank == size - 1 ? test_path("none") : good, &corpus, &error),
                  QCTX_ERR_IO, &error);
    assert_contains(error.message, "none");
    if (size == 1)
        return;
    assert_status(qctx_corpus_open(test_comm, rank == size - 1 ? other : good, &corpus, &error), QCTX_ERR_MISMATCH,
                  &error);
    assert_null(corpus);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(reads_a_folder),
    cmocka_unit_test(reads_splits_in_alphabetical_order_and_other_line_ends),
    cmocka_unit_test(leaves_out_records_without_text),
    cmocka_unit_test(fingerprints_what_it_read),
    cmocka_unit_test(refuses_what_is_missing_or_empty),
    cmocka_unit_test(names_file_and_line_of_what_is_malformed),
    cmocka_unit_test(refuses_bad_answers),
    cmocka_unit_test(reads_answers_as_people_have_them),
    cmocka_unit_test(leaves_out_answers_of_unknown_ids),
    cmocka_unit_test(keeps_grades_and_missing_contexts),
    cmocka_unit_test(plain_answers_have_no_grades),
    cmocka_unit_test(keeps_other_splits_usable),
    cmocka_unit_test(follows_a_header),
    cmocka_unit_test(refuses_a_first_line_that_is_nothing),
    cmocka_unit_test(takes_equal_records_once),
    cmocka_unit_test(lets_the_last_judgement_count),
    cmocka_unit_test(ranks_agree_on_fields),
    cmocka_unit_test(one_rank_fails_for_all),
};
TEST_MAIN(tests)
