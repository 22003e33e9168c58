/* Files that are needed while a process lives, and have no name. */
#ifndef QCTX_BASE_TEMPORARY_H
#define QCTX_BASE_TEMPORARY_H

#include "qctx/base/status.h"

/* What TMPDIR names, or /tmp. Local; the text is the environment's. */
const char *qctx_temporary_folder(void);

/*
 * Opens an empty file in that folder, for reading and writing and with close-on-exec, that nobody else can name: it
 * takes room until `*handle`, the caller's to close, and all that were opened through it are closed. Local. Errors: IO,
 * SPACE, MEMORY.
 */
qctx_status qctx_temporary_open(int *handle, qctx_error *error);

#endif
