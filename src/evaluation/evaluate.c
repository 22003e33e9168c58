#include "qctx/evaluation/evaluate.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"
#include "qctx/base/order.h"
#include "qctx/base/rng.h"
#include "qctx/retrieval/pools.h"
#include "qctx/retrieval/positions.h"

qctx_protocol qctx_protocol_of(const qctx_config *config)
{
    return (qctx_protocol){.candidates = config->eval.candidates,
                           .order = config->eval.order,
                           .pool = config->eval.pool,
                           .seed = (uint64_t)config->run.seed,
                           .scan = QCTX_PRECISION_AUTO,
                           .gain = config->eval.gain,
                           .relevant = config->eval.relevant};
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

int64_t qctx_eval_set_own(const qctx_eval_set *set, int64_t question)
{
    const int64_t own = set->own == NULL ? QCTX_ABSENT : set->own[set->questions[question]];

    for (int64_t a = set->offsets[question]; a < set->offsets[question + 1]; a++)
        if (set->contexts[a] == own)
            return QCTX_ABSENT;
    return own;
}

int64_t qctx_eval_set_shared(const qctx_eval_set *set, const qctx_eval_set *other)
{
    int64_t shared = 0;

    if (set->store == NULL || set->store != other->store)
        return 0;
    for (int64_t i = 0, k = 0; i < set->count; i++) {
        while (k < other->count && other->questions[k] < set->questions[i])
            k++;
        shared += k < other->count && other->questions[k] == set->questions[i];
    }
    return shared;
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
        *total = qctx_distinct_contexts(rows, count);
    }
    *candidates = rows;
    return QCTX_OK;
}

/* The index of a row among ascending candidates, or QCTX_ABSENT. */
static int64_t index_of(const int64_t *candidates, int64_t total, int64_t row)
{
    const int64_t index = qctx_lower_bound(candidates, total, row);

    return index < total && candidates[index] == row ? index : QCTX_ABSENT;
}

/*
 * The candidates whose positions are counted: of each question its right contexts that are there, and behind them the
 * one that is left out. Positions are a strict order, so leaving it out moves those up that stand behind it.
 */
typedef struct {
    int64_t *candidates; /* [total] rows, ascending */
    int64_t total;
    int64_t *offsets;   /* [count + 1] */
    int64_t *places;    /* [offsets[count]] indices of candidates */
    int64_t *positions; /* [offsets[count]] */
    bool *leaves_out;   /* [count] whether a question's last place is left out */
} counted;

static void free_counted(counted *asked)
{
    free(asked->candidates);
    free(asked->offsets);
    free(asked->places);
    free(asked->positions);
    free(asked->leaves_out);
}

/* Local. */
static qctx_status find_places(const qctx_eval_set *set, const qctx_protocol *protocol, counted *asked,
                               qctx_error *error)
{
    const int64_t most = set->offsets[set->count] + set->count;
    int64_t used = 0;
    qctx_status status = qctx_evaluate_candidates(set, protocol, &asked->candidates, &asked->total, error);

    if (status != QCTX_OK)
        return status;
    asked->offsets = qctx_alloc(set->count + 1, sizeof *asked->offsets, "the places of right contexts", error);
    asked->places = qctx_alloc(most, sizeof *asked->places, "the places of right contexts", error);
    asked->positions = qctx_alloc(most, sizeof *asked->positions, "positions", error);
    asked->leaves_out = qctx_alloc(set->count, sizeof *asked->leaves_out, "the places of right contexts", error);
    if (asked->offsets == NULL || asked->places == NULL || asked->positions == NULL || asked->leaves_out == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t q = 0; q < set->count; q++) {
        const int64_t own = index_of(asked->candidates, asked->total, qctx_eval_set_own(set, q));

        for (int64_t a = set->offsets[q]; a < set->offsets[q + 1]; a++)
            if (set->contexts[a] != QCTX_ABSENT)
                asked->places[used++] = qctx_lower_bound(asked->candidates, asked->total, set->contexts[a]);
        asked->leaves_out[q] = own != QCTX_ABSENT;
        if (asked->leaves_out[q])
            asked->places[used++] = own;
        asked->offsets[q + 1] = used;
    }
    return QCTX_OK;
}

/* Brings what was counted into the set's order. */
static void spread_positions(const qctx_eval_set *set, const counted *asked, int64_t *positions, int64_t *candidates)
{
    for (int64_t q = 0; q < set->count; q++) {
        const int64_t held_against = asked->total - asked->leaves_out[q];
        const int64_t left_out = asked->leaves_out[q] ? asked->positions[asked->offsets[q + 1] - 1] : asked->total;
        int64_t next = asked->offsets[q];

        if (candidates != NULL)
            candidates[q] = held_against;
        for (int64_t a = set->offsets[q]; a < set->offsets[q + 1]; a++) {
            positions[a] = held_against;
            if (set->contexts[a] == QCTX_ABSENT)
                continue;
            positions[a] = asked->positions[next] - (left_out < asked->positions[next]);
            next++;
        }
    }
}

/* All questions against all candidates of the split or of the corpus. Collective. */
static qctx_status evaluate_all(qctx_comm *comm, const qctx_eval_set *set, const qctx_projector *projector,
                                const qctx_protocol *protocol, int64_t *positions, int64_t *candidates,
                                qctx_error *error)
{
    counted asked = {0};
    qctx_shard shard = {0};
    const qctx_query query = {comm, &shard, projector, &set->rows[QCTX_QUESTION], set->questions, set->count};
    qctx_status status = qctx_agree(comm, find_places(set, protocol, &asked, error), error);

    if (status == QCTX_OK)
        status = qctx_shard_create(comm, &set->rows[QCTX_CONTEXT], projector, asked.candidates, asked.total,
                                   protocol->scan, &shard, error);
    if (status == QCTX_OK)
        status = qctx_positions(&query, asked.offsets, asked.places, asked.positions, error);
    if (status == QCTX_OK)
        spread_positions(set, &asked, positions, candidates);
    free_counted(&asked);
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

/* What each question's own document is, freshly allocated; NULL without memory. Local. */
static int64_t *own_of(const qctx_eval_set *set, qctx_error *error)
{
    int64_t *own = qctx_alloc(set->count, sizeof *own, "the questions' own contexts", error);

    for (int64_t q = 0; q < set->count && own != NULL; q++)
        own[q] = qctx_eval_set_own(set, q);
    return own;
}

/* Collective. */
static qctx_status evaluate_pools(qctx_comm *comm, const qctx_eval_set *set, const qctx_projector *projector,
                                  const qctx_protocol *protocol, int64_t *positions, int64_t *candidates,
                                  qctx_error *error)
{
    int64_t *order = order_of(set, protocol, error), *own = own_of(set, error);
    const qctx_pools pools = {.questions = &set->rows[QCTX_QUESTION],
                              .contexts = &set->rows[QCTX_CONTEXT],
                              .projector = projector,
                              .count = set->count,
                              .rows = set->questions,
                              .offsets = set->offsets,
                              .answers = set->contexts,
                              .own = own,
                              .pool = protocol->pool,
                              .order = order};
    qctx_status status = qctx_agree(comm, order == NULL || own == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);

    if (status == QCTX_OK)
        status = qctx_pools_positions(comm, &pools, positions, candidates, error);
    free(order);
    free(own);
    return status;
}

/* Refuses a set of which nothing can be found, or nothing is right. Local. */
static qctx_status check_set(const qctx_eval_set *set, const qctx_protocol *protocol, qctx_error *error)
{
    const int64_t answers = set->offsets[set->count];
    double lowest = INFINITY, highest = -INFINITY;
    bool any_is_there = false, any_is_right = false;

    if (set->count == 0)
        return qctx_fail(error, QCTX_ERR_DATA, "there are no questions to evaluate");
    for (int64_t a = 0; a < answers; a++) {
        lowest = fmin(lowest, qctx_grade(set->grades, a));
        highest = fmax(highest, qctx_grade(set->grades, a));
        any_is_there = any_is_there || set->contexts[a] != QCTX_ABSENT;
        any_is_right = any_is_right || qctx_grade_reaches(set->grades, a, protocol->relevant);
    }
    if (!any_is_there)
        return qctx_fail(error, QCTX_ERR_DATA, "no context that answers the %lld questions to evaluate is there",
                         (long long)set->count);
    if (any_is_right)
        return QCTX_OK;
    qctx_fail(error, QCTX_ERR_DATA,
              "eval.relevant: no context of the %lld questions to evaluate has a grade of %.6g or more; their grades "
              "are %.6g to %.6g",
              (long long)set->count, protocol->relevant, lowest, highest);
    return qctx_hint(error, "set eval.relevant to the grade from which a context is right");
}

qctx_status qctx_evaluate(qctx_comm *comm, const qctx_eval_set *set, const qctx_projector *projector,
                          const qctx_protocol *protocol, int64_t *positions, int64_t *candidates, qctx_error *error)
{
    qctx_status status = check_set(set, protocol, error);

    if (status != QCTX_OK)
        return status;
    if (protocol->candidates == QCTX_CANDIDATES_POOLS)
        return evaluate_pools(comm, set, projector, protocol, positions, candidates, error);
    return evaluate_all(comm, set, projector, protocol, positions, candidates, error);
}

/* Copies the first k of a list [wide] that are not the row `own`. */
static void copy_others(const qctx_hit *list, int64_t wide, const int64_t *candidates, int64_t own, int64_t k,
                        qctx_hit *hits)
{
    int64_t taken = 0;

    for (int64_t i = 0; i < wide && taken < k && list[i].candidate >= 0; i++)
        if (candidates[list[i].candidate] != own)
            hits[taken++] = list[i];
    while (taken < k)
        hits[taken++] = (qctx_hit){0.0, -1};
}

qctx_status qctx_evaluate_lists(const qctx_query *query, const qctx_eval_set *set, const int64_t *asked,
                                const int64_t *candidates, int64_t k, qctx_hit *hits, qctx_error *error)
{
    const int64_t wide = k + 1;
    qctx_hit *lists;
    qctx_status status;

    if (set->own == NULL)
        return qctx_topk(query, k, hits, error);
    lists = qctx_alloc(query->count * wide, sizeof *lists, "lists of contexts", error);
    status = qctx_agree(query->comm, lists == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);
    if (status == QCTX_OK)
        status = qctx_topk(query, wide, lists, error);
    for (int64_t i = 0; i < query->count && status == QCTX_OK; i++)
        copy_others(lists + i * wide, wide, candidates, qctx_eval_set_own(set, asked[i]), k, hits + i * k);
    free(lists);
    return status;
}
