/* Communicators: of all ranks, from the start of MPI to its end, and of groups. */
#include <stdlib.h>

#include "comm_internal.h"

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
    qctx_comm *comm;
    int provided;

    comm_check(MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread");
    comm_check_threads(provided);
    comm = comm_alloc(1, sizeof *comm, "the communicator of all ranks");
    comm_control_start();
    comm_watch_start();
    open_over(MPI_COMM_WORLD, comm);
    return comm;
}

void qctx_comm_finish(qctx_comm *comm)
{
    if (comm == NULL)
        return;
    qctx_comm_barrier(comm);
    comm_control_finish();
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
