/*
 * A pretrained sentence encoder as people have it: a folder of one of three kinds, told by the files in it.
 *
 *   sentence-transformers   modules.json: Transformer, Pooling, Dense …, Normalize; prompts; max_seq_length
 *   OpenCLIP                open_clip_config.json, open_clip_model.safetensors, of which the text tower is read
 *   Hugging Face            config.json, model.safetensors (or its index); CLIP's is pooled at the end of the text, the
 *                           others by mean, as sentence-transformers pools a folder that says nothing of pooling
 *
 * One that holds both of the latter is OpenCLIP's where open_clip_model.safetensors is there.
 *
 * What is not supported (architecture, activation, kind of positions, pooling, module) is refused by name, with what
 * is; nothing is guessed. Which tensors there must be, and of what shapes, follows from the configuration:
 * transformer/transformer asks for them.
 */
#ifndef QCTX_TRANSFORMER_MODEL_FOLDER_H
#define QCTX_TRANSFORMER_MODEL_FOLDER_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/linalg/linear.h"
#include "qctx/transformer/safetensors.h"

/* Their numbers are part of fingerprints: a new one comes last. */
typedef enum {
    QCTX_BERT,       /* Devlin et al. 2019; MiniLM, BGE, E5 and GTE are BERT models */
    QCTX_DISTILBERT, /* Sanh et al. 2019 */
    QCTX_ROBERTA,    /* Liu et al. 2019 */
    QCTX_MPNET,      /* Song et al. 2020: relative position bias, as T5 */
    QCTX_CLIP_TEXT,  /* Radford et al. 2021, in Hugging Face's names */
    QCTX_OPEN_CLIP,  /* the same network in OpenCLIP's names and layout of tensors */
} qctx_architecture;
/* As config.json's model_type has them. */
extern const char *const qctx_architecture_names[];

/* A bit set: several are joined side by side. Their numbers are part of fingerprints. */
enum {
    QCTX_POOL_CLS = 1,
    QCTX_POOL_MAX = 2,
    QCTX_POOL_MEAN = 4,
    QCTX_POOL_LAST = 8,
    QCTX_POOL_END_OF_TEXT = 16,   /* CLIP's: at the first end-of-text token */
    QCTX_POOL_MEAN_SQRT_LEN = 32, /* the sum over the root of the number of tokens */
    QCTX_POOL_WEIGHTED_MEAN = 64, /* token i of n weighs i, from 1 on (SGPT, Muennighoff 2022) */
};
/* All of them in the order in which joined ones stand, 0 at the end. */
extern const unsigned qctx_poolings[];

/* A linear layer behind the pooling: y = function(x·Wᵀ + b). */
typedef struct {
    int64_t input, output;
    bool bias;
    qctx_linear_function function;
    qctx_safetensors *tensors; /* linear.weight [output, input], linear.bias [output]; owned by the folder */
} qctx_dense;

typedef struct {
    char *path;       /* as given, without slashes at its end */
    const char *kind; /* "sentence-transformers", "OpenCLIP", "Hugging Face" */
    qctx_architecture architecture;
    int64_t layers;
    int64_t hidden;                /* d: width between layers */
    int64_t heads;                 /* divides d */
    int64_t intermediate;          /* width inside the feed-forward part */
    int64_t vocabulary;            /* rows of the word embeddings */
    int64_t positions;             /* rows of the position embeddings */
    int64_t first_position;        /* of the first token: padding_idx + 1 for RoBERTa and MPNet, else 0 */
    int64_t types;                 /* rows of the token type embeddings; 0: none */
    int64_t buckets;               /* of MPNet's relative positions; else 0 */
    int64_t projection;            /* columns of CLIP's text projection; 0: none */
    int64_t end_of_text;           /* CLIP: id that pooling looks for; −1: the highest id in the text */
    qctx_linear_function function; /* of the feed-forward part */
    double epsilon;                /* of layer normalisation */
    unsigned pooling;              /* QCTX_POOL_… */
    int64_t max_tokens;            /* longest text in tokens, special ones included */
    int64_t dense_count;
    qctx_dense *dense;
    char *question_prompt; /* prepended to questions and contexts before tokenising; "" for none */
    char *context_prompt;
    char *tokenizer;           /* folder of the tokenizer's files */
    bool open_clip_tokenizer;  /* texts are cleaned as OpenCLIP's own tokenizer does */
    bool lowercase;            /* texts are put into lower case before the tokenizer's own normaliser */
    const char *prefix;        /* of the tensors' names: "", "bert.", "text_model.", "text." …; owned by the folder */
    qctx_safetensors *tensors; /* of the transformer */
} qctx_model_folder;

/*
 * Whether `path` is a folder of one of the three kinds: it has modules.json, open_clip_config.json or config.json.
 * Local. Cannot fail.
 */
bool qctx_model_folder_is(const char *path);

/*
 * Reads the configuration and maps the tensors. Local. The caller closes it (safe on a zeroed one).
 * Errors: IO, MEMORY, FORMAT (file, key, found, expected), CONFIG (not supported: what, and what is).
 */
qctx_status qctx_model_folder_open(const char *path, qctx_model_folder *folder, qctx_error *error);
void qctx_model_folder_close(qctx_model_folder *folder);

/*
 * Hash of what decides the vectors of tokens: the weights, without the tower for images, and the configuration as read,
 * without prompts. The tokenizer's own hash and the prompts are to be joined to it by who holds both. Reads all
 * weights. Local. Errors: none so far.
 */
uint64_t qctx_model_folder_hash(const qctx_model_folder *folder);

/* Poolings from a text, "mean" or "cls+max". Local. Errors: CONFIG (an unknown one, with those that there are). */
qctx_status qctx_pooling_parse(const char *text, unsigned *pooling, qctx_error *error);

#endif
