#include "qctx/evaluation/evaluate.h"

#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"
#include "qctx/base/order.h"
#include "qctx/base/rng.h"
#include "qctx/retrieval/pools.h"
#include "qctx/retrieval/positions.h"

qctx_protocol qctx_protocol_of(const qctx_config *config)
{
    return (qctx_protocol){config->eval.candidates, config->eval.order, config->eval.pool, (uint64_t)config->run.seed,
                           QCTX_PRECISION_AUTO};
}

qctx_eval_set qctx_eval_set_of_store(qctx_store *store, int64_t count, const int64_t *questions, const int64_t *offsets,
                                     const int64_t *contexts)
{
    return (qctx_eval_set){
        .rows = {qctx_rows_of_store(store, QCTX_QUESTION), qctx_rows_of_store(store, QCTX_CONTEXT)},
        .context_count = qctx_store_count(store, QCTX_CONTEXT),
        .store = store,
        .count = count,
        .questions = questions,
        .offsets = offsets,
        .contexts = contexts,
    };
}

qctx_status qctx_evaluate_candidates(const qctx_eval_set *set, const qctx_protocol *protocol, int64_t **candidates,
                                     int64_t *total, qctx_error *error)
{
    const bool all = protocol->candidates == QCTX_CANDIDATES_CORPUS;
    const int64_t count = all ? set->context_count : set->offsets[set->count];
    int64_t *rows = qctx_alloc(count, sizeof *rows, "the candidates of an evaluation", error);

    if (rows == NULL)
        return QCTX_ERR_MEMORY;
    if (all) {
        for (int64_t i = 0; i < count; i++)
            rows[i] = i;
        *total = count;
    } else {
        memcpy(rows, set->contexts, (size_t)count * sizeof *rows);
        *total = qctx_sort_unique(rows, count);
    }
    *candidates = rows;
    return QCTX_OK;
}

/* places [answers] = the index of each right context among the candidates of the split or of the corpus. Local. */
static qctx_status find_places(const qctx_eval_set *set, const qctx_protocol *protocol, int64_t **candidates,
                               int64_t *total, int64_t **places, qctx_error *error)
{
    const int64_t answers = set->offsets[set->count];
    qctx_status status = qctx_evaluate_candidates(set, protocol, candidates, total, error);

    if (status != QCTX_OK)
        return status;
    *places = qctx_alloc(answers, sizeof **places, "the places of right contexts", error);
    if (*places == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t a = 0; a < answers; a++)
        (*places)[a] = qctx_lower_bound(*candidates, *total, set->contexts[a]);
    return QCTX_OK;
}

/* All questions against all candidates of the split or of the corpus. Collective. */
static qctx_status evaluate_all(qctx_comm *comm, const qctx_eval_set *set, const qctx_projector *projector,
                                const qctx_protocol *protocol, int64_t *positions, qctx_error *error)
{
    int64_t *candidates = NULL, *places = NULL;
    qctx_shard shard = {0};
    const qctx_query query = {comm, &shard, projector, &set->rows[QCTX_QUESTION], set->questions, set->count};
    int64_t total = 0;
    qctx_status status = qctx_agree(comm, find_places(set, protocol, &candidates, &total, &places, error), error);

    if (status == QCTX_OK)
        status = qctx_shard_create(comm, &set->rows[QCTX_CONTEXT], projector, candidates, total, protocol->scan, &shard,
                                   error);
    if (status == QCTX_OK)
        status = qctx_positions(&query, set->offsets, places, positions, error);
    free(candidates);
    free(places);
    qctx_shard_free(&shard);
    return status;
}

/* The order in which questions are cut into pools, freshly allocated; NULL without memory. Local. */
static int64_t *order_of(const qctx_eval_set *set, const qctx_protocol *protocol, qctx_error *error)
{
    int64_t *order = qctx_alloc(set->count, sizeof *order, "the order of pools", error);

    if (order != NULL && protocol->order == QCTX_POOLS_SHUFFLED)
        qctx_rng_permutation(order, set->count, protocol->seed, QCTX_STREAM_POOL, 0);
    else if (order != NULL)
        for (int64_t i = 0; i < set->count; i++)
            order[i] = i;
    return order;
}

/* Collective. */
static qctx_status evaluate_pools(qctx_comm *comm, const qctx_eval_set *set, const qctx_projector *projector,
                                  const qctx_protocol *protocol, int64_t *positions, qctx_error *error)
{
    int64_t *order = order_of(set, protocol, error);
    const qctx_pools pools = {.questions = &set->rows[QCTX_QUESTION],
                              .contexts = &set->rows[QCTX_CONTEXT],
                              .projector = projector,
                              .count = set->count,
                              .rows = set->questions,
                              .offsets = set->offsets,
                              .answers = set->contexts,
                              .pool = protocol->pool,
                              .order = order};
    qctx_status status = qctx_agree(comm, order == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);

    if (status == QCTX_OK)
        status = qctx_pools_positions(comm, &pools, positions, error);
    free(order);
    return status;
}

qctx_status qctx_evaluate(qctx_comm *comm, const qctx_eval_set *set, const qctx_projector *projector,
                          const qctx_protocol *protocol, int64_t *positions, qctx_error *error)
{
    if (set->count == 0)
        return qctx_fail(error, QCTX_ERR_DATA, "there are no questions to evaluate");
    if (protocol->candidates == QCTX_CANDIDATES_POOLS)
        return evaluate_pools(comm, set, projector, protocol, positions, error);
    return evaluate_all(comm, set, projector, protocol, positions, error);
}
