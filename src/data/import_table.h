/* What readers and detection of tables share: rows, and what their first one says. */
#ifndef QCTX_DATA_IMPORT_TABLE_H
#define QCTX_DATA_IMPORT_TABLE_H

#include "import_internal.h"

enum { IMPORT_FIELDS_MAX = 256 };

/*
 * Counts the fields of the row at `at` and finds its end, the line break or the text's end. With `quoted` a field that
 * begins with a quote ends at its closing quote; false if there is none, or if text follows it. Local.
 */
bool import_measure_row(const char *at, const char *end, char delimiter, bool quoted, int64_t *fields,
                        const char **row_end);

/* Cuts a row that was measured into its fields, in place, NUL-terminated, without quotes: *row_end is written. Local.
 */
void import_split_row(char *at, char *row_end, char delimiter, bool quoted, char **fields);

/* A name of a column, trimmed; unless `exact` as keys are written, in lower case with _ for spaces. In place. Local. */
void import_tidy_name(char *name, bool exact);

typedef enum {
    IMPORT_NO_HEADER,
    IMPORT_HEADER,          /* names a question and a context, the known ones or the user's */
    IMPORT_UNKNOWN_HEADER,  /* is a header by one name, and the other is not known */
    IMPORT_NUMBERS,         /* no header; the user names columns by their numbers */
    IMPORT_NUMBERED_HEADER, /* a header, and the user names columns by their numbers */
} import_header;

/* What a first row is. Local. */
import_header import_read_header(const qctx_import_job *job, const char *const *fields, int64_t count);

/* What divides the columns of a text's first row: a comma, a semicolon or a tab. Local. */
char import_tell_delimiter(const qctx_import_job *job, const char *text, size_t bytes);

/* Whether the first row of a text, divided so, is a header that can be read. Local. */
bool import_begins_table(const qctx_import_job *job, const char *text, size_t bytes, char delimiter);

#endif
