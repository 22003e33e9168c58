/*
 * Passes over S tile by tile, this rank's questions against a block of columns at a time: the arithmetic that the
 * schemes `rows` and `ring` share. They differ in where the columns' contexts come from and where their gradients go.
 * contrastive_tile_pass.c has the passes, contrastive_tile_pass_ends.c how a step begins and ends,
 * contrastive_tile_pass_memory.c the memory and how it is cut.
 *
 * The rows are worked in groups, one of all rows or one a leaf (base/tree_sum), and a group in tiles that fit the
 * cache: what is summed over rows is summed within a group first, and over the groups along the tree. So with leaves
 * the bits do not depend on how many of them this rank holds.
 *
 * Everything here is local.
 */
#ifndef QCTX_MODEL_CONTRASTIVE_TILE_PASS_H
#define QCTX_MODEL_CONTRASTIVE_TILE_PASS_H

#include "contrastive_batch_layout.h"
#include "qctx/base/tree_sum.h"

/* A column block: contexts that are at hand, some columns of S, at most a tile's. */
typedef struct {
    const void *contexts; /* [count, dim] of D, in the precision of the products; all paired, or all extras */
    int64_t first;        /* column of the first */
    int64_t count;
    int64_t number; /* among the batch's column blocks: the first ones' scores are kept */
} loss_column_block;

/* Sums of rows or columns: Σ exp(S − shift), with the one shift of all of S, or, where the step goes by row
 * maxima, with the maximum of each. */
typedef struct {
    double *sum;
    float *max;
} loss_sums;

typedef struct {
    loss_sizes sizes;
    int64_t element;   /* bytes of a product's operand */
    int64_t tile_rows; /* most of a tile */
    int64_t tile_cols;
    int64_t pitch;          /* entries from row to row of a tile */
    int64_t groups_max;     /* most of a rank */
    int64_t tiles_expected; /* of an even batch */
    int64_t slots;          /* tiles of E that can be kept */

    /* The step at hand. */
    const loss_batch_layout *layout;
    const qctx_loss_batch *batch;
    double scale; /* s, as the passes over tiles see it */
    double bias;  /* β */
    double shift;
    double mean;  /* L is this times a sum */
    bool by_rows; /* the log-sums of rows are part of L */
    bool by_columns;
    bool row_maxima; /* the sums have a maximum of their own each, not one shift */
    int64_t groups;
    int64_t tiles;

    loss_row_tile *tile; /* [tiles] */
    char *questions;     /* Q of this rank's rows [rows, dim], in the precision of the products */
    double *inverse;     /* 1/‖q‖ [rows] */
    float *own;          /* dot products on the diagonal [rows] */
    float *best;         /* the largest dot product of each row off the diagonal, of what is a negative [rows] */
    loss_sums rows;      /* [rows] */
    float *by_row;       /* 1/sum [rows] */
    float *by_column;    /* 1/sum of a column block [tile_cols] */
    double *along;       /* x̂·∂L/∂x̂ [rows or extras] */
    float *diagonal;     /* of G [tile_rows] */
    loss_sums cells;     /* a column block's sums within each group [groups, tile_cols] */
    double *group_loss;  /* sigmoid: part of L's sum [groups] */
    double *group_bias;  /* sigmoid: ΣG [groups] */
    float *x;            /* a tile of dot products, and of E and G where those are float32 [tile_rows, pitch] */
    qctx_bfloat16 *g;    /* a tile of G where the products take bfloat16 */
    char *kept;          /* E of the first tiles [slots, tile_rows, pitch] */
    qctx_tree_sum *tree; /* the contexts' gradients over groups, where there are leaves */
} loss_tile_pass;

/* Memory. The caller destroys it (NULL-safe). Errors: MEMORY. */
qctx_status loss_tile_pass_create(const loss_sizes *sizes, loss_tile_pass **created, qctx_error *error);
void loss_tile_pass_destroy(loss_tile_pass *pass);
/* Bytes that loss_tile_pass_create allocates. */
int64_t loss_tile_pass_memory(const loss_sizes *sizes);
/* The share of all scores that the second pass computes again. */
double loss_tile_pass_again(const loss_sizes *sizes);
/* Most columns of a column block. */
int64_t loss_tile_pass_columns(const loss_sizes *sizes);

/* Begins a step: normalises q, lays out the tiles, clears the sums. Borrows `layout` and `batch`. */
void loss_tile_pass_begin(loss_tile_pass *pass, const float *q, const loss_batch_layout *layout,
                          const qctx_loss_batch *batch, qctx_loss_scale scale);
/* Sets the shift where no score is larger than `bound`. */
void loss_tile_pass_bound(loss_tile_pass *pass, double bound);

/* The first pass over a column block: adds to the rows' sums; column_sum [count] receives this rank's part of the
 * columns'. */
void loss_tile_pass_sums(loss_tile_pass *pass, const loss_column_block *block, double *column_sum);

/* Begins the first pass again, with a maximum for each row and column. */
void loss_tile_pass_begin_row_maxima(loss_tile_pass *pass);
/* The first pass over a column block by row maxima: column_max [count] receives this rank's; the columns' sums stay in
 * `cells`. */
void loss_tile_pass_sums_row_maxima(loss_tile_pass *pass, const loss_column_block *block, float *column_max);
/* column_sum [count] receives what loss_tile_pass_sums_row_maxima left in `cells`, brought to the maxima
 * column_max [count] of all ranks. */
void loss_tile_pass_column_sums_row_maxima(loss_tile_pass *pass, const float *column_max, int64_t count,
                                           double *column_sum);

/* Ends the first pass: the rows' sums are whole. */
void loss_tile_pass_close_rows(loss_tile_pass *pass);

/* The score of row i with its own context, as the sums hold it; and what it has of entry `at` of `sums`, as
 * loss_own_share tells. */
double loss_tile_pass_own_score(const loss_tile_pass *pass, int64_t i);
double loss_tile_pass_own_share(const loss_tile_pass *pass, int64_t i, loss_sums sums, int64_t at, double *share);

/*
 * The second pass over a column block, whose column sums are whole: dq [rows, dim] += G·D; dd [count, dim] = Gᵀ·Q over
 * this rank's rows, or += with `add`. With leaves never `add`, and dd has tile_cols rows. All without the factor
 * s·mean. sigmoid has no other pass, and no sums.
 */
void loss_tile_pass_gradients(loss_tile_pass *pass, const loss_column_block *block, loss_sums columns, bool add,
                              float *dq, float *dd);

/* lanes [groups_max, LOSS_LANES]: what each group adds to L's sum (`columns`: the sums of this rank's own contexts
 * [rows]; sigmoid has none) and to the accuracy. The other lanes become 0. */
void loss_tile_pass_result(loss_tile_pass *pass, loss_sums columns, double *lanes);

/* This rank's contexts: its rows of D, and 1/‖c‖ [rows + extras]. */
typedef struct {
    const void *paired; /* [rows, dim] */
    const void *extras; /* [extras, dim] */
    const double *inverse;
} loss_own_rows;

/*
 * ∂L/∂q̂ without the factor becomes ∂L/∂q, for this rank's dq [rows, dim] and dc [rows + extras, dim]. Adds to the lanes
 * of the scale, and of what is not finite.
 */
void loss_tile_pass_end(loss_tile_pass *pass, loss_own_rows contexts, float *dq, float *dc, double *lanes);

/* lanes [LOSS_LANES] = their sum over groups, along the tree with leaves. In place in the first group's. */
void loss_tile_pass_add_groups(const loss_tile_pass *pass, double *lanes);

#endif
