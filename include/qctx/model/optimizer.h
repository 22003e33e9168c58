/*
 * Optimisers over one flat parameter buffer: adamw, adam, sgd with momentum.
 *
 *   adamw  p −= lr·(m̂/(√v̂ + ε) + wd·p)           Loshchilov and Hutter 2019, algorithm 2 (decoupled decay)
 *   adam   g += wd·p; p −= lr·m̂/(√v̂ + ε)         Kingma and Ba 2015, algorithm 1 (decay as L2)
 *   sgd    g += wd·p; m = μm + g; p −= lr·m       as PyTorch's SGD
 *
 * Decay acts on the ranges the caller marks: weights, never biases or the logit scale.
 */
#ifndef QCTX_MODEL_OPTIMIZER_H
#define QCTX_MODEL_OPTIMIZER_H

#include <stdint.h>

#include "qctx/base/status.h"

typedef enum { QCTX_OPTIMIZER_ADAMW, QCTX_OPTIMIZER_ADAM, QCTX_OPTIMIZER_SGD } qctx_optimizer_kind;
extern const char *const qctx_optimizer_kind_names[];

typedef struct {
    qctx_optimizer_kind kind;
    double weight_decay; /* ≥ 0 */
    double beta1;        /* adam, adamw: in [0, 1) */
    double beta2;        /* adam, adamw: in [0, 1) */
    double epsilon;      /* adam, adamw: > 0 */
    double momentum;     /* sgd: in [0, 1) */
} qctx_optimizer_config;

/* State of the optimiser; plain data, so that a checkpoint can hold it. The caller owns the arrays. */
typedef struct {
    int64_t count; /* parameters */
    int64_t steps; /* taken so far */
    float *first;  /* [count] m; momentum of sgd */
    float *second; /* [count] v; unused by sgd */
} qctx_optimizer_state;

/* Zeroed state for `count` parameters. Local. Errors: MEMORY. */
qctx_status qctx_optimizer_state_create(int64_t count, qctx_optimizer_state *state, qctx_error *error);
void qctx_optimizer_state_destroy(qctx_optimizer_state *state);

/*
 * Steps the parameters first … first + count − 1 from gradient × `gradient_scale` (the clipping factor) at rate `rate`.
 * gradient, parameters, decays [state->count]; decays is 1 where weight decay acts. It is the step number state->steps,
 * which the caller advances once before the ranges of a step; how the parameters are cut into ranges changes no bit.
 * Local. Cannot fail.
 */
void qctx_optimizer_step(const qctx_optimizer_config *config, qctx_optimizer_state *state, double rate,
                         double gradient_scale, int64_t first, int64_t count, const uint8_t *decays,
                         const float *gradient, float *parameters);

/* Sum of the squares of values [count], in double, the same for any number of threads; its root. Local. */
double qctx_square_sum(const float *values, int64_t count);
double qctx_norm(const float *values, int64_t count);

#endif
