/* A step on more ranks than there are: the cost model of training/planner at the rate that a step has here. */
#include <math.h>

#include "bench_internal.h"

enum { RANKS_MOST = 4096 };

static const int64_t batches[] = {32768, 262144};
enum { BATCH_COUNT = sizeof batches / sizeof batches[0] };

typedef struct {
    qctx_plan_request asked;
    qctx_plan_rates rates;
    int64_t limit; /* bytes a rank may use */
} model;

/* Whether a step on `ranks` ranks fits, and then its plan and cost. */
static bool foresee(const model *at, int ranks, qctx_plan *plan, qctx_plan_cost *cost)
{
    if (qctx_plan_choose(&at->asked, ranks, at->limit, plan, NULL) != QCTX_OK)
        return false;
    *cost = qctx_plan_cost_of(&at->asked, plan, ranks, &at->rates);
    return true;
}

/* The time of a step if it were nothing but its least operations, in equal shares. */
static double ideal_seconds(const model *at, int ranks)
{
    const double least =
        bench_least_flops(&at->asked.head, at->asked.batch, at->asked.batch, at->asked.extras / at->asked.batch) /
        ranks;

    return least / at->rates.flops[at->asked.precision];
}

static void add_steps(const model *at, json_t *rows)
{
    qctx_plan plan;
    qctx_plan_cost cost;

    for (int ranks = 1; ranks <= RANKS_MOST; ranks *= 2)
        if (foresee(at, ranks, &plan, &cost))
            json_array_append_new(rows,
                                  json_pack("{s:I, s:i, s:s, s:f, s:f, s:f, s:f}", "batch", (json_int_t)at->asked.batch,
                                            "ranks", ranks, "scheme", qctx_similarity_names[plan.scheme], "computing",
                                            cost.computing, "exchanging", cost.communicating, "seconds", cost.seconds,
                                            "efficiency", ideal_seconds(at, ranks) / cost.seconds));
}

/* Whether exchanging takes half of a step or more; all of it, or what does not pass beneath products. */
static bool exchanges_for_half(const model *at, int ranks, bool with_hidden)
{
    qctx_plan plan;
    qctx_plan_cost cost;

    if (!foresee(at, ranks, &plan, &cost))
        return false;
    return cost.communicating - (with_hidden ? 0.0 : cost.hidden) >= cost.computing;
}

/* The least number of ranks for which it does, by halving, or null where it never does. */
static json_t *find_half(const model *at, bool with_hidden)
{
    int64_t below = 0, from = at->asked.batch / 2;

    if (!exchanges_for_half(at, (int)from, with_hidden))
        return json_null();
    while (from - below > 1) {
        const int64_t middle = below + (from - below) / 2;

        if (exchanges_for_half(at, (int)middle, with_hidden))
            from = middle;
        else
            below = middle;
    }
    return json_integer(from);
}

static void add_half(const model *at, json_t *rows)
{
    json_array_append_new(rows, json_pack("{s:I, s:o, s:o}", "batch", (json_int_t)at->asked.batch, "ranks_of_half",
                                          find_half(at, true), "ranks_of_half_with_overlap", find_half(at, false)));
}

static json_t *describe(const step_bench *bench)
{
    const qctx_bench_request *request = bench->request;
    double flops[QCTX_TIMER_COUNT];
    const double rate = step_flops(bench, flops) / bench->medians[NOTE_SECONDS];
    json_t *result = bench_result(bench->comm, "scaling"), *steps = json_array(), *halves = json_array();
    model at = {.asked = step_request(bench),
                .rates = {.flops = {rate, rate},
                          .latency = request->scaling.latency / BENCH_MEGA,
                          .bandwidth = request->scaling.bandwidth * BENCH_GIGA / 8.0},
                .limit = bench->plan.limit};

    at.asked.precision = bench->plan.precision;
    for (int i = 0; i < BATCH_COUNT; i++) {
        at.asked.batch = batches[i];
        at.asked.extras = batches[i] * request->config->negatives.count;
        add_half(&at, halves);
        add_steps(&at, steps);
    }
    if (result != NULL)
        json_object_update_new(
            result, json_pack("{s:I, s:I, s:I, s:s, s:f, s:f, s:f, s:f, s:O, s:O}", "measured_batch",
                              (json_int_t)request->config->batch.size, "dim", (json_int_t)bench->head.input, "hidden",
                              (json_int_t)bench->head.hidden, "precision", qctx_precision_names[bench->plan.precision],
                              "step_gflops", rate / BENCH_GIGA, "gbits_per_second", request->scaling.bandwidth,
                              "microseconds", request->scaling.latency, "memory_mb", (double)at.limit / BENCH_MEGA,
                              "halves", halves, "steps", steps));
    json_decref(steps);
    json_decref(halves);
    return result;
}

qctx_status qctx_bench_scaling(qctx_comm *comm, const qctx_bench_request *request, json_t **result, qctx_error *error)
{
    return step_result(comm, request, describe, result, error);
}
