#include "qctx/tokenizer/tokenizer.h"

#include <stddef.h>

qctx_status qctx_tokenizer_open(const char *folder, bool open_clip, qctx_tokenizer **opened, qctx_error *error)
{
    (void)open_clip;
    *opened = NULL;
    return qctx_fail(error, QCTX_ERR_INTERNAL, "%s: tokenizers are not read yet", folder);
}

void qctx_tokenizer_destroy(qctx_tokenizer *tokenizer)
{
    (void)tokenizer;
}

int64_t qctx_tokenizer_size(const qctx_tokenizer *tokenizer)
{
    (void)tokenizer;
    return 0;
}

const char *qctx_tokenizer_token(const qctx_tokenizer *tokenizer, int32_t id)
{
    (void)tokenizer, (void)id;
    return NULL;
}

uint64_t qctx_tokenizer_hash(const qctx_tokenizer *tokenizer)
{
    (void)tokenizer;
    return 0;
}

qctx_status qctx_tokenizer_scratch_create(const qctx_tokenizer *tokenizer, qctx_tokenizer_scratch **created,
                                          qctx_error *error)
{
    (void)tokenizer;
    *created = NULL;
    return qctx_fail(error, QCTX_ERR_INTERNAL, "tokenizers do not work yet");
}

void qctx_tokenizer_scratch_destroy(qctx_tokenizer_scratch *scratch)
{
    (void)scratch;
}

qctx_status qctx_tokenizer_encode(const qctx_tokenizer *tokenizer, qctx_tokenizer_scratch *scratch, const char *text,
                                  int64_t most, qctx_ids *ids, bool *truncated, qctx_error *error)
{
    (void)tokenizer, (void)scratch, (void)text, (void)most, (void)ids;
    *truncated = false;
    return qctx_fail(error, QCTX_ERR_INTERNAL, "tokenizers do not work yet");
}
