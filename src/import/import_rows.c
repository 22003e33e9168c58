/* Rows of tables: their fields, what divides them, and what the first one says. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "import_internal.h"
#include "qctx/base/mem.h"

/* The closing quote of a field that opens at `at`, or NULL. */
static const char *closing_quote(const char *at, const char *end)
{
    for (at++; at < end; at++)
        if (*at == '"' && (at + 1 == end || at[1] != '"'))
            return at;
        else if (*at == '"')
            at++;
    return NULL;
}

bool import_measure_row(const char *at, const char *end, char delimiter, bool quoted, int64_t *fields,
                        const char **row_end)
{
    for (*fields = 1;; (*fields)++) {
        if (quoted && at < end && *at == '"') {
            at = closing_quote(at, end);
            if (at == NULL)
                return false;
            at++;
            if (at < end && *at == '\r' && (at + 1 == end || at[1] == '\n'))
                at++;
            if (at < end && *at != delimiter && *at != '\n')
                return false;
        }
        while (at < end && *at != delimiter && *at != '\n')
            at++;
        if (at == end || *at == '\n') {
            *row_end = at;
            return true;
        }
        at++;
    }
}

/* Takes the quotes off a field of `length` bytes, in place. */
static void unquote(char *field, size_t length)
{
    char *to = field;

    for (size_t i = 1; i + 1 < length; i++) {
        *to++ = field[i];
        if (field[i] == '"')
            i++;
    }
    *to = '\0';
}

void import_split_row(char *at, char *row_end, char delimiter, bool quoted, char **fields)
{
    int64_t count = 0;

    if (row_end > at && row_end[-1] == '\r')
        row_end--;
    for (;;) {
        char *first = at;
        bool in_quotes = quoted && at < row_end && *at == '"';

        if (in_quotes)
            at = (char *)closing_quote(at, row_end) + 1;
        while (at < row_end && *at != delimiter)
            at++;
        if (count < IMPORT_FIELDS_MAX)
            fields[count++] = first;
        bool last = at >= row_end;
        *at = '\0';
        if (in_quotes)
            unquote(first, (size_t)(at - first));
        if (last)
            return;
        at++;
    }
}

/* Whether a column's name is what the user wrote. */
static bool same_name(const char *field, const char *wanted)
{
    char name[256];

    snprintf(name, sizeof name, "%s", field);
    import_tidy_name(name, true);
    return strcasecmp(name, wanted) == 0;
}

static bool is_number(const char *name)
{
    return name[0] != '\0' && strspn(name, "0123456789") == strlen(name);
}

import_header import_read_header(const qctx_import_job *job, const char *const *fields, int64_t count)
{
    const char *const *columns = job->columns;
    bool question = false, context = false, named = columns[QCTX_IMPORT_QUESTION] != NULL;
    bool wanted_question = false, wanted_context = false;

    for (int64_t i = 0; i < count; i++) {
        char name[64];

        snprintf(name, sizeof name, "%s", fields[i]);
        import_tidy_name(name, false);
        question = question || import_names_question(name);
        context = context || import_names_context(name);
        wanted_question = wanted_question || (named && same_name(fields[i], columns[QCTX_IMPORT_QUESTION]));
        wanted_context = wanted_context || (named && same_name(fields[i], columns[QCTX_IMPORT_CONTEXT]));
    }
    if (named && wanted_question && wanted_context)
        return IMPORT_HEADER;
    if (named && is_number(columns[QCTX_IMPORT_QUESTION]) && is_number(columns[QCTX_IMPORT_CONTEXT]))
        return question && context ? IMPORT_NUMBERED_HEADER : IMPORT_NUMBERS;
    if (named)
        return IMPORT_UNKNOWN_HEADER;
    if (question && context)
        return IMPORT_HEADER;
    return question || context ? IMPORT_UNKNOWN_HEADER : IMPORT_NO_HEADER;
}

/* A copy of the first row, cut into fields; the caller frees `*row`. 0 if it does not end within the text. */
static int64_t first_row(const char *text, size_t bytes, char delimiter, char **row, char **fields)
{
    const char *end = text + bytes, *row_end;
    int64_t count;
    bool quoted = import_measure_row(text, end, delimiter, true, &count, &row_end);

    if (!quoted)
        import_measure_row(text, end, delimiter, false, &count, &row_end);
    /* The text may hold a NUL, so it is no copy of a string. */
    *row = qctx_alloc(row_end - text + 1, 1, "a row of a table", NULL);
    if (*row == NULL || count > IMPORT_FIELDS_MAX)
        return 0;
    memcpy(*row, text, (size_t)(row_end - text));
    import_split_row(*row, *row + (row_end - text), delimiter, quoted, fields);
    return count;
}

bool import_begins_table(const qctx_import_job *job, const char *text, size_t bytes, char *delimiter)
{
    static const char delimiters[] = {'\t', ',', ';'};

    for (size_t i = 0; i < sizeof delimiters; i++) {
        char *row, *fields[IMPORT_FIELDS_MAX];
        int64_t count = first_row(text, bytes, delimiters[i], &row, fields);
        import_header header =
            count < 2 ? IMPORT_NO_HEADER : import_read_header(job, (const char *const *)fields, count);

        free(row);
        *delimiter = delimiters[i];
        if (header == IMPORT_HEADER || header == IMPORT_NUMBERS || header == IMPORT_NUMBERED_HEADER)
            return true;
    }
    return false;
}

char import_tell_delimiter(const qctx_import_job *job, const char *text, size_t bytes)
{
    static const char delimiters[] = {',', ';', '\t'};
    int64_t most = 0;
    char best;

    if (import_begins_table(job, text, bytes, &best))
        return best;
    for (size_t i = 0; i < sizeof delimiters; i++) {
        const char *row_end;
        int64_t count;

        if (import_measure_row(text, text + bytes, delimiters[i], true, &count, &row_end) && count > most) {
            most = count;
            best = delimiters[i];
        }
    }
    return best;
}
