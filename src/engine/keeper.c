#include "qctx/engine/keeper.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "keeper_internal.h"
#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"

struct qctx_keeper {
    qctx_comm *comm;
    char *folder; /* of checkpoints */
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
static qctx_status open_folder(qctx_keeper *keeper, bool resume, qctx_error *error)
{
    qctx_status status = qctx_folder_make(keeper->folder, error);

    if (status == QCTX_OK)
        status = qctx_folder_sync_parent(keeper->folder, error);
    if (status == QCTX_OK)
        status = keeper_clean(keeper->folder, resume, error);
    return status;
}

qctx_status qctx_keeper_create(qctx_comm *comm, const char *folder, int64_t keep, bool resume, qctx_keeper **created,
                               qctx_error *error)
{
    qctx_keeper *keeper = qctx_alloc(1, sizeof *keeper, "the keeper of checkpoints", error);
    qctx_status status = keeper == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    if (keeper != NULL) {
        keeper->comm = comm;
        keeper->keep = keep;
        keeper->folder = keeper_folder(folder, error);
        if (keeper->folder == NULL)
            status = QCTX_ERR_MEMORY;
    }
    if (status == QCTX_OK && qctx_comm_rank(comm) == 0)
        status = open_folder(keeper, resume, error);
    status = qctx_agree(comm, status, error);
    if (status != QCTX_OK)
        qctx_keeper_destroy(keeper);
    else
        *created = keeper;
    return status;
}

/* The work of the thread: no call to MPI or HDF5, no word to the log. */
static void *write_image(void *argument)
{
    qctx_keeper *keeper = argument;

    qctx_checkpoint_seal(&keeper->image);
    keeper->status = qctx_file_write(keeper->path, keeper->image.bytes, (size_t)keeper->image.count, &keeper->error);
    /* The new one is safe on the disk: the oldest may go. */
    if (keeper->status == QCTX_OK && keeper->step >= 0)
        keeper_prune(keeper->folder, keeper->step, keeper->keep);
    return NULL;
}

static qctx_status start_thread(qctx_keeper *keeper, qctx_error *error)
{
    int code = pthread_create(&keeper->thread, NULL, write_image, keeper);

    if (code != 0)
        return qctx_fail(error, QCTX_ERR_MEMORY, "cannot start a thread that writes checkpoints: %s", strerror(code));
    keeper->writing = true;
    return QCTX_OK;
}

/* The outcome of the write under way, which is over then; OK without one. */
static qctx_status finish_writing(qctx_keeper *keeper, qctx_error *error)
{
    if (!keeper->writing)
        return QCTX_OK;
    pthread_join(keeper->thread, NULL);
    keeper->writing = false;
    free(keeper->path);
    keeper->path = NULL;
    if (keeper->status != QCTX_OK && error != NULL)
        *error = keeper->error;
    return keeper->status;
}

/* Takes over `path`. */
static qctx_status begin_writing(qctx_keeper *keeper, const qctx_checkpoint *checkpoint, char *path, int64_t step,
                                 qctx_error *error)
{
    qctx_status status = finish_writing(keeper, error);

    if (status == QCTX_OK && path == NULL)
        status = QCTX_ERR_MEMORY;
    if (status == QCTX_OK)
        status = qctx_checkpoint_encode(checkpoint, &keeper->image, error);
    keeper->path = path;
    keeper->step = step;
    if (status == QCTX_OK)
        status = start_thread(keeper, error);
    if (status != QCTX_OK) {
        free(keeper->path);
        keeper->path = NULL;
    }
    return status;
}

qctx_status qctx_keeper_keep(qctx_keeper *keeper, const qctx_checkpoint *checkpoint, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    if (qctx_comm_rank(keeper->comm) == 0)
        status = begin_writing(keeper, checkpoint, keeper_step_path(keeper->folder, checkpoint->step, error),
                               checkpoint->step, error);
    return qctx_agree(keeper->comm, status, error);
}

qctx_status qctx_keeper_keep_best(qctx_keeper *keeper, const qctx_checkpoint *checkpoint, qctx_error *error)
{
    qctx_checkpoint serving = *checkpoint;
    qctx_status status = QCTX_OK;

    serving.optimizer = (qctx_optimizer_state){0};
    serving.best = NULL;
    if (qctx_comm_rank(keeper->comm) == 0)
        status = begin_writing(keeper, &serving, qctx_path_join(keeper->folder, "best.h5", error), -1, error);
    return qctx_agree(keeper->comm, status, error);
}

qctx_status qctx_keeper_wait(qctx_keeper *keeper, qctx_error *error)
{
    return qctx_agree(keeper->comm, finish_writing(keeper, error), error);
}

void qctx_keeper_destroy(qctx_keeper *keeper)
{
    if (keeper == NULL)
        return;
    finish_writing(keeper, NULL);
    free(keeper->image.bytes);
    free(keeper->folder);
    free(keeper);
}
