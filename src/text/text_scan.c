/* What goes through a text character by character: validity, code points, words, white space. */
#include "qctx/text/text.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include "qctx/base/mem.h"
#include "text_internal.h"

/* ICU's macros index with int64_t here, so that texts above 2 GiB are no special case. */
bool qctx_text_is_utf8(const char *bytes, size_t length, size_t *bad)
{
    const uint8_t *at = (const uint8_t *)bytes;
    int64_t end = (int64_t)length;

    for (int64_t i = 0; i < end;) {
        int64_t first = i;
        UChar32 c;

        U8_NEXT(at, i, end, c);
        if (c < 0) {
            *bad = (size_t)first;
            return false;
        }
    }
    return true;
}

char *qctx_text_mend(const char *bytes, size_t length, qctx_error *error)
{
    static const char stand_in[] = "\xEF\xBF\xBD";
    const uint8_t *at = (const uint8_t *)bytes;
    const int64_t end = (int64_t)length;
    /* A byte becomes three at most. */
    char *mended = qctx_alloc(3 * end + 1, 1, "a text", error);
    char *to = mended;

    for (int64_t i = 0; mended != NULL && i < end;) {
        const int64_t first = i;
        UChar32 c;

        U8_NEXT(at, i, end, c);
        if (c > 0) {
            memcpy(to, bytes + first, (size_t)(i - first));
            to += i - first;
        } else {
            memcpy(to, stand_in, sizeof stand_in - 1);
            to += sizeof stand_in - 1;
        }
    }
    return mended;
}

static bool starts_codepoint(char byte)
{
    return ((unsigned char)byte & 0xC0) != 0x80;
}

int64_t qctx_text_codepoints(const char *bytes, size_t length)
{
    int64_t count = 0;

    for (size_t i = 0; i < length; i++)
        count += starts_codepoint(bytes[i]);
    return count;
}

int64_t qctx_text_byte_offset(const char *bytes, size_t length, int64_t index)
{
    if (index < 0 || (uint64_t)index > length)
        return -1;
    for (size_t i = 0; i < length; i++)
        if (starts_codepoint(bytes[i]) && index-- == 0)
            return (int64_t)i;
    return index == 0 ? (int64_t)length : -1;
}

qctx_status text_add_span(qctx_spans *spans, int64_t first, int64_t end, qctx_error *error)
{
    qctx_status status = qctx_grow((void **)&spans->items, &spans->capacity, spans->count + 1, sizeof *spans->items,
                                   "the parts of a text", error);

    if (status == QCTX_OK)
        spans->items[spans->count++] = (qctx_span){first, end};
    return status;
}

qctx_span qctx_text_trim(const char *bytes, int64_t first, int64_t end)
{
    const uint8_t *at = (const uint8_t *)bytes;
    int64_t next;
    UChar32 c;

    while (first < end) {
        next = first;
        U8_NEXT(at, next, end, c);
        if (!u_isUWhiteSpace(c))
            break;
        first = next;
    }
    while (first < end) {
        int64_t last = end - 1;

        while (last > first && !starts_codepoint(bytes[last]))
            last--;
        next = last;
        U8_NEXT(at, next, end, c);
        if (!u_isUWhiteSpace(c))
            break;
        end = last;
    }
    return (qctx_span){first, end};
}

bool qctx_text_is_blank(const char *bytes, size_t length)
{
    qctx_span inside = qctx_text_trim(bytes, 0, (int64_t)length);

    return inside.first == inside.end;
}

static bool belongs_to_word(UChar32 c)
{
    if (c < 0x80)
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
    return (U_GET_GC_MASK(c) & (U_GC_L_MASK | U_GC_N_MASK | U_GC_M_MASK)) != 0;
}

qctx_status qctx_text_words(const char *bytes, size_t length, qctx_spans *spans, qctx_error *error)
{
    const uint8_t *at = (const uint8_t *)bytes;
    int64_t end = (int64_t)length;
    int64_t word = -1; /* where the current word began */
    qctx_status status = QCTX_OK;

    spans->count = 0;
    for (int64_t i = 0; i < end && status == QCTX_OK;) {
        int64_t first = i;
        UChar32 c;

        U8_NEXT(at, i, end, c);
        if (c >= 0 && belongs_to_word(c)) {
            if (word < 0)
                word = first;
        } else if (word >= 0) {
            status = text_add_span(spans, word, first, error);
            word = -1;
        }
    }
    if (status == QCTX_OK && word >= 0)
        status = text_add_span(spans, word, end, error);
    return status;
}

/* Line ends that a code point of white space adds to `count`; CR LF is one. */
static int count_line_ends(int count, UChar32 c, UChar32 before)
{
    enum { NEXT_LINE = 0x85, LINE_SEPARATOR = 0x2028, PARAGRAPH_SEPARATOR = 0x2029 };

    if (c == PARAGRAPH_SEPARATOR)
        return count + 2;
    return count + (c == '\r' || (c == '\n' && before != '\r') || c == NEXT_LINE || c == LINE_SEPARATOR);
}

/* Trims and folds white space; with `lines` a run that holds line ends becomes one, or two where it holds several. */
static char *squeeze(const char *bytes, size_t length, bool lines, qctx_error *error)
{
    const uint8_t *at = (const uint8_t *)bytes;
    qctx_span inside = qctx_text_trim(bytes, 0, (int64_t)length);
    char *squeezed = qctx_alloc(inside.end - inside.first + 1, 1, "a text", error);
    int64_t used = 0;
    int line_ends = 0;
    UChar32 before = 'x';

    if (squeezed == NULL)
        return NULL;
    for (int64_t i = inside.first; i < inside.end;) {
        int64_t first = i;
        UChar32 c;

        U8_NEXT(at, i, inside.end, c);
        if (c >= 0 && u_isUWhiteSpace(c)) {
            line_ends = count_line_ends(line_ends, c, before);
            before = c;
            continue;
        }
        if (before >= 0 && u_isUWhiteSpace(before))
            squeezed[used++] = lines && line_ends > 0 ? '\n' : ' ';
        /* Two line ends took at least two bytes. */
        if (lines && line_ends > 1)
            squeezed[used++] = '\n';
        line_ends = 0;
        before = c;
        memcpy(squeezed + used, bytes + first, (size_t)(i - first));
        used += i - first;
    }
    squeezed[used] = '\0';
    return squeezed;
}

char *qctx_text_squeeze(const char *bytes, size_t length, qctx_error *error)
{
    return squeeze(bytes, length, false, error);
}

char *qctx_text_squeeze_lines(const char *bytes, size_t length, qctx_error *error)
{
    return squeeze(bytes, length, true, error);
}
