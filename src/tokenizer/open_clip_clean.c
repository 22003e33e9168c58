#include "tokenizer_internal.h"

qctx_status tokenizer_open_clip_clean(qctx_text *tools, const char *text, int64_t length, char **cleaned,
                                      int64_t *cleaned_length, qctx_error *error)
{
    (void)tools, (void)text, (void)length;
    *cleaned = NULL;
    *cleaned_length = 0;
    return qctx_fail(error, QCTX_ERR_INTERNAL, "texts are not cleaned yet");
}
