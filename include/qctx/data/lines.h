/*
 * A text file line by line, as all line formats here want it: line ends CR LF or
 * LF stripped, a byte order mark skipped, blank lines skipped, NUL characters and
 * bytes that are not UTF-8 refused, and the place known for messages.
 */
#ifndef QCTX_DATA_LINES_H
#define QCTX_DATA_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/data/input.h"

typedef struct {
    const char *path; /* borrowed */
    qctx_input *stream;
    bool borrowed; /* the stream is the caller's to close */
    char *text;    /* the current line, NUL-terminated, writable, valid until the next one */
    size_t length;
    size_t capacity;
    int64_t number;   /* of the current line, from 1 */
    uint64_t hash;    /* of all lines so far; set it before the first one to chain several files */
    char place[1024]; /* "path:number" of the current line */
} qctx_lines;

/*
 * Opens a file, which gzip or zstd may have compressed, or reads on in a stream that is open, of which `path` is the
 * name. `lines` is overwritten but for its hash; close it also after a failure.
 * Local. Errors: IO.
 */
qctx_status qctx_lines_open(qctx_lines *lines, const char *path, qctx_error *error);
void qctx_lines_attach(qctx_lines *lines, const char *path, qctx_input *stream);
void qctx_lines_close(qctx_lines *lines);

/*
 * Moves to the next line; `*more` is false at the end of the file. After a line that is refused, the next call goes on
 * behind it. Local. Errors: IO, FORMAT ("file:line: …"), STOPPED.
 */
qctx_status qctx_lines_next(qctx_lines *lines, bool *more, qctx_error *error);

#endif
