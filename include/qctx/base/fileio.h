/* Files: whole reads, folders, paths, and what may be written where. base/outfile.h writes. */
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

/*
 * Refuses a device, a pipe or a socket in the place of a file that is read in any order, more than once. Local. Errors:
 * IO.
 */
qctx_status qctx_stream_refuse(const char *path, qctx_error *error);

/*
 * Opens a file for reading, to be closed by the caller; anything else is refused unopened: a pipe would wait for its
 * other end. Local. Errors: IO.
 */
qctx_status qctx_file_open(const char *path, FILE **opened, qctx_error *error);

/* Reads a whole file; `*text` is NUL-terminated and the caller's to free(). Local. Errors: IO, MEMORY. */
qctx_status qctx_file_read(const char *path, char **text, size_t *bytes, qctx_error *error);

/*
 * The same of a file that nobody named, in a folder that may be a stranger's: a link, by which any other file would be
 * read and shown, is refused, and so is what is no file. Local. Errors: IO, MEMORY.
 */
qctx_status qctx_file_open_inside(const char *path, FILE **opened, qctx_error *error);
qctx_status qctx_file_read_inside(const char *path, char **text, size_t *bytes, qctx_error *error);

/* Refuses a link, as those do, where something else is done to what has the name. Local. Errors: IO. */
qctx_status qctx_link_refuse(const char *path, qctx_error *error);

/*
 * Makes a folder and its missing parents; one that exists is fine. Makes nothing where names are too long for the
 * system, or the path for the files below. Local. Errors: IO, MEMORY.
 */
qctx_status qctx_folder_make(const char *path, qctx_error *error);

/*
 * Adds to a failure to write what `path` names (IO, SPACE: a folder that cannot be made, no right to write there, a
 * file system to read alone) which setting or option chose that place; nothing to others, nor where no place was chosen
 * (NULL). Local.
 */
void qctx_hint_place(qctx_error *error, const char *path, const char *setting);

/* Whether a folder of this name is there or could be made, asked before any work; makes nothing. Local. Errors: IO. */
qctx_status qctx_folder_check(const char *path, qctx_error *error);

/*
 * Makes the folder that is to hold `path`, and its missing parents; nothing where `path` is too long, also for what is
 * added to its name while it is written. Local. Errors: IO, MEMORY.
 */
qctx_status qctx_folder_make_parent(const char *path, qctx_error *error);

/* Removes a folder with all that is in it (links are removed, not followed); none is fine. Local. Errors: IO.
 */
qctx_status qctx_folder_remove(const char *path, qctx_error *error);

/* fsync of a file (flags O_RDONLY) or folder (and O_DIRECTORY). Local. Errors: IO, SPACE. */
qctx_status qctx_path_sync(const char *path, int flags, qctx_error *error);

/* fsync of the folder that holds `path`, after a rename into it. Local. Errors: IO, MEMORY. */
qctx_status qctx_folder_sync_parent(const char *path, qctx_error *error);

/* Whether anything is of that name, be it a link that leads nowhere. Local. Cannot fail. */
bool qctx_path_exists(const char *path);

/* Whether `path` is a folder, or a link to one. Local. Cannot fail. */
bool qctx_path_is_folder(const char *path);

/*
 * The handle that "/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/fd/N" or "/proc/self/fd/N" stands for, as a shell
 * names pipes; −1: another path. Local. Cannot fail.
 */
int qctx_path_handle(const char *path);

/* Whether anything in the folder is of that name. Local. False also without memory. */
bool qctx_folder_has(const char *folder, const char *name);

/* Refuses a path that exists, with a hint at --force, unless `force`. Local. Errors: EXISTS. */
qctx_status qctx_path_must_not_exist(const char *path, bool force, qctx_error *error);

/*
 * Whether a file that is written in any order may be written under `path`, asked before any work: USAGE if it is no
 * name of a file ("-" and "/dev/stdout" are none), IO if a folder, a device or a pipe stands there, else as
 * qctx_path_must_not_exist. Local.
 */
qctx_status qctx_output_check(const char *path, bool force, qctx_error *error);

/* "folder/name" freshly allocated, or NULL with `error` filled. Local. */
char *qctx_path_join(const char *folder, const char *name, qctx_error *error);

/*
 * Asks `take` of each folder that the environment variable lists, divided by ':', until it answers true. Local. False
 * where none was taken, or without the variable.
 */
bool qctx_folders_each(const char *variable, bool (*take)(void *context, const char *folder), void *context);

/* `path` without the slashes at its end ("/" stays), freshly allocated, or NULL with `error` filled. Local. */
char *qctx_path_trim(const char *path, qctx_error *error);

/* The part of `path` after its last '/', or all of it. Trailing slashes are not stripped. Local. */
const char *qctx_path_base(const char *path);

#endif
