/* ranks: 1 */
#include "harness.h"

#include <inttypes.h>
#include <string.h>

#include "qctx/base/shown.h"
#include "qctx/base/status.h"

static char *shown(const char *text, size_t length)
{
    static char buffer[512];
    FILE *out = fmemopen(buffer, sizeof buffer, "w");

    qctx_show(text, length, out);
    fclose(out);
    return buffer;
}

#define CHECK(text, expected) assert_string_equal(shown(text, sizeof(text) - 1), expected)

static void what_acts_is_escaped(void **state)
{
    (void)state;
    CHECK("a\x1b[31mb", "a\\x1b[31mb");
    CHECK("a\nb\rc\td\0e", "a\\nb\\rc\\td\\x00e");
    CHECK("\x7f\b\a", "\\x7f\\x08\\x07");
    CHECK("\xC2\x9B"
          "31m\xC2\x85\xC2\x80",
          "\\u009b31m\\u0085\\u0080");
    CHECK("\xE2\x80\xAE\xE2\x80\xAA\xE2\x80\xAC\xE2\x81\xA6\xE2\x81\xA9", "\\u202e\\u202a\\u202c\\u2066\\u2069");
    CHECK("\xE2\x80\x8E\xE2\x80\x8F\xD8\x9C", "\\u200e\\u200f\\u061c");
    CHECK("\xE2\x80\xA8\xE2\x80\xA9", "\\u2028\\u2029");
    CHECK("pay\xE2\x80\x8Bpal\xEF\xBB\xBF\xE2\x81\xA0\xC2\xAD", "pay\\u200bpal\\ufeff\\u2060\\u00ad");
    CHECK("a\xF3\xA0\x81\x81", "a\\U000e0041");
}

/* RFC 3629, and the examples of the Unicode standard's table 3-8. */
static void what_is_no_utf8_is_escaped_byte_by_byte(void **state)
{
    (void)state;
    CHECK("\x9B", "\\x9b");
    CHECK("\xC0\x9B\xE0\x82\x9B", "\\xc0\\x9b\\xe0\\x82\\x9b");
    CHECK("\xED\xA0\x80", "\\xed\\xa0\\x80");
    CHECK("\xF4\x90\x80\x80\xFF", "\\xf4\\x90\\x80\\x80\\xff");
    CHECK("caf\xC3", "caf\\xc3");
    CHECK("\xE2\x80\x1b", "\\xe2\\x80\\x1b");
}

static void what_people_write_stays(void **state)
{
    static const char *const texts[] = {
        "plain \\n | \"quoted\"",
        "café naïve Ærøskøbing",
        "日本語 한국어 中文",
        "שלום مرحبا",
        "👩‍💻 ❤️‍🔥 👨‍👩‍👧 1️⃣ ☺️ ©️", /* with joiners and selectors */
        "می‌خواهم",
        "क्‍ष", /* scripts that need the joiners */
        "e\u0301 – “…” −α·x\u00A0%",
        "PDF\u200Cها",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_string_equal(shown(texts[i], strlen(texts[i])), texts[i]);
}

static void joiners_that_hide_do_not(void **state)
{
    (void)state;
    CHECK("pay\xE2\x80\x8Dpal", "pay\\u200dpal");
    CHECK("\xE2\x80\x8C", "\\u200c");
    CHECK("a\xEF\xB8\x8F", "a\\ufe0f");
    CHECK("\xE2\x9D\xA4\xEF\xB8\x8F\xEF\xB8\x8F", "\xE2\x9D\xA4\xEF\xB8\x8F\\ufe0f");
    CHECK("\xE6\x97\xA5\xE2\x80\x8D\xE2\x80\x8D", "\xE6\x97\xA5\\u200d\\u200d");
}

static void columns_are_those_of_what_is_shown(void **state)
{
    (void)state;
    assert_int_equal(qctx_shown_columns("café\x1b", 6), 8);
    assert_int_equal(qctx_shown_bytes("é\x1bz", 4, 4), 2);
    assert_int_equal(qctx_shown_bytes("é\x1bz", 4, 5), 3);
    assert_int_equal(qctx_shown_bytes("\x1bz", 2, 1), 1);
}

static void excerpts_end_between_characters(void **state)
{
    char buffer[8];

    (void)state;
    assert_string_equal(qctx_shown_excerpt("1234567", 7, buffer, sizeof buffer), "1234567");
    assert_string_equal(qctx_shown_excerpt("12345678", 8, buffer, sizeof buffer), "1234…");
    assert_string_equal(qctx_shown_excerpt("123\xC3\xA9"
                                           "678",
                                           8, buffer, sizeof buffer),
                        "123…");
    assert_string_equal(qctx_shown_excerpt("\x1b\x1b", 2, buffer, sizeof buffer), "\\x1b…");
    assert_string_equal(qctx_shown_excerpt("", 0, buffer, sizeof buffer), "");
}

static const char *formatted(size_t size, const char *format, ...) __attribute__((format(printf, 2, 3)));

static const char *formatted(size_t size, const char *format, ...)
{
    static char buffer[256];
    va_list arguments;

    va_start(arguments, format);
    qctx_shown_vformat(buffer, size, format, arguments);
    va_end(arguments);
    return buffer;
}

/* Numbers as the C library has them, texts as they are shown. */
static void formats_are_those_of_printf(void **state)
{
    char expected[256];

    (void)state;
    snprintf(expected, sizeof expected, "%d %5d %-5d| %05d %+lld %zu %jd %x %#X %c%% %.3f %8.2e %g %-8.1f| %*d %.*f",
             -7, 42, 42, 42, 1LL << 40, (size_t)-1, INTMAX_MIN, 255u, 255u, 'c', 3.14159, 12345.678, 1e-9, 2.25, 6, 1,
             2, 2.71828);
    assert_string_equal(formatted(256, "%d %5d %-5d| %05d %+lld %zu %jd %x %#X %c%% %.3f %8.2e %g %-8.1f| %*d %.*f", -7,
                                  42, 42, 42, 1LL << 40, (size_t)-1, INTMAX_MIN, 255u, 255u, 'c', 3.14159, 12345.678,
                                  1e-9, 2.25, 6, 1, 2, 2.71828),
                        expected);
    assert_string_equal(formatted(256, "one\ntwo '%s' %.3s%c", "a\nb\x1b", "\xE2\x80\xAE rest", '\a'),
                        "one\ntwo 'a\\nb\\x1b' \\u202e\\x07");
    assert_string_equal(formatted(256, "%-s and %s", "a\nb\x1b", "a\nb"), "a\nb\\x1b and a\\nb");
    assert_string_equal(formatted(256, "%-6s|%6s|%-*s|", "é\t", "é", 4, "x"), "é\\t   |     é|x   |");
    assert_string_equal(formatted(256, "%-8s|", "a\nb"), "a\\nb    |");
    /* Cut between characters and escapes. */
    assert_string_equal(formatted(6, "abc%s", "\xC3\xA9\xC3\xA9"), "abcé");
    assert_string_equal(formatted(6, "abc%s", "\x1b"), "abc");
    assert_string_equal(formatted(5, "abc…"), "abc");
    assert_string_equal(formatted(256, "%.4s|%.5s|%.4s", "caf\xC3\xA9", "caf\xC3\xA9", "caf\x80"), "caf|café|caf\\x80");
    /* A piece is shown as it is, its end too. */
    assert_string_equal(formatted(256, "%.*s", 4, "caf\xC3\xA9"), "caf\\xc3");
}

/* What is passed to a message does not end its line, what the program writes does. */
static void messages_keep_their_own_lines(void **state)
{
    qctx_error error;

    (void)state;
    qctx_fail(&error, QCTX_ERR_DATA, "%s: no such id", "x\nqctx-dist: all is well\x1b[2J\xC2\x9B");
    assert_string_equal(error.message, "x\\nqctx-dist: all is well\\x1b[2J\\u009b: no such id");
    qctx_error_append(&error, "second %s", "\xE2\x80\xAE");
    qctx_hint(&error, "try %s", "a\rb");
    assert_string_equal(strchr(error.message, '\n') + 1, "second \\u202e");
    assert_string_equal(error.hint, "try a\\rb");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_acts_is_escaped),
    cmocka_unit_test(what_is_no_utf8_is_escaped_byte_by_byte),
    cmocka_unit_test(what_people_write_stays),
    cmocka_unit_test(joiners_that_hide_do_not),
    cmocka_unit_test(columns_are_those_of_what_is_shown),
    cmocka_unit_test(excerpts_end_between_characters),
    cmocka_unit_test(formats_are_those_of_printf),
    cmocka_unit_test(messages_keep_their_own_lines),
};
TEST_MAIN(tests)
