#include "qctx/run/checkpoints.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoints_internal.h"
#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"
#include "qctx/base/outfile.h"

struct qctx_checkpoints {
    qctx_comm *comm;
    char *run; /* its folder */
    int64_t keep;
    /* Rank 0's. While `writing`, what follows belongs to the thread. */
    bool writing;
    pthread_t thread;
    qctx_h5_image image;
    char *path;   /* that the image goes to */
    int64_t step; /* of a checkpoint to resume from; −1: best.h5 */
    qctx_status status;
    qctx_error error;
};

/* The folder's own entry is made durable too: the files in it are of no use without it. */
static qctx_status open_folder(qctx_checkpoints *checkpoints, bool resume, qctx_error *error)
{
    char *folder = checkpoints_folder(checkpoints->run, error);
    qctx_status status = folder == NULL ? QCTX_ERR_MEMORY : checkpoints_refuse_links(checkpoints->run, NULL, error);

    if (status == QCTX_OK)
        status = qctx_folder_make(folder, error);
    if (status == QCTX_OK)
        status = qctx_folder_sync_parent(folder, error);
    if (status == QCTX_OK)
        status = checkpoints_clean(checkpoints->run, resume, error);
    free(folder);
    return status;
}

qctx_status qctx_checkpoints_create(qctx_comm *comm, const char *run, int64_t keep, bool resume,
                                    qctx_checkpoints **created, qctx_error *error)
{
    qctx_checkpoints *checkpoints = qctx_alloc(1, sizeof *checkpoints, "the checkpoints", error);
    qctx_status status = checkpoints == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    if (checkpoints != NULL) {
        checkpoints->comm = comm;
        checkpoints->keep = keep;
        checkpoints->run = qctx_strdup(run, error);
        if (checkpoints->run == NULL)
            status = QCTX_ERR_MEMORY;
    }
    if (status == QCTX_OK && qctx_comm_rank(comm) == 0)
        status = open_folder(checkpoints, resume, error);
    status = qctx_agree(comm, status, error);
    if (status != QCTX_OK)
        qctx_checkpoints_destroy(checkpoints);
    else
        *created = checkpoints;
    return status;
}

/* The work of the thread: no call to MPI or HDF5, no word to the log. */
static void *write_image(void *argument)
{
    qctx_checkpoints *checkpoints = argument;

    qctx_checkpoint_seal(&checkpoints->image);
    checkpoints->status = qctx_file_write(checkpoints->path, checkpoints->image.bytes, (size_t)checkpoints->image.count,
                                          &checkpoints->error);
    /* The new one is safe on the disk: the oldest may go. */
    if (checkpoints->status == QCTX_OK && checkpoints->step >= 0)
        checkpoints_prune(checkpoints->run, checkpoints->step, checkpoints->keep);
    return NULL;
}

static qctx_status start_thread(qctx_checkpoints *checkpoints, qctx_error *error)
{
    int code = pthread_create(&checkpoints->thread, NULL, write_image, checkpoints);

    if (code != 0)
        return qctx_fail(error, QCTX_ERR_MEMORY, "cannot start a thread that writes checkpoints: %s", strerror(code));
    checkpoints->writing = true;
    return QCTX_OK;
}

/* The outcome of the write under way, which is over then; OK without one. */
static qctx_status finish_writing(qctx_checkpoints *checkpoints, qctx_error *error)
{
    if (!checkpoints->writing)
        return QCTX_OK;
    pthread_join(checkpoints->thread, NULL);
    checkpoints->writing = false;
    free(checkpoints->path);
    checkpoints->path = NULL;
    if (checkpoints->status != QCTX_OK && error != NULL)
        *error = checkpoints->error;
    return checkpoints->status;
}

/* Takes over `path`. */
static qctx_status begin_writing(qctx_checkpoints *checkpoints, const qctx_checkpoint *checkpoint, char *path,
                                 int64_t step, qctx_error *error)
{
    qctx_status status = finish_writing(checkpoints, error);

    if (status == QCTX_OK && path == NULL)
        status = QCTX_ERR_MEMORY;
    if (status == QCTX_OK)
        status = qctx_checkpoint_encode(checkpoint, &checkpoints->image, error);
    checkpoints->path = path;
    checkpoints->step = step;
    if (status == QCTX_OK)
        status = start_thread(checkpoints, error);
    if (status != QCTX_OK) {
        free(checkpoints->path);
        checkpoints->path = NULL;
    }
    return status;
}

qctx_status qctx_checkpoints_keep(qctx_checkpoints *checkpoints, const qctx_checkpoint *checkpoint, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    if (qctx_comm_rank(checkpoints->comm) == 0)
        status = begin_writing(checkpoints, checkpoint,
                               qctx_checkpoints_step_path(checkpoints->run, checkpoint->progress.step, error),
                               checkpoint->progress.step, error);
    return qctx_agree(checkpoints->comm, status, error);
}

qctx_status qctx_checkpoints_keep_best(qctx_checkpoints *checkpoints, const qctx_checkpoint *checkpoint,
                                       qctx_error *error)
{
    qctx_checkpoint serving = *checkpoint;
    qctx_status status = QCTX_OK;

    serving.optimizer = (qctx_optimizer_state){0};
    serving.best = serving.mined = NULL;
    if (qctx_comm_rank(checkpoints->comm) == 0)
        status = begin_writing(checkpoints, &serving, qctx_checkpoints_best_path(checkpoints->run, error), -1, error);
    return qctx_agree(checkpoints->comm, status, error);
}

qctx_status qctx_checkpoints_wait(qctx_checkpoints *checkpoints, qctx_error *error)
{
    return qctx_agree(checkpoints->comm, finish_writing(checkpoints, error), error);
}

void qctx_checkpoints_destroy(qctx_checkpoints *checkpoints)
{
    if (checkpoints == NULL)
        return;
    finish_writing(checkpoints, NULL);
    free(checkpoints->image.bytes);
    free(checkpoints->run);
    free(checkpoints);
}
