/* Parts of the transformer; include/qctx/transformer/transformer.h says what it computes. */
#ifndef QCTX_TRANSFORMER_INTERNAL_H
#define QCTX_TRANSFORMER_INTERNAL_H

#include <stdbool.h>

#include "kernels.h"
#include "qctx/transformer/transformer.h"

/*
 * What a transformer has weights for. Parts from QUERY to SECOND_NORM exist in each layer. The norms stand behind
 * attention and feed-forward part and their residual sums (BERT and its kin), or before the two (CLIP).
 */
typedef enum {
    TRANSFORMER_WORDS,
    TRANSFORMER_POSITIONS,
    TRANSFORMER_TYPES,
    TRANSFORMER_EMBEDDING_NORM,
    TRANSFORMER_BUCKETS, /* MPNet: what is added to scores, by bucket of the distance and head */
    TRANSFORMER_QUERY,
    TRANSFORMER_KEY,
    TRANSFORMER_VALUE,
    TRANSFORMER_JOINT, /* OpenCLIP: queries, keys and values in one */
    TRANSFORMER_OUTPUT,
    TRANSFORMER_FIRST_NORM,
    TRANSFORMER_UP,
    TRANSFORMER_DOWN,
    TRANSFORMER_SECOND_NORM,
    TRANSFORMER_FINAL_NORM,
    TRANSFORMER_PROJECTION,        /* as a linear layer */
    TRANSFORMER_PROJECTION_MATRIX, /* OpenCLIP: rows are multiplied by it as it stands */
    TRANSFORMER_PARTS,
} transformer_part;

/* Whether this model has the part. Local. Cannot fail. */
bool transformer_has(const qctx_model_folder *folder, transformer_part part);

/* Whether it is CLIP in either form: norms before attention and feed-forward part, and a causal mask. Local. */
bool transformer_is_clip(const qctx_model_folder *folder);

/* Whether every tensor is there in its shape. Local. Errors: FORMAT, CONFIG. */
qctx_status transformer_check(const qctx_model_folder *folder, qctx_error *error);

/* A part's weight, or its bias; `layer` counts where there is one in each. Local. Errors: FORMAT, MEMORY. */
qctx_status transformer_tensor(const qctx_model_folder *folder, transformer_part part, int64_t layer, bool bias,
                               const qctx_tensor **found, qctx_error *error);

/* All values of a part's weight or bias, in float32. Local. Errors: FORMAT, MEMORY. */
qctx_status transformer_read(const qctx_model_folder *folder, transformer_part part, int64_t layer, bool bias,
                             float *values, qctx_error *error);

/* Weight [3d, d] or bias [3d] of queries, keys and values, one below the other. Local. Errors: FORMAT, MEMORY. */
qctx_status transformer_read_joint(const qctx_model_folder *folder, int64_t layer, bool bias, float *values,
                                   qctx_error *error);

/* Weight [projection, d] of CLIP's text projection, as a linear layer. Local. Errors: FORMAT, MEMORY. */
qctx_status transformer_read_projection(const qctx_model_folder *folder, float *values, qctx_error *error);

/* Weight [output, input] and bias [output] (if it has one) of a dense layer. Local. Errors: FORMAT. */
qctx_status transformer_check_dense(const qctx_dense *dense, const qctx_tensor **weight, const qctx_tensor **bias,
                                    qctx_error *error);

/*
 * Length of a pooled vector before dense layers and projection: d for each pooling. Refuses poolings that these cannot
 * take. Local. Errors: CONFIG, FORMAT.
 */
qctx_status transformer_pooled_dim(const qctx_model_folder *folder, unsigned pooling, int64_t *pooled, int64_t *dim,
                                   qctx_error *error);

/* Row of the position embeddings for each of `count` tokens of a text. Local. Cannot fail. */
void transformer_positions(const qctx_model_folder *folder, int64_t count, const int32_t *ids, int64_t *positions);

/* The token of a text that end-of-text pooling takes. Local. Cannot fail. */
int64_t transformer_end_of_text(const qctx_model_folder *folder, int64_t count, const int32_t *ids);

enum { TRANSFORMER_BUCKET_COUNT = 32 };

/*
 * Bucket of a distance from query to key (Raffel et al. 2020, section 2.1, as MPNet takes it: both directions, 32
 * buckets, 128 and more in the last). Local. Cannot fail.
 */
int64_t transformer_bucket(int64_t distance);

/* Whether lengths and ids of a batch are what the folder allows. Local. Errors: DATA. */
qctx_status transformer_check_batch(const qctx_model_folder *folder, const qctx_token_batch *batch, qctx_error *error);

/* Gain and bias of a layer normalisation [d]. */
typedef struct {
    float *gain, *bias;
} transformer_norm;

typedef struct {
    qctx_linear *joint; /* [3d, d]: queries, keys and values */
    qctx_linear *output, *up, *down;
    transformer_norm first, second;
} transformer_layer;

struct qctx_transformer {
    const qctx_model_folder *folder;
    qctx_precision precision;
    unsigned pooling;
    int64_t pooled, dim;      /* length of a vector before and behind the maps */
    bool clip;                /* norms before attention and feed-forward part, and a causal mask */
    const qctx_tensor *words; /* read row by row */
    float *positions;         /* [max_tokens + first_position, d], with the embedding of token type 0 added */
    transformer_norm embedding_norm, final_norm; /* NULL where there is none */
    float *distances; /* MPNet: [heads, 2·max_tokens − 1], entry j − i + max_tokens − 1; else NULL */
    int64_t layer_count;
    transformer_layer *layers;
    int64_t map_count; /* text projection and dense layers */
    qctx_linear **maps;
    int64_t widest; /* the longest vector that comes out of a map */
};

/* Each grows with the largest call; `…_capacity` counts its elements or bytes. */
struct qctx_transformer_workspace {
    float *x, *normed; /* [tokens, d]; `normed` is used where norms stand before the products (CLIP), else x itself */
    int64_t x_capacity, normed_capacity;
    qctx_bfloat16 *narrow; /* [tokens, d]: what products read in bfloat16 */
    int64_t narrow_capacity;
    char *wide; /* queries, keys, values [tokens, 3d] and mixed [tokens, d]; then hidden [tokens, f] in their place */
    int64_t wide_capacity;
    int64_t *token_positions;
    int64_t positions_capacity;
    float *scratch, *distances;
    int64_t scratch_capacity, distances_capacity;
    float *vectors, *turned; /* [texts, widest]: the maps go to and fro between them */
    int64_t vectors_capacity, turned_capacity;
};

/* rows [texts, dim] from x, the last layer's output: [texts, d] if `picked`, else [tokens, d]. Local. Cannot fail. */
void transformer_pool(const qctx_transformer *transformer, qctx_transformer_workspace *workspace,
                      const qctx_token_batch *batch, bool picked, float *rows);

/* The one token of a text that pooling takes, if it is one: then the last layer works for it alone. Local. */
bool transformer_pools_one(const qctx_transformer *transformer);
int64_t transformer_pooled_token(const qctx_transformer *transformer, const qctx_token_batch *batch, int64_t text);

#endif
