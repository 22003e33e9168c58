/* What the files of byte pair encoding share: its merges, and the merging of one word. */
#ifndef QCTX_TOKENIZER_BPE_INTERNAL_H
#define QCTX_TOKENIZER_BPE_INTERNAL_H

#include "stages.h"

/* Continuing prefixes and end-of-word suffixes have a few bytes; longer ones are refused. */
enum { BPE_AFFIX_MOST = 64 };

/* Two neighbours, what they become, and when: merges of a lower rank come first. */
typedef struct {
    int32_t left; /* −1: a free slot */
    int32_t right;
    int32_t rank;
    int32_t merged;
} bpe_merge;

/* Open addressing by the pair of ids, linear probing, at most half full. */
typedef struct {
    bpe_merge *slots;
    int64_t capacity; /* a power of two */
} bpe_merges;

/*
 * The table of an array of merges, each "left right" or ["left", "right"]; of a pair that occurs twice the later
 * counts. Local. The caller frees it with bpe_merges_free. Errors: MEMORY, FORMAT.
 */
qctx_status bpe_merges_create(const tokenizer_vocabulary *vocabulary, const json_t *array,
                              const char *continuing_prefix, const char *place, bpe_merges *merges, qctx_error *error);
void bpe_merges_free(bpe_merges *merges);

/* The merge of two neighbours, or NULL. Local. */
const bpe_merge *bpe_merges_find(const bpe_merges *merges, int32_t left, int32_t right);

/* A symbol of a word that is being merged, linked to its neighbours. */
typedef struct {
    int32_t id;       /* −1: gone, taken over by its left neighbour */
    int64_t previous; /* −1: none */
    int64_t next;     /* −1: none */
} bpe_symbol;

/* A merge that may be done at a symbol and its right neighbour. */
typedef struct {
    int64_t at;
    int32_t rank;
    int32_t merged;
} bpe_candidate;

struct tokenizer_bpe_scratch {
    bpe_symbol *symbols;
    int64_t count;
    int64_t symbols_capacity;
    bpe_candidate *heap; /* the first to be done on top */
    int64_t heap_count;
    int64_t heap_capacity;
};

/* Merges the symbols of the scratch until no pair of neighbours has a merge: O(n log n). Local. Errors: MEMORY. */
qctx_status bpe_merge_word(const bpe_merges *merges, tokenizer_bpe_scratch *scratch, qctx_error *error);

#endif
