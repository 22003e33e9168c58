/*
 * What the files of the scheme `rows_columns` share.
 *
 * Every rank holds all of Q and D, and works two sides alike: its questions against all contexts (its rows of S), its
 * contexts against all questions (its columns, as rows of Sᵀ). Each side gives the log-sums of its rows, which are
 * gathered, and the gradients of its rows. Nothing is summed over ranks but scalars.
 *
 * A side is worked in tiles: rows of one group (all rows of the rank, or a leaf of base/tree_sum) against some of the
 * batch's columns, which are cut alike on all ranks. So a row's sums and gradients have the same bits on any rank that
 * works the same leaf.
 */
#ifndef QCTX_MODEL_CONTRASTIVE_ROWS_COLUMNS_H
#define QCTX_MODEL_CONTRASTIVE_ROWS_COLUMNS_H

#include "contrastive_roll.h"

enum { QUESTION_SIDE, CONTEXT_SIDE, SIDES };

/* A positive of a question that is not its own context, on its way to the rank that holds such contexts. */
typedef struct {
    uint64_t content;
    int64_t question; /* row of the batch */
} loss_positive;

typedef struct {
    char *all;             /* Q or D [B, dim] in the precision of the products */
    double *inverse;       /* 1/‖x‖ of this rank's rows [rows] */
    double *sum;           /* Σ exp(S − shift) of each row of the side, over the other side [B] */
    float *max;            /* the careful way: its own shift [B] */
    float *factor;         /* 1/sum, 0 where the direction is not part of L [B] */
    bool wanted;           /* the direction is part of L */
    bool has_kept;         /* E of the first tiles is kept from pass 1 */
    qctx_exchange *coming; /* the others' rows */
} loss_side;

typedef struct {
    loss_sizes sizes;
    loss_roll roll;
    bool offered;
    int64_t element; /* bytes of a product's operand */
    int64_t tile_rows;
    int64_t tile_cols;
    int64_t pitch; /* entries from row to row of a tile */
    int64_t groups_max;
    int64_t slots; /* tiles of E that can be kept */

    /* The step at hand. */
    const qctx_loss_batch *batch;
    double scale; /* s */
    double bias;  /* β */
    double shift;
    double mean; /* L is this times a sum */
    bool careful;
    int64_t groups;
    int64_t tiles;       /* of rows */
    int64_t cuts;        /* of columns */
    loss_row_tile *tile; /* [tiles] */

    loss_side side[SIDES];
    uint64_t *mask;         /* bit i of row j: this rank's context j is no negative of question i [rows, words] */
    int64_t words;          /* of 64 bits, for a row */
    loss_positive *pairs;   /* of this rank in a round [LOSS_ROUND] */
    loss_positive *arrived; /* of all ranks [ranks, LOSS_ROUND] */
    int64_t *counts;        /* of pairs, of each rank: all, and in a round [2, ranks] */
    float *own;             /* dot products on the diagonal [rows] */
    float *best;            /* the largest other dot product of each question [rows] */
    float *diagonal;        /* of G [rows] */
    double *along;          /* q̂·∂L/∂q̂ [rows] */
    double *lanes;          /* [LOSS_LANES, groups_max] */
    float *x;               /* a tile of dot products [tile_rows, pitch] */
    qctx_bfloat16 *g;       /* a tile of G where the products take bfloat16 */
    char *kept;             /* E of the first tiles of both sides [slots, tile_rows, pitch] */
} loss_rows_columns;

/* contrastive_rows_columns_mask.c */

/* Pairs that a rank tells in a round. */
enum { LOSS_ROUND = 4096 };
/* Finds which questions this rank's contexts are no negatives of. Collective. */
void loss_columns_mask(loss_rows_columns *loss);
/* As loss_tile_mask, for a tile of this rank's contexts from j0 on, against the questions from first_column on. */
void loss_columns_mask_tile(const loss_rows_columns *loss, const loss_tile *tile, int64_t j0, int64_t first_column);

/* contrastive_rows_columns_pass.c: all local. */

/* Pass 1 over a side: the sums of this rank's part, without the diagonal; with maxima where the step is careful. */
void loss_rows_columns_sums(loss_rows_columns *loss, int side);
/* Pass 2 over a side: d [rows, dim] becomes the gradient without the factor s·mean. */
void loss_rows_columns_gradients(loss_rows_columns *loss, int side, float *d);

#endif
