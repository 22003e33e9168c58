/* Text in columns, for people. */
#ifndef QCTX_CLI_WRAP_H
#define QCTX_CLI_WRAP_H

#include <stdint.h>
#include <stdio.h>

/* The columns that everything printed for people stays within. */
enum { QCTX_COLUMNS = 80 };

/*
 * Prints text and a line end, wrapped at `columns`. The first line begins at column `column`, where the caller has
 * printed already; others are indented to `indent`. Words that are longer than a line are cut between code points,
 * control characters become '?', so that no terminal escape gets through. Local.
 */
void qctx_wrap(const char *text, int64_t column, int64_t indent, int64_t columns, FILE *out);

/* The same in at most so many lines (0: all), the last of which ends in "…" where the text goes on. Local. */
void qctx_wrap_lines(const char *text, int64_t column, int64_t indent, int64_t columns, int64_t lines, FILE *out);

#endif
