#include "linear_internal.h"
#include "qctx/base/order.h"

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>
#include <string.h>

/*
 * A tile of rows by four vectors of columns: 24 sums in registers, which hide the latency of 24 multiplications, four
 * vectors of weights, and a number of x. Few rows rather than few columns, since rows may be a power of two apart and
 * then share one set of the first cache.
 */
enum { TILE_ROWS = 6, VECTORS = 4, LANES = 16, AHEAD = 8 };

_Static_assert(VECTORS *LANES == LINEAR_COLS, "a panel is a tile wide");

#define TARGET_FLOAT32  __attribute__((target("avx512f")))
#define TARGET_BFLOAT16 __attribute__((target("avx512f,avx512bf16")))
#define INLINE          __attribute__((always_inline)) static inline

/*
 * A tile, written once for both: `LOAD` broadcasts a unit of x, `MULTIPLY` adds its products with a vector of units.
 * The compiler unrolls what depends on `rows`, a constant in every call.
 */
#define DEFINE_TILE(NAME, TARGET, UNIT, BROADCAST, MULTIPLY)                                                           \
    TARGET INLINE void NAME(const int rows, int64_t depth, const UNIT *x, int64_t stride, const UNIT *panel, bool add, \
                            float *sums)                                                                               \
    {                                                                                                                  \
        __m512 sum[TILE_ROWS][VECTORS];                                                                                \
                                                                                                                       \
        _Pragma("GCC unroll 6") for (int i = 0; i < rows; i++)                                                         \
            _Pragma("GCC unroll 4") for (int v = 0; v < VECTORS; v++) sum[i][v] =                                      \
                add ? _mm512_loadu_ps(sums + i * LINEAR_COLS + v * LANES) : _mm512_setzero_ps();                       \
        for (int64_t l = 0; l < depth; l++) {                                                                          \
            const UNIT *line = panel + l * LINEAR_COLS;                                                                \
            const __m512 w0 = _mm512_loadu_ps(line), w1 = _mm512_loadu_ps(line + LANES);                               \
            const __m512 w2 = _mm512_loadu_ps(line + 2 * LANES), w3 = _mm512_loadu_ps(line + 3 * LANES);               \
                                                                                                                       \
            _mm_prefetch(line + AHEAD * LINEAR_COLS, _MM_HINT_T0);                                                     \
            _mm_prefetch(line + AHEAD * LINEAR_COLS + LANES, _MM_HINT_T0);                                             \
            _mm_prefetch(line + AHEAD * LINEAR_COLS + 2 * LANES, _MM_HINT_T0);                                         \
            _mm_prefetch(line + AHEAD * LINEAR_COLS + 3 * LANES, _MM_HINT_T0);                                         \
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
                _mm512_storeu_ps(sums + i * LINEAR_COLS + v * LANES, sum[i][v]);                                       \
    }

TARGET_FLOAT32 INLINE __m512 broadcast_float32(const float *x)
{
    return _mm512_set1_ps(*x);
}
TARGET_FLOAT32 INLINE __m512 multiply_float32(__m512 sum, __m512 unit, __m512 weights)
{
    return _mm512_fmadd_ps(unit, weights, sum);
}
TARGET_BFLOAT16 INLINE __m512 broadcast_pair(const float *x)
{
    int32_t pair;

    memcpy(&pair, x, sizeof pair);
    return _mm512_castsi512_ps(_mm512_set1_epi32(pair));
}
TARGET_BFLOAT16 INLINE __m512 multiply_pairs(__m512 sum, __m512 pair, __m512 weights)
{
    return _mm512_dpbf16_ps(sum, (__m512bh)pair, (__m512bh)weights);
}

DEFINE_TILE(tile_float32, TARGET_FLOAT32, float, broadcast_float32, multiply_float32)
DEFINE_TILE(tile_bfloat16, TARGET_BFLOAT16, float, broadcast_pair, multiply_pairs)

/* All rows in tiles as even as can be. */
#define DEFINE_KERNEL(NAME, TARGET, TILE)                                                                              \
    TARGET static void NAME(int64_t rows, int64_t depth, const float *x, int64_t stride, const float *panel, bool add, \
                            float *sums)                                                                               \
    {                                                                                                                  \
        for (int64_t tiles = qctx_divide_up(rows, TILE_ROWS); tiles > 0; tiles--) {                                    \
            const int64_t taken = qctx_divide_up(rows, tiles);                                                         \
                                                                                                                       \
            switch (taken) {                                                                                           \
            case 6:                                                                                                    \
                TILE(6, depth, x, stride, panel, add, sums);                                                           \
                break;                                                                                                 \
            case 5:                                                                                                    \
                TILE(5, depth, x, stride, panel, add, sums);                                                           \
                break;                                                                                                 \
            case 4:                                                                                                    \
                TILE(4, depth, x, stride, panel, add, sums);                                                           \
                break;                                                                                                 \
            case 3:                                                                                                    \
                TILE(3, depth, x, stride, panel, add, sums);                                                           \
                break;                                                                                                 \
            case 2:                                                                                                    \
                TILE(2, depth, x, stride, panel, add, sums);                                                           \
                break;                                                                                                 \
            default:                                                                                                   \
                TILE(1, depth, x, stride, panel, add, sums);                                                           \
                break;                                                                                                 \
            }                                                                                                          \
            rows -= taken;                                                                                             \
            x += taken * stride;                                                                                       \
            sums += taken * LINEAR_COLS;                                                                               \
        }                                                                                                              \
    }

DEFINE_KERNEL(kernel_float32, TARGET_FLOAT32, tile_float32)
DEFINE_KERNEL(kernel_bfloat16, TARGET_BFLOAT16, tile_bfloat16)

bool linear_kernel_fits(qctx_precision precision, int64_t input)
{
    if (precision == QCTX_PRECISION_FLOAT32)
        return __builtin_cpu_supports("avx512f");
    return __builtin_cpu_supports("avx512bf16") && input % 2 == 0;
}

void linear_kernel(qctx_precision precision, int64_t rows, int64_t depth, const void *x, int64_t stride,
                   const void *panel, bool add, float *sums)
{
    if (precision == QCTX_PRECISION_FLOAT32)
        kernel_float32(rows, depth, x, stride, panel, add, sums);
    else
        kernel_bfloat16(rows, depth, x, stride, panel, add, sums);
}

#else

bool linear_kernel_fits(qctx_precision precision, int64_t input)
{
    (void)precision, (void)input;
    return false;
}

void linear_kernel(qctx_precision precision, int64_t rows, int64_t depth, const void *x, int64_t stride,
                   const void *panel, bool add, float *sums)
{
    (void)precision, (void)rows, (void)depth, (void)x, (void)stride, (void)panel, (void)add, (void)sums;
}

#endif
