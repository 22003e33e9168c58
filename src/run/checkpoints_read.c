/* Finding the newest checkpoint that is whole. */
#include <stdlib.h>

#include "checkpoints_internal.h"
#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/run/checkpoints.h"

/* Rank 0 looks for all: another node's view of the folder may lag behind. */
static qctx_status list_for_all(qctx_comm *comm, const char *run, int64_t **steps, int64_t *count, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    *steps = NULL;
    *count = 0;
    if (qctx_comm_rank(comm) == 0)
        status = checkpoints_list(run, steps, count, error);
    status = qctx_agree(comm, status, error);
    if (status != QCTX_OK)
        return status;
    qctx_comm_broadcast(comm, count, sizeof *count, 0);
    if (qctx_comm_rank(comm) != 0) {
        *steps = qctx_alloc(*count, sizeof **steps, "a list of checkpoints", error);
        status = *steps == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
    }
    status = qctx_agree(comm, status, error);
    if (status == QCTX_OK)
        qctx_comm_broadcast(comm, *steps, *count * (int64_t)sizeof **steps, 0);
    return status;
}

/* Whether it is the file that is bad, and another one may be good. */
static bool is_bad_file(qctx_status status)
{
    return status == QCTX_ERR_DATA || status == QCTX_ERR_FORMAT || status == QCTX_ERR_IO || status == QCTX_ERR_MISMATCH;
}

/* A name is given in a moment, so that it says nothing of how far a run is. */
static qctx_status check_step(const char *path, int64_t named, int64_t step, qctx_error *error)
{
    if (step == named)
        return QCTX_OK;
    qctx_fail(error, QCTX_ERR_MISMATCH, "%s: is the checkpoint of step %lld, its name says %lld: it was renamed", path,
              (long long)step, (long long)named);
    return qctx_hint(error, "give it its name back, step-%09lld.h5", (long long)step);
}

/* Reads one that is whole and has its own name. Collective. */
static qctx_status read_one(qctx_comm *comm, const char *run, const char *path, int64_t step,
                            qctx_checkpoint *checkpoint, qctx_error *error)
{
    qctx_status status =
        qctx_agree(comm, qctx_comm_rank(comm) == 0 ? checkpoints_refuse_links(run, path, error) : QCTX_OK, error);

    if (status == QCTX_OK)
        status = qctx_checkpoint_read(comm, path, checkpoint, error);
    if (status != QCTX_OK)
        return status;
    status = check_step(path, step, checkpoint->progress.step, error);
    if (status != QCTX_OK)
        qctx_checkpoint_free(checkpoint);
    return status;
}

/* The outcome where no checkpoint can be used; `error` says why the last of them cannot. */
static qctx_status give_up(const char *run, int64_t count, qctx_error *error)
{
    qctx_error oldest = *error;
    char *folder = checkpoints_folder(run, NULL);

    qctx_fail(error, QCTX_ERR_DATA, "%s: none of the %lld checkpoints is whole; the oldest: %s",
              folder == NULL ? run : folder, (long long)count, oldest.message);
    free(folder);
    return qctx_hint(error, "begin the run anew with --force");
}

/* Reads the first of steps [count] that is whole; *path is its path. */
static qctx_status read_first_whole(qctx_comm *comm, const char *run, const int64_t *steps, int64_t count,
                                    qctx_checkpoint *checkpoint, char **path, qctx_error *error)
{
    qctx_error renamed = {0};

    for (int64_t i = 0; i < count; i++) {
        char *next = qctx_checkpoints_step_path(run, steps[i], error);
        qctx_status status = qctx_agree(comm, next == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);

        if (status == QCTX_OK && i > 0 && qctx_comm_rank(comm) == 0)
            qctx_warn("%-s; taking the one before it in its place, %s", error->message, next);
        if (status == QCTX_OK)
            status = read_one(comm, run, next, steps[i], checkpoint, error);
        if (status == QCTX_OK) {
            *path = next;
            return QCTX_OK;
        }
        free(next);
        if (!is_bad_file(status))
            return status;
        if (status == QCTX_ERR_MISMATCH)
            renamed = *error;
    }
    /* Whole, and of this run perhaps: that is for its owner to say, and no reason to begin anew. */
    if (renamed.code == QCTX_ERR_MISMATCH) {
        *error = renamed;
        return QCTX_ERR_MISMATCH;
    }
    return give_up(run, count, error);
}

qctx_status qctx_checkpoints_read_newest(qctx_comm *comm, const char *run, qctx_checkpoint *checkpoint, char **path,
                                         qctx_error *error)
{
    int64_t *steps = NULL;
    int64_t count = 0;
    qctx_status status;

    *checkpoint = (qctx_checkpoint){0};
    *path = NULL;
    status = list_for_all(comm, run, &steps, &count, error);
    if (status == QCTX_OK && count > 0)
        status = read_first_whole(comm, run, steps, count, checkpoint, path, error);
    free(steps);
    return status;
}
