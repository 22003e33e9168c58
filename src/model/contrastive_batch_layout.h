/* What the schemes that work by tiles ask each other first: who holds which rows of the batch, with which contents. */
#ifndef QCTX_MODEL_CONTRASTIVE_BATCH_LAYOUT_H
#define QCTX_MODEL_CONTRASTIVE_BATCH_LAYOUT_H

#include "contrastive_index.h"
#include "contrastive_scheme.h"

typedef struct {
    qctx_comm *comm;
    bool with_extras;
    loss_place place;
    uint64_t *contents; /* of all columns [B + E] */
    loss_index *index;  /* of the same */
    qctx_exchange *arriving[2];
} loss_batch_layout;

/* Rows of a tile. */
typedef struct {
    int64_t group;
    int64_t first; /* of this rank's rows */
    int64_t rows;
    bool opens;  /* the first tile of its group */
    bool closes; /* the last one */
} loss_row_tile;

/* Memory. Local. The caller calls loss_batch_layout_free, also after a failure. Errors: MEMORY. */
qctx_status loss_batch_layout_create(qctx_comm *comm, const loss_sizes *sizes, loss_batch_layout *layout,
                                     qctx_error *error);
void loss_batch_layout_free(loss_batch_layout *layout);
/* Bytes that loss_batch_layout_create allocates. */
int64_t loss_batch_layout_memory(const loss_sizes *sizes);

/* Learns the places and starts to gather the contents. Collective. */
void loss_batch_layout_start(loss_batch_layout *layout, const qctx_loss_batch *batch);
/* Waits for the contents and indexes them. Local. */
void loss_batch_layout_finish(loss_batch_layout *layout);

/*
 * Cuts this rank's rows into tiles of up to tile_rows, group by group: one group of all rows, or one a leaf. No rows
 * are one empty tile: its zeros are summed too. Returns how many tiles there are, at most loss_batch_layout_tiles_most.
 * Local.
 */
int64_t loss_batch_layout_tiles(const loss_batch_layout *layout, int64_t leaves, int64_t tile_rows, loss_row_tile *tile,
                                int64_t *groups);
int64_t loss_batch_layout_tiles_most(int64_t rows, int64_t groups_most, int64_t tile_rows);

/* What no score of the batch exceeds: s for rows of unit length, else by Cauchy and Schwarz. Collective. */
double loss_batch_layout_bound(const loss_batch_layout *layout, const loss_sizes *sizes, const float *q, const float *c,
                               qctx_loss_scale scale);

/* Sums over the ranks, along the tree of the leaves where it is the same for any number of ranks. Collective. */
void loss_batch_layout_sum(const loss_batch_layout *layout, const qctx_loss_config *config, double *values,
                           int64_t count);
void loss_batch_layout_sum_float(const loss_batch_layout *layout, const qctx_loss_config *config, float *values,
                                 int64_t count);

#endif
