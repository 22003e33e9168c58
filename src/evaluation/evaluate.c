#include "qctx/evaluation/evaluate.h"

#include <stdlib.h>
#include <string.h>

#include "evaluate_internal.h"
#include "qctx/base/mem.h"
#include "qctx/base/order.h"
#include "qctx/retrieval/positions.h"

int64_t evaluate_index_of(const int64_t *rows, int64_t count, int64_t row)
{
    int64_t low = 0, high = count - 1;

    while (low < high) {
        int64_t middle = low + (high - low) / 2;

        if (rows[middle] < row)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

qctx_status qctx_evaluate_candidates(const qctx_eval_set *set, int64_t context_count, const qctx_protocol *protocol,
                                     int64_t **candidates, int64_t *total, qctx_error *error)
{
    const bool all = protocol->candidates == QCTX_CANDIDATES_CORPUS;
    const int64_t room = all ? context_count : set->offsets[set->count];
    int64_t *rows = qctx_alloc(room, sizeof *rows, "the candidates of an evaluation", error);

    if (rows == NULL)
        return QCTX_ERR_MEMORY;
    if (all) {
        for (int64_t i = 0; i < room; i++)
            rows[i] = i;
        *total = room;
    } else {
        memcpy(rows, set->contexts, (size_t)room * sizeof *rows);
        *total = qctx_sort_unique(rows, room);
    }
    *candidates = rows;
    return QCTX_OK;
}

/* places [answers] = the index of each right context among the candidates of the split or of the corpus. Local. */
static qctx_status find_places(const evaluation *task, int64_t **candidates, int64_t *total, int64_t **places,
                               qctx_error *error)
{
    const int64_t answers = task->set->offsets[task->set->count];
    qctx_status status =
        qctx_evaluate_candidates(task->set, task->context_count, task->protocol, candidates, total, error);

    if (status != QCTX_OK)
        return status;
    *places = qctx_alloc(answers, sizeof **places, "the places of right contexts", error);
    if (*places == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t a = 0; a < answers; a++)
        (*places)[a] = evaluate_index_of(*candidates, *total, task->set->contexts[a]);
    return QCTX_OK;
}

/* All questions against all candidates of the split or of the corpus. Collective. */
static qctx_status evaluate_all(qctx_comm *comm, const evaluation *task, int64_t *positions, qctx_error *error)
{
    const qctx_eval_set *set = task->set;
    int64_t *candidates = NULL, *places = NULL;
    qctx_shard shard = {0};
    int64_t total = 0;
    qctx_status status = qctx_agree(comm, find_places(task, &candidates, &total, &places, error), error);

    if (status == QCTX_OK)
        status = qctx_shard_create(comm, task->contexts, task->projector, candidates, total, task->protocol->scan,
                                   &shard, error);
    if (status == QCTX_OK)
        status = qctx_positions(comm, &shard, task->projector, task->questions, set->questions, set->count,
                                set->offsets, places, positions, error);
    free(candidates);
    free(places);
    qctx_shard_free(&shard);
    return status;
}

qctx_status qctx_evaluate_rows(qctx_comm *comm, const qctx_rows *questions, const qctx_rows *contexts,
                               int64_t context_count, const qctx_eval_set *set, const qctx_projector *projector,
                               const qctx_protocol *protocol, int64_t *positions, qctx_error *error)
{
    const evaluation task = {questions, contexts, context_count, set, projector, protocol};

    if (set->count == 0)
        return qctx_fail(error, QCTX_ERR_DATA, "there are no questions to evaluate");
    if (protocol->candidates == QCTX_CANDIDATES_POOLS)
        return evaluate_pools(comm, &task, positions, error);
    return evaluate_all(comm, &task, positions, error);
}

qctx_status qctx_evaluate(qctx_comm *comm, const qctx_eval_set *set, const qctx_projector *projector,
                          const qctx_protocol *protocol, int64_t *positions, qctx_error *error)
{
    const qctx_rows questions = qctx_rows_of_store(set->store, QCTX_STORE_QUESTIONS);
    const qctx_rows contexts = qctx_rows_of_store(set->store, QCTX_STORE_CONTEXTS);

    return qctx_evaluate_rows(comm, &questions, &contexts, qctx_store_count(set->store, QCTX_STORE_CONTEXTS), set,
                              projector, protocol, positions, error);
}
