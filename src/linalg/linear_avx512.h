/* What the files for AVX-512 share: the instructions that their functions may use. */
#ifndef QCTX_LINALG_LINEAR_AVX512_H
#define QCTX_LINALG_LINEAR_AVX512_H

#if defined(__x86_64__) && defined(__GNUC__)

#define LINEAR_HAS_AVX512
#define LINEAR_FLOAT32  __attribute__((target("avx512f")))
#define LINEAR_BFLOAT16 __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16")))
#define LINEAR_INLINE   __attribute__((always_inline)) static inline

enum { LINEAR_LANES = 16 };

#endif

#endif
