/* What stands between the products of a transformer layer: layer normalisation and attention over packed texts. */
#ifndef QCTX_TRANSFORMER_KERNELS_H
#define QCTX_TRANSFORMER_KERNELS_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/bfloat16.h"
#include "qctx/linalg/product.h"

/*
 * y [rows, d] = (x − mean) / √(variance + epsilon) · gain + bias, row by row (Ba et al. 2016); y may be x. The same
 * rows go to `narrow` in bfloat16 unless it is NULL. Local. Cannot fail.
 */
void transformer_layer_norm(int64_t rows, int64_t d, const float *x, const float *gain, const float *bias,
                            float epsilon, float *y, qctx_bfloat16 *narrow);

/* Attention of all texts of a call, in all heads. */
typedef struct {
    int64_t texts;
    const int64_t *offsets; /* [texts + 1]: rows of text i */
    int64_t heads, d;
    bool causal; /* a token sees itself and those before it */
    const float
        *position_bias; /* MPNet: [heads, 2·longest − 1], added to scores: entry (j − i + longest − 1); or NULL */
    int64_t longest;    /* tokens of the longest text of the call */
    qctx_precision precision; /* of projected and mixed */
    const void *projected;    /* [tokens, 3d]: queries, keys, values side by side, heads side by side in each */
    void *mixed;              /* [tokens, d] */
    float *scratch;           /* [transformer_attention_scratch] */
} transformer_attention_task;

/* Floats of scratch for a longest text. Local. Cannot fail. */
int64_t transformer_attention_scratch(int64_t longest, int64_t d, int64_t heads);

/* mixed = softmax(Q·Kᵀ/√(d/heads) + bias)·V for each text and head (Vaswani et al. 2017, 3.2). Local. Cannot fail. */
void transformer_attention(const transformer_attention_task *task);

#endif
