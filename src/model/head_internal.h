/*
 * What the files of the head share: where a layer lies in the flat buffer, the
 * tape, and the loops over activations.
 */
#ifndef QCTX_MODEL_HEAD_INTERNAL_H
#define QCTX_MODEL_HEAD_INTERNAL_H

#include "qctx/model/head.h"

/* One Linear layer: weight [out, in] and bias [out] at these offsets of the flat buffer. */
typedef struct {
    int64_t in;
    int64_t out;
    int64_t weight;
    int64_t bias;
} head_layer;

struct qctx_head_tape {
    int64_t stride; /* floats of one layer's array: rows · hidden */
    float *hidden;  /* [layers − 1, rows, hidden]: what each activation and dropout gave */
    float *slope;   /* the same shape: its derivative by the value before the activation */
    float *delta; /* [2, rows, hidden]: backward's ∂L/∂(before the activation), of the layer above and of this one */
};

/* MLPs in the buffer (1 or 2), and which of them serves `side`, which must have one. Local. */
int64_t qctx_head_mlp_count(const qctx_head_config *config);
int64_t qctx_head_mlp_of(const qctx_head_config *config, int side);

/* Layer `layer` of MLP `mlp`. Local. */
head_layer qctx_head_layer(const qctx_head_config *config, int64_t mlp, int64_t layer);

/*
 * From values [rows, hidden] = input · Wᵀ: values = dropout(act(values + bias)), slope = its derivative. The dropout
 * mask is that of (config->seed, key, side, layer), or none for a NULL key. Local.
 */
void qctx_head_activate(const qctx_head_config *config, int side, int64_t layer, int64_t rows, const float *bias,
                        const qctx_dropout_key *key, float *values, float *slope);

/* values [count] *= factors [count]. Local. */
void qctx_head_multiply(int64_t count, const float *factors, float *values);

/* sums [cols] += the column sums of values [rows, cols], summed in double in the order of the rows. Local. */
void qctx_head_add_column_sums(int64_t rows, int64_t cols, const float *values, float *sums);

#endif
