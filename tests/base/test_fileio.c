/* ranks: 1 */
#include "harness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "qctx/base/fileio.h"
#include "qctx/base/hash.h"
#include "qctx/base/outfile.h"

static void written_files_read_back_whole(void **state)
{
    const char data[] = "first\nsecond\0third";
    qctx_error error;
    char *text;
    size_t bytes;

    (void)state;
    assert_status(qctx_file_write(test_path("file"), data, sizeof data, &error), QCTX_OK, &error);
    assert_status(qctx_file_read(test_path("file"), &text, &bytes, &error), QCTX_OK, &error);
    assert_int_equal(bytes, sizeof data);
    assert_memory_equal(text, data, sizeof data);
    free(text);
}

static void what_cannot_be_opened_says_why(void **state)
{
    qctx_error error;
    char *text;
    size_t bytes;
    uint64_t hash;

    (void)state;
    assert_status(qctx_file_read(test_path("absent"), &text, &bytes, &error), QCTX_ERR_IO, &error);
    assert_contains(error.message, "absent: cannot open for reading: No such file or directory");
    assert_status(qctx_file_read(test_folder(), &text, &bytes, &error), QCTX_ERR_IO, &error);
    assert_contains(error.message, "Is a directory");
    assert_status(qctx_file_write(test_path("no/such/folder"), "x", 1, &error), QCTX_ERR_IO, &error);
    assert_status(qctx_hash_file(test_path("absent"), 0, &hash, &error), QCTX_ERR_IO, &error);
}

/* A device or a pipe under the name would be replaced by a file, --force or not. */
static void outputs_replace_files_only(void **state)
{
    qctx_error error;

    (void)state;
    assert_status(qctx_output_check(test_path("new"), false, &error), QCTX_OK, &error);
    assert_status(qctx_file_write(test_path("old"), "x", 1, &error), QCTX_OK, &error);
    assert_status(qctx_output_check(test_path("old"), false, &error), QCTX_ERR_EXISTS, &error);
    assert_contains(error.hint, "--force");
    assert_status(qctx_output_check(test_path("old"), true, &error), QCTX_OK, &error);
    assert_status(qctx_output_check("/dev/null", true, &error), QCTX_ERR_IO, &error);
    assert_contains(error.message, "/dev/null: it is a device, a pipe or a socket; expected the name of a file");
    assert_int_equal(mkfifo(test_path("pipe"), 0600), 0);
    assert_status(qctx_output_check(test_path("pipe"), true, &error), QCTX_ERR_IO, &error);
    assert_status(qctx_output_check(test_folder(), true, &error), QCTX_ERR_IO, &error);
    assert_contains(error.message, "it is a folder; expected the name of a file");
    assert_status(qctx_output_check("-", false, &error), QCTX_ERR_USAGE, &error);
    assert_status(qctx_output_check("/dev/stdout", true, &error), QCTX_ERR_USAGE, &error);
    assert_contains(error.message, "'/dev/stdout' is a stream, this file is written in any order");
    assert_status(qctx_output_check("/dev/fd/63", true, &error), QCTX_ERR_USAGE, &error);
    assert_status(qctx_output_check("new/", false, &error), QCTX_ERR_USAGE, &error);
    assert_status(qctx_output_check("", false, &error), QCTX_ERR_USAGE, &error);
}

/* Of a folder that may be a stranger's, a link is not read, nor is what would wait for a writer. */
static void links_lead_nowhere_from_inside(void **state)
{
    qctx_error error;
    char *text;
    size_t bytes;

    (void)state;
    test_write(test_path("inside"), "words");
    assert_status(qctx_file_read_inside(test_path("inside"), &text, &bytes, &error), QCTX_OK, &error);
    assert_string_equal(text, "words");
    free(text);
    assert_int_equal(symlink("inside", test_path("alias")), 0);
    assert_status(qctx_file_read_inside(test_path("alias"), &text, &bytes, &error), QCTX_ERR_IO, &error);
    assert_contains(error.message, "alias: is a symbolic link, and not followed out of its folder");
    assert_status(qctx_link_refuse(test_path("alias"), &error), QCTX_ERR_IO, &error);
    assert_status(qctx_link_refuse(test_path("inside"), &error), QCTX_OK, &error);
    assert_status(qctx_link_refuse(test_path("absent"), &error), QCTX_OK, &error);
    assert_int_equal(mkfifo(test_path("unwritten"), 0600), 0);
    assert_status(qctx_file_read_inside(test_path("unwritten"), &text, &bytes, &error), QCTX_ERR_IO, &error);
    assert_contains(error.message, "unwritten: cannot open for reading: it is no file");
    assert_status(qctx_file_read_inside(test_folder(), &text, &bytes, &error), QCTX_ERR_IO, &error);
    assert_status(qctx_file_read_inside(test_path("absent"), &text, &bytes, &error), QCTX_ERR_IO, &error);
    assert_contains(error.message, "No such file");
}

static void handles_are_known_by_their_paths(void **state)
{
    (void)state;
    assert_int_equal(qctx_path_handle("/dev/stdin"), 0);
    assert_int_equal(qctx_path_handle("/dev/stdout"), 1);
    assert_int_equal(qctx_path_handle("/dev/stderr"), 2);
    assert_int_equal(qctx_path_handle("/dev/fd/63"), 63);
    assert_int_equal(qctx_path_handle("/proc/self/fd/7"), 7);
    assert_int_equal(qctx_path_handle("/dev/fd/"), -1);
    assert_int_equal(qctx_path_handle("/dev/fd/6x"), -1);
    assert_int_equal(qctx_path_handle("/dev/fd/-6"), -1);
    assert_int_equal(qctx_path_handle("dev/stdout"), -1);
    assert_int_equal(qctx_path_handle("-"), -1);
}

static void folders_are_made_with_their_parents(void **state)
{
    qctx_error error;

    (void)state;
    assert_status(qctx_folder_make(test_path("a/b/c"), &error), QCTX_OK, &error);
    assert_status(qctx_folder_make(test_path("a/b/c"), &error), QCTX_OK, &error);
    assert_true(qctx_path_is_folder(test_path("a/b/c")));
    assert_status(qctx_folder_make_parent(test_path("d/e/file"), &error), QCTX_OK, &error);
    assert_true(qctx_folder_has(test_path("d"), "e"));
    assert_false(qctx_folder_has(test_path("d/e"), "file"));
    assert_status(qctx_folder_make_parent("file", &error), QCTX_OK, &error);
    assert_status(qctx_folder_make_parent("/file", &error), QCTX_OK, &error);
    assert_status(qctx_file_write(test_path("a/file"), "x", 1, &error), QCTX_OK, &error);
    assert_status(qctx_folder_make(test_path("a/file/d"), &error), QCTX_ERR_IO, &error);
    assert_status(qctx_path_must_not_exist(test_path("a"), false, &error), QCTX_ERR_EXISTS, &error);
    assert_contains(error.hint, "--force");
    assert_status(qctx_path_must_not_exist(test_path("a"), true, &error), QCTX_OK, &error);
}

static void a_file_hashes_like_its_bytes(void **state)
{
    enum { BYTES = 200000 };
    char *data = malloc(BYTES);
    uint64_t hash = 0;
    qctx_error error;

    (void)state;
    memset(data, 'x', BYTES);
    assert_status(qctx_file_write(test_path("large"), data, BYTES, &error), QCTX_OK, &error);
    assert_status(qctx_hash_file(test_path("large"), 9, &hash, &error), QCTX_OK, &error);
    assert_true(hash == qctx_hash(data, BYTES, 9));
    assert_true(hash != qctx_hash(data, BYTES, 8));
    free(data);
}

static void only_slashes_at_the_end_are_trimmed(void **state)
{
    static const char *const pairs[][2] = {{"a/b//", "a/b"}, {"a/b", "a/b"}, {"//", "/"}, {"/a/", "/a"}, {"", ""}};
    qctx_error error;

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char *trimmed = qctx_path_trim(pairs[i][0], &error);

        assert_string_equal(trimmed, pairs[i][1]);
        free(trimmed);
    }
}

static void tells_beforehand_what_cannot_be_made(void **state)
{
    qctx_error error = {0};

    (void)state;
    test_write(test_path("in the way"), "a file");
    assert_int_equal(qctx_folder_check(test_path("not/yet/there/"), &error), QCTX_OK);
    assert_int_equal(qctx_folder_check("relative", &error), QCTX_OK);
    assert_int_equal(qctx_folder_check("/", &error), QCTX_OK);
    assert_false(qctx_path_exists(test_path("not")));
    assert_status(qctx_folder_check(test_path("in the way"), &error), QCTX_ERR_IO, &error);
    assert_status(qctx_folder_check(test_path("in the way/deeper/still"), &error), QCTX_ERR_IO, &error);
    assert_contains(error.message, "in the way: cannot make the folder: a file of this name is in the way");
    qctx_hint_place(&error, test_path("elsewhere"), "key=FOLDER");
    assert_string_equal(error.hint, "");
    qctx_hint_place(&error, test_path("in the way/deeper/still"), "key=FOLDER");
    assert_contains(error.hint, "key=FOLDER");
    qctx_write_failed("a/b", "cannot make the folder", EDQUOT, &error);
    qctx_hint_place(&error, "a", "key=FOLDER");
    assert_contains(error.hint, "quota");
    assert_contains(error.hint, "key=FOLDER");
}

/* What the system would refuse halfway is refused before the first folder; what fits is made. */
static void nothing_is_left_of_paths_that_are_too_long(void **state)
{
    static const struct {
        int names, bytes;
        bool fits, fits_as_parent;
    } cases[] = {{1, 255, true, false}, {1, 256, false, false},  {1, 231, true, true},
                 {1, 232, true, false}, {60, 100, false, false}, {20, 100, true, true}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char path[8192], top[1024], name[300] = "";
        qctx_error error;

        snprintf(top, sizeof top, "%s", test_path("long"));
        snprintf(path, sizeof path, "%s", top);
        memset(name, 'n', (size_t)cases[i].bytes);
        for (int n = 0; n < cases[i].names; n++)
            strcat(strcat(path, "/"), name);
        assert_status(qctx_folder_make(path, &error), cases[i].fits ? QCTX_OK : QCTX_ERR_IO, &error);
        assert_int_equal(qctx_path_is_folder(path), cases[i].fits);
        assert_int_equal(qctx_path_exists(top), cases[i].fits);
        assert_status(qctx_folder_remove(top, &error), QCTX_OK, &error);
        assert_status(qctx_folder_make_parent(path, &error), cases[i].fits_as_parent ? QCTX_OK : QCTX_ERR_IO, &error);
        assert_int_equal(qctx_path_exists(top), cases[i].fits_as_parent);
        assert_status(qctx_folder_remove(top, &error), QCTX_OK, &error);
    }
}

static bool note_folder(void *context, const char *folder)
{
    char *noted = context;

    strcat(strcat(noted, folder), ";");
    return strcmp(folder, "c") == 0;
}

static void listed_folders_are_asked_until_one_is_taken(void **state)
{
    char noted[64] = "";

    (void)state;
    assert_int_equal(setenv("QCTX_TEST_LIST", "a::b/x:c:d", 1), 0);
    assert_true(qctx_folders_each("QCTX_TEST_LIST", note_folder, noted));
    assert_string_equal(noted, "a;b/x;c;");
    assert_int_equal(setenv("QCTX_TEST_LIST", ":e:", 1), 0);
    assert_false(qctx_folders_each("QCTX_TEST_LIST", note_folder, noted));
    assert_string_equal(noted, "a;b/x;c;e;");
    assert_int_equal(unsetenv("QCTX_TEST_LIST"), 0);
    assert_false(qctx_folders_each("QCTX_TEST_LIST", note_folder, noted));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(listed_folders_are_asked_until_one_is_taken),
    cmocka_unit_test(tells_beforehand_what_cannot_be_made),
    cmocka_unit_test(written_files_read_back_whole),
    cmocka_unit_test(what_cannot_be_opened_says_why),
    cmocka_unit_test(outputs_replace_files_only),
    cmocka_unit_test(links_lead_nowhere_from_inside),
    cmocka_unit_test(handles_are_known_by_their_paths),
    cmocka_unit_test(folders_are_made_with_their_parents),
    cmocka_unit_test(nothing_is_left_of_paths_that_are_too_long),
    cmocka_unit_test(a_file_hashes_like_its_bytes),
    cmocka_unit_test(only_slashes_at_the_end_are_trimmed),
};
TEST_MAIN(tests)
