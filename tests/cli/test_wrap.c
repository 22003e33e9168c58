/* ranks: 1 */
#include "harness.h"

#include <stdlib.h>

#include "qctx/cli/wrap.h"

static char *wrapped(const char *text, int64_t column, int64_t indent, int64_t columns)
{
    char *got = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&got, &bytes);

    qctx_wrap(text, column, indent, columns, stream);
    fclose(stream);
    return got;
}

static void check(const char *text, int64_t column, const char *expected)
{
    char *got = wrapped(text, column, 2, 12);

    assert_string_equal(got, expected);
    free(got);
}

static void text_is_wrapped_at_the_margin(void **state)
{
    (void)state;
    check("one two three four", 2, "one two\n  three four\n");
    check("one two th", 2, "one two th\n");
    check("one two thr", 2, "one two\n  thr\n");
    check("  spaces\t\tand\nlines ", 2, "spaces and\n  lines\n");
    check("", 2, "\n");
    /* Widths are those of code points. */
    check("grüße für é ü", 2, "grüße für\n  é ü\n");
    /* The first line begins further right. */
    check("one two", 8, "one\n  two\n");
    check("seven", 8, "\n  seven\n");
}

static void long_words_are_cut_between_code_points(void **state)
{
    (void)state;
    check("abcdefghijklmnop", 2, "abcdefghij\n  klmnop\n");
    check("日本語日本語日本語日本語", 2, "日本語日本語日本語日\n  本語\n");
}

static void terminal_escapes_do_not_get_through(void **state)
{
    char *got;

    (void)state;
    check("a\n\n  b\r\nc", 2, "a b c\n");
    check("a\x1b[2Jb", 2, "a\\x1b[2Jb\n");
    /* U+009B begins the same sequences as ESC [. */
    check("a\xC2\x9B"
          "2J\xC2\xA0",
          2, "a\\u009b2J\xC2\xA0\n");
    /* An escape that is wider than what is left of a line stands there nevertheless. */
    got = wrapped("\xE2\x80\xAE", 2, 2, 5);
    assert_string_equal(got, "\\u202e\n");
    free(got);
}

static void check_lines(const char *text, int64_t lines, const char *expected)
{
    char *got = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&got, &bytes);

    qctx_wrap_lines(text, 2, 2, 12, lines, stream);
    fclose(stream);
    assert_string_equal(got, expected);
    free(got);
}

static void what_is_too_long_is_cut_and_marked(void **state)
{
    (void)state;
    check_lines("one two three four", 2, "one two\n  three four\n");
    check_lines("one two three four five", 2, "one two\n  three …\n");
    check_lines("one two three", 1, "one two …\n");
    check_lines("one two th", 1, "one two th\n");
    check_lines("abcdefghijklmnop", 1, "abcdefgh …\n");
    check_lines("one abcdefghijklmnop", 1, "one …\n");
    check_lines("one two three four five", 0, "one two\n  three four\n  five\n");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(text_is_wrapped_at_the_margin),
    cmocka_unit_test(long_words_are_cut_between_code_points),
    cmocka_unit_test(terminal_escapes_do_not_get_through),
    cmocka_unit_test(what_is_too_long_is_cut_and_marked),
};
TEST_MAIN(tests)
