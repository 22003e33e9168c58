/* Which pairs are no negatives, in the scheme `full`. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "contrastive_full.h"

#include "qctx/base/order.h"

static int by_content(const void *left, const void *right)
{
    const loss_context *a = left, *b = right;

    return (a->content > b->content) - (a->content < b->content);
}

/* A content sought among sorted contexts. */
typedef struct {
    const loss_context *order;
    uint64_t content;
} sought_content;

static bool is_before(const void *sought, int64_t at)
{
    const sought_content *wanted = sought;

    return wanted->order[at].content < wanted->content;
}

/* The first place in `order` whose content is not below `content`. */
static int64_t first_with(const loss_context *order, int64_t count, uint64_t content)
{
    return qctx_first_not_before(0, count, is_before, &(sought_content){order, content});
}

/* Sets the bit of every column whose context is `content`. */
static void mark(const loss_full *loss, uint64_t content, uint64_t *bits)
{
    for (int64_t k = first_with(loss->order, loss->place.columns, content);
         k < loss->place.columns && loss->order[k].content == content; k++)
        bits[loss->order[k].column / 64] |= (uint64_t)1 << (loss->order[k].column % 64);
}

/*
 * A join of positives with the batch's contents by binary search. A bit per pair is 1/32 of S however many pairs
 * there are, so the memory is known beforehand and a step cannot fail; gathering it costs each rank one byte per
 * 16·dim operations that it spends on S.
 */
void loss_mask_build(loss_full *loss, const qctx_loss_batch *batch)
{
    qctx_comm_gather_all(loss->comm, batch->content, loss->content, loss->place.counts, sizeof *loss->content);
    if (loss->place.columns > loss->place.batch)
        qctx_comm_gather_all(loss->comm, batch->content + batch->rows, loss->content + loss->place.batch,
                             loss->place.extra_counts, sizeof *loss->content);
    for (int64_t j = 0; j < loss->place.columns; j++)
        loss->order[j] = (loss_context){loss->content[j], j};
    qsort(loss->order, (size_t)loss->place.columns, sizeof *loss->order, by_content);

    memset(loss->own_mask, 0, (size_t)(loss->place.rows * loss->words) * sizeof *loss->own_mask);
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < loss->place.rows; i++) {
        uint64_t *bits = loss->own_mask + i * loss->words;
        int64_t itself = loss->place.first + i;

        mark(loss, batch->content[i], bits);
        for (int64_t k = batch->positive_offsets[i]; k < batch->positive_offsets[i + 1]; k++)
            if (batch->positives[k] != batch->content[i])
                mark(loss, batch->positives[k], bits);
        bits[itself / 64] &= ~((uint64_t)1 << (itself % 64));
    }
    if (loss->mask != NULL)
        qctx_comm_gather_all(loss->comm, loss->own_mask, loss->mask, loss->place.counts,
                             (size_t)loss->words * sizeof *loss->mask);
}

int64_t loss_mask_wins(const loss_full *loss)
{
    int64_t wins = 0;

#pragma omp parallel for schedule(static) reduction(+ : wins)
    for (int64_t i = 0; i < loss->place.rows; i++) {
        const float *row = loss->scores + (loss->place.first + i) * loss->pitch;
        const uint64_t *bits = loss->own_mask + i * loss->words;
        float own = row[loss->place.first + i];
        int64_t rivals = loss_count_from(row, loss->place.columns, own);

        for (int64_t w = 0; w < loss->words; w++)
            for (uint64_t rest = bits[w]; rest != 0; rest &= rest - 1)
                rivals -= row[w * 64 + __builtin_ctzll(rest)] >= own;
        wins += rivals == 1; /* only the own score is not below itself; none is if it is NaN */
    }
    return wins;
}

void loss_mask_apply(loss_full *loss)
{
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < loss->place.batch; i++)
        for (int64_t w = 0; w < loss->words; w++)
            for (uint64_t rest = loss->mask[i * loss->words + w]; rest != 0; rest &= rest - 1)
                loss->scores[i * loss->pitch + w * 64 + __builtin_ctzll(rest)] = -INFINITY;
}
