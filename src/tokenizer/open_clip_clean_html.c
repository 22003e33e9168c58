/* Character references of HTML (WHATWG, section 13.2.5.72 on), as ftfy and as Python replace them. */
#include "open_clip_clean_internal.h"

#include <ctype.h>
#include <stdlib.h>

#include "qctx/text/unicode.h"

enum {
    STRICT_MOST = 24, /* letters and digits of a reference, the longest that ftfy looks at */
    ALONE_MOST = 6,   /* letters and digits of the longest name that may stand without a semicolon */
};

/* Letters and digits of ASCII from byte `at` on, at most `most`. */
static int64_t run_length(const tokenizer_text *text, int64_t at, int64_t most)
{
    int64_t length = 0;

    while (length < most && at + length < text->length && isalnum((unsigned char)text->bytes[at + length]))
        length++;
    return length;
}

static bool byte_is(const tokenizer_text *text, int64_t at, char byte)
{
    return at < text->length && text->bytes[at] == byte;
}

/*
 * Reads "123" or "x7b" from byte `at` on; returns the byte behind it, or −1 if there is no number. Numbers above the
 * highest code point are all the same.
 */
static int64_t read_number(const tokenizer_text *text, int64_t at, uint32_t *number)
{
    bool hexadecimal = byte_is(text, at, 'x') || byte_is(text, at, 'X');
    int64_t first = at + hexadecimal;
    int64_t end = first;

    *number = 0;
    for (; end < text->length; end++) {
        unsigned char byte = (unsigned char)text->bytes[end];
        uint32_t digit = byte <= '9' ? (uint32_t)byte - '0' : ((uint32_t)byte | 0x20) - 'a' + 10;

        if (!(hexadecimal ? isxdigit(byte) : isdigit(byte)))
            break;
        *number = *number * (hexadecimal ? 16 : 10) + digit;
        if (*number > 0x110000)
            *number = 0x110000;
    }
    return end > first ? end : -1;
}

/* Whether HTML allows no reference to a code point: controls and those that are no characters. */
static bool is_invalid(uint32_t point)
{
    return (point >= 0x1 && point <= 0x8) || point == 0xb || (point >= 0xe && point <= 0x1f) || point == 0x7f ||
           (point >= 0xfdd0 && point <= 0xfdef) || (point & 0xfffe) == 0xfffe;
}

/* Appends what a numeric reference stands for. */
static qctx_status put_number(tokenizer_text *to, uint32_t number, qctx_error *error)
{
    if (number >= 0x80 && number <= 0x9f)
        return clean_put(to, clean_windows_1252(number), error);
    if (number == 0 || number > 0x10ffff || (number >= 0xd800 && number <= 0xdfff))
        return clean_put(to, 0xfffd, error);
    return is_invalid(number) ? QCTX_OK : clean_put(to, number, error);
}

/* Appends the code points that a name stands for. */
static qctx_status put_points(tokenizer_text *to, const char *points, bool upper, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    for (const char *at = points; *at != ' ' && status == QCTX_OK;) {
        char *end;
        uint32_t point = (uint32_t)strtoul(at, &end, 16);

        if (upper && point == 0xdf)
            status = tokenizer_text_append(to, "SS", 2, error);
        else
            status = clean_put(to, upper ? qctx_unicode_upper_point(point) : point, error);
        at = *end == '+' ? end + 1 : end;
    }
    return status;
}

/* The longest beginning of a run that is a name without a semicolon: its length, or 0. */
static int64_t name_alone(const char *run, int64_t length, const char **points)
{
    bool alone;

    for (int64_t part = length < ALONE_MOST ? length : ALONE_MOST; part > 0; part--) {
        *points = clean_name_find(run, part, &alone);
        if (*points != NULL && alone)
            return part;
    }
    return 0;
}

/* The code points of a name in capitals ("EACUTE") that HTML has in small letters only, or NULL. */
static const char *find_capitals(const char *run, int64_t length)
{
    char small[STRICT_MOST];
    const char *points;
    bool alone;

    for (int64_t i = 0; i < length; i++) {
        if (islower((unsigned char)run[i]))
            return NULL;
        small[i] = (char)tolower((unsigned char)run[i]);
    }
    return name_alone(run, length, &points) > 0 ? NULL : clean_name_find(small, length, &alone);
}

/* The strict reference that begins at byte `at`, a '&': appends its characters; `*end` is the byte behind it, or `at`.
 */
static qctx_status take_strictly(const tokenizer_text *from, int64_t at, int64_t *end, tokenizer_text *to,
                                 qctx_error *error)
{
    bool numeric = byte_is(from, at + 1, '#');
    int64_t first = at + 1 + numeric;
    int64_t length = run_length(from, first, STRICT_MOST);
    const char *run = from->bytes + first;
    const char *points;
    uint32_t number;
    bool alone;

    *end = at;
    if (length == 0 || !byte_is(from, first + length, ';'))
        return QCTX_OK;
    if (numeric) {
        /* A semicolon stays written as it is: ftfy takes one in the result for a sign of failure. */
        if (read_number(from, first, &number) != first + length || number == ';')
            return QCTX_OK;
        *end = first + length + 1;
        return put_number(to, number, error);
    }
    points = clean_name_find(run, length, &alone);
    if (points != NULL) {
        *end = first + length + 1;
        return put_points(to, points, false, error);
    }
    points = find_capitals(run, length);
    if (points == NULL)
        return QCTX_OK;
    *end = first + length + 1;
    return put_points(to, points, true, error);
}

/* The loose reference that begins at byte `at`, a '&': appends its characters; `*end` is the byte behind it, or `at`.
 */
static qctx_status take_loosely(const tokenizer_text *from, int64_t at, int64_t *end, tokenizer_text *to,
                                qctx_error *error)
{
    int64_t length = run_length(from, at + 1, from->length);
    const char *run = from->bytes + at + 1;
    const char *points = NULL;
    uint32_t number;
    bool alone;

    *end = at;
    if (byte_is(from, at + 1, '#')) {
        int64_t behind = read_number(from, at + 2, &number);

        if (behind < 0)
            return QCTX_OK;
        *end = behind + byte_is(from, behind, ';');
        return put_number(to, number, error);
    }
    if (byte_is(from, at + 1 + length, ';'))
        points = clean_name_find(run, length, &alone);
    if (points != NULL) {
        *end = at + 1 + length + 1;
        return put_points(to, points, false, error);
    }
    length = name_alone(run, length, &points);
    if (length == 0)
        return QCTX_OK;
    *end = at + 1 + length;
    return put_points(to, points, false, error);
}

qctx_status clean_unescape_strictly(tokenizer_text *from, tokenizer_text *to, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    for (int64_t at = 0, end; at < from->length && status == QCTX_OK; at = end) {
        int64_t before = to->length;

        end = at;
        if (from->bytes[at] == '&')
            status = take_strictly(from, at, &end, to, error);
        if (status == QCTX_OK && end == at) {
            status = tokenizer_text_append(to, from->bytes + at, 1, error);
            end++;
        } else if (to->length == before + 1 && to->bytes[before] == '&') {
            /* "&amp;amp;…" is resolved here, at once: from the new '&', in the semicolon's place, on. */
            from->bytes[--end] = '&';
            to->length = before;
        }
    }
    return status;
}

qctx_status clean_unescape_loosely(const tokenizer_text *from, tokenizer_text *to, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    for (int64_t at = 0, end; at < from->length && status == QCTX_OK; at = end) {
        end = at;
        if (from->bytes[at] == '&')
            status = take_loosely(from, at, &end, to, error);
        if (status == QCTX_OK && end == at) {
            status = tokenizer_text_append(to, from->bytes + at, 1, error);
            end++;
        }
    }
    return status;
}
