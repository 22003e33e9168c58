#include "qctx/engine/feed.h"

/* Rows that a store is told of at a time. */
enum { ANNOUNCED_ROWS = 256 };

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

/* Those of the rows that stand in the store of one source. */
static void announce_source(const qctx_feed *feed, int32_t source, int side, const int64_t *example,
                            const int64_t *chosen, int64_t count)
{
    const qctx_opened *opened = feed->from;
    int64_t rows[ANNOUNCED_ROWS], filled = 0;

    for (int64_t i = 0; i < count; i++) {
        if (feed->examples->source[example[i]] == source)
            rows[filled++] = row_of(feed, side, example[i], chosen[i]);
        if (filled == ANNOUNCED_ROWS || i == count - 1) {
            qctx_store_announce(opened->train[source].store, (qctx_store_side)side, rows, filled);
            filled = 0;
        }
    }
}

static void announce(const qctx_feed *feed, const int64_t *example, const int64_t *chosen, int64_t count)
{
    const qctx_opened *opened = feed->from;

    for (int64_t source = 0; source < opened->train_count; source++)
        for (int side = 0; side < 2; side++)
            announce_source(feed, (int32_t)source, side, example, chosen, count);
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
