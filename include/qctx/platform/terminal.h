/*
 * The person in front of the program, if there is one: whether standard input and output are a terminal, how wide it
 * is, and lines from standard input, on a terminal with a prompt, and with editing and history by libedit where the
 * build has it.
 *
 * Under mpirun no rank has a terminal for its input: the lines of rank 0 come through a pipe. While a rank waits for a
 * line it tells the others that it is alive, and hears requests to stop.
 */
#ifndef QCTX_PLATFORM_TERMINAL_H
#define QCTX_PLATFORM_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qctx/base/status.h"

/* Whether standard input and output both are a terminal. Local. */
bool qctx_terminal_is(void);

/* Columns of the terminal that standard output is; 0 where it is none or does not say. Local. */
int64_t qctx_terminal_columns(void);

/* What edits lines, "libedit 2.11", or NULL in a build without. Local. */
const char *qctx_terminal_editor(void);

/* What is kept of a line: longer ones are read to their end. */
enum { QCTX_TERMINAL_LINE_BYTES = 1 << 16 };

typedef struct qctx_line_reader qctx_line_reader;

/* Reads standard input from here on; one reader a process. `prompt` is borrowed. Local. Errors: MEMORY. NULL-safe. */
qctx_status qctx_line_reader_open(const char *prompt, qctx_line_reader **opened, qctx_error *error);
void qctx_line_reader_close(qctx_line_reader *reader);

/*
 * The next line without its end, NUL-terminated, which may hold NUL characters and bytes that are not UTF-8; `*line`
 * is the reader's, valid until the next one, and NULL at the end of the input. `*lost` bytes were beyond what is kept.
 * Main thread only. Local. Errors: IO, MEMORY, STOPPED.
 */
qctx_status qctx_line_reader_next(qctx_line_reader *reader, const char **line, size_t *length, size_t *lost,
                                  qctx_error *error);

#endif
