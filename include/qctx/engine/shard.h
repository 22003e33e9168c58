/*
 * The contexts that questions are held against, projected once and dealt over
 * the ranks by whole tiles; and the sweep of many questions over them.
 *
 * Every matrix product here covers one tile of questions and one tile of candidates and runs on one thread (the
 * threads of a rank take different tiles). A tile's shape follows from the totals alone, so a score has the same bits
 * whichever rank or thread computes it, and what is counted from scores is the same for any number of either.
 */
#ifndef QCTX_ENGINE_SHARD_H
#define QCTX_ENGINE_SHARD_H

#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/data/store.h"
#include "qctx/engine/projector.h"
#include "qctx/platform/comm.h"

/* Encoder rows by number, wherever they stand. A value that borrows what `from` points to. */
typedef struct qctx_rows {
    /* out [count, dim] = the rows of these numbers. Called by several threads at a time; cannot fail. */
    void (*gather)(const struct qctx_rows *self, const int64_t *rows, int64_t count, float *out);
    const void *from;
    int64_t dim;
    int64_t first; /* of an array: the number of its first row */
} qctx_rows;

/* The rows of one side of a store. Local. */
qctx_rows qctx_rows_of_store(const qctx_store *store, qctx_store_side side);

/* The rows of an array [.., dim] whose first row has the number `first`. Local. */
qctx_rows qctx_rows_of_array(const float *values, int64_t dim, int64_t first);

/*
 * out [count, qctx_projector_output] = the projections of rows[0 … count − 1] for side 0 or 1, in tiles of fixed size
 * shared by the threads. Local. Errors: MEMORY.
 */
qctx_status qctx_rows_project(const qctx_rows *source, const qctx_projector *projector, int side, const int64_t *rows,
                              int64_t count, float *out, qctx_error *error);

/*
 * scores [m, n] = questions [m, width] · contexts [n, width]ᵀ, in tiles of fixed size shared by the threads; row i of
 * the scores begins at scores + i·n. Local.
 */
void qctx_rows_scores(const float *questions, int64_t m, const float *contexts, int64_t n, int64_t width,
                      float *scores);

/* This rank's part of the candidates 0 … total − 1. */
typedef struct {
    int64_t total; /* of all ranks */
    int64_t first; /* this rank's candidates: first … first + count − 1 */
    int64_t count; /* may be 0 */
    int64_t width; /* of a projected row */
    float *values; /* [count, width] */
} qctx_shard;

/* The candidates that fall to this rank: whole tiles, so that a tile is never cut. Local. */
void qctx_shard_range(const qctx_comm *comm, int64_t total, int64_t *first, int64_t *count);

/*
 * Projects this rank's candidates; candidate i is row candidates[i] of `source`, or row i where `candidates` is NULL.
 * Every rank needs only the rows of its own range. Collective. The caller frees. Errors: MEMORY.
 */
qctx_status qctx_shard_create(qctx_comm *comm, const qctx_rows *source, const qctx_projector *projector,
                              const int64_t *candidates, int64_t total, qctx_shard *shard, qctx_error *error);
void qctx_shard_free(qctx_shard *shard);

/*
 * Takes the scores [count, shard->count] of the questions first … first + count − 1 of a sweep against this rank's
 * candidates. Every rank is called for the same questions in the same order, so it may be collective, and returns the
 * same status everywhere.
 */
typedef qctx_status qctx_shard_taker(void *context, int64_t first, int64_t count, const float *scores,
                                     qctx_error *error);

/*
 * Holds questions (rows[0 … count − 1] of `questions`) against all candidates, a tile of questions at a time: the
 * ranks share the work of projecting, then each multiplies with its own candidates and `take` gets the scores. At most
 * 256 MiB of scores are held at a time. Collective. Errors: MEMORY and those of `take`.
 */
qctx_status qctx_shard_sweep(qctx_comm *comm, const qctx_shard *shard, const qctx_projector *projector,
                             const qctx_rows *questions, const int64_t *rows, int64_t count, qctx_shard_taker *take,
                             void *context, qctx_error *error);

#endif
