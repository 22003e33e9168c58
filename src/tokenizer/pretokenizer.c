/* The splitters of a pre-tokeniser, each dividing the pieces of the one before. */
#include <stdlib.h>
#include <string.h>

#include "pretokenizer_internal.h"
#include "split_internal.h"

void tokenizer_pieces_free(tokenizer_pieces *pieces)
{
    free(pieces->spans.items);
    free(pieces->spare.items);
    free(pieces->made.bytes);
    *pieces = (tokenizer_pieces){0};
}

void tokenizer_pretokenizer_destroy(tokenizer_pretokenizer *pretokenizer)
{
    if (pretokenizer == NULL)
        return;
    free(pretokenizer->stages);
    free(pretokenizer);
}

bool tokenizer_pretokenizer_is_byte_level(const tokenizer_pretokenizer *pretokenizer)
{
    return pretokenizer->byte_level;
}

/* Bytes of the special token that CLIP's text begins with, or 0. */
static int64_t clip_special(const char *text, int64_t length)
{
    static const char *const specials[] = {"<|startoftext|>", "<|endoftext|>"};

    for (size_t i = 0; i < sizeof specials / sizeof *specials; i++) {
        size_t bytes = strlen(specials[i]);

        if (length >= (int64_t)bytes && memcmp(text, specials[i], bytes) == 0)
            return (int64_t)bytes;
    }
    return 0;
}

/* Adds `by` to the spans from `first` on, which were counted from a later byte of the text. */
static void shift(qctx_spans *spans, int64_t first, int64_t by)
{
    for (int64_t i = first; i < spans->count; i++) {
        spans->items[i].first += by;
        spans->items[i].end += by;
    }
}

qctx_status pretokenizer_split_clip_specials(const char *text, int64_t length, qctx_spans *pieces, qctx_error *error)
{
    int64_t at = 0;

    /* A special token is seen where a piece begins; what is behind it is divided anew. */
    for (;;) {
        int64_t first = pieces->count, special = 0;
        qctx_status status = tokenizer_split_clip(text + at, length - at, pieces, error);

        if (status != QCTX_OK)
            return status;
        shift(pieces, first, at);
        for (int64_t i = first; i < pieces->count && special == 0; i++) {
            special = clip_special(text + pieces->items[i].first, length - pieces->items[i].first);
            if (special > 0) {
                at = pieces->items[i].end = pieces->items[i].first + special;
                pieces->count = i + 1;
            }
        }
        if (special == 0)
            return QCTX_OK;
    }
}

/* Divides each piece further. */
static qctx_status divide(pretokenizer_splitter *splitter, tokenizer_pieces *pieces, qctx_error *error)
{
    qctx_spans whole = pieces->spans;
    qctx_status status = QCTX_OK;

    pieces->spare.count = 0;
    for (int64_t i = 0; i < whole.count && status == QCTX_OK; i++) {
        int64_t first = pieces->spare.count, offset = whole.items[i].first;

        status = splitter(pieces->bytes + offset, whole.items[i].end - offset, &pieces->spare, error);
        shift(&pieces->spare, first, offset);
    }
    pieces->spans = pieces->spare;
    pieces->spare = whole;
    return status;
}

static qctx_status put_spaces(tokenizer_pieces *pieces, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    pieces->made.length = 0;
    for (int64_t i = 0; i < pieces->spans.count && status == QCTX_OK; i++) {
        qctx_span *span = &pieces->spans.items[i];
        int64_t length = span->end - span->first, first = pieces->made.length;

        if (pieces->bytes[span->first] != ' ')
            status = tokenizer_text_append(&pieces->made, " ", 1, error);
        if (status == QCTX_OK)
            status = tokenizer_text_append(&pieces->made, pieces->bytes + span->first, length, error);
        *span = (qctx_span){first, pieces->made.length};
    }
    pieces->bytes = pieces->made.bytes;
    return status;
}

qctx_status tokenizer_pretokenizer_run(const tokenizer_pretokenizer *pretokenizer, const char *text, int64_t length,
                                       tokenizer_pieces *pieces, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    pieces->bytes = text;
    pieces->spans.count = 0;
    if (length > 0)
        status = split_append(&pieces->spans, 0, length, error);
    for (int64_t i = 0; i <= pretokenizer->count && status == QCTX_OK; i++) {
        if (pretokenizer->prefix_space && i == pretokenizer->count_before)
            status = put_spaces(pieces, error);
        if (i < pretokenizer->count && status == QCTX_OK)
            status = divide(pretokenizer->stages[i], pieces, error);
    }
    return status;
}
