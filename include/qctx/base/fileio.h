/*
 * Files: whole reads, durable atomic writes, folders.
 *
 * Durable write (as redis's rdbSave and git's lockfile do it): a temporary in the
 * same folder, written and closed with every error checked, fsync, rename, fsync
 * of the folder. Nothing half-written ever stands under the final name.
 */
#ifndef QCTX_BASE_FILEIO_H
#define QCTX_BASE_FILEIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "qctx/base/status.h"

/*
 * Fills `error` for a write that failed with errno `code` (0: unknown): "path: what: cause". Returns SPACE, with a
 * hint, for a full disk or quota, else IO. Local.
 */
qctx_status qctx_write_failed(const char *path, const char *what, int code, qctx_error *error);

/* Adds the hint at a full disk or quota to an error that is SPACE, and nothing to others. Local. */
void qctx_hint_space(qctx_error *error);

/* A file on its way to its final name. */
typedef struct qctx_outfile qctx_outfile;

/* Reads a whole file; `*text` is NUL-terminated and the caller's to free(). Local. Errors: IO, MEMORY. */
qctx_status qctx_file_read(const char *path, char **text, size_t *bytes, qctx_error *error);

/* Opens `path`'s temporary for writing; commit or discard frees it. Local. Errors: IO, SPACE, MEMORY. */
qctx_status qctx_outfile_open(const char *path, qctx_outfile **opened, qctx_error *error);

/* The stream to write to. Write errors are remembered by the stream and reported by commit. Local. */
FILE *qctx_outfile_stream(qctx_outfile *file);

/* Flushes, syncs, renames to the final name and frees `file`, also on failure. Local. Errors: IO, SPACE, MEMORY. */
qctx_status qctx_outfile_commit(qctx_outfile *file, qctx_error *error);

/* Removes the temporary and frees `file`. NULL-safe. Local. */
void qctx_outfile_discard(qctx_outfile *file);

/* Writes `bytes` bytes durably under `path`, replacing what is there. Local. Errors: IO, SPACE, MEMORY. */
qctx_status qctx_file_write(const char *path, const void *data, size_t bytes, qctx_error *error);

/* Makes a folder and its missing parents; one that exists is fine. Local. Errors: IO, MEMORY. */
qctx_status qctx_folder_make(const char *path, qctx_error *error);

/* Makes the folder that is to hold `path`, and its missing parents. Local. Errors: IO, MEMORY. */
qctx_status qctx_folder_make_parent(const char *path, qctx_error *error);

/* Removes a folder with all that is in it (links are removed, not followed); none is fine. Local. Errors: IO.
 */
qctx_status qctx_folder_remove(const char *path, qctx_error *error);

/* fsync of the folder that holds `path`, after a rename into it. Local. Errors: IO, MEMORY. */
qctx_status qctx_folder_sync_parent(const char *path, qctx_error *error);

/* fsync + rename(from → to) + fsync of the folder. Local. Errors: IO, MEMORY. */
qctx_status qctx_file_publish(const char *from, const char *to, qctx_error *error);

/* Whether anything is of that name, be it a link that leads nowhere. Local. Cannot fail. */
bool qctx_path_exists(const char *path);

/* Whether `path` is a folder, or a link to one. Local. Cannot fail. */
bool qctx_path_is_folder(const char *path);

/* Whether anything in the folder is of that name. Local. False also without memory. */
bool qctx_folder_has(const char *folder, const char *name);

/* Refuses a path that exists, with a hint at --force, unless `force`. Local. Errors: EXISTS. */
qctx_status qctx_path_must_not_exist(const char *path, bool force, qctx_error *error);

/*
 * Whether a file may be written under `path`, asked before any work: USAGE if it is no name of a file, IO if a folder,
 * a device or a pipe stands there, else as qctx_path_must_not_exist. Local.
 */
qctx_status qctx_output_check(const char *path, bool force, qctx_error *error);

/* "folder/name" freshly allocated, or NULL with `error` filled. Local. */
char *qctx_path_join(const char *folder, const char *name, qctx_error *error);

/* `path` without the slashes at its end ("/" stays), freshly allocated, or NULL with `error` filled. Local. */
char *qctx_path_trim(const char *path, qctx_error *error);

/* The part of `path` after its last '/', or all of it. Trailing slashes are not stripped. Local. */
const char *qctx_path_base(const char *path);

#endif
