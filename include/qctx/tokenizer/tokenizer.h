/*
 * Tokenizers of pretrained models: text in, token ids out, exactly as the original library gives them.
 *
 *   WordPiece         Schuster and Nakajima 2012, as BERT uses it (DistilBERT, MPNet): longest match first
 *   byte-level BPE    Sennrich et al. 2016 over bytes, as GPT-2 and RoBERTa use it
 *   CLIP's BPE        lower-cased, with "</w>" at the ends of words
 *
 * Read from tokenizer.json where there is one (its normaliser, pre-tokeniser, model, post-processor and added tokens;
 * what it says that is not known here is refused by name, with what is), else from vocab.txt, or vocab.json and
 * merges.txt; with tokenizer_config.json and special_tokens_map.json, whose keys docs/encoders.md lists. Where these
 * name a class that builds its stages itself, they are built as transformers 5 does it, whatever tokenizer.json says.
 */
#ifndef QCTX_TOKENIZER_TOKENIZER_H
#define QCTX_TOKENIZER_TOKENIZER_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/tokenizer/ids.h"

typedef struct qctx_tokenizer qctx_tokenizer;
typedef struct qctx_tokenizer_scratch qctx_tokenizer_scratch;

/* What is said of a tokenizer outside its own files. */
typedef struct {
    bool open_clip; /* texts are cleaned as OpenCLIP's own tokenizer does it before */
    bool lowercase; /* a step of lower case stands before its normaliser (sentence-transformers' do_lower_case) */
} qctx_tokenizer_settings;

/*
 * The tokenizer of a model's folder. Local. The caller destroys it (NULL-safe). Errors: IO, MEMORY, FORMAT (file, key,
 * found, expected), CONFIG (not supported: what, and what is).
 */
qctx_status qctx_tokenizer_open(const char *folder, qctx_tokenizer_settings settings, qctx_tokenizer **opened,
                                qctx_error *error);
void qctx_tokenizer_destroy(qctx_tokenizer *tokenizer);

/* One more than the highest id it can give, added tokens included; and one more than that of its vocabulary. Local. */
int64_t qctx_tokenizer_size(const qctx_tokenizer *tokenizer);
int64_t qctx_tokenizer_vocabulary(const qctx_tokenizer *tokenizer);

/* Hash of everything that decides ids: the bytes of the files that were read. Local. */
uint64_t qctx_tokenizer_hash(const qctx_tokenizer *tokenizer);

/* What a thread needs beside the tokenizer, which all threads share. Local. Errors: MEMORY, INTERNAL. */
qctx_status qctx_tokenizer_scratch_create(const qctx_tokenizer *tokenizer, qctx_tokenizer_scratch **created,
                                          qctx_error *error);
void qctx_tokenizer_scratch_destroy(qctx_tokenizer_scratch *scratch);

/*
 * Appends the ids of a text in UTF-8 to `ids`, with the special tokens that the tokenizer puts around a single text;
 * never more than `most` ids in all: the text's own are cut at the end, or at the beginning where the files say so, and
 * `*truncated` says so. Local. Errors: MEMORY; DATA (`most` leaves no room for a single token).
 */
qctx_status qctx_tokenizer_encode(const qctx_tokenizer *tokenizer, qctx_tokenizer_scratch *scratch, const char *text,
                                  int64_t most, qctx_ids *ids, bool *truncated, qctx_error *error);

#endif
