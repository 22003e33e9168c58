#include "qctx/engine/topk.h"

#include <stdbool.h>
#include <stdlib.h>

#include "qctx/base/mem.h"

/* What each tile of the sweep fills and merges. */
typedef struct {
    qctx_comm *comm;
    const qctx_shard *shard;
    int64_t k;
    int64_t *kept;    /* [size of comm] min(k, candidates of the rank) */
    int64_t *counts;  /* [size of comm] hits each rank gives for a tile */
    int64_t *cursors; /* [size of comm] next hit of each rank's list */
    qctx_hit *own;    /* [tile, kept of this rank] */
    int64_t own_room;
    qctx_hit *all; /* the lists of all ranks, one after the other */
    int64_t all_room;
    qctx_hit *hits; /* the result */
} merging;

static bool better(qctx_hit a, qctx_hit b)
{
    return a.score > b.score || (a.score == b.score && a.candidate < b.candidate);
}

static int compare_hits(const void *a, const void *b)
{
    const qctx_hit *x = a, *y = b;

    return better(*y, *x) - better(*x, *y);
}

/* Restores the heap, whose root is the worst hit, after the hit at `at` got worse or better. */
static void sink(qctx_hit *heap, int64_t count, int64_t at)
{
    for (;;) {
        int64_t worst = at;
        qctx_hit swap = heap[at];

        for (int64_t child = 2 * at + 1; child <= 2 * at + 2 && child < count; child++)
            if (better(heap[worst], heap[child]))
                worst = child;
        if (worst == at)
            return;
        heap[at] = heap[worst];
        heap[worst] = swap;
        at = worst;
    }
}

/* best [k] = the k ≤ count best of scores, in order; candidate numbers begin at `first`. */
static void select_best(const float *scores, int64_t count, int64_t first, int64_t k, qctx_hit *best)
{
    if (k == 0)
        return;
    for (int64_t j = 0; j < k; j++)
        best[j] = (qctx_hit){scores[j], first + j};
    for (int64_t at = k / 2 - 1; at >= 0; at--)
        sink(best, k, at);
    for (int64_t j = k; j < count; j++)
        if (scores[j] > best[0].score) {
            best[0] = (qctx_hit){scores[j], first + j};
            sink(best, k, 0);
        }
    qsort(best, (size_t)k, sizeof *best, compare_hits);
}

/* Merges the ranks' lists of question q of a tile of `count` questions into out [k]. */
static void merge_question(const merging *task, int64_t q, int64_t count, qctx_hit *out)
{
    const int size = qctx_comm_size(task->comm);

    for (int r = 0; r < size; r++)
        task->cursors[r] = 0;
    for (int64_t place = 0; place < task->k; place++) {
        const qctx_hit *list = task->all;
        int from = -1;

        out[place] = (qctx_hit){0.0f, -1};
        for (int r = 0; r < size; r++) {
            const qctx_hit *next = list + q * task->kept[r] + task->cursors[r];

            if (task->cursors[r] < task->kept[r] && (from < 0 || better(*next, out[place]))) {
                out[place] = *next;
                from = r;
            }
            list += count * task->kept[r];
        }
        if (from >= 0)
            task->cursors[from]++;
    }
}

static qctx_status make_room(merging *task, int64_t count, qctx_error *error)
{
    const int rank = qctx_comm_rank(task->comm);
    int64_t total = 0;
    qctx_status status;

    for (int r = 0; r < qctx_comm_size(task->comm); r++) {
        task->counts[r] = count * task->kept[r];
        total += task->counts[r];
    }
    status = qctx_grow((void **)&task->own, &task->own_room, task->counts[rank], sizeof *task->own, "hits", error);
    if (status == QCTX_OK)
        status = qctx_grow((void **)&task->all, &task->all_room, total, sizeof *task->all, "hits", error);
    return status;
}

static qctx_status take_tile(void *context, int64_t first, int64_t count, const float *scores, qctx_error *error)
{
    merging *task = context;
    const qctx_shard *shard = task->shard;
    const int64_t kept = task->kept[qctx_comm_rank(task->comm)];
    qctx_status status = qctx_agree(task->comm, make_room(task, count, error), error);

    if (status != QCTX_OK)
        return status;
#pragma omp parallel for schedule(static)
    for (int64_t q = 0; q < count; q++)
        select_best(scores + q * shard->count, shard->count, shard->first, kept, task->own + q * kept);
    qctx_comm_gather_all(task->comm, task->own, task->all, task->counts, sizeof *task->own);
    for (int64_t q = 0; q < count; q++)
        merge_question(task, q, count, task->hits + (first + q) * task->k);
    return QCTX_OK;
}

qctx_status qctx_topk(qctx_comm *comm, const qctx_shard *shard, const qctx_projector *projector,
                      const qctx_rows *questions, const int64_t *rows, int64_t count, int64_t k, qctx_hit *hits,
                      qctx_error *error)
{
    const int size = qctx_comm_size(comm);
    merging task = {.comm = comm, .shard = shard, .k = k, .hits = hits};
    qctx_status status;

    task.kept = qctx_alloc(3 * (int64_t)size, sizeof *task.kept, "counts of hits", error);
    status = qctx_agree(comm, task.kept == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);
    if (status != QCTX_OK)
        goto out;
    task.counts = task.kept + size;
    task.cursors = task.counts + size;
    qctx_comm_gather_counts(comm, k < shard->count ? k : shard->count, task.kept);
    status = qctx_shard_sweep(comm, shard, projector, questions, rows, count, take_tile, &task, error);
out:
    free(task.kept);
    free(task.own);
    free(task.all);
    return status;
}
