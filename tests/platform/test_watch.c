/* ranks: 1 2 3 5 */
/* Started by tests/platform/test_watch.sh with the name of a fault, it has that fault instead. */
#include "harness.h"

#include <mpi.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "qctx/base/clock.h"

/* Whether this rank falls silent in the middle of the next reduction, which the others have begun then. */
static bool stops_inside;

int MPI_Iallreduce(const void *out, void *in, int count, MPI_Datatype type, MPI_Op operation, MPI_Comm comm,
                   MPI_Request *request)
{
    int code = PMPI_Iallreduce(out, in, count, type, operation, comm, request);

    if (stops_inside)
        raise(SIGSTOP);
    return code;
}

/* An MPI that was built without threads, for the fault of that name. */
int MPI_Init_thread(int *argc, char ***argv, int required, int *provided)
{
    int code = PMPI_Init_thread(argc, argv, required, provided);

    if (*argc > 1 && strcmp((*argv)[1], "threadless") == 0)
        *provided = MPI_THREAD_SINGLE;
    return code;
}

static void rest(long milliseconds)
{
    nanosleep(&(struct timespec){milliseconds / 1000, milliseconds % 1000 * 1000000}, NULL);
}

/* As long work that the ranks do apart. */
static void work_and_tell(double seconds)
{
    double until = qctx_clock_seconds() + seconds;

    while (qctx_clock_seconds() < until) {
        rest(5);
        qctx_comm_tell_alive();
    }
}

static void a_slow_rank_that_tells_is_waited_for(void **state)
{
    const int last = qctx_comm_size(test_comm) - 1;

    (void)state;
    qctx_comm_set_hang_timeout(1);
    qctx_comm_set_phase("a test");
    for (int slow = 0; slow <= last; slow += last > 0 ? last : 1) {
        if (qctx_comm_rank(test_comm) == slow)
            work_and_tell(1.6);
        qctx_comm_barrier(test_comm);
    }
}

/* A rank that waits in its group, for a rank at work, is no silent one for those that wait for all. */
static void a_rank_that_waits_in_its_group_is_heard(void **state)
{
    qctx_comm *group = qctx_comm_groups(test_comm, 2);

    (void)state;
    if (qctx_comm_rank(test_comm) == 0)
        work_and_tell(1.6);
    qctx_comm_barrier(group);
    qctx_comm_barrier(test_comm);
    qctx_comm_close_group(group);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_slow_rank_that_tells_is_waited_for),
    cmocka_unit_test(a_rank_that_waits_in_its_group_is_heard),
};

/* `ranks`: a string of digits, those that fail. */
static bool fails(const char *ranks)
{
    return strchr(ranks, '0' + qctx_comm_rank(test_comm)) != NULL;
}

/* Never returns from the waits of those ranks that do not fail. */
static void suffer(const char *fault, const char *ranks)
{
    qctx_comm *waited_in = test_comm;
    char out = 1, in;

    if (strcmp(fault, "stop") == 0 && fails(ranks))
        raise(SIGSTOP);
    if (strcmp(fault, "sleep") == 0 && fails(ranks))
        rest(60000);
    if (strcmp(fault, "late") == 0 && fails(ranks))
        work_and_tell(2);
    if (strcmp(fault, "kill") == 0 && fails(ranks))
        raise(SIGKILL);
    if (strcmp(fault, "group") == 0) {
        waited_in = qctx_comm_groups(test_comm, 2);
        if (fails(ranks))
            raise(SIGSTOP);
    }
    if (strcmp(fault, "inside") == 0) {
        stops_inside = fails(ranks);
        qctx_comm_any(test_comm, 0);
    }
    /* Waits for a message that nobody sends, while the others wait for it in a collective. */
    if (strcmp(fault, "apart") == 0 && fails(ranks)) {
        qctx_exchange *exchange =
            qctx_comm_start_pass(test_comm, &out, 1, qctx_comm_rank(test_comm), &in, 1, qctx_comm_rank(test_comm) ^ 1);

        qctx_exchange_wait(&exchange);
    }
    qctx_comm_barrier(waited_in);
}

int main(int argc, char **argv)
{
    const char *seconds = getenv("HANG_TIMEOUT");

    if (argc < 3)
        return test_main(argc, argv, __FILE__, tests, sizeof tests / sizeof tests[0]);
    test_comm = qctx_comm_start(&argc, &argv);
    qctx_comm_set_hang_timeout(seconds != NULL ? atof(seconds) : 1);
    qctx_comm_set_phase("a training step");
    qctx_comm_barrier(test_comm);
    suffer(argv[1], argv[2]);
    qctx_comm_barrier(test_comm);
    qctx_comm_finish(test_comm);
    return 0;
}
