/* ranks: 1 */
#include "harness.h"

#include <stdlib.h>
#include <string.h>

#include "import_probe.h"
#include "qctx/base/fileio.h"

/* Checks what negatives/SPLIT.tsv holds. */
static void check_negatives(const char *split, const char *expected)
{
    char path[64], *lines;
    size_t bytes;

    snprintf(path, sizeof path, "out/negatives/%s.tsv", split);
    assert_int_equal(qctx_file_read(test_path(path), &lines, &bytes, NULL), QCTX_OK);
    assert_string_equal(lines, expected);
    free(lines);
}

/* Checks the texts of all contexts, joined by '|', and of negatives/train.tsv. */
static void check(const char *file, const char *text, int64_t questions, const char *contexts, const char *negatives)
{
    qctx_import_job job = probe_job(file, text);
    qctx_corpus *corpus = probe_run(&job);
    char joined[1000] = "";

    assert_int_equal(corpus->question_count, questions);
    for (int64_t i = 0; i < corpus->context_count; i++)
        snprintf(joined + strlen(joined), sizeof joined - strlen(joined), "%s%s", i > 0 ? "|" : "",
                 corpus->contexts[i].text);
    assert_string_equal(joined, contexts);
    qctx_corpus_destroy(corpus);
    if (negatives == NULL)
        assert_false(qctx_path_exists(test_path("out/negatives")));
    else
        check_negatives("train", negatives);
}

static void reads_the_forms_of_the_libraries(void **state)
{
    (void)state;
    /* sentence-transformers */
    check("a.jsonl", "{\"anchor\": \"a?\", \"positive\": \"p\", \"negative_1\": \"n\", \"negative_2\": \"m\"}\n", 1,
          "p|n|m", "query-id\tcorpus-id\nq0\tc1\nq0\tc2\n");
    check("b.jsonl", "[\"a?\", \"p\"]\n[\"b?\", \"q\", \"n\"]\n", 2, "p|q|n", "query-id\tcorpus-id\nq1\tc2\n");
    check("c.json", "[[\"a?\", \"p\"], [\"b?\", \"q\"]]", 2, "p|q", NULL);
    check("d.jsonl",
          "{\"sentence1\": \"a?\", \"sentence2\": \"p\", \"label\": 1}\n"
          "{\"sentence1\": \"b?\", \"sentence2\": \"q\", \"label\": 0}\n",
          1, "p", NULL);
    /* FlagEmbedding; a negative that answers the question is none. */
    check("e.jsonl",
          "{\"query\": \"a?\", \"pos\": [\"p\", \"r\"], \"neg\": [\"n\", \"r\", \"n\"]}\n"
          "{\"query\": \"b?\", \"pos\": [\"n\"], \"neg\": []}\n",
          2, "p|r|n", "query-id\tcorpus-id\nq0\tc2\n");
    assert_int_equal(probe_report.answering_negatives, 1);
    check("i.jsonl",
          "{\"query\": \"a?\", \"pos\": [\"p\"], \"neg\": [\"n\", \"m\"], \"pos_scores\": [0.9], \"neg_scores\": [0.7, "
          "0.5], \"prompt\": \"Find it: \", \"type\": \"normal\"}\n",
          1, "p|n|m", "query-id\tcorpus-id\nq0\tc1\nq0\tc2\n");
    assert_string_equal(probe_report.files[0].unused, "pos_scores, neg_scores, prompt, type");
    /* DPR */
    check("f.json",
          "[{\"dataset\": \"d\", \"question\": \"a?\", \"answers\": [\"x\"], \"positive_ctxs\": [{\"title\": \"T\", "
          "\"text\": "
          "\"p\", \"score\": 1000}], \"negative_ctxs\": [], \"hard_negative_ctxs\": [{\"title\": \"U\", \"text\": "
          "\"n\"}]}]",
          1, "p|n", "query-id\tcorpus-id\nq0\tc1\n");
    /* Tevatron */
    check("g.jsonl",
          "{\"query_id\": \"7\", \"query\": \"a?\", \"positive_passages\": [{\"docid\": \"1\", \"title\": \"T\", "
          "\"text\": "
          "\"p\"}], \"negative_passages\": [{\"docid\": \"2\", \"title\": \"\", \"text\": \"n\"}]}\n",
          1, "p|n", "query-id\tcorpus-id\n7\tc1\n");
    check("h.json", "{\"data\": [\n{\"Question\": \"a?\", \"Answer\": \"p\"}\n]}", 1, "p", NULL);
}

static void reads_tuples_of_tables(void **state)
{
    qctx_import_job job;

    (void)state;
    /* sentence-transformers' n-tuples, as a table; a field may be empty. */
    check("a.csv", "anchor,positive,negative_1,negative_2\na?,p,n,m\nb?,q,,n\n", 2, "p|n|m|q",
          "query-id\tcorpus-id\nq0\tc1\nq0\tc2\nq1\tc1\n");
    assert_int_equal(probe_report.files[0].negatives, 3);
    /* In the order of the file, whatever contexts came before. */
    check("d.jsonl",
          "{\"query\": \"a?\", \"pos\": [\"p\"], \"neg\": [\"m\"]}\n"
          "{\"query\": \"b?\", \"pos\": [\"q\"], \"neg\": [\"n\", \"m\", \"p\", \"n\"]}\n",
          2, "p|m|q|n", "query-id\tcorpus-id\nq0\tc1\nq1\tc3\nq1\tc1\nq1\tc0\n");
    /* MS MARCO's triples have no header. */
    job = probe_job("b.tsv", "a?\tp\tn\na?\tp\tm\nb?\tn\tp\n");
    probe_fails(job, QCTX_ERR_FORMAT, "negative");
    job = probe_job("b.tsv", "a?\tp\tn\na?\tp\tm\nb?\tn\tp\n");
    job.columns[QCTX_IMPORT_QUESTION] = "1";
    job.columns[QCTX_IMPORT_CONTEXT] = "2";
    job.columns[QCTX_IMPORT_NEGATIVE] = "3";
    qctx_corpus_destroy(probe_run(&job));
    check_negatives("train", "query-id\tcorpus-id\nq0\tc1\nq0\tc2\nq1\tc0\n");
}

static void names_keys_that_are_not_known(void **state)
{
    qctx_import_job job = probe_job("a.jsonl", "{\"prompt\": \"a?\", \"completion\": \"p\", \"extra\": 1}\n");
    qctx_error error;

    (void)state;
    job.folder = test_path("none");
    assert_status(qctx_import_run(&job, &probe_report, &error), QCTX_ERR_FORMAT, &error);
    assert_contains(error.message, "found 'prompt', 'completion', 'extra'; known for a question: question, query");
    assert_contains(error.hint, "--columns");
    job.folder = test_path("out");
    job.columns[QCTX_IMPORT_QUESTION] = "prompt";
    job.columns[QCTX_IMPORT_CONTEXT] = "completion";
    qctx_corpus_destroy(probe_run(&job));
    assert_string_equal(probe_report.files[0].unused, "extra");
}

static void mends_json_as_python_writes_it(void **state)
{
    qctx_import_job job =
        probe_job("a.jsonl", "{\"question\": \"half \\udc00?\", \"context\": \"\\ud83d\\ude80\", \"s\": NaN}\n"
                             "{\"question\": \"why?\", \"context\": \"a\\u0000b\", \"t\": [-Infinity]}\n"
                             "{\"question\": \"cut\n"
                             "{\"question\": \"NaN \\\"Infinity\\\"?\", \"context\": \"c\", \"n\": "
                             "123456789012345678901234567890}\n");
    qctx_import_counts *counts = &probe_report.files[0];
    qctx_corpus *corpus = probe_run(&job);

    (void)state;
    assert_int_equal(counts->kept, 3);
    assert_int_equal(counts->malformed, 1);
    assert_contains(counts->first_problem.message, "a.jsonl:3:");
    assert_int_equal(counts->mends.numbers, 2);
    assert_int_equal(counts->mends.surrogates, 1);
    assert_int_equal(counts->mends.nuls, 1);
    assert_string_equal(corpus->questions[0].text, "half \xEF\xBF\xBD?");
    assert_string_equal(corpus->contexts[0].text, "\xF0\x9F\x9A\x80");
    assert_string_equal(corpus->contexts[1].text, "a b");
    assert_string_equal(corpus->questions[2].text, "NaN \"Infinity\"?");
    qctx_corpus_destroy(corpus);
    job.strict = true;
    probe_fails(job, QCTX_ERR_FORMAT, "a.jsonl:1:");
}

/* Without ids, equal questions are one; with ids of their own they stay on one side. */
static void keeps_equal_questions_together(void **state)
{
    char text[8000] = "";
    qctx_import_job job;
    qctx_corpus *corpus;

    (void)state;
    check("a.jsonl", "{\"question\": \"a?\", \"answer\": \"p\"}\n{\"question\": \"a?\", \"answer\": \"q\"}\n", 1, "p|q",
          NULL);
    for (int i = 0; i < 60; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text),
                 "{\"id\": \"%d\", \"question\": \"what of %d?\", \"answer\": \"answer %d.\"}\n", i, i / 2, i);
    job = probe_job("b.jsonl", text);
    job.test_share = 0.5;
    corpus = probe_run(&job);
    assert_int_equal(corpus->question_count, 60);
    for (int i = 0; i < 60; i += 2) {
        char id[8];
        bool both[2];

        for (int k = 0; k < 2; k++) {
            const qctx_split *train = qctx_corpus_split(corpus, "train", NULL);

            snprintf(id, sizeof id, "%d", i + k);
            both[k] = false;
            for (int64_t j = 0; j < train->count; j++)
                both[k] = both[k] || train->questions[j] == probe_question(corpus, id);
        }
        assert_int_equal(both[0], both[1]);
    }
    qctx_corpus_destroy(corpus);
}

#define MILL  "\"title\": \"Mill\", \"context\": \"The mill burned. It was built in 1780. It burned in 1800.\""
#define WHOLE "The mill burned. It was built in 1780. It burned in 1800."

/* The shapes in which the Hub, pandas and others have answers; the sentence is taken where an answer has a place. */
static void reads_answers_in_their_shapes(void **state)
{
    static const struct {
        const char *rest, *context, *unused;
    } cases[] = {
        {"\"answers\": {\"text\": [\"1780\"], \"answer_start\": [33]}", "It was built in 1780.", ""},
        {"\"answers\": [{\"text\": \"1780\", \"answer_start\": 33}]", "It was built in 1780.", ""},
        {"\"answers\": [{\"text\": \"1780\", \"answer_start\": \"33\"}]", "It was built in 1780.", ""},
        {"\"answers\": [{\"text\": \"burned\", \"answer_start\": 42.0}]", "It burned in 1800.", ""},
        {"\"answers\": [{\"text\": \"1800\"}]", "It burned in 1800.", ""},
        {"\"is_impossible\": \"False\", \"answers\": [{\"text\": \"1780\", \"answer_start\": 33}]",
         "It was built in 1780.", ""},
        {"\"answers\": [\"1780\"]", WHOLE, "answers"},
        {"\"answers\": \"1780\"", WHOLE, "answers"},
        {"\"answers\": {\"text\": [\"1780\"]}", WHOLE, "answers"},
        {"\"answers\": null", NULL, ""},
        {"\"answers\": []", NULL, ""},
        {"\"answers\": {\"text\": [], \"answer_start\": []}", NULL, ""},
        {"\"is_impossible\": \"True\", \"answers\": []", NULL, ""},
        {"\"is_impossible\": 1", NULL, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[600];
        qctx_import_job job;
        qctx_corpus *corpus;

        snprintf(text, sizeof text,
                 "{\"id\": 7.0, \"question\": \"a?\", " MILL ", %s}\n"
                 "{\"id\": \"x\", \"question\": \"x?\", \"context\": \"y\"}\n",
                 cases[i].rest);
        job = probe_job("a.jsonl", text);
        corpus = probe_run(&job);
        assert_int_equal(probe_report.files[0].unanswerable, cases[i].context == NULL);
        assert_string_equal(probe_report.files[0].unused, cases[i].unused);
        if (cases[i].context != NULL)
            assert_string_equal(probe_context(corpus, "train", "7", 0), cases[i].context);
        qctx_corpus_destroy(corpus);
    }
    /* As pandas writes the Hub's records into a table: whether there is an answer is hidden in a text. */
    probe_fails(probe_job("b.csv", "question,context,answers\na?,b,\"{'text': array([], dtype=object)}\"\n"),
                QCTX_ERR_FORMAT, "b.csv:2: 'answers' is a text that a program printed");
}

/* A frame of two rows and a column beside, as pandas 3.1.1 writes it with to_json in each orientation. */
static void reads_tables_of_pandas(void **state)
{
    static const char *const texts[] = {
        "{\"id\":{\"0\":7,\"1\":8},\"context\":{\"0\":\"p\",\"1\":\"r\"},\"question\":{\"0\":\"a?\",\"1\":\"b?\"}}",
        "{\"0\":{\"id\":7,\"context\":\"p\",\"question\":\"a?\"},\"1\":{\"id\":8,\"context\":\"r\",\"question\":\"b?\"}"
        "}",
        "{\"columns\":[\"id\",\"context\",\"question\"],\"index\":[0,1],\"data\":[[7,\"p\",\"a?\"],[8,\"r\",\"b?\"]]}",
        "[{\"id\":7,\"context\":\"p\",\"question\":\"a?\"},{\"id\":8,\"context\":\"r\",\"question\":\"b?\"}]",
        "{\"id\":7,\"context\":\"p\",\"question\":\"a?\"}\n{\"id\":8,\"context\":\"r\",\"question\":\"b?\"}\n",
        "{\"schema\":{\"fields\":[{\"name\":\"index\",\"type\":\"integer\"}]},\"data\":[{\"index\":0,\"id\":7,"
        "\"context\":\"p\","
        "\"question\":\"a?\"},{\"index\":1,\"id\":8,\"context\":\"r\",\"question\":\"b?\"}]}",
        /* datasets' to_dict */
        "{\"id\": [7, 8], \"context\": [\"p\", \"r\"], \"question\": [\"a?\", \"b?\"]}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        qctx_import_job job = probe_job("a.json", texts[i]);
        qctx_corpus *corpus = probe_run(&job);

        assert_int_equal(corpus->question_count, 2);
        assert_string_equal(corpus->questions[0].text, "a?");
        assert_string_equal(probe_context(corpus, "train", "7", 0), "p");
        assert_string_equal(probe_context(corpus, "train", "8", 0), "r");
        qctx_corpus_destroy(corpus);
    }
    probe_fails(probe_job("b.json", "{\"columns\":[\"question\",\"context\"],\"data\":[[\"a?\",\"b\",\"c\"]]}"),
                QCTX_ERR_FORMAT, "b.json: data[0]: found a row of 3 values, expected 2");
}

/* A question in parts is one record, not a table of them. */
static void takes_no_record_for_a_table(void **state)
{
    (void)state;
    probe_fails(
        probe_job("a.jsonl", "{\"query\": [\"find\", \"a?\"], \"pos\": [[\"read\", \"p\"], [\"read\", \"r\"]]}\n"),
        QCTX_ERR_FORMAT, "a.jsonl:1: 'query' is an array, expected a string");
    probe_fails(probe_job("b.jsonl", "{\"query\": [\"find\", \"a?\"], \"pos\": [\"p\"]}\n"), QCTX_ERR_FORMAT,
                "b.jsonl:1: 'query' is an array, expected a string");
    probe_fails(probe_job("c.jsonl", "{\"question\": {\"text\": \"a?\"}, \"context\": \"b\"}\n"), QCTX_ERR_FORMAT,
                "c.jsonl:1: 'question' is an object, expected a string");
}

/* Longer than what the format is told from. */
static void reads_large_tables_of_pandas(void **state)
{
    enum { ROWS = 6000 };
    static const char *const begins[] = {"{\"question\":{", "{\"answers\":{\"0\":null},\"question\":{"};
    char *text = malloc(64 * ROWS);

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++) {
        int used = sprintf(text, "%s", begins[i]);
        qctx_import_job job;
        qctx_corpus *corpus;

        for (int row = 0; row < ROWS; row++)
            used += sprintf(text + used, "%s\"%d\":\"why %d?\"", row > 0 ? "," : "", row, row);
        used += sprintf(text + used, "},\"passage\":{");
        for (int row = 0; row < ROWS; row++)
            used += sprintf(text + used, "%s\"%d\":\"so %d\"", row > 0 ? "," : "", row, row);
        sprintf(text + used, "}}");
        job = probe_job("a.json", text);
        corpus = probe_run(&job);
        assert_int_equal(corpus->question_count, ROWS);
        assert_string_equal(corpus->questions[ROWS - 1].text, "why 5999?");
        qctx_corpus_destroy(corpus);
    }
    free(text);
}

static void takes_the_passages_that_were_selected(void **state)
{
    qctx_import_job job;

    (void)state;
    /* MS MARCO on the Hub; a question without a selected passage has no answer. */
    check("a.jsonl",
          "{\"query_id\": 1, \"query\": \"a?\", \"answers\": [\"x\"], \"passages\": {\"is_selected\": [0, 1, 0], "
          "\"passage_text\": [\"n\", \"p\", \"m\"], \"url\": [\"u\", \"v\", \"w\"]}}\n"
          "{\"query_id\": 2, \"query\": \"b?\", \"passages\": {\"is_selected\": [0], \"passage_text\": [\"z\"]}}\n",
          1, "p|n|m", "query-id\tcorpus-id\n1\tc1\n1\tc2\n");
    assert_int_equal(probe_report.files[0].unanswerable, 1);
    /* and as it is published, by columns. */
    check("b.json",
          "{\"passages\": {\"19\": [{\"is_selected\": 1, \"passage_text\": \"p\"}, {\"is_selected\": 0, "
          "\"passage_text\": "
          "\"n\"}]}, \"query\": {\"19\": \"a?\"}, \"query_id\": {\"19\": 5}}",
          1, "p|n", "query-id\tcorpus-id\n5\tc1\n");
    job = probe_job("c.jsonl", "{\"query\": \"a?\", \"passages\": [\"p\", \"r\"]}\n");
    probe_fails(job, QCTX_ERR_FORMAT, "c.jsonl:1: the key 'context' is missing; found 'query', 'passages'");
    /* HotpotQA: paragraphs, of which not all answer. */
    probe_fails(probe_job("d.json", "[{\"question\": \"a?\", \"context\": [[\"T\", [\"s.\", \"t.\"]]]}]"),
                QCTX_ERR_FORMAT, "d.json: [0]: 'context' is an array, expected a string");
}

/* As Python's json, which takes the last of equal keys; commas are what is left of an array's lines. */
static void mends_doubled_keys_and_commas(void **state)
{
    qctx_import_job job = probe_job("a.jsonl", "{\"question\": \"a?\", \"context\": \"p\", \"context\": \"r\"},\n"
                                               "{\"question\": \"b?\", \"context\": \"s\", \"x\": NaN, \"x\": 1},\r\n"
                                               "{\"question\": \"c?\", \"context\": \"t,\"}\n");
    qctx_corpus *corpus = probe_run(&job);

    (void)state;
    assert_int_equal(probe_report.files[0].kept, 3);
    assert_int_equal(probe_report.files[0].mends.doubled, 2);
    assert_int_equal(probe_report.files[0].mends.numbers, 1);
    assert_int_equal(probe_report.files[0].commas, 2);
    assert_string_equal(corpus->contexts[0].text, "r");
    assert_string_equal(corpus->contexts[2].text, "t,");
    qctx_corpus_destroy(corpus);
    job.strict = true;
    probe_fails(job, QCTX_ERR_FORMAT, "a.jsonl:1:");
    job = probe_job("b.jsonl", "{\"question\": \"a?\", \"context\": \"p\", \"context\": \"r\"}\n");
    job.strict = true;
    probe_fails(job, QCTX_ERR_FORMAT, "b.jsonl:1:44: not valid JSON: duplicate object key");
    job = probe_job("c.json", "[{\"question\": \"a?\", \"context\": \"p\", \"question\": \"b?\"}]");
    corpus = probe_run(&job);
    assert_int_equal(probe_report.files[0].mends.doubled, 1);
    assert_string_equal(corpus->questions[0].text, "b?");
    qctx_corpus_destroy(corpus);
}

/* Each once, also those of SQuAD's questions, and as many as there is room for. */
static void names_what_is_not_used_once(void **state)
{
    char text[1200] = "";
    qctx_import_job job;

    (void)state;
    for (int i = 0; i < 3; i++)
        strcat(text,
               "{\"question\": \"a?\", \"context\": \"b\", \"id\": 1, \"xid\": 1, \"x\": 2, \"\\u001b[2J\": 3}\n");
    job = probe_job("a.jsonl", text);
    qctx_corpus_destroy(probe_run(&job));
    assert_string_equal(probe_report.files[0].unused, "xid, x, \\x1b[2J");
    job = probe_job(
        "b.json", "[{\"paragraphs\": [{\"context\": \"A cat sat.\", \"qas\": [{\"qid\": \"1\", \"question\": \"Who?\", "
                  "\"answers\": [\"cat\"], \"tokens\": []}]}]}]");
    qctx_corpus_destroy(probe_run(&job));
    assert_string_equal(probe_report.files[0].unused, "qid, tokens");
    strcpy(text, "{\"question\": \"a?\", \"context\": \"b\"");
    for (int i = 0; i < 40; i++)
        sprintf(text + strlen(text), ", \"column %d\": 1", i);
    strcat(text, "}\n");
    job = probe_job("c.jsonl", text);
    qctx_corpus_destroy(probe_run(&job));
    assert_contains(probe_report.files[0].unused, "column 0, column 1, ");
    assert_contains(probe_report.files[0].unused, ", …");
}

/* In every format that has no ids, equal questions with other contexts are one question. */
static void joins_equal_questions_in_every_format(void **state)
{
    static const char *const files[][2] = {
        {"a.csv", "question,context\na?,p\nb?,r\na?,s\n"},
        {"a.tsv", "a?\tp\nb?\tr\na?\ts\n"},
        {"a.jsonl", "[\"a?\", \"p\"]\n[\"b?\", \"r\"]\n[\"a?\", \"s\"]\n"},
        {"a.json", "[{\"query\": \"a?\", \"answer\": \"p\"}, {\"query\": \"b?\", \"answer\": \"r\"}, "
                   "{\"query\": \" a?\", \"answer\": \"s\"}]"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        qctx_import_job job = probe_job(files[i][0], files[i][1]);
        qctx_corpus *corpus = probe_run(&job);

        assert_int_equal(corpus->question_count, 2);
        assert_string_equal(probe_context(corpus, "train", "q0", 0), "p");
        assert_string_equal(probe_context(corpus, "train", "q0", 1), "s");
        qctx_corpus_destroy(corpus);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(reads_the_forms_of_the_libraries),
    cmocka_unit_test(reads_answers_in_their_shapes),
    cmocka_unit_test(reads_tuples_of_tables),
    cmocka_unit_test(names_keys_that_are_not_known),
    cmocka_unit_test(reads_tables_of_pandas),
    cmocka_unit_test(reads_large_tables_of_pandas),
    cmocka_unit_test(takes_no_record_for_a_table),
    cmocka_unit_test(takes_the_passages_that_were_selected),
    cmocka_unit_test(mends_doubled_keys_and_commas),
    cmocka_unit_test(mends_json_as_python_writes_it),
    cmocka_unit_test(keeps_equal_questions_together),
    cmocka_unit_test(names_what_is_not_used_once),
    cmocka_unit_test(joins_equal_questions_in_every_format),
};
TEST_MAIN(tests)
