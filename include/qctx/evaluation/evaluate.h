/*
 * Exact distributed evaluation: at which position does each right context stand?
 *
 * Protocols: pools of `pool` questions (consecutive as QuestionContext did, or seeded shuffled) whose candidates are
 * the contexts that answer the pool's questions, each once; or all questions against the contexts that answer the
 * split's questions (`split`), or against every context of the store (`corpus`). The last pool may be short and is
 * evaluated as it is, as QuestionContext did. A context that has the question's own id is no candidate of it, unless it
 * answers it.
 *
 * The position of a context is the number of candidates that score above it, or equal with a lower row number
 * (retrieval/positions): the same integers for any number of ranks and threads.
 */
#ifndef QCTX_EVALUATION_EVALUATE_H
#define QCTX_EVALUATION_EVALUATE_H

#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/config/config.h"
#include "qctx/platform/comm.h"
#include "qctx/retrieval/projector.h"
#include "qctx/retrieval/query.h"
#include "qctx/retrieval/shard.h"
#include "qctx/retrieval/topk.h"
#include "qctx/store/store.h"

typedef struct {
    qctx_candidates candidates;
    qctx_pool_order order; /* of pools */
    int64_t pool;          /* questions a pool */
    uint64_t seed;         /* of shuffled pools */
    qctx_precision scan;   /* of products; positions do not depend on it */
    qctx_gain gain;        /* what metrics make of the positions */
    double relevant;       /* grade from which a context is right */
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
    const int64_t *contexts;         /* [offsets[count]] rows that answer, or QCTX_ABSENT */
    const float *grades;             /* [offsets[count]] or NULL: all 1 */
    const int64_t *own;              /* [rows of questions] the context of the same id or QCTX_ABSENT; NULL: none */
} qctx_eval_set;

/* Questions of a store: `count` of its rows, with the rows that answer. Local. */
qctx_eval_set qctx_eval_set_of_store(qctx_store *store, int64_t count, const int64_t *questions, const int64_t *offsets,
                                     const int64_t *contexts);

/*
 * The row of a context that is left out of a question's candidates since it has the question's id, as BEIR does
 * (ignore_identical_ids), or QCTX_ABSENT. One that answers the question is none: then ids are numbered independently.
 * Local. Cannot fail.
 */
int64_t qctx_eval_set_own(const qctx_eval_set *set, int64_t question);

/*
 * How many questions of a set are also of the other one: 0 where they are not of the same store. Both have their
 * questions in ascending order. Local. Cannot fail.
 */
int64_t qctx_eval_set_shared(const qctx_eval_set *set, const qctx_eval_set *other);

/*
 * positions [offsets[count]] receives the 0-based position of every right context of every question among its
 * candidates, the same on all ranks; an absent context's is the number of candidates, which `candidates` [count]
 * receives by question (or is NULL). Contents that equal each other are candidates of their own here (a corpus holds
 * equal contexts once). Collective. Errors: DATA (no questions, no context that is there, none that reaches
 * protocol->relevant), MEMORY, IO.
 */
qctx_status qctx_evaluate(qctx_comm *comm, const qctx_eval_set *set, const qctx_projector *projector,
                          const qctx_protocol *protocol, int64_t *positions, int64_t *candidates, qctx_error *error);

/*
 * The candidates of the protocols `split` and `corpus`, as ascending rows: `*candidates` [*total] is the caller's to
 * free. Local. Errors: MEMORY.
 */
qctx_status qctx_evaluate_candidates(const qctx_eval_set *set, const qctx_protocol *protocol, int64_t **candidates,
                                     int64_t *total, qctx_error *error);

/*
 * hits [query->count, k] = the k best candidates of questions asked[0 … query->count − 1] of the set, whose rows the
 * query has, without those that qctx_eval_set_own leaves out; candidate −1 where there are fewer. `candidates` are the
 * rows of the query's shard. Collective. Errors: MEMORY.
 */
qctx_status qctx_evaluate_lists(const qctx_query *query, const qctx_eval_set *set, const int64_t *asked,
                                const int64_t *candidates, int64_t k, qctx_hit *hits, qctx_error *error);

#endif
