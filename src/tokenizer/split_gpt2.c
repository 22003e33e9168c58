/* GPT-2's pre-tokeniser, and what it has in common with CLIP's: contractions, and runs of one class of characters. */
#include "split_internal.h"

#include <string.h>

#include "qctx/base/mem.h"
#include "qctx/platform/unicode.h"

/* The classes of ASCII: all that most texts ask for. */
static split_class ascii_class(unsigned char byte)
{
    if ((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z'))
        return SPLIT_LETTER;
    if (byte >= '0' && byte <= '9')
        return SPLIT_NUMBER;
    return byte == ' ' || (byte >= '\t' && byte <= '\r') ? SPLIT_SPACE : SPLIT_OTHER;
}

/*
 * Letters and numbers that Unicode 15.1 and 16 have added, ascending: the original's expressions know them, and ICU
 * does from release 76 on. With them pieces do not depend on ICU's release.
 */
static const struct {
    uint32_t first;
    uint32_t last;
    split_class class;
} newer[] = {
    {0x1c89, 0x1c8a, SPLIT_LETTER},   {0xa7cb, 0xa7cd, SPLIT_LETTER},   {0xa7da, 0xa7dc, SPLIT_LETTER},
    {0x105c0, 0x105f3, SPLIT_LETTER}, {0x10d40, 0x10d49, SPLIT_NUMBER}, {0x10d4a, 0x10d65, SPLIT_LETTER},
    {0x10d6f, 0x10d85, SPLIT_LETTER}, {0x10ec2, 0x10ec4, SPLIT_LETTER}, {0x11380, 0x11389, SPLIT_LETTER},
    {0x1138b, 0x1138b, SPLIT_LETTER}, {0x1138e, 0x1138e, SPLIT_LETTER}, {0x11390, 0x113b5, SPLIT_LETTER},
    {0x113b7, 0x113b7, SPLIT_LETTER}, {0x113d1, 0x113d1, SPLIT_LETTER}, {0x113d3, 0x113d3, SPLIT_LETTER},
    {0x116d0, 0x116e3, SPLIT_NUMBER}, {0x11bc0, 0x11be0, SPLIT_LETTER}, {0x11bf0, 0x11bf9, SPLIT_NUMBER},
    {0x13460, 0x143fa, SPLIT_LETTER}, {0x16100, 0x1611d, SPLIT_LETTER}, {0x16130, 0x16139, SPLIT_NUMBER},
    {0x16d40, 0x16d6c, SPLIT_LETTER}, {0x16d70, 0x16d79, SPLIT_NUMBER}, {0x18cff, 0x18cff, SPLIT_LETTER},
    {0x1ccf0, 0x1ccf9, SPLIT_NUMBER}, {0x1e5d0, 0x1e5ed, SPLIT_LETTER}, {0x1e5f0, 0x1e5f0, SPLIT_LETTER},
    {0x1e5f1, 0x1e5fa, SPLIT_NUMBER}, {0x2ebf0, 0x2ee5d, SPLIT_LETTER},
};

/* The class of a character that ICU takes for none of letter, number and space. */
static split_class newer_class(uint32_t point)
{
    for (size_t i = 0; i < sizeof newer / sizeof *newer && newer[i].first <= point; i++)
        if (point <= newer[i].last)
            return newer[i].class;
    return SPLIT_OTHER;
}

split_class split_class_at(const char *text, int64_t length, int64_t at, int64_t *next)
{
    uint32_t point;

    if ((unsigned char)text[at] < 0x80) {
        *next = at + 1;
        return ascii_class((unsigned char)text[at]);
    }
    *next = qctx_unicode_next(text, length, at, &point);
    if (qctx_unicode_is_letter(point))
        return SPLIT_LETTER;
    if (qctx_unicode_is_number(point))
        return SPLIT_NUMBER;
    return qctx_unicode_is_space(point) ? SPLIT_SPACE : newer_class(point);
}

int64_t split_run_end(const char *text, int64_t length, int64_t at, split_class class)
{
    int64_t next = at;

    while (at < length && split_class_at(text, length, at, &next) == class)
        at = next;
    return at;
}

int64_t split_contraction(const char *text, int64_t length, int64_t at)
{
    static const char *const contractions[] = {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};

    if (text[at] != '\'')
        return 0;
    for (size_t i = 0; i < sizeof contractions / sizeof *contractions; i++) {
        int64_t bytes = (int64_t)strlen(contractions[i]);

        if (length - at >= bytes && memcmp(text + at, contractions[i], (size_t)bytes) == 0)
            return bytes;
    }
    return 0;
}

qctx_status split_append(qctx_spans *pieces, int64_t first, int64_t end, qctx_error *error)
{
    qctx_status status = qctx_grow((void **)&pieces->items, &pieces->capacity, pieces->count + 1, sizeof *pieces->items,
                                   "the pieces of a text", error);

    if (status == QCTX_OK)
        pieces->items[pieces->count++] = (qctx_span){first, end};
    return status;
}

/* The end of white space that no word takes its leading space from: what follows keeps the last character of several.
 */
static int64_t space_end(const char *text, int64_t length, int64_t at)
{
    int64_t end = at;
    int64_t last = at;

    for (int64_t next; end < length && split_class_at(text, length, end, &next) == SPLIT_SPACE; end = next)
        last = end;
    return end == length || last == at ? end : last;
}

/* The end of the piece that begins at `at`, by the first alternative of the expression that matches there. */
static int64_t piece_end(const char *text, int64_t length, int64_t at)
{
    int64_t contraction = split_contraction(text, length, at);
    int64_t next;
    int64_t word = at + (text[at] == ' ');

    if (contraction > 0)
        return at + contraction;
    if (word < length) {
        split_class class = split_class_at(text, length, word, &next);

        if (class != SPLIT_SPACE)
            return split_run_end(text, length, word, class);
    }
    return space_end(text, length, at);
}

qctx_status tokenizer_split_gpt2(const char *text, int64_t length, qctx_spans *pieces, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    for (int64_t at = 0; at < length && status == QCTX_OK;) {
        int64_t end = piece_end(text, length, at);

        status = split_append(pieces, at, end, error);
        at = end;
    }
    return status;
}
