/*
 * Sums whose bits do not depend on who adds what: the batch is cut into leaves, and vectors of the leaves are added
 * along one binary tree, ((0 + 1) + (2 + 3)) + … .
 *
 * The number of leaves is a power of two that follows from the batch alone. The rows of leaf i of L are
 * qctx_share(batch, i, L), the leaves of rank r of P qctx_share(L, r, P): where P is a power of two not above L, an
 * aligned run, of which the rank adds up its own subtree, and qctx_comm_tree_sum_float continues the same tree between
 * the ranks. On other P sums are repeatable, but not the same for every P.
 */
#ifndef QCTX_BASE_TREE_SUM_H
#define QCTX_BASE_TREE_SUM_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/status.h"

/*
 * Number of leaves of a batch of `batch` rows: the largest power of two that leaves at least 512 rows to each, but at
 * least 8 and at most 64. Local.
 */
int64_t qctx_leaf_count(int64_t batch);

/* Whether sums over `leaves` are the same on `size` ranks as on one: `size` is a power of two ≤ leaves. Local. */
bool qctx_leaf_is_invariant(int64_t leaves, int size);

/*
 * A subtree being added up: leaves are pushed in order; finished pairs are added at once, so at most log₂(leaves) + 1
 * vectors are held (a binary counter).
 */
typedef struct qctx_tree_sum qctx_tree_sum;

/* For vectors of `length` floats and up to `leaves` ≥ 1 leaves. Local. The caller destroys it (NULL-safe). Errors:
 * MEMORY. */
qctx_status qctx_tree_sum_create(int64_t length, int64_t leaves, qctx_tree_sum **created, qctx_error *error);
void qctx_tree_sum_destroy(qctx_tree_sum *sum);

/* Bytes that qctx_tree_sum_create allocates. Local. */
int64_t qctx_tree_sum_memory(int64_t length, int64_t leaves);

/* Begins anew. Local. */
void qctx_tree_sum_reset(qctx_tree_sum *sum);

/* Room [length] for the next leaf, not cleared; qctx_tree_sum_push takes it as it then is. Local. */
float *qctx_tree_sum_leaf(qctx_tree_sum *sum);
void qctx_tree_sum_push(qctx_tree_sum *sum);

/* out [length] = the sum of all pushed leaves (zeros without any). Local. */
void qctx_tree_sum_result(qctx_tree_sum *sum, float *out);

/*
 * Rows of `width` numbers, a row a leaf, that lie `pitch` numbers apart: row 0 becomes their sum along the same tree;
 * what the others hold then is of no use. Nothing happens without rows. Local.
 */
void qctx_tree_sum_rows(double *values, int64_t rows, int64_t width, int64_t pitch);

#endif
