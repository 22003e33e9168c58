/* The format of a file by how it begins. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "import_internal.h"

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
    char found[96], delimiter;

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
    if (import_begins_table(source->job, text, bytes, &delimiter)) {
        *format = delimiter == '\t' ? QCTX_IMPORT_TSV : QCTX_IMPORT_CSV;
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
