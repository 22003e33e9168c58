/* A plan in words. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "planner_internal.h"
#include "qctx/base/tree_sum.h"

void planner_size_text(int64_t bytes, bool up, char text[PLANNER_SIZE_TEXT])
{
    /* Two digits at least, and with `up` never less than it is. */
    int64_t unit = bytes >= 10000000 ? 1000000 : 1000;

    snprintf(text, PLANNER_SIZE_TEXT, "%lld%s", (long long)((bytes + (up ? unit - 1 : unit / 2)) / unit),
             unit == 1000000 ? "MB" : "kB");
}

/* What the memory is spent on, as far as there was a choice. */
static void explain_memory(const qctx_plan_request *request, int ranks, const qctx_plan *plan, char *text, size_t size)
{
    int64_t scores = planner_scores(request, plan, ranks, PLANNER_NO_LIMIT),
            rows = qctx_plan_most_rows(plan, request->batch, ranks);
    char kept[PLANNER_SIZE_TEXT];

    text[0] = '\0';
    planner_size_text(plan->keep_bytes, false, kept);
    if (scores > 0 && plan->keep_bytes >= scores)
        snprintf(text, size, "all scores kept (%s); ", kept);
    else if (scores > 0)
        snprintf(text, size, "%.0f%% of the scores kept; ", floor(100.0 * (double)plan->keep_bytes / (double)scores));
    if (plan->micro_rows < rows)
        snprintf(text + strlen(text), size - strlen(text), "head %lld rows at a time; ", (long long)plan->micro_rows);
}

/* What was left to choose, and why it came out so. */
static void explain_precision(const qctx_plan_request *request, const qctx_plan_rates *rates, const qctx_plan *plan,
                              char *text, size_t size)
{
    double gain = rates->flops[QCTX_PRECISION_BFLOAT16] / rates->flops[QCTX_PRECISION_FLOAT32];

    snprintf(text, size, "%s", qctx_precision_names[plan->precision]);
    if (request->precision == QCTX_PRECISION_AUTO && planner_only_float32(request))
        snprintf(text + strlen(text), size - strlen(text), " (auto: %s knows no other)",
                 request->kind == QCTX_LOSS_SOFT ? "the loss soft" : "similarity full");
    else if (request->precision == QCTX_PRECISION_AUTO && gain > 0.0)
        snprintf(text + strlen(text), size - strlen(text), " (auto: bfloat16 is %.1f times as fast)", gain);
    else if (request->precision == QCTX_PRECISION_AUTO)
        snprintf(text + strlen(text), size - strlen(text), " (auto: no fast bfloat16 here)");
}

/* Whether the memory that happens to be free decided about more than what is kept: another day's run may differ. */
static bool follows_free_memory(const qctx_plan_request *request, int ranks, const qctx_plan *plan)
{
    qctx_plan_request settled = *request;
    qctx_plan free_of_limits;

    settled.precision = plan->precision;
    return request->memory == 0 && planner_fit(&settled, ranks, PLANNER_NO_LIMIT, &free_of_limits) &&
           (free_of_limits.scheme != plan->scheme || free_of_limits.micro_rows != plan->micro_rows);
}

static void warn(const qctx_plan_request *request, int ranks, qctx_plan *plan)
{
    plan->warning[0] = '\0';
    if (request->reproducible && !qctx_leaf_is_invariant(plan->leaves, ranks))
        snprintf(plan->warning, sizeof plan->warning,
                 "run.reproducible: on %d ranks the run is repeatable, but not the same as on other numbers of ranks; "
                 "it is on 1, 2, 4, … %lld",
                 ranks, (long long)plan->leaves);
    else if (follows_free_memory(request, ranks, plan))
        snprintf(plan->warning, sizeof plan->warning,
                 "the step is cut to the memory that the node has free now; set run.memory to repeat the run bit for "
                 "bit");
}

void planner_explain(const qctx_plan_request *request, int ranks, const qctx_plan_rates *rates, qctx_plan *plan)
{
    qctx_plan_cost cost = qctx_plan_cost_of(request, plan, ranks, rates);
    char spent[96], exchange[96] = "", precision[80], memory[2 * PLANNER_SIZE_TEXT], limit[PLANNER_SIZE_TEXT],
                    bytes[PLANNER_SIZE_TEXT];

    explain_precision(request, rates, plan, precision, sizeof precision);
    explain_memory(request, ranks, plan, spent, sizeof spent);
    planner_size_text(plan->memory, true, memory);
    planner_size_text(plan->limit, false, limit);
    if (plan->limit < PLANNER_NO_LIMIT)
        snprintf(memory + strlen(memory), sizeof memory - strlen(memory), " of %s", limit);
    planner_size_text((int64_t)cost.bytes, false, bytes);
    if (ranks > 1)
        snprintf(exchange, sizeof exchange, " + %.2g s for the exchange of %s", cost.communicating, bytes);
    snprintf(plan->reason, sizeof plan->reason, "similarity %s%s, %s%s: a step takes a rank %.3g GFLOP, %.2g s%s; %s%s",
             qctx_similarity_names[plan->scheme], request->similarity == QCTX_SIMILARITY_AUTO ? " (auto)" : "",
             precision, plan->leaves > 0 ? ", reproducible" : "", 1e-9 * cost.flops, cost.computing, exchange, spent,
             memory);
    warn(request, ranks, plan);
}
