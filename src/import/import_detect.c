/* The format of a file by how it begins. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "import_internal.h"

/*
 * JSON by its first line, SQuAD standing for all documents: a whole object without "data" and "paragraphs", or a whole
 * array of texts, begins JSONL; so does a line that is not JSON and goes on in no next one, if that begins an object as
 * well.
 */
static qctx_import_format tell_json(const qctx_import_job *job, const char *text, size_t bytes)
{
    size_t length = strcspn(text, strchr(text, '\n') != NULL ? "\n" : "\r");
    const char *next = text + length + strspn(text + length, " \t\r\n");
    char last = text[length - 1] == '\r' ? text[length - 2] : text[length - 1];
    qctx_json_mends mends = {0};
    json_t *first = NULL;
    bool lines;

    /* A comma behind the record is cut from a line of JSONL. */
    if (*text == '{' && *next == '{' && last == ',' && length > 2)
        length -= text[length - 1] == '\r' ? 2 : 1;
    if (qctx_json_parse_python(text, length, "", false, &first, &mends, NULL) == QCTX_OK)
        lines = *next == '\0' && import_is_frame(job, first) ? false
                : json_is_object(first)
                    ? json_object_get(first, "data") == NULL &&
                          (json_object_get(first, "paragraphs") == NULL || *next == '{')
                    : json_is_string(json_array_get(first, 0)) || (json_array_size(first) == 0 && *next != '\0');
    else if (length == bytes)
        lines = (*text == '{' && !import_begins_frame(job, text) && bytes >= QCTX_INPUT_HEAD_BYTES - 4096 &&
                 strstr(text, "\"paragraphs\"") == NULL && strstr(text, "\"data\"") == NULL) ||
                (*text == '[' && bytes >= QCTX_INPUT_HEAD_BYTES - 4096 && text[1 + strspn(text + 1, " \t\r")] == '"');
    else
        lines = *text == '{' && text[length + 1] == '{' && strchr("[,{:", last) == NULL;
    json_decref(first);
    return lines ? QCTX_IMPORT_JSONL : QCTX_IMPORT_SQUAD;
}

/* Whether one cell of a row holds all that it holds, as of a title that stands above a table. */
static bool is_lone_cell(const char *row)
{
    const char *cell = row + strspn(row, ",; \""), *rest = cell + strcspn(cell, ",;");

    return *rest != '\0' && rest[strspn(rest, ",; \"")] == '\0';
}

/* A first line that no format begins with. */
static qctx_status refuse_line(const import_source *source, const char *text, size_t length, qctx_error *error)
{
    char found[96];
    qctx_status status = import_check_text(source, text, length, 1, error);

    if (status == QCTX_OK)
        status = import_refuse_text(source, text, length, error);
    if (status != QCTX_OK)
        return status;
    snprintf(found, sizeof found, "%.*s", (int)(length < 80 ? length : 80), text);
    found[strcspn(found, "\r")] = '\0';
    if (strpbrk(found, ",;") == NULL && length < sizeof found) {
        qctx_fail(error, QCTX_ERR_FORMAT,
                  "%s: the first line has no tab, comma or semicolon: one column, expected a question and a context: "
                  "'%s'",
                  source->path, found);
        return qctx_hint(error, "divide columns by tabs, commas or semicolons; delete rows above the header");
    }
    if (is_lone_cell(found) && length < sizeof found)
        return import_refuse_lone_cell(source->path, error);
    qctx_fail(error, QCTX_ERR_FORMAT,
              "%s: the first line is neither JSON nor divided by tabs, and by commas or semicolons names no columns "
              "that are known: '%s'; known for a question: " IMPORT_KNOWN_QUESTIONS
              "; for a context: " IMPORT_KNOWN_CONTEXTS,
              source->path, found);
    return qctx_hint(error, "columns of other names, or by number: --columns question=NAME,context=NAME; --format csv "
                            "for a table of two columns without names");
}

static qctx_status tell_format(const import_source *source, const char *head, size_t bytes, qctx_import_format *format,
                               qctx_error *error)
{
    const char *text = head + (strncmp(head, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0);
    size_t length;
    char delimiter;

    text += strspn(text, " \t\r\n");
    bytes -= (size_t)(text - head);
    length = strcspn(text, strchr(text, '\n') != NULL ? "\n" : "\r");
    if (*text == '{' || *text == '[') {
        *format = tell_json(source->job, text, bytes);
        return QCTX_OK;
    }
    *format = QCTX_IMPORT_CSV;
    if (strncasecmp(text, "sep=", 4) == 0 && length <= 6)
        return QCTX_OK;
    if (import_begins_table(source->job, text, text[length] == '\r' ? length : bytes, &delimiter)) {
        *format = delimiter == '\t' ? QCTX_IMPORT_TSV : QCTX_IMPORT_CSV;
        return QCTX_OK;
    }
    if (*text != '\0' && memchr(text, '\t', length) != NULL) {
        *format = QCTX_IMPORT_TSV;
        return QCTX_OK;
    }
    if (bytes == 0)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: the file holds no text, expected questions and contexts",
                         source->path);
    /* Names that the user gives and no delimiter finds: the reader of tables says which columns there are. */
    if (source->job->columns[QCTX_IMPORT_QUESTION] != NULL && strcspn(text, ",;") < length)
        return QCTX_OK;
    return refuse_line(source, text, length, error);
}

/* Rows and records one a line need lines. A document of JSON is one however its lines end. */
static qctx_status check_line_ends(const import_source *source, const char *head, size_t bytes,
                                   qctx_import_format format, qctx_error *error)
{
    const char *end = memchr(head, '\r', bytes);
    bool by_line = format == QCTX_IMPORT_JSONL || format == QCTX_IMPORT_TSV || format == QCTX_IMPORT_CSV;

    if (!by_line || end == NULL || end + 1 >= head + bytes || memchr(head, '\n', bytes) != NULL)
        return QCTX_OK;
    qctx_fail(error, QCTX_ERR_FORMAT, "%s: the lines end in CR alone, as on old Macs, expected LF or CR LF",
              source->path);
    return qctx_hint(error, "convert it: tr '\\r' '\\n' <FILE");
}

qctx_status import_detect(const import_source *source, qctx_import_format *format, qctx_error *error)
{
    const char *head;
    size_t bytes;
    qctx_status status = qctx_input_peek(source->stream, &head, &bytes, error);

    if (status == QCTX_OK)
        status = import_refuse_foreign(source, head, bytes, error);
    *format = source->job->format;
    if (status == QCTX_OK && *format == QCTX_IMPORT_AUTO)
        status = tell_format(source, head, bytes, format, error);
    return status == QCTX_OK ? check_line_ends(source, head, bytes, *format, error) : status;
}
