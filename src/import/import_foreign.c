/* What holds no questions, told so that a message names what it is: a whole file by its beginning, or a line. */
#include <string.h>
#include <strings.h>

#include "import_internal.h"
#include "qctx/text/foreign.h"

#define AS_TEXT "export it as JSONL, TSV or CSV in UTF-8"

/* Texts that hold no questions, if their first line does not begin a table: a question may begin with "<html>", too. */
static const struct {
    size_t length;
    const char *begin, *what, *hint;
} texts[] = {
    {35, "version https://git-lfs.github.com/", "a pointer of Git LFS, not the file itself",
     "fetch the file: git lfs pull"},
    {9, "<!DOCTYPE", "a web page", AS_TEXT ", or fetch the file behind the page"},
    {5, "<html", "a web page", AS_TEXT ", or fetch the file behind the page"},
    {6, "<table", "a web page", AS_TEXT ", not as the page that some programs call .xls"},
    {5, "<meta", "a web page", AS_TEXT ", not as the page that some programs call .xls"},
    {5, "<?xml", "XML", AS_TEXT},
};

static qctx_status refuse(const import_source *source, const char *what, const char *hint, qctx_error *error)
{
    qctx_fail(error, QCTX_ERR_FORMAT, "%s: the file is %s, expected questions and contexts as text in UTF-8",
              source->path, what);
    return qctx_hint(error, "%s", hint);
}
qctx_status import_refuse_text(const import_source *source, const char *text, size_t bytes, qctx_error *error)
{
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (bytes >= texts[i].length && strncasecmp(text, texts[i].begin, texts[i].length) == 0)
            return refuse(source, texts[i].what, texts[i].hint, error);
    return QCTX_OK;
}

qctx_status import_refuse_foreign(const import_source *source, const char *head, size_t bytes, qctx_error *error)
{
    qctx_foreign found;

    return qctx_foreign_find(head, bytes, &found) ? refuse(source, found.what, found.as_records, error) : QCTX_OK;
}

qctx_status import_check_text(const import_source *source, const char *text, size_t bytes, int64_t line,
                              qctx_error *error)
{
    const char *nul = memchr(text, '\0', bytes);
    size_t bad, first = 0;

    if (nul == NULL && qctx_text_is_utf8(text, bytes, &bad))
        return QCTX_OK;
    bad = nul != NULL ? (size_t)(nul - text) : bad;
    for (size_t i = 0; i < bad; i++)
        if (text[i] == '\n') {
            line++;
            first = i + 1;
        }
    if (nul != NULL) {
        qctx_fail(error, QCTX_ERR_FORMAT, "%s:%lld: the line holds a NUL character, expected text", source->path,
                  (long long)line);
        return qctx_hint(error, "the file may be binary, or in UTF-16; convert it to UTF-8");
    }
    qctx_fail(error, QCTX_ERR_FORMAT, "%s:%lld:%zu: the byte 0x%02x is not valid UTF-8 here", source->path,
              (long long)line, bad - first + 1, (unsigned char)text[bad]);
    return qctx_hint(error, "convert the file to UTF-8, for example with iconv -f CP1252 -t UTF-8");
}
