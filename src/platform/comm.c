#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "comm_internal.h"

#include "qctx/base/clock.h"
#include "qctx/base/mem.h"

void comm_abort(qctx_status status)
{
    fflush(stderr);
    MPI_Abort(MPI_COMM_WORLD, (int)status);
    abort();
}

void comm_check(int code, const char *call)
{
    char text[MPI_MAX_ERROR_STRING];
    int length = 0;

    if (code == MPI_SUCCESS)
        return;
    MPI_Error_string(code, text, &length);
    fprintf(stderr, "qctx-dist: %s failed: %s\n", call, text);
    comm_abort(QCTX_ERR_INTERNAL);
}

static void check_memory(qctx_status status, const qctx_error *error)
{
    if (status == QCTX_OK)
        return;
    fprintf(stderr, "qctx-dist: %s\n", error->message);
    comm_abort(QCTX_ERR_MEMORY);
}

void *comm_alloc(int64_t count, size_t size, const char *purpose)
{
    qctx_error error;
    void *memory = qctx_alloc(count, size, purpose, &error);

    check_memory(memory == NULL ? QCTX_ERR_MEMORY : QCTX_OK, &error);
    return memory;
}

void comm_grow(void **array, int64_t *capacity, int64_t needed, size_t size, const char *purpose)
{
    qctx_error error;

    check_memory(qctx_grow(array, capacity, needed, size, purpose, &error), &error);
}

static void duplicate(MPI_Comm from, MPI_Comm *copy)
{
    comm_check(MPI_Comm_dup(from, copy), "MPI_Comm_dup");
    MPI_Comm_set_errhandler(*copy, MPI_ERRORS_RETURN);
}

/* A communicator of our own over the ranks of an MPI one. */
static void open_over(MPI_Comm ranks, qctx_comm *comm)
{
    MPI_Comm node;

    duplicate(ranks, &comm->mpi);
    duplicate(ranks, &comm->passes);
    duplicate(ranks, &comm->rounds);
    MPI_Comm_rank(comm->mpi, &comm->rank);
    MPI_Comm_size(comm->mpi, &comm->size);
    comm_check(MPI_Comm_split_type(comm->mpi, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node), "MPI_Comm_split_type");
    MPI_Comm_size(node, &comm->node_size);
    MPI_Comm_free(&node);
}

static void close_over(qctx_comm *comm)
{
    MPI_Comm_free(&comm->rounds);
    MPI_Comm_free(&comm->passes);
    MPI_Comm_free(&comm->mpi);
}

qctx_comm *qctx_comm_start(int *argc, char ***argv)
{
    qctx_comm *comm = calloc(1, sizeof *comm);
    int provided;

    if (comm == NULL) {
        fputs("qctx-dist: out of memory at the start\n", stderr);
        exit(QCTX_ERR_MEMORY);
    }
    comm_check(MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread");
    comm_notes_start();
    comm_watch_start();
    open_over(MPI_COMM_WORLD, comm);
    return comm;
}

void qctx_comm_finish(qctx_comm *comm)
{
    if (comm == NULL)
        return;
    qctx_comm_barrier(comm);
    comm_notes_finish();
    comm_watch_finish();
    comm_exchange_finish();
    close_over(comm);
    MPI_Finalize();
    free(comm);
}

qctx_comm *qctx_comm_groups(qctx_comm *comm, int size)
{
    qctx_comm *group = comm_alloc(1, sizeof *group, "a communicator");
    MPI_Comm ranks;

    qctx_comm_barrier(comm);
    group->world_first = comm->world_first + comm->rank / size * size;
    comm_check(MPI_Comm_split(comm->mpi, comm->rank / size, comm->rank, &ranks), "MPI_Comm_split");
    open_over(ranks, group);
    MPI_Comm_free(&ranks);
    /* The groups of a node share it. */
    group->node_size = comm->node_size;
    return group;
}

void qctx_comm_close_group(qctx_comm *group)
{
    if (group == NULL)
        return;
    close_over(group);
    free(group);
}

double comm_enter(qctx_comm *comm)
{
    double entered = qctx_clock_seconds();

    comm_exchange_hand_over(comm);
    comm->collectives++;
    return entered;
}

void comm_complete(qctx_comm *comm, MPI_Request *request)
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

void comm_all_reduce(qctx_comm *comm, void *values, int count, MPI_Datatype type, MPI_Op operation)
{
    MPI_Request request;

    comm_check(MPI_Iallreduce(MPI_IN_PLACE, values, count, type, operation, comm->mpi, &request), "MPI_Iallreduce");
    comm_complete(comm, &request);
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
    double entered = comm_enter(comm);

    comm_all_reduce(comm, found, 2, MPI_INT, MPI_MIN);
    comm_leave(entered, 0);
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
    double entered = comm_enter(comm);

    comm_all_reduce(comm, extremes, 2, MPI_UINT64_T, MPI_MAX);
    comm_leave(entered, 0);
    return extremes[0] == ~extremes[1];
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
