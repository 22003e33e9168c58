/*
 * Outputs on their way to their final names: files that are written whole, folders likewise, and logs that grow.
 *
 * Durable write (as redis's rdbSave and git's lockfile do it): a temporary in the same folder, written and closed with
 * every error checked, fsync, rename, fsync of the folder. Nothing half-written ever stands under the final name.
 *
 * The temporary is "NAME.xxxxxxxx.partial" with eight characters that nobody can foresee, and made only where nothing
 * of that name exists, not even a link: two processes never write into one, and what somebody else put there is
 * neither followed nor removed. One that a killed process leaves behind may be deleted.
 */
#ifndef QCTX_BASE_OUTFILE_H
#define QCTX_BASE_OUTFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "qctx/base/status.h"

/* What the names of all temporaries end with. */
extern const char qctx_outfile_ending[];

/* A file on its way to its final name. */
typedef struct qctx_outfile qctx_outfile;

/* Opens a temporary of `path` for writing; commit or discard frees it. Local. Errors: IO, SPACE, MEMORY. */
qctx_status qctx_outfile_open(const char *path, qctx_outfile **opened, qctx_error *error);

/* The stream to write to. Write errors are remembered by the stream and reported by commit. Local. */
FILE *qctx_outfile_stream(qctx_outfile *file);

/*
 * Flushes, syncs, renames to the final name and frees `file`, also on failure. What stands under the name is replaced,
 * by the second it is not. Local. Errors: IO, SPACE, MEMORY; the second also EXISTS.
 */
qctx_status qctx_outfile_commit(qctx_outfile *file, qctx_error *error);
qctx_status qctx_outfile_commit_new(qctx_outfile *file, qctx_error *error);

/* Removes the temporary and frees `file`. NULL-safe. Local. */
void qctx_outfile_discard(qctx_outfile *file);

/* Writes `bytes` bytes durably under `path`, replacing what is there. Local. Errors: IO, SPACE, MEMORY. */
qctx_status qctx_file_write(const char *path, const void *data, size_t bytes, qctx_error *error);

/*
 * fsync + rename(from → to) + fsync of the folder, of a file or a folder. The second never replaces what has the name,
 * also where it came there a moment ago. Local. Errors: IO, SPACE, MEMORY; the second also EXISTS.
 */
qctx_status qctx_file_publish(const char *from, const char *to, qctx_error *error);
qctx_status qctx_file_publish_new(const char *from, const char *to, qctx_error *error);

/*
 * Makes an empty temporary folder beside `path`, whose parents are made, too; `*made`, its name, is the caller's to
 * free, the folder the caller's to publish or to remove. Local. Errors: IO, SPACE, MEMORY.
 */
qctx_status qctx_outfolder_make(const char *path, char **made, qctx_error *error);

/*
 * Opens a file that grows (a log), with close-on-exec: made where there is none, emptied if `begins`, else written on
 * at its end; a link is refused. Local. Errors: IO, SPACE.
 */
qctx_status qctx_file_append(const char *path, bool begins, int *handle, qctx_error *error);

/* The same as a stream, which the caller closes. Local. Errors: IO, SPACE, MEMORY. */
qctx_status qctx_stream_append(const char *path, bool begins, FILE **stream, qctx_error *error);

#endif
