/* Which entries of a tile are no negatives, found in an index of the batch's contents. All local. */
#ifndef QCTX_MODEL_CONTRASTIVE_INDEX_H
#define QCTX_MODEL_CONTRASTIVE_INDEX_H

#include "contrastive_tile.h"
#include "qctx/base/status.h"
#include "qctx/model/loss.h"

/*
 * The batch's contents in order, so that the entries that are no negatives are found on the fly: memory O(B), however
 * many duplicates there are.
 */
typedef struct loss_index loss_index;

/* For up to count_max contents. The caller destroys it (NULL-safe). Errors: MEMORY. */
qctx_status loss_index_create(int64_t count_max, loss_index **created, qctx_error *error);
void loss_index_destroy(loss_index *index);
/* Bytes that loss_index_create allocates. */
int64_t loss_index_memory(int64_t count_max);
/* contents [count]: content k stands at place k. In linear time. */
void loss_index_fill(loss_index *index, const uint64_t *contents, int64_t count);

/* The places first … end − 1 of `content`: entries at[0] … at[returned − 1] of the index, ascending. */
int64_t loss_index_find(const loss_index *index, uint64_t content, int64_t first, int64_t end, const int32_t **at);

/*
 * own[i] = x on the diagonal, for the rows i whose diagonal lies in the tile (the others' stay). Then sets to −infinity
 * the diagonal, and what is no negative: `contexts` indexes the contexts of the whole batch, the tile's columns are
 * those of them from `first_column` on; its rows are the questions i0, i0 + 1, … of `batch`, whose question 0 is row
 * `first` of the whole batch.
 */
void loss_index_mask(const loss_tile *tile, const loss_index *contexts, const qctx_loss_batch *batch, int64_t first,
                     int64_t i0, int64_t first_column, float *own);

#endif
