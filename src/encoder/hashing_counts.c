/* Lists of features and their counts: joined within a rank, and over all ranks. */
#include <stdlib.h>

#include "hashing_internal.h"
#include "qctx/base/mem.h"

/* About how many entries all ranks have in one slice of the hash range. */
enum { SLICE_ENTRIES = 1 << 20 };

qctx_status hashing_counts_add(hashing_counts *counts, uint64_t hash, uint64_t count, qctx_error *error)
{
    if (counts->count == counts->capacity) {
        qctx_status status = qctx_grow((void **)&counts->items, &counts->capacity, counts->count + 1,
                                       sizeof *counts->items, "features of the encoder", error);

        if (status != QCTX_OK)
            return status;
    }
    counts->items[counts->count++] = (hashing_count){hash, count};
    return QCTX_OK;
}

static int compare_hashes(const void *left, const void *right)
{
    uint64_t a = ((const hashing_count *)left)->hash;
    uint64_t b = ((const hashing_count *)right)->hash;

    return a < b ? -1 : a > b;
}

/* Texts have few features, and most of this is called for texts. */
static void sort_few(hashing_count *items, int64_t count)
{
    for (int64_t i = 1; i < count; i++) {
        hashing_count moving = items[i];
        int64_t at = i;

        for (; at > 0 && items[at - 1].hash > moving.hash; at--)
            items[at] = items[at - 1];
        items[at] = moving;
    }
}

void hashing_counts_compact(hashing_counts *counts, int64_t first)
{
    enum { FEW = 32 };
    int64_t total = counts->count - first;
    hashing_count *items;
    int64_t kept = 0;

    if (total == 0)
        return;
    items = counts->items + first;
    if (total <= FEW)
        sort_few(items, total);
    else
        qsort(items, (size_t)total, sizeof *items, compare_hashes);
    for (int64_t i = 0; i < total; i++) {
        if (kept > 0 && items[kept - 1].hash == items[i].hash)
            items[kept - 1].count += items[i].count;
        else
            items[kept++] = items[i];
    }
    counts->count = first + kept;
}

static void drop_rare(hashing_counts *counts, int64_t first, uint64_t least)
{
    int64_t kept = first;

    for (int64_t i = first; i < counts->count; i++)
        if (counts->items[i].count >= least)
            counts->items[kept++] = counts->items[i];
    counts->count = kept;
}

/*
 * Gathers each rank's `count` entries at `own`, which lie in one slice of the hash range, behind those in `merged`,
 * joins equal ones and drops the rare. Collective.
 */
static qctx_status merge_slice(qctx_comm *comm, const hashing_count *own, int64_t count, int64_t *rank_counts,
                               uint64_t least, hashing_counts *merged, qctx_error *error)
{
    int64_t first = merged->count;
    int64_t total = 0;
    qctx_status status;

    qctx_comm_gather_counts(comm, count, rank_counts);
    for (int r = 0; r < qctx_comm_size(comm); r++)
        total += rank_counts[r];
    status = qctx_grow((void **)&merged->items, &merged->capacity, first + total, sizeof *merged->items,
                       "document frequencies", error);
    status = qctx_agree(comm, status, error);
    if (status != QCTX_OK)
        return status;
    qctx_comm_gather_all(comm, own, merged->items + first, rank_counts, sizeof *own);
    merged->count = first + total;
    hashing_counts_compact(merged, first);
    drop_rare(merged, first, least);
    return QCTX_OK;
}

qctx_status hashing_counts_merge(qctx_comm *comm, hashing_counts *counts, uint64_t least, qctx_error *error)
{
    int64_t *rank_counts = qctx_alloc(qctx_comm_size(comm), sizeof *rank_counts, "counts by rank", error);
    qctx_status status = qctx_agree(comm, rank_counts == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);
    hashing_counts merged = {0};
    int64_t total, slices, at = 0;

    if (status != QCTX_OK)
        goto out;
    hashing_counts_compact(counts, 0);
    total = counts->count;
    qctx_comm_sum_int64(comm, &total, 1);
    slices = total / SLICE_ENTRIES + 1;
    for (int64_t slice = 0; slice < slices; slice++) {
        uint64_t last = slice == slices - 1 ? UINT64_MAX : UINT64_MAX / (uint64_t)slices * (uint64_t)(slice + 1);
        int64_t first = at;

        while (at < counts->count && counts->items[at].hash <= last)
            at++;
        status = merge_slice(comm, counts->items + first, at - first, rank_counts, least, &merged, error);
        if (status != QCTX_OK)
            goto out;
    }
    free(counts->items);
    *counts = merged;
    merged = (hashing_counts){0};
out:
    free(merged.items);
    free(rank_counts);
    return status;
}
