/*
 * A file read once, from its beginning to its end, so that a pipe will do. What gzip
 * or zstd has compressed is told by its first bytes, whatever its name, and read as
 * what it holds.
 */
#ifndef QCTX_DATA_INPUT_H
#define QCTX_DATA_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "qctx/base/status.h"

typedef struct qctx_input qctx_input;

/* How much of a file may be looked at before it is read. */
enum { QCTX_INPUT_HEAD_BYTES = 1 << 16 };

/* Local. Errors: IO (also for a folder), FORMAT (zstd, in a build without it), MEMORY. Closing is NULL-safe. */
qctx_status qctx_input_open(const char *path, qctx_input **opened, qctx_error *error);
void qctx_input_close(qctx_input *stream);

/*
 * The first bytes, up to QCTX_INPUT_HEAD_BYTES, without taking them: they are read again afterwards. Call it before
 * anything is read. `*head` is NUL-terminated and the stream's, valid until the next read. Local. Errors: IO, FORMAT
 * (compressed data that are damaged or end early).
 */
qctx_status qctx_input_peek(qctx_input *stream, const char **head, size_t *bytes, qctx_error *error);

/*
 * The next line with its line end, NUL-terminated, in `*line`, which grows and is the caller's to free(), as getline
 * has it; `*more` is false at the end. Local. Errors: IO, FORMAT, MEMORY.
 */
qctx_status qctx_input_line(qctx_input *stream, char **line, size_t *capacity, size_t *length, bool *more,
                            qctx_error *error);

/* All that is left, NUL-terminated; the caller frees `*text`. Local. Errors: IO, FORMAT, MEMORY. */
qctx_status qctx_input_rest(qctx_input *stream, char **text, size_t *bytes, qctx_error *error);

#endif
