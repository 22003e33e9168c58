/* ranks: 1 */
#include "harness.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "qctx/base/fileio.h"
#include "qctx/data/output.h"

static qctx_error error;

static void assert_holds(const char *path, const char *expected)
{
    char *text;
    size_t bytes;

    assert_status(qctx_file_read(path, &text, &bytes, &error), QCTX_OK, &error);
    assert_string_equal(text, expected);
    free(text);
}

static qctx_output *begun(const char *path, bool force, const char *text)
{
    qctx_output *output;

    assert_status(qctx_output_open(path, force, &output, &error), QCTX_OK, &error);
    fputs(text, qctx_output_stream(output));
    return output;
}

static void a_file_is_there_when_it_is_whole(void **state)
{
    qctx_output *output = begun(test_path("file"), false, "lines");

    (void)state;
    assert_false(qctx_path_exists(test_path("file")));
    assert_status(qctx_output_commit(output, &error), QCTX_OK, &error);
    assert_holds(test_path("file"), "lines");
    assert_int_equal(test_entries("file"), 1);
    assert_int_equal(test_entries(".file"), 0);

    assert_status(qctx_output_open(test_path("file"), false, &output, &error), QCTX_ERR_EXISTS, &error);
    assert_contains(error.hint, "--force");
    qctx_output_discard(begun(test_path("file"), true, "none of it"));
    assert_holds(test_path("file"), "lines");
    assert_status(qctx_output_commit(begun(test_path("file"), true, "new"), &error), QCTX_OK, &error);
    assert_holds(test_path("file"), "new");
    assert_int_equal(test_entries("file") + test_entries(".file"), 1);
}

/* The second is refused before its work; and what somebody else has put there meanwhile stays. */
static void of_two_with_one_name_one_is_refused(void **state)
{
    qctx_output *first = begun(test_path("one"), true, "first"), *second;

    (void)state;
    assert_status(qctx_output_open(test_path("one"), true, &second, &error), QCTX_ERR_EXISTS, &error);
    assert_contains(error.message, ".one.lock: another process is at work here: process ");
    assert_status(qctx_output_commit(first, &error), QCTX_OK, &error);

    first = begun(test_path("late"), false, "late");
    test_write(test_path("late"), "other's");
    assert_status(qctx_output_commit(first, &error), QCTX_ERR_EXISTS, &error);
    assert_holds(test_path("late"), "other's");
    assert_int_equal(test_entries("late") + test_entries(".late"), 1);
}

static void what_is_no_place_for_a_file_is_refused(void **state)
{
    qctx_output *output;

    (void)state;
    assert_status(qctx_output_open(test_folder(), true, &output, &error), QCTX_ERR_IO, &error);
    assert_contains(error.message, "it is a folder");
    assert_status(qctx_output_open(test_path("no/such/file"), true, &output, &error), QCTX_ERR_IO, &error);
    assert_contains(error.message, "no/such/file: cannot open for writing");
    assert_status(qctx_output_open("new/", true, &output, &error), QCTX_ERR_USAGE, &error);
    assert_status(qctx_output_open("/dev/fd/987", true, &output, &error), QCTX_ERR_IO, &error);
    assert_contains(error.message, "/dev/fd/987: cannot open for writing: Bad file descriptor");
}

/* What `write_to` sends into the pipe that `path` names once `reader` may read. */
static void pass(const char *path, int reader, const char *text)
{
    char got[64] = "";

    assert_status(qctx_output_commit(begun(path, false, text), &error), QCTX_OK, &error);
    assert_int_equal(read(reader, got, sizeof got - 1), strlen(text));
    assert_string_equal(got, text);
}

static void pipes_and_devices_are_written_to_as_they_are(void **state)
{
    int ends[2], reader;
    char name[32];
    struct stat found;

    (void)state;
    assert_int_equal(mkfifo(test_path("fifo"), 0600), 0);
    reader = open(test_path("fifo"), O_RDONLY | O_NONBLOCK);
    pass(test_path("fifo"), reader, "through a fifo");
    close(reader);
    assert_int_equal(stat(test_path("fifo"), &found), 0);
    assert_true(S_ISFIFO(found.st_mode));
    assert_int_equal(test_entries("fifo") + test_entries(".fifo"), 1);

    assert_int_equal(pipe(ends), 0);
    snprintf(name, sizeof name, "/dev/fd/%d", ends[1]);
    pass(name, ends[0], "through a handle");
    /* Only the copy was closed. */
    assert_int_equal(write(ends[1], "x", 1), 1);
    close(ends[1]);

    assert_status(qctx_output_commit(begun("/dev/null", false, "nothing"), &error), QCTX_OK, &error);
    assert_status(qctx_output_commit(begun("/dev/full", false, "much"), &error), QCTX_ERR_SPACE, &error);
    assert_contains(error.message, "/dev/full: cannot write: No space left on device");
}

static void a_reader_that_went_away_is_an_error(void **state)
{
    void (*before)(int) = signal(SIGPIPE, SIG_IGN);
    int ends[2];
    char name[32];
    qctx_output *output;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    snprintf(name, sizeof name, "/dev/fd/%d", ends[1]);
    output = begun(name, false, "lost");
    close(ends[0]);
    assert_status(qctx_output_commit(output, &error), QCTX_ERR_IO, &error);
    assert_contains(error.message, "cannot write: Broken pipe");
    close(ends[1]);
    signal(SIGPIPE, before);
}

/* Behind what stands in a file already, as a shell's >> has it. */
static void standard_output_is_gone_on_with(void **state)
{
    int kept = dup(STDOUT_FILENO);
    int file = open(test_path("standard"), O_RDWR | O_CREAT, 0600);

    (void)state;
    assert_true(qctx_output_is_standard("-") && qctx_output_is_standard("/dev/stdout"));
    assert_false(qctx_output_is_standard("/dev/stderr") || qctx_output_is_standard("out"));
    fflush(stdout);
    assert_int_equal(write(file, "before ", 7), 7);
    assert_int_equal(dup2(file, STDOUT_FILENO), STDOUT_FILENO);
    assert_status(qctx_output_commit(begun("-", false, "one "), &error), QCTX_OK, &error);
    assert_status(qctx_output_commit(begun("/dev/stdout", false, "two"), &error), QCTX_OK, &error);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    close(file);
    assert_holds(test_path("standard"), "before one two");
}

/* A process that waits for its reader goes on when there is one. */
static void a_fifo_is_waited_for(void **state)
{
    char got[16] = "";
    pid_t child;
    int reader;

    (void)state;
    assert_int_equal(mkfifo(test_path("later"), 0600), 0);
    child = fork();
    if (child == 0) {
        usleep(200000);
        reader = open(test_path("later"), O_RDONLY);
        _exit(read(reader, got, sizeof got) == 4 && strcmp(got, "late") == 0 ? 0 : 1);
    }
    assert_status(qctx_output_commit(begun(test_path("later"), false, "late"), &error), QCTX_OK, &error);
    assert_int_equal(waitpid(child, &reader, 0), child);
    assert_int_equal(reader, 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_file_is_there_when_it_is_whole),
    cmocka_unit_test(of_two_with_one_name_one_is_refused),
    cmocka_unit_test(what_is_no_place_for_a_file_is_refused),
    cmocka_unit_test(pipes_and_devices_are_written_to_as_they_are),
    cmocka_unit_test(a_reader_that_went_away_is_an_error),
    cmocka_unit_test(standard_output_is_gone_on_with),
    cmocka_unit_test(a_fifo_is_waited_for),
};
TEST_MAIN(tests)
