#include "qctx/training/loader.h"

#include "qctx/base/order.h"

/* Rows that a store is told of at a time. */
enum { PREFETCHED_ROWS = 256 };

/* The store that an example's rows stand in. */
static const qctx_store *store_of(const qctx_loader *loader, int64_t example)
{
    const qctx_opened *opened = loader->from;

    return opened->train[loader->examples->source[example]].store;
}

/* The row of an example's question, or of the context chosen for it, in its store. */
static int64_t row_of(const qctx_loader *loader, qctx_side side, int64_t example, int64_t chosen)
{
    return side == QCTX_QUESTION ? loader->examples->question[example] : loader->examples->contexts[chosen];
}

static void gather(const qctx_loader *loader, qctx_side side, const int64_t *example, const int64_t *chosen,
                   int64_t count, float *out)
{
#pragma omp parallel for schedule(static) if (count > 64)
    for (int64_t i = 0; i < count; i++) {
        int64_t row = row_of(loader, side, example[i], chosen[i]);

        qctx_store_gather(store_of(loader, example[i]), side, &row, 1, out + i * loader->dim);
    }
}

static void gather_contexts(const qctx_loader *loader, const qctx_negative *contexts, int64_t count, float *out)
{
    const qctx_opened *opened = loader->from;

#pragma omp parallel for schedule(static) if (count > 64)
    for (int64_t i = 0; i < count; i++)
        qctx_store_gather(opened->train[contexts[i].source].store, QCTX_CONTEXT, &contexts[i].row, 1,
                          out + i * loader->dim);
}

/* Those of the rows that stand in the store of one source. */
static void prefetch_source(const qctx_loader *loader, int32_t source, qctx_side side, const int64_t *example,
                            const int64_t *chosen, int64_t count)
{
    const qctx_opened *opened = loader->from;
    int64_t rows[PREFETCHED_ROWS], filled = 0;

    for (int64_t i = 0; i < count; i++) {
        if (loader->examples->source[example[i]] == source)
            rows[filled++] = row_of(loader, side, example[i], chosen[i]);
        if (filled == PREFETCHED_ROWS || i == count - 1) {
            qctx_store_prefetch(opened->train[source].store, side, rows, filled);
            filled = 0;
        }
    }
}

static void prefetch(const qctx_loader *loader, const int64_t *example, const int64_t *chosen, int64_t count)
{
    const qctx_opened *opened = loader->from;

    for (int64_t source = 0; source < opened->train_count; source++)
        for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++)
            prefetch_source(loader, (int32_t)source, side, example, chosen, count);
}

qctx_loader qctx_loader_of_stores(const qctx_opened *opened, const qctx_examples *examples)
{
    return (qctx_loader){
        .gather = gather,
        .prefetch = prefetch,
        .gather_contexts = gather_contexts,
        .examples = examples,
        .from = opened,
        .dim = qctx_store_dim(opened->train[0].store),
    };
}

int64_t qctx_loader_most_extras(const qctx_loader *loader, int64_t batch)
{
    if (loader->negatives != NULL)
        return loader->negatives->count;
    return loader->listed != NULL ? qctx_smaller(batch * loader->most_listed, loader->most_pool) : 0;
}
