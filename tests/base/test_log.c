/* ranks: 1 2 */
#include "harness.h"

#include <stdlib.h>
#include <string.h>

#include "qctx/base/fileio.h"
#include "qctx/base/log.h"

/* "2026-01-31T12:00:00Z " */
enum { TIME_LENGTH = 21 };

/* Each rank writes a file of its own: the text of what it said, and whether the time stands in front. */
static char *said(const char *path)
{
    char *text;
    size_t bytes;

    assert_int_equal(qctx_file_read(path, &text, &bytes, NULL), QCTX_OK);
    return text;
}

static void lines_go_where_they_are_sent_with_the_time(void **state)
{
    char path[4096];
    qctx_error error;
    FILE *out, *before;
    char *text;

    (void)state;
    snprintf(path, sizeof path, "%s.%d", test_path("log"), qctx_comm_rank(test_comm));
    out = fopen(path, "w");
    assert_non_null(out);
    before = qctx_log_redirect(out);
    qctx_info("%d steps", 7);
    assert_false(qctx_log_progress_shown());
    qctx_warn("a %s", "word");
    qctx_fail(&error, QCTX_ERR_DATA, "what happened");
    qctx_hint(&error, "what helps");
    qctx_log_error(&error);
    assert_ptr_equal(qctx_log_redirect(before), out);
    /* Lines are there before the stream is closed: they are read while the work goes on. */
    text = said(path);
    fclose(out);
    assert_true(text[10] == 'T' && text[TIME_LENGTH - 2] == 'Z' && text[TIME_LENGTH - 1] == ' ');
    if (qctx_comm_rank(test_comm) == 0) {
        assert_memory_equal(text + TIME_LENGTH, "7 steps\n", 8);
        assert_contains(text, "Z warning: a word\n");
    } else {
        assert_null(strstr(text, "7 steps"));
        assert_contains(text, "Z warning (rank 1): a word\n");
    }
    assert_contains(text, "Z qctx-dist: what happened\nhint: what helps\n");
    free(text);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(lines_go_where_they_are_sent_with_the_time),
};
TEST_MAIN(tests)
