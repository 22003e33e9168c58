/* ranks: 1 */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "made_tokenizer.h"

static qctx_error error;

/* The ids in these tests are counted by hand, or given by the tokenizers library 0.23 for the same file. */

static void words_are_spelt_by_the_longest_tokens(void **state)
{
    qctx_tokenizer *tokenizer = opened(PLAIN);

    (void)state;
    expect_ids(tokenizer, "unaffable", "1 3 4 5 2");
    expect_ids(tokenizer, "The cafes, the", "1 6 8 9 7 6 2");
    /* No token for its end: the whole word is unknown. */
    expect_ids(tokenizer, "unaffables unaffablex", "1 3 4 5 9 0 2");
    expect_ids(tokenizer, "thethe", "1 6 16 2");
    assert_int_equal(qctx_tokenizer_size(tokenizer), 27);
    assert_string_equal(token_of(tokenizer, 5), "##able");
    assert_null(token_of(tokenizer, 27));
    assert_null(token_of(tokenizer, -1));
    qctx_tokenizer_destroy(tokenizer);
}

static void texts_of_nothing_keep_the_special_tokens(void **state)
{
    qctx_tokenizer *tokenizer = opened(PLAIN);

    (void)state;
    expect_ids(tokenizer, "", "1 2");
    expect_ids(tokenizer, "  \t\r\n \u00A0\u3000", "1 2");
    expect_ids(tokenizer, "\u200B\u0301\x01\uFFFD", "1 2");
    qctx_tokenizer_destroy(tokenizer);
}

static void long_words_are_unknown(void **state)
{
    qctx_tokenizer *tokenizer = opened(PLAIN);
    char word[401] = "";

    (void)state;
    /* 33 times "the" and an s have 100 characters, one more is too long. */
    for (int i = 0; i < 33; i++)
        strcat(word, "the");
    strcat(word, "s");
    expect_ids(tokenizer, word,
               "1 6 16 16 16 16 16 16 16 16 16 16 16 16 16 16 16 16 16 16 16 16 16 16 16 16 16 16 16 "
               "16 16 16 16 16 9 2");
    strcat(word, "s");
    expect_ids(tokenizer, word, "1 0 2");
    qctx_tokenizer_destroy(tokenizer);
}

static void nasty_characters_are_cut_as_the_original_cuts_them(void **state)
{
    qctx_tokenizer *tokenizer = opened(PLAIN);

    (void)state;
    expect_ids(tokenizer, "caf\u00E9 cafe\u0301 CAF\u00C9S", "1 8 8 8 9 2");
    expect_ids(tokenizer, "\u4E2D\u6587the", "1 10 12 6 2");
    expect_ids(tokenizer, "\u0130 I\u0307 \u0131 I", "1 13 13 26 13 2");
    expect_ids(tokenizer, "\u1E9E SS \u00DF", "1 15 14 15 2");
    expect_ids(tokenizer, "th\u200De\u200B the\u00A0the\xC2\x85s", "1 6 6 6 9 2");
    expect_ids(tokenizer, "\U0001F468\u200D\U0001F469 the", "1 0 6 2");
    expect_ids(tokenizer, "\uD558", "1 22 23 2");
    expect_ids(tokenizer, "the\u3002the", "1 6 0 6 2");
    expect_ids(tokenizer, "the-the\u2014the", "1 6 25 6 0 6 2");
    /* U+1E93E came with Unicode 9 and U+0378 never: nothing removes them. */
    expect_ids(tokenizer, "the\u0378", "1 0 2");
    qctx_tokenizer_destroy(tokenizer);
}

static void bad_bytes_are_replacement_characters(void **state)
{
    qctx_tokenizer *tokenizer = opened(PLAIN);

    (void)state;
    /* BERT's normaliser drops the replacement character. */
    expect_ids(tokenizer, "the\x80\xFF", "1 6 2");
    expect_ids(tokenizer, "\xE4\xB8", "1 2");
    expect_ids(tokenizer,
               "un\xC3"
               "aff",
               "1 3 4 2");
    qctx_tokenizer_destroy(tokenizer);
}

static void texts_are_cut_at_the_end(void **state)
{
    qctx_tokenizer *tokenizer = opened(PLAIN);
    qctx_tokenizer_scratch *scratch = NULL;
    qctx_ids ids = {0};
    bool truncated;

    (void)state;
    expect_most(tokenizer, "unaffable", 5, "1 3 4 5 2", false);
    expect_most(tokenizer, "unaffable the", 5, "1 3 4 5 2", true);
    expect_most(tokenizer, "unaffable", 4, "1 3 4 2", true);
    expect_most(tokenizer, "the [SEP]", 3, "1 6 2", true);
    expect_most(tokenizer, "unaffable", INT64_MAX, "1 3 4 5 2", false);
    assert_status(qctx_tokenizer_scratch_create(tokenizer, &scratch, &error), QCTX_OK, &error);
    assert_status(qctx_tokenizer_encode(tokenizer, scratch, "the", 2, &ids, &truncated, &error), QCTX_ERR_DATA, &error);
    assert_contains(error.message, "2 special");
    assert_int_equal(ids.count, 0);
    /* A second text goes behind the first. */
    assert_status(qctx_tokenizer_encode(tokenizer, scratch, "the", 9, &ids, &truncated, &error), QCTX_OK, &error);
    assert_status(qctx_tokenizer_encode(tokenizer, scratch, "the the", 3, &ids, &truncated, &error), QCTX_OK, &error);
    assert_true(truncated);
    assert_int_equal(ids.count, 6);
    assert_int_equal(ids.items[4], 6);
    qctx_tokenizer_scratch_destroy(scratch);
    free(ids.items);
    qctx_tokenizer_destroy(tokenizer);
}

/* A tokenizer whose added tokens are those of PLAIN and one more. */
#define WITH_ADDED(settings)                                                                                           \
    "{\"added_tokens\":[{\"id\":2,\"content\":\"[SEP]\"," FLAGS(true, false) "},{\"id\":27," settings "}]," FRAME      \
                                                                             "," BERT "," MODEL(VOCAB) "}"

static void special_tokens_are_seen_in_texts(void **state)
{
    qctx_tokenizer *tokenizer = opened(PLAIN);

    (void)state;
    expect_ids(tokenizer, "the [SEP] the", "1 6 2 6 2");
    expect_ids(tokenizer, "the[SEP]the[CLS]", "1 6 2 6 1 2");
    expect_ids(tokenizer, "[SEP", "1 19 21 2");
    expect_ids(tokenizer, "[sep]", "1 19 21 20 2");
    qctx_tokenizer_destroy(tokenizer);
}

static void added_tokens_obey_their_flags(void **state)
{
    qctx_tokenizer *tokenizer;

    (void)state;
    tokenizer = opened(WITH_ADDED("\"content\":\"QQ\"," FLAGS(false, true)));
    assert_int_equal(qctx_tokenizer_size(tokenizer), 28);
    assert_string_equal(token_of(tokenizer, 27), "QQ");
    expect_ids(tokenizer, "theqQthe q\u0301q", "1 6 27 6 27 2");
    qctx_tokenizer_destroy(tokenizer);

    tokenizer = opened(WITH_ADDED("\"content\":\"QQ\"," FLAGS(false, false)));
    expect_ids(tokenizer, "the QQ qq", "1 6 27 0 2");
    qctx_tokenizer_destroy(tokenizer);

    tokenizer = opened(WITH_ADDED("\"content\":\"the the\",\"normalized\":false,\"single_word\":true"));
    expect_ids(tokenizer, "the the,the thes the the", "1 27 7 6 6 9 27 2");
    expect_ids(tokenizer, "\u00E9the the", "1 0 6 2");
    qctx_tokenizer_destroy(tokenizer);

    /* White space that a token has taken may begin the next one all the same. */
    tokenizer = opened("{\"added_tokens\":[{\"id\":27,\"content\":\" the\",\"normalized\":false},"
                       "{\"id\":28,\"content\":\"X\",\"normalized\":false,\"lstrip\":true,\"rstrip\":true}]," FRAME
                       ",\"pre_tokenizer\":null,\"normalizer\":null," MODEL(VOCAB) "}");
    expect_ids(tokenizer, "the \u3000X the", "1 6 28 27 2");
    expect_ids(tokenizer, "the X", "1 6 28 2");
    expect_ids(tokenizer, "the theXX  the the", "1 6 27 28 28 27 27 2");
    qctx_tokenizer_destroy(tokenizer);
}

/* Of two that begin at the same place the longer one is taken, of two that overlap the earlier one. */
static void longer_added_tokens_come_first(void **state)
{
    qctx_tokenizer *tokenizer = opened("{\"added_tokens\":["
                                       "{\"id\":27,\"content\":\"ab\",\"normalized\":false},"
                                       "{\"id\":28,\"content\":\"abcd\",\"normalized\":false},"
                                       "{\"id\":29,\"content\":\"bcde\",\"normalized\":false}]," MODEL(VOCAB) "}");

    (void)state;
    expect_ids(tokenizer, "abcdeabcabbcde", "28 0 27 0 27 29");
    qctx_tokenizer_destroy(tokenizer);
}

static void normalisers_do_what_they_say(void **state)
{
    static const struct {
        const char *json, *text, *ids;
    } cases[] = {
        {NORMALIZED("null"), "The the, caf\u00E9 cafe\u0301", "18 0 17 0"},
        {NORMALIZED("{\"type\":\"NFC\"}"), "cafe\u0301", "17"},
        {NORMALIZED("{\"type\":\"NFD\"}"), "\uD558 caf\u00E9", "22 23 0"},
        {NORMALIZED("{\"type\":\"NFKC\"}"), "\uFF54\uFF48\uFF45", "6"},
        {NORMALIZED("{\"type\":\"NFKD\"}"), "\uFF54\uFF48\uFF45", "6"},
        {NORMALIZED("{\"type\":\"Lowercase\"}"), "THE \u1E9E", "6 15"},
        {NORMALIZED("{\"type\":\"StripAccents\"}"), "cafe\u0301\u20DD caf\u00E9", "8 17"},
        {NORMALIZED("{\"type\":\"Strip\",\"strip_left\":true,\"strip_right\":true}"), "\u3000the the ", "6 6"},
        {NORMALIZED("{\"type\":\"Replace\",\"pattern\":{\"String\":\"xy\"},\"content\":\"the\"}"), "xy s xyxys",
         "6 24 6 16 9"},
        {NORMALIZED("{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"\\\\s+\"},\"content\":\"s\"}"), "the \u3000\t the ",
         "6 9 16 9"},
        {NORMALIZED("{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFD\"},{\"type\":\"StripAccents\"},"
                    "{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Lowercase\"}]}]}"),
         "CAF\u00C9", "8"},
        {NORMALIZED("{\"type\":\"BertNormalizer\",\"lowercase\":false,\"strip_accents\":true}"), "The caf\u00E9",
         "18 8"},
        {NORMALIZED("{\"type\":\"BertNormalizer\",\"lowercase\":false}"), "The caf\u00E9\x01", "18 17"},
        {NORMALIZED("{\"type\":\"BertNormalizer\",\"strip_accents\":false}"), "THE CAF\u00C9", "6 17"},
        {NORMALIZED("{\"type\":\"BertNormalizer\",\"handle_chinese_chars\":false}"), "\u4E2D\u6587", "10 11"},
        {NORMALIZED("{\"type\":\"BertNormalizer\",\"clean_text\":false}"), "the the\x01", "6 0"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        qctx_tokenizer *tokenizer = opened(cases[i].json);

        expect_ids(tokenizer, cases[i].text, cases[i].ids);
        qctx_tokenizer_destroy(tokenizer);
    }
}

static void pre_tokenisers_do_what_they_say(void **state)
{
    qctx_tokenizer *tokenizer;

    (void)state;
    tokenizer = opened("{\"pre_tokenizer\":{\"type\":\"Whitespace\"}," MODEL(VOCAB) "}");
    expect_ids(tokenizer, "the,the -[ the\u0301", "6 7 6 0 0");
    qctx_tokenizer_destroy(tokenizer);
    tokenizer = opened("{\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"}," MODEL(VOCAB) "}");
    expect_ids(tokenizer, " the,,the[s]", "6 7 7 6 19 24 20");
    qctx_tokenizer_destroy(tokenizer);
    tokenizer = opened("{\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"WhitespaceSplit\"},"
                       "{\"type\":\"BertPreTokenizer\"}]}," MODEL(VOCAB) "}");
    expect_ids(tokenizer, "the, the", "6 7 6");
    qctx_tokenizer_destroy(tokenizer);
    tokenizer = opened("{" MODEL(VOCAB) "}");
    expect_ids(tokenizer, "the the", "0");
    qctx_tokenizer_destroy(tokenizer);
}

static void frames_stand_around_each_other(void **state)
{
    qctx_tokenizer *tokenizer;

    (void)state;
    tokenizer = opened(FRAMED("{\"type\":\"RobertaProcessing\",\"sep\":[\"[SEP]\",2],\"cls\":[\"[CLS]\",1]}"));
    expect_ids(tokenizer, "the", "1 6 2");
    qctx_tokenizer_destroy(tokenizer);
    tokenizer = opened(FRAMED("{\"type\":\"Sequence\",\"processors\":[{\"type\":\"ByteLevel\"},"
                              "{\"type\":\"BertProcessing\",\"sep\":[\"[SEP]\",2],\"cls\":[\"[CLS]\",1]},"
                              "{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"x\"}},"
                              "{\"Sequence\":{\"id\":\"A\"}}],\"special_tokens\":{\"x\":{\"ids\":[3,4]}}}]}"));
    expect_ids(tokenizer, "the", "3 4 1 6 2");
    qctx_tokenizer_destroy(tokenizer);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(words_are_spelt_by_the_longest_tokens),
    cmocka_unit_test(texts_of_nothing_keep_the_special_tokens),
    cmocka_unit_test(long_words_are_unknown),
    cmocka_unit_test(nasty_characters_are_cut_as_the_original_cuts_them),
    cmocka_unit_test(bad_bytes_are_replacement_characters),
    cmocka_unit_test(texts_are_cut_at_the_end),
    cmocka_unit_test(special_tokens_are_seen_in_texts),
    cmocka_unit_test(added_tokens_obey_their_flags),
    cmocka_unit_test(longer_added_tokens_come_first),
    cmocka_unit_test(normalisers_do_what_they_say),
    cmocka_unit_test(pre_tokenisers_do_what_they_say),
    cmocka_unit_test(frames_stand_around_each_other),
};

TEST_MAIN(tests)
