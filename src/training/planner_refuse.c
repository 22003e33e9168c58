/* Steps that cannot be taken, each refused with what would work instead. */
#include <stdio.h>
#include <string.h>

#include "planner_internal.h"

/* All that is left to a run that goes on. */
static qctx_status hint_ranks(int64_t most, qctx_error *error)
{
    return qctx_hint(error, "resume the run on at most %lld %s", (long long)most, most == 1 ? "rank" : "ranks");
}

qctx_status planner_check_ranks(const qctx_plan_request *request, int ranks, qctx_error *error)
{
    if (request->batch < ranks) {
        qctx_fail(error, QCTX_ERR_MISMATCH, "batch.size: %lld questions a step are too few for %d ranks",
                  (long long)request->batch, ranks);
        if (request->resumed)
            return hint_ranks(request->batch, error);
        return qctx_hint(error, "each rank needs one: start at most %lld ranks, or raise batch.size to %d",
                         (long long)request->batch, ranks);
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
    char has[PLANNER_SIZE_TEXT], needs[PLANNER_SIZE_TEXT], way[96], ways[QCTX_ERROR_HINT_MAX] = "";

    planner_size_text(limit, false, has);
    planner_size_text(least->memory, true, needs);
    if (request->memory > 0) {
        qctx_fail(error, QCTX_ERR_CONFIG,
                  "run.memory: %s is below the least that a step of %lld questions needs on %d ranks, %s with "
                  "similarity %s",
                  has, (long long)request->batch, ranks, needs, qctx_similarity_names[least->scheme]);
        snprintf(way, sizeof way, "run.memory: %s", needs);
        add(ways, way);
    } else {
        qctx_fail(error, QCTX_ERR_MEMORY,
                  "a step of %lld questions on %d ranks needs %s a rank with similarity %s, and the node has %s free "
                  "for each",
                  (long long)request->batch, ranks, needs, qctx_similarity_names[least->scheme], has);
    }
    if (scheme != request->similarity) {
        snprintf(way, sizeof way, "loss.similarity: %s", qctx_similarity_names[scheme]);
        add(ways, way);
    }
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
