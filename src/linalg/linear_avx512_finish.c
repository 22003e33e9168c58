/* What follows the sums of a tile, by instructions of AVX-512: bias, function, residual, rounding. */
#include "linear_avx512.h"
#include "linear_internal.h"
#include "qctx/base/order.h"

#ifdef LINEAR_HAS_AVX512

#include <immintrin.h>

/* 2^x within 2 ulp: qctx_exp2f's polynomial, where 2^n is an instruction. 0 and infinity where they belong. */
LINEAR_FLOAT32 LINEAR_INLINE __m512 exp2_of(__m512 x)
{
    const __m512 n = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const __m512 r = _mm512_sub_ps(x, n);
    __m512 series = _mm512_set1_ps(1.54614446986e-4f);

    series = _mm512_fmadd_ps(series, r, _mm512_set1_ps(1.34004281776e-3f));
    series = _mm512_fmadd_ps(series, r, _mm512_set1_ps(9.61805667852e-3f));
    series = _mm512_fmadd_ps(series, r, _mm512_set1_ps(5.55032722667e-2f));
    series = _mm512_fmadd_ps(series, r, _mm512_set1_ps(2.40226509223e-1f));
    series = _mm512_fmadd_ps(series, r, _mm512_set1_ps(6.93147206703e-1f));
    series = _mm512_fmadd_ps(series, r, _mm512_set1_ps(1.0f));
    return _mm512_scalef_ps(series, n);
}

/* The nearest of [−most, most]; NaN for NaN. */
LINEAR_FLOAT32 LINEAR_INLINE __m512 clamp(__m512 x, float most)
{
    return _mm512_max_ps(_mm512_set1_ps(-most), _mm512_min_ps(_mm512_set1_ps(most), x));
}

/*
 * x·σ(u) = x / (1 + 2^exponent), where the exponent, −u·log₂ e, was computed from `inner`: x clamped to ±most, beyond
 * which the rest of the function is lost beside x, or beside 1.
 */
LINEAR_FLOAT32 LINEAR_INLINE __m512 gate(__m512 x, float most, __m512 exponent)
{
    return _mm512_div_ps(_mm512_max_ps(_mm512_set1_ps(-most), x),
                         _mm512_add_ps(_mm512_set1_ps(1.0f), exp2_of(exponent)));
}

/*
 * x·Φ(x) within 6e-7, most of it the rounding of float32: log₂((1 − Φ)/Φ) as an odd polynomial on [−6, 6], fitted for
 * the least largest error of x·Φ(x), which is 7e-8.
 */
LINEAR_FLOAT32 LINEAR_INLINE __m512 gelu(__m512 x)
{
    const __m512 inner = clamp(x, 6.0f), square = _mm512_mul_ps(inner, inner);
    __m512 series = _mm512_set1_ps(-5.20990769621e-9f);

    series = _mm512_fmadd_ps(series, square, _mm512_set1_ps(3.85044945981e-7f));
    series = _mm512_fmadd_ps(series, square, _mm512_set1_ps(-1.14524290585e-5f));
    series = _mm512_fmadd_ps(series, square, _mm512_set1_ps(1.59389405242e-4f));
    series = _mm512_fmadd_ps(series, square, _mm512_set1_ps(9.55929562527e-5f));
    series = _mm512_fmadd_ps(series, square, _mm512_set1_ps(-1.04838581283e-1f));
    series = _mm512_fmadd_ps(series, square, _mm512_set1_ps(-2.30220720359f));
    return gate(x, 6.0f, _mm512_mul_ps(inner, series));
}

/* ½·x·(1 + tanh(v)) = x·σ(2v): the factors are 2·√(2/π)·log₂ e, once with 0.044715. */
LINEAR_FLOAT32 LINEAR_INLINE __m512 gelu_tanh(__m512 x)
{
    const __m512 inner = clamp(x, 7.0f), square = _mm512_mul_ps(inner, inner);
    const __m512 factor = _mm512_fmadd_ps(square, _mm512_set1_ps(-1.02943239580e-1f), _mm512_set1_ps(-2.30220819814f));

    return gate(x, 7.0f, _mm512_mul_ps(inner, factor));
}

LINEAR_FLOAT32 LINEAR_INLINE __m512 quick_gelu(__m512 x)
{
    return gate(x, 20.0f, _mm512_mul_ps(clamp(x, 20.0f), _mm512_set1_ps(-2.45546695959f)));
}

LINEAR_FLOAT32 LINEAR_INLINE __m512 apply(const qctx_linear_function function, __m512 x)
{
    switch (function) {
    case QCTX_LINEAR_RELU:
        return _mm512_max_ps(_mm512_setzero_ps(), x);
    case QCTX_LINEAR_GELU:
        return gelu(x);
    case QCTX_LINEAR_GELU_TANH:
        return gelu_tanh(x);
    case QCTX_LINEAR_QUICK_GELU:
        return quick_gelu(x);
    default:
        return x;
    }
}

/* The lanes of a vector that begins `col` columns into the block. */
LINEAR_INLINE __mmask16 lanes_from(const linear_block *block, int64_t col)
{
    return (__mmask16)((1u << qctx_smaller(LINEAR_LANES, block->cols - col)) - 1u);
}

/* Finishes a block whose y is float32. */
LINEAR_FLOAT32 LINEAR_INLINE void finish_wide(const qctx_linear_function function, const linear_block *block)
{
    float *y = block->y;

    for (int64_t row = 0; row < block->rows; row++)
        for (int64_t col = 0; col < block->cols; col += LINEAR_LANES) {
            const __mmask16 lanes = lanes_from(block, col);
            const int64_t at = row * block->stride + col;
            const __m512 sums = _mm512_loadu_ps(block->sums + row * LINEAR_COLS + col);
            __m512 values = apply(function, _mm512_add_ps(sums, _mm512_loadu_ps(block->bias + col)));

            if (block->residual != NULL)
                values = _mm512_add_ps(values, _mm512_maskz_loadu_ps(lanes, block->residual + at));
            _mm512_mask_storeu_ps(y + at, lanes, values);
        }
}

/* Finishes a block whose y is bfloat16. */
LINEAR_BFLOAT16 LINEAR_INLINE void finish_narrow(const qctx_linear_function function, const linear_block *block)
{
    qctx_bfloat16 *y = block->y;

    for (int64_t row = 0; row < block->rows; row++)
        for (int64_t col = 0; col < block->cols; col += LINEAR_LANES) {
            const __m512 sums = _mm512_loadu_ps(block->sums + row * LINEAR_COLS + col);
            const __m512 values = apply(function, _mm512_add_ps(sums, _mm512_loadu_ps(block->bias + col)));

            _mm256_mask_storeu_epi16(y + row * block->stride + col, lanes_from(block, col),
                                     (__m256i)_mm512_cvtneps_pbh(values));
        }
}

/* Calls FINISH with the function as a constant. */
#define FINISH_EACH(FINISH, function, block)                                                                           \
    switch (function) {                                                                                                \
    case QCTX_LINEAR_RELU:                                                                                             \
        FINISH(QCTX_LINEAR_RELU, block);                                                                               \
        break;                                                                                                         \
    case QCTX_LINEAR_GELU:                                                                                             \
        FINISH(QCTX_LINEAR_GELU, block);                                                                               \
        break;                                                                                                         \
    case QCTX_LINEAR_GELU_TANH:                                                                                        \
        FINISH(QCTX_LINEAR_GELU_TANH, block);                                                                          \
        break;                                                                                                         \
    case QCTX_LINEAR_QUICK_GELU:                                                                                       \
        FINISH(QCTX_LINEAR_QUICK_GELU, block);                                                                         \
        break;                                                                                                         \
    default:                                                                                                           \
        FINISH(QCTX_LINEAR_IDENTITY, block);                                                                           \
    }

LINEAR_FLOAT32 static void finish_float32(qctx_linear_function function,
                                          const linear_block *block){FINISH_EACH(finish_wide, function, block)}

LINEAR_BFLOAT16 static void finish_bfloat16(qctx_linear_function function, const linear_block *block)
{
    FINISH_EACH(finish_narrow, function, block)
}

void linear_finish_tile(qctx_linear_function function, const linear_block *block)
{
    /* tanh stands in heads behind the pooling alone, where its time does not matter. */
    if (function == QCTX_LINEAR_TANH)
        linear_finish(function, block);
    else if (block->y_type == QCTX_PRECISION_FLOAT32)
        finish_float32(function, block);
    else
        finish_bfloat16(function, block);
}

#else

void linear_finish_tile(qctx_linear_function function, const linear_block *block)
{
    linear_finish(function, block);
}

#endif
