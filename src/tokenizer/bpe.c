#include "tokenizer_internal.h"

qctx_status tokenizer_bpe_create(const tokenizer_vocabulary *vocabulary, const json_t *merges,
                                 const tokenizer_bpe_settings *settings, const char *place, tokenizer_bpe **created,
                                 qctx_error *error)
{
    (void)vocabulary, (void)merges, (void)settings;
    *created = NULL;
    return qctx_fail(error, QCTX_ERR_INTERNAL, "%s: byte pair encoding does not work yet", place);
}

void tokenizer_bpe_destroy(tokenizer_bpe *bpe)
{
    (void)bpe;
}

qctx_status tokenizer_bpe_read_merges(const char *path, json_t **merges, qctx_error *error)
{
    *merges = NULL;
    return qctx_fail(error, QCTX_ERR_INTERNAL, "%s: merges are not read yet", path);
}

qctx_status tokenizer_bpe_scratch_create(tokenizer_bpe_scratch **created, qctx_error *error)
{
    *created = NULL;
    return qctx_fail(error, QCTX_ERR_INTERNAL, "byte pair encoding does not work yet");
}

void tokenizer_bpe_scratch_destroy(tokenizer_bpe_scratch *scratch)
{
    (void)scratch;
}

qctx_status tokenizer_bpe_encode(const tokenizer_bpe *bpe, tokenizer_bpe_scratch *scratch, const char *piece,
                                 int64_t length, qctx_ids *ids, qctx_error *error)
{
    (void)bpe, (void)scratch, (void)piece, (void)length, (void)ids;
    return qctx_fail(error, QCTX_ERR_INTERNAL, "byte pair encoding does not work yet");
}
