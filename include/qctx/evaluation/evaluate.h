/*
 * Exact distributed evaluation: at which position does each right context stand?
 *
 * Protocols: pools of `pool` questions (consecutive as QuestionContext did, or seeded shuffled) whose candidates are
 * the contexts that answer the pool's questions, each once; or all questions against the contexts that answer the
 * split's questions (`split`), or against every context of the store (`corpus`). The last pool may be short and is
 * evaluated as it is, as QuestionContext did.
 *
 * The position of a context is the number of candidates that score above it, or equal with a lower row number
 * (retrieval/positions): the same integers for any number of ranks and threads.
 */
#ifndef QCTX_EVALUATION_EVALUATE_H
#define QCTX_EVALUATION_EVALUATE_H

#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/config/config.h"
#include "qctx/data/store.h"
#include "qctx/platform/comm.h"
#include "qctx/retrieval/projector.h"
#include "qctx/retrieval/shard.h"

typedef struct {
    qctx_candidates candidates;
    qctx_pool_order order; /* of pools */
    int64_t pool;          /* questions a pool */
    uint64_t seed;         /* of shuffled pools */
    qctx_precision scan;   /* of products; positions do not depend on it */
} qctx_protocol;

/* That of a configuration's eval section, with products in the precision that is fastest here. Local. */
qctx_protocol qctx_protocol_of(const qctx_config *config);

/* Questions to evaluate: a split of a store, or a part of one (the tuning pairs). Borrows its arrays. */
typedef struct {
    qctx_rows rows[QCTX_SIDE_COUNT]; /* of the encoder */
    int64_t context_count;           /* rows of contexts */
    qctx_store *store;               /* whose rows these are, or NULL */
    int64_t count;                   /* questions */
    const int64_t *questions;        /* [count] rows */
    const int64_t *offsets;          /* [count + 1] */
    const int64_t *contexts;         /* [offsets[count]] rows that answer */
} qctx_eval_set;

/* Questions of a store: `count` of its rows, with the rows that answer. Local. */
qctx_eval_set qctx_eval_set_of_store(qctx_store *store, int64_t count, const int64_t *questions, const int64_t *offsets,
                                     const int64_t *contexts);

/*
 * positions [offsets[count]] receives the 0-based position of every right context of every question among its
 * candidates, the same on all ranks. Contents that equal each other are candidates of their own here (a corpus holds
 * equal contexts once). Collective. Errors: DATA (no questions), MEMORY, IO.
 */
qctx_status qctx_evaluate(qctx_comm *comm, const qctx_eval_set *set, const qctx_projector *projector,
                          const qctx_protocol *protocol, int64_t *positions, qctx_error *error);

/*
 * The candidates of the protocols `split` and `corpus`, as ascending rows: `*candidates` [*total] is the caller's to
 * free. Local. Errors: MEMORY.
 */
qctx_status qctx_evaluate_candidates(const qctx_eval_set *set, const qctx_protocol *protocol, int64_t **candidates,
                                     int64_t *total, qctx_error *error);

#endif
