/* What goes between the ranks in the scheme `rows`: contexts at first, then their gradients, beneath the second pass.
 */
#include <string.h>

#include "contrastive_rows.h"
#include "contrastive_vectors.h"
#include "qctx/base/order.h"

/* Ranks whose contexts are under way at a time: the next ones arrive first, and still the line is never idle. */
enum { WINDOW = 8 };

/* The next column blocks: `count` contexts from `first` on, cut evenly. */
static void cut(loss_rows *rows, int64_t first, int64_t count, int64_t *blocks)
{
    int64_t most = rows->pass->tile_cols, parts = qctx_divide_up(count, most);

    for (int64_t k = 0; k < parts; k++) {
        int64_t at, length;

        qctx_share(count, k, parts, &at, &length);
        rows->blocks[*blocks] = (loss_column_block){loss_rows_contexts(rows, first + at), first + at, length, *blocks};
        (*blocks)++;
    }
}

/* A leaf's paired contexts, and its share of all extras. */
static void cut_leaf(loss_rows *rows, int64_t leaf, int64_t *blocks)
{
    const loss_place *place = &rows->layout.place;
    int64_t leaves = rows->sizes.config.leaves, first, count;

    qctx_share(place->batch, leaf, leaves, &first, &count);
    cut(rows, first, count, blocks);
    qctx_share(place->columns - place->batch, leaf, leaves, &first, &count);
    cut(rows, place->batch + first, count, blocks);
}

void loss_rows_lay_out(loss_rows *rows)
{
    const loss_place *place = &rows->layout.place;
    int64_t leaves = rows->sizes.config.leaves, first = 0, first_extra = place->batch, blocks = 0;

    for (int r = 0; r < rows->sizes.ranks; r++) {
        int64_t leaf, count, extras = rows->layout.with_extras ? place->extra_counts[r] : 0;

        rows->first_block[r] = blocks;
        rows->first_row[r] = first;
        if (rows->layout.with_extras)
            rows->first_extra[r] = first_extra;
        if (leaves == 0) {
            cut(rows, first, place->counts[r], &blocks);
            cut(rows, first_extra, extras, &blocks);
        }
        qctx_share(leaves, r, rows->sizes.ranks, &leaf, &count);
        for (int64_t end = leaf + count; leaf < end; leaf++)
            cut_leaf(rows, leaf, &blocks);
        first += place->counts[r];
        first_extra += extras;
    }
    rows->first_block[rows->sizes.ranks] = blocks;
}

void *loss_rows_contexts(const loss_rows *rows, int64_t first)
{
    return rows->contexts + first * rows->sizes.dim * rows->pass->element;
}

static int rank_after(const loss_rows *rows, int hops)
{
    int ranks = rows->sizes.ranks;

    return ((qctx_comm_rank(rows->layout.comm) + hops) % ranks + ranks) % ranks;
}

int loss_rows_owner(const loss_rows *rows, int k)
{
    return rows->sizes.config.leaves > 0 ? k : rank_after(rows, k);
}

/* Own contexts go `hops` ranks back, those of the rank as many further on come. */
static void start_arrival(loss_rows *rows, int hops)
{
    const loss_place *place = &rows->layout.place;
    int from = rank_after(rows, hops), to = rank_after(rows, -hops);
    int64_t row_bytes = rows->sizes.dim * rows->pass->element;

    rows->arrivals[hops] =
        qctx_comm_start_pass(rows->layout.comm, loss_rows_contexts(rows, place->first), place->rows * row_bytes, to,
                             loss_rows_contexts(rows, rows->first_row[from]), place->counts[from] * row_bytes, from);
    if (rows->layout.with_extras)
        rows->arrivals[rows->sizes.ranks + hops] = qctx_comm_start_pass(
            rows->layout.comm, loss_rows_contexts(rows, place->first_extra), place->extras * row_bytes, to,
            loss_rows_contexts(rows, rows->first_extra[from]), place->extra_counts[from] * row_bytes, from);
    rows->started = hops;
}

static void start_arrivals(loss_rows *rows, int last)
{
    while (rows->started < last && rows->started + 1 < rows->sizes.ranks)
        start_arrival(rows, rows->started + 1);
}

void loss_rows_start_gathering(loss_rows *rows)
{
    rows->started = 0;
    /* With leaves all ranks begin with the contexts of rank 0: nobody may wait with sending until its turn has come. */
    start_arrivals(rows, rows->sizes.config.leaves > 0 ? rows->sizes.ranks : WINDOW);
}

void loss_rows_await(loss_rows *rows, int owner)
{
    int ranks = rows->sizes.ranks, hops = (owner - qctx_comm_rank(rows->layout.comm) + ranks) % ranks;

    start_arrivals(rows, hops + WINDOW);
    qctx_exchange_wait(&rows->arrivals[hops]);
    if (rows->layout.with_extras)
        qctx_exchange_wait(&rows->arrivals[ranks + hops]);
}

/* A column block's gradient that goes home, and one of this rank's that comes, in one of the slots for them. */
typedef struct {
    int slot;
    const loss_column_block *comes; /* NULL for none */
} part;

/* Waits for what is under way in a slot and adds what came. */
static void take_in(loss_rows *rows, part *under_way, float *dc)
{
    int64_t dim = rows->sizes.dim, at = under_way->slot * rows->pass->tile_cols * dim;
    const loss_column_block *block = under_way->comes;

    qctx_exchange_wait(&rows->exchanges[under_way->slot]);
    if (block == NULL)
        return;
    loss_add(rows->parts_in + at, block->count * dim, dc + loss_place_home(&rows->layout.place, block->first) * dim);
    under_way->comes = NULL;
}

static const loss_column_block *block_of(const loss_rows *rows, int owner, int64_t k)
{
    int64_t block = rows->first_block[owner] + k;

    return block < rows->first_block[owner + 1] ? &rows->blocks[block] : NULL;
}

static loss_sums sums_of(const loss_column_block *block, loss_sums columns)
{
    return (loss_sums){columns.sum + block->first, columns.max + block->first};
}

/* Column block k of the rank `hops` further on: its gradient starts home, while block k of this rank comes from as far
 * back. */
static void work_and_pass(loss_rows *rows, int hops, int64_t k, loss_sums columns, part *slot, float *dq, float *dc)
{
    int rank = qctx_comm_rank(rows->layout.comm), to = rank_after(rows, hops);
    const loss_column_block *goes = block_of(rows, to, k), *comes = block_of(rows, rank, k);
    int64_t dim = rows->sizes.dim, at = slot->slot * rows->pass->tile_cols * dim;
    int64_t row_bytes = dim * (int64_t)sizeof(float);

    take_in(rows, slot, dc);
    if (goes != NULL)
        loss_tile_pass_gradients(rows->pass, goes, sums_of(goes, columns), false, dq, rows->parts_out + at);
    slot->comes = comes;
    rows->exchanges[slot->slot] = qctx_comm_start_pass(
        rows->layout.comm, rows->parts_out + at, goes == NULL ? 0 : goes->count * row_bytes, to, rows->parts_in + at,
        comes == NULL ? 0 : comes->count * row_bytes, rank_after(rows, -hops));
}

/* The others' contexts first, so that their gradients go home under the own ones. What comes is added in a fixed
 * order. */
static void differentiate_and_pass(loss_rows *rows, loss_sums columns, float *dq, float *dc)
{
    int rank = qctx_comm_rank(rows->layout.comm);
    int64_t dim = rows->sizes.dim, own = rows->first_block[rank + 1] - rows->first_block[rank], turn = 0;
    part under_way[LOSS_PARTS];

    for (int k = 0; k < LOSS_PARTS; k++)
        under_way[k] = (part){k, NULL};
    for (int hops = 1; hops < rows->sizes.ranks; hops++) {
        int to = rank_after(rows, hops);
        int64_t theirs = rows->first_block[to + 1] - rows->first_block[to];

        loss_rows_await(rows, to);
        for (int64_t k = 0; k < own || k < theirs; k++)
            work_and_pass(rows, hops, k, columns, &under_way[turn++ % LOSS_PARTS], dq, dc);
    }
    for (int64_t k = 0; k < own; k++) {
        const loss_column_block *block = block_of(rows, rank, k);

        loss_tile_pass_gradients(rows->pass, block, sums_of(block, columns), true, dq,
                                 dc + loss_place_home(&rows->layout.place, block->first) * dim);
    }
    for (int k = 0; k < LOSS_PARTS; k++)
        take_in(rows, &under_way[turn++ % LOSS_PARTS], dc);
}

/* Column blocks in the batch's order on all ranks, each one's gradient summed along the tree of leaves. */
static void differentiate_by_leaves(loss_rows *rows, loss_sums columns, float *dq, float *dc)
{
    int64_t dim = rows->sizes.dim;

    for (int owner = 0; owner < rows->sizes.ranks; owner++) {
        loss_rows_await(rows, owner);
        for (int64_t s = rows->first_block[owner]; s < rows->first_block[owner + 1]; s++) {
            const loss_column_block *block = &rows->blocks[s];

            loss_tile_pass_gradients(rows->pass, block, sums_of(block, columns), false, dq, rows->parts_out);
            loss_batch_layout_sum_float(&rows->layout, &rows->sizes.config, rows->parts_out, block->count * dim);
            if (owner == qctx_comm_rank(rows->layout.comm))
                memcpy(dc + loss_place_home(&rows->layout.place, block->first) * dim, rows->parts_out,
                       (size_t)(block->count * dim) * sizeof *dc);
        }
    }
}

void loss_rows_differentiate(loss_rows *rows, loss_sums columns, float *dq, float *dc)
{
    if (rows->sizes.config.leaves > 0)
        differentiate_by_leaves(rows, columns, dq, dc);
    else
        differentiate_and_pass(rows, columns, dq, dc);
}
