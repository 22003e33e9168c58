/*
 * Single-precision matrix products: the only module that knows cblas.
 *
 * All matrices are row-major and dense but for a leading dimension. Products are
 * float32 with float32 sums. Rows, columns and strides must fit an int: callers
 * multiply by tiles, or batches and widths that the configuration bounds.
 */
#ifndef QCTX_LINALG_BLAS_H
#define QCTX_LINALG_BLAS_H

#include <stdbool.h>
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

/* What decides which kernels a CPU can run; all false where it is no x86-64. */
typedef struct {
    bool avx, avx2, avx512;
} qctx_cpu_features;

/*
 * The core type that OpenBLAS should have chosen when it chose `core` on a CPU with these features, or NULL where its
 * choice is as good: it takes a CPU that it does not know for the oldest of all, at a fifth of the rate. Local.
 */
const char *qctx_blas_better_core(qctx_cpu_features features, const char *core);

/*
 * Starts the program anew with OPENBLAS_CORETYPE=core, since the library reads that when it is loaded. Returns only if
 * that fails, with the environment as it was. Before MPI starts. Local.
 */
void qctx_blas_restart(char **argv, const char *core);

/*
 * Restarts the program, once, if OpenBLAS chose worse kernels than this CPU can run; nothing where the user set
 * OPENBLAS_CORETYPE. main's first call. Local.
 */
void qctx_blas_mend_core(char **argv);

/* The core type that a restart replaced, or NULL. Local. */
const char *qctx_blas_replaced_core(void);

/* The core type in use ("Haswell"). Local. */
const char *qctx_blas_core(void);

/* Whether this build of the library has the kernels of several core types. Local. */
bool qctx_blas_has_cores(void);

#endif
