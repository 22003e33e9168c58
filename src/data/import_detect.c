/* The format of a file by how it begins, and of a table by its first row. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "import_internal.h"
#include "import_table.h"

void import_tidy_name(char *name, bool exact)
{
    size_t first = strspn(name, " \t\r\n"), length;

    memmove(name, name + first, strlen(name + first) + 1);
    for (length = strlen(name); length > 0 && strchr(" \t\r\n", name[length - 1]) != NULL; length--)
        name[length - 1] = '\0';
    for (; *name != '\0' && !exact; name++)
        *name = *name == ' ' || *name == '-' ? '_' : (char)tolower((unsigned char)*name);
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
    *row = strndup(text, (size_t)(row_end - text));
    if (*row == NULL || count > IMPORT_FIELDS_MAX)
        return 0;
    import_split_row(*row, *row + (row_end - text), delimiter, quoted, fields);
    return count;
}

bool import_begins_table(const qctx_import_job *job, const char *text, size_t bytes, char delimiter)
{
    char *row, *fields[IMPORT_FIELDS_MAX];
    int64_t count = first_row(text, bytes, delimiter, &row, fields);
    import_header header = count < 2 ? IMPORT_NO_HEADER : import_read_header(job, (const char *const *)fields, count);

    free(row);
    return header == IMPORT_HEADER || header == IMPORT_NUMBERS || header == IMPORT_NUMBERED_HEADER;
}

static const char delimiters[] = {'\t', ',', ';'};

char import_tell_delimiter(const qctx_import_job *job, const char *text, size_t bytes)
{
    int64_t most = 0;
    char best = ',';

    for (size_t i = 0; i < sizeof delimiters; i++) {
        const char *row_end;
        int64_t count;

        if (import_begins_table(job, text, bytes, delimiters[i]))
            return delimiters[i];
        if (import_measure_row(text, text + bytes, delimiters[i], true, &count, &row_end) && count > most) {
            most = count;
            best = delimiters[i];
        }
    }
    return best;
}

/* Kinds of files that are met instead of text. */
static const struct {
    const char *begin;
    size_t length;
    const char *what, *hint;
} foreign[] = {
    {"\xFF\xFE", 2, "text in UTF-16", "convert it: iconv -f UTF-16 -t UTF-8"},
    {"\xFE\xFF", 2, "text in UTF-16", "convert it: iconv -f UTF-16 -t UTF-8"},
    {"PK\x03\x04", 4, "a zip archive (as .zip, .xlsx and .docx are)", "unzip it, or save the table as CSV"},
    {"PAR1", 4, "Parquet", "convert it to JSONL: pandas.read_parquet(…).to_json(…, orient='records', lines=True)"},
    {"%PDF", 4, "a PDF", "expected questions and contexts as JSON, JSONL, TSV or CSV"},
    {"BZh", 3, "compressed (bzip2)", "unpack it first: bunzip2"},
    {"\xFD"
     "7zXZ",
     5, "compressed (xz)", "unpack it first: unxz"},
};

static qctx_status refuse_foreign(const import_source *source, const char *head, size_t bytes, qctx_error *error)
{
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
        if (bytes >= foreign[i].length && memcmp(head, foreign[i].begin, foreign[i].length) == 0) {
            qctx_fail(error, QCTX_ERR_FORMAT, "%s: the file is %s, expected text in UTF-8", source->path,
                      foreign[i].what);
            return qctx_hint(error, "%s", foreign[i].hint);
        }
    return QCTX_OK;
}

/*
 * JSON by its first line, SQuAD standing for all documents: a whole object without "data" and "paragraphs", or a whole
 * array of texts, begins JSONL; so does a line that is not JSON and goes on in no next one, if that begins an object as
 * well.
 */
static qctx_import_format tell_json(const char *text, size_t bytes)
{
    size_t length = strcspn(text, "\n");
    const char *next = text + length + strspn(text + length, " \t\r\n");
    char last = text[length - 1] == '\r' ? text[length - 2] : text[length - 1];
    qctx_json_mends mends = {0};
    json_t *first = NULL;
    bool lines;

    if (qctx_json_parse_python(text, length, "", false, &first, &mends, NULL) == QCTX_OK)
        lines = json_is_object(first)
                    ? json_object_get(first, "data") == NULL &&
                          (json_object_get(first, "paragraphs") == NULL || *next == '{')
                    : json_is_string(json_array_get(first, 0)) || (json_array_size(first) == 0 && *next != '\0');
    else if (length == bytes)
        lines = (*text == '{' && bytes >= QCTX_INPUT_HEAD_BYTES - 4096 && strstr(text, "\"paragraphs\"") == NULL &&
                 strstr(text, "\"data\"") == NULL) ||
                (*text == '[' && bytes >= QCTX_INPUT_HEAD_BYTES - 4096 && text[1 + strspn(text + 1, " \t\r")] == '"');
    else
        lines = *text == '{' && text[length + 1] == '{' && strchr("[,{:", last) == NULL;
    json_decref(first);
    return lines ? QCTX_IMPORT_JSONL : QCTX_IMPORT_SQUAD;
}

static qctx_status tell_format(const import_source *source, const char *head, size_t bytes, qctx_import_format *format,
                               qctx_error *error)
{
    const char *text = head + (strncmp(head, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0);
    size_t length;
    char found[96];

    text += strspn(text, " \t\r\n");
    bytes -= (size_t)(text - head);
    length = strcspn(text, "\n");
    if (*text == '{' || *text == '[') {
        *format = tell_json(text, bytes);
        return QCTX_OK;
    }
    *format = QCTX_IMPORT_CSV;
    if (strncasecmp(text, "sep=", 4) == 0 && length <= 6)
        return QCTX_OK;
    for (size_t i = 0; i < sizeof delimiters; i++)
        if (import_begins_table(source->job, text, bytes, delimiters[i])) {
            *format = delimiters[i] == '\t' ? QCTX_IMPORT_TSV : QCTX_IMPORT_CSV;
            return QCTX_OK;
        }
    if (*text != '\0' && memchr(text, '\t', length) != NULL) {
        *format = QCTX_IMPORT_TSV;
        return QCTX_OK;
    }
    snprintf(found, sizeof found, "%.*s", (int)(length < 80 ? length : 80), text);
    found[strcspn(found, "\r")] = '\0';
    if (*text == '\0')
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: the file holds no text, expected questions and contexts",
                         source->path);
    qctx_fail(error, QCTX_ERR_FORMAT,
              "%s: the first line is neither JSON nor divided by tabs, and by commas or semicolons names no columns "
              "that are known: '%s'; known for a question: " IMPORT_KNOWN_QUESTIONS
              "; for a context: " IMPORT_KNOWN_CONTEXTS,
              source->path, found);
    return qctx_hint(error, "columns of other names, or by number: --columns question=NAME,context=NAME; --format csv "
                            "for a table of two columns without names");
}

qctx_status import_detect(const import_source *source, qctx_import_format *format, qctx_error *error)
{
    const char *head;
    size_t bytes;
    qctx_status status = qctx_input_peek(source->stream, &head, &bytes, error);

    if (status == QCTX_OK)
        status = refuse_foreign(source, head, bytes, error);
    *format = source->job->format;
    if (status != QCTX_OK || *format != QCTX_IMPORT_AUTO)
        return status;
    return tell_format(source, head, bytes, format, error);
}
