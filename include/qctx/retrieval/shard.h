/*
 * The contexts that questions are held against, projected once and dealt over the ranks, ready for scans in either
 * precision.
 *
 * Rows are projected in blocks that are cut at the same places for any number of ranks and threads, so a projected row
 * has the same bits everywhere; scores follow from the rows alone (retrieval/scored_rows).
 */
#ifndef QCTX_RETRIEVAL_SHARD_H
#define QCTX_RETRIEVAL_SHARD_H

#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/platform/comm.h"
#include "qctx/retrieval/projector.h"
#include "qctx/retrieval/scored_rows.h"
#include "qctx/store/store.h"

/* Encoder rows by number, wherever they stand. A value that borrows what `from` points to. */
typedef struct qctx_rows {
    /* out [count, dim] = the rows of these numbers. Called by several threads at a time; cannot fail. */
    void (*gather)(const struct qctx_rows *self, const int64_t *rows, int64_t count, float *out);
    const void *from;
    int64_t dim;
    int64_t first; /* of an array: the number of its first row */
} qctx_rows;

/* The rows of one side of a store. Local. */
qctx_rows qctx_rows_of_store(const qctx_store *store, qctx_side side);

/* The rows of an array [.., dim] whose first row has the number `first`. Local. */
qctx_rows qctx_rows_of_array(const float *values, int64_t dim, int64_t first);

/*
 * out [count, qctx_projector_output] = the projections of rows[0 … count − 1] for that side, in blocks of fixed size
 * shared by the threads. Local. Errors: MEMORY.
 */
qctx_status qctx_rows_project(const qctx_rows *source, const qctx_projector *projector, qctx_side side,
                              const int64_t *rows, int64_t count, float *out, qctx_error *error);

/* This rank's part of the candidates 0 … total − 1. */
typedef struct {
    int64_t total;         /* of all ranks */
    int64_t first;         /* this rank's candidates: first … first + count − 1 */
    int64_t count;         /* may be 0 */
    int64_t width;         /* of a projected row */
    qctx_scored_rows rows; /* the projected candidates, `count` rows of `width` */
} qctx_shard;

/* The candidates that fall to this rank: whole blocks of a projection. Local. */
void qctx_shard_range(const qctx_comm *comm, int64_t total, int64_t *first, int64_t *count);

/*
 * Projects this rank's candidates; candidate i is row candidates[i] of `source`, or row i where `candidates` is NULL.
 * Every rank needs only the rows of its own range. `precision` is that of the scans, FLOAT32, BFLOAT16 or AUTO
 * (bfloat16 where this CPU has instructions for it, which takes half as much memory more); results do not depend on
 * it. Collective. The caller frees. Errors: MEMORY.
 */
qctx_status qctx_shard_create(qctx_comm *comm, const qctx_rows *source, const qctx_projector *projector,
                              const int64_t *candidates, int64_t total, qctx_precision precision, qctx_shard *shard,
                              qctx_error *error);
void qctx_shard_free(qctx_shard *shard);

#endif
