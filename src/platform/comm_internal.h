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
    int64_t started; /* exchanges of several rounds so far, for their tags */
};

/* Elements or bytes of one MPI call; larger messages are cut into pieces of this size. */
enum { COMM_PIECE = 1 << 28 };

/* Prints and aborts the job unless `code` is MPI_SUCCESS: in the middle of a collective nobody is left to agree with.
 */
void comm_check(int code, const char *call);

/* qctx_alloc, but a failure prints the size and aborts, as that of an MPI call does. */
void *comm_alloc(int64_t count, size_t size, const char *purpose);
void comm_grow(void **array, int64_t *capacity, int64_t needed, size_t size, const char *purpose);

/*
 * Around every blocking collective. Entering waits until all exchanges under way are wholly in MPI's hands: one that
 * has rounds to start yet would stand still while this rank sits in the collective, and another rank that waits for it
 * would never arrive. `bytes`: the payload received from other ranks.
 */
double comm_enter(void);
void comm_leave(double entered, int64_t bytes);

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
    MPI_Comm mpi;
    int tag;
    const char *out;   /* where the ranges of bytes that go out … */
    char *in;          /* … and come in are counted from */
    int64_t bytes;     /* of both; a range that passes the end goes on at the start */
    int64_t round;     /* the one under way; as many as there are: over */
    int64_t in_posted; /* bytes of its receive that have been handed to MPI */
    int64_t pending;   /* messages in MPI's hands */
    char *room;        /* slots for what will be added, or NULL */
    int64_t room_bytes;
    int64_t slot_bytes; /* bytes of a slot */
    uint32_t free_slots;
    bool posted; /* whether all its messages are in MPI's hands, or over */
    bool over;
    int64_t round_count;
    comm_round rounds[];
};

/* An exchange with room for `most` rounds and none yet. */
qctx_exchange *comm_exchange_create(MPI_Comm mpi, int tag, int64_t most);

/* Starts what the exchange has been filled with. */
void comm_exchange_begin(qctx_exchange *exchange);

/* Frees what is kept between exchanges. */
void comm_exchange_finish(void);

#endif
