/*
 * A file that one process at a time holds locked: a run's folder, a sweep's ledger, a trial. The kernel frees it when
 * the process ends, however that happens, so a lock is never left behind.
 *
 * The file names its holder (host, process, since when), for the message of whom it keeps out. On a file system
 * without locks taking one succeeds with a warning: whether somebody else is at work cannot be known there.
 */
#ifndef QCTX_BASE_LOCKFILE_H
#define QCTX_BASE_LOCKFILE_H

#include <stdbool.h>

#include "qctx/base/status.h"

typedef struct qctx_lockfile qctx_lockfile;

/*
 * Takes the lock of the file at `path`, which is made where it does not exist, and neither followed where it is a link
 * nor written over where it is somebody else's; tries for a tenth of a second and never
 * waits, so whoever wants to can wait where it still hears what is asked of it. Local. The caller releases it. Errors:
 * EXISTS (held by another process, which the message names), IO, SPACE, MEMORY.
 */
qctx_status qctx_lockfile_take(const char *path, qctx_lockfile **taken, qctx_error *error);

/* Whether some process holds the lock of `path` now. Local. Cannot fail: without a file or without locks it is false.
 */
bool qctx_lockfile_is_held(const char *path);

/* Removes the file and frees the lock: whoever tries to take it meanwhile finds a new one. NULL-safe. Local. */
void qctx_lockfile_remove(qctx_lockfile *lock);

/* Frees the lock; the file stays. NULL-safe. Local. */
void qctx_lockfile_release(qctx_lockfile *lock);

#endif
