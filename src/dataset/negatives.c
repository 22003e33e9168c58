#include "qctx/dataset/negatives.h"

#include <stdlib.h>

#include "qctx/base/mem.h"
#include "qctx/base/order.h"

/* By content, and copies of one content in the order of the sources. */
static int by_content(const void *left, const void *right)
{
    const qctx_negative *a = left, *b = right;

    if (a->content != b->content)
        return a->content < b->content ? -1 : 1;
    if (a->source != b->source)
        return a->source < b->source ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

static int by_place(const void *left, const void *right)
{
    const qctx_negative *a = left, *b = right;

    if (a->source != b->source)
        return a->source < b->source ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

/* The first of each content. */
static int64_t drop_copies(qctx_negative *list, int64_t count)
{
    int64_t kept = 0;

    for (int64_t k = 0; k < count; k++)
        if (kept == 0 || list[kept - 1].content != list[k].content)
            list[kept++] = list[k];
    return kept;
}

qctx_status qctx_negatives_build(const qctx_examples *examples, qctx_negatives *negatives, qctx_error *error)
{
    int64_t count = 0;

    negatives->list =
        qctx_alloc(examples->offsets[examples->count], sizeof *negatives->list, "the corpus's contexts", error);
    if (negatives->list == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t i = 0; i < examples->count; i++)
        for (int64_t a = examples->offsets[i]; a < examples->offsets[i] + qctx_examples_pairs(examples, i); a++)
            negatives->list[count++] =
                (qctx_negative){examples->content[a], examples->contexts[a], examples->source[i]};
    qsort(negatives->list, (size_t)count, sizeof *negatives->list, by_content);
    negatives->count = drop_copies(negatives->list, count);
    qsort(negatives->list, (size_t)negatives->count, sizeof *negatives->list, by_place);
    return QCTX_OK;
}

void qctx_negatives_free(qctx_negatives *negatives)
{
    free(negatives->list);
    *negatives = (qctx_negatives){0};
}
