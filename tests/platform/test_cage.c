/* ranks: 1 2 3 */
#include "harness.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "qctx/base/clock.h"
#include "qctx/base/temporary.h"
#include "qctx/platform/cage.h"
#include "qctx/platform/stop.h"

static qctx_error error;

static const qctx_cage_limits generous = {.memory = 256 << 20, .output = 1 << 20, .copy = -1, .seconds = 20};

/* What a child is to do, and what it leaves. */
typedef struct {
    int number;
} answer;

static qctx_status run(const qctx_cage_limits *limits, qctx_cage_work work, void *context, answer *result)
{
    memset(result, 0, sizeof *result);
    memset(&error, 0, sizeof error);
    return qctx_cage_run("some.h5", "HDF5", limits, work, context, result, sizeof *result, &error);
}

static int changed;

static qctx_status work_well(void *context, void *result, qctx_error *unused)
{
    (void)unused;
    changed = 1;
    ((answer *)result)->number = *(const int *)context + 1;
    return QCTX_OK;
}

static qctx_status refuse(void *context, void *result, qctx_error *failure)
{
    (void)context, (void)result;
    qctx_fail(failure, QCTX_ERR_DATA, "some.h5: row 3 is zero");
    return qctx_hint(failure, "leave it out");
}

static void brings_back_result_or_error(void **state)
{
    int given = 41;
    answer result;

    (void)state;
    assert_status(run(&generous, work_well, &given, &result), QCTX_OK, &error);
    assert_int_equal(result.number, 42);
    assert_int_equal(changed, 0);
    assert_status(run(&generous, refuse, NULL, &result), QCTX_ERR_DATA, &error);
    assert_string_equal(error.message, "some.h5: row 3 is zero");
    assert_string_equal(error.hint, "leave it out");
}

static qctx_status crash(void *context, void *result, qctx_error *unused)
{
    (void)result, (void)unused;
    raise(*(const int *)context);
    return QCTX_OK;
}

static qctx_status leave(void *context, void *result, qctx_error *unused)
{
    (void)context, (void)result, (void)unused;
    _exit(3);
}

static void says_what_it_died_of(void **state)
{
    int number;
    answer result;

    (void)state;
    number = SIGSEGV;
    assert_status(run(&generous, crash, &number, &result), QCTX_ERR_FORMAT, &error);
    assert_string_equal(error.message, "some.h5: HDF5 crashed reading it (Segmentation fault)");
    number = SIGABRT;
    assert_status(run(&generous, crash, &number, &result), QCTX_ERR_FORMAT, &error);
    assert_string_equal(error.message, "some.h5: HDF5 crashed reading it (Aborted)");
    number = SIGKILL;
    assert_status(run(&generous, crash, &number, &result), QCTX_ERR_MEMORY, &error);
    assert_string_equal(error.message, "some.h5: the process that read it was killed");
    assert_status(run(&generous, leave, NULL, &result), QCTX_ERR_FORMAT, &error);
    assert_string_equal(error.message, "some.h5: HDF5 ended reading it (exit code 3)");
    assert_int_equal(result.number, 0);
}

static qctx_status compute_for_ever(void *context, void *result, qctx_error *unused)
{
    (void)context, (void)result, (void)unused;
    for (volatile bool on = true; on;)
        ;
    return QCTX_OK;
}

static qctx_status wait_for_ever(void *context, void *result, qctx_error *unused)
{
    (void)context, (void)result, (void)unused;
    while (pause() != 0)
        ;
    return QCTX_OK;
}

static void ends_what_takes_too_long(void **state)
{
    const qctx_cage_limits little = {.copy = -1, .seconds = 0.2}, less = {.copy = -1, .seconds = 0.05};
    answer result;
    double before;

    (void)state;
    before = qctx_clock_seconds();
    assert_status(run(&little, compute_for_ever, NULL, &result), QCTX_ERR_FORMAT, &error);
    assert_string_equal(error.message, "some.h5: HDF5 took more than 0.2 s to read it");
    /* Waiting may take sixty times as long. */
    assert_status(run(&less, wait_for_ever, NULL, &result), QCTX_ERR_FORMAT, &error);
    assert_string_equal(error.message, "some.h5: HDF5 took more than 3 s to read it");
    assert_true(qctx_clock_seconds() - before < 60);
}

static qctx_status compute_a_while(void *context, void *result, qctx_error *unused)
{
    double end = (double)clock() + 0.6 * CLOCKS_PER_SEC;

    (void)context, (void)result, (void)unused;
    while ((double)clock() < end)
        ;
    return QCTX_OK;
}

/* A file of 20 MB adds a second, one that is read or one that is written. */
static void larger_files_may_take_longer(void **state)
{
    qctx_cage_limits limits = {.copy = -1, .seconds = 0.1};
    answer result;
    int handle;

    (void)state;
    assert_status(run(&limits, compute_a_while, NULL, &result), QCTX_ERR_FORMAT, &error);
    limits.input = 20000000;
    assert_status(run(&limits, compute_a_while, NULL, &result), QCTX_OK, &error);
    limits.input = 0;
    assert_status(qctx_temporary_open(&handle, &error), QCTX_OK, &error);
    assert_int_equal(ftruncate(handle, 20000000), 0);
    limits.copy = handle;
    assert_status(run(&limits, compute_a_while, NULL, &result), QCTX_OK, &error);
    close(handle);
}

static qctx_status take_memory(void *context, void *result, qctx_error *failure)
{
    size_t bytes = *(const size_t *)context;
    char *memory = malloc(bytes);

    if (memory == NULL)
        return qctx_fail(failure, QCTX_ERR_MEMORY, "cannot allocate");
    memset(memory, 1, bytes);
    ((answer *)result)->number = memory[bytes / 2];
    free(memory);
    return QCTX_OK;
}

static void ends_what_takes_too_much(void **state)
{
    size_t bytes = 100 << 20;
    answer result;

    (void)state;
    assert_status(run(&generous, take_memory, &bytes, &result), QCTX_OK, &error);
    assert_int_equal(result.number, 1);
#ifndef __SANITIZE_ADDRESS__
    bytes = 300 << 20;
    assert_status(run(&generous, take_memory, &bytes, &result), QCTX_ERR_FORMAT, &error);
    assert_string_equal(error.message, "some.h5: HDF5 needs more than 256 MiB of memory to read it");
#endif
}

static qctx_status write_much(void *context, void *result, qctx_error *unused)
{
    static char block[1 << 16];

    (void)result, (void)unused;
    for (int i = 0; i < 20; i++)
        if (write(*(const int *)context, block, sizeof block) < 0)
            _exit(4);
    return QCTX_OK;
}

static void ends_what_writes_too_much(void **state)
{
    qctx_cage_limits limits = generous;
    answer result;
    int handle;

    (void)state;
    assert_status(qctx_temporary_open(&handle, &error), QCTX_OK, &error);
    assert_status(run(&limits, write_much, &handle, &result), QCTX_ERR_FORMAT, &error);
    assert_string_equal(error.message, "some.h5: what it says it holds takes more than 1 MiB");
    assert_true(lseek(handle, 0, SEEK_END) <= 1 << 20);
    close(handle);
}

/* Processes that a user may have are counted for users alone: root is shown by a child that is somebody else. */
static void says_that_no_process_can_be_started(void **state)
{
    const struct rlimit none = {0, 0};
    int status = 1;
    pid_t child;

    (void)state;
    child = fork();
    if (child == 0) {
        int given = 1;
        answer result;

        if (setrlimit(RLIMIT_NPROC, &none) != 0 || (geteuid() == 0 && setuid(65534) != 0))
            _exit(10);
        if (run(&generous, work_well, &given, &result) != QCTX_ERR_IO)
            _exit(11);
        _exit(strstr(error.message, "some.h5: no process can be started to read it apart") == NULL ? 12 : 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* Other ranks that wait meanwhile have a time-out that is much shorter than this rank's child takes. */
static void answers_while_it_waits(void **state)
{
    const qctx_cage_limits limits = {.copy = -1, .seconds = 0.05};
    answer result;
    qctx_status status = QCTX_OK;

    (void)state;
    qctx_comm_set_hang_timeout(1);
    if (qctx_comm_rank(test_comm) == 0)
        status = run(&limits, wait_for_ever, NULL, &result);
    assert_status(qctx_agree(test_comm, status, &error), QCTX_ERR_FORMAT, &error);
    assert_contains(error.message, "took more than 3 s");
    qctx_comm_set_hang_timeout(0);
}

/* The last, since the request stays. */
static void a_request_to_stop_ends_the_waiting(void **state)
{
    const double before = qctx_clock_seconds();
    answer result;

    (void)state;
    qctx_stop_listen();
    kill(getpid(), SIGTERM);
    assert_status(run(&generous, wait_for_ever, NULL, &result), QCTX_STOPPED, &error);
    assert_contains(error.message, "SIGTERM");
    assert_true(qctx_clock_seconds() - before < 10);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(brings_back_result_or_error),
    cmocka_unit_test(says_what_it_died_of),
    cmocka_unit_test(ends_what_takes_too_long),
    cmocka_unit_test(larger_files_may_take_longer),
    cmocka_unit_test(ends_what_takes_too_much),
    cmocka_unit_test(ends_what_writes_too_much),
    cmocka_unit_test(says_that_no_process_can_be_started),
    cmocka_unit_test(answers_while_it_waits),
    cmocka_unit_test(a_request_to_stop_ends_the_waiting),
};
TEST_MAIN(tests)
