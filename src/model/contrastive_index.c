#include "contrastive_index.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/buffers.h"
#include "qctx/base/mem.h"
#include "qctx/base/order.h"

/*
 * A hash directory: contents are dealt into buckets by the leading bits of a scrambled number, about one content a
 * bucket, and stand in each in the order of (scrambled content, place). Scrambling is one-to-one, so that only equal
 * contents stand together.
 */
struct loss_index {
    int64_t count;
    int shift;         /* a scrambled content's bucket is its leading 64 − shift bits */
    int64_t buckets;   /* a power of two */
    int32_t *start;    /* [buckets + 1] into the two below */
    uint64_t *content; /* [count] scrambled */
    int32_t *place;    /* [count] */
};

/* A one-to-one scramble: the finaliser of MurmurHash3 (Appleby 2011). */
static uint64_t scramble(uint64_t content)
{
    content ^= content >> 33;
    content *= 0xff51afd7ed558ccdu;
    content ^= content >> 33;
    content *= 0xc4ceb9fe1a85ec53u;
    return content ^ content >> 33;
}

static int64_t bucket_count(int64_t count_max, int *shift)
{
    int64_t buckets = 2;

    *shift = 63;
    for (; buckets < count_max; buckets *= 2)
        (*shift)--;
    return buckets;
}

/* Of an index whose buckets are known. */
static qctx_buffers buffers_of(loss_index *index, int64_t count_max)
{
    const char *purpose = "the index of a batch's contents";

    return (qctx_buffers){{
        {&index->start, index->buckets + 1, sizeof *index->start, purpose},
        {&index->content, count_max, sizeof *index->content, purpose},
        {&index->place, count_max, sizeof *index->place, purpose},
    }};
}

int64_t loss_index_memory(int64_t count_max)
{
    loss_index index = {0};
    qctx_buffers buffers;

    index.buckets = bucket_count(count_max, &index.shift);
    buffers = buffers_of(&index, count_max);
    return (int64_t)sizeof index + qctx_buffers_bytes(&buffers);
}

qctx_status loss_index_create(int64_t count_max, loss_index **created, qctx_error *error)
{
    loss_index *index = qctx_alloc(1, sizeof *index, "the index of a batch's contents", error);
    qctx_buffers buffers;

    *created = NULL;
    if (index == NULL)
        return QCTX_ERR_MEMORY;
    index->buckets = bucket_count(count_max, &index->shift);
    buffers = buffers_of(index, count_max);
    if (qctx_buffers_alloc(&buffers, error) != QCTX_OK) {
        loss_index_destroy(index);
        return QCTX_ERR_MEMORY;
    }
    *created = index;
    return QCTX_OK;
}

void loss_index_destroy(loss_index *index)
{
    qctx_buffers buffers;

    if (index == NULL)
        return;
    buffers = buffers_of(index, 0);
    qctx_buffers_free(&buffers);
    free(index);
}

/*
 * Orders a bucket by content; places of equal contents are in order and stay so. By insertion: buckets hold one or two
 * different contents. Copies of one content are already in order and cost one comparison each.
 */
static void sort_bucket(uint64_t *content, int32_t *place, int64_t count)
{
    for (int64_t k = 1; k < count; k++) {
        uint64_t moved = content[k];
        int32_t moved_place = place[k];
        int64_t to = k;

        for (; to > 0 && content[to - 1] > moved; to--) {
            content[to] = content[to - 1];
            place[to] = place[to - 1];
        }
        content[to] = moved;
        place[to] = moved_place;
    }
}

void loss_index_fill(loss_index *index, const uint64_t *contents, int64_t count)
{
    int32_t *start = index->start;

    memset(start, 0, (size_t)(index->buckets + 1) * sizeof *start);
    index->count = count;
    for (int64_t k = 0; k < count; k++)
        start[scramble(contents[k]) >> index->shift]++;
    for (int64_t b = 1; b <= index->buckets; b++)
        start[b] += start[b - 1];
    /* Backwards, each bucket's end moves to its start, and equal contents stay in the order of their places. */
    for (int64_t k = count - 1; k >= 0; k--) {
        uint64_t content = scramble(contents[k]);
        int32_t at = --start[content >> index->shift];

        index->content[at] = content;
        index->place[at] = (int32_t)k;
    }
    for (int64_t b = 0; b < index->buckets; b++)
        sort_bucket(index->content + start[b], index->place + start[b], start[b + 1] - start[b]);
}

/* An entry sought in an index. */
typedef struct {
    const loss_index *index;
    uint64_t content;
    int64_t place;
} sought_entry;

static bool is_before(const void *sought, int64_t at)
{
    const sought_entry *entry = sought;
    const uint64_t content = entry->index->content[at];

    return content < entry->content || (content == entry->content && entry->index->place[at] < entry->place);
}

/* The first entry from `low` to `high` that is not before (content, place), or `high`. */
static int64_t lower_bound(const loss_index *index, int64_t low, int64_t high, uint64_t content, int64_t place)
{
    return qctx_first_not_before(low, high, is_before, &(sought_entry){index, content, place});
}

int64_t loss_index_find(const loss_index *index, uint64_t content, int64_t first, int64_t end, const int32_t **at)
{
    uint64_t scrambled = scramble(content);
    uint64_t bucket = scrambled >> index->shift;
    int64_t low = lower_bound(index, index->start[bucket], index->start[bucket + 1], scrambled, first);

    *at = index->place + low;
    return lower_bound(index, low, index->start[bucket + 1], scrambled, end) - low;
}

/* Takes the contexts that are `content` out of a row of the tile. */
static void mask_content(const loss_tile *tile, const loss_index *contexts, uint64_t content, int64_t first_column,
                         float *row)
{
    const int32_t *at;
    int64_t found = loss_index_find(contexts, content, first_column, first_column + tile->cols, &at);

    for (int64_t k = 0; k < found; k++)
        row[at[k] - first_column] = -INFINITY;
}

void loss_index_mask(const loss_tile *tile, const loss_index *contexts, const qctx_loss_batch *batch, int64_t first,
                     int64_t i0, int64_t first_column, float *own)
{
#pragma omp parallel for schedule(static) if (tile->rows * tile->cols > LOSS_ALONE)
    for (int64_t i = 0; i < tile->rows; i++) {
        const int64_t *offsets = batch->positive_offsets + i0 + i;
        int64_t diagonal = first + i0 + i - first_column;
        float *row = tile->x + i * tile->pitch;

        if (diagonal >= 0 && diagonal < tile->cols)
            own[i] = row[diagonal];
        mask_content(tile, contexts, batch->content[i0 + i], first_column, row);
        for (int64_t k = offsets[0]; k < offsets[1]; k++)
            if (batch->positives[k] != batch->content[i0 + i])
                mask_content(tile, contexts, batch->positives[k], first_column, row);
    }
}
