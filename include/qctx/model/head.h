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

typedef enum { QCTX_HEAD_PLAIN, QCTX_HEAD_RESIDUAL } qctx_head_form;
typedef enum { QCTX_ACTIVATION_RELU, QCTX_ACTIVATION_GELU, QCTX_ACTIVATION_TANH } qctx_activation;
typedef enum { QCTX_SIDES_QUESTION, QCTX_SIDES_CONTEXT, QCTX_SIDES_BOTH, QCTX_SIDES_SHARED } qctx_head_sides;

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

/* One weight or bias in the flat buffer. */
typedef struct {
    char name[64];  /* "question/0/weight", "context/1/bias", "shared/0/weight" */
    int64_t offset; /* into the flat buffer */
    int64_t rows;   /* weights: out; biases: out */
    int64_t cols;   /* weights: in; biases: 1 */
    bool decays;    /* weights do, biases do not */
} qctx_head_tensor;

/* Activations kept by a forward pass for the backward pass of the same rows; one per side and batch shape. */
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

/* side 0 is the question side, 1 the context side. Whether that side has an MLP (else it is the identity). Local. */
bool qctx_head_has_side(const qctx_head_config *config, int side);

/* A tape for up to `rows` rows. Local. Caller destroys it (NULL-safe). Errors: MEMORY. */
qctx_status qctx_head_tape_create(const qctx_head_config *config, int64_t rows, qctx_head_tape **created,
                                  qctx_error *error);
void qctx_head_tape_destroy(qctx_head_tape *tape);

/*
 * What makes the dropout masks of a step a pure function of (seed, step, side, global row, layer, unit). Dropout is
 * inverted: what is kept grows by 1 / (1 − p), so that nothing changes when it is off.
 */
typedef struct {
    uint64_t step;
    const int64_t *row_ids; /* [rows]: the rows' places in the global batch */
} qctx_dropout_key;

/*
 * y [rows, output] = head(x [rows, input]) for one side at strength `alpha` (residual; plain heads ignore it).
 * With a key, dropout is on (training); without (NULL), off. The tape keeps what backward needs. x and y must
 * not overlap; a side without MLP copies. Local. Cannot fail: the tape holds `rows` rows.
 */
void qctx_head_forward(const qctx_head_config *config, const float *parameters, int side, double alpha, const float *x,
                       int64_t rows, const qctx_dropout_key *key, qctx_head_tape *tape, float *y);

/*
 * Adds to `gradient` (the flat buffer's shape) what dy [rows, output] = ∂L/∂y means for the parameters, for the rows
 * of the last forward pass on this tape with the same x, side and alpha 1. The encoder is frozen, so there is no
 * gradient for x. A shared head's two sides (each with its tape) add up. The same call twice adds twice. Local.
 * Cannot fail.
 */
void qctx_head_backward(const qctx_head_config *config, const float *parameters, int side, const float *x,
                        const float *dy, int64_t rows, qctx_head_tape *tape, float *gradient);

/* Names as the config writes them ("residual", "both", "gelu"). Local. */
const char *qctx_head_form_name(qctx_head_form form);
const char *qctx_head_sides_name(qctx_head_sides sides);
const char *qctx_activation_name(qctx_activation activation);

#endif
