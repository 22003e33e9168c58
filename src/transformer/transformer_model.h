/* A transformer's packed weights, and what a thread needs beside them. */
#ifndef QCTX_TRANSFORMER_MODEL_H
#define QCTX_TRANSFORMER_MODEL_H

#include "transformer_internal.h"

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
