#include "qctx/retrieval/topk.h"

#include <math.h>
#include <omp.h>
#include <stdbool.h>
#include <stdlib.h>

#include "qctx/base/mem.h"
#include "qctx/base/order.h"
#include "topk_list.h"

/* Questions of a block: fewer where k is so large that a thread's lists would take more than 64 MiB. */
enum { BLOCK_MOST = 2048, LISTS_MOST = 64 << 20 };

/* What the scan fills and merges. */
typedef struct {
    qctx_comm *comm;
    const qctx_shard *shard;
    int64_t k;
    int64_t block;       /* questions of a block, at most */
    int threads;         /* each has a list for every question of the block */
    topk_entry *entries; /* [threads, block, topk_list_room(k)] */
    topk_list *lists;    /* [threads, block] */
    int64_t *kept;       /* [size of comm] min(k, candidates of the rank) */
    int64_t *counts;     /* [size of comm] hits each rank gives for a block */
    int64_t *cursors;    /* [size of comm] next hit of each rank's list */
    qctx_hit *own;       /* [block, kept of this rank] */
    qctx_hit *all;       /* the lists of all ranks, one after the other */
    qctx_hit *hits;      /* the result */
} merging;

static qctx_status begin_block(void *context, const scan_block *block, qctx_error *error)
{
    merging *task = context;

    (void)block;
    (void)error;
    for (int64_t i = 0; i < task->threads * task->block; i++) {
        task->lists[i].count = 0;
        task->lists[i].floor = -INFINITY;
    }
    return QCTX_OK;
}

/* Adds the tile's candidates first … first + count − 1 that may be among the best of question q. */
static int64_t take_part(const topk_owner *owner, const scan_tile *tile, double bound, int64_t first, int64_t count,
                         topk_list *list)
{
    const float *scores = tile->scores + owner->question * tile->count + first;
    int32_t found[SCAN_TILE];
    const int64_t n = scan_find(scores, count, scan_float_below(list->floor - bound), found);
    int64_t settled = 0;

    for (int64_t i = 0; i < n; i++) {
        const double score = (double)scores[found[i]];
        topk_entry entry = {score - bound, score + bound, tile->first + first + found[i]};

        if (isinf(bound) || isnan(score))
            entry = (topk_entry){-INFINITY, INFINITY, entry.candidate};
        if (entry.high >= list->floor)
            settled += topk_list_add(list, owner, entry);
    }
    return settled;
}

static int64_t take_question(const merging *task, const scan_tile *tile, int64_t q)
{
    const topk_owner owner = {tile->block, tile->shard, q, task->k};
    const double bound = scan_bound(tile, q);
    topk_list *list = &task->lists[tile->thread * task->block + q];
    int64_t first = 0, settled = 0;

    /* Until the list has a floor, no further than its room: the rest is then held against a threshold. */
    while (first < tile->count) {
        int64_t left = tile->count - first;
        int64_t count = isinf(list->floor) ? qctx_smaller(topk_list_room(task->k), left) : left;

        settled += take_part(&owner, tile, bound, first, count, list);
        first += count;
    }
    return settled;
}

static int64_t take_tile(void *context, const scan_tile *tile)
{
    const merging *task = context;
    int64_t settled = 0;

    for (int64_t q = 0; q < tile->block->count; q++)
        settled += take_question(task, tile, q);
    return settled;
}

/* Brings the threads' lists of question q together; out [kept] = this rank's best. */
static void finish_question(const merging *task, const scan_block *block, int64_t q, int64_t kept, qctx_hit *out)
{
    const topk_owner owner = {block, task->shard, q, task->k};
    topk_list *list = &task->lists[q];

    for (int t = 1; t < task->threads; t++) {
        const topk_list *other = &task->lists[t * task->block + q];

        for (int64_t i = 0; i < other->count; i++)
            if (other->entries[i].high >= list->floor)
                topk_list_add(list, &owner, other->entries[i]);
    }
    topk_list_finish(list, &owner);
    for (int64_t i = 0; i < kept; i++)
        out[i] = (qctx_hit){list->entries[i].low, task->shard->first + list->entries[i].candidate};
}

static bool hit_is_better(const qctx_hit *a, const qctx_hit *b)
{
    return a->score > b->score || (a->score == b->score && a->candidate < b->candidate);
}

/* Merges the ranks' lists of question q of a block of `count` questions into out [k]. */
static void merge_question(const merging *task, int64_t q, int64_t count, qctx_hit *out)
{
    const int size = qctx_comm_size(task->comm);

    for (int r = 0; r < size; r++)
        task->cursors[r] = 0;
    for (int64_t place = 0; place < task->k; place++) {
        const qctx_hit *list = task->all;
        int from = -1;

        out[place] = (qctx_hit){0.0, -1};
        for (int r = 0; r < size; r++) {
            const qctx_hit *next = list + q * task->kept[r] + task->cursors[r];

            if (task->cursors[r] < task->kept[r] && (from < 0 || hit_is_better(next, &out[place]))) {
                out[place] = *next;
                from = r;
            }
            list += count * task->kept[r];
        }
        if (from >= 0)
            task->cursors[from]++;
    }
}

static qctx_status end_block(void *context, const scan_block *block, qctx_error *error)
{
    merging *task = context;
    const int64_t kept = task->kept[qctx_comm_rank(task->comm)];

    (void)error;
#pragma omp parallel for schedule(static)
    for (int64_t q = 0; q < block->count; q++)
        finish_question(task, block, q, kept, task->own + q * kept);
    for (int r = 0; r < qctx_comm_size(task->comm); r++)
        task->counts[r] = block->count * task->kept[r];
    qctx_comm_gather_all(task->comm, task->own, task->all, task->counts, sizeof *task->own);
    for (int64_t q = 0; q < block->count; q++)
        merge_question(task, q, block->count, task->hits + (block->first + q) * task->k);
    return QCTX_OK;
}

/* Everything but the counts of hits, which it needs. Local. */
static qctx_status allocate_lists(merging *task, qctx_error *error)
{
    const int64_t room = topk_list_room(task->k), lists = task->threads * task->block;
    int64_t all = 0;

    for (int r = 0; r < qctx_comm_size(task->comm); r++)
        all += task->kept[r];
    task->entries = qctx_alloc(lists * room, sizeof *task->entries, "candidates of the best", error);
    task->lists = qctx_alloc(lists, sizeof *task->lists, "candidates of the best", error);
    task->own = qctx_alloc(task->block * task->kept[qctx_comm_rank(task->comm)], sizeof *task->own, "hits", error);
    task->all = qctx_alloc(task->block * all, sizeof *task->all, "hits", error);
    if (task->entries == NULL || task->lists == NULL || task->own == NULL || task->all == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t i = 0; i < lists; i++)
        task->lists[i].entries = task->entries + i * room;
    return QCTX_OK;
}

static int64_t block_of(int64_t k, int64_t count)
{
    int64_t most = LISTS_MOST / (topk_list_room(k) * (int64_t)sizeof(topk_entry));

    most = most < 1 ? 1 : qctx_smaller(most, BLOCK_MOST);
    return qctx_smaller(most, count);
}

qctx_status qctx_topk(const qctx_query *query, int64_t k, qctx_hit *hits, qctx_error *error)
{
    const int size = qctx_comm_size(query->comm);
    merging task = {.comm = query->comm, .shard = query->shard, .k = k, .hits = hits, .threads = omp_get_max_threads()};
    const scan_taker taker = {&task, begin_block, end_block, take_tile};
    qctx_status status;

    task.block = block_of(k, query->count);
    task.kept = qctx_alloc(3 * (int64_t)size, sizeof *task.kept, "counts of hits", error);
    status = qctx_agree(query->comm, task.kept == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);
    if (status != QCTX_OK)
        goto out;
    task.counts = task.kept + size;
    task.cursors = task.counts + size;
    qctx_comm_gather_counts(query->comm, qctx_smaller(k, query->shard->count), task.kept);
    status = qctx_agree(query->comm, allocate_lists(&task, error), error);
    if (status == QCTX_OK)
        status = scan_run(query, task.block, &taker, error);
out:
    free(task.kept);
    free(task.entries);
    free(task.lists);
    free(task.own);
    free(task.all);
    return status;
}
