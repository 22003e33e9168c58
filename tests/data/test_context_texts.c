/* ranks: 1 */
#include "harness.h"

#include <stdlib.h>

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
    assert_status(qctx_context_texts_make(&corpus, true, &texts, &error), QCTX_OK, &error);
    for (int i = 0; i < COUNT; i++)
        assert_string_equal(texts.items[i], joined[i].expected);
    qctx_context_texts_free(&texts);
    assert_status(qctx_context_texts_make(&corpus, false, &texts, &error), QCTX_OK, &error);
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
    assert_status(qctx_context_texts_make(&corpus, true, &texts, &error), QCTX_OK, &error);
    assert_string_equal(texts.items[0], "Same Same");
    qctx_context_texts_free(&texts);
}

static void titles_make_another_corpus_where_there_are_some(void **state)
{
    qctx_corpus corpus = made_up();

    (void)state;
    assert_true(qctx_context_texts_differ(&corpus, true));
    assert_false(qctx_context_texts_differ(&corpus, false));
    assert_true(qctx_context_texts_fingerprint(&corpus, false) == 7);
    assert_true(qctx_context_texts_fingerprint(&corpus, true) != 7);
    for (int i = 0; i < COUNT; i++)
        contexts[i].title = "";
    assert_false(qctx_context_texts_differ(&corpus, true));
    assert_true(qctx_context_texts_fingerprint(&corpus, true) == 7);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(titles_stand_in_front_as_in_beir),
    cmocka_unit_test(a_text_that_repeats_its_title_is_joined),
    cmocka_unit_test(titles_make_another_corpus_where_there_are_some),
};
TEST_MAIN(tests)
