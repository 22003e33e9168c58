#include "qctx/engine/plan.h"

#include <stdio.h>

#include "qctx/base/tree_sum.h"

void qctx_plan_rows(const qctx_comm *comm, const qctx_plan *plan, int64_t batch, int64_t *first, int64_t *rows)
{
    int64_t leaf, leaves, last_first, last_rows;

    if (plan->leaves == 0) {
        qctx_share(batch, qctx_comm_rank(comm), qctx_comm_size(comm), first, rows);
        return;
    }
    qctx_leaf_share(plan->leaves, qctx_comm_rank(comm), qctx_comm_size(comm), &leaf, &leaves);
    *first = *rows = 0;
    if (leaves == 0)
        return;
    qctx_leaf_rows(batch, plan->leaves, leaf, first, rows);
    qctx_leaf_rows(batch, plan->leaves, leaf + leaves - 1, &last_first, &last_rows);
    *rows = last_first + last_rows - *first;
}

qctx_status qctx_plan_make(qctx_comm *comm, const qctx_plan_request *request, qctx_plan *plan, qctx_error *error)
{
    qctx_plan_conflict conflict =
        qctx_plan_check(request->kind, request->similarity, request->precision, request->reproducible);
    int64_t first;

    if (conflict.key != NULL)
        return qctx_fail(error, QCTX_ERR_CONFIG, "%s: %s", conflict.key, conflict.reason);
    if (request->kind == QCTX_LOSS_SIGMOID)
        return qctx_fail(error, QCTX_ERR_CONFIG, "loss.kind: sigmoid is not there yet");
    *plan = (qctx_plan){
        .scheme = request->similarity == QCTX_SIMILARITY_AUTO ? QCTX_SIMILARITY_FULL : request->similarity,
        .precision = request->precision == QCTX_PRECISION_AUTO ? QCTX_PRECISION_FLOAT32 : request->precision,
        .leaves = request->reproducible ? qctx_leaf_count(request->batch) : 0,
    };
    qctx_plan_rows(comm, plan, request->batch, &first, &plan->micro_rows);
    snprintf(plan->reason, sizeof plan->reason, "similarity %s", qctx_similarity_name(plan->scheme));
    return QCTX_OK;
}
