/*
 * Linear layers with fixed weights, y = function(x·Wᵀ + b) + residual: what the forward pass of a frozen encoder is
 * made of.
 *
 * Weights are packed once, in float32 or bfloat16, for products of this module's own where the CPU has AVX-512 (for
 * bfloat16 its instructions, and an even number of inputs); elsewhere linalg/product multiplies. Bias, function and
 * residual are applied while results are in the cache. One thread a call; several threads may share a layer. A row's
 * bits depend on the row and the layer; where linalg/product multiplies, on the number of rows of the call, too.
 */
#ifndef QCTX_LINALG_LINEAR_H
#define QCTX_LINALG_LINEAR_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/linalg/product.h"

typedef enum {
    QCTX_LINEAR_IDENTITY,
    QCTX_LINEAR_RELU,
    QCTX_LINEAR_GELU,       /* x·Φ(x), by the error function */
    QCTX_LINEAR_GELU_TANH,  /* its approximation by tanh: gelu_new, gelu_pytorch_tanh */
    QCTX_LINEAR_QUICK_GELU, /* x·σ(1.702·x), of OpenAI's CLIP */
    QCTX_LINEAR_TANH,
} qctx_linear_function;

typedef struct qctx_linear qctx_linear;

/*
 * A layer of weight [output, input] and bias [output] (NULL: none), both copied. Local. The caller destroys it
 * (NULL-safe). Errors: MEMORY.
 */
qctx_status qctx_linear_create(qctx_precision precision, int64_t output, int64_t input, const float *weight,
                               const float *bias, qctx_linear_function function, qctx_linear **created,
                               qctx_error *error);
void qctx_linear_destroy(qctx_linear *linear);

/*
 * y [rows, output] = function(x [rows, input] · Wᵀ + b), plus `residual` [rows, output] unless NULL (which may be y).
 * x and y hold float32 or bfloat16 each, as the layer and `y_type` say (with a residual, float32, y is float32, too): a
 * bfloat16 layer takes bfloat16 x, a float32 layer float32 x and y. Local. Cannot fail.
 */
void qctx_linear_apply(const qctx_linear *linear, int64_t rows, const void *x, const float *residual,
                       qctx_precision y_type, void *y);

#endif
