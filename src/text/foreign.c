#include "qctx/text/foreign.h"

#include <string.h>

#define AS_TEXT  "export it as JSONL, TSV or CSV in UTF-8"
#define AS_PLAIN "save its text as a plain text file in UTF-8, if it has any"
#define UNMARKED "convert it: iconv -f UTF-16LE -t UTF-8, or -f UTF-16BE"

/* What stands in a file at `offset`. Of two that fit the first is meant. */
static const struct {
    size_t offset, length;
    const char *begin;
    qctx_foreign kind;
} kinds[] = {
    {0,
     4,
     "\xFF\xFE\0\0",
     {"text in UTF-32", "convert it: iconv -f UTF-32 -t UTF-8", "convert it: iconv -f UTF-32 -t UTF-8"}},
    {0,
     4,
     "\0\0\xFE\xFF",
     {"text in UTF-32", "convert it: iconv -f UTF-32 -t UTF-8", "convert it: iconv -f UTF-32 -t UTF-8"}},
    {0,
     2,
     "\xFF\xFE",
     {"text in UTF-16", "convert it: iconv -f UTF-16 -t UTF-8", "convert it: iconv -f UTF-16 -t UTF-8"}},
    {0,
     2,
     "\xFE\xFF",
     {"text in UTF-16", "convert it: iconv -f UTF-16 -t UTF-8", "convert it: iconv -f UTF-16 -t UTF-8"}},
    {0,
     4,
     "PAR1",
     {"Parquet", "convert it to JSONL: pandas.read_parquet(…).to_json(…, orient='records', lines=True)", AS_PLAIN}},
    {0,
     6,
     "ARROW1",
     {"Arrow", "convert it to JSONL: pandas.read_feather(…).to_json(…, orient='records', lines=True)", AS_PLAIN}},
    {0,
     5,
     "%PDF-",
     {"a PDF", "take its text out first, for example with pdftotext, and make a table of questions and contexts",
      "take its text out first: pdftotext FILE.pdf FILE.txt"}},
    {4, 6, "1AY&SY", {"compressed (bzip2)", "unpack it first: bunzip2", "unpack it first: bunzip2"}},
    {0, 5, "\xFD\x37zXZ", {"compressed (xz)", "unpack it first: unxz", "unpack it first: unxz"}},
    {0, 4, "\x04\x22\x4D\x18", {"compressed (lz4)", "unpack it first: lz4 -d", "unpack it first: lz4 -d"}},
    {0, 6, "7z\xBC\xAF\x27\x1C", {"a 7z archive", "unpack it first: 7z x", "unpack it first: 7z x"}},
    {257, 5, "ustar", {"a tar archive", "unpack it first: tar -xf", "unpack it first: tar -xf"}},
    {0, 16, "SQLite format 3", {"a SQLite database", "export a table: sqlite3 -csv -header FILE 'SELECT …'", AS_PLAIN}},
    {0,
     8,
     "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1",
     {"a document of old Office programs (as .xls and .doc are)", "save the table as CSV in UTF-8", AS_PLAIN}},
    {0, 4, "\x7F\x45LF", {"an executable", AS_TEXT, AS_PLAIN}},
    {0, 8, "\x89HDF\r\n\x1A\n", {"HDF5", AS_TEXT, "a store is named with --store"}},
    {0, 6, "\x93NUMPY", {"an array of NumPy", AS_TEXT, AS_PLAIN}},
    {0, 4, "\x89PNG", {"a picture (PNG)", AS_TEXT, AS_PLAIN}},
    {0, 3, "\xFF\xD8\xFF", {"a picture (JPEG)", AS_TEXT, AS_PLAIN}},
    {0, 5, "{\\rtf", {"RTF", "save it as plain text in UTF-8", AS_PLAIN}},
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

bool qctx_foreign_find(const char *head, size_t bytes, qctx_foreign *found)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (bytes >= kinds[i].offset + kinds[i].length &&
            memcmp(head + kinds[i].offset, kinds[i].begin, kinds[i].length) == 0) {
            *found = kinds[i].kind;
            return true;
        }
    if (bytes >= 4 && memcmp(head, "PK\x03\x04", 4) == 0)
        *found = (qctx_foreign){kind_of_zip(head, bytes), "unzip it, or save the table as CSV in UTF-8",
                                "unzip it; of a document save the text, as by pandoc -t plain FILE"};
    else if (looks_like_utf16(head, bytes))
        *found = (qctx_foreign){"text in UTF-16 (without a byte order mark)", UNMARKED, UNMARKED};
    else if (looks_binary(head, bytes))
        *found = (qctx_foreign){"binary (many control characters)", AS_TEXT, AS_PLAIN};
    else
        return false;
    return true;
}
