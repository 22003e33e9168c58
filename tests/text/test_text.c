/* ranks: 1 */
#include "harness.h"

#include <stdlib.h>
#include <string.h>

#include "qctx/text/text.h"

static qctx_text *open_text(void)
{
    qctx_text *text = NULL;
    qctx_error error;

    assert_status(qctx_text_create(&text, &error), QCTX_OK, &error);
    return text;
}

static void recognises_utf8(void **state)
{
    size_t bad = 99;

    (void)state;
    assert_true(qctx_text_is_utf8("", 0, &bad));
    assert_true(qctx_text_is_utf8("caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80", 14, &bad));
    assert_false(qctx_text_is_utf8("caf\xE9!", 5, &bad));
    assert_int_equal(bad, 3);
    /* A cut sequence, a surrogate, an overlong form, beyond U+10FFFF. */
    assert_false(qctx_text_is_utf8("a\xE2\x82", 3, &bad));
    assert_int_equal(bad, 1);
    assert_false(qctx_text_is_utf8("\xED\xA0\x80", 3, &bad));
    assert_false(qctx_text_is_utf8("ab\xC0\xAF", 4, &bad));
    assert_int_equal(bad, 2);
    assert_false(qctx_text_is_utf8("\xF4\x90\x80\x80", 4, &bad));
}

static void counts_code_points(void **state)
{
    const char *text = "\xC3\xA9t\xC3\xA9 \xF0\x9F\x98\x80."; /* é t é space 😀 . */
    size_t length = strlen(text);

    (void)state;
    assert_int_equal(qctx_text_codepoints(text, length), 6);
    assert_int_equal(qctx_text_codepoints("", 0), 0);
    assert_int_equal(qctx_text_byte_offset(text, length, 0), 0);
    assert_int_equal(qctx_text_byte_offset(text, length, 1), 2);
    assert_int_equal(qctx_text_byte_offset(text, length, 4), 6);
    assert_int_equal(qctx_text_byte_offset(text, length, 5), 10);
    assert_int_equal(qctx_text_byte_offset(text, length, 6), 11);
    assert_int_equal(qctx_text_byte_offset(text, length, 7), -1);
    assert_int_equal(qctx_text_byte_offset(text, length, -1), -1);
    assert_int_equal(qctx_text_byte_offset(text, length, INT64_MAX), -1);
    assert_int_equal(qctx_text_byte_offset("", 0, 0), 0);
}

/* Asserts that the spans of `text`, joined by '|', read as `expected`. */
static void assert_parts(const char *text, const qctx_spans *spans, const char *expected)
{
    char joined[512] = "";

    for (int64_t i = 0; i < spans->count; i++) {
        strcat(joined, i > 0 ? "|" : "");
        strncat(joined, text + spans->items[i].first, (size_t)(spans->items[i].end - spans->items[i].first));
    }
    assert_string_equal(joined, expected);
}

static void divides_into_sentences(void **state)
{
    static const char *const cases[][2] = {
        {"One is here. Two is there!  Is three?", "One is here.|Two is there!|Is three?"},
        {"  Padded.\n\n Next line.\t", "Padded.|Next line."},
        {"It cost 3.5 million in the end. Yes.", "It cost 3.5 million in the end.|Yes."},
        {"\xC3\x89t\xC3\xA9 chaud. \xC3\x80 bient\xC3\xB4t.", "\xC3\x89t\xC3\xA9 chaud.|\xC3\x80 bient\xC3\xB4t."},
        {"no stop", "no stop"},
        {"", ""},
        {" \n ", ""},
        /* Abbreviations; each line as a reader would divide it. */
        {"Dr. Smith arrived. He left.", "Dr. Smith arrived.|He left."},
        {"(Mrs. Hall came. She sat.)", "(Mrs. Hall came.|She sat.)"},
        {"\xE2\x80\x9CMr. Li?\xE2\x80\x9D No. He left.", "\xE2\x80\x9CMr. Li?\xE2\x80\x9D|No.|He left."},
        {"Bring a tool, e.g. A saw. Then go.", "Bring a tool, e.g. A saw.|Then go."},
        {"The U.S. Army came. It won in the U.S. They went home.",
         "The U.S. Army came.|It won in the U.S.|They went home."},
        {"See No. 5, pp. 3-5. No. 6 is bad. He said no. She left.",
         "See No. 5, pp. 3-5.|No. 6 is bad.|He said no.|She left."},
        {"He said No. She left.", "He said No.|She left."},
        {"J. R. R. Tolkien wrote. So did C. S. Lewis.", "J. R. R. Tolkien wrote.|So did C. S. Lewis."},
        {"It is plan B. Then we go.", "It is plan B.|Then we go."},
        {"He works for NATO. It is big. I bought a PC. Good.", "He works for NATO.|It is big.|I bought a PC.|Good."},
        {"Meet at 5 p.m. The door is open. Adam Ph.D. Jones", "Meet at 5 p.m.|The door is open.|Adam Ph.D. Jones"},
        {"Signed by Dr.\nSmith came.", "Signed by Dr.|Smith came."},
        {"Apple Inc. Cupertino. It was Apple Inc. \"So\", he said.",
         "Apple Inc. Cupertino.|It was Apple Inc.|\"So\", he said."},
        {"Dr.", "Dr."},
    };
    qctx_text *text = open_text();
    qctx_spans spans = {0};
    qctx_error error;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_status(qctx_text_sentences(text, cases[i][0], strlen(cases[i][0]), &spans, &error), QCTX_OK, &error);
        assert_parts(cases[i][0], &spans, cases[i][1]);
    }
    free(spans.items);
    qctx_text_destroy(text);
}

static void mends_what_is_no_text(void **state)
{
    static const char bytes[] = "a\0\xC3\xA9\xE9z\xE2\x82";
    qctx_error error;
    char *mended = qctx_text_mend(bytes, sizeof bytes - 1, &error);

    (void)state;
    /* A NUL, a Latin-1 letter, and a character that is cut short: one stand-in each. */
    assert_string_equal(mended, "a\xEF\xBF\xBD\xC3\xA9\xEF\xBF\xBDz\xEF\xBF\xBD");
    free(mended);
    mended = qctx_text_mend("", 0, &error);
    assert_string_equal(mended, "");
    free(mended);
}

static void divides_into_words(void **state)
{
    static const char *const cases[][2] = {
        {"the well-known it's 1973, (oil)", "the|well|known|it|s|1973|oil"},
        {"caf\xC3\xA9\xE2\x80\x94na\xC3\xAFve", "caf\xC3\xA9|na\xC3\xAFve"},
        {"cafe\xCC\x81 x", "cafe\xCC\x81|x"}, /* a combining acute stays in its word */
        {"...", ""},
        {"", ""},
        {"end", "end"},
    };
    qctx_spans spans = {0};
    qctx_error error;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_status(qctx_text_words(cases[i][0], strlen(cases[i][0]), &spans, &error), QCTX_OK, &error);
        assert_parts(cases[i][0], &spans, cases[i][1]);
    }
    free(spans.items);
}

static void folds_to_one_form(void **state)
{
    static const char *const cases[][2] = {
        {"Hello, World 42", "hello, world 42"},
        {"STRASSE stra\xC3\x9F"
         "e",
         "strasse strasse"},
        {"\xEF\xBC\xA1\xEF\xBC\xA2", "ab"}, /* full-width AB */
        {"E\xCC\x81", "\xC3\xA9"},          /* E + combining acute: é */
        {"o\xEF\xAC\x83"
         "ce",
         "office"}, /* the ligature ffi */
        {"soft\xC2\xADhyphen \xC3\x89", "softhyphen \xC3\xA9"},
        {"", ""},
    };
    qctx_text *text = open_text();
    const char *folded;
    size_t length;
    qctx_error error;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_status(qctx_text_fold(text, cases[i][0], strlen(cases[i][0]), &folded, &length, &error), QCTX_OK,
                      &error);
        assert_int_equal(length, strlen(cases[i][1]));
        assert_memory_equal(folded, cases[i][1], length);
    }
    qctx_text_destroy(text);
}

/* U+FDFA, one ligature, becomes eighteen letters: the longest growth there is. */
static void folds_texts_that_grow(void **state)
{
    enum { COPIES = 1000, GROWN = 33 };
    char many[3 * COPIES + 1] = "";
    qctx_text *text = open_text();
    const char *folded;
    size_t length;
    qctx_error error;

    (void)state;
    for (int i = 0; i < COPIES; i++)
        memcpy(many + 3 * i, "\xEF\xB7\xBA", 3);
    assert_status(qctx_text_fold(text, many, 3 * COPIES, &folded, &length, &error), QCTX_OK, &error);
    assert_int_equal(length, GROWN * COPIES);
    assert_memory_equal(folded, folded + GROWN, GROWN * (COPIES - 1));
    qctx_text_destroy(text);
}

static void squeezes_white_space(void **state)
{
    static const char *const cases[][2] = {
        {"  a \t b\r\n\r\nc  ", "a b c"},
        {"a\xC2\xA0\xE2\x80\x83"
         "b",
         "a b"}, /* no-break and em space */
        {"same", "same"},
        {" \n", ""},
        {"", ""},
    };
    qctx_error error;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *squeezed = qctx_text_squeeze(cases[i][0], strlen(cases[i][0]), &error);

        assert_non_null(squeezed);
        assert_string_equal(squeezed, cases[i][1]);
        assert_int_equal(qctx_text_is_blank(cases[i][0], strlen(cases[i][0])), squeezed[0] == '\0');
        free(squeezed);
    }
}

static void keeps_line_ends(void **state)
{
    static const char *const cases[][2] = {
        {"", ""},
        {" \n a \n ", "a"},
        {"a \n b", "a\nb"},
        {"a\r\nb\rc", "a\nb\nc"},
        {"a\r\n\r\nb", "a\n\nb"},
        {"a\n\t\n\n\nb\tc", "a\n\nb c"},
        {"a\xE2\x80\xA8"
         "b\xE2\x80\xA9"
         "c\xC2\x85"
         "d\xC2\xA0 e",
         "a\nb\n\nc\nd e"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *squeezed = qctx_text_squeeze_lines(cases[i][0], strlen(cases[i][0]), NULL);

        assert_non_null(squeezed);
        assert_string_equal(squeezed, cases[i][1]);
        free(squeezed);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(recognises_utf8),       cmocka_unit_test(counts_code_points),
    cmocka_unit_test(mends_what_is_no_text), cmocka_unit_test(divides_into_sentences),
    cmocka_unit_test(divides_into_words),    cmocka_unit_test(folds_to_one_form),
    cmocka_unit_test(folds_texts_that_grow), cmocka_unit_test(squeezes_white_space),
    cmocka_unit_test(keeps_line_ends),
};
TEST_MAIN(tests)
