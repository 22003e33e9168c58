/*
 * The merging of one word. Candidates wait in a binary heap, the lowest rank first and of equal ones the leftmost. One
 * that a neighbour's merge has overtaken stays in the heap and is passed over when its turn comes.
 */
#include "bpe_internal.h"

#include "qctx/base/mem.h"

static bool comes_before(const bpe_candidate *a, const bpe_candidate *b)
{
    return a->rank != b->rank ? a->rank < b->rank : a->at < b->at;
}

static void push(tokenizer_bpe_scratch *scratch, bpe_candidate candidate)
{
    bpe_candidate *heap = scratch->heap;
    int64_t at = scratch->heap_count++;

    while (at > 0 && comes_before(&candidate, &heap[(at - 1) / 2])) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = candidate;
}

/* Takes the top off a heap that is not empty. */
static bpe_candidate pop(tokenizer_bpe_scratch *scratch)
{
    bpe_candidate *heap = scratch->heap;
    bpe_candidate top = heap[0];
    int64_t count = --scratch->heap_count;
    bpe_candidate last = heap[count];
    int64_t at = 0;

    for (int64_t child = 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && comes_before(&heap[child + 1], &heap[child]))
            child++;
        if (!comes_before(&heap[child], &last))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = last;
    return top;
}

/* Puts the merge of a symbol and its right neighbour into the heap, if there is one. */
static void consider(const bpe_merges *merges, tokenizer_bpe_scratch *scratch, int64_t at)
{
    const bpe_symbol *symbols = scratch->symbols;
    const bpe_merge *merge;

    if (at < 0 || symbols[at].next < 0)
        return;
    merge = bpe_merges_find(merges, symbols[at].id, symbols[symbols[at].next].id);
    if (merge != NULL)
        push(scratch, (bpe_candidate){at, merge->rank, merge->merged});
}

/* Whether what stands at the candidate's place now still becomes what it says. */
static bool still_holds(const bpe_merges *merges, const bpe_symbol *symbols, const bpe_candidate *candidate)
{
    const bpe_symbol *left = &symbols[candidate->at];
    const bpe_merge *merge;

    if (left->id < 0 || left->next < 0)
        return false;
    merge = bpe_merges_find(merges, left->id, symbols[left->next].id);
    return merge != NULL && merge->merged == candidate->merged;
}

/* The symbol takes over its right neighbour and becomes `merged`. */
static void join(bpe_symbol *symbols, int64_t at, int32_t merged)
{
    bpe_symbol *left = &symbols[at];
    bpe_symbol *right = &symbols[left->next];

    right->id = -1;
    left->id = merged;
    left->next = right->next;
    if (left->next >= 0)
        symbols[left->next].previous = at;
}

qctx_status bpe_merge_word(const bpe_merges *merges, tokenizer_bpe_scratch *scratch, qctx_error *error)
{
    /* n − 1 pairs at first, and two more with each of at most n − 1 merges. */
    qctx_status status = qctx_grow((void **)&scratch->heap, &scratch->heap_capacity, 3 * scratch->count,
                                   sizeof *scratch->heap, "the merges of a word", error);

    if (status != QCTX_OK)
        return status;
    scratch->heap_count = 0;
    for (int64_t at = 0; at < scratch->count; at++)
        consider(merges, scratch, at);
    while (scratch->heap_count > 0) {
        bpe_candidate candidate = pop(scratch);

        if (!still_holds(merges, scratch->symbols, &candidate))
            continue;
        join(scratch->symbols, candidate.at, candidate.merged);
        consider(merges, scratch, scratch->symbols[candidate.at].previous);
        consider(merges, scratch, candidate.at);
    }
    return QCTX_OK;
}
