/*
 * bfloat16 matrix products with float32 sums: the only module that knows oneDNN, which a build may lack.
 *
 * oneDNN's gemm is called through matmul primitives whose sizes and strides are given at run time: one for each pair of
 * forms, with and without adding, made once and shared by all threads. (Primitives of fixed sizes take another
 * implementation, which was measured 5 to 10 percent slower here and knows no strides wider than the matrix.)
 */
#ifndef QCTX_PLATFORM_ONEDNN_H
#define QCTX_PLATFORM_ONEDNN_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/bfloat16.h"
#include "qctx/platform/blas.h"

/* Whether this build has oneDNN and this CPU instructions for products of bfloat16. Local. */
bool qctx_onednn_is_native(void);

/*
 * C [m, n] = op(A)·op(B), or C += where `add` is set; arguments as of qctx_product (platform/product), m, n, k ≥ 1.
 * On the calling thread alone if its parallel regions have one thread (omp_set_num_threads) or it is inside one;
 * several threads may call at a time. Local. Returns false, with C untouched, where it is not native or where there is
 * no memory for the library's buffers.
 */
bool qctx_onednn_multiply(qctx_transpose a_form, qctx_transpose b_form, int64_t m, int64_t n, int64_t k,
                          const qctx_bfloat16 *a, int64_t lda, const qctx_bfloat16 *b, int64_t ldb, bool add, float *c,
                          int64_t ldc);

/* Version and instructions ("oneDNN 2.6.3 avx512_core_bf16"), or "no oneDNN", for records. Local. */
const char *qctx_onednn_library(void);

#endif
