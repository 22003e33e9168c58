/* CLIP's pre-tokeniser: one character class at a time, digits alone, white space left out; and OpenCLIP's own. */
#include <string.h>

#include "split_internal.h"

#define START "<start_of_text>"
#define END   "<end_of_text>"

static bool begins_with(const char *text, int64_t length, const char *part)
{
    return length >= (int64_t)strlen(part) && memcmp(text, part, strlen(part)) == 0;
}

open_clip_piece tokenizer_open_clip_piece(const char *piece, int64_t length)
{
    if (begins_with(piece, length, START))
        return OPEN_CLIP_START;
    return begins_with(piece, length, END) ? OPEN_CLIP_END : OPEN_CLIP_WORD;
}

/* Bytes of a piece that no run of one class is: contractions; of OpenCLIP, special tokens as it spells them, too. */
static int64_t fixed_piece(const char *text, int64_t length, int64_t at, bool open_clip)
{
    /* Its letters match without regard to case, and a long s is another case of s. */
    static const char *const own[] = {START, END, "'\u017f"};

    for (size_t i = 0; open_clip && i < sizeof own / sizeof *own; i++)
        if (begins_with(text + at, length - at, own[i]))
            return (int64_t)strlen(own[i]);
    return split_contraction(text, length, at);
}

static qctx_status divide(const char *text, int64_t length, bool open_clip, qctx_spans *pieces, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    for (int64_t at = 0, end = 0; at < length && status == QCTX_OK; at = end) {
        split_class class = split_class_at(text, length, at, &end);
        int64_t fixed = fixed_piece(text, length, at, open_clip);

        if (class == SPLIT_SPACE)
            continue;
        if (fixed > 0)
            end = at + fixed;
        else if (class != SPLIT_NUMBER)
            end = split_run_end(text, length, at, class);
        status = split_append(pieces, at, end, error);
    }
    return status;
}

qctx_status tokenizer_split_clip(const char *text, int64_t length, qctx_spans *pieces, qctx_error *error)
{
    return divide(text, length, false, pieces, error);
}

/*
 * The iota below (U+0345), a mark that is a letter in another case, is in none of the classes of an expression that
 * disregards case: it divides like white space.
 */
qctx_status tokenizer_split_open_clip(const char *text, int64_t length, qctx_spans *pieces, qctx_error *error)
{
    static const char iota[] = "\u0345";
    qctx_status status = QCTX_OK;

    for (int64_t at = 0; at < length && status == QCTX_OK;) {
        const char *found = memmem(text + at, (size_t)(length - at), iota, strlen(iota));
        int64_t end = found == NULL ? length : found - text;
        int64_t first = pieces->count;

        status = divide(text + at, end - at, true, pieces, error);
        for (int64_t i = first; i < pieces->count; i++) {
            pieces->items[i].first += at;
            pieces->items[i].end += at;
        }
        at = end + (int64_t)strlen(iota);
    }
    return status;
}
