#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "comm_internal.h"

#include "qctx/base/mem.h"

void qctx_comm_broadcast(qctx_comm *comm, void *data, int64_t bytes, int root)
{
    char *at = data;
    double entered = comm_enter(comm);

    for (int64_t done = 0; done < bytes; done += COMM_PIECE) {
        int piece = bytes - done < COMM_PIECE ? (int)(bytes - done) : COMM_PIECE;

        comm_check(MPI_Bcast(at + done, piece, MPI_BYTE, root, comm->mpi), "MPI_Bcast");
    }
    comm_leave(entered, comm->rank == root ? 0 : bytes);
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
    double entered = comm_enter(comm);

    for (int64_t done = 0; done < count; done += COMM_PIECE) {
        int piece = count - done < COMM_PIECE ? (int)(count - done) : COMM_PIECE;

        comm_check(MPI_Allreduce(MPI_IN_PLACE, at + (size_t)done * size, piece, type, operation, comm->mpi),
                   "MPI_Allreduce");
    }
    comm_leave(entered, comm->size > 1 ? count * (int64_t)size : 0);
}

void qctx_comm_sum_float(qctx_comm *comm, float *values, int64_t count)
{
    reduce(comm, values, count, MPI_FLOAT, sizeof *values, MPI_SUM);
}

void qctx_comm_sum_double(qctx_comm *comm, double *values, int64_t count)
{
    reduce(comm, values, count, MPI_DOUBLE, sizeof *values, MPI_SUM);
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

/* Gatherings whose counts or displacements pass MPI's int go as one broadcast per rank. */
static void gather_by_broadcasts(qctx_comm *comm, const void *own, char *all, const int64_t *counts, size_t size)
{
    char *at = all;

    for (int root = 0; root < comm->size; root++) {
        int64_t bytes = counts[root] * (int64_t)size;

        if (root == comm->rank && bytes > 0 && own != at)
            memcpy(at, own, (size_t)bytes);
        qctx_comm_broadcast(comm, at, bytes, root);
        at += bytes;
    }
}

void qctx_comm_gather_all(qctx_comm *comm, const void *own, void *all, const int64_t *counts, size_t size)
{
    int *int_counts, *displacements;
    MPI_Datatype element;
    int64_t total = 0;
    double entered;

    for (int r = 0; r < comm->size; r++)
        total += counts[r];
    if (total > INT_MAX) {
        gather_by_broadcasts(comm, own, all, counts, size);
        return;
    }
    entered = comm_enter(comm);
    int_counts = comm_alloc((int64_t)comm->size * 2, sizeof *int_counts, "counts for MPI_Allgatherv");
    displacements = int_counts + comm->size;
    for (int r = 0; r < comm->size; r++) {
        int_counts[r] = (int)counts[r];
        displacements[r] = r == 0 ? 0 : displacements[r - 1] + int_counts[r - 1];
    }
    comm_check(MPI_Type_contiguous((int)size, MPI_BYTE, &element), "MPI_Type_contiguous");
    comm_check(MPI_Type_commit(&element), "MPI_Type_commit");
    comm_check(MPI_Allgatherv(own, int_counts[comm->rank], element, all, int_counts, displacements, element, comm->mpi),
               "MPI_Allgatherv");
    MPI_Type_free(&element);
    free(int_counts);
    comm_leave(entered, (total - counts[comm->rank]) * (int64_t)size);
}

void qctx_comm_gather_counts(qctx_comm *comm, int64_t value, int64_t *counts)
{
    double entered = comm_enter(comm);

    comm_check(MPI_Allgather(&value, 1, MPI_INT64_T, counts, 1, MPI_INT64_T, comm->mpi), "MPI_Allgather");
    comm_leave(entered, (comm->size - 1) * (int64_t)sizeof value);
}

void qctx_comm_barrier(qctx_comm *comm)
{
    double entered = comm_enter(comm);

    comm_check(MPI_Barrier(comm->mpi), "MPI_Barrier");
    comm_leave(entered, 0);
}

uint64_t qctx_comm_any(qctx_comm *comm, uint64_t flags)
{
    reduce(comm, &flags, 1, MPI_UINT64_T, sizeof flags, MPI_BOR);
    return flags;
}
