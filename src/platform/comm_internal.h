/* What the files of platform/comm share. */
#ifndef QCTX_PLATFORM_COMM_INTERNAL_H
#define QCTX_PLATFORM_COMM_INTERNAL_H

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>

#include "qctx/platform/comm.h"

/* What is started has communicators of its own, so that it never matches anything else. */
struct qctx_comm {
    MPI_Comm mpi;    /* blocking collectives */
    MPI_Comm passes; /* qctx_comm_start_pass */
    MPI_Comm rounds; /* exchanges of several rounds; each has its own tag */
    int rank;
    int size;
    int node_size;
    int world_first;     /* the number of its rank 0 among all ranks: a group's ranks follow each other */
    int64_t started;     /* exchanges of several rounds so far, for their tags */
    int64_t collectives; /* blocking ones so far, the same on all its ranks */
};

/* Elements or bytes of one MPI call; larger messages are cut into pieces of this size. */
enum { COMM_PIECE = 1 << 28 };

/* Ends the job: mpirun returns `status`, too. */
void comm_abort(qctx_status status) __attribute__((noreturn));

/* Prints and aborts the job unless `code` is MPI_SUCCESS: in the middle of a collective nobody is left to agree with.
 */
void comm_check(int code, const char *call);

/* Aborts the job unless a level that MPI provides allows threads beside the one that speaks to it. */
void comm_check_threads(int provided);

/* qctx_alloc, but a failure prints the size and aborts, as that of an MPI call does. */
void *comm_alloc(int64_t count, size_t size, const char *purpose);
void comm_grow(void **array, int64_t *capacity, int64_t needed, size_t size, const char *purpose);

/* Waits until all exchanges under way are wholly in MPI's hands; before a blocking collective of `comm`. */
void comm_exchange_hand_over(qctx_comm *comm);

/* Counts for qctx_comm_traffic: payload received, an exchange that began or ended, seconds of doing nothing else. */
void comm_count_received(int64_t bytes);
void comm_count_began(void);
void comm_count_ended(void);
void comm_count_waited(double seconds);

/* What becomes of bytes that arrive: they replace or are added to those in place. */
typedef enum { COMM_COPY, COMM_ADD_FLOAT, COMM_ADD_DOUBLE } comm_arrival;

/* One round of an exchange: a range of bytes goes out, another comes in. */
typedef struct {
    int to;
    int from;
    int64_t out_first;
    int64_t out_bytes;
    int64_t in_first;
    int64_t in_bytes;
    comm_arrival arrival;
} comm_round;

/*
 * An exchange is a row of rounds; one begins when the one before is over. Within a round nothing that comes in touches
 * what goes out.
 */
struct qctx_exchange {
    qctx_comm *comm;
    MPI_Comm mpi; /* of comm's */
    int tag;
    const char *out;   /* where the ranges of bytes that go out … */
    char *in;          /* … and come in are counted from */
    int64_t bytes;     /* of both; a range that passes the end goes on at the start */
    int64_t round;     /* the one under way; as many as there are: over */
    int64_t in_posted; /* bytes of its receive that have been handed to MPI */
    int64_t pending;   /* messages in MPI's hands */
    char *buffer;      /* slots for what will be added, or NULL */
    int64_t buffer_bytes;
    int64_t slot_bytes; /* bytes of a slot */
    uint32_t free_slots;
    bool posted; /* whether all its messages are in MPI's hands, or over */
    bool over;
    int64_t round_count;
    comm_round rounds[];
};

/* An exchange with room for `most` rounds and none yet. */
qctx_exchange *comm_exchange_create(qctx_comm *comm, MPI_Comm mpi, int tag, int64_t most);

/* Starts what the exchange has been filled with. */
void comm_exchange_begin(qctx_exchange *exchange);

/* values [count] = their sum over the ranks, by parts that are gathered again. Collective. */
void comm_sum_by_parts(qctx_comm *comm, void *values, int64_t count, size_t size, comm_arrival arrival);

/* values [count] = their sum along one binary tree of the ranks, whose number is a power of two. Collective. */
void comm_sum_by_tree(qctx_comm *comm, void *values, int64_t count, size_t size, comm_arrival arrival);

/* Frees what is kept between exchanges. */
void comm_exchange_finish(void);

/* What a control message is about. */
typedef enum {
    COMM_CONTROL_STOP,   /* its sender was asked to stop; `text`: by what */
    COMM_CONTROL_ASK,    /* what are you doing? */
    COMM_CONTROL_ANSWER, /* what its sender does: the members below */
    COMM_CONTROL_KINDS
} comm_control_kind;

enum { COMM_CONTROL_TEXT = 64 };

/*
 * A control message: a few bytes beside the collectives, from one rank to another. They are received wherever a rank
 * waits or works long: inside the waits of this module, qctx_comm_progress, qctx_comm_tell_alive and
 * qctx_stop_requested.
 */
typedef struct {
    comm_control_kind kind;
    int32_t serial;     /* of the question, which the answer repeats */
    int32_t comm_first; /* the communicator in which the rank waits: the number of its rank 0 among all ranks … */
    int32_t comm_size;  /* … and its size; 0: it does not wait */
    int64_t collective; /* how many collectives it has entered there */
    double waited;      /* seconds */
    char text[COMM_CONTROL_TEXT]; /* its phase */
} comm_control;

/*
 * What becomes of the messages of a kind, registered by the one who knows; `from` is a number among all ranks. A kind
 * without a taker is dropped. Also before MPI starts. Local.
 */
typedef void comm_control_taker(int from, const comm_control *message);
void comm_control_register(comm_control_kind kind, comm_control_taker *take);

/* What is called before each receiving, to send what is due. Also before MPI starts. Local. */
typedef void comm_control_looker(void);
void comm_control_register_looker(comm_control_looker *look);

/* Starts and ends the traffic of control messages between all ranks. Collective. */
void comm_control_start(void);
void comm_control_finish(void);

/* Sends a copy of the message to a rank of all ranks. Local. */
void comm_control_send(int to, const comm_control *message);

/*
 * Sends a copy to the neighbours on a binary tree of all ranks, up and down, but for rank `except` (−1: to all of
 * them). A message that every rank passes on once, when it first comes, so reaches all. Local.
 */
void comm_control_spread(const comm_control *message, int except);

/*
 * Receives what control messages have come, at most every millisecond; does nothing on threads other than the main
 * one, which alone speaks to MPI. Local.
 */
void comm_control_poll(void);

/* Collective, at the start: learns the hosts of all ranks. */
void comm_watch_start(void);

/*
 * Around a wait for other ranks of `comm`, one at a time. Between them, again and again: comm_wait_look hears control
 * messages, asks the others what they do where it takes long, and ends the job where some have been silent for too
 * long; comm_wait_got_on says that something has come. Local.
 */
void comm_wait_begin(qctx_comm *comm);
void comm_wait_look(void);
void comm_wait_got_on(void);
void comm_wait_end(void);

/* Frees what the watch keeps. */
void comm_watch_finish(void);

#endif
