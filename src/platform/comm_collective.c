/* Collectives that return when they are over, agreements among them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "comm_internal.h"

#include "qctx/base/clock.h"
#include "qctx/base/mem.h"

/* Bytes of a broadcast's pieces: few enough that each arrives well within any time-out. */
enum { BROADCAST_PIECE = 1 << 24 };

/* Bytes from which on a sum goes by parts, which receives twice its bytes on any number of ranks. */
enum { LONG_SUM = 1 << 15 };

/*
 * Around every blocking collective. Entering waits until all exchanges under way are wholly in MPI's hands: one that
 * has rounds to start yet would stand still while this rank sits in the collective, and another rank that waits for it
 * would never arrive. `bytes`: the payload received from other ranks.
 */
static double enter(qctx_comm *comm)
{
    double entered = qctx_clock_seconds();

    comm_exchange_hand_over(comm);
    comm->collectives++;
    return entered;
}

static void leave(double entered, int64_t bytes)
{
    comm_count_waited(qctx_clock_seconds() - entered);
    comm_count_received(bytes);
}

/*
 * Waits for a collective that has begun. None is called in MPI's own blocking form: so a rank waits where it hears
 * control messages and looks at the clock, also for one that falls silent in the middle.
 */
static void complete(qctx_comm *comm, MPI_Request *request)
{
    int over = 0;

    comm_wait_begin(comm);
    while (true) {
        comm_check(MPI_Test(request, &over, MPI_STATUS_IGNORE), "MPI_Test");
        if (over)
            break;
        comm_wait_look();
    }
    comm_wait_end();
}

/* MPI_Allreduce in place, so waited for. */
static void all_reduce(qctx_comm *comm, void *values, int count, MPI_Datatype type, MPI_Op operation)
{
    MPI_Request request;

    comm_check(MPI_Iallreduce(MPI_IN_PLACE, values, count, type, operation, comm->mpi, &request), "MPI_Iallreduce");
    complete(comm, &request);
}

void qctx_comm_broadcast(qctx_comm *comm, void *data, int64_t bytes, int root)
{
    char *at = data;
    double entered = enter(comm);

    for (int64_t done = 0; done < bytes; done += BROADCAST_PIECE) {
        int piece = bytes - done < BROADCAST_PIECE ? (int)(bytes - done) : BROADCAST_PIECE;
        MPI_Request request;

        comm_check(MPI_Ibcast(at + done, piece, MPI_BYTE, root, comm->mpi, &request), "MPI_Ibcast");
        complete(comm, &request);
    }
    leave(entered, comm->rank == root ? 0 : bytes);
}

qctx_status qctx_comm_broadcast_text(qctx_comm *comm, char **text, size_t *bytes, int root, qctx_error *error)
{
    qctx_status status = QCTX_OK;
    int64_t length = comm->rank == root ? (int64_t)*bytes : 0;
    char *copy = NULL;

    qctx_comm_broadcast(comm, &length, sizeof length, root);
    if (comm->rank != root) {
        copy = qctx_alloc(length + 1, 1, "a broadcast text", error);
        if (copy == NULL)
            status = QCTX_ERR_MEMORY;
    }
    status = qctx_agree(comm, status, error);
    if (status != QCTX_OK) {
        free(copy);
        return status;
    }
    if (comm->rank != root) {
        *text = copy;
        *bytes = (size_t)length;
    }
    qctx_comm_broadcast(comm, *text, length, root);
    return QCTX_OK;
}

static void reduce(qctx_comm *comm, void *values, int64_t count, MPI_Datatype type, size_t size, MPI_Op operation)
{
    char *at = values;
    double entered = enter(comm);

    for (int64_t done = 0; done < count; done += COMM_PIECE) {
        int piece = count - done < COMM_PIECE ? (int)(count - done) : COMM_PIECE;

        all_reduce(comm, at + (size_t)done * size, piece, type, operation);
    }
    leave(entered, comm->size > 1 ? count * (int64_t)size : 0);
}

void qctx_comm_sum_float(qctx_comm *comm, float *values, int64_t count)
{
    if (count * (int64_t)sizeof *values < LONG_SUM)
        reduce(comm, values, count, MPI_FLOAT, sizeof *values, MPI_SUM);
    else
        comm_sum_by_parts(comm, values, count, sizeof *values, COMM_ADD_FLOAT);
}

void qctx_comm_sum_double(qctx_comm *comm, double *values, int64_t count)
{
    if (count * (int64_t)sizeof *values < LONG_SUM)
        reduce(comm, values, count, MPI_DOUBLE, sizeof *values, MPI_SUM);
    else
        comm_sum_by_parts(comm, values, count, sizeof *values, COMM_ADD_DOUBLE);
}

void qctx_comm_sum_int64(qctx_comm *comm, int64_t *values, int64_t count)
{
    reduce(comm, values, count, MPI_INT64_T, sizeof *values, MPI_SUM);
}

void qctx_comm_sum_uint64(qctx_comm *comm, uint64_t *values, int64_t count)
{
    reduce(comm, values, count, MPI_UINT64_T, sizeof *values, MPI_SUM);
}

void qctx_comm_max_double(qctx_comm *comm, double *values, int64_t count)
{
    reduce(comm, values, count, MPI_DOUBLE, sizeof *values, MPI_MAX);
}

void qctx_comm_max_int64(qctx_comm *comm, int64_t *values, int64_t count)
{
    reduce(comm, values, count, MPI_INT64_T, sizeof *values, MPI_MAX);
}

static bool is_power_of_two(int size)
{
    return (size & (size - 1)) == 0;
}

void qctx_comm_tree_sum_float(qctx_comm *comm, float *values, int64_t count)
{
    if (is_power_of_two(comm->size))
        comm_sum_by_tree(comm, values, count, sizeof *values, COMM_ADD_FLOAT);
    else
        qctx_comm_sum_float(comm, values, count);
}

void qctx_comm_tree_sum_double(qctx_comm *comm, double *values, int64_t count)
{
    if (is_power_of_two(comm->size))
        comm_sum_by_tree(comm, values, count, sizeof *values, COMM_ADD_DOUBLE);
    else
        qctx_comm_sum_double(comm, values, count);
}

void qctx_comm_gather_all(qctx_comm *comm, const void *own, void *all, const int64_t *counts, size_t size)
{
    char *place = all;
    qctx_exchange *exchange;

    for (int r = 0; r < comm->rank; r++)
        place += (size_t)counts[r] * size;
    if (counts[comm->rank] > 0 && own != place)
        memcpy(place, own, (size_t)counts[comm->rank] * size);
    exchange = qctx_comm_start_gather_parts(comm, all, counts, size);
    qctx_exchange_wait(&exchange);
}

void qctx_comm_gather_counts(qctx_comm *comm, int64_t value, int64_t *counts)
{
    double entered = enter(comm);
    MPI_Request request;

    comm_check(MPI_Iallgather(&value, 1, MPI_INT64_T, counts, 1, MPI_INT64_T, comm->mpi, &request), "MPI_Iallgather");
    complete(comm, &request);
    leave(entered, (comm->size - 1) * (int64_t)sizeof value);
}

void qctx_comm_barrier(qctx_comm *comm)
{
    double entered = enter(comm);
    MPI_Request request;

    comm_check(MPI_Ibarrier(comm->mpi, &request), "MPI_Ibarrier");
    complete(comm, &request);
    leave(entered, 0);
}

uint64_t qctx_comm_any(qctx_comm *comm, uint64_t flags)
{
    reduce(comm, &flags, 1, MPI_UINT64_T, sizeof flags, MPI_BOR);
    return flags;
}

/* Memory is a matter of one machine: says on which rank it was short. */
static void name_rank(const qctx_comm *comm, qctx_error *error)
{
    size_t used = strlen(error->message);

    snprintf(error->message + used, sizeof error->message - used, " on rank %d", comm->rank);
}

qctx_status qctx_agree(qctx_comm *comm, qctx_status status, qctx_error *error)
{
    /* The lowest rank that failed, and whether all did. */
    int found[2] = {status == QCTX_OK ? comm->size : comm->rank, status != QCTX_OK};
    double entered = enter(comm);

    all_reduce(comm, found, 2, MPI_INT, MPI_MIN);
    leave(entered, 0);
    if (found[0] == comm->size)
        return QCTX_OK;
    if (comm->rank == found[0]) {
        error->code = status;
        if (status == QCTX_ERR_MEMORY && found[1] == 0)
            name_rank(comm, error);
    }
    qctx_comm_broadcast(comm, error, sizeof *error, found[0]);
    return error->code;
}

bool qctx_comm_same(qctx_comm *comm, uint64_t value)
{
    /* One reduction finds minimum and maximum: the largest of v and of ~v. */
    uint64_t extremes[2] = {value, ~value};
    double entered = enter(comm);

    all_reduce(comm, extremes, 2, MPI_UINT64_T, MPI_MAX);
    leave(entered, 0);
    return extremes[0] == ~extremes[1];
}
