#include "topk_list.h"

#include <stdbool.h>
#include <stdlib.h>

/* By the low ends; for settled entries the order of the result. */
static bool better(const topk_entry *a, const topk_entry *b)
{
    return a->low > b->low || (a->low == b->low && a->candidate < b->candidate);
}

static int compare(const void *a, const void *b)
{
    return better(b, a) - better(a, b);
}

static void swap(topk_entry *a, topk_entry *b)
{
    topk_entry kept = *a;

    *a = *b;
    *b = kept;
}

/* Puts the k best of entries [count], 0 < k ≤ count, first, the worst of them at k − 1 (Hoare's selection). */
static void select_best(topk_entry *entries, int64_t count, int64_t k)
{
    int64_t left = 0, right = count - 1;

    while (left < right) {
        const topk_entry pivot = entries[left + (right - left) / 2];
        int64_t i = left, j = right;

        while (i <= j) {
            while (better(&entries[i], &pivot))
                i++;
            while (better(&pivot, &entries[j]))
                j--;
            if (i <= j)
                swap(&entries[i++], &entries[j--]);
        }
        if (k - 1 <= j)
            right = j;
        else if (k - 1 >= i)
            left = i;
        else
            return;
    }
}

static int64_t settle(topk_list *list, const topk_owner *owner)
{
    int64_t settled = 0;

    for (int64_t i = 0; i < list->count; i++) {
        topk_entry *entry = &list->entries[i];

        if (entry->low == entry->high)
            continue;
        entry->low = entry->high = scan_score(owner->block, owner->shard, owner->question, entry->candidate);
        settled++;
    }
    return settled;
}

/* Raises the floor to the k-th low end, and drops what does not reach it. The list holds at least k entries. */
static void drop_lowest(topk_list *list, int64_t k)
{
    int64_t kept = k;

    select_best(list->entries, list->count, k);
    list->floor = list->entries[k - 1].low;
    for (int64_t i = k; i < list->count; i++)
        if (list->entries[i].high >= list->floor)
            list->entries[kept++] = list->entries[i];
    list->count = kept;
}

int64_t topk_list_room(int64_t k)
{
    return 2 * k + 128;
}

int64_t topk_list_add(topk_list *list, const topk_owner *owner, topk_entry entry)
{
    const int64_t room = topk_list_room(owner->k);
    int64_t settled;

    list->entries[list->count++] = entry;
    if (list->count < room)
        return 0;
    drop_lowest(list, owner->k);
    if (list->count <= (owner->k + room) / 2)
        return 0;
    settled = settle(list, owner);
    drop_lowest(list, owner->k);
    list->count = owner->k;
    return settled;
}

void topk_list_finish(topk_list *list, const topk_owner *owner)
{
    if (list->count > owner->k)
        drop_lowest(list, owner->k);
    settle(list, owner);
    qsort(list->entries, (size_t)list->count, sizeof *list->entries, compare);
    list->count = list->count < owner->k ? list->count : owner->k;
}
