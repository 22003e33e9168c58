/* The memory of a step, as far as it can be foreseen. */
#include "plan_internal.h"

qctx_loss_config plan_loss(const qctx_plan_request *request, const qctx_plan *plan)
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
    qctx_loss_config loss = plan_loss(request, plan);

    loss.keep_bytes = keep_bytes;
    return qctx_loss_memory(&loss, ranks, plan_most_rows(plan, request->batch, ranks), request->batch,
                            request->head.output);
}

/* Floats of a side's hidden layers for one row. */
static int64_t hidden_floats(const qctx_head_config *head)
{
    return (head->layers - 1) * head->hidden;
}

/* Encoded, projected and back-propagated rows, and the activations that the backward pass reads. */
static int64_t rows_memory(const qctx_plan_request *request, const qctx_plan *plan, int ranks)
{
    const qctx_head_config *head = &request->head;
    int64_t rows = plan_most_rows(plan, request->batch, ranks);
    int64_t bytes = 0;

    for (int side = 0; side < 2; side++) {
        bytes += 2 * rows * head->output * (int64_t)sizeof(float);
        bytes += plan->micro_rows * head->input * (int64_t)sizeof(float);
        if (qctx_head_has_side(head, side))
            bytes += 2 * plan->micro_rows * hidden_floats(head) * (int64_t)sizeof(float);
    }
    return bytes;
}

/* Parameters, gradient and two moments of the optimiser; a reproducible run adds up a tree of gradients. */
static int64_t parameters_memory(const qctx_plan_request *request, const qctx_plan *plan)
{
    int64_t vectors = 4;

    for (int64_t leaves = plan->leaves; leaves > 0; leaves /= 2)
        vectors++;
    return vectors * qctx_head_parameter_count(&request->head) * (int64_t)sizeof(float);
}

int64_t plan_memory(const qctx_plan_request *request, const qctx_plan *plan, int ranks)
{
    return loss_memory(request, plan, ranks, plan->keep_bytes) + rows_memory(request, plan, ranks) +
           parameters_memory(request, plan);
}

int64_t plan_scores(const qctx_plan_request *request, const qctx_plan *plan, int ranks)
{
    return loss_memory(request, plan, ranks, INT64_MAX / 4) - loss_memory(request, plan, ranks, 0);
}
