/* How the rows of a batch and of its tiles are laid out over ranks and leaves. */
#include <math.h>
#include <string.h>

#include "contrastive_batch_layout.h"
#include "contrastive_vectors.h"
#include "qctx/base/buffers.h"
#include "qctx/base/order.h"
#include "qctx/base/tree_sum.h"

/* Cuts rows first … first + rows − 1 of this rank, as group `group`; returns the tiles. */
static int64_t cut_group(int64_t group, int64_t first, int64_t rows, int64_t tile_rows, loss_row_tile *tile)
{
    int64_t parts = rows <= tile_rows ? 1 : qctx_divide_up(rows, tile_rows);

    for (int64_t k = 0; k < parts; k++) {
        int64_t at, count;

        qctx_share(rows, k, parts, &at, &count);
        tile[k] = (loss_row_tile){group, first + at, count, k == 0, k + 1 == parts};
    }
    return parts;
}

int64_t loss_batch_layout_tiles(const loss_batch_layout *layout, int64_t leaves, int64_t tile_rows, loss_row_tile *tile,
                                int64_t *groups)
{
    const loss_place *place = &layout->place;
    int64_t leaf, tiles = 0;

    *groups = 1;
    if (leaves == 0)
        return cut_group(0, 0, place->rows, tile_rows, tile);
    qctx_share(leaves, qctx_comm_rank(layout->comm), qctx_comm_size(layout->comm), &leaf, groups);
    for (int64_t group = 0; group < *groups; group++) {
        int64_t first, rows;

        qctx_share(place->batch, leaf + group, leaves, &first, &rows);
        tiles += cut_group(group, first - place->first, rows, tile_rows, tile + tiles);
    }
    return tiles;
}

int64_t loss_batch_layout_tiles_most(int64_t rows, int64_t groups_most, int64_t tile_rows)
{
    return groups_most + rows / tile_rows + 1;
}

static qctx_buffers buffers_of(loss_batch_layout *layout, const loss_sizes *sizes)
{
    int64_t extra_counts = sizes->batch_extras > 0 ? sizes->ranks : QCTX_BUFFER_NONE;

    return (qctx_buffers){{
        {&layout->place.counts, sizes->ranks, sizeof *layout->place.counts, "the loss"},
        {&layout->place.extra_counts, extra_counts, sizeof *layout->place.extra_counts, "the loss"},
        {&layout->contents, loss_contexts(sizes), sizeof *layout->contents, "the batch's contents"},
    }};
}

qctx_status loss_batch_layout_create(qctx_comm *comm, const loss_sizes *sizes, loss_batch_layout *layout,
                                     qctx_error *error)
{
    const qctx_buffers buffers = buffers_of(layout, sizes);

    layout->comm = comm;
    layout->with_extras = sizes->batch_extras > 0;
    if (qctx_buffers_alloc(&buffers, error) != QCTX_OK)
        return QCTX_ERR_MEMORY;
    return loss_index_create(loss_contexts(sizes), &layout->index, error);
}

void loss_batch_layout_free(loss_batch_layout *layout)
{
    const qctx_buffers buffers = buffers_of(layout, &(loss_sizes){0});

    qctx_buffers_free(&buffers);
    loss_index_destroy(layout->index);
}

int64_t loss_batch_layout_memory(const loss_sizes *sizes)
{
    loss_batch_layout layout;
    const qctx_buffers buffers = buffers_of(&layout, sizes);

    return qctx_buffers_bytes(&buffers) + loss_index_memory(loss_contexts(sizes));
}

/* Own contents, `own` of them from column `first` on, set out; those of all ranks come to `start` and behind. */
static qctx_exchange *gather_contents(loss_batch_layout *layout, const uint64_t *content, int64_t own, int64_t first,
                                      int64_t start, const int64_t *counts)
{
    if (own > 0)
        memcpy(layout->contents + first, content, (size_t)own * sizeof *content);
    return qctx_comm_start_gather_parts(layout->comm, layout->contents + start, counts, sizeof *content);
}

void loss_batch_layout_start(loss_batch_layout *layout, const qctx_loss_batch *batch)
{
    const loss_place *place = &layout->place;

    loss_place_rows(layout->comm, batch, layout->with_extras, &layout->place);
    layout->arriving[0] = gather_contents(layout, batch->content, place->rows, place->first, 0, place->counts);
    if (layout->with_extras)
        layout->arriving[1] = gather_contents(layout, batch->content + place->rows, place->extras, place->first_extra,
                                              place->batch, place->extra_counts);
}

void loss_batch_layout_finish(loss_batch_layout *layout)
{
    for (int k = 0; k < 2; k++)
        qctx_exchange_wait(&layout->arriving[k]);
    loss_index_fill(layout->index, layout->contents, layout->place.columns);
}

double loss_batch_layout_bound(const loss_batch_layout *layout, const loss_sizes *sizes, const float *q, const float *c,
                               qctx_loss_scale scale)
{
    double lengths[2] = {1.0, 1.0};

    if (!sizes->config.normalize) {
        lengths[0] = loss_longest(q, layout->place.rows, sizes->dim);
        lengths[1] = loss_longest(c, layout->place.rows + layout->place.extras, sizes->dim);
        qctx_comm_max_double(layout->comm, lengths, 2);
    }
    return exp(scale.log_scale) * lengths[0] * lengths[1];
}

static bool is_tree(const loss_batch_layout *layout, const qctx_loss_config *config)
{
    return config->leaves > 0 && qctx_leaf_is_invariant(config->leaves, qctx_comm_size(layout->comm));
}

void loss_batch_layout_sum(const loss_batch_layout *layout, const qctx_loss_config *config, double *values,
                           int64_t count)
{
    if (is_tree(layout, config))
        qctx_comm_tree_sum_double(layout->comm, values, count);
    else
        qctx_comm_sum_double(layout->comm, values, count);
}

void loss_batch_layout_sum_float(const loss_batch_layout *layout, const qctx_loss_config *config, float *values,
                                 int64_t count)
{
    if (is_tree(layout, config))
        qctx_comm_tree_sum_float(layout->comm, values, count);
    else
        qctx_comm_sum_float(layout->comm, values, count);
}
