#include "qctx/data/lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/hash.h"
#include "qctx/platform/stop.h"
#include "qctx/text/text.h"

/* A job that is asked to stop does not read a large file to its end. */
enum { LINES_BETWEEN_LOOKS = 1024 };

void qctx_lines_attach(qctx_lines *lines, const char *path, qctx_input *stream)
{
    *lines = (qctx_lines){.path = path, .hash = lines->hash, .stream = stream, .borrowed = true};
}

qctx_status qctx_lines_open(qctx_lines *lines, const char *path, qctx_error *error)
{
    *lines = (qctx_lines){.path = path, .hash = lines->hash};
    return qctx_input_open(path, &lines->stream, error);
}

void qctx_lines_close(qctx_lines *lines)
{
    if (!lines->borrowed)
        qctx_input_close(lines->stream);
    free(lines->text);
    lines->stream = NULL;
    lines->text = NULL;
}

static bool strip(qctx_lines *lines)
{
    while (lines->length > 0 && (lines->text[lines->length - 1] == '\n' || lines->text[lines->length - 1] == '\r'))
        lines->text[--lines->length] = '\0';
    if (lines->number == 1 && lines->length >= 3 && memcmp(lines->text, "\xEF\xBB\xBF", 3) == 0) {
        lines->length -= 3;
        memmove(lines->text, lines->text + 3, lines->length + 1);
    }
    return strspn(lines->text, " \t") < lines->length;
}

static qctx_status check(const qctx_lines *lines, qctx_error *error)
{
    size_t bad;

    if (memchr(lines->text, '\0', lines->length) != NULL) {
        qctx_fail(error, QCTX_ERR_FORMAT, "%s: the line holds a NUL character, expected text", lines->place);
        return qctx_hint(error, "the file may be binary, compressed, or in UTF-16; convert it to UTF-8");
    }
    if (!qctx_text_is_utf8(lines->text, lines->length, &bad)) {
        qctx_fail(error, QCTX_ERR_FORMAT, "%s:%zu: the byte 0x%02x is not valid UTF-8 here", lines->place, bad + 1,
                  (unsigned char)lines->text[bad]);
        return qctx_hint(error, "convert the file to UTF-8, for example with iconv");
    }
    return QCTX_OK;
}

qctx_status qctx_lines_next(qctx_lines *lines, bool *more, qctx_error *error)
{
    bool filled = false;

    while (!filled) {
        qctx_status status =
            qctx_input_line(lines->stream, &lines->text, &lines->capacity, &lines->length, more, error);

        if (status != QCTX_OK || !*more)
            return status;
        lines->number++;
        filled = strip(lines);
    }
    snprintf(lines->place, sizeof lines->place, "%s:%lld", lines->path, (long long)lines->number);
    lines->hash = qctx_hash(lines->text, lines->length, lines->hash);
    if (lines->number % LINES_BETWEEN_LOOKS == 0 && qctx_stop_check(error) != QCTX_OK)
        return QCTX_STOPPED;
    return check(lines, error);
}
