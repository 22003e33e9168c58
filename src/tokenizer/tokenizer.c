#include "qctx/tokenizer/tokenizer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"
#include "qctx/text/unicode.h"
#include "tokenizer_internal.h"

struct qctx_tokenizer_scratch {
    tokenizer_text text, spare, word;
    tokenizer_parts raw, normalized;
    tokenizer_pieces pieces;
    tokenizer_bpe_scratch *bpe;
};

/* Whether it has what OpenCLIP's own tokenizer is made of. */
static bool is_open_clip(const qctx_tokenizer *tokenizer)
{
    return tokenizer->bpe != NULL && tokenizer_pretokenizer_is_byte_level(tokenizer->pretokenizer) &&
           tokenizer->frame.before.count == 1 && tokenizer->frame.behind.count == 1;
}

qctx_status qctx_tokenizer_open(const char *folder, qctx_tokenizer_settings settings, qctx_tokenizer **opened,
                                qctx_error *error)
{
    qctx_tokenizer *tokenizer = qctx_alloc(1, sizeof *tokenizer, "a tokenizer", error);
    json_t *root = NULL;
    char *path = NULL;
    qctx_status status;

    *opened = NULL;
    if (tokenizer == NULL)
        return QCTX_ERR_MEMORY;
    tokenizer->open_clip = settings.open_clip;
    status = tokenizer_folder_read(folder, settings, &root, &path, &tokenizer->hash, error);
    if (status == QCTX_OK)
        status = tokenizer_read(root, path, tokenizer, error);
    if (status == QCTX_OK && settings.open_clip && !is_open_clip(tokenizer))
        status =
            qctx_fail(error, QCTX_ERR_CONFIG,
                      "%s: not the tokenizer of a text tower of OpenCLIP, expected byte-level BPE with one special "
                      "token before a text and one behind it",
                      path);
    if (status == QCTX_OK)
        *opened = tokenizer;
    else
        qctx_tokenizer_destroy(tokenizer);
    json_decref(root);
    free(path);
    return status;
}

void qctx_tokenizer_destroy(qctx_tokenizer *tokenizer)
{
    if (tokenizer == NULL)
        return;
    tokenizer_wordpiece_destroy(tokenizer->wordpiece);
    tokenizer_bpe_destroy(tokenizer->bpe);
    tokenizer_frame_free(&tokenizer->frame);
    tokenizer_added_destroy(tokenizer->added);
    tokenizer_pretokenizer_destroy(tokenizer->pretokenizer);
    tokenizer_normalizer_destroy(tokenizer->normalizer);
    tokenizer_vocabulary_destroy(tokenizer->vocabulary);
    free(tokenizer);
}

int64_t qctx_tokenizer_size(const qctx_tokenizer *tokenizer)
{
    return tokenizer_added_size(tokenizer->added);
}

int64_t qctx_tokenizer_vocabulary(const qctx_tokenizer *tokenizer)
{
    return tokenizer_vocabulary_size(tokenizer->vocabulary);
}

uint64_t qctx_tokenizer_hash(const qctx_tokenizer *tokenizer)
{
    return tokenizer->hash;
}

qctx_status qctx_tokenizer_scratch_create(const qctx_tokenizer *tokenizer, qctx_tokenizer_scratch **created,
                                          qctx_error *error)
{
    qctx_tokenizer_scratch *scratch = qctx_alloc(1, sizeof *scratch, "the scratch of a tokenizer", error);
    qctx_status status = QCTX_OK;

    *created = NULL;
    if (scratch == NULL)
        return QCTX_ERR_MEMORY;
    if (tokenizer->bpe != NULL)
        status = tokenizer_bpe_scratch_create(&scratch->bpe, error);
    if (status == QCTX_OK)
        *created = scratch;
    else
        qctx_tokenizer_scratch_destroy(scratch);
    return status;
}

void qctx_tokenizer_scratch_destroy(qctx_tokenizer_scratch *scratch)
{
    if (scratch == NULL)
        return;
    free(scratch->text.bytes);
    free(scratch->spare.bytes);
    free(scratch->word.bytes);
    free(scratch->raw.items);
    free(scratch->normalized.items);
    tokenizer_pieces_free(&scratch->pieces);
    tokenizer_bpe_scratch_destroy(scratch->bpe);
    free(scratch);
}

/* A list of ids that is filled until it holds `enough`. */
typedef struct {
    qctx_ids *ids;
    int64_t enough;
} target;

static bool is_filled(const target *to)
{
    return to->ids->count >= to->enough;
}

/* Normalised text without added tokens: pieces, then the model of each. */
static qctx_status encode_plain(const qctx_tokenizer *tokenizer, qctx_tokenizer_scratch *scratch, const char *text,
                                int64_t length, const target *to, qctx_error *error)
{
    tokenizer_pieces *pieces = &scratch->pieces;
    qctx_status status = tokenizer_pretokenizer_run(tokenizer->pretokenizer, text, length, pieces, error);

    for (int64_t i = 0; i < pieces->spans.count && status == QCTX_OK && !is_filled(to); i++) {
        const char *piece = pieces->bytes + pieces->spans.items[i].first;
        int64_t bytes = pieces->spans.items[i].end - pieces->spans.items[i].first;

        if (tokenizer->wordpiece != NULL)
            status = tokenizer_wordpiece_encode(tokenizer->wordpiece, &scratch->word, piece, bytes, to->ids, error);
        else
            status = tokenizer_bpe_encode(tokenizer->bpe, scratch->bpe, piece, bytes, to->ids, error);
    }
    return status;
}

/* Text between the added tokens that are looked for before normalising: the others are looked for behind it. */
static qctx_status encode_between(const qctx_tokenizer *tokenizer, qctx_tokenizer_scratch *scratch, const char *text,
                                  int64_t length, const target *to, qctx_error *error)
{
    tokenizer_parts *parts = &scratch->normalized;
    qctx_status status = tokenizer_text_set(&scratch->text, text, length, error);

    if (status == QCTX_OK)
        status = tokenizer_normalizer_run(tokenizer->normalizer, &scratch->text, &scratch->spare, error);
    if (status == QCTX_OK)
        status = tokenizer_added_cut(tokenizer->added, true, scratch->text.bytes, scratch->text.length, parts, error);
    for (int64_t i = 0; status == QCTX_OK && i < parts->count && !is_filled(to); i++) {
        const tokenizer_part *part = &parts->items[i];

        status = part->id >= 0 ? tokenizer_ids_append(to->ids, &part->id, 1, error)
                               : encode_plain(tokenizer, scratch, scratch->text.bytes + part->first,
                                              part->end - part->first, to, error);
    }
    return status;
}

static qctx_status encode_text(const qctx_tokenizer *tokenizer, qctx_tokenizer_scratch *scratch, const char *text,
                               int64_t length, const target *to, qctx_error *error)
{
    tokenizer_parts *parts = &scratch->raw;
    qctx_status status = tokenizer_added_cut(tokenizer->added, false, text, length, parts, error);

    for (int64_t i = 0; status == QCTX_OK && i < parts->count && !is_filled(to); i++) {
        const tokenizer_part *part = &parts->items[i];

        status = part->id >= 0
                     ? tokenizer_ids_append(to->ids, &part->id, 1, error)
                     : encode_between(tokenizer, scratch, text + part->first, part->end - part->first, to, error);
    }
    return status;
}

/*
 * A text that OpenCLIP has cleaned goes straight to its pieces: the stages of the folder's file are those of CLIP's
 * other tokenizer, which normalises differently and has other names for the special tokens.
 */
static qctx_status encode_open_clip(const qctx_tokenizer *tokenizer, qctx_tokenizer_scratch *scratch, const char *text,
                                    int64_t length, const target *to, qctx_error *error)
{
    qctx_spans *spans = &scratch->pieces.spans;
    qctx_status status;

    spans->count = 0;
    status = tokenizer_split_open_clip(text, length, spans, error);
    for (int64_t i = 0; i < spans->count && status == QCTX_OK && !is_filled(to); i++) {
        const char *piece = text + spans->items[i].first;
        int64_t bytes = spans->items[i].end - spans->items[i].first;
        open_clip_piece kind = tokenizer_open_clip_piece(piece, bytes);

        if (kind == OPEN_CLIP_WORD)
            status = tokenizer_bpe_encode(tokenizer->bpe, scratch->bpe, piece, bytes, to->ids, error);
        else
            status = tokenizer_ids_append(
                to->ids, kind == OPEN_CLIP_START ? tokenizer->frame.before.items : tokenizer->frame.behind.items, 1,
                error);
    }
    return status;
}

/* The text as the stages want it: valid UTF-8, and clean where OpenCLIP cleans it. `*owned` is the caller's to free. */
static qctx_status prepare(const qctx_tokenizer *tokenizer, const char **text, int64_t *length, char **owned,
                           qctx_error *error)
{
    char *cleaned = NULL;
    size_t bad;
    qctx_status status = QCTX_OK;

    if (!qctx_text_is_utf8(*text, (size_t)*length, &bad)) {
        status = qctx_unicode_repair(*text, *length, owned, length, error);
        *text = *owned;
    }
    if (!tokenizer->open_clip || status != QCTX_OK)
        return status;
    status = tokenizer_open_clip_clean(*text, *length, &cleaned, length, error);
    free(*owned);
    *text = *owned = cleaned;
    return status;
}

qctx_status qctx_tokenizer_encode(const qctx_tokenizer *tokenizer, qctx_tokenizer_scratch *scratch, const char *text,
                                  int64_t most, qctx_ids *ids, bool *truncated, qctx_error *error)
{
    const tokenizer_frame *frame = &tokenizer->frame;
    int64_t length = (int64_t)strlen(text), room = most - frame->before.count - frame->behind.count, first;
    target to = {.ids = ids};
    char *owned = NULL;
    qctx_status status;

    *truncated = false;
    if (room < 1)
        return qctx_fail(error, QCTX_ERR_DATA,
                         "%" PRId64 " tokens a text leave no room beside %" PRId64 " special ones, expected more", most,
                         frame->before.count + frame->behind.count);
    status = prepare(tokenizer, &text, &length, &owned, error);
    if (status == QCTX_OK)
        status = tokenizer_ids_append(ids, frame->before.items, frame->before.count, error);
    if (status != QCTX_OK)
        goto out;
    /* One more than there is room for tells that the text is longer. */
    first = ids->count;
    to.enough = room < INT64_MAX - first && !tokenizer->keeps_end ? first + room + 1 : INT64_MAX;
    status = tokenizer->open_clip ? encode_open_clip(tokenizer, scratch, text, length, &to, error)
                                  : encode_text(tokenizer, scratch, text, length, &to, error);
    if (status != QCTX_OK)
        goto out;
    *truncated = ids->count - first > room;
    if (*truncated && tokenizer->keeps_end)
        memmove(ids->items + first, ids->items + ids->count - room, (size_t)room * sizeof *ids->items);
    if (*truncated)
        ids->count = first + room;
    status = tokenizer_ids_append(ids, frame->behind.items, frame->behind.count, error);
out:
    free(owned);
    return status;
}
