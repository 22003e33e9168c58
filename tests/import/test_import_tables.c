/* ranks: 1 */
#include "harness.h"

#include <string.h>

#include <stdlib.h>

#include "import_probe.h"
#include "qctx/base/fileio.h"
#include "qctx/base/log.h"

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
          QCTX_IMPORT_CSV, 2, "Who said \"no\", and why?", "Ann,\nof the \"Lark\".", "");
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

/* A name that is not there, a number too, and one that two columns have. */
static void refuses_columns_that_are_not_there(void **state)
{
    qctx_import_job job = probe_job("a.csv", "Frage,Antwort\nWer?,Sie.\n");

    (void)state;
    job.columns[QCTX_IMPORT_QUESTION] = "Frage";
    job.columns[QCTX_IMPORT_CONTEXT] = "Antwrt";
    probe_fails(job, QCTX_ERR_FORMAT,
                "a.csv:1: --columns names 'Frage' and 'Antwrt' for question and context; found "
                "'Frage', 'Antwort'");
    job.columns[QCTX_IMPORT_CONTEXT] = "antwort";
    job.columns[QCTX_IMPORT_TITLE] = "Titel";
    probe_fails(job, QCTX_ERR_FORMAT, "a.csv: --columns names 'Titel' for the title, and no record has it");
    job.columns[QCTX_IMPORT_TITLE] = NULL;
    job.columns[QCTX_IMPORT_QUESTION] = "1";
    job.columns[QCTX_IMPORT_CONTEXT] = "7";
    probe_fails(job, QCTX_ERR_FORMAT, "a.csv:1: --columns names '7' for the context; found '1', '2'");

    probe_fails(probe_job("b.csv", "question,context,Context\na?,b,c\n"), QCTX_ERR_FORMAT,
                "b.csv:1: the columns 2 and 3 are both called 'context'");
    job = probe_job("c.csv", "question,context,note,note\na?,b,c,d\n");
    qctx_corpus_destroy(probe_run(&job));
    assert_string_equal(probe_report.files[0].unused, "note");
    job = probe_job("d.csv", "question,context,context\na?,b,c\n");
    job.columns[QCTX_IMPORT_QUESTION] = "1";
    job.columns[QCTX_IMPORT_CONTEXT] = "3";
    qctx_corpus_destroy(probe_run(&job));
    job = probe_job("e.csv", "{\"question\": \"a?\", \"context\": \"b\"}\n");
    job.format = QCTX_IMPORT_CSV;
    probe_fails(job, QCTX_ERR_FORMAT, "e.csv:1: the line begins as JSON does");
}

/* What spreadsheets have above their header, and tables of one column. */
static void refuses_a_first_row_of_one_cell(void **state)
{
    static const char *const texts[] = {"Our FAQ;;\nquestion;answer;\na?;b;\n", ",Our FAQ,\nquestion,answer,\na?,b,\n",
                                        "Our FAQ\t\t\nquestion\tanswer\t\na?\tb\t\n",
                                        "\tOur FAQ\t\nquestion\tanswer\t\na?\tb\t\n"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        qctx_import_job job = probe_job("a.csv", texts[i]);

        probe_fails(job, QCTX_ERR_FORMAT, "one cell that is not empty, expected a question and a context");
        job.columns[QCTX_IMPORT_QUESTION] = "1";
        job.columns[QCTX_IMPORT_CONTEXT] = "2";
        probe_fails(job, QCTX_ERR_FORMAT, "one cell that is not empty, expected a question and a context");
    }
}

/* What the log says of a table whose first line may be names or a pair. */
static void says_log(const char *text, const char *question, const char *context, const char *part)
{
    qctx_import_job job = probe_job("a.tsv", text);
    FILE *log = fopen(test_path("log"), "w");
    FILE *before = qctx_log_redirect(log);
    qctx_corpus *corpus;
    char *said;
    size_t bytes;

    job.columns[QCTX_IMPORT_QUESTION] = question;
    job.columns[QCTX_IMPORT_CONTEXT] = context;
    corpus = probe_run(&job);
    qctx_log_redirect(before);
    fclose(log);
    qctx_corpus_destroy(corpus);
    assert_int_equal(probe_report.files[0].kept, 2);
    assert_int_equal(qctx_file_read(test_path("log"), &said, &bytes, NULL), QCTX_OK);
    assert_contains(said, part);
    free(said);
}

static void names_a_first_line_that_may_be_a_header(void **state)
{
    (void)state;
    says_log(
        "Frage\tAntwort\nWer?\tSie.\n", NULL, NULL,
        "a.tsv:1: 'Frage' and 'Antwort' may be the columns' names: taken for a question and its context; --columns "
        "question=Frage,context=Antwort takes them for names");
    says_log("Who came?\tShe did.\nWho?\tShe.\n", NULL, NULL, "a.tsv: no line names the columns");
    says_log("Nr\tFrage\tAntwort\n1\tWer?\tSie.\n", "2", "3",
             "a.tsv:1: 'Frage' and 'Antwort' may be the columns' names");
    says_log("Nr\tFrage\tAntwort\n1\tWer?\tSie.\n", "3", "2",
             "--columns question=Antwort,context=Frage takes them for names");
}

/* What pandas and sentence-transformers write beside the texts. */
static void reads_labels_that_are_texts(void **state)
{
    qctx_import_job job = probe_job("a.csv", "question,context,label\na?,b,0\nc?,d,false\ne?,f,True\ng?,h,1\n");

    (void)state;
    qctx_corpus_destroy(probe_run(&job));
    assert_int_equal(probe_report.files[0].kept, 2);
    assert_int_equal(probe_report.files[0].no_pair, 2);
    job = probe_job("a.jsonl", "{\"question\": \"a?\", \"context\": \"b\", \"label\": \"0\"}\n"
                               "{\"question\": \"c?\", \"context\": \"d\", \"label\": \"false\"}\n"
                               "{\"question\": \"e?\", \"context\": \"f\", \"label\": \"1\"}\n");
    qctx_corpus_destroy(probe_run(&job));
    assert_int_equal(probe_report.files[0].kept, 1);
    assert_int_equal(probe_report.files[0].no_pair, 2);
    probe_fails(probe_job("b.csv", "question,context,label\na?,b,0\nc?,d,0\n"), QCTX_ERR_DATA,
                "of 2 read, 2 are no pairs by their label or score");
    probe_fails(probe_job("c.csv", "question,context,label\na?,b,0\nc?,,1\n"), QCTX_ERR_DATA,
                "of 2 read, 1 are no pairs by their label or score, 1 lack a text");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(reads_quotes_as_rfc_4180_has_them), cmocka_unit_test(leaves_plain_quotes_between_tabs),
    cmocka_unit_test(counts_rows_that_are_malformed),    cmocka_unit_test(takes_no_third_column_for_a_title),
    cmocka_unit_test(takes_columns_that_the_user_names), cmocka_unit_test(refuses_columns_that_are_not_there),
    cmocka_unit_test(refuses_a_first_row_of_one_cell),   cmocka_unit_test(names_a_first_line_that_may_be_a_header),
    cmocka_unit_test(reads_labels_that_are_texts),
};
TEST_MAIN(tests)
