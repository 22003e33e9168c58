/* ranks: 1 */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "qctx/base/fileio.h"
#include "qctx/base/outfile.h"

static void assert_holds(const char *path, const char *expected)
{
    qctx_error error;
    char *text;
    size_t bytes;

    assert_status(qctx_file_read(path, &text, &bytes, &error), QCTX_OK, &error);
    assert_string_equal(text, expected);
    free(text);
}

static void a_discarded_file_leaves_the_old_one(void **state)
{
    qctx_outfile *file;
    qctx_error error;

    (void)state;
    assert_status(qctx_file_write(test_path("kept"), "old", 3, &error), QCTX_OK, &error);
    assert_status(qctx_outfile_open(test_path("kept"), &file, &error), QCTX_OK, &error);
    fputs("new", qctx_outfile_stream(file));
    assert_int_equal(test_entries("kept"), 2);
    qctx_outfile_discard(file);
    assert_holds(test_path("kept"), "old");
    assert_int_equal(test_entries("kept"), 1);
}

/* /dev/full takes bytes into the buffer and fails when they are flushed, as a full disk does. */
static void a_full_disk_is_an_error_and_leaves_nothing(void **state)
{
    int full = open("/dev/full", O_WRONLY);
    qctx_outfile *file;
    qctx_error error;

    (void)state;
    assert_status(qctx_outfile_open(test_path("full"), &file, &error), QCTX_OK, &error);
    assert_true(dup2(full, fileno(qctx_outfile_stream(file))) >= 0);
    close(full);
    fputs("much", qctx_outfile_stream(file));
    assert_status(qctx_outfile_commit(file, &error), QCTX_ERR_SPACE, &error);
    assert_contains(error.message, "No space left on device");
    assert_contains(error.message, "full: cannot write");
    assert_int_equal(test_entries("full"), 0);
}

/* What others keep under the names of old is theirs, be it a file, a folder or a link to something precious. */
static void nothing_is_followed_or_removed_that_is_not_its_own(void **state)
{
    qctx_error error;

    (void)state;
    test_write(test_path("victim"), "precious");
    assert_int_equal(symlink(test_path("victim"), test_path("out.partial")), 0);
    assert_status(qctx_file_write(test_path("out"), "ours", 4, &error), QCTX_OK, &error);
    assert_holds(test_path("victim"), "precious");
    assert_holds(test_path("out"), "ours");
    assert_holds(test_path("out.partial"), "precious");

    /* The final name, too, is replaced and not followed. */
    assert_int_equal(symlink(test_path("victim"), test_path("link")), 0);
    assert_status(qctx_file_write(test_path("link"), "ours", 4, &error), QCTX_OK, &error);
    assert_holds(test_path("victim"), "precious");
    assert_holds(test_path("link"), "ours");
}

/* Stands before the C library's: a file system that cannot refuse to replace says so. */
static bool without_noreplace;

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags)
{
    if (!without_noreplace)
        return (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, flags);
    errno = EINVAL;
    return -1;
}

/* Also what came there while the file was written, be it a link that leads nowhere. */
static void what_is_to_be_new_replaces_nothing(void **state)
{
    (void)state;
    for (int without = 0; without < 2; without++) {
        qctx_outfile *file;
        char *folder;
        qctx_error error;

        without_noreplace = without == 1;
        unlink(test_path("fresh"));
        unlink(test_path("nowhere"));
        assert_status(qctx_outfile_open(test_path("fresh"), &file, &error), QCTX_OK, &error);
        fputs("ours", qctx_outfile_stream(file));
        assert_status(qctx_outfile_commit_new(file, &error), QCTX_OK, &error);
        assert_holds(test_path("fresh"), "ours");
        assert_int_equal(test_entries("fresh"), 1);

        assert_status(qctx_outfile_open(test_path("fresh"), &file, &error), QCTX_OK, &error);
        fputs("late", qctx_outfile_stream(file));
        assert_status(qctx_outfile_commit_new(file, &error), QCTX_ERR_EXISTS, &error);
        assert_contains(error.message, "fresh: exists by now");
        assert_holds(test_path("fresh"), "ours");
        assert_int_equal(test_entries("fresh"), 1);

        assert_int_equal(symlink("not/there", test_path("nowhere")), 0);
        assert_status(qctx_outfile_open(test_path("nowhere"), &file, &error), QCTX_OK, &error);
        assert_status(qctx_outfile_commit_new(file, &error), QCTX_ERR_EXISTS, &error);

        assert_status(qctx_outfolder_make(test_path("place"), &folder, &error), QCTX_OK, &error);
        assert_status(qctx_folder_remove(test_path("place"), &error), QCTX_OK, &error);
        assert_status(qctx_file_publish_new(folder, test_path("place"), &error), QCTX_OK, &error);
        free(folder);
        assert_status(qctx_outfolder_make(test_path("place"), &folder, &error), QCTX_OK, &error);
        /* An empty folder, which rename alone would replace. */
        assert_status(qctx_file_publish_new(folder, test_path("place"), &error), QCTX_ERR_EXISTS, &error);
        assert_status(qctx_folder_remove(folder, &error), QCTX_OK, &error);
        free(folder);
    }
}

/* Twenty processes write one file at once, each in many pieces: one of them is whole under the name. */
static void writers_at_once_leave_one_whole_file(void **state)
{
    enum { WRITERS = 20, PIECES = 2000 };
    struct stat found;
    char *text;
    size_t bytes;

    (void)state;
    for (int w = 0; w < WRITERS; w++) {
        if (fork() == 0) {
            qctx_outfile *file;

            if (qctx_outfile_open(test_path("race"), &file, NULL) != QCTX_OK)
                _exit(1);
            for (int i = 0; i < PIECES; i++)
                fprintf(qctx_outfile_stream(file), "%c%04d\n", 'a' + w, i);
            _exit(qctx_outfile_commit(file, NULL) != QCTX_OK);
        }
    }
    for (int w = 0, code; w < WRITERS; w++) {
        assert_true(wait(&code) > 0);
        assert_int_equal(code, 0);
    }
    assert_int_equal(test_entries("race"), 1);
    assert_int_equal(stat(test_path("race"), &found), 0);
    assert_status(qctx_file_read(test_path("race"), &text, &bytes, NULL), QCTX_OK, NULL);
    assert_int_equal(bytes, PIECES * 6);
    for (int i = 0; i < PIECES; i++) {
        assert_int_equal(text[i * 6], text[0]);
        assert_int_equal(atoi(text + i * 6 + 1), i);
    }
    free(text);
}

static void folders_are_new_and_beside_their_final_names(void **state)
{
    char *first, *second;
    qctx_error error;

    (void)state;
    assert_status(qctx_outfolder_make(test_path("deep/er/made"), &first, &error), QCTX_OK, &error);
    assert_status(qctx_outfolder_make(test_path("deep/er/made"), &second, &error), QCTX_OK, &error);
    assert_string_not_equal(first, second);
    assert_true(qctx_path_is_folder(first) && qctx_path_is_folder(second));
    assert_int_equal(strncmp(first, test_path("deep/er/made."), strlen(test_path("deep/er/made."))), 0);
    free(first);
    free(second);
    assert_status(qctx_outfolder_make("/proc/made", &first, &error), QCTX_ERR_IO, &error);
    assert_contains(error.message, "/proc/made: cannot make the folder");
}

static void logs_grow_and_links_are_refused(void **state)
{
    qctx_error error;
    int handle;

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_status(qctx_file_append(test_path("log"), i == 0, &handle, &error), QCTX_OK, &error);
        assert_int_equal(write(handle, "line\n", 5), 5);
        close(handle);
    }
    assert_holds(test_path("log"), "line\nline\n");
    assert_status(qctx_file_append(test_path("log"), true, &handle, &error), QCTX_OK, &error);
    close(handle);
    assert_holds(test_path("log"), "");

    test_write(test_path("victim"), "precious");
    assert_int_equal(symlink(test_path("victim"), test_path("planted")), 0);
    assert_status(qctx_file_append(test_path("planted"), true, &handle, &error), QCTX_ERR_IO, &error);
    assert_contains(error.message, "planted: cannot open for writing: it is a symbolic link");
    assert_holds(test_path("victim"), "precious");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_discarded_file_leaves_the_old_one),
    cmocka_unit_test(a_full_disk_is_an_error_and_leaves_nothing),
    cmocka_unit_test(nothing_is_followed_or_removed_that_is_not_its_own),
    cmocka_unit_test(what_is_to_be_new_replaces_nothing),
    cmocka_unit_test(writers_at_once_leave_one_whole_file),
    cmocka_unit_test(folders_are_new_and_beside_their_final_names),
    cmocka_unit_test(logs_grow_and_links_are_refused),
};
TEST_MAIN(tests)
