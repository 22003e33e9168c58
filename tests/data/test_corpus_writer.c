/* ranks: 1 */
#include "harness.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "qctx/base/fileio.h"
#include "qctx/data/corpus.h"
#include "qctx/data/corpus_writer.h"

/* Opens a writer and gives it one question with its context, whose text is `text`. */
static qctx_corpus_writer *begin(const char *folder, bool force, const char *text)
{
    qctx_corpus_writer *writer = NULL;
    qctx_error error;

    assert_status(qctx_corpus_writer_open(folder, force, &writer, &error), QCTX_OK, &error);
    assert_status(qctx_corpus_writer_context(writer, "c0", NULL, text, NULL, 0, &error), QCTX_OK, &error);
    assert_status(qctx_corpus_writer_question(writer, "q0", "a \"quoted\" question", &error), QCTX_OK, &error);
    assert_status(qctx_corpus_writer_answer(writer, "train", "q0", "c0", &error), QCTX_OK, &error);
    return writer;
}

static void assert_written(const char *folder, const char *text)
{
    qctx_corpus *corpus = NULL;
    qctx_error error;

    assert_status(qctx_corpus_open(test_comm, folder, &corpus, &error), QCTX_OK, &error);
    assert_string_equal(corpus->contexts[0].text, text);
    assert_string_equal(corpus->questions[0].text, "a \"quoted\" question");
    assert_int_equal(corpus->splits[0].count, 1);
    qctx_corpus_destroy(corpus);
}

static void writes_what_the_reader_reads(void **state)
{
    const char *folder = test_path("deep/er/corpus");
    const char *text = "back\\slash, tab\t, caf\xC3\xA9, \xF0\x9F\x98\x80 and a\nline";
    qctx_corpus_writer *writer = begin(folder, false, text);
    qctx_error error;

    (void)state;
    assert_status(qctx_corpus_writer_answer(writer, "dev", "q0", "c0", &error), QCTX_OK, &error);
    assert_false(qctx_path_exists(folder));
    assert_status(qctx_corpus_writer_commit(writer, &error), QCTX_OK, &error);
    assert_written(folder, text);
}

static void replaces_only_a_corpus_and_only_when_forced(void **state)
{
    const char *folder = test_path("twice");
    qctx_corpus_writer *writer = NULL;
    qctx_error error;

    (void)state;
    assert_status(qctx_corpus_writer_commit(begin(folder, false, "old"), &error), QCTX_OK, &error);
    assert_status(qctx_corpus_writer_open(folder, false, &writer, &error), QCTX_ERR_EXISTS, &error);
    assert_contains(error.hint, "--force");

    /* A trailing slash names the same folder; a writer that gives up leaves the old corpus as it is. */
    qctx_corpus_writer_discard(begin(test_path("twice/"), true, "given up"));
    assert_int_equal(test_entries("twice") + test_entries(".twice"), 1);
    assert_written(folder, "old");
    assert_status(qctx_corpus_writer_commit(begin(folder, true, "new"), &error), QCTX_OK, &error);
    assert_written(folder, "new");

    /* What a link leads to was not named. */
    assert_int_equal(symlink("twice", test_path("linked")), 0);
    assert_status(qctx_corpus_writer_open(test_path("linked"), true, &writer, &error), QCTX_ERR_EXISTS, &error);
    assert_contains(error.message, "linked: is a link, and only a corpus itself is replaced");
    assert_written(folder, "new");

    /* A folder that came there while the corpus was written, be it empty, stays. */
    writer = begin(test_path("late"), false, "late");
    assert_int_equal(mkdir(test_path("late"), 0777), 0);
    assert_status(qctx_corpus_writer_commit(writer, &error), QCTX_ERR_EXISTS, &error);
    assert_int_equal(rmdir(test_path("late")), 0);
    assert_int_equal(test_entries("late") + test_entries(".late"), 0);
    assert_status(qctx_corpus_writer_open("-", true, &writer, &error), QCTX_ERR_USAGE, &error);
    assert_int_equal(test_entries("twice") + test_entries(".twice"), 1);

    assert_int_equal(qctx_folder_make(test_path("precious"), NULL), QCTX_OK);
    test_write(test_path("precious/thesis.txt"), "years of work");
    assert_status(qctx_corpus_writer_open(test_path("precious"), true, &writer, &error), QCTX_ERR_EXISTS, &error);
    assert_contains(error.message, "no corpus");
    assert_true(qctx_path_exists(test_path("precious/thesis.txt")));
}

/* What others keep under names that this program once took for its own. */
static void leaves_alone_what_is_not_its_own(void **state)
{
    qctx_error error;

    (void)state;
    assert_int_equal(qctx_folder_make(test_path("mine.partial"), NULL), QCTX_OK);
    test_write(test_path("mine.partial/thesis.txt"), "years of work");
    assert_int_equal(qctx_folder_make(test_path("mine.replaced"), NULL), QCTX_OK);
    test_write(test_path("mine.replaced/thesis.txt"), "years of work");
    assert_status(qctx_corpus_writer_commit(begin(test_path("mine"), false, "old"), &error), QCTX_OK, &error);
    assert_status(qctx_corpus_writer_commit(begin(test_path("mine"), true, "new"), &error), QCTX_OK, &error);
    assert_written(test_path("mine"), "new");
    assert_true(qctx_path_exists(test_path("mine.partial/thesis.txt")));
    assert_true(qctx_path_exists(test_path("mine.replaced/thesis.txt")));
    assert_int_equal(test_entries("mine") + test_entries(".mine"), 3);
}

/* Whoever comes second is told so at once, before its work; and a corpus of meanwhile is not replaced unasked. */
static void one_writer_at_a_time_has_a_name(void **state)
{
    qctx_corpus_writer *first = begin(test_path("race"), false, "first"), *second = NULL;
    qctx_error error;

    (void)state;
    assert_status(qctx_corpus_writer_open(test_path("race"), true, &second, &error), QCTX_ERR_EXISTS, &error);
    assert_contains(error.message, ".race.lock: another process is at work here: process ");
    assert_status(qctx_corpus_writer_commit(first, &error), QCTX_OK, &error);
    assert_written(test_path("race"), "first");

    first = begin(test_path("late"), false, "late");
    assert_int_equal(rename(test_path("race"), test_path("late")), 0);
    assert_status(qctx_corpus_writer_commit(first, &error), QCTX_ERR_EXISTS, &error);
    assert_written(test_path("late"), "first");
    assert_int_equal(test_entries("late") + test_entries(".late"), 1);
}

static void refuses_bad_names_and_bytes(void **state)
{
    qctx_corpus_writer *writer = begin(test_path("names"), false, "x");
    qctx_error error;

    (void)state;
    assert_status(qctx_corpus_writer_answer(writer, "../up", "q0", "c0", &error), QCTX_ERR_USAGE, &error);
    assert_status(qctx_corpus_writer_answer(writer, "", "q0", "c0", &error), QCTX_ERR_USAGE, &error);
    assert_status(qctx_corpus_writer_answer(writer, ".hidden", "q0", "c0", &error), QCTX_ERR_USAGE, &error);
    assert_status(qctx_corpus_writer_context(writer, "c1", NULL, "caf\xE9", NULL, 0, &error), QCTX_ERR_DATA, &error);
    qctx_corpus_writer_discard(writer);
    qctx_corpus_writer_discard(NULL);
}

static void reports_folders_that_cannot_be_made(void **state)
{
    qctx_corpus_writer *writer = NULL;
    qctx_error error;

    (void)state;
    assert_status(qctx_corpus_writer_open("/proc/corpus", false, &writer, &error), QCTX_ERR_IO, &error);
    assert_contains(error.message, "/proc/corpus");
    test_write(test_path("plainfile"), "x");
    assert_status(qctx_corpus_writer_open(test_path("plainfile/corpus"), false, &writer, &error), QCTX_ERR_IO, &error);
    assert_null(writer);
}

/* A limit on the size of files stands for a full disk: writes fail beyond it. */
static void leaves_nothing_behind_when_the_disk_is_full(void **state)
{
    const struct rlimit small = {4096, RLIM_INFINITY};
    struct rlimit before;
    char text[2000];
    qctx_error error;
    qctx_corpus_writer *writer;
    qctx_status status = QCTX_OK;

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    writer = begin(test_path("full"), false, text);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    setrlimit(RLIMIT_FSIZE, &small);
    for (int i = 0; i < 10 && status == QCTX_OK; i++)
        status = qctx_corpus_writer_context(writer, "c", NULL, text, NULL, 0, &error);
    if (status == QCTX_OK)
        status = qctx_corpus_writer_commit(writer, &error);
    else
        qctx_corpus_writer_discard(writer);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_status(status, QCTX_ERR_IO, &error);
    assert_contains(error.message, "cannot write");
    assert_false(qctx_path_exists(test_path("full")));
    assert_int_equal(test_entries("full") + test_entries(".full"), 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(writes_what_the_reader_reads),
    cmocka_unit_test(replaces_only_a_corpus_and_only_when_forced),
    cmocka_unit_test(leaves_alone_what_is_not_its_own),
    cmocka_unit_test(one_writer_at_a_time_has_a_name),
    cmocka_unit_test(refuses_bad_names_and_bytes),
    cmocka_unit_test(reports_folders_that_cannot_be_made),
    cmocka_unit_test(leaves_nothing_behind_when_the_disk_is_full),
};
TEST_MAIN(tests)
