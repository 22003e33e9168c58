/* ranks: 1 2 3 5 */
#include "harness.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "qctx/base/clock.h"
#include "qctx/linalg/product.h"
#include "qctx/platform/stop.h"

static void nobody_has_asked_yet(void **state)
{
    qctx_error error;

    (void)state;
    assert_false(qctx_stop_requested());
    assert_status(qctx_stop_check(&error), QCTX_OK, &error);
    assert_status(qctx_stop_agree(test_comm, &error), QCTX_OK, &error);
}

/* What ends a process, or its time, is tried in a child, and only where the rank is alone. */
static int code_of(pid_t child)
{
    int status = 0;

    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void a_second_interrupt_leaves_at_once(void **state)
{
    pid_t child;

    (void)state;
    if (qctx_comm_size(test_comm) > 1)
        return;
    child = fork();
    if (child == 0) {
        /* Its parent's threads are not there after a fork. */
        qctx_stop_listen();
        kill(getpid(), SIGINT);
        while (!qctx_stop_requested())
            usleep(100);
        kill(getpid(), SIGTERM);
        usleep(600000);
        kill(getpid(), SIGINT);
        sleep(60);
        _exit(2);
    }
    assert_int_equal(code_of(child), 130);
}

/* As `timeout` sends it to its child and to the child's group. */
static void an_interrupt_may_come_twice_at_once(void **state)
{
    pid_t child;

    (void)state;
    if (qctx_comm_size(test_comm) > 1)
        return;
    child = fork();
    if (child == 0) {
        qctx_error error = {0};

        qctx_stop_listen();
        kill(getpid(), SIGINT);
        while (!qctx_stop_requested())
            usleep(100);
        usleep(2000);
        kill(getpid(), SIGINT);
        usleep(100000);
        _exit(qctx_stop_check(&error) == QCTX_STOPPED && strcmp(error.message, "stopped by Ctrl-C") == 0 ? 75 : 1);
    }
    assert_int_equal(code_of(child), 75);
}

/* What a child that listens with this end of its time says so many seconds later, or "". */
static const char *said_with_end(const char *end, double seconds)
{
    static char said[256];
    int ends[2];
    ssize_t count;
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    if (child == 0) {
        qctx_error error = {0};

        setenv("SLURM_JOB_END_TIME", end, 1);
        qctx_stop_listen();
        usleep((useconds_t)(seconds * 1e6));
        if (qctx_stop_check(&error) == QCTX_STOPPED)
            dprintf(ends[1], "%s", error.message);
        _exit(0);
    }
    close(ends[1]);
    count = read(ends[0], said, sizeof said - 1);
    said[count > 0 ? count : 0] = '\0';
    close(ends[0]);
    assert_int_equal(code_of(child), 0);
    return said;
}

static void the_end_of_a_slurm_job_asks(void **state)
{
    char end[32], expected[128];
    time_t soon = time(NULL) + 5;

    (void)state;
    if (qctx_comm_size(test_comm) > 1)
        return;
    snprintf(end, sizeof end, "%lld", (long long)soon);
    strftime(expected, sizeof expected, "stopped since SLURM's time limit is near (ends %H:%M:%S UTC)", gmtime(&soon));
    /* Of so short a time more than half may pass, but not all. */
    assert_string_equal(said_with_end(end, 0.01), "");
    assert_string_equal(said_with_end(end, 4.1), expected);
    snprintf(end, sizeof end, "%lld", (long long)soon + 3600);
    assert_string_equal(said_with_end(end, 0.01), "");
    snprintf(end, sizeof end, "%lldx", (long long)soon);
    assert_string_equal(said_with_end(end, 0.01), "");
    assert_string_equal(said_with_end("Unknown", 0.01), "");
    assert_string_equal(said_with_end("-5", 0.01), "");
    assert_string_equal(said_with_end("1000000000", 0.01), "");
    assert_string_equal(said_with_end("99999999999999999999999", 0.01), "");
    assert_string_equal(said_with_end("", 0.01), "");
}

/* The last rank alone gets a signal; the others hear of it without any collective. Stays last: nothing takes it back.
 */
static void a_signal_to_one_rank_reaches_all(void **state)
{
    const bool is_last = qctx_comm_rank(test_comm) == qctx_comm_size(test_comm) - 1;
    double until = qctx_clock_seconds() + 60;
    qctx_error error;

    (void)state;
    qctx_comm_barrier(test_comm);
    if (is_last)
        kill(getpid(), SIGUSR1);
    while (!qctx_stop_requested() && qctx_clock_seconds() < until)
        ;
    assert_status(qctx_stop_check(&error), QCTX_STOPPED, &error);
    assert_string_equal(error.message, "stopped by SIGUSR1");
    memset(&error, 0, sizeof error);
    assert_status(qctx_stop_agree(test_comm, &error), QCTX_STOPPED, &error);
    assert_string_equal(error.message, "stopped by SIGUSR1");
}

/* The threads of products, too: that a signal goes to the first thread where it can is no promise. */
static void no_thread_that_computes_is_interrupted(void **state)
{
    int open = 0;

    (void)state;
#pragma omp parallel num_threads(4) reduction(+ : open)
    {
        const int numbers[] = {SIGTERM, SIGINT, SIGUSR1, SIGUSR2};
        sigset_t blocked;

        pthread_sigmask(SIG_SETMASK, NULL, &blocked);
        for (int i = 0; i < 4; i++)
            open += sigismember(&blocked, numbers[i]) != 1;
    }
    assert_int_equal(open, 0);
}

/* A thread that sends signals to its process until it is told to end. */
typedef struct {
    atomic_bool over;
} sender;

static void *send_signals(void *argument)
{
    sender *work = argument;

    while (!atomic_load(&work->over)) {
        kill(getpid(), SIGUSR1);
        usleep(50);
    }
    return NULL;
}

/* Code that is made at run time may keep values where a handler on the same stack would write. */
static void signals_leave_products_alone(void **state)
{
    enum { ROWS = 100, WIDTH = 256, TIMES = 3000 };
    static float a[ROWS * WIDTH], b[WIDTH * WIDTH], expected[ROWS * WIDTH], found[ROWS * WIDTH];
    sender work = {0};
    pthread_t thread;

    (void)state;
    for (int i = 0; i < ROWS * WIDTH; i++)
        a[i] = (float)(i % 7 - 3);
    for (int i = 0; i < WIDTH * WIDTH; i++)
        b[i] = (float)(i % 5 - 2);
    qctx_product(QCTX_PRECISION_FLOAT32, QCTX_PLAIN, QCTX_PLAIN, ROWS, WIDTH, WIDTH, a, WIDTH, b, WIDTH, false,
                 expected, WIDTH);
    assert_int_equal(pthread_create(&thread, NULL, send_signals, &work), 0);
    for (int t = 0; t < TIMES; t++) {
        qctx_product(QCTX_PRECISION_FLOAT32, QCTX_PLAIN, QCTX_PLAIN, ROWS, WIDTH, WIDTH, a, WIDTH, b, WIDTH, false,
                     found, WIDTH);
        if (memcmp(found, expected, sizeof found) != 0)
            fail_msg("product %d differs", t);
    }
    atomic_store(&work.over, true);
    pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_has_asked_yet),
        cmocka_unit_test(a_second_interrupt_leaves_at_once),
        cmocka_unit_test(an_interrupt_may_come_twice_at_once),
        cmocka_unit_test(the_end_of_a_slurm_job_asks),
        cmocka_unit_test(a_signal_to_one_rank_reaches_all),
        cmocka_unit_test(signals_leave_products_alone),
        cmocka_unit_test(no_thread_that_computes_is_interrupted),
    };

    /* Of the job in which the tests run. */
    unsetenv("SLURM_JOB_END_TIME");
    qctx_stop_listen();
    return test_main(argc, argv, __FILE__, tests, sizeof tests / sizeof tests[0]);
}
