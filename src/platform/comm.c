#include "qctx/platform/comm.h"

#include <limits.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"

struct qctx_comm {
    MPI_Comm mpi;
    int rank;
    int size;
    int node_size;
};

/* Elements of one MPI call; larger messages are cut into pieces of this size. */
enum { PIECE = 1 << 28 };

/* In the middle of a collective there is no one left to agree with. */
static void check(int code, const char *call)
{
    char text[MPI_MAX_ERROR_STRING];
    int length = 0;

    if (code == MPI_SUCCESS)
        return;
    MPI_Error_string(code, text, &length);
    fprintf(stderr, "qctx-dist: %s failed: %s\n", call, text);
    fflush(stderr);
    MPI_Abort(MPI_COMM_WORLD, QCTX_ERR_INTERNAL);
}

qctx_comm *qctx_comm_start(int *argc, char ***argv)
{
    qctx_comm *comm = calloc(1, sizeof *comm);
    MPI_Comm node;
    int provided;

    if (comm == NULL) {
        fputs("qctx-dist: out of memory at the start\n", stderr);
        exit(QCTX_ERR_MEMORY);
    }
    check(MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread");
    check(MPI_Comm_dup(MPI_COMM_WORLD, &comm->mpi), "MPI_Comm_dup");
    MPI_Comm_set_errhandler(comm->mpi, MPI_ERRORS_RETURN);
    MPI_Comm_rank(comm->mpi, &comm->rank);
    MPI_Comm_size(comm->mpi, &comm->size);
    check(MPI_Comm_split_type(comm->mpi, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node), "MPI_Comm_split_type");
    MPI_Comm_size(node, &comm->node_size);
    MPI_Comm_free(&node);
    return comm;
}

void qctx_comm_finish(qctx_comm *comm)
{
    if (comm == NULL)
        return;
    MPI_Comm_free(&comm->mpi);
    MPI_Finalize();
    free(comm);
}

int qctx_comm_rank(const qctx_comm *comm)
{
    return comm->rank;
}

int qctx_comm_size(const qctx_comm *comm)
{
    return comm->size;
}

int qctx_comm_node_size(const qctx_comm *comm)
{
    return comm->node_size;
}

qctx_status qctx_agree(qctx_comm *comm, qctx_status status, qctx_error *error)
{
    int lowest = status == QCTX_OK ? comm->size : comm->rank;

    check(MPI_Allreduce(MPI_IN_PLACE, &lowest, 1, MPI_INT, MPI_MIN, comm->mpi), "MPI_Allreduce");
    if (lowest == comm->size)
        return QCTX_OK;
    error->code = comm->rank == lowest ? status : error->code;
    check(MPI_Bcast(error, sizeof *error, MPI_BYTE, lowest, comm->mpi), "MPI_Bcast");
    return error->code;
}

bool qctx_comm_same(qctx_comm *comm, uint64_t value)
{
    /* One reduction finds minimum and maximum: the largest of v and of ~v. */
    uint64_t extremes[2] = {value, ~value};

    check(MPI_Allreduce(MPI_IN_PLACE, extremes, 2, MPI_UINT64_T, MPI_MAX, comm->mpi), "MPI_Allreduce");
    return extremes[0] == ~extremes[1];
}

void qctx_comm_broadcast(qctx_comm *comm, void *data, int64_t bytes, int root)
{
    char *at = data;

    for (int64_t done = 0; done < bytes; done += PIECE) {
        int piece = bytes - done < PIECE ? (int)(bytes - done) : PIECE;

        check(MPI_Bcast(at + done, piece, MPI_BYTE, root, comm->mpi), "MPI_Bcast");
    }
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

    for (int64_t done = 0; done < count; done += PIECE) {
        int piece = count - done < PIECE ? (int)(count - done) : PIECE;

        check(MPI_Allreduce(MPI_IN_PLACE, at + (size_t)done * size, piece, type, operation, comm->mpi),
              "MPI_Allreduce");
    }
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

    for (int r = 0; r < comm->size; r++)
        total += counts[r];
    if (total > INT_MAX) {
        gather_by_broadcasts(comm, own, all, counts, size);
        return;
    }
    int_counts = malloc((size_t)comm->size * 2 * sizeof *int_counts);
    check(int_counts == NULL ? MPI_ERR_NO_MEM : MPI_SUCCESS, "allocating counts for MPI_Allgatherv");
    displacements = int_counts + comm->size;
    for (int r = 0; r < comm->size; r++) {
        int_counts[r] = (int)counts[r];
        displacements[r] = r == 0 ? 0 : displacements[r - 1] + int_counts[r - 1];
    }
    check(MPI_Type_contiguous((int)size, MPI_BYTE, &element), "MPI_Type_contiguous");
    check(MPI_Type_commit(&element), "MPI_Type_commit");
    check(MPI_Allgatherv(own, int_counts[comm->rank], element, all, int_counts, displacements, element, comm->mpi),
          "MPI_Allgatherv");
    MPI_Type_free(&element);
    free(int_counts);
}

void qctx_comm_gather_counts(qctx_comm *comm, int64_t value, int64_t *counts)
{
    check(MPI_Allgather(&value, 1, MPI_INT64_T, counts, 1, MPI_INT64_T, comm->mpi), "MPI_Allgather");
}

struct qctx_exchange {
    MPI_Request requests[2];
};

static qctx_exchange *start(void)
{
    qctx_exchange *exchange = calloc(1, sizeof *exchange);

    check(exchange == NULL ? MPI_ERR_NO_MEM : MPI_SUCCESS, "starting an exchange");
    exchange->requests[0] = exchange->requests[1] = MPI_REQUEST_NULL;
    return exchange;
}

qctx_exchange *qctx_comm_start_pass(qctx_comm *comm, const void *out, int64_t out_bytes, int to, void *in,
                                    int64_t in_bytes, int from)
{
    qctx_exchange *exchange = start();

    check(MPI_Irecv(in, (int)in_bytes, MPI_BYTE, from, 0, comm->mpi, &exchange->requests[0]), "MPI_Irecv");
    check(MPI_Isend(out, (int)out_bytes, MPI_BYTE, to, 0, comm->mpi, &exchange->requests[1]), "MPI_Isend");
    return exchange;
}

qctx_exchange *qctx_comm_start_sum_double(qctx_comm *comm, double *values, int64_t count)
{
    qctx_comm_sum_double(comm, values, count);
    return start();
}

qctx_exchange *qctx_comm_start_sum_parts(qctx_comm *comm, float *values, const int64_t *counts)
{
    int64_t total = 0;

    for (int r = 0; r < comm->size; r++)
        total += counts[r];
    qctx_comm_sum_float(comm, values, total);
    return start();
}

qctx_exchange *qctx_comm_start_gather_parts(qctx_comm *comm, void *all, const int64_t *counts, size_t size)
{
    char *at = all;

    for (int r = 0; r < comm->size; r++) {
        qctx_comm_broadcast(comm, at, counts[r] * (int64_t)size, r);
        at += counts[r] * (int64_t)size;
    }
    return start();
}

bool qctx_exchange_is_done(qctx_exchange *exchange)
{
    int done;

    check(MPI_Testall(2, exchange->requests, &done, MPI_STATUSES_IGNORE), "MPI_Testall");
    return done != 0;
}

void qctx_exchange_wait(qctx_exchange **exchange)
{
    if (*exchange == NULL)
        return;
    check(MPI_Waitall(2, (*exchange)->requests, MPI_STATUSES_IGNORE), "MPI_Waitall");
    free(*exchange);
    *exchange = NULL;
}

void qctx_comm_progress(void)
{
}

static void tree_sum(qctx_comm *comm, void *values, void *other, int64_t count, size_t size)
{
    for (int distance = 1; distance < comm->size; distance *= 2) {
        qctx_exchange *pass = qctx_comm_start_pass(comm, values, count * (int64_t)size, comm->rank ^ distance, other,
                                                   count * (int64_t)size, comm->rank ^ distance);

        qctx_exchange_wait(&pass);
        for (int64_t i = 0; i < count; i++)
            if (size == sizeof(float))
                ((float *)values)[i] += ((float *)other)[i];
            else
                ((double *)values)[i] += ((double *)other)[i];
    }
}

void qctx_comm_tree_sum_float(qctx_comm *comm, float *values, int64_t count)
{
    float *other = malloc((size_t)(count + 1) * sizeof *other);

    tree_sum(comm, values, other, count, sizeof *other);
    free(other);
}

void qctx_comm_tree_sum_double(qctx_comm *comm, double *values, int64_t count)
{
    double *other = malloc((size_t)(count + 1) * sizeof *other);

    tree_sum(comm, values, other, count, sizeof *other);
    free(other);
}

qctx_traffic qctx_comm_traffic(void)
{
    return (qctx_traffic){0};
}

void qctx_comm_reset_traffic(void)
{
}

void qctx_comm_barrier(qctx_comm *comm)
{
    check(MPI_Barrier(comm->mpi), "MPI_Barrier");
}

void qctx_share(int64_t total, int rank, int size, int64_t *first, int64_t *count)
{
    int64_t base = total / size;
    int64_t longer = total % size;

    *first = rank * base + (rank < longer ? rank : longer);
    *count = base + (rank < longer ? 1 : 0);
}

const char *qctx_comm_host(void)
{
    static char host[MPI_MAX_PROCESSOR_NAME];
    int length;

    if (host[0] == '\0')
        MPI_Get_processor_name(host, &length);
    return host;
}

const char *qctx_comm_library(void)
{
    static char version[MPI_MAX_LIBRARY_VERSION_STRING];
    int length;

    if (version[0] == '\0') {
        MPI_Get_library_version(version, &length);
        version[strcspn(version, ",")] = '\0';
    }
    return version;
}

const void *qctx_comm_native(const qctx_comm *comm)
{
    return &comm->mpi;
}
