#include "qctx/engine/feed.h"

/* The store that an example's rows stand in. */
static const qctx_store *store_of(const qctx_feed *feed, int64_t example)
{
    const qctx_opened *opened = feed->from;

    return opened->train[feed->examples->source[example]].store;
}

/* The row of an example's question, or of the context chosen for it, in its store. */
static int64_t row_of(const qctx_feed *feed, int side, int64_t example, int64_t chosen)
{
    return side == 0 ? feed->examples->question[example] : feed->examples->contexts[chosen];
}

static void gather(const qctx_feed *feed, int side, const int64_t *example, const int64_t *chosen, int64_t count,
                   float *out)
{
#pragma omp parallel for schedule(static) if (count > 64)
    for (int64_t i = 0; i < count; i++) {
        int64_t row = row_of(feed, side, example[i], chosen[i]);

        qctx_store_gather(store_of(feed, example[i]), (qctx_store_side)side, &row, 1, out + i * feed->dim);
    }
}

static void announce(const qctx_feed *feed, const int64_t *example, const int64_t *chosen, int64_t count)
{
    (void)feed;
    (void)example;
    (void)chosen;
    (void)count;
}

qctx_feed qctx_feed_of_stores(const qctx_opened *opened, const qctx_examples *examples)
{
    return (qctx_feed){
        .gather = gather,
        .announce = announce,
        .examples = examples,
        .from = opened,
        .dim = qctx_store_dim(opened->train[0].store),
    };
}
