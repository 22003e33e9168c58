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

/*
 * The communicator of this rank's group: ranks 0 … size − 1, the next `size`, and so on; the last group may be smaller.
 * What the groups do is independent of each other: a benchmark or a test so compares numbers of ranks in one start. The
 * caller closes it, with nothing under way. Both Collective.
 */
qctx_comm *qctx_comm_groups(qctx_comm *comm, int size);
void qctx_comm_close_group(qctx_comm *group);

/* This rank's number from 0, and how many there are. Local. */
int qctx_comm_rank(const qctx_comm *comm);
int qctx_comm_size(const qctx_comm *comm);

/* Ranks on this rank's node, those of other groups included. Local (computed at the start). */
int qctx_comm_node_size(const qctx_comm *comm);

/*
 * Makes a local status collective: every rank passes its own, every rank returns
 * the status of the lowest failing rank and holds its error record. The one place
 * where a local failure becomes everybody's; it stands after each fallible local
 * phase and before the next collective, never inside a branch of some ranks.
 * Where memory was short on some ranks alone, the message names the lowest.
 * Collective.
 */
qctx_status qctx_agree(qctx_comm *comm, qctx_status status, qctx_error *error);

/* Whether `value` is the same on all ranks. Collective. */
bool qctx_comm_same(qctx_comm *comm, uint64_t value);

/* The bits that any rank gives. Collective. */
uint64_t qctx_comm_any(qctx_comm *comm, uint64_t flags);

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
 * Gathers elements of `size` bytes of every rank, in rank order, on all ranks: `all`
 * receives as many as counts [size of comm] adds up to, which says how many each rank
 * gives and is the same array on every rank. Collective.
 */
void qctx_comm_gather_all(qctx_comm *comm, const void *own, void *all, const int64_t *counts, size_t size);

/* counts[r] = value of rank r, on all ranks. Collective. */
void qctx_comm_gather_counts(qctx_comm *comm, int64_t value, int64_t *counts);

/*
 * An exchange under way. It goes on inside the calls of this module and between the panels of products
 * (linalg/product), since Open MPI has no progress of its own. Its buffers belong to it until it is waited for. All
 * ranks start the collective ones in the same order, and in the same place among the blocking collectives; waits may
 * come in any order. A blocking collective first waits for the exchanges whose messages are not all in MPI's hands yet.
 * At most some hundreds may be under way at a time.
 */
typedef struct qctx_exchange qctx_exchange;

/*
 * Sends `out` to rank `to` and receives `in` from rank `from`; zero bytes are fine on either way, and so is the own
 * rank. Passes between the same two ranks match in the order they are started. Local but for its partners.
 */
qctx_exchange *qctx_comm_start_pass(qctx_comm *comm, const void *out, int64_t out_bytes, int to, void *in,
                                    int64_t in_bytes, int from);

/*
 * Sums `values` over the ranks, each rank getting only its part: counts [size of comm] floats a rank, in rank order,
 * the same array on all ranks. Afterwards this rank's part of `values` holds the sum, taken in an order that follows
 * from the part and the number of ranks alone (so the same bits at every run), the other parts are undefined. In
 * ⌈log₂ P⌉ rounds, with at most 8 MiB for what arrives (Träff 2024). Collective.
 */
qctx_exchange *qctx_comm_start_sum_parts(qctx_comm *comm, float *values, const int64_t *counts);

/* qctx_comm_gather_all in place, started: `all` holds this rank's own part at its place already. Collective. */
qctx_exchange *qctx_comm_start_gather_parts(qctx_comm *comm, void *all, const int64_t *counts, size_t size);

/* Waits for the exchange and frees it; sets *exchange to NULL. NULL-safe. Local. */
void qctx_exchange_wait(qctx_exchange **exchange);

/* Drives all exchanges under way a little: cheap, and nothing at all without any. On the main thread only. Local. */
void qctx_comm_progress(void);

/*
 * values [count] = their sum over the ranks along one binary tree, ((0 + 1) + (2 + 3)) + …, where the size of comm is a
 * power of two: it continues the tree of qctx_tree_sum (base/tree_sum) over each rank's leaves, and the bits do not
 * depend on how many ranks the leaves are dealt to. By distance doubling with halved vectors (Rabenseifner), at the
 * cost of a bandwidth-optimal all-reduce. For any other size: qctx_comm_sum_float, repeatable at that size. Collective.
 */
void qctx_comm_tree_sum_float(qctx_comm *comm, float *values, int64_t count);
void qctx_comm_tree_sum_double(qctx_comm *comm, double *values, int64_t count);

/* What this rank's exchanges and blocking collectives cost since the last reset. */
typedef struct {
    int64_t bytes_received; /* payload, from other ranks */
    double under_way;       /* seconds in which at least one started exchange was not over */
    double waited;          /* seconds in which this rank did nothing but wait or sit in a blocking collective */
} qctx_traffic;

qctx_traffic qctx_comm_traffic(void);
void qctx_comm_reset_traffic(void);

/*
 * Ends the job with HUNG when ranks stay silent for `seconds` while others wait for them; the message names the phase,
 * and each silent rank with its host and for how long. 0 (as at the start) waits for ever. A rank is heard by arriving
 * where the others wait, and by qctx_comm_tell_alive. The same on all ranks. Local.
 */
void qctx_comm_set_hang_timeout(double seconds);

/* The seconds that were set last. Local. */
double qctx_comm_hang_timeout(void);

/*
 * What this rank is doing, for the message about silent ranks: "training step", "evaluation". A literal. Returns what
 * it was doing before, for a part of a job to go back to at its end. Local.
 */
const char *qctx_comm_set_phase(const char *phase);

/*
 * Tells the others that this rank is at work, from within long work that the ranks do apart: answers who asks. Cheap,
 * however often it is called. Main thread only. Local.
 */
void qctx_comm_tell_alive(void);

/* Waits for all ranks. Collective. */
void qctx_comm_barrier(qctx_comm *comm);

/* Host name and library version, for records. Local; the text lives as long as the program. */
const char *qctx_comm_host(void);
const char *qctx_comm_library(void);

#endif
