/*
 * Files that are read where they stand: mapped into memory, and watched while they are.
 *
 * Somebody may write into such a file, or cut it short, while it is read. Its pages then hold other bytes, or none,
 * which the kernel says by SIGBUS. Here a page that is gone reads as zeros instead of ending the process, and whoever
 * has read asks qctx_mapped_check before anything follows from what was read: where ranks agree anyway, so that all
 * of them end together.
 *
 * A file is known by the inode that was opened, its size and the time of its last change. One that was renamed over
 * stays as it was for those that have mapped it, and nothing is wrong. A change that leaves the size alone and falls
 * into the same tick of the file system's clock as the one before the opening is not seen: some milliseconds on
 * local disks, two seconds on FAT. A `touch` counts as a change.
 *
 * Files are mapped and unmapped by one thread, while no other reads in any.
 */
#ifndef QCTX_PLATFORM_MAPPED_H
#define QCTX_PLATFORM_MAPPED_H

#include <stdbool.h>
#include <stddef.h>

#include "qctx/base/status.h"

typedef struct qctx_mapped qctx_mapped;

/* Maps a regular file as it is, to be read. The caller closes it. Local. Errors: IO, MEMORY. */
qctx_status qctx_mapped_open(const char *path, qctx_mapped **opened, qctx_error *error);

/* The file's bytes, and how many they were at its opening. NULL of an empty file. Local. */
const unsigned char *qctx_mapped_bytes(const qctx_mapped *mapped);
size_t qctx_mapped_size(const qctx_mapped *mapped);

/* NULL-safe. Local. */
void qctx_mapped_close(qctx_mapped *mapped);

/*
 * What work on mapped files came to: `status`, with what `error` says of it, as long as all files that are mapped are
 * what they were at their opening, else MISMATCH with the name of one that was written to or cut short: then nothing
 * holds that was found in it, nor a failure. A system call for each file; any thread may ask. Local.
 */
qctx_status qctx_mapped_check(qctx_status status, qctx_error *error);

#endif
