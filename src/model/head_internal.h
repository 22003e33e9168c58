/*
 * What the files of the head share: where a layer lies in the flat buffer, the
 * tape, and the passes over rows between the products.
 */
#ifndef QCTX_MODEL_HEAD_INTERNAL_H
#define QCTX_MODEL_HEAD_INTERNAL_H

#include <string.h>

#include "qctx/base/bfloat16.h"
#include "qctx/model/head.h"

enum {
    /* Rows that go through a layer at a time: enough for a product to run at full speed, few enough for the cache. */
    HEAD_BLOCK = 2048,
    /* Rows whose columns are summed in float32; sums of cells are added in double. */
    HEAD_CELL = 32,
};

/* One Linear layer: weight [out, in] and bias [out] at these offsets of the flat buffer. */
typedef struct {
    int64_t in;
    int64_t out;
    int64_t weight;
    int64_t bias;
} head_layer;

/* Arrays of the products' operands hold float or qctx_bfloat16, as `precision` says. */
struct qctx_head_tape {
    qctx_head_config config; /* of the head that it is for */
    qctx_precision precision;
    int sides;
    int64_t rows;
    void *hidden;           /* [sides, layers − 1, rows, hidden]: what each activation and dropout gave */
    void *slope;            /* the same shape: its derivative by the value before; NULL where `hidden` tells it */
    void *delta[2];         /* [block, widest]: ∂L/∂(before the activation) of two layers in turn */
    float *product;         /* [block, widest]: products that are then rounded; NULL in float32 */
    float *partial;         /* [cells of a block, widest]: column sums */
    qctx_bfloat16 *weights; /* the flat buffer, rounded; NULL in float32 */
};

/* MLPs in the buffer (1 or 2), and which of them serves `side`, which must have one. Local. */
int64_t qctx_head_mlp_count(const qctx_head_config *config);
int64_t qctx_head_mlp_of(const qctx_head_config *config, qctx_side side);

/* Layer `layer` of MLP `mlp`. Local. */
head_layer qctx_head_layer(const qctx_head_config *config, int64_t mlp, int64_t layer);

/* Where a layer's weights stand for a product. Local. */
const void *head_weights(const qctx_head_tape *tape, const float *parameters, const head_layer *layer);

/* Row `at` of layer `layer` of one side in `array` (hidden or slope). Local. NULL for a NULL array. */
void *head_rows(const qctx_head_config *config, const qctx_head_tape *tape, void *array, qctx_side side, int64_t layer,
                int64_t at);

/*
 * From z [rows, hidden] = input · Wᵀ, which it overwrites: hidden = dropout(act(z + bias)), and slope (where not NULL)
 * = its derivative, both as `precision` says; in float32 hidden may be z. The dropout mask is that of (config->seed,
 * key, side, layer), or none for a NULL key. key->row_ids begin with the first row. Local.
 */
void head_activate(const qctx_head_config *config, qctx_precision precision, qctx_side side, int64_t layer,
                   int64_t rows, const float *bias, const qctx_dropout_key *key, float *z, void *hidden, void *slope);

/* y [rows, output] = y + bias, and for residual heads x + alpha·(y + bias). Local. */
void head_finish_output(const qctx_head_config *config, qctx_precision precision, double alpha, int64_t rows,
                        const float *bias, const void *x, float *y);

/* What a pass of the backward direction reads and leaves. */
typedef struct {
    int64_t rows;
    int64_t width;
    const float *values; /* [rows, width]: ∂L/∂(after the activation) */
    const void *hidden;  /* [rows, width] of the layer; NULL behind the last one, which has no activation */
    const void *slope;   /* or NULL where `hidden` tells it */
    void *result; /* [rows, width] as the tape's precision says: ∂L/∂(before the activation); in float32 it may
                     be `values`; NULL: not kept */
    float *bias;  /* [width] gradient: the column sums of the result */
    bool add;     /* to the bias' gradient */
} head_delta;

/* result = values · (the activation's derivative), and its column sums, in one pass over memory. Local. */
void head_pass_delta(const qctx_head_config *config, qctx_head_tape *tape, const head_delta *delta);

/* array[at … at + count − 1] = values, as `precision` says; nothing where they stand there already. Local. */
static inline void head_store(qctx_precision precision, int64_t count, const float *values, void *array, int64_t at)
{
    float *wide = (float *)array + at;

    if (precision == QCTX_PRECISION_BFLOAT16)
        qctx_to_bfloat16_row(values, count, (qctx_bfloat16 *)array + at);
    else if (wide != values)
        memcpy(wide, values, (size_t)count * sizeof *values);
}

#endif
