/* The dot product by which scores are ordered: one definition, whatever product found the candidates. */
#ifndef QCTX_BASE_DOT_H
#define QCTX_BASE_DOT_H

#include <stdint.h>

/*
 * Σ x[i]·y[i] in double, added in an order that follows from `count` alone: the same bits on every machine, for any
 * number of ranks and threads. Each product is exact in double; the sum is within count·2⁻⁵³·Σ|x[i]·y[i]| of the true
 * one. Local. Cannot fail.
 */
double qctx_dot(const float *x, const float *y, int64_t count);

#endif
