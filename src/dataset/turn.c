#include "qctx/dataset/turn.h"

#include <stdlib.h>

#include "qctx/base/fileio.h"
#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/base/wait.h"

/* "stores/.mine.h5.lock", freshly allocated. */
static char *lock_of(const char *path, qctx_error *error)
{
    const char *base = qctx_path_base(path);

    return qctx_format(error, "%.*s.%s.lock", (int)(base - path), path, base);
}

/* Rank 0's part. */
static qctx_status take(const char *path, qctx_lockfile **turn, qctx_error *error)
{
    char *lock = lock_of(path, error);
    qctx_status status = lock == NULL ? QCTX_ERR_MEMORY : qctx_folder_make_parent(path, error);
    bool said = false;

    if (status == QCTX_OK)
        status = qctx_lockfile_take(lock, turn, error);
    while (status == QCTX_ERR_EXISTS) {
        if (!said)
            qctx_info("waiting for %s, which is being made: %-s", path, error->message);
        said = true;
        status = qctx_wait_moment(error);
        if (status == QCTX_OK)
            status = qctx_lockfile_take(lock, turn, error);
    }
    free(lock);
    return status;
}

qctx_status qctx_turn_take(qctx_comm *comm, const char *path, qctx_lockfile **turn, qctx_error *error)
{
    *turn = NULL;
    return qctx_agree(comm, qctx_comm_rank(comm) == 0 ? take(path, turn, error) : QCTX_OK, error);
}
