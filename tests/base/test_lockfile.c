/* ranks: 1 */
#include "harness.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "qctx/base/fileio.h"
#include "qctx/base/lockfile.h"

/* A child that takes the lock, says so, and keeps it until it is killed. */
static pid_t start_holder(const char *path)
{
    int said[2];
    char word = '-';
    pid_t child;

    assert_int_equal(pipe(said), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        qctx_lockfile *lock = NULL;

        word = qctx_lockfile_take(path, &lock, NULL) == QCTX_OK ? 'y' : 'n';
        if (write(said[1], &word, 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(said[1]);
    assert_int_equal(read(said[0], &word, 1), 1);
    close(said[0]);
    assert_int_equal(word, 'y');
    return child;
}

static void end_holder(pid_t child)
{
    int code;

    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &code, 0), child);
}

static void one_process_at_a_time_holds_it(void **state)
{
    const char *path = test_path("lock");
    qctx_lockfile *lock = NULL;
    qctx_error error;
    char holder[64], *text;
    size_t bytes;
    pid_t child;

    (void)state;
    assert_false(qctx_lockfile_is_held(path));
    child = start_holder(path);
    snprintf(holder, sizeof holder, "process %ld on ", (long)child);
    assert_true(qctx_lockfile_is_held(path));
    assert_status(qctx_lockfile_take(path, &lock, &error), QCTX_ERR_EXISTS, &error);
    assert_contains(error.message, holder);
    assert_contains(error.message, "lock: another process is at work here");
    end_holder(child);
    assert_false(qctx_lockfile_is_held(path));
    assert_status(qctx_lockfile_take(path, &lock, &error), QCTX_OK, &error);
    assert_true(qctx_lockfile_is_held(path));
    snprintf(holder, sizeof holder, "process %ld on ", (long)getpid());
    assert_status(qctx_file_read(path, &text, &bytes, &error), QCTX_OK, &error);
    assert_contains(text, holder);
    free(text);
    qctx_lockfile_release(lock);
    assert_false(qctx_lockfile_is_held(path));
    assert_true(qctx_path_exists(path));
}

static void a_second_taker_of_the_same_process_is_kept_out_too(void **state)
{
    qctx_lockfile *lock = NULL, *second = NULL;
    qctx_error error;

    (void)state;
    assert_status(qctx_lockfile_take(test_path("twice"), &lock, &error), QCTX_OK, &error);
    assert_status(qctx_lockfile_take(test_path("twice"), &second, &error), QCTX_ERR_EXISTS, &error);
    qctx_lockfile_release(lock);
    qctx_lockfile_release(NULL);
}

static void what_cannot_be_opened_says_why(void **state)
{
    qctx_lockfile *lock = NULL;
    qctx_error error;

    (void)state;
    assert_status(qctx_lockfile_take(test_path("no/lock"), &lock, &error), QCTX_ERR_IO, &error);
    assert_contains(error.message, "No such file or directory");
    assert_status(qctx_lockfile_take(test_folder(), &lock, &error), QCTX_ERR_IO, &error);
    assert_status(qctx_lockfile_take("/dev/full", &lock, &error), QCTX_ERR_IO, &error);
    assert_false(qctx_lockfile_is_held(test_path("no/lock")));
}

/* A link could lead to any file, and a file of somebody else may have the name of a lock. */
static void only_its_own_files_are_written_over(void **state)
{
    qctx_lockfile *lock = NULL;
    qctx_error error;
    char *text;
    size_t bytes;

    (void)state;
    test_write(test_path("precious"), "years of work\n");
    assert_int_equal(symlink(test_path("precious"), test_path("planted")), 0);
    assert_status(qctx_lockfile_take(test_path("planted"), &lock, &error), QCTX_ERR_IO, &error);
    assert_contains(error.message, "planted: cannot lock: it is in the way and no lock of this program");
    assert_status(qctx_lockfile_take(test_path("precious"), &lock, &error), QCTX_ERR_IO, &error);
    assert_status(qctx_file_read(test_path("precious"), &text, &bytes, &error), QCTX_OK, &error);
    assert_string_equal(text, "years of work\n");
    free(text);
}

/* As on a full disk. */
static void a_lock_that_cannot_be_written_leaves_no_file(void **state)
{
    struct rlimit before, none;
    qctx_lockfile *lock = NULL;
    qctx_error error;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    none = (struct rlimit){0, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    assert_int_not_equal(qctx_lockfile_take(test_path("full"), &lock, &error), QCTX_OK);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_contains(error.message, "full: cannot write");
    assert_false(qctx_path_exists(test_path("full")));
}

static void a_removed_lock_leaves_no_file(void **state)
{
    qctx_lockfile *lock = NULL;
    qctx_error error;

    (void)state;
    assert_status(qctx_lockfile_take(test_path("brief"), &lock, &error), QCTX_OK, &error);
    qctx_lockfile_remove(lock);
    assert_false(qctx_path_exists(test_path("brief")));
    qctx_lockfile_remove(NULL);
    assert_status(qctx_lockfile_take(test_path("brief"), &lock, &error), QCTX_OK, &error);
    qctx_lockfile_release(lock);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(one_process_at_a_time_holds_it),
    cmocka_unit_test(a_second_taker_of_the_same_process_is_kept_out_too),
    cmocka_unit_test(what_cannot_be_opened_says_why),
    cmocka_unit_test(only_its_own_files_are_written_over),
    cmocka_unit_test(a_lock_that_cannot_be_written_leaves_no_file),
    cmocka_unit_test(a_removed_lock_leaves_no_file),
};
TEST_MAIN(tests)
