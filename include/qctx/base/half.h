/*
 * IEEE 754 half precision (binary16) as bits in uint16_t, in plain C: subnormals, infinities and NaN included. The
 * loops vectorise.
 */
#ifndef QCTX_BASE_HALF_H
#define QCTX_BASE_HALF_H

#include <stdint.h>

/* values [count] = the numbers that halves [count] stand for, exactly. Local. Cannot fail. */
void qctx_half_to_float(const uint16_t *halves, int64_t count, float *values);

/*
 * halves [count] = the nearest half of each value, ties to even; values from 65520 on become infinity, a NaN a quiet
 * NaN. Local. Cannot fail.
 */
void qctx_half_from_float(const float *values, int64_t count, uint16_t *halves);

#endif
