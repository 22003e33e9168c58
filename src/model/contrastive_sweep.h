/*
 * This rank's questions against a strip of contexts at a time: the arithmetic that the schemes `rows` and `ring` share.
 * They differ in where strips come from and where the contexts' gradients go.
 *
 * The rows are worked in groups, one of all rows or one a leaf (base/tree_sum), and a group in tiles that fit the
 * cache: what is summed over rows is summed within a group first, and over the groups along the tree. So with leaves
 * the bits do not depend on how many of them this rank holds.
 *
 * Everything here is local.
 */
#ifndef QCTX_MODEL_CONTRASTIVE_SWEEP_H
#define QCTX_MODEL_CONTRASTIVE_SWEEP_H

#include "contrastive_roll.h"
#include "qctx/base/tree_sum.h"

/* Contexts that are at hand: some columns of S, at most a tile's. */
typedef struct {
    const void *contexts; /* [count, dim] of D, in the precision of the products */
    int64_t first;        /* place of the first in the batch */
    int64_t count;
    int64_t number; /* among the batch's strips: the first ones' scores are kept */
} loss_strip;

/* Sums of rows or columns: Σ exp(S − shift), with the one shift of all of S, or, where the step takes the careful way,
 * with the maximum of each. */
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
    const loss_roll *roll;
    const qctx_loss_batch *batch;
    double scale; /* s, as the passes over tiles see it */
    double bias;  /* β */
    double shift;
    double mean;  /* L is this times a sum */
    bool by_rows; /* the log-sums of rows are part of L */
    bool by_columns;
    bool careful;
    int64_t groups;
    int64_t tiles;

    loss_row_tile *tile; /* [tiles] */
    char *questions;     /* Q of this rank's rows [rows, dim], in the precision of the products */
    double *inverse;     /* 1/‖q‖ [rows] */
    float *own;          /* dot products on the diagonal [rows] */
    float *best;         /* the largest dot product of each row off the diagonal, of what is a negative [rows] */
    loss_sums rows;      /* [rows] */
    float *by_row;       /* 1/sum [rows] */
    float *by_column;    /* 1/sum of a strip [tile_cols] */
    double *along;       /* q̂·∂L/∂q̂ [rows] */
    float *diagonal;     /* of G [tile_rows] */
    loss_sums cells;     /* a strip's columns within each group [groups, tile_cols] */
    double *group_loss;  /* sigmoid: part of L's sum [groups] */
    double *group_bias;  /* sigmoid: ΣG [groups] */
    float *x;            /* a tile of dot products, and of E and G where those are float32 [tile_rows, pitch] */
    qctx_bfloat16 *g;    /* a tile of G where the products take bfloat16 */
    char *kept;          /* E of the first tiles [slots, tile_rows, pitch] */
    qctx_tree_sum *tree; /* the contexts' gradients over groups, where there are leaves */
} loss_sweep;

/* Memory. The caller destroys it (NULL-safe). Errors: MEMORY. */
qctx_status loss_sweep_create(const loss_sizes *sizes, loss_sweep **created, qctx_error *error);
void loss_sweep_destroy(loss_sweep *sweep);
/* Bytes that loss_sweep_create allocates. */
int64_t loss_sweep_memory(const loss_sizes *sizes);
/* The share of all scores that pass 2 computes again. */
double loss_sweep_again(const loss_sizes *sizes);
/* Most columns of a strip. */
int64_t loss_sweep_columns(const loss_sizes *sizes);

/* Begins a step: normalises q, lays out the tiles, clears the sums. Borrows `roll` and `batch`. */
void loss_sweep_begin(loss_sweep *sweep, const float *q, const loss_roll *roll, const qctx_loss_batch *batch,
                      qctx_loss_scale scale);
/* Sets the shift where no score is larger than `bound`. */
void loss_sweep_bound(loss_sweep *sweep, double bound);

/* Pass 1 over one strip: adds to the rows' sums; column_sum [count] receives this rank's part of the columns'. */
void loss_sweep_sums(loss_sweep *sweep, const loss_strip *strip, double *column_sum);

/* Begins pass 1 again, the careful way. */
void loss_sweep_begin_careful(loss_sweep *sweep);
/* Pass 1 over one strip the careful way: column_max [count] receives this rank's; the columns' sums stay in `cells`. */
void loss_sweep_careful_sums(loss_sweep *sweep, const loss_strip *strip, float *column_max);
/* column_sum [count] receives what loss_sweep_careful_sums left of a strip, brought to the maxima column_max [count].
 */
void loss_sweep_careful_columns(loss_sweep *sweep, const float *column_max, int64_t count, double *column_sum);

/* Ends pass 1: the rows' sums are whole. */
void loss_sweep_close_rows(loss_sweep *sweep);

/* The score of row i with its own context, as the sums hold it; and of entry `at` of them, as loss_own_share. */
double loss_sweep_own_score(const loss_sweep *sweep, int64_t i);
double loss_sweep_own_share(const loss_sweep *sweep, int64_t i, loss_sums sums, int64_t at, double *share);

/*
 * Pass 2 over one strip, whose column sums are whole: dq [rows, dim] += G·D; dd [count, dim] = Gᵀ·Q over this rank's
 * rows, or += with `add`. With leaves never `add`, and room for tile_cols rows. All without the factor s·mean. sigmoid
 * has no other pass, and no sums.
 */
void loss_sweep_gradients(loss_sweep *sweep, const loss_strip *strip, loss_sums columns, bool add, float *dq,
                          float *dd);

/* lanes [groups_max, LOSS_LANES]: what each group adds to L's sum (`columns`: the sums of this rank's own contexts
 * [rows]; sigmoid has none) and to the accuracy. The other lanes become 0. */
void loss_sweep_result(loss_sweep *sweep, loss_sums columns, double *lanes);

/*
 * ∂L/∂q̂ without the factor becomes ∂L/∂q, for this rank's dq [rows, dim] and dc [rows, dim]; `contexts` and `inverse`
 * are this rank's rows of D and 1/‖c‖. Adds to the lanes of the scale, and of what is not finite.
 */
void loss_sweep_end(loss_sweep *sweep, const void *contexts, const double *inverse, float *dq, float *dc,
                    double *lanes);

/* lanes [LOSS_LANES] = their sum over groups, along the tree with leaves. In place in the first group's. */
void loss_sweep_add_groups(const loss_sweep *sweep, double *lanes);

#endif
