/* ranks: 1 */
#include "harness.h"

#include <stdlib.h>
#include <string.h>

#include "import_probe.h"
#include "qctx/base/arena.h"

static qctx_error error;

#define QA(id, text, start)                                                                                            \
    "{\"id\": \"" id "\", \"question\": \"What is " id "?\", \"answers\": [{\"text\": \"" text                         \
    "\", \"answer_start\": " #start "}]}"
#define PARAGRAPH(context, qas)    "{\"context\": \"" context "\", \"qas\": [" qas "]}"
#define ARTICLE(title, paragraphs) "{\"title\": \"" title "\", \"paragraphs\": [" paragraphs "]}"
#define SQUAD(articles)            "{\"version\": \"1.1\", \"data\": [" articles "]}"

/* Its sentences begin at code points 0, 11, 25 and 45. */
#define RIVER      "Es regnet. \xC3\x96l am Fluss.  Der \xF0\x9F\x98\x80 singt laut. \\n Ende."
#define RIVER_KEPT "Es regnet. \xC3\x96l am Fluss. Der \xF0\x9F\x98\x80 singt laut.\nEnde."

/* The row of the context with this text, which must exist. */
static int64_t row_of(const qctx_corpus *corpus, const char *text)
{
    for (int64_t i = 0; i < corpus->context_count; i++)
        if (strcmp(corpus->contexts[i].text, text) == 0)
            return i;
    fail_msg("no context '%s'", text);
    return -1;
}

/* Whether the context with this text has `expected` in a field, NULL for nothing. */
static void has(const qctx_corpus *corpus, const char *text, const char *field, const char *expected)
{
    const char **values = calloc((size_t)corpus->context_count, sizeof *values);
    const qctx_corpus_field *found = qctx_corpus_find_field(corpus, field);
    qctx_arena kept = {0};
    const char *value;

    assert_non_null(values);
    if (found != NULL)
        assert_status(qctx_corpus_read_field(corpus, found, &kept, values, &error), QCTX_OK, &error);
    value = values[row_of(corpus, text)];
    if (expected == NULL)
        assert_null(value);
    else
        assert_string_equal(value == NULL ? "(none)" : value, expected);
    qctx_arena_free(&kept);
    free(values);
}

static void a_sentence_keeps_its_paragraph(void **state)
{
    const char *text =
        SQUAD(ARTICLE("River", PARAGRAPH(RIVER, QA("a", "regnet", 3) "," QA("b", "singt", 31)) "," PARAGRAPH(
                                   "Allein steht er.", QA("c", "steht", 7))));
    qctx_import_job job = probe_job("a.json", text);
    qctx_corpus *corpus = probe_run(&job);

    (void)state;
    has(corpus, "Es regnet.", "paragraph", RIVER_KEPT);
    has(corpus, "Der \xF0\x9F\x98\x80 singt laut.", "paragraph", RIVER_KEPT);
    has(corpus, "Allein steht er.", "paragraph", NULL); /* is the paragraph itself */
    has(corpus, "Es regnet.", "surroundings", NULL);    /* nobody asked for them */
    assert_int_equal(probe_report.paragraphs, 2);
    assert_int_equal(probe_report.surroundings, 0);
    qctx_corpus_destroy(corpus);

    job.paragraph = true;
    corpus = probe_run(&job);
    assert_int_equal(corpus->field_count, 0);
    qctx_corpus_destroy(corpus);
}

static void sentences_around_are_its_surroundings(void **state)
{
    const char *text = SQUAD(
        ARTICLE("River", PARAGRAPH(RIVER, QA("a", "regnet", 3) "," QA("b", "Fluss", 17) "," QA("d", "Ende", 45))));
    qctx_import_job job = probe_job("a.json", text);
    qctx_corpus *corpus;

    (void)state;
    job.surroundings = 1;
    corpus = probe_run(&job);
    has(corpus, "Es regnet.", "surroundings", "Es regnet. \xC3\x96l am Fluss.");
    has(corpus, "\xC3\x96l am Fluss.", "surroundings",
        "Es regnet. \xC3\x96l am Fluss. Der \xF0\x9F\x98\x80 singt laut.");
    has(corpus, "Ende.", "surroundings", "Der \xF0\x9F\x98\x80 singt laut.\nEnde.");
    qctx_corpus_destroy(corpus);

    job.surroundings = 1000;
    corpus = probe_run(&job);
    has(corpus, "Ende.", "surroundings", RIVER_KEPT);
    qctx_corpus_destroy(corpus);

    /* The context is three sentences, and the one behind them surrounds it. */
    job.surroundings = 2;
    job.radius = 1;
    corpus = probe_run(&job);
    has(corpus, "Es regnet. \xC3\x96l am Fluss. Der \xF0\x9F\x98\x80 singt laut.", "surroundings", RIVER_KEPT);
    qctx_corpus_destroy(corpus);
}

/* Equal sentences are one context, which stands in the paragraph that the files have first. */
static void the_first_paragraph_of_a_context_counts(void **state)
{
    const char *text = SQUAD(ARTICLE("A", PARAGRAPH("He left. It rained.", QA("a", "left", 3))) "," ARTICLE(
        "B", PARAGRAPH("He left. It snowed.", QA("b", "left", 3)) "," PARAGRAPH(
                 "It hailed.", QA("c", "hailed", 3)) "," PARAGRAPH("Hm! It hailed.", QA("d", "hailed", 7))));
    qctx_import_job job = probe_job("a.json", text);
    qctx_corpus *corpus;

    (void)state;
    job.surroundings = 1;
    corpus = probe_run(&job);
    assert_int_equal(corpus->context_count, 2);
    has(corpus, "He left.", "paragraph", "He left. It rained.");
    has(corpus, "He left.", "surroundings", "He left. It rained.");
    /* The first one says nothing beyond the sentence, and so the next one does. */
    has(corpus, "It hailed.", "paragraph", "Hm! It hailed.");
    has(corpus, "It hailed.", "surroundings", "Hm! It hailed.");
    qctx_corpus_destroy(corpus);
}

#define PAIR(question, context, title)                                                                                 \
    "{\"question\": \"" question "\", \"context\": \"" context "\", \"title\": \"" title "\"}\n"

static const char *const pairs =
    PAIR("q1", "One.", "A") PAIR("q2", "Zwei \xC3\x96l.", "A") PAIR("q3", "Other.", "B") PAIR("q4", "One.", "A")
        PAIR("q5", "Three.", "A") PAIR("q6", "Bare.", "") PAIR("q7", "Bald.", "") PAIR("q8", "Four.", "A");

/* Among those of its title, in the file's order, each where it stands first: One, Zwei, Three, Four. */
static void contexts_of_a_title_surround_each_other(void **state)
{
    qctx_import_job job = probe_job("a.jsonl", pairs);
    qctx_corpus *corpus;

    (void)state;
    job.surroundings = 1;
    corpus = probe_run(&job);
    has(corpus, "One.", "surroundings", "One. Zwei \xC3\x96l.");
    has(corpus, "Zwei \xC3\x96l.", "surroundings", "One. Zwei \xC3\x96l. Three.");
    has(corpus, "Three.", "surroundings", "Zwei \xC3\x96l. Three. Four.");
    has(corpus, "Four.", "surroundings", "Three. Four.");
    has(corpus, "Other.", "surroundings", NULL);
    has(corpus, "Bare.", "surroundings", NULL);
    assert_int_equal(probe_report.surroundings, 4);
    assert_int_equal(probe_report.paragraphs, 0);
    qctx_corpus_destroy(corpus);

    job.surroundings = 2;
    corpus = probe_run(&job);
    has(corpus, "One.", "surroundings", "One. Zwei \xC3\x96l. Three.");
    has(corpus, "Three.", "surroundings", "One. Zwei \xC3\x96l. Three. Four.");
    qctx_corpus_destroy(corpus);
}

/* Paragraphs of SQuAD are surrounded by those of their article. */
static void paragraphs_taken_whole_surround_each_other(void **state)
{
    const char *text = SQUAD(ARTICLE(
        "A", PARAGRAPH("He left. It rained.", QA("a", "left", 3)) "," PARAGRAPH(
                 "He came.", QA("b", "came", 3))) "," ARTICLE("B", PARAGRAPH("It snowed.", QA("c", "snowed", 3))));
    qctx_import_job job = probe_job("a.json", text);
    qctx_corpus *corpus;

    (void)state;
    job.surroundings = 1;
    job.paragraph = true;
    corpus = probe_run(&job);
    has(corpus, "He left. It rained.", "surroundings", "He left. It rained. He came.");
    has(corpus, "He came.", "surroundings", "He left. It rained. He came.");
    has(corpus, "It snowed.", "surroundings", NULL);
    qctx_corpus_destroy(corpus);
}

/* Contexts of another file are no neighbours, whatever their title. */
static void surroundings_end_with_the_file(void **state)
{
    qctx_import_job job = probe_job("a.jsonl", PAIR("q1", "One.", "A") PAIR("q2", "Two.", "A"));
    qctx_corpus *corpus;

    (void)state;
    test_write(test_path("b.jsonl"), PAIR("q3", "Two.", "A") PAIR("q4", "Three.", "A") PAIR("q5", "Four.", "A"));
    job.files[1] = (qctx_import_file){"dev", test_path("b.jsonl")};
    job.file_count = 2;
    job.surroundings = 5;
    corpus = probe_run(&job);
    has(corpus, "Two.", "surroundings", "One. Two."); /* where it stands first */
    has(corpus, "Three.", "surroundings", "Three. Four.");
    qctx_corpus_destroy(corpus);
}

/* What is cut apart are questions: fields are of the whole file whatever the unit of the hold-out is. */
static void a_hold_out_changes_no_field(void **state)
{
    static const qctx_holdout_unit units[] = {QCTX_HOLDOUT_TITLE, QCTX_HOLDOUT_CONTEXT, QCTX_HOLDOUT_QUESTION};

    (void)state;
    for (int i = 0; i < 3; i++) {
        qctx_import_job job = probe_job("a.jsonl", pairs);
        qctx_corpus *corpus;

        job.surroundings = 1;
        job.test_share = 0.3;
        job.unit = units[i];
        corpus = probe_run(&job);
        assert_int_equal(corpus->split_count, 2);
        has(corpus, "Zwei \xC3\x96l.", "surroundings", "One. Zwei \xC3\x96l. Three.");
        has(corpus, "Four.", "surroundings", "Three. Four.");
        qctx_corpus_destroy(corpus);
    }
}

static void keep(qctx_import_job *job, const char *name, const char *key)
{
    job->fields[job->field_count].name = name;
    job->fields[job->field_count++].key = key;
}

/* Of a record, of a passage over its record's, of negatives their own; numbers as text; the first that is there. */
static void records_keep_the_fields_that_the_user_names(void **state)
{
    qctx_import_job job =
        probe_job("a.jsonl",
                  "{\"question\": \"a\", \"context\": \"A.\", \"note\": \"  two\\u00a0 words \\n here\", \"Year\": 7}\n"
                  "{\"question\": \"b\", \"positives\": [{\"text\": \"B.\", \"note\": \"own\"}, \"C.\"], \"note\": "
                  "\"both\", \"negatives\": [{\"text\": \"D.\", \"note\": \"wrong\"}, \"E.\"]}\n"
                  "{\"question\": \"c\", \"context\": \"E.\", \"note\": \"late\", \"year\": null}\n"
                  "{\"question\": \"d\", \"context\": \"A.\", \"note\": \"again\", \"year\": 8}\n"
                  "{\"question\": \"e\", \"context\": \"F.\", \"note\": [\"list\"]}\n"
                  "{\"question\": \"f\", \"context\": \"G.\", \"note\": \" \", \"other\": 1}\n");
    qctx_corpus *corpus;

    (void)state;
    keep(&job, "note", "note");
    keep(&job, "when", "year");
    corpus = probe_run(&job);
    has(corpus, "A.", "note", "two words\nhere");
    has(corpus, "A.", "when", "7");
    has(corpus, "B.", "note", "own");
    has(corpus, "C.", "note", "both");
    has(corpus, "D.", "note", "wrong");
    has(corpus, "E.", "note", "late");
    has(corpus, "G.", "note", NULL);
    assert_int_equal(probe_report.fields[0], 5);
    assert_int_equal(probe_report.fields[1], 1);
    assert_int_equal(probe_report.files[0].malformed, 1);
    assert_contains(probe_report.files[0].first_problem.message, "a.jsonl:5: 'note' is an array, expected a string");
    assert_string_equal(probe_report.files[0].unused, "other");
    qctx_corpus_destroy(corpus);
}

static void columns_of_tables_are_fields(void **state)
{
    qctx_import_job job = probe_job("a.csv", "Question,Context,Where it stands\na?,A.,\"p. 1,\n2\"\nb?,B.,\n");
    qctx_corpus *corpus;

    (void)state;
    keep(&job, "place", "where it stands");
    corpus = probe_run(&job);
    has(corpus, "A.", "place", "p. 1,\n2");
    has(corpus, "B.", "place", NULL);
    assert_string_equal(probe_report.files[0].unused, "");
    qctx_corpus_destroy(corpus);

    /* By number, as --columns has them; and nothing but what is named is taken. */
    job = probe_job("b.tsv", "a?\tA.\tX\tfirst\nb?\tB.\tY\tsecond\n");
    job.columns[QCTX_IMPORT_QUESTION] = "1";
    job.columns[QCTX_IMPORT_CONTEXT] = "2";
    keep(&job, "place", "4");
    corpus = probe_run(&job);
    has(corpus, "B.", "place", "second");
    assert_string_equal(probe_report.files[0].unused, "3");
    qctx_corpus_destroy(corpus);

    job = probe_job("c.csv", "question,context,note,note\na?,A.,x,y\n");
    keep(&job, "note", "note");
    probe_fails(job, QCTX_ERR_FORMAT, "the columns 3 and 4 are both called 'note'");
    keep(&job, "none", "nota");
    job.fields[0] = job.fields[1];
    job.field_count = 1;
    probe_fails(job, QCTX_ERR_FORMAT, "no record has the key 'nota' of the field 'none'; not used: note");
}

/* A paragraph's own over that of its article; and the user's own paragraph over the one that import would keep. */
static void articles_have_fields_too(void **state)
{
    const char *text =
        "{\"data\": [{\"title\": \"T\", \"background\": \"All of it.\", \"paragraphs\": ["
        "{\"context\": \"He left. It rained.\", \"note\": \"n\", \"qas\": [" QA(
            "a", "left", 3) "]}, "
                            "{\"context\": \"She left. It snowed.\", \"background\": \"Its own.\", \"qas\": [" QA(
                                "b", "left", 4) "]}]}]}";
    qctx_import_job job = probe_job("a.json", text);
    qctx_corpus *corpus;

    (void)state;
    job.format = QCTX_IMPORT_SQUAD;
    keep(&job, "behind", "background");
    keep(&job, "paragraph", "note");
    corpus = probe_run(&job);
    has(corpus, "He left.", "behind", "All of it.");
    has(corpus, "He left.", "paragraph", "n");
    has(corpus, "She left.", "behind", "Its own.");
    has(corpus, "She left.", "paragraph", "She left. It snowed.");
    qctx_corpus_destroy(corpus);
}

/* SQuAD as the Hub has it: the paragraph is under `context`. */
static void a_flat_question_of_squad_keeps_its_paragraph(void **state)
{
    qctx_import_job job = probe_job(
        "a.jsonl", "{\"id\": \"a\", \"question\": \"a?\", \"title\": \"T\", \"context\": \"He left. It rained.\", "
                   "\"answers\": {\"text\": [\"left\"], \"answer_start\": [3]}, \"note\": \"n\"}\n"
                   "{\"id\": \"b\", \"question\": \"b?\", \"title\": \"T\", \"context\": \"Whole. Text.\"}\n");
    qctx_corpus *corpus;

    (void)state;
    job.surroundings = 1;
    keep(&job, "note", "note");
    corpus = probe_run(&job);
    has(corpus, "He left.", "paragraph", "He left. It rained.");
    has(corpus, "He left.", "surroundings", "He left. It rained.");
    has(corpus, "He left.", "note", "n");
    has(corpus, "Whole. Text.", "paragraph", NULL);
    has(corpus, "Whole. Text.", "surroundings", NULL); /* no other of the title was taken whole */
    qctx_corpus_destroy(corpus);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_sentence_keeps_its_paragraph),
    cmocka_unit_test(sentences_around_are_its_surroundings),
    cmocka_unit_test(the_first_paragraph_of_a_context_counts),
    cmocka_unit_test(contexts_of_a_title_surround_each_other),
    cmocka_unit_test(paragraphs_taken_whole_surround_each_other),
    cmocka_unit_test(surroundings_end_with_the_file),
    cmocka_unit_test(a_hold_out_changes_no_field),
    cmocka_unit_test(records_keep_the_fields_that_the_user_names),
    cmocka_unit_test(columns_of_tables_are_fields),
    cmocka_unit_test(articles_have_fields_too),
    cmocka_unit_test(a_flat_question_of_squad_keeps_its_paragraph),
};
TEST_MAIN(tests)
