/*
 * Ranks and what they say to each other: the only module that knows MPI.
 *
 * A communicator is opaque; `rank` and `size` always mean MPI's. Counts are
 * int64_t; messages above MPI's int counts are split inside. An MPI call that
 * fails in the middle of a collective cannot be agreed on: it prints and aborts
 * the job (the only place beside main that ends the process).
 */
#ifndef QCTX_PLATFORM_COMM_H
#define QCTX_PLATFORM_COMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qctx/base/status.h"

typedef struct qctx_comm qctx_comm;

/*
 * Starts MPI and returns the communicator of all ranks. Called once, by main and by the tests. Collective. A failure
 * ends the process: there is nobody yet to agree with.
 */
qctx_comm *qctx_comm_start(int *argc, char ***argv);

/* Ends MPI and frees the world communicator. Collective. */
void qctx_comm_finish(qctx_comm *comm);

/* This rank's number from 0, and how many there are. Local. */
int qctx_comm_rank(const qctx_comm *comm);
int qctx_comm_size(const qctx_comm *comm);

/* Ranks on this rank's node. Local (computed at the start). */
int qctx_comm_node_size(const qctx_comm *comm);

/*
 * Makes a local status collective: every rank passes its own, every rank returns
 * the status of the lowest failing rank and holds its error record. The one place
 * where a local failure becomes everybody's; it stands after each fallible local
 * phase and before the next collective, never inside a branch of some ranks.
 * Collective.
 */
qctx_status qctx_agree(qctx_comm *comm, qctx_status status, qctx_error *error);

/* Whether `value` is the same on all ranks. Collective. */
bool qctx_comm_same(qctx_comm *comm, uint64_t value);

/* Copies `bytes` bytes from `root` to all. Collective. */
void qctx_comm_broadcast(qctx_comm *comm, void *data, int64_t bytes, int root);

/*
 * Broadcasts a NUL-terminated or binary text whose length only `root` knows. On the
 * other ranks `*text` is allocated (NUL-terminated) and the caller's to free();
 * the root's stays its own. Collective. Errors: MEMORY, on all ranks.
 */
qctx_status qctx_comm_broadcast_text(qctx_comm *comm, char **text, size_t *bytes, int root, qctx_error *error);

/* Element-wise reductions in place, result on all ranks. Collective. */
void qctx_comm_sum_float(qctx_comm *comm, float *values, int64_t count);
void qctx_comm_sum_double(qctx_comm *comm, double *values, int64_t count);
void qctx_comm_sum_int64(qctx_comm *comm, int64_t *values, int64_t count);
void qctx_comm_sum_uint64(qctx_comm *comm, uint64_t *values, int64_t count);
void qctx_comm_max_double(qctx_comm *comm, double *values, int64_t count);
void qctx_comm_max_int64(qctx_comm *comm, int64_t *values, int64_t count);

/*
 * Gathers `count` bytes-sized elements of every rank, in rank order, on all ranks:
 * `all` receives sum(counts) elements of `size` bytes; counts [size of comm] says how
 * many each rank gives, the same array on every rank. Collective.
 */
void qctx_comm_gather_all(qctx_comm *comm, const void *own, void *all, const int64_t *counts, size_t size);

/* counts[r] = value of rank r, on all ranks. Collective. */
void qctx_comm_gather_counts(qctx_comm *comm, int64_t value, int64_t *counts);

/* Waits for all ranks. Collective. */
void qctx_comm_barrier(qctx_comm *comm);

/*
 * The contiguous share of `total` items that falls to `rank` of `size`: shares differ
 * by at most one, earlier ranks hold the longer ones; a share may be empty. Local.
 */
void qctx_share(int64_t total, int rank, int size, int64_t *first, int64_t *count);

/* Host name and library version, for records. Local; the text lives as long as the program. */
const char *qctx_comm_host(void);
const char *qctx_comm_library(void);

/* The MPI communicator as an opaque pointer, for platform/h5 alone. Local. */
const void *qctx_comm_native(const qctx_comm *comm);

#endif
