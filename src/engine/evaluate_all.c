/* All questions against all candidates of the split or of the corpus: a sweep over the shards. */
#include <stdlib.h>

#include "evaluate_internal.h"
#include "qctx/base/mem.h"

/* What the sweep needs at each tile of questions. */
typedef struct {
    qctx_comm *comm;
    const qctx_eval_set *set;
    const qctx_shard *shard;
    const int64_t *places; /* [answers] index of each right context among the candidates */
    float *targets;        /* [most answers of a tile] */
    int64_t *positions;
} placement;

/*
 * The score of a right context is read from the product it is compared with: it stands in one rank's block, the
 * others add zero.
 */
static void collect_targets(const placement *task, int64_t first, int64_t count, const float *scores)
{
    const int64_t *offsets = task->set->offsets;
    const qctx_shard *shard = task->shard;

    for (int64_t q = first; q < first + count; q++)
        for (int64_t a = offsets[q]; a < offsets[q + 1]; a++) {
            int64_t column = task->places[a] - shard->first;
            bool own = column >= 0 && column < shard->count;

            task->targets[a - offsets[first]] = own ? scores[(q - first) * shard->count + column] : 0.0f;
        }
    qctx_comm_sum_float(task->comm, task->targets, offsets[first + count] - offsets[first]);
}

static qctx_status place_tile(void *context, int64_t first, int64_t count, const float *scores, qctx_error *error)
{
    const placement *task = context;
    const int64_t *offsets = task->set->offsets;
    const qctx_shard *shard = task->shard;

    (void)error;
    collect_targets(task, first, count, scores);
#pragma omp parallel for schedule(static)
    for (int64_t q = first; q < first + count; q++)
        for (int64_t a = offsets[q]; a < offsets[q + 1]; a++) {
            int64_t before = task->places[a] - shard->first;

            before = before < 0 ? 0 : before > shard->count ? shard->count : before;
            task->positions[a] = evaluate_count_above(scores + (q - first) * shard->count, shard->count, before,
                                                      task->targets[a - offsets[first]]);
        }
    return QCTX_OK;
}

/* Finds each right context among the candidates, and allocates what the sweep needs. Local. */
static qctx_status prepare(const evaluation *task, int64_t **candidates, int64_t *total, int64_t **places,
                           float **targets, qctx_error *error)
{
    const int64_t answers = task->set->offsets[task->set->count];
    qctx_status status =
        qctx_evaluate_candidates(task->set, task->context_count, task->protocol, candidates, total, error);

    if (status != QCTX_OK)
        return status;
    *places = qctx_alloc(answers, sizeof **places, "the places of right contexts", error);
    *targets = qctx_alloc(answers, sizeof **targets, "the scores of right contexts", error);
    if (*places == NULL || *targets == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t a = 0; a < answers; a++)
        (*places)[a] = evaluate_index_of(*candidates, *total, task->set->contexts[a]);
    return QCTX_OK;
}

qctx_status evaluate_all(qctx_comm *comm, const evaluation *task, int64_t *positions, qctx_error *error)
{
    placement placing = {.comm = comm, .set = task->set, .positions = positions};
    int64_t *candidates = NULL, *places = NULL;
    qctx_shard shard = {0};
    int64_t total = 0;
    qctx_status status = qctx_agree(comm, prepare(task, &candidates, &total, &places, &placing.targets, error), error);

    if (status == QCTX_OK)
        status = qctx_shard_create(comm, task->contexts, task->projector, candidates, total, &shard, error);
    if (status != QCTX_OK)
        goto out;
    placing.places = places;
    placing.shard = &shard;
    status = qctx_shard_sweep(comm, &shard, task->projector, task->questions, task->set->questions, task->set->count,
                              place_tile, &placing, error);
out:
    free(candidates);
    free(places);
    free(placing.targets);
    qctx_shard_free(&shard);
    return status;
}
