/*
 * The stages of a tokenizer, which its files share:
 *
 *   text ─ added tokens cut out ─ normaliser ─ pre-tokeniser ─ model (WordPiece or BPE) of each piece ─ post-processor
 *
 * The vocabulary is in vocabulary.c, byte pair encoding in bpe*.c, splitters in split_*.c, OpenCLIP's cleaning in
 * open_clip_clean*.c; pipeline.h has the other stages.
 *
 * Texts are UTF-8 with a length in bytes; those that are not are made so by replacement characters first.
 */
#ifndef QCTX_TOKENIZER_STAGES_H
#define QCTX_TOKENIZER_STAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/text/json.h"
#include "qctx/text/text.h"
#include "qctx/tokenizer/ids.h"

/* Tokens and their ids, both ways. */
typedef struct tokenizer_vocabulary tokenizer_vocabulary;

/*
 * From a JSON object {token: id} as in tokenizer.json and vocab.json; `place` begins messages. Local. The caller
 * destroys it (NULL-safe). Errors: MEMORY, FORMAT (an id that is no number from 0 to 2^31 − 2, or is given twice).
 */
qctx_status tokenizer_vocabulary_from_json(const json_t *object, const char *place, tokenizer_vocabulary **created,
                                           qctx_error *error);
void tokenizer_vocabulary_destroy(tokenizer_vocabulary *vocabulary);

/*
 * The id of a token, or −1; the token of an id, or NULL; one more than the highest id; the number of tokens; the bytes
 * of the longest. Local.
 */
int32_t tokenizer_vocabulary_find(const tokenizer_vocabulary *vocabulary, const char *token, int64_t length);
const char *tokenizer_vocabulary_token(const tokenizer_vocabulary *vocabulary, int32_t id);
int64_t tokenizer_vocabulary_size(const tokenizer_vocabulary *vocabulary);
int64_t tokenizer_vocabulary_count(const tokenizer_vocabulary *vocabulary);
int64_t tokenizer_vocabulary_longest(const tokenizer_vocabulary *vocabulary);

/* Byte pair encoding: the merges of a vocabulary, by rank. */
typedef struct tokenizer_bpe tokenizer_bpe;
typedef struct tokenizer_bpe_scratch tokenizer_bpe_scratch;

typedef struct {
    const char *unknown;            /* token of what is not in the vocabulary; NULL: it is left out */
    const char *continuing_prefix;  /* of tokens within a word; "" for none */
    const char *end_of_word_suffix; /* "</w>" of CLIP; "" for none */
    bool byte_level;                /* words are spelt in GPT-2's printable characters, one per byte */
    bool fuse_unknown;              /* one unknown token for several in a row */
} tokenizer_bpe_settings;

/*
 * `merges` is a JSON array of "left right" or ["left", "right"], in order of their rank. The vocabulary is borrowed.
 * Local. The caller destroys it (NULL-safe). Errors: MEMORY, FORMAT (a merge of tokens that the vocabulary lacks).
 */
qctx_status tokenizer_bpe_create(const tokenizer_vocabulary *vocabulary, const json_t *merges,
                                 const tokenizer_bpe_settings *settings, const char *place, tokenizer_bpe **created,
                                 qctx_error *error);
void tokenizer_bpe_destroy(tokenizer_bpe *bpe);

/* The merges of a merges.txt as such an array; a first line "#version…" is skipped. Local. Errors: IO, MEMORY, FORMAT.
 */
qctx_status tokenizer_bpe_read_merges(const char *path, json_t **merges, qctx_error *error);

/* What a thread needs, a cache of words among it. NULL-safe. Local. Errors: MEMORY. */
qctx_status tokenizer_bpe_scratch_create(tokenizer_bpe_scratch **created, qctx_error *error);
void tokenizer_bpe_scratch_destroy(tokenizer_bpe_scratch *scratch);

/* Appends the ids of one piece. Local. Errors: MEMORY. */
qctx_status tokenizer_bpe_encode(const tokenizer_bpe *bpe, tokenizer_bpe_scratch *scratch, const char *piece,
                                 int64_t length, qctx_ids *ids, qctx_error *error);

/*
 * Pre-tokenisers: append the pieces of a text to `pieces`, in order. Local. Errors: MEMORY.
 *
 * bert, as BertPreTokenizer: at white space, and around every punctuation character.
 *
 * gpt2, as ByteLevel (Radford et al. 2019):
 *     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 *
 * clip, where what lies between matches is left out:
 *     's|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+
 */
qctx_status tokenizer_split_bert(const char *text, int64_t length, qctx_spans *pieces, qctx_error *error);
qctx_status tokenizer_split_gpt2(const char *text, int64_t length, qctx_spans *pieces, qctx_error *error);
qctx_status tokenizer_split_clip(const char *text, int64_t length, qctx_spans *pieces, qctx_error *error);

/*
 * What OpenCLIP's own tokenizer does to a text before it cuts it (get_clean_fn('lower') of its tokenizer.py): ftfy's
 * fix_text (6.3, Speer 2019) line by line, HTML's character references, numbers and all names, twice; one space for
 * white space, none at the ends; lower case, with final sigma. Nothing of a folder's normaliser belongs behind it.
 * `text` is valid UTF-8; `*cleaned` is freshly allocated and NUL-terminated. Local. Errors: MEMORY, INTERNAL.
 *
 * What ftfy guesses is left out: text that was decoded in a wrong encoding ("sÃ³") is not repaired (fix_encoding, and
 * with it restore_byte_a0, replace_lossy_sequences and decode_inconsistent_utf8), except for C1 controls, which are
 * Windows-1252 in any case. Lines are not divided every million characters.
 */
qctx_status tokenizer_open_clip_clean(const char *text, int64_t length, char **cleaned, int64_t *cleaned_length,
                                      qctx_error *error);

/*
 * The pieces of a text that is cleaned: CLIP's, and OpenCLIP's special tokens "<start_of_text>" and "<end_of_text>",
 * which it takes out of texts. Its expression disregards case, which matters to 's with a long s and to U+0345. Appends
 * to `pieces`, in order. Local. Errors: MEMORY.
 */
qctx_status tokenizer_split_open_clip(const char *text, int64_t length, qctx_spans *pieces, qctx_error *error);

/* What one of these pieces is. Local. Cannot fail. */
typedef enum { OPEN_CLIP_WORD, OPEN_CLIP_START, OPEN_CLIP_END } open_clip_piece;
open_clip_piece tokenizer_open_clip_piece(const char *piece, int64_t length);

#endif
