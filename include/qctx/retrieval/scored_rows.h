/*
 * Scores: what they are, and how far a fast product can be off.
 *
 * The score of a question and a context is the dot product of their projected float32 rows in double (qctx_score).
 * That one number defines every order: top-k lists, positions, search. Products in float32 or bfloat16 only say where
 * to look: a bound on their error tells which of their scores decide by themselves, and the others are settled by
 * qctx_score. So no result depends on the precision of a scan, its tiles, the ranks or the threads.
 */
#ifndef QCTX_RETRIEVAL_SCORED_ROWS_H
#define QCTX_RETRIEVAL_SCORED_ROWS_H

#include <stdint.h>

#include "qctx/base/bfloat16.h"
#include "qctx/base/status.h"
#include "qctx/linalg/product.h"

/* The score of two rows [width]; one that is not a number counts as −infinity. Local. Cannot fail. */
double qctx_score(const float *question, const float *context, int64_t width);

/* How long a row is, and how much of it rounding to bfloat16 takes away: Euclidean norms. */
typedef struct {
    double length; /* ‖x‖; infinite where it is not a number */
    double error;  /* ‖x − bfloat16(x)‖; 0 where there is no rounded row */
} qctx_extent;

/* Projected rows, ready to be multiplied. */
typedef struct {
    float *values;          /* [count, width] */
    qctx_bfloat16 *rounded; /* [count, width]; NULL: products are in float32 */
    qctx_extent *extents;   /* [count] */
} qctx_scored_rows;

/*
 * Allocates the arrays for `count` rows; `rounded` only for BFLOAT16, and for AUTO where this CPU multiplies bfloat16
 * natively. Local. The caller frees, also after a failure. Errors: MEMORY (naming `purpose`).
 */
qctx_status qctx_scored_rows_alloc(int64_t count, int64_t width, qctx_precision precision, const char *purpose,
                                   qctx_scored_rows *operand, qctx_error *error);
void qctx_scored_rows_free(qctx_scored_rows *operand);

/* Rounds and measures the first `count` rows of operand->values. Shared by the threads. Local. */
void qctx_scored_rows_measure(qctx_scored_rows *operand, int64_t count, int64_t width);

/* The largest length and the largest error of extents [count]. Local. */
qctx_extent qctx_extent_most(const qctx_extent *extents, int64_t count);

/*
 * A bound on |s − qctx_score|, where s is qctx_product's score of two rows of `width` in `precision`, and the rows'
 * extents are at most those given. Infinite where s may overflow. With γ = n·u/(1 − n·u), u = 2⁻²⁴ (Higham, Accuracy
 * and Stability of Numerical Algorithms, 3.1), and x̃ the rounded x:
 *
 *   |⟨q̃, c̃⟩ − ⟨q, c⟩| ≤ ‖q − q̃‖·‖c‖ + ‖q̃‖·‖c − c̃‖,    |s − ⟨q̃, c̃⟩| ≤ γ·‖q̃‖·‖c̃‖ + underflow
 *
 * n is the width, twice that for bfloat16, whose instructions need not round sums to the nearest. Local. Cannot fail.
 */
double qctx_score_bound(qctx_precision precision, int64_t width, qctx_extent question, qctx_extent context);

#endif
