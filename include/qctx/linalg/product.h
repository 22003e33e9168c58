/*
 * Matrix products in the precision of a run: what the head, the loss and the scans are made of.
 *
 * Operands are float32 (oneDNN where the build has it and the CPU AVX-512, else OpenBLAS: linalg/onednn,
 * linalg/blas) or bfloat16 (oneDNN); sums and results are always float32. A product is cut into panels whose shapes
 * follow from m, n and k alone, and each panel is one single-threaded call of the library; the threads of a rank take
 * whole panels. So the bits of a result follow from the operands, the sizes, forms and strides (float32 has kernels for
 * some strides), not from the number of threads. Called inside a parallel region, a product runs on the calling thread
 * alone, with the same bits.
 *
 * Open MPI has no progress of its own: between panels the main thread drives the exchanges under way
 * (qctx_comm_progress), so communication that was started before a product goes on beneath it.
 */
#ifndef QCTX_LINALG_PRODUCT_H
#define QCTX_LINALG_PRODUCT_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/bfloat16.h"
#include "qctx/linalg/blas.h"

/* AUTO is for the configuration: training/planner makes one of the others of it. */
typedef enum { QCTX_PRECISION_FLOAT32, QCTX_PRECISION_BFLOAT16, QCTX_PRECISION_AUTO } qctx_precision;
extern const char *const qctx_precision_names[];

/*
 * C [m, n] = op(A)·op(B), or C += op(A)·op(B) where `add` is set; op(A) [m, k], op(B) [k, n]; lda, ldb, ldc are the row
 * strides of the arrays as stored, in elements. A and B hold float or qctx_bfloat16 as `precision` says. Without
 * `add`, C is written without being read. Any of m, n, k may be 0. Local. Cannot fail: without oneDNN, bfloat16
 * operands are widened block by block and multiplied in float32, slowly.
 */
void qctx_product(qctx_precision precision, qctx_transpose a_form, qctx_transpose b_form, int64_t m, int64_t n,
                  int64_t k, const void *a, int64_t lda, const void *b, int64_t ldb, bool add, float *c, int64_t ldc);

/*
 * The twin of a bfloat16 product, m, n, k ≥ 1: widens blocks of the operands and multiplies them in float32, on the
 * calling thread. For panels that oneDNN cannot take, and for tests. Local. Cannot fail.
 */
void qctx_product_widened(qctx_transpose a_form, qctx_transpose b_form, int64_t m, int64_t n, int64_t k,
                          const qctx_bfloat16 *a, int64_t lda, const qctx_bfloat16 *b, int64_t ldb, bool add, float *c,
                          int64_t ldc);

/* Bytes of an operand's element: 4 or 2. Local. */
int64_t qctx_precision_bytes(qctx_precision precision);

/* The library and its kernels ("OpenBLAS 0.3.21 Cooperlake, openmp"), for records. Local. */
const char *qctx_product_library(qctx_precision precision);

/* Whether this build and this CPU have instructions for products of this precision (float32: always). Local. */
bool qctx_product_is_native(qctx_precision precision);

/*
 * The rate of a product m × n × k on this rank's threads, in FLOP a second: the median of `times` ≥ 1 runs after one to
 * warm up. Local: call it on all ranks at a time for the rate that a step will see. Without memory for the operands: 0.
 */
double qctx_product_rate(qctx_precision precision, qctx_transpose a_form, qctx_transpose b_form, int64_t m, int64_t n,
                         int64_t k, int64_t times);

#endif
