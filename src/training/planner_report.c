/* Words: why a plan came out as it did, and why a step cannot be taken, with what would work instead. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "planner_internal.h"
#include "qctx/base/plural.h"
#include "qctx/base/tree_sum.h"

enum { SIZE_TEXT = 32, EXTRAS_TEXT = 64, STEP_TEXT = 176 };

/* A size as the configuration writes it, "34MB"; rounded up if `up`. */
static void write_size(int64_t bytes, bool up, char text[SIZE_TEXT])
{
    /* Two digits at least, and with `up` never less than it is. */
    int64_t unit = bytes >= 10000000 ? 1000000 : 1000;

    snprintf(text, SIZE_TEXT, "%lld%s", (long long)((bytes + (up ? unit - 1 : unit / 2)) / unit),
             unit == 1000000 ? "MB" : "kB");
}

/* What questions meet beside the batch's contexts. */
static void write_extras(const qctx_plan_request *request, char text[EXTRAS_TEXT])
{
    if (request->listed)
        snprintf(text, EXTRAS_TEXT, " with up to %lld hard negative%s", (long long)request->extras,
                 qctx_plural(request->extras));
    else
        snprintf(text, EXTRAS_TEXT, " against the corpus's %lld context%s", (long long)request->extras,
                 qctx_plural(request->extras));
}

/* What the memory is spent on, as far as there was a choice. */
static void explain_memory(const qctx_plan_request *request, int ranks, const qctx_plan *plan, char *text, size_t size)
{
    int64_t scores = planner_scores(request, plan, ranks, PLANNER_NO_LIMIT),
            rows = planner_most_rows(request, plan, ranks);
    char kept[SIZE_TEXT];

    text[0] = '\0';
    write_size(plan->keep_bytes, false, kept);
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

/* Adds what goes through the head for a teacher's lists. */
static void write_scored(const qctx_plan_request *request, int ranks, const qctx_plan *plan, char *text, size_t size)
{
    int64_t scored =
        qctx_plan_most_scored(plan, request->lists, qctx_plan_most_rows(plan, request->batch, ranks), ranks);

    if (scored > 0)
        snprintf(text + strlen(text), size - strlen(text), " with up to %lld scored context%s a rank",
                 (long long)scored, qctx_plural(scored));
}

void planner_explain(const qctx_plan_request *request, int ranks, const qctx_plan_rates *rates, qctx_plan *plan)
{
    qctx_plan_cost cost = qctx_plan_cost_of(request, plan, ranks, rates);
    char spent[96], exchange[96] = "", against[128] = "", precision[80], memory[2 * SIZE_TEXT], limit[SIZE_TEXT],
                    bytes[SIZE_TEXT];

    explain_precision(request, rates, plan, precision, sizeof precision);
    explain_memory(request, ranks, plan, spent, sizeof spent);
    write_size(plan->memory, true, memory);
    write_size(plan->limit, false, limit);
    if (plan->limit < PLANNER_NO_LIMIT)
        snprintf(memory + strlen(memory), sizeof memory - strlen(memory), " of %s", limit);
    write_size((int64_t)cost.bytes, false, bytes);
    if (ranks > 1)
        snprintf(exchange, sizeof exchange, " + %.2g s for the exchange of %s", cost.communicating, bytes);
    if (request->extras > 0)
        write_extras(request, against);
    write_scored(request, ranks, plan, against, sizeof against);
    snprintf(
        plan->reason, sizeof plan->reason, "similarity %s%s, %s%s: a step%s takes a rank %.3g GFLOP, %.2g s%s; %s%s",
        qctx_similarity_names[plan->scheme], request->similarity == QCTX_SIMILARITY_AUTO ? " (auto)" : "", precision,
        plan->leaves > 0 ? ", reproducible" : "", against, 1e-9 * cost.flops, cost.computing, exchange, spent, memory);
    warn(request, ranks, plan);
}

/* All that is left to a run that goes on. */
static qctx_status hint_ranks(int64_t most, qctx_error *error)
{
    return qctx_hint(error, "resume the run on at most %lld %s", (long long)most, most == 1 ? "rank" : "ranks");
}

qctx_status planner_check_ranks(const qctx_plan_request *request, int ranks, qctx_error *error)
{
    if (request->batch < ranks) {
        qctx_fail(error, QCTX_ERR_MISMATCH, "batch.size: %lld question%s a step %s too few for %d ranks",
                  (long long)request->batch, qctx_plural(request->batch), request->batch == 1 ? "is" : "are", ranks);
        if (request->resumed)
            return hint_ranks(request->batch, error);
        return qctx_hint(error, "each rank needs one: start at most %lld rank%s, or raise batch.size to %d",
                         (long long)request->batch, qctx_plural(request->batch), ranks);
    }
    if (request->similarity == QCTX_SIMILARITY_RING && ranks > 1 && request->batch < 2 * (int64_t)ranks) {
        qctx_fail(error, QCTX_ERR_MISMATCH,
                  "loss.similarity: ring needs two questions a rank, batch.size %lld gives "
                  "one to some of %d ranks",
                  (long long)request->batch, ranks);
        if (request->resumed)
            return hint_ranks(request->batch / 2, error);
        return qctx_hint(error, "raise batch.size to %d, start at most %lld %s, or set loss.similarity: rows",
                         2 * ranks, (long long)(request->batch / 2), request->batch < 4 ? "rank" : "ranks");
    }
    return QCTX_OK;
}

/* The largest smaller batch that fits, or 0. */
static int64_t find_batch(const qctx_plan_request *request, int ranks, int64_t limit)
{
    qctx_plan_request smaller = *request;
    qctx_plan plan;
    int64_t fits = 0, fails = request->batch;

    for (int64_t next = ranks > 2 ? 2 * (int64_t)ranks : 2; fails - fits > 1 && next < request->batch;
         next = fits + (fails - fits) / 2) {
        smaller.batch = next;
        if (planner_fit(&smaller, ranks, limit, &plan))
            fits = next;
        else if (fits == 0)
            return 0;
        else
            fails = next;
    }
    return fits;
}

/* The fewest ranks, doubling them, on which the step fits, or 0. */
static int find_ranks(const qctx_plan_request *request, int ranks, int64_t limit)
{
    qctx_plan plan;

    for (int64_t more = 2 * (int64_t)ranks; 2 * more <= request->batch && more <= 1 << 20; more *= 2)
        if (planner_fit(request, (int)more, limit, &plan))
            return (int)more;
    return 0;
}

/* The scheme that would fit where the one asked for does not, or the latter. */
static qctx_similarity find_scheme(const qctx_plan_request *request, int ranks, int64_t limit)
{
    qctx_plan_request any = *request;
    qctx_plan plan;

    any.similarity = QCTX_SIMILARITY_AUTO;
    if (any.kind == QCTX_LOSS_SOFT || !planner_fit(&any, ranks, limit, &plan))
        return request->similarity;
    return plan.scheme;
}

/* Whether the step would fit without the contexts beside the batch's. */
static bool fits_without_extras(const qctx_plan_request *request, int ranks, int64_t limit)
{
    qctx_plan_request without = *request;
    qctx_plan plan;

    without.extras = 0;
    return request->extras > 0 && !request->resumed && planner_fit(&without, ranks, limit, &plan);
}

/* What goes into a step. */
static void write_step(const qctx_plan_request *request, char text[STEP_TEXT])
{
    snprintf(text, STEP_TEXT, "a step of %lld question%s", (long long)request->batch, qctx_plural(request->batch));
    if (request->extras > 0)
        write_extras(request, text + strlen(text));
}

/* Adds a way out to the list of them. */
static void add(char ways[QCTX_ERROR_HINT_MAX], const char *way)
{
    size_t used = strlen(ways);

    snprintf(ways + used, QCTX_ERROR_HINT_MAX - used, "%s%s", used > 0 ? ", or " : "", way);
}

qctx_status planner_refuse_memory(const qctx_plan_request *request, int ranks, int64_t limit, const qctx_plan *least,
                                  qctx_error *error)
{
    qctx_similarity scheme = request->resumed ? request->similarity : find_scheme(request, ranks, limit);
    int64_t batch = request->resumed ? 0 : find_batch(request, ranks, limit);
    int more = find_ranks(request, ranks, limit);
    const char *no_way =
        request->resumed ? "resume the run where more memory is free" : "a smaller model.hidden needs less";
    char has[SIZE_TEXT], needs[SIZE_TEXT], step[STEP_TEXT], way[96], ways[QCTX_ERROR_HINT_MAX] = "";

    write_step(request, step);
    write_scored(request, ranks, least, step, sizeof step);
    write_size(limit, false, has);
    write_size(least->memory, true, needs);
    if (request->memory > 0) {
        qctx_fail(error, QCTX_ERR_CONFIG,
                  "run.memory: %s is below the least that %s needs on %d rank%s, %s with similarity %s", has, step,
                  ranks, qctx_plural(ranks), needs, qctx_similarity_names[least->scheme]);
        snprintf(way, sizeof way, "run.memory: %s", needs);
        add(ways, way);
    } else {
        qctx_fail(error, QCTX_ERR_MEMORY,
                  "%s on %d rank%s needs %s a rank with similarity %s, and the node has %s free for each", step, ranks,
                  qctx_plural(ranks), needs, qctx_similarity_names[least->scheme], has);
    }
    if (scheme != request->similarity) {
        snprintf(way, sizeof way, "loss.similarity: %s", qctx_similarity_names[scheme]);
        add(ways, way);
    }
    if (fits_without_extras(request, ranks, limit))
        add(ways, request->listed ? "negatives.count: 0" : "loss.candidates: batch");
    if (request->lists.longest > 0 && !request->resumed)
        add(ways, "shorter lists of the teacher");
    if (batch > 0) {
        snprintf(way, sizeof way, "batch.size: %lld", (long long)batch);
        add(ways, way);
    }
    if (more > 0) {
        snprintf(way, sizeof way, "%d ranks with as much each", more);
        add(ways, way);
    }
    return qctx_hint(error, "%s%s", ways[0] != '\0' ? "what would fit: " : no_way, ways);
}
