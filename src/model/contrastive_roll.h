/* What the schemes that work by tiles ask each other first: who holds which rows of the batch, with which contents. */
#ifndef QCTX_MODEL_CONTRASTIVE_ROLL_H
#define QCTX_MODEL_CONTRASTIVE_ROLL_H

#include "contrastive_internal.h"
#include "contrastive_tile.h"

typedef struct {
    qctx_comm *comm;
    loss_place place;
    uint64_t *contents; /* of the batch [B] */
    loss_index *index;  /* of the same */
    qctx_exchange *arriving;
} loss_roll;

/* Rows of a tile. */
typedef struct {
    int64_t group;
    int64_t first; /* of this rank's rows */
    int64_t rows;
    bool opens;  /* the first tile of its group */
    bool closes; /* the last one */
} loss_row_tile;

enum {
    LOSS_ROWS_MOST = 2048, /* of a tile: whole panels of a product, and gradients are read and written seldom enough */
    LOSS_COLS_MOST = 1024  /* of a tile: it stays in the outer cache between its passes */
};

/* The longest of the even parts of `length`, none above `most`. */
int64_t loss_even_part(int64_t length, int64_t most);
/* Entries from row to row of a tile of `cols` columns. */
int64_t loss_tile_pitch(int64_t cols);

/* Memory. Local. The caller calls loss_roll_free, also after a failure. Errors: MEMORY. */
qctx_status loss_roll_create(qctx_comm *comm, int64_t batch_max, loss_roll *roll, qctx_error *error);
void loss_roll_free(loss_roll *roll);
/* Bytes that loss_roll_create allocates. */
int64_t loss_roll_memory(int ranks, int64_t batch_max);

/* Learns the places and starts to gather the contents. Collective. */
void loss_roll_start(loss_roll *roll, const qctx_loss_batch *batch);
/* Waits for the contents and indexes them. Local. */
void loss_roll_finish(loss_roll *roll);

/*
 * Cuts this rank's rows into tiles of up to tile_rows, group by group: one group of all rows, or one a leaf. No rows
 * are one empty tile: its zeros are summed too. Returns how many tiles there are, at most loss_roll_tiles_most. Local.
 */
int64_t loss_roll_tiles(const loss_roll *roll, int64_t leaves, int64_t tile_rows, loss_row_tile *tile, int64_t *groups);
int64_t loss_roll_tiles_most(int64_t rows, int64_t groups_most, int64_t tile_rows);

/* x̂ [rows, dim] in the precision of the products, and 1/‖x‖ [rows]. Local. */
void loss_roll_normalize(const loss_sizes *sizes, const float *x, int64_t rows, void *unit, double *inverse);
/* What no score of the batch exceeds: s for rows of unit length, else by Cauchy and Schwarz. Collective. */
double loss_roll_bound(const loss_roll *roll, const loss_sizes *sizes, const float *q, const float *c,
                       qctx_loss_scale scale);

/* Sums over the ranks, along the tree of the leaves where it is the same for any number of ranks. Collective. */
void loss_roll_sum(const loss_roll *roll, const qctx_loss_config *config, double *values, int64_t count);
void loss_roll_sum_float(const loss_roll *roll, const qctx_loss_config *config, float *values, int64_t count);

/* Whether sums [count] are finite. Local. */
bool loss_sums_are_finite(const double *sums, int64_t count);

#endif
