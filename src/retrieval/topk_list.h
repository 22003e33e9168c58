/*
 * The candidates that can still be among a question's k best: intervals that hold their scores.
 *
 * A list has room for more than k; when it is full, those are dropped whose interval lies below k others. Where that
 * leaves too many, their scores are settled, and exactly the k best are left.
 */
#ifndef QCTX_RETRIEVAL_TOPK_LIST_H
#define QCTX_RETRIEVAL_TOPK_LIST_H

#include "scan.h"

/* A candidate of the shard, and the interval its score lies in: a single number once it is settled. */
typedef struct {
    double low;
    double high;
    int64_t candidate;
} topk_entry;

typedef struct {
    topk_entry *entries; /* [topk_list_room(k)] */
    int64_t count;
    double floor; /* k candidates score at least this: whoever scores less is not among the best */
} topk_list;

/* Whose list it is: what settling needs. */
typedef struct {
    const scan_block *block;
    const qctx_shard *shard;
    int64_t question; /* of the block */
    int64_t k;
} topk_owner;

/* Entries a list of the k best has room for. Local. */
int64_t topk_list_room(int64_t k);

/* Adds a candidate that may reach the floor; returns how many scores were settled for it. Local. Cannot fail. */
int64_t topk_list_add(topk_list *list, const topk_owner *owner, topk_entry entry);

/*
 * Settles and sorts what is left: entries[0 … count − 1], count ≤ k, are the best, the highest score first, equal
 * scores by the lower number. Local. Cannot fail.
 */
void topk_list_finish(topk_list *list, const topk_owner *owner);

#endif
