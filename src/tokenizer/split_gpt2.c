#include "tokenizer_internal.h"

qctx_status tokenizer_split_gpt2(const char *text, int64_t length, qctx_spans *pieces, qctx_error *error)
{
    (void)text, (void)length, (void)pieces;
    return qctx_fail(error, QCTX_ERR_INTERNAL, "this splitter does not work yet");
}
