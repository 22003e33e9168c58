/*
 * Single-precision matrix products: the only module that knows cblas.
 *
 * All matrices are row-major and dense but for a leading dimension. Products are
 * float32 with float32 sums. Rows, columns and strides must fit an int: callers
 * multiply by tiles, or batches and widths that the configuration bounds.
 */
#ifndef QCTX_PLATFORM_BLAS_H
#define QCTX_PLATFORM_BLAS_H

#include <stdint.h>

typedef enum { QCTX_PLAIN, QCTX_TRANSPOSED } qctx_transpose;

/*
 * C[m, n] = alpha · op(A) · op(B) + beta · C, with op(A) [m, k] and op(B) [k, n];
 * lda, ldb, ldc are the row strides of the arrays as stored. With beta = 0, C is
 * written without being read. Any of m, n, k may be 0. Local.
 */
void qctx_sgemm(qctx_transpose a_form, qctx_transpose b_form, int64_t m, int64_t n, int64_t k, float alpha,
                const float *a, int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc);

/* Sets the number of threads of the library's products. Local. */
void qctx_blas_set_threads(int threads);

/* Version and kernel choice ("OpenBLAS 0.3.21 SkylakeX, openmp"), for records. Local. */
const char *qctx_blas_library(void);

#endif
