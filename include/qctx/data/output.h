/*
 * A file of results that a command line names: "-" is standard output, and a pipe or a device (a FIFO, >(…), /dev/null)
 * is written to as it is. Anything else is made under a name of its own and gets the name that was asked for when all
 * is written (base/outfile).
 *
 * An output is opened before the work that it is for: what stands under its name is refused then, and once more at the
 * end; and a lock beside it, ".NAME.lock", keeps out other processes that would write the same, until it is closed.
 */
#ifndef QCTX_DATA_OUTPUT_H
#define QCTX_DATA_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

#include "qctx/base/status.h"

typedef struct qctx_output qctx_output;

/* Whether `path` means standard output: "-", or its name among the devices. Local. Cannot fail. */
bool qctx_output_is_standard(const char *path);

/*
 * Opens an output; what has its name is replaced only if `force`. A FIFO that nobody reads yet is waited for. Commit or
 * discard frees it. Local. Errors: USAGE (no name of a file), EXISTS (a file, or another process that writes it), IO,
 * SPACE, MEMORY, STOPPED.
 */
qctx_status qctx_output_open(const char *path, bool force, qctx_output **opened, qctx_error *error);

/* The stream to write to. Write errors are remembered by the stream and reported by commit. Local. */
FILE *qctx_output_stream(qctx_output *output);

/* Writes what is left, gives a file its name, and frees `output`, also on failure. NULL-safe. Local. Errors: IO, SPACE,
 * EXISTS, MEMORY. */
qctx_status qctx_output_commit(qctx_output *output, qctx_error *error);

/* Leaves no file, and frees `output`. NULL-safe. Local. */
void qctx_output_discard(qctx_output *output);

#endif
