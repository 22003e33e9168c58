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
    bool keeps_end; /* long texts are cut at their beginning */
    uint64_t hash;
};

/*
 * Fills the stages of an empty tokenizer from an object as in tokenizer.json, in which "split_special_tokens" may be
 * set, too; `path` begins messages. Local. Errors: MEMORY, INTERNAL, FORMAT, CONFIG.
 */
qctx_status tokenizer_read(const json_t *root, const char *path, qctx_tokenizer *tokenizer, qctx_error *error);

/*
 * Such an object from the files of a model's folder, whichever there are, and the hash of what was read. The caller
 * owns `*root` and `*path`, the file that it mostly comes from (NULL if none was read). Local. Errors: IO, MEMORY,
 * FORMAT, CONFIG.
 */
qctx_status tokenizer_folder_read(const char *folder, qctx_tokenizer_settings settings, json_t **root, char **path,
                                  uint64_t *hash, qctx_error *error);

/*
 * Refuses keys of tokenizer_config.json that would change ids and are not followed; unknown ones are named on the log.
 * Local. Errors: CONFIG.
 */
qctx_status tokenizer_config_check(const json_t *config, const char *path, qctx_error *error);

/*
 * Adds what special_tokens_map.json says (NULL: there is none), and brings the special tokens that have no place of
 * their own under two keys: a list, "extra_special_tokens", and an object of names, "model_specific_special_tokens".
 * Local. Errors: MEMORY.
 */
qctx_status tokenizer_config_add_map(json_t *config, const json_t *map, qctx_error *error);

/*
 * Puts the settings of encoding into an object as in tokenizer.json: the side that is cut, and whether special tokens
 * are split; into the hash, where they are not as usual. Local. Errors: MEMORY, FORMAT.
 */
qctx_status tokenizer_config_apply(const json_t *config, const char *path, json_t *root, uint64_t *hash,
                                   qctx_error *error);

#endif
