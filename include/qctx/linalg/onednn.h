/*
 * Matrix products by oneDNN, which a build may lack: the only module that knows it.
 *
 * bfloat16 with float32 sums goes through matmul primitives whose sizes and strides are given at run time: one for each
 * pair of forms, with and without adding, made once and shared by all threads. (Primitives of fixed sizes take another
 * implementation, which was measured 5 to 10 percent slower and knows no strides wider than the matrix.) float32 is
 * oneDNN's sgemm, measured 4 to 10 percent faster than OpenBLAS where there is AVX-512.
 *
 * A product runs on the calling thread alone if its parallel regions have one thread (omp_set_num_threads) or it is
 * inside one; several threads may call at a time.
 */
#ifndef QCTX_LINALG_ONEDNN_H
#define QCTX_LINALG_ONEDNN_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/bfloat16.h"
#include "qctx/linalg/blas.h"

/* Whether this build has oneDNN and this CPU instructions for products of bfloat16. Local. */
bool qctx_onednn_has_bfloat16(void);

/* Whether products of float32 are oneDNN's: this build has it, and this CPU AVX-512. Local. */
bool qctx_onednn_has_float32(void);

/*
 * C [m, n] = op(A)·op(B), or C += where `add` is set; arguments as of qctx_product (linalg/product), m, n, k ≥ 1.
 * Local. Return false, with C untouched, where this build or CPU does not have it, or where there is no memory for the
 * library's buffers: the caller has another way.
 */
bool qctx_onednn_bfloat16(qctx_transpose a_form, qctx_transpose b_form, int64_t m, int64_t n, int64_t k,
                          const qctx_bfloat16 *a, int64_t lda, const qctx_bfloat16 *b, int64_t ldb, bool add, float *c,
                          int64_t ldc);
bool qctx_onednn_float32(qctx_transpose a_form, qctx_transpose b_form, int64_t m, int64_t n, int64_t k, const float *a,
                         int64_t lda, const float *b, int64_t ldb, bool add, float *c, int64_t ldc);

/* Version and instructions ("oneDNN 2.6.3 avx512_core_bf16"), or "no oneDNN", for records. Local. */
const char *qctx_onednn_library(void);

#endif
