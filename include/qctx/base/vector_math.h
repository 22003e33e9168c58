/*
 * Elementary functions that vectorise: straight-line float32 code without calls
 * or branches, for loops marked QCTX_MULTIVERSION. glibc's scalar expf costs
 * about ten times as much in such a loop.
 */
#ifndef QCTX_BASE_VECTOR_MATH_H
#define QCTX_BASE_VECTOR_MATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/*
 * exp(x) within 2 ulp on [−87.3, 88.3]; 0 below, infinity above, NaN for NaN. Local. Cannot fail.
 * x = n·ln 2 + r with |r| ≤ ½·ln 2; polynomial and split of ln 2 from Moshier's Cephes (expf).
 */
static inline float qctx_expf(float x)
{
    const float lowest = -87.3f, highest = 88.3f;
    const float rounder = 12582912.0f; /* 1.5·2^23: adding it rounds to an integer, kept in the low bits */
    float raised = x < lowest ? lowest : x;
    float clamped = raised > highest ? highest : raised;
    float shifted = clamped * 1.44269504088896341f + rounder;
    float n = shifted - rounder;
    float r = (clamped - n * 0.693359375f) + n * 2.12194440e-4f;
    float series = 1.9875691500e-4f, power, result;
    uint32_t bits;

    series = series * r + 1.3981999507e-3f;
    series = series * r + 8.3334519073e-3f;
    series = series * r + 4.1665795894e-2f;
    series = series * r + 1.6666665459e-1f;
    series = series * r + 5.0000001201e-1f;
    series = series * (r * r) + r + 1.0f;

    /* 2^n: n moves from the low bits of `shifted` into the exponent. */
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits + 127u) << 23;
    memcpy(&power, &bits, sizeof power);

    result = series * power;
    result = x < lowest ? 0.0f : result;
    return x > highest ? INFINITY : result;
}

/*
 * tanh(x) within 3 ulp. Local. Cannot fail. Near 0 Cephes' odd polynomial (tanhf), else 1 − 2 / (exp(2|x|) + 1).
 */
static inline float qctx_tanhf(float x)
{
    float magnitude = fabsf(x), square = x * x;
    float series = -5.70498872745e-3f;
    float far = copysignf(1.0f - 2.0f / (qctx_expf(2.0f * magnitude) + 1.0f), x);

    series = series * square + 2.06390887954e-2f;
    series = series * square - 5.37397155531e-2f;
    series = series * square + 1.33314422036e-1f;
    series = series * square - 3.33332819422e-1f;
    series = series * square * x + x;
    return magnitude < 0.625f ? series : far;
}

/*
 * The normal distribution at x: returns Φ(x) = ½·(1 + erf(x/√2)) and stores the density φ(x); both within 4e-7
 * (7.5e-8 of the series, the rest its float32 sum). Local. Cannot fail. Abramowitz and Stegun 7.1.26: one exp serves
 * both.
 */
static inline float qctx_normal(float x, float *density)
{
    float bell = qctx_expf(-0.5f * x * x);
    float t = 1.0f / (1.0f + 0.3275911f * 0.70710678118654752f * fabsf(x));
    float series = 1.061405429f, tail;

    series = series * t - 1.453152027f;
    series = series * t + 1.421413741f;
    series = series * t - 0.284496736f;
    series = series * t + 0.254829592f;
    tail = 0.5f * series * t * bell;
    *density = 0.39894228040143268f * bell;
    return x < 0.0f ? tail : 1.0f - tail;
}

/*
 * 2^x within 2 ulp on [−126, 127.4]; 0 below, NaN for NaN, undefined above. Local. Cannot fail.
 * x = n + r with |r| ≤ ½, exactly; a minimax polynomial of degree 6, in pairs of terms (Estrin's scheme), for a loop
 * waits for results more than it lacks units. About two thirds of the cost of qctx_expf, where the caller can have the
 * factor log₂ e in a constant of its own.
 */
static inline float qctx_exp2f_below(float x)
{
    const float rounder = 12582912.0f; /* as in qctx_expf */
    float shifted = x + rounder;
    float r = x - (shifted - rounder), square = r * r;
    float low = 6.93147206703e-1f * r + 1.0f;
    float middle = 5.55032722667e-2f * r + 2.40226509223e-1f;
    float high = 1.34004281776e-3f * r + 9.61805667852e-3f;
    float power;
    uint32_t bits;

    high = high + 1.54614446986e-4f * square;
    low = low + (middle + high * square) * square;

    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits + 127u) << 23;
    memcpy(&power, &bits, sizeof power);
    return x < -126.0f ? 0.0f : low * power;
}

/* 2^x as qctx_exp2f_below has it, but infinity from 127.5 on. Local. Cannot fail. */
static inline float qctx_exp2f(float x)
{
    float result = qctx_exp2f_below(x);

    return x >= 127.5f ? INFINITY : result;
}

/*
 * σ(x) = 1/(1 + e^−x), and stores −log σ(−x) = log(1 + e^x), from tail = e^−|x|: one division serves both. Local.
 * Cannot fail. The logarithm of 1 + e is 2·artanh(e/(2 + e)). With the tail by qctx_exp2f_below, the relative error is
 * within (4 + 0.7·|x|)·2^−23 each.
 */
static inline float qctx_sigmoid_of_tail(float x, float tail, float *softplus)
{
    float above_one = 1.0f + tail, above_two = 2.0f + tail;
    float inverse = 1.0f / (above_one * above_two);
    float u = tail * above_one * inverse, square = u * u, near = above_two * inverse;
    float series = 1.40044857162e-1f;

    series = series * square + 1.40011842904e-1f;
    series = series * square + 2.00107480633e-1f;
    series = series * square + 3.33332083803e-1f;
    series = series * square + 1.0f;
    *softplus = 2.0f * u * series + (x > 0.0f ? x : 0.0f);
    return x < 0.0f ? tail * near : near;
}

#endif
