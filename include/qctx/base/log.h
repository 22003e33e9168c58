/*
 * Messages for people, on standard error. Results (tables, JSON) go to standard
 * output, so that both can be redirected apart.
 *
 * Rank 0 speaks for all: info lines of other ranks are dropped; warnings of
 * other ranks are prefixed with the rank.
 */
#ifndef QCTX_BASE_LOG_H
#define QCTX_BASE_LOG_H

#include <stdbool.h>
#include <stdio.h>

#include "qctx/base/status.h"

/* Tells the log which rank speaks. Before this call the process counts as rank 0. Local. */
void qctx_log_set_rank(int rank);

/*
 * Sends info lines, warnings and errors of this process to `out`, with the time in front, and shows no progress; NULL
 * brings standard error back. Returns what was before. The caller closes its stream. Local.
 */
FILE *qctx_log_redirect(FILE *out);

/*
 * Writes the same lines to `out` as well, with the time in front, until NULL ends that. The caller closes its stream.
 * Local.
 */
void qctx_log_copy(FILE *out);

/* Writes a line there alone: one of the results, say. Local. */
void qctx_log_copy_line(const char *line);

/* Writes an error there alone: one that main will print. Local. */
void qctx_log_copy_error(const qctx_error *error);

/* One line each, without a trailing newline in `format`. Local. */
void qctx_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void qctx_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints a final error with its hint. Called by main on rank 0 only. Local. */
void qctx_log_error(const qctx_error *error);

/*
 * A progress line that is redrawn in place. On anything but a terminal, and on
 * ranks other than 0, it prints nothing. An empty `format` clears the line;
 * info and warn clear it first. Local.
 */
void qctx_log_progress(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Whether progress lines are shown at all: standard error of rank 0 is a terminal. Local. */
bool qctx_log_progress_shown(void);

#endif
