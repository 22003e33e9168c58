/* Which characters are shown as escapes, and how. */
#include "qctx/base/shown.h"

#include <string.h>

#include "shown_internal.h"

typedef struct {
    int32_t first, last;
} range;

/* What acts on a terminal, on the order of what is beside it, or on nobody's eyes; in order. */
static const range hidden[] = {
    {0x0000, 0x001F},   /* C0 */
    {0x007F, 0x009F},   /* DEL, C1 */
    {0x00AD, 0x00AD},   /* soft hyphen */
    {0x034F, 0x034F},   /* combining grapheme joiner */
    {0x061C, 0x061C},   /* Arabic letter mark */
    {0x115F, 0x1160},   /* fillers of Hangul */
    {0x17B4, 0x17B5},   /* inherent vowels of Khmer */
    {0x180B, 0x180F},   /* selectors and separator of Mongolian */
    {0x200B, 0x200F},   /* zero-width space, joiners, marks of direction */
    {0x2028, 0x202E},   /* separators of lines and paragraphs, embeddings and overrides */
    {0x2060, 0x206F},   /* invisible operators, isolates */
    {0x3164, 0x3164},   /* filler of Hangul */
    {0xFE00, 0xFE0F},   /* selectors of variants */
    {0xFEFF, 0xFEFF},   /* byte order mark */
    {0xFFA0, 0xFFA0},   /* filler of Hangul */
    {0xFFF0, 0xFFFB},   /* annotations between lines */
    {0xFFFE, 0xFFFF},   /* no characters */
    {0x1BCA0, 0x1BCA3}, /* controls of shorthand */
    {0x1D173, 0x1D17A}, /* controls of music */
    {0xE0000, 0xE0FFF}, /* tags, more selectors */
};

/*
 * One character of UTF-8 as RFC 3629 has it: without overlong forms, surrogates and what lies above U+10FFFF. A byte
 * that begins none has the code −1.
 */
static qctx_character decode(const char *text, size_t length)
{
    static const int32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *at = (const unsigned char *)text;
    const size_t bytes = at[0] < 0x80   ? 1
                         : at[0] < 0xC2 ? 0
                         : at[0] < 0xE0 ? 2
                         : at[0] < 0xF0 ? 3
                         : at[0] < 0xF5 ? 4
                                        : 0;
    int32_t code = bytes < 2 ? at[0] : at[0] & (0x7F >> bytes);

    if (bytes == 0 || bytes > length)
        return (qctx_character){1, -1, true};
    for (size_t i = 1; i < bytes; i++) {
        if ((at[i] & 0xC0) != 0x80)
            return (qctx_character){1, -1, true};
        code = code << 6 | (at[i] & 0x3F);
    }
    if (code < least[bytes] || (code >= 0xD800 && code < 0xE000) || code > 0x10FFFF)
        return (qctx_character){1, -1, true};
    return (qctx_character){bytes, code, false};
}

static bool is_hidden(int32_t code)
{
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0] && hidden[i].first <= code; i++)
        if (code <= hidden[i].last)
            return true;
    return false;
}

static bool is_selector(int32_t code)
{
    return (code >= 0xFE00 && code <= 0xFE0F) || (code >= 0xE0100 && code <= 0xE01EF);
}

static bool is_joiner(int32_t code)
{
    return code == 0x200C || code == 0x200D;
}

/* Of the scripts that join letters, of symbols and emoji, and of the keys "1", "#", "*" that become emoji. */
static bool takes_selector(int32_t code)
{
    return (code >= '0' && code <= '9') || code == '#' || code == '*' || code == 0xA9 || code == 0xAE || code >= 0x590;
}

/* The code before `at`, 0 where there is none, −1 where that is no UTF-8. */
static int32_t code_before(const char *text, size_t at)
{
    for (size_t back = 1; back <= 4 && back <= at; back++) {
        const qctx_character before = decode(text + at - back, back);

        if (before.code >= 0 && before.bytes == back)
            return before.code;
    }
    return at == 0 ? 0 : -1;
}

/* Whether a joiner or selector stands where it does its work. */
static bool belongs(const char *text, size_t length, size_t at, const qctx_character *character)
{
    const int32_t before = code_before(text, at);
    const size_t next = at + character->bytes;
    const int32_t after = next < length ? decode(text + next, length - next).code : 0;

    if (is_selector(character->code))
        return !is_hidden(before) && takes_selector(before);
    /* "❤", a selector, a joiner, "🔥": of what stands before, the selector was judged by itself. */
    if (is_hidden(before) && !is_selector(before))
        return false;
    return (before >= 0x590 && !is_hidden(after)) || (after >= 0x590 && !is_hidden(after) && before > ' ');
}

qctx_character qctx_character_at(const char *text, size_t length, size_t at)
{
    qctx_character character = decode(text + at, length - at);

    if (character.code < 0x7F && character.code >= ' ')
        return character;
    character.escaped = character.code < 0 || is_hidden(character.code);
    if (character.escaped && (is_joiner(character.code) || is_selector(character.code)))
        character.escaped = !belongs(text, length, at, &character);
    return character;
}

size_t shown_piece(const char *text, size_t length, size_t at, shown_text *piece)
{
    const qctx_character character = qctx_character_at(text, length, at);
    const char *letter = character.code > 0 && character.code < ' ' ? strchr("\nn\rr\tt", character.code) : NULL;

    piece->columns = 1;
    if (!character.escaped) {
        memcpy(piece->bytes, text + at, character.bytes);
        piece->length = character.bytes;
        return character.bytes;
    }
    if (letter != NULL)
        piece->columns = snprintf(piece->bytes, sizeof piece->bytes, "\\%c", letter[1]);
    else if (character.code < 0x80)
        piece->columns = snprintf(piece->bytes, sizeof piece->bytes, "\\x%02x", (unsigned char)text[at]);
    else if (character.code < 0x10000)
        piece->columns = snprintf(piece->bytes, sizeof piece->bytes, "\\u%04x", (unsigned)character.code);
    else
        piece->columns = snprintf(piece->bytes, sizeof piece->bytes, "\\U%08x", (unsigned)character.code);
    piece->length = (size_t)piece->columns;
    return character.bytes;
}

void qctx_show(const char *text, size_t length, FILE *out)
{
    shown_text piece;

    for (size_t at = 0; at < length;) {
        at += shown_piece(text, length, at, &piece);
        fwrite(piece.bytes, 1, piece.length, out);
    }
}

int64_t qctx_shown_columns(const char *text, size_t length)
{
    shown_text piece;
    int64_t columns = 0;

    for (size_t at = 0; at < length; columns += piece.columns)
        at += shown_piece(text, length, at, &piece);
    return columns;
}

size_t qctx_shown_bytes(const char *text, size_t length, int64_t columns)
{
    shown_text piece;
    size_t at = 0;

    while (at < length) {
        const size_t next = at + shown_piece(text, length, at, &piece);

        columns -= piece.columns;
        if (columns < 0 && at > 0)
            break;
        at = next;
    }
    return at;
}

const char *qctx_shown_excerpt(const char *text, size_t length, char *buffer, size_t size)
{
    static const char more[] = "…";
    size_t used = 0, cut = 0; /* `cut`: the last place that leaves room for the mark */
    shown_text piece;

    for (size_t at = 0; at < length;) {
        at += shown_piece(text, length, at, &piece);
        if (used + piece.length >= size) {
            memcpy(buffer + cut, more, sizeof more);
            return buffer;
        }
        memcpy(buffer + used, piece.bytes, piece.length);
        used += piece.length;
        if (used + sizeof more <= size)
            cut = used;
    }
    buffer[used] = '\0';
    return buffer;
}
