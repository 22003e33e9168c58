/*
 * What the classes of transformers make of a model's files (version 5): BertTokenizer, MPNetTokenizer, RobertaTokenizer
 * and CLIPTokenizer build their stages of the vocabulary and tokenizer_config.json, from vocab.txt or vocab.json as
 * from tokenizer.json, whose own stages they leave; PreTrainedTokenizerFast follows tokenizer.json and adds tokens to
 * it. All of it becomes one object in the shape of tokenizer.json.
 */
#ifndef QCTX_TOKENIZER_CLASS_INTERNAL_H
#define QCTX_TOKENIZER_CLASS_INTERNAL_H

#include "pipeline.h"

/* CLASS_FILE: no class of its own, tokenizer.json is followed. */
typedef enum { CLASS_BERT, CLASS_MPNET, CLASS_ROBERTA, CLASS_CLIP, CLASS_FILE } class_kind;

/* The special tokens, in the order in which they are added. */
enum { CLASS_BOS, CLASS_EOS, CLASS_UNK, CLASS_SEP, CLASS_PAD, CLASS_CLS, CLASS_MASK, CLASS_NAMES };

/* What is read before anything is made; all borrowed. */
typedef struct {
    class_kind kind;
    const json_t *config; /* tokenizer_config.json, with special_tokens_map.json in it */
    const json_t *added;  /* added_tokens.json, or NULL */
    const json_t *listed; /* the added tokens of tokenizer.json, or NULL */
    json_t *vocabulary;   /* token → id */
    json_t *merges;       /* of BPE, else NULL */
    const char *path;     /* of the configuration, for messages */
} class_files;

/* The added tokens and what the special ones are called. */
typedef struct {
    json_t *list;                   /* as "added_tokens" of tokenizer.json */
    json_t *places;                 /* content → its number in the list */
    const char *names[CLASS_NAMES]; /* NULL: none; borrowed from the files or constant */
    json_t *own;                    /* special tokens that the model names itself, as the files have them */
    int64_t fixed;                  /* so many of the list keep their flags */
    int64_t last;                   /* the highest added id, or −1 */
} class_tokens;

/*
 * Start from {0}. Local. Errors: MEMORY; FORMAT (a token that is no token; with tokenizer.json, an index that is not
 * the id that the library gives).
 */
qctx_status class_tokens_make(const class_files *files, class_tokens *tokens, qctx_error *error);
void class_tokens_free(class_tokens *tokens);

/* The id of a token, added or of the vocabulary. Local. */
int64_t class_tokens_id(const class_files *files, const class_tokens *tokens, const char *content);

/* An object as in tokenizer.json; the caller owns it. Local. Errors: MEMORY, FORMAT. */
qctx_status class_make(const class_files *files, json_t **root, qctx_error *error);

/*
 * Puts the stages of the class in the place of those of tokenizer.json, `root`, that say something else, or adds to the
 * latter's tokens; `config`, `added` and `path` are those of class_files. What is replaced goes into the hash, and is
 * told on the log. Local. Errors: MEMORY, FORMAT.
 */
qctx_status class_replace_stages(class_kind kind, const json_t *config, const json_t *added, const char *path,
                                 json_t *root, uint64_t *hash, qctx_error *error);

/*
 * The kind that a class of transformers or, without one, a model's type says; `whole`: there is a tokenizer.json to
 * follow where no class is named. Local. Errors: CONFIG.
 */
qctx_status class_kind_of(const char *class, const char *model_type, bool whole, const char *folder, class_kind *kind,
                          qctx_error *error);

/* vocab.txt, a token a line, as an object. The caller owns it. Local. Errors: IO, MEMORY, FORMAT. */
qctx_status class_read_lines(const char *path, json_t **vocabulary, qctx_error *error);

#endif
