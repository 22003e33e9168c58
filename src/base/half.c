#include "qctx/base/half.h"

#include <string.h>

#include "qctx/base/multiversion.h"

static inline uint32_t bits_of(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float value_of(uint32_t bits)
{
    float value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

/*
 * Exponent and mantissa are moved into a float's place and the exponent is mended by a multiplication with 2^112,
 * which is exact, and right for subnormals too; infinities and NaN get the float's own exponent.
 */
static inline float widen(uint16_t half)
{
    uint32_t magnitude = (uint32_t)(half & 0x7fff) << 13;
    uint32_t mended = bits_of(value_of(magnitude) * 0x1p112f);
    uint32_t special = magnitude | 0x7f800000u;

    return value_of((magnitude >= 0x0f800000u ? special : mended) | (uint32_t)(half & 0x8000) << 16);
}

/*
 * Adding a magic number lets the float unit round to even at the place where a subnormal half ends; normal halves are
 * rounded to even by an integer addition that may carry into the exponent, up to infinity.
 */
static inline uint16_t narrow(float value)
{
    uint32_t bits = bits_of(value);
    uint32_t magnitude = bits & 0x7fffffffu;
    uint32_t subnormal = bits_of(value_of(magnitude) + 0.5f) - 0x3f000000u;
    uint32_t normal = (magnitude - 0x38000000u + 0xfffu + ((magnitude >> 13) & 1u)) >> 13;
    uint32_t half = magnitude < 0x38800000u ? subnormal : normal;

    half = magnitude >= 0x47800000u ? 0x7c00u : half;
    half = magnitude > 0x7f800000u ? 0x7e00u : half;
    return (uint16_t)(half | (bits >> 16 & 0x8000u));
}

QCTX_MULTIVERSION
void qctx_half_to_float(const uint16_t *halves, int64_t count, float *values)
{
    for (int64_t i = 0; i < count; i++)
        values[i] = widen(halves[i]);
}

QCTX_MULTIVERSION
void qctx_half_from_float(const float *values, int64_t count, uint16_t *halves)
{
    for (int64_t i = 0; i < count; i++)
        halves[i] = narrow(values[i]);
}
