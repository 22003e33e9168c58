/* Makes a plan: settles what a request leaves open, has the best plan found, and has it explained or refused. */
#include "qctx/training/planner.h"

#include "planner_internal.h"
#include "qctx/platform/topology.h"

/*
 * What bfloat16 must gain to be chosen: far from what the clock's noise does, since it doubles the rate where there are
 * instructions and halves it where there are none.
 */
static const double bfloat16_gain = 1.2;

qctx_plan_request qctx_plan_request_of(const qctx_config *config, const qctx_head_config *head)
{
    return (qctx_plan_request){
        .head = *head,
        .kind = config->loss.kind,
        .direction = config->loss.direction,
        .normalize = config->loss.normalize,
        .recovers = config->loss.recovery > 0,
        .batch = config->batch.size,
        .similarity = config->loss.similarity,
        .precision = config->run.precision,
        .reproducible = config->run.reproducible,
        .memory = config->run.memory,
    };
}

/* The least of a value over the ranks. Collective. */
static int64_t least_of(qctx_comm *comm, int64_t value)
{
    int64_t negative = -value;

    qctx_comm_max_int64(comm, &negative, 1);
    return -negative;
}

/*
 * What a rank may use where no limit is given: its share of what is free on its node now, less a fifth for the
 * evaluation and for others. The same on all ranks. Collective.
 */
static int64_t free_memory(qctx_comm *comm)
{
    int64_t bytes = least_of(comm, qctx_topology_memory(comm));

    return bytes > 0 ? bytes / 5 * 4 : PLANNER_NO_LIMIT;
}

/* The precision of a request on this machine. Collective. */
static qctx_status settle_precision(qctx_comm *comm, const qctx_plan_rates *rates, qctx_plan_request *request,
                                    qctx_error *error)
{
    bool native = least_of(comm, qctx_product_is_native(QCTX_PRECISION_BFLOAT16)) > 0;

    if (request->precision == QCTX_PRECISION_BFLOAT16 && !native) {
        qctx_fail(error, QCTX_ERR_CONFIG,
                  "run.precision: bfloat16 has no instructions on the CPU of some rank, or no oneDNN in its build");
        return qctx_hint(error, "run.precision: auto takes bfloat16 where it is faster, and float32 elsewhere");
    }
    if (request->precision == QCTX_PRECISION_AUTO) {
        bool gains = rates->flops[QCTX_PRECISION_BFLOAT16] >= bfloat16_gain * rates->flops[QCTX_PRECISION_FLOAT32];

        request->precision =
            native && gains && !planner_only_float32(request) ? QCTX_PRECISION_BFLOAT16 : QCTX_PRECISION_FLOAT32;
    }
    return QCTX_OK;
}

qctx_status qctx_plan_choose(const qctx_plan_request *request, int ranks, int64_t limit, qctx_plan *plan,
                             qctx_error *error)
{
    qctx_loss_conflict conflict =
        qctx_loss_check(request->kind, request->similarity, request->precision, request->reproducible);
    qctx_status status;

    if (conflict.key != NULL)
        return qctx_fail(error, QCTX_ERR_CONFIG, "%s: %s", conflict.key, conflict.reason);
    status = planner_check_ranks(request, ranks, error);
    if (status == QCTX_OK && !planner_fit(request, ranks, limit, plan))
        status = planner_refuse_memory(request, ranks, limit, plan, error);
    return status;
}

qctx_status qctx_plan_make(qctx_comm *comm, const qctx_plan_request *request, qctx_plan *plan, qctx_error *error)
{
    qctx_plan_request settled = *request;
    qctx_plan_rates rates = qctx_plan_measure(comm, request->precision != QCTX_PRECISION_FLOAT32);
    int64_t limit = request->memory > 0 ? request->memory : free_memory(comm);
    /* From here on all ranks compute the same from the same values. */
    qctx_status status = settle_precision(comm, &rates, &settled, error);

    if (status == QCTX_OK)
        status = qctx_plan_choose(&settled, qctx_comm_size(comm), limit, plan, error);
    if (status == QCTX_OK)
        planner_explain(request, qctx_comm_size(comm), &rates, plan);
    return status;
}
