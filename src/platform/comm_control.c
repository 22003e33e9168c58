/*
 * Control messages travel on a communicator of their own: one receive from anybody is always pending. They are sent
 * synchronously, so that at the end each rank knows when all of its own have arrived, and a barrier that does not
 * block then tells when nobody's are under way any more (T. Hoefler et al., Scalable communication protocols for
 * dynamic sparse data exchange, 2010).
 */
#include <pthread.h>
#include <stdlib.h>

#include "comm_internal.h"

#include "qctx/base/clock.h"

static const double poll_seconds = 1e-3;

/* A message that has not arrived yet. */
typedef struct sent_message {
    MPI_Request request;
    comm_control message;
    struct sent_message *next;
} sent_message;

static struct {
    bool open;
    pthread_t main_thread;
    MPI_Comm mpi;
    int rank;
    int size;
    MPI_Request receive;
    comm_control received;
    sent_message *sent;
    double next; /* when to look again */
    comm_control_taker *takers[COMM_CONTROL_KINDS];
    comm_control_looker *looker;
} control;

void comm_control_register(comm_control_kind kind, comm_control_taker *take)
{
    control.takers[kind] = take;
}

void comm_control_register_looker(comm_control_looker *look)
{
    control.looker = look;
}

static void expect_message(void)
{
    comm_check(MPI_Irecv(&control.received, (int)sizeof control.received, MPI_BYTE, MPI_ANY_SOURCE, 0, control.mpi,
                         &control.receive),
               "MPI_Irecv");
}

void comm_control_start(void)
{
    comm_check(MPI_Comm_dup(MPI_COMM_WORLD, &control.mpi), "MPI_Comm_dup");
    MPI_Comm_set_errhandler(control.mpi, MPI_ERRORS_RETURN);
    MPI_Comm_rank(control.mpi, &control.rank);
    MPI_Comm_size(control.mpi, &control.size);
    control.main_thread = pthread_self();
    expect_message();
    control.open = true;
}

void comm_control_send(int to, const comm_control *message)
{
    sent_message *sent;

    if (!control.open)
        return;
    sent = comm_alloc(1, sizeof *sent, "a control message");
    sent->message = *message;
    sent->next = control.sent;
    control.sent = sent;
    comm_check(MPI_Issend(&sent->message, (int)sizeof sent->message, MPI_BYTE, to, 0, control.mpi, &sent->request),
               "MPI_Issend");
}

static void forget_arrived(void)
{
    sent_message **link = &control.sent;

    while (*link != NULL) {
        sent_message *sent = *link;
        int arrived;

        comm_check(MPI_Test(&sent->request, &arrived, MPI_STATUS_IGNORE), "MPI_Test");
        if (arrived) {
            *link = sent->next;
            free(sent);
        } else {
            link = &sent->next;
        }
    }
}

void comm_control_spread(const comm_control *message, int except)
{
    const int neighbours[] = {(control.rank - 1) / 2, 2 * control.rank + 1, 2 * control.rank + 2};

    for (int i = control.rank == 0 ? 1 : 0; i < 3; i++)
        if (neighbours[i] < control.size && neighbours[i] != except)
            comm_control_send(neighbours[i], message);
}

static void receive(void)
{
    MPI_Status status;
    int come;

    forget_arrived();
    while (true) {
        comm_control message;

        comm_check(MPI_Test(&control.receive, &come, &status), "MPI_Test");
        if (!come)
            return;
        message = control.received;
        expect_message();
        if (control.takers[message.kind] != NULL)
            control.takers[message.kind](status.MPI_SOURCE, &message);
    }
}

void comm_control_poll(void)
{
    double now;

    if (!control.open || !pthread_equal(pthread_self(), control.main_thread))
        return;
    now = qctx_clock_seconds();
    if (now < control.next)
        return;
    control.next = now + poll_seconds;
    if (control.looker != NULL)
        control.looker();
    receive();
}

void comm_control_finish(void)
{
    MPI_Request all_arrived = MPI_REQUEST_NULL;
    int over = 0;

    control.open = false;
    while (!over) {
        receive();
        if (all_arrived == MPI_REQUEST_NULL && control.sent == NULL)
            comm_check(MPI_Ibarrier(control.mpi, &all_arrived), "MPI_Ibarrier");
        else if (all_arrived != MPI_REQUEST_NULL)
            comm_check(MPI_Test(&all_arrived, &over, MPI_STATUS_IGNORE), "MPI_Test");
    }
    MPI_Cancel(&control.receive);
    MPI_Wait(&control.receive, MPI_STATUS_IGNORE);
    MPI_Comm_free(&control.mpi);
}
