/* Pre-tokenisers that need no regular expression. */
#include "pipeline.h"
#include "qctx/text/unicode.h"
#include "split_internal.h"

typedef enum { KIND_SPACE, KIND_APART, KIND_WORD } kind; /* left out; a piece by itself; part of a run */

static kind bert_kind(uint32_t point)
{
    if (point < 0x80 ? point == ' ' || (point >= '\t' && point <= '\r') : qctx_unicode_is_space(point))
        return KIND_SPACE;
    return tokenizer_bert_is_punctuation(point) ? KIND_APART : KIND_WORD;
}

static kind space_kind(uint32_t point)
{
    return qctx_unicode_is_space(point) ? KIND_SPACE : KIND_WORD;
}

static qctx_status split(kind (*kind_of)(uint32_t), const char *text, int64_t length, qctx_spans *pieces,
                         qctx_error *error)
{
    int64_t first = 0, at = 0;
    qctx_status status = QCTX_OK;

    while (at < length && status == QCTX_OK) {
        uint32_t point = (unsigned char)text[at];
        int64_t next = point < 0x80 ? at + 1 : qctx_unicode_next(text, length, at, &point);
        kind found = kind_of(point);

        if (found != KIND_WORD) {
            if (first < at)
                status = split_append(pieces, first, at, error);
            if (found == KIND_APART && status == QCTX_OK)
                status = split_append(pieces, at, next, error);
            first = next;
        }
        at = next;
    }
    if (first < at && status == QCTX_OK)
        status = split_append(pieces, first, at, error);
    return status;
}

qctx_status tokenizer_split_bert(const char *text, int64_t length, qctx_spans *pieces, qctx_error *error)
{
    return split(bert_kind, text, length, pieces, error);
}

qctx_status tokenizer_split_spaces(const char *text, int64_t length, qctx_spans *pieces, qctx_error *error)
{
    return split(space_kind, text, length, pieces, error);
}

qctx_status tokenizer_split_words(const char *text, int64_t length, qctx_spans *pieces, qctx_error *error)
{
    enum { SPACE, WORD, OTHER } before = SPACE;
    int64_t first = 0;
    qctx_status status = QCTX_OK;

    for (int64_t at = 0, next; at < length && status == QCTX_OK; at = next) {
        uint32_t point;

        next = qctx_unicode_next(text, length, at, &point);
        int found = qctx_unicode_is_word(point) ? WORD : qctx_unicode_is_space(point) ? SPACE : OTHER;

        if (found == (int)before)
            continue;
        if (before != SPACE)
            status = split_append(pieces, first, at, error);
        before = found;
        first = at;
    }
    if (before != SPACE && status == QCTX_OK)
        status = split_append(pieces, first, length, error);
    return status;
}
