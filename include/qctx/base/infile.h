/*
 * A file, or a pipe or device of that name, read once from its beginning. While a pipe has no other end yet, or
 * nothing to give, requests to stop are heard (base/wait).
 */
#ifndef QCTX_BASE_INFILE_H
#define QCTX_BASE_INFILE_H

#include <stddef.h>

#include "qctx/base/status.h"

typedef struct qctx_infile qctx_infile;

/* The caller closes it. Never waits. Local. Errors: IO (also of a folder), MEMORY. */
qctx_status qctx_infile_open(const char *path, qctx_infile **opened, qctx_error *error);

/* The same of what is open already, which it takes over in any case; `path` is for messages. Local. */
qctx_status qctx_infile_take(const char *path, int handle, qctx_infile **opened, qctx_error *error);

/* NULL-safe. Local. */
void qctx_infile_close(qctx_infile *file);

/*
 * Some of the bytes that come next, at most `size`; `*got` is 0 at the end alone. Main thread only where the file is
 * no regular one. Local. Errors: IO, STOPPED.
 */
qctx_status qctx_infile_read(qctx_infile *file, void *bytes, size_t size, size_t *got, qctx_error *error);

#endif
