/* ranks: 1 3 */
#include "harness.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "qctx/platform/mapped.h"

enum { PAGES = 64, BYTES = PAGES * 4096 + 100 };

/* A file of this rank's own, whose every byte is `fill`, last changed so many seconds after a day in 2001. */
static const char *file_of(const char *name, char fill, int seconds)
{
    static char path[512];
    static char bytes[BYTES];
    const struct timespec times[2] = {{.tv_sec = 1000000000 + seconds}, {.tv_sec = 1000000000 + seconds}};
    FILE *file;

    snprintf(path, sizeof path, "%s/%s.%d", test_folder(), name, qctx_comm_rank(test_comm));
    memset(bytes, fill, sizeof bytes);
    file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, sizeof bytes, file), sizeof bytes);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    return path;
}

static void set_time(const char *path, int seconds)
{
    const struct timespec times[2] = {{.tv_sec = 1000000000 + seconds}, {.tv_sec = 1000000000 + seconds}};

    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static qctx_mapped *map(const char *path)
{
    qctx_mapped *mapped = NULL;
    qctx_error error;

    assert_status(qctx_mapped_open(path, &mapped, &error), QCTX_OK, &error);
    return mapped;
}

static long sum_of(const qctx_mapped *mapped)
{
    const volatile unsigned char *bytes = qctx_mapped_bytes(mapped);
    long sum = 0;

#pragma omp parallel for reduction(+ : sum) num_threads(4)
    for (int i = BYTES - 1; i >= 0; i--)
        sum += bytes[i];
    return sum;
}

/* MISMATCH with the file's name, also in the place of another failure. */
static void assert_changed(const char *path)
{
    qctx_error error = {0};

    assert_status(qctx_mapped_check(QCTX_OK, &error), QCTX_ERR_MISMATCH, &error);
    assert_contains(error.message, path);
    qctx_fail(&error, QCTX_ERR_NUMERIC, "the loss is nan");
    assert_status(qctx_mapped_check(QCTX_ERR_NUMERIC, &error), QCTX_ERR_MISMATCH, &error);
    assert_contains(error.message, path);
    assert_int_equal(qctx_mapped_check(QCTX_OK, NULL), QCTX_ERR_MISMATCH);
}

static void assert_unchanged(void)
{
    qctx_error error = {0};

    assert_status(qctx_mapped_check(QCTX_OK, &error), QCTX_OK, &error);
    qctx_fail(&error, QCTX_ERR_NUMERIC, "the loss is nan");
    assert_status(qctx_mapped_check(QCTX_ERR_NUMERIC, &error), QCTX_ERR_NUMERIC, &error);
    assert_string_equal(error.message, "the loss is nan");
}

static void a_file_that_stays_is_read(void **state)
{
    qctx_mapped *mapped = map(file_of("stays", 3, 0));

    (void)state;
    assert_int_equal(qctx_mapped_size(mapped), BYTES);
    assert_int_equal(sum_of(mapped), 3L * BYTES);
    assert_unchanged();
    qctx_mapped_close(mapped);
}

static void what_was_cut_off_reads_as_zeros(void **state)
{
    static const int left[] = {0, 100, 4096, 10 * 4096 + 5};

    (void)state;
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
        const char *path = file_of("cut", 1, 0);
        qctx_mapped *mapped = map(path);

        assert_int_equal(truncate(path, left[i]), 0);
        assert_int_equal(sum_of(mapped), left[i]);
        assert_changed(path);
        qctx_mapped_close(mapped);
        assert_unchanged();
    }
}

/* As h5py's "w" does it: cut to nothing, written again, and the very same by the end. */
static void a_page_that_was_gone_is_remembered(void **state)
{
    const char *path = file_of("again", 1, 0);
    qctx_mapped *mapped = map(path);

    (void)state;
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(sum_of(mapped), 0);
    file_of("again", 1, 0);
    assert_changed(path);
    qctx_mapped_close(mapped);
}

/* Seen once by its time, though that is set back behind it. */
static void what_was_written_over_is_told_by_its_time(void **state)
{
    const char *path = file_of("over", 1, 0);
    qctx_mapped *mapped = map(path);

    (void)state;
    file_of("over", 2, 1);
    assert_int_equal(sum_of(mapped), 2L * BYTES);
    assert_changed(path);
    set_time(path, 0);
    assert_changed(path);
    qctx_mapped_close(mapped);
}

static void what_was_renamed_over_or_removed_is_still_there(void **state)
{
    char old[512];
    qctx_mapped *mapped;

    (void)state;
    snprintf(old, sizeof old, "%s", file_of("old", 1, 0));
    mapped = map(old);
    assert_int_equal(rename(file_of("new", 2, 5), old), 0);
    assert_int_equal(sum_of(mapped), BYTES);
    assert_unchanged();
    assert_int_equal(unlink(old), 0);
    assert_int_equal(sum_of(mapped), BYTES);
    assert_unchanged();
    qctx_mapped_close(mapped);
}

/* Of several files, the one that was written to is named, wherever it stands. */
static void the_right_one_is_named(void **state)
{
    char paths[3][512];
    qctx_mapped *mapped[3];

    (void)state;
    for (int changed = 0; changed < 3; changed++) {
        for (int i = 0; i < 3; i++) {
            const char name[] = {(char)('a' + i), '\0'};

            snprintf(paths[i], sizeof paths[i], "%s", file_of(name, 1, 0));
            mapped[i] = map(paths[i]);
        }
        assert_int_equal(truncate(paths[changed], 0), 0);
        for (int i = 0; i < 3; i++)
            assert_int_equal(sum_of(mapped[i]), i == changed ? 0 : BYTES);
        assert_changed(paths[changed]);
        qctx_mapped_close(mapped[changed]);
        assert_unchanged();
        for (int i = 0; i < 3; i++)
            if (i != changed)
                qctx_mapped_close(mapped[i]);
    }
}

/* Reads what is gone of a file that is mapped elsewhere, or sends the signal to itself. */
static _Noreturn void fault(const char *path, bool sent)
{
    int handle = open(path, O_RDWR);
    const volatile char *own = mmap(NULL, 4096, PROT_READ, MAP_SHARED, handle, 0);

    /* The harness has a handler, which would go on with the tests. */
    signal(SIGBUS, SIG_DFL);
    map(path);
    if (sent)
        raise(SIGBUS);
    else if (ftruncate(handle, 0) == 0)
        _exit(own[0]);
    _exit(1);
}

/* A fault that is not of these files ends the process as it always did; so does a signal that is sent. */
static void other_faults_end_the_process(void **state)
{
    const char *path = file_of("foreign", 1, 0);

    (void)state;
    for (int sent = 0; sent < 2; sent++) {
        pid_t child = fork();
        int status = 0;

        if (child == 0)
            fault(path, sent);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGBUS);
    }
}

static void what_is_no_file_is_refused(void **state)
{
    char pipe[512];
    qctx_mapped *mapped = NULL;
    qctx_error error;

    (void)state;
    snprintf(pipe, sizeof pipe, "%s/pipe.%d", test_folder(), qctx_comm_rank(test_comm));
    assert_int_equal(mkfifo(pipe, 0600), 0);
    assert_status(qctx_mapped_open(pipe, &mapped, &error), QCTX_ERR_IO, &error);
    assert_contains(error.message, pipe);
    assert_status(qctx_mapped_open(test_folder(), &mapped, &error), QCTX_ERR_IO, &error);
    assert_status(qctx_mapped_open(test_path("none"), &mapped, &error), QCTX_ERR_IO, &error);
    assert_contains(error.message, "No such file");
    assert_null(mapped);
    assert_unchanged();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_file_that_stays_is_read),
    cmocka_unit_test(what_was_cut_off_reads_as_zeros),
    cmocka_unit_test(a_page_that_was_gone_is_remembered),
    cmocka_unit_test(what_was_written_over_is_told_by_its_time),
    cmocka_unit_test(what_was_renamed_over_or_removed_is_still_there),
    cmocka_unit_test(the_right_one_is_named),
    cmocka_unit_test(other_faults_end_the_process),
    cmocka_unit_test(what_is_no_file_is_refused),
};
TEST_MAIN(tests)
