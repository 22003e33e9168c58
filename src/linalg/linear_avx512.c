/* The product of a tile of rows with a panel of packed weights, by instructions of AVX-512. */
#include "linear_avx512.h"
#include "linear_internal.h"

#ifdef LINEAR_HAS_AVX512

#include <immintrin.h>
#include <string.h>

/*
 * A tile of six rows by four vectors of columns: 24 sums in registers, which hide the latency of their multiplications,
 * four vectors of weights, and a number of x. Few rows rather than few columns, since rows may be a power of two apart
 * and then share one set of the first cache.
 */
enum { VECTORS = 4, AHEAD = 8 }; /* lines of weights that are asked for beforehand */

_Static_assert(VECTORS *LINEAR_LANES == LINEAR_COLS, "a panel is a tile wide");

/*
 * A tile, written once for float32 and bfloat16: `LOAD` broadcasts a unit of x, `MULTIPLY` adds its products with a
 * vector of units. The compiler unrolls what depends on `rows`, a constant in every call.
 */
#define DEFINE_TILE(NAME, TARGET, UNIT, BROADCAST, MULTIPLY)                                                           \
    TARGET LINEAR_INLINE void NAME(const int rows, int64_t depth, const UNIT *x, int64_t stride, const UNIT *panel,    \
                                   bool add, float *sums)                                                              \
    {                                                                                                                  \
        __m512 sum[LINEAR_TILE][VECTORS];                                                                              \
                                                                                                                       \
        _Pragma("GCC unroll 6") for (int i = 0; i < rows; i++)                                                         \
            _Pragma("GCC unroll 4") for (int v = 0; v < VECTORS; v++) sum[i][v] =                                      \
                add ? _mm512_loadu_ps(sums + i * LINEAR_COLS + v * LINEAR_LANES) : _mm512_setzero_ps();                \
        for (int64_t l = 0; l < depth; l++) {                                                                          \
            const UNIT *line = panel + l * LINEAR_COLS;                                                                \
            const __m512 w0 = _mm512_loadu_ps(line), w1 = _mm512_loadu_ps(line + LINEAR_LANES);                        \
            const __m512 w2 = _mm512_loadu_ps(line + 2 * LINEAR_LANES), w3 = _mm512_loadu_ps(line + 3 * LINEAR_LANES); \
                                                                                                                       \
            _mm_prefetch(line + AHEAD * LINEAR_COLS, _MM_HINT_T0);                                                     \
            _mm_prefetch(line + AHEAD * LINEAR_COLS + LINEAR_LANES, _MM_HINT_T0);                                      \
            _mm_prefetch(line + AHEAD * LINEAR_COLS + 2 * LINEAR_LANES, _MM_HINT_T0);                                  \
            _mm_prefetch(line + AHEAD * LINEAR_COLS + 3 * LINEAR_LANES, _MM_HINT_T0);                                  \
            _Pragma("GCC unroll 6") for (int i = 0; i < rows; i++)                                                     \
            {                                                                                                          \
                const __m512 unit = BROADCAST(x + i * stride + l);                                                     \
                                                                                                                       \
                sum[i][0] = MULTIPLY(sum[i][0], unit, w0);                                                             \
                sum[i][1] = MULTIPLY(sum[i][1], unit, w1);                                                             \
                sum[i][2] = MULTIPLY(sum[i][2], unit, w2);                                                             \
                sum[i][3] = MULTIPLY(sum[i][3], unit, w3);                                                             \
            }                                                                                                          \
        }                                                                                                              \
        _Pragma("GCC unroll 6") for (int i = 0; i < rows; i++)                                                         \
            _Pragma("GCC unroll 4") for (int v = 0; v < VECTORS; v++)                                                  \
                _mm512_storeu_ps(sums + i * LINEAR_COLS + v * LINEAR_LANES, sum[i][v]);                                \
    }

LINEAR_FLOAT32 LINEAR_INLINE __m512 broadcast_float32(const float *x)
{
    return _mm512_set1_ps(*x);
}
LINEAR_FLOAT32 LINEAR_INLINE __m512 multiply_float32(__m512 sum, __m512 unit, __m512 weights)
{
    return _mm512_fmadd_ps(unit, weights, sum);
}
LINEAR_BFLOAT16 LINEAR_INLINE __m512 broadcast_pair(const float *x)
{
    int32_t pair;

    memcpy(&pair, x, sizeof pair);
    return _mm512_castsi512_ps(_mm512_set1_epi32(pair));
}
LINEAR_BFLOAT16 LINEAR_INLINE __m512 multiply_pairs(__m512 sum, __m512 pair, __m512 weights)
{
    return _mm512_dpbf16_ps(sum, (__m512bh)pair, (__m512bh)weights);
}

DEFINE_TILE(tile_float32, LINEAR_FLOAT32, float, broadcast_float32, multiply_float32)
DEFINE_TILE(tile_bfloat16, LINEAR_BFLOAT16, float, broadcast_pair, multiply_pairs)

/* The functions for each number of rows, which is at most LINEAR_TILE. */
#define DEFINE_TILES(TARGET, TILE)                                                                                     \
    TARGET static void TILE##s(int64_t rows, int64_t depth, const float *x, int64_t stride, const float *panel,        \
                               bool add, float *sums)                                                                  \
    {                                                                                                                  \
        switch (rows) {                                                                                                \
        case 6:                                                                                                        \
            TILE(6, depth, x, stride, panel, add, sums);                                                               \
            break;                                                                                                     \
        case 5:                                                                                                        \
            TILE(5, depth, x, stride, panel, add, sums);                                                               \
            break;                                                                                                     \
        case 4:                                                                                                        \
            TILE(4, depth, x, stride, panel, add, sums);                                                               \
            break;                                                                                                     \
        case 3:                                                                                                        \
            TILE(3, depth, x, stride, panel, add, sums);                                                               \
            break;                                                                                                     \
        case 2:                                                                                                        \
            TILE(2, depth, x, stride, panel, add, sums);                                                               \
            break;                                                                                                     \
        default:                                                                                                       \
            TILE(1, depth, x, stride, panel, add, sums);                                                               \
        }                                                                                                              \
    }

DEFINE_TILES(LINEAR_FLOAT32, tile_float32)
DEFINE_TILES(LINEAR_BFLOAT16, tile_bfloat16)

bool linear_tile_fits(qctx_precision precision, int64_t input)
{
    if (precision == QCTX_PRECISION_FLOAT32)
        return __builtin_cpu_supports("avx512f");
    return __builtin_cpu_supports("avx512bf16") && input % 2 == 0;
}

void linear_tile(qctx_precision precision, int64_t rows, int64_t depth, const void *x, int64_t stride,
                 const void *panel, bool add, float *sums)
{
    if (precision == QCTX_PRECISION_FLOAT32)
        tile_float32s(rows, depth, x, stride, panel, add, sums);
    else
        tile_bfloat16s(rows, depth, x, stride, panel, add, sums);
}

#else

bool linear_tile_fits(qctx_precision precision, int64_t input)
{
    (void)precision, (void)input;
    return false;
}

void linear_tile(qctx_precision precision, int64_t rows, int64_t depth, const void *x, int64_t stride,
                 const void *panel, bool add, float *sums)
{
    (void)precision, (void)rows, (void)depth, (void)x, (void)stride, (void)panel, (void)add, (void)sums;
}

#endif
