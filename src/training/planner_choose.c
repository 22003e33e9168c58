/* Which scheme, and what its memory is spent on: the best plan within a limit. */
#include "planner_internal.h"
#include "qctx/base/tree_sum.h"

/* Rows through the head at a time: as few as cost its products nothing, and as few as are taken where nothing else
 * fits. */
enum { MICRO_FAST = 1024, MICRO_LEAST = 128 };

bool planner_only_float32(const qctx_plan_request *request)
{
    return qctx_loss_check(request->kind, request->similarity, QCTX_PRECISION_BFLOAT16, false).key != NULL;
}

/* The schemes that a request may take, those with the fewest operations first; returns how many. */
static int list_schemes(const qctx_plan_request *request, int ranks, qctx_similarity schemes[QCTX_SIMILARITY_RING])
{
    static const qctx_similarity fewest_first[] = {QCTX_SIMILARITY_ROWS, QCTX_SIMILARITY_RING};
    int count = 0;

    if (request->similarity != QCTX_SIMILARITY_AUTO) {
        schemes[count++] = request->similarity;
        return count;
    }
    for (size_t s = 0; s < sizeof fewest_first / sizeof fewest_first[0]; s++) {
        bool known =
            qctx_loss_check(request->kind, fewest_first[s], request->precision, request->reproducible).key == NULL;

        if (known && (fewest_first[s] != QCTX_SIMILARITY_RING || request->batch >= 2 * (int64_t)ranks))
            schemes[count++] = fewest_first[s];
    }
    /* The reference knows every loss. */
    if (count == 0)
        schemes[count++] = QCTX_SIMILARITY_FULL;
    return count;
}

/* Counts alone decide: they are the same in every run, whatever the clock says. */
static bool is_cheaper(const qctx_plan_request *request, int ranks, const qctx_plan *plan, const qctx_plan *than)
{
    const qctx_plan_rates rates = {{1.0, 1.0}, 0.0, 1.0};
    qctx_plan_cost cost = qctx_plan_cost_of(request, plan, ranks, &rates);
    qctx_plan_cost other = qctx_plan_cost_of(request, than, ranks, &rates);

    return cost.flops < other.flops || (cost.flops == other.flops && cost.bytes < other.bytes);
}

/* Keeps as many scores as fit beside the rows that go through the head at a time. Whether all fits. */
static bool keep_scores(const qctx_plan_request *request, int ranks, int64_t limit, qctx_plan *plan)
{
    plan->keep_bytes = 0;
    plan->memory = planner_memory(request, plan, ranks);
    if (plan->memory > limit)
        return false;
    plan->keep_bytes = planner_scores(request, plan, ranks, limit - plan->memory);
    plan->memory = planner_memory(request, plan, ranks);
    return true;
}

/*
 * Spends `limit` on a plan whose scheme is set: all rows through the head at once, or fewer, to be computed again,
 * where the memory saves more operations as scores. Whether any fits; else the plan is the one that needs the least.
 */
static bool spend_memory(const qctx_plan_request *request, int ranks, int64_t limit, qctx_plan *plan)
{
    qctx_plan tried = *plan;
    bool any = false;

    tried.micro_rows = planner_most_rows(request, plan, ranks);
    for (bool last = false; !last; tried.micro_rows = (tried.micro_rows + 1) / 2) {
        bool fits = keep_scores(request, ranks, limit, &tried);

        if ((fits && (!any || is_cheaper(request, ranks, &tried, plan))) || !any)
            *plan = tried;
        any = any || fits;
        last = tried.micro_rows <= (any ? MICRO_FAST : MICRO_LEAST);
    }
    return any;
}

bool planner_fit(const qctx_plan_request *request, int ranks, int64_t limit, qctx_plan *plan)
{
    qctx_similarity schemes[QCTX_SIMILARITY_RING];
    int count = list_schemes(request, ranks, schemes);
    bool any = false;

    for (int s = 0; s < count; s++) {
        qctx_plan tried = {
            .scheme = schemes[s],
            .precision = schemes[s] == QCTX_SIMILARITY_FULL ? QCTX_PRECISION_FLOAT32 : request->precision,
            .leaves = request->reproducible ? qctx_leaf_count(request->batch) : 0,
            .recovers = request->recovers,
            .split_step = ranks > 1 && !request->reproducible,
            .limit = limit,
        };
        bool fits = spend_memory(request, ranks, limit, &tried);

        if (s == 0 || (fits && !any) || (fits && is_cheaper(request, ranks, &tried, plan)) ||
            (!fits && !any && tried.memory < plan->memory))
            *plan = tried;
        any = any || fits;
    }
    return any;
}
