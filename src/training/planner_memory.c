/* The memory of a step, as far as it can be foreseen. */
#include "planner_internal.h"
#include "qctx/training/stepper.h"

qctx_loss_config planner_loss(const qctx_plan_request *request, const qctx_plan *plan)
{
    return (qctx_loss_config){
        .kind = request->kind,
        .direction = request->direction,
        .normalize = request->normalize,
        .scheme = plan->scheme,
        .precision = plan->precision,
        .leaves = plan->leaves,
        .keep_bytes = plan->keep_bytes,
    };
}

static int64_t loss_memory(const qctx_plan_request *request, const qctx_plan *plan, int ranks, int64_t keep_bytes)
{
    qctx_loss_config loss = planner_loss(request, plan);

    loss.keep_bytes = keep_bytes;
    return qctx_loss_memory(&loss, ranks, qctx_plan_most_rows(plan, request->batch, ranks), request->batch,
                            request->head.output);
}

int64_t planner_memory(const qctx_plan_request *request, const qctx_plan *plan, int ranks)
{
    return loss_memory(request, plan, ranks, plan->keep_bytes) +
           qctx_stepper_memory(&request->head, plan, ranks, qctx_plan_most_rows(plan, request->batch, ranks));
}

int64_t planner_scores(const qctx_plan_request *request, const qctx_plan *plan, int ranks, int64_t room)
{
    return loss_memory(request, plan, ranks, room) - loss_memory(request, plan, ranks, 0);
}
