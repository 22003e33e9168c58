/* ranks: 1 */
#include "harness.h"

#include <string.h>

#include "qctx/base/status.h"

static void lines_are_appended(void **state)
{
    qctx_error error;

    (void)state;
    qctx_fail(&error, QCTX_ERR_CONFIG, "%s", "");
    qctx_error_append(&error, "one %d", 1);
    qctx_error_append(&error, "two");
    assert_string_equal(error.message, "one 1\ntwo");
    qctx_error_append(NULL, "nobody listens");
}

static void a_full_message_ends_in_a_line_that_says_so(void **state)
{
    qctx_error error;
    size_t length;

    (void)state;
    qctx_fail(&error, QCTX_ERR_CONFIG, "first");
    for (int i = 0; i < 1000; i++)
        qctx_error_append(&error, "line %04d", i);
    length = strlen(error.message);
    assert_true(length < sizeof error.message && length > sizeof error.message - 32);
    assert_string_equal(error.message + length - strlen("line 0407\n…"), "line 0407\n…");
    /* A short line would fit once more, but lines never stand behind the mark. */
    qctx_error_append(&error, "x");
    assert_int_equal(strlen(error.message), length);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(lines_are_appended),
    cmocka_unit_test(a_full_message_ends_in_a_line_that_says_so),
};
TEST_MAIN(tests)
