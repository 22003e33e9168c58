/* ranks: 1 */
#include "harness.h"

#include <stdlib.h>

#include "qctx/cli/results.h"
#include "qctx/platform/json.h"

static qctx_error error;

static char *wrapped(const char *text, int64_t column, int64_t indent, int64_t columns)
{
    char *got = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&got, &bytes);

    qctx_results_wrap(text, column, indent, columns, stream);
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
    (void)state;
    check("a\x1b[2Jb", 2, "a?[2Jb\n");
}

static void sentences_are_results(void **state)
{
    char *sentences[] = {"First one.", "Second \"one\"."};
    const qctx_hit hits[] = {{0.75f, 1}, {-0.5f, 0}};
    const qctx_results results = {"which?", hits, 2, NULL, sentences};
    char *text = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&text, &bytes);
    json_t *object = NULL;
    const char *question, *id, *found;
    json_int_t position;
    double score;

    (void)state;
    assert_status(qctx_results_print(&results, false, stream, &error), QCTX_OK, &error);
    fclose(stream);
    assert_string_equal(text, "  1  0.7500 Second \"one\".\n  2 -0.5000 First one.\n");
    free(text);
    stream = open_memstream(&text, &bytes);
    assert_status(qctx_results_print(&results, true, stream, &error), QCTX_OK, &error);
    fclose(stream);
    assert_status(qctx_json_parse(text, bytes, "results", &object, &error), QCTX_OK, &error);
    assert_int_equal(json_unpack(object, "{s:s, s:[{s:I, s:F, s:s, s:s}]}", "question", &question, "hits", "position",
                                 &position, "score", &score, "id", &id, "text", &found),
                     0);
    assert_string_equal(question, "which?");
    assert_int_equal(position, 1);
    assert_close(score, 0.75, 0);
    assert_string_equal(id, "2");
    assert_string_equal(found, "Second \"one\".");
    json_decref(object);
    free(text);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(text_is_wrapped_at_the_margin),
    cmocka_unit_test(long_words_are_cut_between_code_points),
    cmocka_unit_test(terminal_escapes_do_not_get_through),
    cmocka_unit_test(sentences_are_results),
};
TEST_MAIN(tests)
