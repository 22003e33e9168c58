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
    return status == QCTX_ERR_DATA || status == QCTX_ERR_FORMAT || status == QCTX_ERR_IO;
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
    for (int64_t i = 0; i < count; i++) {
        char *next = qctx_checkpoints_step_path(run, steps[i], error);
        qctx_status status = qctx_agree(comm, next == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);

        if (status == QCTX_OK && i > 0 && qctx_comm_rank(comm) == 0)
            qctx_warn("%-s; taking the one before it in its place, %s", error->message, next);
        if (status == QCTX_OK)
            status = qctx_checkpoint_read(comm, next, checkpoint, error);
        if (status == QCTX_OK) {
            *path = next;
            return QCTX_OK;
        }
        free(next);
        if (!is_bad_file(status))
            return status;
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
