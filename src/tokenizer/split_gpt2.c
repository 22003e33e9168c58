/* GPT-2's pre-tokeniser, and what it has in common with CLIP's: contractions, and runs of one class of characters. */
#include "split_internal.h"

#include <string.h>

#include "qctx/base/mem.h"
#include "qctx/text/unicode.h"

/* The classes of ASCII: all that most texts ask for. */
static split_class ascii_class(unsigned char byte)
{
    if ((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z'))
        return SPLIT_LETTER;
    if (byte >= '0' && byte <= '9')
        return SPLIT_NUMBER;
    return byte == ' ' || (byte >= '\t' && byte <= '\r') ? SPLIT_SPACE : SPLIT_OTHER;
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
    return qctx_unicode_is_space(point) ? SPLIT_SPACE : SPLIT_OTHER;
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
