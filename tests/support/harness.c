#include "harness.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/fileio.h"
#include "qctx/base/log.h"
#include "qctx/base/outfile.h"

/* Present in sanitised builds only. */
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));
void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));

qctx_comm *test_comm;
static int64_t skipped_here;

int test_main(int argc, char **argv, const char *name, const struct CMUnitTest *tests, size_t count)
{
    int64_t outcome[2];
    int rank;

    /* What MPI keeps from its start until its end is no leak of ours. */
    if (__lsan_disable != NULL)
        __lsan_disable();
    test_comm = qctx_comm_start(&argc, &argv);
    if (__lsan_enable != NULL)
        __lsan_enable();
    rank = qctx_comm_rank(test_comm);
    qctx_log_set_rank(rank);
    /* cmocka's API for a table whose length is known only at run time. */
    outcome[0] = _cmocka_run_group_tests(name, tests, count, NULL, NULL);
    if (__lsan_do_recoverable_leak_check != NULL && __lsan_do_recoverable_leak_check() != 0)
        outcome[0]++;
    outcome[1] = skipped_here;
    qctx_comm_max_int64(test_comm, outcome, 2);
    if (rank == 0)
        printf("tests: %lld passed, %lld failed, %lld skipped\n", (long long)((int64_t)count - outcome[0] - outcome[1]),
               (long long)outcome[0], (long long)outcome[1]);
    fflush(stdout);
    qctx_comm_finish(test_comm);
    return outcome[0] == 0 ? 0 : 1;
}

void test_note_skip(const char *reason)
{
    skipped_here++;
    if (qctx_comm_rank(test_comm) == 0)
        printf("skipped: %s\n", reason);
}

const char *test_folder(void)
{
    static char folder[512];
    const char *base = getenv("QCTX_TEST_TMP");

    if (folder[0] == '\0') {
        if (qctx_comm_rank(test_comm) == 0) {
            snprintf(folder, sizeof folder, "%s/qctx-test-XXXXXX", base != NULL ? base : "/tmp");
            if (mkdtemp(folder) == NULL)
                folder[0] = '\0';
        }
        qctx_comm_broadcast(test_comm, folder, sizeof folder, 0);
        assert_true(folder[0] != '\0');
    }
    return folder;
}

const char *test_path(const char *name)
{
    static char ring[16][1024];
    static int turn;
    char *path = ring[turn++ % 16];

    snprintf(path, sizeof ring[0], "%s/%s", test_folder(), name);
    return path;
}

int test_entries(const char *begin)
{
    DIR *open = opendir(test_folder());
    int count = 0;

    assert_non_null(open);
    for (struct dirent *entry; (entry = readdir(open)) != NULL;)
        count += strncmp(entry->d_name, begin, strlen(begin)) == 0;
    closedir(open);
    return count;
}

const char *test_data_folder(void)
{
    const char *folder = getenv("QCTX_DATA");

    if (folder == NULL)
        folder = "../shared/data";
    return qctx_path_is_folder(folder) ? folder : NULL;
}

FILE *test_stream(const char *path)
{
    FILE *stream = qctx_comm_rank(test_comm) == 0 ? fopen(path, "wb") : NULL;

    assert_int_equal(stream != NULL, qctx_comm_rank(test_comm) == 0);
    return stream;
}

void test_stream_close(FILE *stream)
{
    if (stream != NULL)
        assert_int_equal(fclose(stream), 0);
    qctx_comm_barrier(test_comm);
}

void test_write(const char *path, const char *text)
{
    if (qctx_comm_rank(test_comm) == 0)
        assert_int_equal(qctx_file_write(path, text, strlen(text), NULL), QCTX_OK);
    qctx_comm_barrier(test_comm);
}

void test_assert_close(double actual, double expected, double bound, const char *file, int line)
{
    double allowed = bound * fmax(1.0, fabs(expected));

    /* Written so that a NaN fails. */
    if (fabs(actual - expected) <= allowed)
        return;
    print_error("%.17g is not within %.3g of %.17g (off by %.3g)\n", actual, allowed, expected, actual - expected);
    _fail(file, line);
}

void test_assert_status(qctx_status status, qctx_status expected, const qctx_error *error, const char *file, int line)
{
    if (status == expected)
        return;
    print_error("status %s, expected %s: %s\n", qctx_status_name(status), qctx_status_name(expected),
                status != QCTX_OK && error != NULL ? error->message : "");
    _fail(file, line);
}

void test_assert_contains(const char *text, const char *part, const char *file, int line)
{
    if (strstr(text, part) != NULL)
        return;
    print_error("'%s' does not contain '%s'\n", text, part);
    _fail(file, line);
}
