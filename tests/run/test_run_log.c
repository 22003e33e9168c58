/* ranks: 1 */
#include "harness.h"

#include <stdlib.h>
#include <string.h>

#include "qctx/base/fileio.h"
#include "qctx/base/log.h"
#include "qctx/run/run_log.h"

static char *text_of(const char *path)
{
    char *text = NULL;
    size_t bytes;

    assert_int_equal(qctx_file_read(path, &text, &bytes, NULL), QCTX_OK);
    return text;
}

static int count(const char *text, const char *part)
{
    int found = 0;

    for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part))
        found++;
    return found;
}

static void a_run(const char *path, bool goes_on, const char *word, const qctx_error *failure)
{
    qctx_run_log *log = qctx_run_log_begin();

    qctx_info("%s before the folder", word);
    qctx_run_log_open(log, path, goes_on);
    qctx_warn("%s in it", word);
    qctx_run_log_sync(log);
    qctx_run_log_end(log, failure);
    qctx_info("%s afterwards", word);
}

static void keeps_what_was_said_in_order(void **state)
{
    const char *path = test_path("log.txt");
    qctx_error failure;
    char *text;
    FILE *torn;

    (void)state;
    qctx_fail(&failure, QCTX_ERR_DATA, "what happened");
    qctx_hint(&failure, "what helps");
    a_run(path, false, "first", &failure);
    text = text_of(path);
    /* "2026-01-31T12:00:00Z first before the folder" */
    assert_true(text[10] == 'T' && text[19] == 'Z');
    assert_memory_equal(text + 20, " first before the folder\n", 25);
    assert_true(strstr(text, "Z warning: first in it\n") > strstr(text, "first before the folder\n"));
    assert_non_null(strstr(text, "Z qctx-dist: what happened\nhint: what helps\n"));
    assert_null(strstr(text, "afterwards"));
    assert_null(strchr(text, '\033'));
    free(text);

    /* A line that a kill tore stays one of its own. */
    torn = fopen(path, "a");
    fputs("2026-01-31T12:00:00Z torn", torn);
    fclose(torn);
    a_run(path, true, "second", NULL);
    text = text_of(path);
    assert_int_equal(count(text, "first"), 2);
    assert_int_equal(count(text, "second"), 2);
    assert_non_null(strstr(text, "torn\n2"));
    free(text);

    a_run(path, false, "third", NULL);
    text = text_of(path);
    assert_int_equal(count(text, "first") + count(text, "second"), 0);
    assert_int_equal(count(text, "\n"), 2);
    free(text);
}

/* Of a full disk, or a folder that is gone, is told once, where the log of the program goes. */
static void holds_nothing_up(void **state)
{
    static const char *const places[] = {"/dev/full", "/nowhere/at/all/log.txt"};
    FILE *heard, *before;
    char *text;

    (void)state;
    for (int i = 0; i < 2; i++) {
        heard = fopen(test_path("heard"), "w");
        before = qctx_log_redirect(heard);
        a_run(places[i], false, "one", NULL);
        qctx_log_redirect(before);
        fclose(heard);
        text = text_of(test_path("heard"));
        assert_int_equal(count(text, places[i]), 1);
        assert_int_equal(count(text, "the run goes on without its log"), 1);
        assert_int_equal(count(text, "one"), 3);
        free(text);
    }
    qctx_run_log_open(NULL, "x", false);
    qctx_run_log_sync(NULL);
    qctx_run_log_end(NULL, NULL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(keeps_what_was_said_in_order),
    cmocka_unit_test(holds_nothing_up),
};
TEST_MAIN(tests)
