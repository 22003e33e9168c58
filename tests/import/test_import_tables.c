/* ranks: 1 */
#include "harness.h"

#include <string.h>

#include "import_probe.h"

/* Imports a table and checks one question's context and title, and how many there are. */
static void check(const char *file, const char *text, qctx_import_format format, int64_t questions,
                  const char *question, const char *context, const char *title)
{
    qctx_import_job job = probe_job(file, text);
    qctx_corpus *corpus = probe_run(&job);
    int64_t row = 0;

    assert_int_equal(probe_report.files[0].format, format);
    assert_int_equal(corpus->question_count, questions);
    while (row < questions && strcmp(corpus->questions[row].text, question) != 0)
        row++;
    assert_true(row < questions);
    assert_string_equal(probe_context(corpus, "train", corpus->questions[row].id, 0), context);
    for (int64_t i = 0; i < corpus->context_count; i++)
        if (strcmp(corpus->contexts[i].text, context) == 0)
            assert_string_equal(corpus->contexts[i].title, title);
    qctx_corpus_destroy(corpus);
}

static void reads_quotes_as_rfc_4180_has_them(void **state)
{
    (void)state;
    check("a.csv",
          "\xEF\xBB\xBFQuestion,Answer,Title\r\n\"Who said \"\"no\"\", and why?\",\"Ann,\r\nof the \"\"Lark\"\".\",\r\n"
          "plain?,yes 5\" wide,T\r\n,,\r\n",
          QCTX_IMPORT_CSV, 2, "Who said \"no\", and why?", "Ann, of the \"Lark\".", "");
    check("b.csv", "query;passage;title\nHow much?;\"1,5; or 2\";Prices\n", QCTX_IMPORT_CSV, 1, "How much?",
          "1,5; or 2", "Prices");
    check("c.csv", "sep=;\nquestion;answer\na?;b, c\n", QCTX_IMPORT_CSV, 1, "a?", "b, c", "");
    check("d.tsv", "question\tcontext\n\"two\nlines?\"\t\"a\ttab\"\n", QCTX_IMPORT_TSV, 1, "two lines?", "a tab", "");
}

/* Between tabs quotes need not be quotes: neither one that does not close nor one that would swallow a row. */
static void leaves_plain_quotes_between_tabs(void **state)
{
    (void)state;
    check("a.tsv", "who?\tshe\n\"what is\tan open quote\nwhy?\tso\" it goes\n", QCTX_IMPORT_TSV, 3, "\"what is",
          "an open quote", "");
    check("b.tsv", "who?\tshe\n\"what is\tit\nwhy\"\tso\n", QCTX_IMPORT_TSV, 3, "why\"", "so", "");
    check("c.tsv", "who?\t\"Yes\" she said\n", QCTX_IMPORT_TSV, 1, "who?", "\"Yes\" she said", "");
}

/* One stray quote costs its row, not those behind it. */
static void counts_rows_that_are_malformed(void **state)
{
    qctx_import_job job = probe_job("a.csv", "question,answer\na?,b\n\"c?,d\ne?,f\ng?,h,i\nj?,\"k\"\n");
    qctx_corpus *corpus = probe_run(&job);

    (void)state;
    assert_int_equal(probe_report.files[0].kept, 3);
    assert_int_equal(probe_report.files[0].malformed, 2);
    assert_contains(probe_report.files[0].first_problem.message, "a.csv:3: a quote does not close");
    qctx_corpus_destroy(corpus);
    job.strict = true;
    probe_fails(job, QCTX_ERR_FORMAT, "a.csv:3: a quote does not close");
}

static void takes_no_third_column_for_a_title(void **state)
{
    qctx_import_job job = probe_job("a.tsv", "question\tpositive\tnegative\tlabel\n"
                                             "a?\tright\twrong\t1\nb?\tno pair\tx\t0\nc?\tgood\t\t1.0\n");
    qctx_corpus *corpus = probe_run(&job);

    (void)state;
    assert_int_equal(probe_report.files[0].kept, 2);
    assert_int_equal(probe_report.files[0].no_pair, 1);
    assert_int_equal(probe_report.files[0].negatives, 1);
    assert_int_equal(corpus->context_count, 3);
    for (int64_t i = 0; i < 3; i++)
        assert_string_equal(corpus->contexts[i].title, "");
    qctx_corpus_destroy(corpus);

    probe_fails(probe_job("b.tsv", "a?\tright\twrong\nb?\tgood\tbad\n"), QCTX_ERR_FORMAT,
                "b.tsv:1: the line has more than two columns");
    probe_fails(probe_job("c.tsv", "a?\tright\t1\n"), QCTX_ERR_FORMAT, "'a?', 'right', '1'");
    probe_fails(probe_job("d.tsv", "question\tcontext\tlabel\na?\tb\t0.4\n"), QCTX_ERR_FORMAT, "'label' is 0.4");
    probe_fails(probe_job("e.csv", "Frage,Antwort\na?,b\n"), QCTX_ERR_FORMAT, "'Frage,Antwort'");
    probe_fails(probe_job("f.csv", "question,Antwort\na?,b\n"), QCTX_ERR_FORMAT, "'question,Antwort'");
    probe_fails(probe_job("g.tsv", "prompt\tanswer\na?\tb\n"), QCTX_ERR_FORMAT, "'prompt', 'answer'; known");
}

static void takes_columns_that_the_user_names(void **state)
{
    qctx_import_job job = probe_job("a.csv", "Nr;Meine Frage;Antwort;title\n7;wer?;sie;T\n");
    qctx_corpus *corpus;

    (void)state;
    job.columns[QCTX_IMPORT_QUESTION] = "meine frage";
    job.columns[QCTX_IMPORT_CONTEXT] = "Antwort";
    job.columns[QCTX_IMPORT_ID] = "Nr";
    corpus = probe_run(&job);
    assert_string_equal(probe_context(corpus, "train", "7", 0), "sie");
    assert_string_equal(corpus->questions[0].text, "wer?");
    assert_string_equal(corpus->contexts[0].title, "");
    assert_string_equal(probe_report.files[0].unused, "title");
    qctx_corpus_destroy(corpus);
    job.columns[QCTX_IMPORT_CONTEXT] = "Reply";
    probe_fails(job, QCTX_ERR_FORMAT, "Antwort");

    job = probe_job("b.tsv", "x\twho?\tshe\tT\ny\twhy?\tso\tT\n");
    job.columns[QCTX_IMPORT_QUESTION] = "2";
    job.columns[QCTX_IMPORT_CONTEXT] = "3";
    job.columns[QCTX_IMPORT_TITLE] = "4";
    corpus = probe_run(&job);
    assert_int_equal(corpus->question_count, 2);
    assert_string_equal(corpus->questions[0].text, "who?");
    assert_string_equal(corpus->contexts[1].text, "so");
    assert_string_equal(corpus->contexts[1].title, "T");
    qctx_corpus_destroy(corpus);
}

static void names_what_is_no_text(void **state)
{
    (void)state;
    probe_fails(probe_job("a.txt", "\xFF\xFEw"), QCTX_ERR_FORMAT, "a.txt: the file is text in UTF-16");
    probe_fails(probe_job("a.xlsx", "PK\x03\x04rest"), QCTX_ERR_FORMAT, "a zip archive");
    probe_fails(probe_job("a.parquet", "PAR1rest"), QCTX_ERR_FORMAT, "Parquet");
    probe_fails(probe_job("a.gz", "\x1f\x8b\x08 not really gzip"), QCTX_ERR_FORMAT, "a.gz: compressed (gzip)");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(reads_quotes_as_rfc_4180_has_them), cmocka_unit_test(leaves_plain_quotes_between_tabs),
    cmocka_unit_test(counts_rows_that_are_malformed),    cmocka_unit_test(takes_no_third_column_for_a_title),
    cmocka_unit_test(takes_columns_that_the_user_names), cmocka_unit_test(names_what_is_no_text),
};
TEST_MAIN(tests)
