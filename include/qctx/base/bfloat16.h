/* bfloat16: the upper half of a float32. Straight-line code that vectorises in loops marked QCTX_MULTIVERSION. */
#ifndef QCTX_BASE_BFLOAT16_H
#define QCTX_BASE_BFLOAT16_H

#include <stdint.h>
#include <string.h>

typedef uint16_t qctx_bfloat16;

/* To the nearest, ties to even; infinities stay, a NaN stays one. Local. Cannot fail. */
static inline qctx_bfloat16 qctx_to_bfloat16(float value)
{
    uint32_t bits, rounded;

    memcpy(&bits, &value, sizeof bits);
    rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    /* Rounding may carry a NaN's bits away: it becomes the quiet one. */
    return (qctx_bfloat16)((bits & 0x7fffffffu) > 0x7f800000u ? 0x7fc0u : rounded);
}

/* Exact. Local. Cannot fail. */
static inline float qctx_from_bfloat16(qctx_bfloat16 half)
{
    uint32_t bits = (uint32_t)half << 16;
    float value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

/* to [count] = from [count]. Shared by the threads. Local. Cannot fail. */
void qctx_to_bfloat16_array(const float *from, int64_t count, qctx_bfloat16 *to);

/* To bfloat16 and back by the calling thread alone, for passes that share out rows. Local. Cannot fail. */
void qctx_to_bfloat16_row(const float *from, int64_t count, qctx_bfloat16 *to);
void qctx_from_bfloat16_row(const qctx_bfloat16 *from, int64_t count, float *to);

#endif
