/* ranks: 1 */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>

#include "qctx/base/fileio.h"
#include "qctx/data/context_texts.h"

static qctx_error error;
static const char only_title[] = "Only a title";

/* `expected` is what Python gives for (title + " " + text).strip(), the expression of BEIR's dense retrieval. */
static const struct {
    qctx_context context;
    const char *expected;
} joined[] = {
    {{"a", "Aldbrook", "It is a town."}, "Aldbrook It is a town."},
    {{"b", " ", "\tText\n"}, "Text"},
    {{"c", "Tower ", " It stands.  "}, "Tower   It stands."},
    {{"d", "\xC2\xA0Ufer\xE3\x80\x80", "am Wasser\xC2\xA0"}, "Ufer\xE3\x80\x80 am Wasser"},
    {{"e", "Bare", " "}, "Bare"},
    {{"f", "", "Text as it is. "}, "Text as it is. "},
    {{"g", only_title, only_title}, "Only a title"},
    {{"h", " ", " "}, " "},
};
enum { COUNT = sizeof joined / sizeof joined[0] };

static qctx_context contexts[COUNT];

static qctx_corpus made_up(void)
{
    for (int i = 0; i < COUNT; i++)
        contexts[i] = joined[i].context;
    return (qctx_corpus){.context_count = COUNT, .contexts = contexts, .fingerprint = 7};
}

static void titles_stand_in_front_as_in_beir(void **state)
{
    const qctx_corpus corpus = made_up();
    qctx_context_texts texts;

    (void)state;
    assert_status(qctx_context_texts_make(&corpus, "title+text", &texts, &error), QCTX_OK, &error);
    for (int i = 0; i < COUNT; i++)
        assert_string_equal(texts.items[i], joined[i].expected);
    qctx_context_texts_free(&texts);
    assert_status(qctx_context_texts_make(&corpus, "text", &texts, &error), QCTX_OK, &error);
    for (int i = 0; i < COUNT; i++)
        assert_ptr_equal(texts.items[i], contexts[i].text);
    qctx_context_texts_free(&texts);
}

/* A document that says its title again is a document; BEIR has the title twice then. */
static void a_text_that_repeats_its_title_is_joined(void **state)
{
    char text[] = "Same";
    qctx_context context = {"a", "Same", text};
    const qctx_corpus corpus = {.context_count = 1, .contexts = &context};
    qctx_context_texts texts;

    (void)state;
    assert_status(qctx_context_texts_make(&corpus, "title+text", &texts, &error), QCTX_OK, &error);
    assert_string_equal(texts.items[0], "Same Same");
    qctx_context_texts_free(&texts);
}

static void titles_make_another_corpus_where_there_are_some(void **state)
{
    qctx_corpus corpus = made_up();

    (void)state;
    assert_true(qctx_context_texts_differ(&corpus, "title+text"));
    assert_false(qctx_context_texts_differ(&corpus, "text"));
    assert_true(qctx_context_texts_fingerprint(&corpus, "text") == 7);
    assert_true(qctx_context_texts_fingerprint(&corpus, "title+text") != 7);
    for (int i = 0; i < COUNT; i++)
        contexts[i].title = "";
    assert_false(qctx_context_texts_differ(&corpus, "title+text"));
    assert_true(qctx_context_texts_fingerprint(&corpus, "title+text") == 7);
}

/* A context without a title, or with a blank one, gives its text; one that is nothing but a title gives that. */
static void the_title_alone_is_a_field(void **state)
{
    const qctx_corpus corpus = made_up();
    qctx_context_texts texts;

    (void)state;
    for (int i = 0; i < COUNT; i++)
        contexts[i].title = joined[i].context.title;
    assert_status(qctx_context_texts_make(&corpus, "title", &texts, &error), QCTX_OK, &error);
    assert_string_equal(texts.items[0], "Aldbrook");
    assert_string_equal(texts.items[1], "\tText\n");
    assert_string_equal(texts.items[5], "Text as it is. ");
    assert_string_equal(texts.items[6], "Only a title");
    qctx_context_texts_free(&texts);
    assert_true(qctx_context_texts_differ(&corpus, "title"));
    assert_true(qctx_context_texts_fingerprint(&corpus, "title") != 7);
    assert_true(qctx_context_texts_fingerprint(&corpus, "title") !=
                qctx_context_texts_fingerprint(&corpus, "title+text"));
}

/* Writes a corpus of these contexts and one question, and opens it. */
static qctx_corpus *open_made(const char *name, const char *records)
{
    const char *folder = test_path(name);
    char path[1200];
    qctx_corpus *corpus = NULL;

    snprintf(path, sizeof path, "%s/qrels", folder);
    assert_int_equal(qctx_folder_make(path, NULL), QCTX_OK);
    snprintf(path, sizeof path, "%s/corpus.jsonl", folder);
    test_write(path, records);
    snprintf(path, sizeof path, "%s/queries.jsonl", folder);
    test_write(path, "{\"_id\": \"q\", \"text\": \"who?\"}\n");
    snprintf(path, sizeof path, "%s/qrels/train.tsv", folder);
    test_write(path, "q\ta\t1\n");
    assert_status(qctx_corpus_open(test_comm, folder, &corpus, &error), QCTX_OK, &error);
    return corpus;
}

#define A  "{\"_id\": \"a\", \"title\": \"\", \"text\": \"Ein Satz.\""
#define B  "{\"_id\": 2, \"text\": \"Noch einer.\""
#define C  "{\"_id\": \"c\", \"text\": \"Der dritte.\""
#define NL "}\n"

/* Left out are a record without text, whose field is nobody's, and one that stands twice, whose second field is. */
static const char *const with_fields = A
    ", \"paragraph\": \"Ein Satz. \xC3\x96l am Wasser.\", \"metadata\": {\"paragraph\": \"no\"}" NL
    "{\"_id\": \"none\", \"text\": \"\", \"paragraph\": \"nobody's\"}\n" B ", \"paragraph\": \" \", \"note\": null" NL A
    ", \"paragraph\": \"another\"" NL C ", \"note\": \"n\", \"paragraph\": \"Der dritte. Ende.\", \"year\": 1999" NL;

static void a_key_of_its_own_is_a_field(void **state)
{
    qctx_corpus *corpus = open_made("fields", with_fields);
    qctx_context_texts texts;

    (void)state;
    assert_int_equal(corpus->context_count, 3);
    assert_int_equal(qctx_corpus_find_field(corpus, "paragraph")->contexts, 2);
    assert_int_equal(qctx_corpus_find_field(corpus, "note")->contexts, 1);
    assert_null(qctx_corpus_find_field(corpus, "text"));
    assert_status(qctx_context_field_check(corpus, "paragraph", &error), QCTX_OK, &error);
    assert_status(qctx_context_texts_make(corpus, "paragraph", &texts, &error), QCTX_OK, &error);
    assert_string_equal(texts.items[0], "Ein Satz. \xC3\x96l am Wasser.");
    assert_string_equal(texts.items[1], "Noch einer.");
    assert_string_equal(texts.items[2], "Der dritte. Ende.");
    qctx_context_texts_free(&texts);
    assert_status(qctx_context_texts_make(corpus, "note", &texts, &error), QCTX_OK, &error);
    assert_string_equal(texts.items[0], "Ein Satz.");
    assert_string_equal(texts.items[2], "n");
    qctx_context_texts_free(&texts);
    qctx_corpus_destroy(corpus);
}

static void refuses(const qctx_corpus *corpus, const char *field, qctx_status expected, const char *part,
                    const char *hint)
{
    error = (qctx_error){0};
    assert_status(qctx_context_field_check(corpus, field, &error), expected, &error);
    assert_contains(error.message, part);
    assert_contains(error.hint, hint);
}

static void refuses_what_is_no_field(void **state)
{
    qctx_corpus *corpus = open_made("no_fields", with_fields);

    (void)state;
    refuses(corpus, "paragraf", QCTX_ERR_DATA, "no context has the field 'paragraf'; found text, paragraph, note",
            "did you mean 'paragraph'?");
    refuses(corpus, "title", QCTX_ERR_DATA, "no context has the field 'title'; found text, paragraph", "");
    refuses(corpus, "_id", QCTX_ERR_DATA, "no context has the field '_id'", "");
    refuses(corpus, "year", QCTX_ERR_FORMAT, "corpus.jsonl:5: 'year' is an integer, expected a string", "");
    refuses(corpus, "metadata", QCTX_ERR_FORMAT, "corpus.jsonl:1: 'metadata' is an object, expected a string", "");
    assert_status(qctx_context_field_check(corpus, "title+text", &error), QCTX_OK, &error);
    assert_status(qctx_context_field_check(corpus, "text", &error), QCTX_OK, &error);
    qctx_corpus_destroy(corpus);
}

static uint64_t fingerprint_in(const char *name, const char *records, const char *field)
{
    qctx_corpus *corpus = open_made(name, records);
    const uint64_t fingerprint = qctx_context_texts_fingerprint(corpus, field);

    qctx_corpus_destroy(corpus);
    return fingerprint;
}

/* Stores of texts stay those of the corpus when it is imported again with fields, and when a field changes. */
static void fields_change_no_fingerprint_but_their_own(void **state)
{
    const char *bare = A NL C NL, *one = A ", \"paragraph\": \"p\"" NL C NL,
               *other = A ", \"paragraph\": \"r\"" NL C NL, *moved = A NL C ", \"paragraph\": \"p\"" NL;

    (void)state;
    assert_true(fingerprint_in("f1", bare, "text") == fingerprint_in("f2", one, "text"));
    assert_true(fingerprint_in("f1", bare, "text") == fingerprint_in("f3", other, "text"));
    assert_true(fingerprint_in("f1", bare, "text") != fingerprint_in("f2", one, "paragraph"));
    assert_true(fingerprint_in("f3", other, "paragraph") != fingerprint_in("f2", one, "paragraph"));
    assert_true(fingerprint_in("f4", moved, "paragraph") != fingerprint_in("f2", one, "paragraph"));
    assert_true(fingerprint_in("f5", A ", \"metadata\": {}" NL C NL, "text") != fingerprint_in("f1", bare, "text"));
}

static void a_file_that_changed_is_refused(void **state)
{
    qctx_corpus *corpus = open_made("changed", with_fields);
    qctx_context_texts texts;

    (void)state;
    qctx_corpus_destroy(open_made("changed", A ", \"paragraph\": \"short\"" NL));
    assert_status(qctx_context_texts_make(corpus, "paragraph", &texts, &error), QCTX_ERR_MISMATCH, &error);
    assert_contains(error.message, "corpus.jsonl: has changed since it was read");
    qctx_context_texts_free(&texts);
    qctx_corpus_destroy(corpus);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(titles_stand_in_front_as_in_beir),
    cmocka_unit_test(a_text_that_repeats_its_title_is_joined),
    cmocka_unit_test(titles_make_another_corpus_where_there_are_some),
    cmocka_unit_test(the_title_alone_is_a_field),
    cmocka_unit_test(a_key_of_its_own_is_a_field),
    cmocka_unit_test(refuses_what_is_no_field),
    cmocka_unit_test(fields_change_no_fingerprint_but_their_own),
    cmocka_unit_test(a_file_that_changed_is_refused),
};
TEST_MAIN(tests)
