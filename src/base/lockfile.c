#include "qctx/base/lockfile.h"

#include <stddef.h>

qctx_status qctx_lockfile_take(const char *path, bool wait, qctx_lockfile **taken, qctx_error *error)
{
    (void)path, (void)wait, (void)error;
    *taken = NULL;
    return QCTX_OK;
}

bool qctx_lockfile_is_held(const char *path)
{
    (void)path;
    return false;
}

void qctx_lockfile_release(qctx_lockfile *lock)
{
    (void)lock;
}
