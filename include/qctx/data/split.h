/* A split: which contexts answer which of its questions. Corpora and stores hold theirs in the same form. */
#ifndef QCTX_DATA_SPLIT_H
#define QCTX_DATA_SPLIT_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/status.h"

/*
 * Question k of the split is row questions[k] of the corpus, answered by
 * contexts[offsets[k]] … contexts[offsets[k + 1] − 1] (row numbers, ascending, at least one, no duplicate).
 */
typedef struct {
    char name[64];
    int64_t count;      /* questions of the split */
    int64_t *questions; /* [count], ascending: the order of queries.jsonl */
    int64_t *offsets;   /* [count + 1] */
    int64_t *contexts;  /* [offsets[count]] */
    struct {
        int64_t lines;             /* judgements in the file of qrels, right or not; 0 of a store */
        int64_t unknown_questions; /* of these: whose question is not in queries.jsonl */
        int64_t unknown_contexts;  /* … whose context is not in corpus.jsonl */
    } judged;
} qctx_split;

/* Whether a split may have this name: letters, digits, "_", "-", ".", not first a dot, at most 63. Cannot fail. */
bool qctx_split_name_is_valid(const char *name);

/*
 * The split of that name, or NULL with `error` filled (DATA: names those that exist, and the nearest as a hint; or says
 * why the split has no question with an answer);
 * `place` is what the message begins with. Local.
 */
const qctx_split *qctx_splits_find(const qctx_split *splits, int64_t count, const char *name, const char *place,
                                   qctx_error *error);

/* Frees the splits and their lists. Local. */
void qctx_splits_free(qctx_split *splits, int64_t count);

#endif
