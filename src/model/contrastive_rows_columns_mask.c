#include <math.h>
#include <string.h>

#include "contrastive_rows_columns.h"
#include "contrastive_tile_internal.h"
#include "qctx/base/order.h"

/*
 * A rank knows the positives of its own questions only, and how many there are is known at the step alone. So they go
 * round in portions of fixed size, and what is kept is a bit for each entry of this rank's columns: 1/32 of them, known
 * beforehand however many positives there are.
 */

/* Where a rank is in telling its positives. */
typedef struct {
    int64_t question;
    int64_t positive;
} cursor;

static void set_bit(loss_rows_columns *loss, int64_t row, int64_t question)
{
    loss->mask[row * loss->words + question / 64] |= (uint64_t)1 << (question % 64);
}

/* The questions whose own context is one of this rank's. */
static void mask_copies(loss_rows_columns *loss)
{
    const loss_place *place = &loss->roll.place;

#pragma omp parallel for schedule(static)
    for (int64_t j = 0; j < place->rows; j++) {
        const int32_t *at;
        int64_t found = loss_index_find(loss->roll.index, loss->batch->content[j], 0, place->batch, &at);

        for (int64_t k = 0; k < found; k++)
            set_bit(loss, j, at[k]);
    }
}

/* Positives that are not the question's own context. */
static int64_t count_pairs(const qctx_loss_batch *batch)
{
    int64_t count = 0;

    for (int64_t i = 0; i < batch->rows; i++)
        for (int64_t k = batch->positive_offsets[i]; k < batch->positive_offsets[i + 1]; k++)
            count += batch->positives[k] != batch->content[i];
    return count;
}

/* The next `count` of them. */
static void next_pairs(loss_rows_columns *loss, cursor *at, int64_t count)
{
    const qctx_loss_batch *batch = loss->batch;
    int64_t found = 0;

    while (found < count) {
        if (at->positive >= batch->positive_offsets[at->question + 1]) {
            at->question++;
            continue;
        }
        if (batch->positives[at->positive] != batch->content[at->question])
            loss->pairs[found++] =
                (loss_positive){batch->positives[at->positive], loss->roll.place.first + at->question};
        at->positive++;
    }
}

static void mask_pair(loss_rows_columns *loss, const loss_positive *pair)
{
    const loss_place *place = &loss->roll.place;
    const int32_t *at;
    int64_t found = loss_index_find(loss->roll.index, pair->content, place->first, place->first + place->rows, &at);

    for (int64_t k = 0; k < found; k++)
        set_bit(loss, at[k] - place->first, pair->question);
}

void loss_columns_mask(loss_rows_columns *loss)
{
    int ranks = loss->sizes.ranks, rank = qctx_comm_rank(loss->roll.comm);
    int64_t *totals = loss->counts, *counts = loss->counts + ranks, most = 0;
    cursor at = {0, loss->batch->rows > 0 ? loss->batch->positive_offsets[0] : 0};

    loss->words = (loss->roll.place.batch + 63) / 64;
    memset(loss->mask, 0, (size_t)(loss->roll.place.rows * loss->words) * sizeof *loss->mask);
    mask_copies(loss);
    qctx_comm_gather_counts(loss->roll.comm, count_pairs(loss->batch), totals);
    for (int r = 0; r < ranks; r++)
        most = totals[r] > most ? totals[r] : most;
    for (int64_t told = 0; told < most; told += LOSS_ROUND) {
        int64_t arrived = 0;

        for (int r = 0; r < ranks; r++) {
            counts[r] = totals[r] > told ? qctx_smaller(totals[r] - told, LOSS_ROUND) : 0;
            arrived += counts[r];
        }
        next_pairs(loss, &at, counts[rank]);
        qctx_comm_gather_all(loss->roll.comm, loss->pairs, loss->arrived, counts, sizeof *loss->pairs);
        for (int64_t k = 0; k < arrived; k++)
            mask_pair(loss, &loss->arrived[k]);
    }
}

/* The bits of `width` ≤ 64 questions from `from` on. */
static uint64_t bits_from(const uint64_t *bits, int64_t from, int64_t width)
{
    int64_t word = from / 64, skip = from % 64;
    uint64_t found = bits[word] >> skip;

    if (skip > 0 && skip + width > 64)
        found |= bits[word + 1] << (64 - skip);
    return width < 64 ? found & (((uint64_t)1 << width) - 1) : found;
}

void loss_columns_mask_tile(const loss_rows_columns *loss, const loss_tile *tile, int64_t j0, int64_t first_column)
{
#pragma omp parallel for schedule(static) if (tile->rows * tile->cols > TILE_ALONE)
    for (int64_t j = 0; j < tile->rows; j++) {
        const uint64_t *bits = loss->mask + (j0 + j) * loss->words;
        float *row = tile->x + j * tile->pitch;

        for (int64_t i = 0; i < tile->cols; i += 64)
            for (uint64_t rest = bits_from(bits, first_column + i, qctx_smaller(64, tile->cols - i)); rest != 0;
                 rest &= rest - 1)
                row[i + __builtin_ctzll(rest)] = -INFINITY;
    }
}
