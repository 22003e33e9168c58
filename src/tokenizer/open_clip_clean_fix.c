/* ftfy's repairs of single characters, in its order: what an earlier one gives a later one sees. */
#include "open_clip_clean_internal.h"

#include <stdlib.h>
#include <string.h>

#include "qctx/text/unicode.h"

enum { ESCAPE = 0x1b };

/* Latin ligatures and digraphs. U+0149 is an apostrophe (U+02BC) and n, and quotes are straightened behind it. */
static const struct {
    uint32_t point;
    const char *letters;
} ligatures[] = {
    {0x132, "IJ"},   {0x133, "ij"},   {0x149, "'n"},       {0x1c4, "D\u017d"}, {0x1c5, "D\u017e"}, {0x1c6, "d\u017e"},
    {0x1c7, "LJ"},   {0x1c8, "Lj"},   {0x1c9, "lj"},       {0x1ca, "NJ"},      {0x1cb, "Nj"},      {0x1cc, "nj"},
    {0x1f1, "DZ"},   {0x1f2, "Dz"},   {0x1f3, "dz"},       {0xfb00, "ff"},     {0xfb01, "fi"},     {0xfb02, "fl"},
    {0xfb03, "ffi"}, {0xfb04, "ffl"}, {0xfb05, "\u017ft"}, {0xfb06, "st"},
};

qctx_status clean_put(tokenizer_text *text, uint32_t point, qctx_error *error)
{
    char bytes[4] = {0};

    return tokenizer_text_append(text, bytes, qctx_unicode_put(point, bytes), error);
}

uint32_t clean_windows_1252(uint32_t control)
{
    static const uint16_t points[32] = {
        0x20ac, 0x81,   0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021, 0x2c6,  0x2030, 0x160,
        0x2039, 0x152,  0x8d,   0x17d,  0x8f,   0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
        0x2013, 0x2014, 0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0x9d,   0x17e,  0x178,
    };

    return points[control - 0x80];
}

static const char *ligature_letters(uint32_t point)
{
    if (point >= 0x132 && (point <= 0x1f3 || point >= 0xfb00))
        for (size_t i = 0; i < sizeof ligatures / sizeof *ligatures; i++)
            if (ligatures[i].point == point)
                return ligatures[i].letters;
    return NULL;
}

/* Curly quotes and line breaks of other kinds than '\n'. */
static uint32_t straighten(uint32_t point)
{
    if (point == 0x2bc || (point >= 0x2018 && point <= 0x201b))
        return '\'';
    if (point >= 0x201c && point <= 0x201f)
        return '"';
    return point == '\r' || point == 0x2028 || point == 0x2029 ? '\n' : point;
}

/* Half and full width forms become those of the usual width, by their compatibility decomposition. */
static qctx_status put_usual_width(tokenizer_text *to, const char *character, int64_t length, qctx_error *error)
{
    char *usual = NULL;
    int64_t usual_length;
    qctx_status status = qctx_unicode_normalize(QCTX_NFKC, character, length, &usual, &usual_length, error);

    if (status == QCTX_OK)
        status = tokenizer_text_append(to, usual, usual_length, error);
    free(usual);
    return status;
}

/* Appends what stands for one character that is to be kept. */
static qctx_status put_repaired(tokenizer_text *to, uint32_t point, const char *character, int64_t length,
                                qctx_error *error)
{
    const char *letters;

    if (point >= 0x80 && point <= 0x9f)
        point = clean_windows_1252(point);
    letters = ligature_letters(point);
    if (letters != NULL)
        return tokenizer_text_append(to, letters, (int64_t)strlen(letters), error);
    if (point == 0x3000)
        point = ' ';
    if (point >= 0xff01 && point <= 0xff5e)
        point -= 0xff01 - '!';
    else if (point > 0xff5e && point < 0xfff0)
        return put_usual_width(to, character, length, error);
    return clean_put(to, straighten(point), error);
}

/* Control characters without a visible effect. White space, C1 controls, joiners and directions are none of them. */
static bool is_control(uint32_t point)
{
    return point <= 0x8 || point == 0xb || (point >= 0xe && point <= 0x1f) || point == 0x7f ||
           (point >= 0x206a && point <= 0x206f) || point == 0xfeff || (point >= 0xfff9 && point <= 0xfffc);
}

/* The byte behind the terminal escape (ESC [ numbers letter) that begins at byte `at`, or `at`. */
static int64_t escape_end(const tokenizer_text *text, int64_t at)
{
    int64_t end = at + 2;

    if (text->bytes[at] != ESCAPE || at + 1 >= text->length || text->bytes[at + 1] != '[')
        return at;
    while (end < text->length && (text->bytes[end] == ';' || (text->bytes[end] >= '0' && text->bytes[end] <= '9')))
        end++;
    if (end < text->length && (text->bytes[end] | 0x20) >= 'a' && (text->bytes[end] | 0x20) <= 'z')
        return end + 1;
    return at;
}

/* Leaves out, in place, terminal escapes and control characters. */
static void strip(tokenizer_text *text)
{
    int64_t kept = 0;

    for (int64_t at = 0, next; at < text->length; at = next) {
        uint32_t point;

        next = escape_end(text, at);
        if (next > at)
            continue;
        next = qctx_unicode_next(text->bytes, text->length, at, &point);
        if (is_control(point))
            continue;
        memmove(text->bytes + kept, text->bytes + at, (size_t)(next - at));
        kept += next - at;
    }
    text->length = kept;
}

qctx_status clean_characters(const tokenizer_text *from, tokenizer_text *to, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    for (int64_t at = 0, next; at < from->length && status == QCTX_OK; at = next) {
        uint32_t point;

        next = qctx_unicode_next(from->bytes, from->length, at, &point);
        if (point == '\r' && next < from->length && from->bytes[next] == '\n')
            continue;
        status = put_repaired(to, point, from->bytes + at, next - at, error);
    }
    if (status == QCTX_OK)
        strip(to);
    return status;
}
