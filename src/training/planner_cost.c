/* What a step costs, by counts and by the time that they take at given rates. */
#include <math.h>

#include "planner_internal.h"
#include "qctx/training/stepper.h"

/* Bytes of the loss that a rank receives for each of the batch's rows and floats, were it to receive all of them. */
static double loss_bytes(const qctx_plan_request *request, const qctx_plan *plan)
{
    double row = (double)(request->head.output * qctx_precision_bytes(plan->precision));
    double gradient = (double)(request->head.output * (int64_t)sizeof(float));
    /* Content numbers, and for all but full maxima and sums of rows or columns. */
    double content = 8.0, sums = 16.0;

    switch (plan->scheme) {
    case QCTX_SIMILARITY_ROWS:
        return row + gradient + content + sums;
    case QCTX_SIMILARITY_RING:
        return 2.0 * row + gradient + content + sums;
    case QCTX_SIMILARITY_FULL:
    case QCTX_SIMILARITY_AUTO:
        break;
    }
    return 2.0 * row + content;
}

/* Each exchange of parts passes through all ranks but the own one; a sum goes up and down a tree. */
static double count_messages(const qctx_plan *plan, int ranks)
{
    double others = ranks - 1, levels = ceil(log2((double)ranks));
    double exchanges = plan->scheme == QCTX_SIMILARITY_RING ? 3.0 : 2.0;

    return (exchanges + 2.0) * others + 4.0 * levels;
}

qctx_plan_cost qctx_plan_cost_of(const qctx_plan_request *request, const qctx_plan *plan, int ranks,
                                 const qctx_plan_rates *rates)
{
    qctx_loss_config loss = planner_loss(request, plan);
    int64_t rows = qctx_plan_most_rows(plan, request->batch, ranks);
    double from_others = (double)(ranks - 1) / (double)ranks;
    /* The head's gradient: its parts are summed, and gathered again. */
    double gradient = 2.0 * (double)(qctx_head_parameter_count(&request->head) * (int64_t)sizeof(float));
    qctx_plan_cost cost = {
        .flops = qctx_stepper_flops(&request->head, plan, rows) +
                 qctx_loss_flops(&loss, ranks, rows, request->batch, request->head.output),
        .bytes = from_others * ((double)request->batch * loss_bytes(request, plan) + gradient),
        .messages = count_messages(plan, ranks),
        .memory = planner_memory(request, plan, ranks),
    };

    cost.computing = cost.flops / rates->flops[plan->precision];
    cost.communicating = cost.bytes / rates->bandwidth + cost.messages * rates->latency;
    cost.hidden = fmin(QCTX_PLAN_HIDDEN * cost.bytes / rates->bandwidth, cost.computing);
    cost.seconds = cost.computing + cost.communicating - cost.hidden;
    return cost;
}
