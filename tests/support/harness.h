/*
 * Tests under MPI: cmocka groups whose outcome is agreed by all ranks.
 *
 * A test file names the rank counts it runs at in a comment of its first line,
 * "ranks: 1 2 3", which tests/run.sh reads. A test fails if it fails on any
 * rank; a test that does collective work must not assert between collectives on
 * something that only some ranks see, unless the failure ends the job anyway
 * (the runner's time limit ends a rank that waits for a failed one).
 */
#ifndef QCTX_TESTS_HARNESS_H
#define QCTX_TESTS_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "qctx/platform/comm.h"

/* The communicator of all ranks, started by the harness. */
extern qctx_comm *test_comm;

/* Runs a group and reports "tests: P passed, F failed, S skipped" on rank 0. Returns main's exit code. */
int test_main(int argc, char **argv, const char *name, const struct CMUnitTest *tests, size_t count);

#define TEST_MAIN(tests)                                                                                               \
    int main(int argc, char **argv)                                                                                    \
    {                                                                                                                  \
        return test_main(argc, argv, __FILE__, tests, sizeof(tests) / sizeof((tests)[0]));                             \
    }

/* Counts the running test as skipped, with the reason, and leaves it. */
#define test_skip(reason)                                                                                              \
    do {                                                                                                               \
        test_note_skip(reason);                                                                                        \
        return;                                                                                                        \
    } while (0)
void test_note_skip(const char *reason);

/* A fresh folder for the test's files, the same on all ranks; removed by the runner. Collective. */
const char *test_folder(void);

/* "folder/name" in a static ring of buffers: valid for the next 15 calls. */
const char *test_path(const char *name);

/* Files and folders in test_folder() whose names begin with `begin`, hidden ones too. Local. */
int test_entries(const char *begin);

/* The real data beside the project ($QCTX_DATA or ../shared/data), or NULL: then skip. */
const char *test_data_folder(void);

/* Writes a small text file on rank 0, then waits for all ranks. Collective. */
void test_write(const char *path, const char *text);

/* Opens a file to write on rank 0, NULL on the others; closes it and waits for all ranks. Collective. */
FILE *test_stream(const char *path);
void test_stream_close(FILE *stream);

/* Asserts |actual − expected| ≤ bound·max(1, |expected|) with a message that shows the figures. */
#define assert_close(actual, expected, bound) test_assert_close((actual), (expected), (bound), __FILE__, __LINE__)
void test_assert_close(double actual, double expected, double bound, const char *file, int line);

/* Asserts a status and shows the error's message if it is another one. */
#define assert_status(status, expected, error) test_assert_status((status), (expected), (error), __FILE__, __LINE__)
void test_assert_status(qctx_status status, qctx_status expected, const qctx_error *error, const char *file, int line);

/* Asserts that `text` contains `part`. */
#define assert_contains(text, part) test_assert_contains((text), (part), __FILE__, __LINE__)
void test_assert_contains(const char *text, const char *part, const char *file, int line);

#endif
