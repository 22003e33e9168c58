/* Parts of the pretrained encoder; include/qctx/encoder/pretrained.h says what it does. */
#ifndef QCTX_ENCODER_PRETRAINED_INTERNAL_H
#define QCTX_ENCODER_PRETRAINED_INTERNAL_H

#include "qctx/encoder/pretrained.h"
#include "qctx/tokenizer/tokenizer.h"
#include "qctx/transformer/transformer.h"

extern const char pretrained_place[]; /* what messages about settings begin with */

/* Settings as given; texts are owned. */
typedef struct {
    char *model, *context_model; /* "" for the same */
    qctx_precision precision;
    int64_t dim;                          /* 0: all */
    char *pooling;                        /* "" for the folder's */
    char *prompts[QCTX_SIDE_COUNT];       /* NULL for the folder's */
    char hash[sizeof "0123456789abcdef"]; /* "" where none is expected */
} pretrained_settings;

/* Reads a JSON text, or the defaults for NULL. Local. Errors: CONFIG, MEMORY. The caller frees it in any case. */
qctx_status pretrained_settings_read(const char *text, pretrained_settings *settings, qctx_error *error);
void pretrained_settings_free(pretrained_settings *settings);

/* A folder with all that is made of it. */
typedef struct {
    qctx_model_folder folder;
    qctx_tokenizer *tokenizer;
    unsigned pooling; /* 0: the folder's */
    int64_t dim;      /* of the vectors that it gives */
    uint64_t hash;
    qctx_transformer *transformer; /* NULL until something is encoded */
} pretrained_model;

typedef struct {
    pretrained_settings settings; /* precision, dim, prompts and hash resolved */
    pretrained_model models[2];   /* the second where contexts have their own */
    int model_count;
    qctx_encoder_work work;
} pretrained_state;

/* The number of a side's model. Local. Cannot fail. */
int pretrained_model_of(const pretrained_state *state, qctx_side side);

/*
 * Opens a folder, checks that a transformer can be made of it, and makes its tokenizer. Local.
 * Errors: IO (not found), CONFIG, FORMAT, MEMORY, MISMATCH (tokenizer and embeddings). The caller closes it in any
 * case.
 */
qctx_status pretrained_model_open(const char *path, const pretrained_settings *settings, pretrained_model *model,
                                  qctx_error *error);
void pretrained_model_close(pretrained_model *model);

/*
 * The same, wherever the folder is now: as it is named, beside a run, or in the folders of QCTX_MODELS; there also
 * under another name if `by_hash` and the settings have a hash. Local. Errors: those, and IO with where it was looked
 * for.
 */
qctx_status pretrained_model_find(const char *path, bool by_hash, const pretrained_settings *settings,
                                  pretrained_model *model, qctx_error *error);

/* Whether the hash of a model is that of 16 hexadecimal digits. Local. */
bool pretrained_has_hash(const pretrained_model *model, const char *expected);

/*
 * Packs the weights if they are not yet. A run whose vectors are all cached opens its models for their fingerprints
 * alone, and has no use for that time and memory. Local. Errors: MEMORY.
 */
qctx_status pretrained_model_load(pretrained_model *model, qctx_precision precision, qctx_error *error);

/* The token ids of texts, in the order of groups: the longest text first. */
typedef struct {
    int64_t count;
    int64_t *order;   /* [count]: number of the text in the call */
    int64_t *offsets; /* [count + 1]: ids of the text at that place */
    int32_t *ids;
    int64_t truncated;
} pretrained_tokens;

/* Tokenises on the threads of the rank. Local. Errors: MEMORY, INTERNAL, DATA. The caller frees it in any case. */
qctx_status pretrained_tokenise(const pretrained_model *model, const char *prompt, const char *const *texts,
                                int64_t count, pretrained_tokens *tokens, qctx_error *error);
void pretrained_tokens_free(pretrained_tokens *tokens);

/* rows [count, dim] of tokenised texts, of unit length, where the texts were. Local. Errors: MEMORY, DATA. */
qctx_status pretrained_run(const pretrained_model *model, const pretrained_tokens *tokens, int64_t dim,
                           const char *const *texts, float *rows, qctx_error *error);

/* Takes a thread's failure into the team's record, unless that holds one; inside a critical section. Local. */
void pretrained_take_error(qctx_status *status, qctx_error *error, qctx_status own_status, const qctx_error *own);

/* The class's functions that stand in files of their own. */
qctx_status pretrained_encode(void *opaque, qctx_side side, const char *const *texts, int64_t count, float *rows,
                              qctx_error *error);
char *pretrained_settings_text(const void *opaque, qctx_error *error);
char *pretrained_identity(const void *opaque, qctx_error *error);

#endif
