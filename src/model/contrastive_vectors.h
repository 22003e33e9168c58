/* Passes over rows of vectors: to unit length, the way back to the rows as they came, lengths and sums. All local. */
#ifndef QCTX_MODEL_CONTRASTIVE_VECTORS_H
#define QCTX_MODEL_CONTRASTIVE_VECTORS_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/linalg/product.h"

/*
 * unit [rows, dim] in `precision` = x̂ = x/‖x‖, or x without `normalize`, for x [rows, dim], which it may be in float32;
 * inverse[i] = 1/‖x‖, 0 for a row of zeros, 1 without `normalize`.
 */
void loss_normalize(qctx_precision precision, const float *x, int64_t rows, int64_t dim, bool normalize, void *unit,
                    double *inverse);

/*
 * The way back through loss_normalize: with g = factor·dx, along[i] = x̂·g and dx = (g − along·x̂)/‖x‖, or g without
 * `normalize`. unit [rows, dim] is x̂ in `precision`, inverse [rows] 1/‖x‖. Returns whether all is finite.
 */
bool loss_normalize_back(qctx_precision precision, const void *unit, const double *inverse, int64_t rows, int64_t dim,
                         bool normalize, double factor, float *dx, double *along);

/* The largest ‖x‖ of rows that are finite; what is not shows in the sums. */
double loss_longest(const float *x, int64_t rows, int64_t dim);

/* sum [count] += part. */
void loss_add(const float *part, int64_t count, float *sum);

#endif
