/* ranks: 1 */
#include "harness.h"

#include <stdlib.h>
#include <string.h>

#include "import_probe.h"
#include "qctx/base/fileio.h"
#include "qctx/base/outfile.h"

static void reads_json_lines(void **state)
{
    qctx_import_job job = probe_job(
        "a.jsonl", "\xEF\xBB\xBF{\"question\": \"Who sat?\", \"context\": \"A cat sat. It slept.\", \"title\": "
                   "\"Pets\", \"answer\": 5}\r\n"
                   "\n"
                   "{\"query\": \" Who\\n ran?\", \"passage\": \"The  dog ran.\", \"id\": \"r\"}\n"
                   "{\"query\": \"Who flew?\", \"positive\": \"A bird.\", \"_id\": 12, \"title\": null}\n"
                   "{\"question\": \"Who ran?\", \"context\": \"A dog, it ran.\", \"id\": \"r\"}\n"
                   "{\"question\": \"\", \"context\": \"A bird.\"}\n"
                   "{\"question\": \"Who?\", \"context\": \" \\t \"}\n"
                   "{\"question\": \"Who  sat?\", \"context\": \"A cat sat. It slept.\", \"title\": \"Pets\"}");
    qctx_corpus *corpus;

    (void)state;
    job.prefix = true;
    corpus = probe_run(&job);
    assert_int_equal(probe_report.files[0].format, QCTX_IMPORT_JSONL);
    assert_int_equal(probe_report.files[0].read, 7);
    assert_int_equal(probe_report.files[0].kept, 4);
    assert_int_equal(probe_report.files[0].empty, 2);
    assert_int_equal(probe_report.files[0].merged, 1);
    assert_int_equal(corpus->question_count, 3);
    assert_string_equal(corpus->questions[0].id, "q0");
    assert_string_equal(corpus->questions[0].text, "This is a question about Pets. Who sat?");
    assert_string_equal(corpus->contexts[0].text, "A cat sat. It slept.");
    assert_string_equal(corpus->questions[1].text, "Who ran?");
    assert_string_equal(probe_context(corpus, "train", "12", 0), "A bird.");

    /* The same id and question again: one question with two contexts. */
    assert_string_equal(probe_context(corpus, "train", "r", 0), "The dog ran.");
    assert_string_equal(probe_context(corpus, "train", "r", 1), "A dog, it ran.");
    qctx_corpus_destroy(corpus);
}

static void reads_tab_separated_lines(void **state)
{
    qctx_import_job job = probe_job("a.tsv", "Question\tContext\tTitle\nWho sat?\tA cat sat.\tPets\r\n"
                                             "Who ran?\tThe dog \"ran\".\n\t\t\n \tA bird.\n");
    qctx_corpus *corpus;

    (void)state;
    corpus = probe_run(&job);
    assert_int_equal(probe_report.files[0].format, QCTX_IMPORT_TSV);
    assert_int_equal(probe_report.files[0].read, 3);
    assert_int_equal(probe_report.files[0].empty, 1);
    assert_int_equal(corpus->question_count, 2);
    assert_string_equal(corpus->contexts[0].title, "Pets");
    assert_string_equal(corpus->contexts[1].text, "The dog \"ran\".");
    assert_string_equal(corpus->contexts[1].title, "");
    qctx_corpus_destroy(corpus);

    /* Without a header, the first line counts. */
    job = probe_job("b.tsv", "Questioned by whom?\tThe judge.");
    corpus = probe_run(&job);
    assert_string_equal(corpus->questions[0].text, "Questioned by whom?");
    qctx_corpus_destroy(corpus);
}

/* A first line longer than what the format is told from. */
static void tells_the_format_of_long_lines(void **state)
{
    enum { LENGTH = 200000 };
    char *text = malloc(LENGTH + 100);
    qctx_import_job job;
    qctx_corpus *corpus;

    (void)state;
    strcpy(text, "{\"question\": \"Who?\", \"context\": \"");
    memset(text + strlen(text), 'x', LENGTH);
    strcpy(text + LENGTH, "\"}\n");
    job = probe_job("long.jsonl", text);
    corpus = probe_run(&job);
    assert_int_equal(probe_report.files[0].format, QCTX_IMPORT_JSONL);
    qctx_corpus_destroy(corpus);
    free(text);
}

static void names_file_and_line_of_what_is_malformed(void **state)
{
    static const struct {
        const char *file, *text, *expected;
        qctx_import_format format;
    } cases[] = {
        {"a.jsonl", "{\"question\": \"Who?\", \"context\": \"x\"}\n{\"question\"\n", "a.jsonl:2:11: not valid JSON", 0},
        {"a.jsonl", "{\"question\": \"Who?\", \"context\": \"x\"}\n[]\n", "a.jsonl:2: found an array of 0", 0},
        {"a.jsonl", "{\"question\": \"Who?\"}\n", "a.jsonl:1: the key 'context' is missing", 0},
        {"a.jsonl", "{\"question\": 5, \"context\": \"x\"}\n", "a.jsonl:1: 'question' is an integer", 0},
        {"a.jsonl", "{\"question\": \"Who?\", \"context\": [\"x\"]}\n", "a.jsonl:1: 'context' is an array", 0},
        {"a.jsonl", "{\"question\": \"Who?\", \"context\": \"x\", \"id\": 1.5}\n", "a.jsonl:1: 'id' is a number", 0},
        {"a.jsonl", "{\"question\": \"Who?\", \"context\": \"x\", \"title\": []}\n", "a.jsonl:1: 'title' is", 0},
        {"a.jsonl", "{\"question\": \"Who?\", \"context\": \"\\ud83d\"}\n", "a.jsonl:1:", QCTX_IMPORT_JSONL},
        {"a.jsonl", "{\"question\": \"Who?\", \"context\": \"\xC3\"}\n", "a.jsonl:1:", QCTX_IMPORT_JSONL},
        {"a.tsv", "Who?\tx\nonly one column\n", "a.tsv:2: the row has 1 columns, expected 2", 0},
        {"a.tsv", "only one column\n", "a.tsv:1: the line has no tab", QCTX_IMPORT_TSV},
        {"a.tsv", "Who?\tx\ty\tz\n", "a.tsv:1: the line has more than two columns and no first line", 0},
        {"a.tsv", "Who?\tx\xFF\n", "a.tsv:1:7: the byte 0xff", 0},
        {"a.txt", "just, a sentence\n", "neither JSON nor divided by tabs", 0},
        {"a.txt", "just a sentence\n",
         "the first line has no tab, comma or semicolon: one column, expected a question and a context: 'just a", 0},
        {"a.txt", "question|answer\nwho?|she\n", "no tab, comma or semicolon: one column, expected", 0},
        {"a.txt", " \n\n", "holds no text", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        qctx_import_job job = probe_job(cases[i].file, cases[i].text);

        job.format = cases[i].format;
        job.strict = true;
        probe_fails(job, QCTX_ERR_FORMAT, cases[i].expected);
    }
}

static void refuses_binary_files(void **state)
{
    static const char bytes[] = "Who?\tx\0y\n";
    qctx_import_job job = probe_job("bin.tsv", "");

    (void)state;
    assert_int_equal(qctx_file_write(job.files[0].path, bytes, sizeof bytes - 1, NULL), QCTX_OK);
    probe_fails(job, QCTX_ERR_FORMAT, "bin.tsv:1: the line holds a NUL character");
}

/* As Python's csv and json modules read the same texts, but for other white space. */
static void keeps_line_breaks_of_contexts(void **state)
{
    qctx_import_job job = probe_job("a.csv", "\xEF\xBB\xBFquestion;context\r\n\"Who;\r\nme?\";\"He said \"\"no\"\".\r\n"
                                             "Twice,  in  all.\r\n\r\n\r\nSo there.\"\r\n");
    qctx_corpus *corpus = probe_run(&job);
    char *written;
    size_t bytes;

    (void)state;
    assert_string_equal(corpus->questions[0].text, "Who; me?");
    assert_string_equal(corpus->contexts[0].text, "He said \"no\".\nTwice, in all.\n\nSo there.");
    qctx_corpus_destroy(corpus);
    assert_int_equal(qctx_file_read(test_path("out/corpus.jsonl"), &written, &bytes, NULL), QCTX_OK);
    assert_contains(written, "He said \\\"no\\\".\\nTwice, in all.\\n\\nSo there.");
    free(written);

    /* Equal but for line breaks: one context, as it came first, also as a negative. */
    job = probe_job("a.jsonl", "{\"question\": \"a?\", \"context\": \"x\\n y\", \"title\": \"t\\nu\"}\n"
                               "{\"question\": \"b?\", \"context\": \"x y\"}\n"
                               "{\"question\": \"a?\", \"context\": \"x\\r\\n\\r\\ny\"}\n"
                               "{\"question\": \"c?\", \"context\": \"z\", \"negative\": \"x  y\"}\n");
    corpus = probe_run(&job);
    assert_int_equal(corpus->context_count, 2);
    assert_string_equal(corpus->contexts[0].text, "x\ny");
    assert_string_equal(corpus->contexts[0].title, "t u");
    assert_int_equal(probe_report.files[0].merged, 1);
    assert_int_equal(probe_report.negatives, 1);
    qctx_corpus_destroy(corpus);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(reads_json_lines),
    cmocka_unit_test(reads_tab_separated_lines),
    cmocka_unit_test(tells_the_format_of_long_lines),
    cmocka_unit_test(names_file_and_line_of_what_is_malformed),
    cmocka_unit_test(refuses_binary_files),
    cmocka_unit_test(keeps_line_breaks_of_contexts),
};
TEST_MAIN(tests)
