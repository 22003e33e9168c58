/* Files that are no text in UTF-8, told by their first bytes, so that a message names what they are. */
#include <string.h>
#include <strings.h>

#include "import_internal.h"

#define AS_TEXT "export it as JSONL, TSV or CSV in UTF-8"

typedef struct {
    size_t offset, length;
    const char *begin, *what, *hint;
} kind;

/* What stands in a file at `offset`. Of two that fit the first is meant. */
static const kind kinds[] = {
    {0, 4, "\xFF\xFE\0\0", "text in UTF-32", "convert it: iconv -f UTF-32 -t UTF-8"},
    {0, 4, "\0\0\xFE\xFF", "text in UTF-32", "convert it: iconv -f UTF-32 -t UTF-8"},
    {0, 2, "\xFF\xFE", "text in UTF-16", "convert it: iconv -f UTF-16 -t UTF-8"},
    {0, 2, "\xFE\xFF", "text in UTF-16", "convert it: iconv -f UTF-16 -t UTF-8"},
    {0, 4, "PAR1", "Parquet", "convert it to JSONL: pandas.read_parquet(…).to_json(…, orient='records', lines=True)"},
    {0, 6, "ARROW1", "Arrow", "convert it to JSONL: pandas.read_feather(…).to_json(…, orient='records', lines=True)"},
    {0, 5, "%PDF-", "a PDF",
     "take its text out first, for example with pdftotext, and make a table of questions and contexts"},
    {4, 6, "1AY&SY", "compressed (bzip2)", "unpack it first: bunzip2"},
    {0, 5, "\xFD\x37zXZ", "compressed (xz)", "unpack it first: unxz"},
    {0, 4, "\x04\x22\x4D\x18", "compressed (lz4)", "unpack it first: lz4 -d"},
    {0, 6, "7z\xBC\xAF\x27\x1C", "a 7z archive", "unpack it first: 7z x"},
    {257, 5, "ustar", "a tar archive", "unpack it first: tar -xf"},
    {0, 16, "SQLite format 3", "a SQLite database", "export a table: sqlite3 -csv -header FILE 'SELECT …'"},
    {0, 8, "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "a document of old Office programs (as .xls and .doc are)",
     "save the table as CSV in UTF-8"},
    {0, 4, "\x7F\x45LF", "an executable", AS_TEXT},
    {0, 8, "\x89HDF\r\n\x1A\n", "HDF5", AS_TEXT},
    {0, 6, "\x93NUMPY", "an array of NumPy", AS_TEXT},
    {0, 4, "\x89PNG", "a picture (PNG)", AS_TEXT},
    {0, 3, "\xFF\xD8\xFF", "a picture (JPEG)", AS_TEXT},
    {0, 5, "{\\rtf", "RTF", "save it as plain text in UTF-8"},
};

/* Texts that hold no questions, if their first line does not begin a table: a question may begin with "<html>", too. */
static const kind texts[] = {
    {0, 35, "version https://git-lfs.github.com/", "a pointer of Git LFS, not the file itself",
     "fetch the file: git lfs pull"},
    {0, 9, "<!DOCTYPE", "a web page", AS_TEXT ", or fetch the file behind the page"},
    {0, 5, "<html", "a web page", AS_TEXT ", or fetch the file behind the page"},
    {0, 5, "<?xml", "XML", AS_TEXT},
};

static bool holds(const char *head, size_t bytes, const char *part)
{
    return memmem(head, bytes, part, strlen(part)) != NULL;
}

/* What a zip archive, most of which are not called so, was made by. */
static const char *kind_of_zip(const char *head, size_t bytes)
{
    return holds(head, bytes, "xl/")     ? "a workbook of Excel (.xlsx)"
           : holds(head, bytes, "word/") ? "a document of Word (.docx)"
                                         : "a zip archive (as .zip, .xlsx, .ods and .docx are)";
}

/* Of so many bytes there are at least four of a kind, and one in 32. */
static bool is_much(size_t count, size_t bytes)
{
    return count >= 4 && count > bytes / 32;
}

static size_t count_nuls(const char *head, size_t bytes, size_t first)
{
    size_t nuls = 0;

    for (size_t i = first; i < bytes; i += 2)
        nuls += head[i] == '\0';
    return nuls;
}

/* Text of whatever language has spaces and line breaks, of which in UTF-16 every first or every second byte is zero. */
static bool looks_like_utf16(const char *head, size_t bytes)
{
    size_t even = count_nuls(head, bytes, 0), odd = count_nuls(head, bytes, 1);

    return (even == 0 || odd == 0) && is_much(even + odd, bytes);
}

/* A control character or two are slips, which cost their lines; many are no text. */
static bool looks_binary(const char *head, size_t bytes)
{
    size_t controls = 0;

    for (size_t i = 0; i < bytes; i++)
        controls += (unsigned char)head[i] < ' ' && (head[i] == '\0' || strchr("\t\n\v\f\r\x1B", head[i]) == NULL);
    return is_much(controls, bytes);
}

static qctx_status refuse(const import_source *source, const char *what, const char *hint, qctx_error *error)
{
    qctx_fail(error, QCTX_ERR_FORMAT, "%s: the file is %s, expected questions and contexts as text in UTF-8",
              source->path, what);
    return qctx_hint(error, "%s", hint);
}

static qctx_status refuse_kind(const import_source *source, const kind *of, size_t count, const char *head,
                               size_t bytes, qctx_error *error)
{
    for (size_t i = 0; i < count; i++)
        if (bytes >= of[i].offset + of[i].length && memcmp(head + of[i].offset, of[i].begin, of[i].length) == 0)
            return refuse(source, of[i].what, of[i].hint, error);
    return QCTX_OK;
}

qctx_status import_refuse_text(const import_source *source, const char *text, size_t bytes, qctx_error *error)
{
    return refuse_kind(source, texts, sizeof texts / sizeof texts[0], text, bytes, error);
}

qctx_status import_refuse_foreign(const import_source *source, const char *head, size_t bytes, qctx_error *error)
{
    qctx_status status = refuse_kind(source, kinds, sizeof kinds / sizeof kinds[0], head, bytes, error);

    if (status != QCTX_OK)
        return status;
    if (bytes >= 4 && memcmp(head, "PK\x03\x04", 4) == 0)
        return refuse(source, kind_of_zip(head, bytes), "unzip it, or save the table as CSV in UTF-8", error);
    if (looks_like_utf16(head, bytes))
        return refuse(source, "text in UTF-16 (without a byte order mark)",
                      "convert it: iconv -f UTF-16LE -t UTF-8, or -f UTF-16BE", error);
    if (looks_binary(head, bytes))
        return refuse(source, "binary (many control characters)", AS_TEXT, error);
    return QCTX_OK;
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
