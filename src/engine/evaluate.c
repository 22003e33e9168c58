#include "qctx/engine/evaluate.h"

#include <stdlib.h>
#include <string.h>

#include "evaluate_internal.h"
#include "qctx/base/mem.h"
#include "qctx/base/order.h"

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

int64_t evaluate_count_above(const float *scores, int64_t count, int64_t before, float target)
{
    int64_t above = 0;

    for (int64_t i = 0; i < before; i++)
        above += scores[i] >= target;
    for (int64_t i = before; i < count; i++)
        above += scores[i] > target;
    return above;
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

qctx_status qctx_evaluate_rows(qctx_comm *comm, const qctx_rows *questions, const qctx_rows *contexts,
                               int64_t context_count, const qctx_eval_set *set, const qctx_projector *projector,
                               const qctx_protocol *protocol, int64_t *positions, qctx_error *error)
{
    const evaluation task = {questions, contexts, context_count, set, projector, protocol};
    qctx_status status;

    if (set->count == 0)
        return qctx_fail(error, QCTX_ERR_DATA, "there are no questions to evaluate");
    memset(positions, 0, (size_t)set->offsets[set->count] * sizeof *positions);
    if (protocol->candidates == QCTX_CANDIDATES_POOLS)
        status = evaluate_pools(comm, &task, positions, error);
    else
        status = evaluate_all(comm, &task, positions, error);
    if (status == QCTX_OK)
        qctx_comm_sum_int64(comm, positions, set->offsets[set->count]);
    return status;
}

qctx_status qctx_evaluate(qctx_comm *comm, const qctx_eval_set *set, const qctx_projector *projector,
                          const qctx_protocol *protocol, int64_t *positions, qctx_error *error)
{
    const qctx_rows questions = qctx_rows_of_store(set->store, QCTX_STORE_QUESTIONS);
    const qctx_rows contexts = qctx_rows_of_store(set->store, QCTX_STORE_CONTEXTS);

    return qctx_evaluate_rows(comm, &questions, &contexts, qctx_store_count(set->store, QCTX_STORE_CONTEXTS), set,
                              projector, protocol, positions, error);
}
