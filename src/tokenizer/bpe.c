/* Byte pair encoding (Sennrich et al. 2016): a word is spelt in the smallest tokens, then merged. */
#include "bpe_internal.h"

#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"
#include "qctx/text/unicode.h"

struct tokenizer_bpe {
    const tokenizer_vocabulary *vocabulary;
    bpe_merges merges;
    char *prefix;
    char *suffix;
    int32_t unknown; /* −1: none */
    bool byte_level;
    bool fuse_unknown;
    int32_t bytes[2][2][256]; /* of byte level: the id of a byte that is [first] and [last] in its word, or −1 */
};

/* What stands for a byte in GPT-2's vocabulary: itself where it is printable in Latin-1, else the next from U+0100. */
static void byte_points(uint32_t points[256])
{
    uint32_t next = 0x100;

    for (uint32_t byte = 0; byte < 256; byte++) {
        bool printable = (byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte != 0xad);

        points[byte] = printable ? byte : next++;
    }
}

/* The token that a character is by itself in a word, or −1. */
static int32_t symbol_of(const tokenizer_bpe *bpe, const char *character, int64_t length, bool first, bool last)
{
    char token[2 * BPE_AFFIX_MOST + 8];
    size_t prefix = first ? 0 : strlen(bpe->prefix);
    size_t suffix = last ? strlen(bpe->suffix) : 0;

    memcpy(token, bpe->prefix, prefix);
    memcpy(token + prefix, character, (size_t)length);
    memcpy(token + prefix + length, bpe->suffix, suffix);
    return tokenizer_vocabulary_find(bpe->vocabulary, token, (int64_t)(prefix + suffix) + length);
}

static void find_bytes(tokenizer_bpe *bpe)
{
    uint32_t points[256];

    byte_points(points);
    for (int byte = 0; byte < 256; byte++) {
        char character[4];
        int length = qctx_unicode_put(points[byte], character);

        for (int first = 0; first < 2; first++)
            for (int last = 0; last < 2; last++)
                bpe->bytes[first][last][byte] = symbol_of(bpe, character, length, first, last);
    }
}

static qctx_status take_affix(const char *affix, const char *name, const char *place, char **kept, qctx_error *error)
{
    if (strlen(affix) > BPE_AFFIX_MOST)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: %s has %zu bytes; expected at most %d", place, name,
                         strlen(affix), BPE_AFFIX_MOST);
    *kept = qctx_strdup(affix, error);
    return *kept == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
}

static qctx_status take_unknown(tokenizer_bpe *bpe, const char *unknown, const char *place, qctx_error *error)
{
    bpe->unknown = unknown == NULL ? -1 : tokenizer_vocabulary_find(bpe->vocabulary, unknown, (int64_t)strlen(unknown));
    if (unknown != NULL && bpe->unknown < 0)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: the vocabulary has no token '%s', which unk_token names", place,
                         unknown);
    return QCTX_OK;
}

qctx_status tokenizer_bpe_create(const tokenizer_vocabulary *vocabulary, const json_t *merges,
                                 const tokenizer_bpe_settings *settings, const char *place, tokenizer_bpe **created,
                                 qctx_error *error)
{
    tokenizer_bpe *bpe = qctx_alloc(1, sizeof *bpe, "a tokenizer", error);
    qctx_status status = QCTX_ERR_MEMORY;

    *created = NULL;
    if (bpe == NULL)
        return status;
    bpe->vocabulary = vocabulary;
    bpe->byte_level = settings->byte_level;
    bpe->fuse_unknown = settings->fuse_unknown;
    status = take_affix(settings->continuing_prefix, "continuing_subword_prefix", place, &bpe->prefix, error);
    if (status == QCTX_OK)
        status = take_affix(settings->end_of_word_suffix, "end_of_word_suffix", place, &bpe->suffix, error);
    if (status == QCTX_OK)
        status = take_unknown(bpe, settings->unknown, place, error);
    if (status == QCTX_OK)
        status = bpe_merges_create(vocabulary, merges, bpe->prefix, place, &bpe->merges, error);
    if (status != QCTX_OK)
        goto out;
    if (bpe->byte_level)
        find_bytes(bpe);
    *created = bpe;
    bpe = NULL;
out:
    tokenizer_bpe_destroy(bpe);
    return status;
}

void tokenizer_bpe_destroy(tokenizer_bpe *bpe)
{
    if (bpe == NULL)
        return;
    bpe_merges_free(&bpe->merges);
    free(bpe->prefix);
    free(bpe->suffix);
    free(bpe);
}

qctx_status tokenizer_bpe_scratch_create(tokenizer_bpe_scratch **created, qctx_error *error)
{
    *created = qctx_alloc(1, sizeof **created, "a tokenizer's scratch memory", error);
    return *created == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
}

void tokenizer_bpe_scratch_destroy(tokenizer_bpe_scratch *scratch)
{
    if (scratch == NULL)
        return;
    free(scratch->symbols);
    free(scratch->heap);
    free(scratch);
}

static void append(tokenizer_bpe_scratch *scratch, int32_t id)
{
    scratch->symbols[scratch->count] = (bpe_symbol){id, scratch->count - 1, scratch->count + 1};
    scratch->count++;
}

/* Writes a piece's symbols, one a character or byte, into the scratch, which has room for them. */
static void spell(const tokenizer_bpe *bpe, tokenizer_bpe_scratch *scratch, const char *piece, int64_t length)
{
    bool after_unknown = false;

    scratch->count = 0;
    for (int64_t at = 0, next = 0; at < length; at = next) {
        uint32_t point;
        int32_t id;

        next = bpe->byte_level ? at + 1 : qctx_unicode_next(piece, length, at, &point);
        if (bpe->byte_level)
            id = bpe->bytes[at == 0][next == length][(unsigned char)piece[at]];
        else
            id = symbol_of(bpe, piece + at, next - at, at == 0, next == length);
        if (id >= 0)
            append(scratch, id);
        else if (bpe->unknown >= 0 && !(bpe->fuse_unknown && after_unknown))
            append(scratch, bpe->unknown);
        after_unknown = id < 0;
    }
    if (scratch->count > 0)
        scratch->symbols[scratch->count - 1].next = -1;
}

qctx_status tokenizer_bpe_encode(const tokenizer_bpe *bpe, tokenizer_bpe_scratch *scratch, const char *piece,
                                 int64_t length, qctx_ids *ids, qctx_error *error)
{
    qctx_status status = qctx_grow((void **)&scratch->symbols, &scratch->symbols_capacity, length,
                                   sizeof *scratch->symbols, "the symbols of a word", error);

    if (status != QCTX_OK)
        return status;
    spell(bpe, scratch, piece, length);
    status = bpe_merge_word(&bpe->merges, scratch, error);
    if (status != QCTX_OK)
        return status;
    status = qctx_grow((void **)&ids->items, &ids->capacity, ids->count + scratch->count, sizeof *ids->items,
                       "token ids", error);
    if (status != QCTX_OK)
        return status;
    for (int64_t at = scratch->count > 0 ? 0 : -1; at >= 0; at = scratch->symbols[at].next)
        ids->items[ids->count++] = scratch->symbols[at].id;
    return QCTX_OK;
}
