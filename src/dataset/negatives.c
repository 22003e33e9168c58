#include "qctx/dataset/negatives.h"

#include <stdlib.h>
#include <string.h>

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

typedef struct {
    const qctx_negatives *pool;
    uint64_t content;
} sought_content;

static bool is_below(const void *sought, int64_t at)
{
    const sought_content *content = sought;

    return content->pool->list[at].content < content->content;
}

qctx_status qctx_listed_negatives_make(int64_t examples, const int64_t *offsets, const qctx_negative *listed,
                                       qctx_listed_negatives *lists, qctx_error *error)
{
    const int64_t count = offsets[examples];
    const char *what = "the listed negatives";

    *lists = (qctx_listed_negatives){.examples = examples};
    lists->pool.list = qctx_alloc(count, sizeof *lists->pool.list, what, error);
    lists->offsets = qctx_alloc(examples + 1, sizeof *lists->offsets, what, error);
    lists->places = qctx_alloc(count, sizeof *lists->places, what, error);
    if (lists->pool.list == NULL || lists->offsets == NULL || lists->places == NULL)
        return QCTX_ERR_MEMORY;
    memcpy(lists->offsets, offsets, (size_t)(examples + 1) * sizeof *offsets);
    memcpy(lists->pool.list, listed, (size_t)count * sizeof *listed);
    qsort(lists->pool.list, (size_t)count, sizeof *listed, by_content);
    lists->pool.count = drop_copies(lists->pool.list, count);
    for (int64_t k = 0; k < count; k++)
        lists->places[k] =
            qctx_first_not_before(0, lists->pool.count, is_below, &(sought_content){&lists->pool, listed[k].content});
    return QCTX_OK;
}

void qctx_listed_negatives_free(qctx_listed_negatives *lists)
{
    qctx_negatives_free(&lists->pool);
    free(lists->offsets);
    free(lists->places);
    *lists = (qctx_listed_negatives){0};
}

int64_t qctx_listed_negatives_short(const qctx_listed_negatives *lists, int64_t count)
{
    int64_t few = 0;

    for (int64_t i = 0; i < lists->examples; i++)
        few += lists->offsets[i + 1] - lists->offsets[i] < count;
    return few;
}
