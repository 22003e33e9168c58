/* CLIP's pre-tokeniser: one character class at a time, digits alone, white space left out. */
#include "split_internal.h"

qctx_status tokenizer_split_clip(const char *text, int64_t length, qctx_spans *pieces, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    for (int64_t at = 0, end = 0; at < length && status == QCTX_OK; at = end) {
        split_class class = split_class_at(text, length, at, &end);

        if (class == SPLIT_SPACE)
            continue;
        if (class == SPLIT_OTHER && split_contraction(text, length, at) > 0)
            end = at + split_contraction(text, length, at);
        else if (class != SPLIT_NUMBER)
            end = split_run_end(text, length, at, class);
        status = split_append(pieces, at, end, error);
    }
    return status;
}
