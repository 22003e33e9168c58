/*
 * The passes over one tile of S between its matrix products: contrastive_tile.c has those with one shift for all of S,
 * contrastive_tile_row_maxima.c those with a maximum for each row and column, contrastive_tile_sigmoid.c that of
 * sigmoid.
 *
 * A tile holds the dot products of some rows of one side with some rows of the other, row-major with `pitch` floats
 * from row to row. loss_index_mask (contrastive_index.h) first takes out what is no negative, and the diagonal too,
 * whose dot products it hands to the caller: a row has one entry there, and so it is summed and differentiated in
 * double, without the cancellation of p − 1. One exponential an entry then serves rows, columns and both gradients:
 *
 *   E = exp(s·dot − shift), the same shift for all of S, so that
 *   G = E·(1/ΣE over the row + 1/ΣE over the column), and on the diagonal that − 2
 *
 * With |s·dot| ≤ s the shift max(0, s − 75) keeps E below e^75 and every sum of a batch below e^87. What lies more than
 * 87 below the shift becomes 0; a row or column whose sum is at least e^−60 loses less than one part in 10^6 of it by
 * that. Another sum (opposite vectors at a high scale, or large dot products where rows are not normalised) is told by
 * loss_sums_are_safe, and the step then goes by row maxima, with a maximum of its own for every row and column.
 *
 * E is held in the precision of the products (float32, or bfloat16 for half the memory). G is made from E as held, so
 * it has the same bits whether E was kept or is made again.
 *
 * Sums are float32 within cells of fixed size and double between them, cells and their order following from the tile's
 * shape alone: the number of threads changes no bit. Everything here is local.
 */
#ifndef QCTX_MODEL_CONTRASTIVE_TILE_H
#define QCTX_MODEL_CONTRASTIVE_TILE_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/bfloat16.h"
#include "qctx/linalg/product.h"

typedef struct {
    float *x; /* dot products */
    int64_t pitch;
    int64_t rows;
    int64_t cols;
} loss_tile;

/* Entries that one thread works sooner than several begin: some ten microseconds. */
enum { LOSS_ALONE = 32768 };

/* Entries from row to row of a tile of `cols` columns. */
int64_t loss_tile_pitch(int64_t cols);

/*
 * The scale as the passes over tiles see it: s rounded so that they lose nothing by a float32 factor. All that is
 * worked in double beside them takes this one.
 */
double loss_tile_scale(double scale);

/* The shift of E for a scale s: max(0, s − 75), rounded up to where it costs no rounding. */
double loss_shift(double scale);

/*
 * e [rows, e_pitch] = E = exp(scale·x − shift) in `precision`; x itself for float32, or NULL for none, if only sums are
 * wanted. best[i] = max(best[i], largest x of the row), row_sum[i] += Σⱼ E, column_sum[j] += Σᵢ E before rounding; each
 * NULL for none. Entries of −infinity become 0 and count nowhere. best begins at −FLT_MAX or below.
 */
void loss_tile_exponentials(const loss_tile *tile, double scale, double shift, qctx_precision precision, void *e,
                            int64_t e_pitch, float *best, double *row_sum, double *column_sum);

/*
 * g [rows, g_pitch] = e·(by_row[i] + by_column[j]); e [rows, e_pitch] and g both in `precision`, g may be e itself.
 * by_row [rows], by_column [cols]: 1/ΣE, and zeros where a direction of the loss is not wanted.
 */
void loss_tile_gradient(int64_t rows, int64_t cols, const float *by_row, const float *by_column,
                        qctx_precision precision, const void *e, int64_t e_pitch, void *g, int64_t g_pitch);

/* loss_tile_exponentials and loss_tile_gradient in one pass, with the same bits. g may be x for float32. */
void loss_tile_gradient_again(const loss_tile *tile, double scale, double shift, const float *by_row,
                              const float *by_column, qctx_precision precision, void *g, int64_t g_pitch);

/*
 * What the own score, on the diagonal, has of `sum` = Σ exp(score − shift): its share, and as the result −log of it.
 * Through the quotient, so that a row without rivals has no loss at all, unless the exponential is too small.
 */
double loss_own_share(double score, double shift, double sum, double *share);

/* Whether every sum [count] fits the shared shift: within e^−60 … e^87, not NaN; and whether all are finite. */
bool loss_sums_are_safe(const double *sums, int64_t count);
bool loss_sums_are_finite(const double *sums, int64_t count);

/*
 * By row maxima: as loss_tile_exponentials without E, each row and column with a maximum that moves with what comes
 * (Milakov and Gimelshein 2018): row_max [rows] of the scores (float)scale·x, row_sum with Σ exp(score − row_max),
 * columns likewise (NULL for none). Maxima begin at −FLT_MAX with sums of 0.
 */
void loss_tile_sums_row_maxima(const loss_tile *tile, double scale, float *row_max, double *row_sum, float *column_max,
                               double *column_sum);
/* Joins another part's maximum and sum to *max and *sum; one score more is (score, 1). */
void loss_join_maxima(float *max, double *sum, float other_max, double other_sum);
/*
 * G = exp(score − row_max)·by_row + exp(score − column_max)·by_column; g may be x for float32. A direction of the loss
 * that is not wanted has maxima of FLT_MAX and factors of 0.
 */
void loss_tile_gradient_row_maxima(const loss_tile *tile, double scale, const float *row_max, const float *by_row,
                                   const float *column_max, const float *by_column, qctx_precision precision, void *g,
                                   int64_t g_pitch);

/*
 * sigmoid, all in one pass: G = σ(scale·x + bias) for every entry as a negative, 0 for −infinity, into g as above
 * (NULL for none), best as above; *g_sum += ΣG before rounding. Returns Σ −log σ(−(scale·x + bias)).
 */
double loss_tile_sigmoid(const loss_tile *tile, double scale, double bias, float *best, qctx_precision precision,
                         void *g, int64_t g_pitch, double *g_sum);

/* The diagonal of sigmoid, at `score` = s·own + β: returns −log σ(score), and its derivative −σ(−score) in *g. */
double loss_sigmoid_own(double score, double *g);

/*
 * g[i, i + diagonal] = value[i] in `precision` for the rows i whose column i + diagonal lies in the tile. `diagonal` is
 * the batch's row of the tile's row 0 less that of its column 0, and may be negative.
 */
void loss_tile_set_diagonal(int64_t rows, int64_t cols, int64_t diagonal, const float *value, qctx_precision precision,
                            void *g, int64_t g_pitch);

#endif
