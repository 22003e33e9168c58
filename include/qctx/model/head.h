/*
 * The projection head: an MLP on the question side, the context side, both, or
 * one shared, over one flat parameter buffer.
 *
 *   plain      y = MLP(x)
 *   residual   y = x + α·MLP(x), last layer zero at the start, so that training
 *              begins exactly at the frozen encoder's own quality
 *
 * An MLP of n layers is Linear (act dropout Linear)ⁿ⁻¹: in → hidden → … → out, weights [out, in] and
 * biases [out] as PyTorch lays them out; gelu is z·Φ(z), as PyTorch's default. Normalisation to unit length belongs to
 * the loss, not to the head.
 *
 * The strength α is 1 in training and chosen afterwards (the idea of WiSE-FT, Wortsman et al. 2021).
 */
#ifndef QCTX_MODEL_HEAD_H
#define QCTX_MODEL_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/data/side.h"
#include "qctx/linalg/product.h"

typedef enum { QCTX_HEAD_PLAIN, QCTX_HEAD_RESIDUAL } qctx_head_form;
extern const char *const qctx_head_form_names[];
typedef enum { QCTX_ACTIVATION_RELU, QCTX_ACTIVATION_GELU, QCTX_ACTIVATION_TANH } qctx_activation;
extern const char *const qctx_activation_names[];
typedef enum { QCTX_SIDES_QUESTION, QCTX_SIDES_CONTEXT, QCTX_SIDES_BOTH, QCTX_SIDES_SHARED } qctx_head_sides;
extern const char *const qctx_head_sides_names[];

typedef struct {
    qctx_head_form form;
    qctx_head_sides sides;
    qctx_activation activation;
    int64_t layers; /* ≥ 1 */
    int64_t input;  /* d of the encoder */
    int64_t hidden; /* unused when layers is 1 */
    int64_t output; /* equals input for residual heads, and where one side has no MLP */
    double dropout; /* in [0, 1); after each activation, in training only */
    uint64_t seed;  /* of the initial weights and of the dropout masks */
} qctx_head_config;

/* Whether the output is as wide as the input where it must be: in residual heads, and where one side has no MLP. Local.
 */
bool qctx_head_fits(const qctx_head_config *config);

/* One weight or bias in the flat buffer. */
typedef struct {
    char name[64];  /* "question/0/weight", "context/1/bias", "shared/0/weight" */
    int64_t offset; /* into the flat buffer */
    int64_t rows;   /* weights: out; biases: out */
    int64_t cols;   /* weights: in; biases: 1 */
    bool decays;    /* weights do, biases do not */
} qctx_head_tensor;

/*
 * What forward passes leave for the backward passes of the same rows, and room to work in: activations [rows, hidden]
 * of each layer but the last, and for products in bfloat16 the weights rounded to it.
 */
typedef struct qctx_head_tape qctx_head_tape;

/* Number of floats in the flat parameter buffer. Local. */
int64_t qctx_head_parameter_count(const qctx_head_config *config);

/*
 * The tensors of the buffer, in order: fills `tensors` (room for qctx_head_tensor_count). Local.
 */
int64_t qctx_head_tensor_count(const qctx_head_config *config);
void qctx_head_tensors(const qctx_head_config *config, qctx_head_tensor *tensors);

/*
 * Initial parameters, a pure function of the seed: weights and biases uniform in ±1/√in as PyTorch's Linear
 * (Kaiming uniform with a = √5); the last layer of a residual head is zero. The two sides of one seed differ. Local.
 */
void qctx_head_init(const qctx_head_config *config, float *parameters);

/* Whether that side has an MLP (else it is the identity). Local. */
bool qctx_head_has_side(const qctx_head_config *config, qctx_side side);

/*
 * A tape for products in `precision` and up to `rows` rows, with a place for each side (`sides` 2) or one that the
 * sides use in turn (1). Local. Caller destroys it (NULL-safe). Errors: MEMORY.
 */
qctx_status qctx_head_tape_create(const qctx_head_config *config, qctx_precision precision, int64_t rows, int sides,
                                  qctx_head_tape **created, qctx_error *error);
void qctx_head_tape_destroy(qctx_head_tape *tape);

/* Bytes that qctx_head_tape_create allocates. Local. */
int64_t qctx_head_tape_memory(const qctx_head_config *config, qctx_precision precision, int64_t rows, int sides);

/* Rounds the weights for products in bfloat16: whenever they have changed. Nothing to do in float32. Local. */
void qctx_head_tape_load(const qctx_head_config *config, const float *parameters, qctx_head_tape *tape);

/*
 * What makes the dropout masks of a step a pure function of (seed, step, side, global row, layer, unit). Dropout is
 * inverted: what is kept grows by 1 / (1 − p), so that nothing changes when it is off.
 */
typedef struct {
    uint64_t step;
    const int64_t *row_ids; /* [rows]: the rows' places in the global batch */
} qctx_dropout_key;

/*
 * y [rows, output] = head(x [rows, input]) for one side at strength `alpha` (residual; plain heads ignore it). x holds
 * qctx_bfloat16 where the tape is for bfloat16, else float. With a key, dropout is on, and what backward needs is kept
 * in the tape's rows at … at + rows − 1 (training); without (NULL), neither. y may be NULL: then the rows end before
 * the last layer, which is all that backward needs. x and y must not overlap; a side without MLP copies. Local. Cannot
 * fail: the tape holds those rows.
 *
 * Rows are taken in blocks that stay in the cache from a product through the passes behind it; their cut follows from
 * `rows` alone, and no sum depends on the number of threads.
 */
void qctx_head_forward(const qctx_head_config *config, const float *parameters, qctx_side side, double alpha,
                       const void *x, int64_t rows, const qctx_dropout_key *key, qctx_head_tape *tape, int64_t at,
                       float *y);

/* Where a backward pass leaves the gradient. */
typedef struct {
    float *values; /* [qctx_head_parameter_count] */
    bool add;      /* to what is there; else the MLP's values are written without being read */
    /* Called on the way, where it is not NULL: this pass leaves its MLP's values from `from` on as they are now. */
    void (*settled)(void *context, int64_t from);
    void *context;
} qctx_head_gradient;

/*
 * What dy [rows, output] = ∂L/∂y means for the parameters of the side's MLP, for rows that went forward with the same
 * x, side and place in the tape, with a key and alpha 1. The encoder is frozen, so there is no gradient for x. A shared
 * head's two sides add up. Without rows there is nothing to add, and zeros to write. Local. Cannot fail.
 */
void qctx_head_backward(const qctx_head_config *config, const float *parameters, qctx_side side, const void *x,
                        const float *dy, int64_t rows, qctx_head_tape *tape, int64_t at,
                        const qctx_head_gradient *gradient);

/* Where the MLP of a side, which must have one, lies in the flat buffer. Local. */
void qctx_head_range(const qctx_head_config *config, qctx_side side, int64_t *first, int64_t *count);

#endif
