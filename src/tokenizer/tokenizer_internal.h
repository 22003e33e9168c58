/* What a tokenizer is made of: read by tokenizer_read.c, run by tokenizer.c. */
#ifndef QCTX_TOKENIZER_TOKENIZER_INTERNAL_H
#define QCTX_TOKENIZER_TOKENIZER_INTERNAL_H

#include "pipeline.h"
#include "qctx/tokenizer/tokenizer.h"

struct qctx_tokenizer {
    tokenizer_vocabulary *vocabulary;
    tokenizer_normalizer *normalizer;
    tokenizer_pretokenizer *pretokenizer;
    tokenizer_added *added;
    tokenizer_frame frame;
    tokenizer_wordpiece *wordpiece; /* NULL: the model is BPE */
    tokenizer_bpe *bpe;
    bool open_clip;
    uint64_t hash;
};

/*
 * Fills the stages of an empty tokenizer from an object as in tokenizer.json; `path` begins messages. Local. Errors:
 * MEMORY, INTERNAL, FORMAT, CONFIG.
 */
qctx_status tokenizer_read(const json_t *root, const char *path, qctx_tokenizer *tokenizer, qctx_error *error);

/*
 * Such an object from the files of a model's folder, whichever there are, and the hash of what was read. The caller
 * owns `*root` and `*path`, the file that it mostly comes from (NULL if none was read). Local. Errors: IO, MEMORY,
 * FORMAT, CONFIG.
 */
qctx_status tokenizer_folder_read(const char *folder, qctx_tokenizer_settings settings, json_t **root, char **path,
                                  uint64_t *hash, qctx_error *error);

#endif
