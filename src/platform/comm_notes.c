/*
 * Notes travel on a communicator of their own: one receive from anybody is always pending. They are sent
 * synchronously, so that at the end each rank knows when all of its own have arrived, and a barrier that does not
 * block then tells when nobody's are under way any more (T. Hoefler et al., Scalable communication protocols for
 * dynamic sparse data exchange, 2010).
 */
#include <pthread.h>
#include <stdlib.h>

#include "comm_internal.h"

#include "qctx/base/clock.h"

static const double poll_seconds = 1e-3;

/* A note that has not arrived yet. */
typedef struct sent_note {
    MPI_Request request;
    comm_note note;
    struct sent_note *next;
} sent_note;

static struct {
    bool open;
    pthread_t main_thread;
    MPI_Comm mpi;
    int rank;
    int size;
    MPI_Request receive;
    comm_note received;
    sent_note *sent;
    double next; /* when to look again */
} notes;

static void expect_note(void)
{
    comm_check(
        MPI_Irecv(&notes.received, (int)sizeof notes.received, MPI_BYTE, MPI_ANY_SOURCE, 0, notes.mpi, &notes.receive),
        "MPI_Irecv");
}

void comm_notes_start(void)
{
    comm_check(MPI_Comm_dup(MPI_COMM_WORLD, &notes.mpi), "MPI_Comm_dup");
    MPI_Comm_set_errhandler(notes.mpi, MPI_ERRORS_RETURN);
    MPI_Comm_rank(notes.mpi, &notes.rank);
    MPI_Comm_size(notes.mpi, &notes.size);
    notes.main_thread = pthread_self();
    expect_note();
    notes.open = true;
}

void comm_notes_send(int to, const comm_note *note)
{
    sent_note *sent;

    if (!notes.open)
        return;
    sent = comm_alloc(1, sizeof *sent, "a note to another rank");
    sent->note = *note;
    sent->next = notes.sent;
    notes.sent = sent;
    comm_check(MPI_Issend(&sent->note, (int)sizeof sent->note, MPI_BYTE, to, 0, notes.mpi, &sent->request),
               "MPI_Issend");
}

static void forget_arrived(void)
{
    sent_note **link = &notes.sent;

    while (*link != NULL) {
        sent_note *sent = *link;
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

static void take(int from, const comm_note *note)
{
    if (note->kind == COMM_NOTE_STOP)
        comm_take_stop(notes.rank, notes.size, from, note);
    else if (note->kind == COMM_NOTE_ASK)
        comm_take_question(from, note);
    else
        comm_take_answer(from, note);
}

static void receive(void)
{
    MPI_Status status;
    int come;

    forget_arrived();
    while (true) {
        comm_note note;

        comm_check(MPI_Test(&notes.receive, &come, &status), "MPI_Test");
        if (!come)
            return;
        note = notes.received;
        expect_note();
        take(status.MPI_SOURCE, &note);
    }
}

void comm_notes_poll(void)
{
    double now;

    if (!notes.open || !pthread_equal(pthread_self(), notes.main_thread))
        return;
    now = qctx_clock_seconds();
    if (now < notes.next)
        return;
    notes.next = now + poll_seconds;
    comm_tell_stop(notes.rank, notes.size);
    receive();
}

void comm_notes_finish(void)
{
    MPI_Request all_arrived = MPI_REQUEST_NULL;
    int over = 0;

    notes.open = false;
    while (!over) {
        receive();
        if (all_arrived == MPI_REQUEST_NULL && notes.sent == NULL)
            comm_check(MPI_Ibarrier(notes.mpi, &all_arrived), "MPI_Ibarrier");
        else if (all_arrived != MPI_REQUEST_NULL)
            comm_check(MPI_Test(&all_arrived, &over, MPI_STATUS_IGNORE), "MPI_Test");
    }
    MPI_Cancel(&notes.receive);
    MPI_Wait(&notes.receive, MPI_STATUS_IGNORE);
    MPI_Comm_free(&notes.mpi);
}
