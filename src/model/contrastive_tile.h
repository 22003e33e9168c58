/*
 * The passes over one tile of S between its matrix products, and which of its entries are no negatives.
 *
 * A tile holds the dot products of some of this rank's questions with some contexts of the batch, row-major with
 * `pitch` floats from row to row. One exponential an entry serves rows, columns and both gradients:
 *
 *   E = exp(s·dot − shift), the same shift for all of S, so that
 *   G = E·(1/ΣE over the row + 1/ΣE over the column) − 2 on the diagonal
 *
 * With |s·dot| ≤ s the shift max(0, s − 75) keeps E below e^75 and every sum below the largest float. What lies more
 * than 87 below the shift becomes 0; a row or column whose sum is at least e^−60 loses less than one part in 10^6 of it
 * by that. A smaller sum (opposite vectors at a high scale) is told by loss_sums_are_safe, and the step then takes the
 * careful way, with a maximum of its own for every row and column.
 *
 * Sums are float32 within cells of fixed size and double between them, cells and their order following from the tile's
 * shape alone: the number of threads changes no bit.
 */
#ifndef QCTX_MODEL_CONTRASTIVE_TILE_H
#define QCTX_MODEL_CONTRASTIVE_TILE_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/bfloat16.h"
#include "qctx/base/status.h"
#include "qctx/model/contrastive.h"
#include "qctx/platform/product.h"

typedef struct {
    float *x;      /* dot products, then E */
    int64_t pitch; /* floats */
    int64_t rows;
    int64_t cols;
} loss_tile;

/* The shift of E for a scale s. Local. */
double loss_shift(double scale);

/*
 * x = exp(scale·x − shift), best[i] = max(best[i], the row's largest x before), row_sum[i] += Σⱼ x, column_sum[j] += Σᵢ
 * x. Entries of −infinity become 0 and count nowhere. best [rows], row_sum [rows], column_sum [cols]. Local.
 */
void loss_tile_exponentials(const loss_tile *tile, float scale, float shift, float *best, double *row_sum,
                            double *column_sum);

/*
 * G = x·(by_row[i] + by_column[j]), rounded to `precision`, into g [rows, g_pitch] (float or qctx_bfloat16). For
 * float32 g may be x itself. Local.
 */
void loss_tile_gradient(const loss_tile *tile, const float *by_row, const float *by_column, qctx_precision precision,
                        void *g, int64_t g_pitch);

/* Whether every sum [count] is large enough for the shared shift (and none is NaN). Local. */
bool loss_sums_are_safe(const double *sums, int64_t count);

/*
 * The careful way. As loss_tile_exponentials, but x stays as it is and each row and column has a maximum that moves
 * with what comes (Milakov and Gimelshein 2018): row_max, row_sum with Σ exp(scale·x − row_max), columns likewise.
 * Maxima begin at −FLT_MAX with sums of 0.
 */
void loss_tile_careful_sums(const loss_tile *tile, float scale, float *best, float *row_max, double *row_sum,
                            float *column_max, double *column_sum);
/* G = exp(scale·x − row_max)·by_row + exp(scale·x − column_max)·by_column, as loss_tile_gradient. Local. */
void loss_tile_careful_gradient(const loss_tile *tile, float scale, const float *row_max, const float *by_row,
                                const float *column_max, const float *by_column, qctx_precision precision, void *g,
                                int64_t g_pitch);

/*
 * sigmoid, all in one pass: G = σ(scale·x + bias) for every entry as a negative (−infinity gives 0), and returns
 * Σ −log σ(−(scale·x + bias)) of the tile; best as above; g_sum += ΣG (for ∂L/∂β). The diagonal is put right by the
 * caller. Local.
 */
double loss_tile_sigmoid(const loss_tile *tile, float scale, float bias, float *best, qctx_precision precision, void *g,
                         int64_t g_pitch, double *g_sum);

/*
 * The batch's contents in order, so that the entries that are no negatives are found on the fly: memory O(B +
 * positives), however many duplicates there are.
 */
typedef struct loss_index loss_index;

/* contents [count] with their rows in the batch row[k] (or k itself where `row` is NULL). Local. Errors: MEMORY. */
qctx_status loss_index_create(int64_t count_max, loss_index **created, qctx_error *error);
void loss_index_destroy(loss_index *index);
void loss_index_fill(loss_index *index, const uint64_t *contents, const int64_t *row, int64_t count);

/*
 * Sets to −infinity what is no negative in a tile whose columns are the batch's contexts from `first_column` on and
 * whose rows are this rank's questions i0 … (rows of `batch`, row i of the rank is row first + i of the batch);
 * `contexts` indexes the contexts of the whole batch. The diagonal stays. Local.
 */
void loss_tile_mask(const loss_tile *tile, const loss_index *contexts, const qctx_loss_batch *batch, int64_t first,
                    int64_t i0, int64_t first_column);

/*
 * x̂ = x/‖x‖ (or x, without `normalize`) for rows [rows, dim]: to `unit` (float32, NULL for none) and to `half`
 * (bfloat16, NULL for none); inverse[i] = 1/‖x‖, 0 for a row of zeros, 1 without `normalize`. In one pass a row. Local.
 */
void loss_normalize(const float *x, int64_t rows, int64_t dim, bool normalize, float *unit, qctx_bfloat16 *half,
                    double *inverse);

#endif
