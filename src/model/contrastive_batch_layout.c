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

static qctx_buffers buffers_of(loss_batch_layout *layout, int ranks, int64_t batch_max)
{
    return (qctx_buffers){{
        {&layout->place.counts, ranks, sizeof *layout->place.counts, "the loss"},
        {&layout->contents, batch_max, sizeof *layout->contents, "the batch's contents"},
    }};
}

qctx_status loss_batch_layout_create(qctx_comm *comm, int64_t batch_max, loss_batch_layout *layout, qctx_error *error)
{
    const qctx_buffers buffers = buffers_of(layout, qctx_comm_size(comm), batch_max);

    layout->comm = comm;
    if (qctx_buffers_alloc(&buffers, error) != QCTX_OK)
        return QCTX_ERR_MEMORY;
    return loss_index_create(batch_max, &layout->index, error);
}

void loss_batch_layout_free(loss_batch_layout *layout)
{
    const qctx_buffers buffers = buffers_of(layout, 0, 0);

    qctx_buffers_free(&buffers);
    loss_index_destroy(layout->index);
}

int64_t loss_batch_layout_memory(int ranks, int64_t batch_max)
{
    loss_batch_layout layout;
    const qctx_buffers buffers = buffers_of(&layout, ranks, batch_max);

    return qctx_buffers_bytes(&buffers) + loss_index_memory(batch_max);
}

void loss_batch_layout_start(loss_batch_layout *layout, const qctx_loss_batch *batch)
{
    loss_place_rows(layout->comm, batch->rows, &layout->place);
    if (batch->rows > 0)
        memcpy(layout->contents + layout->place.first, batch->content, (size_t)batch->rows * sizeof *layout->contents);
    layout->arriving =
        qctx_comm_start_gather_parts(layout->comm, layout->contents, layout->place.counts, sizeof *layout->contents);
}

void loss_batch_layout_finish(loss_batch_layout *layout)
{
    qctx_exchange_wait(&layout->arriving);
    loss_index_fill(layout->index, layout->contents, layout->place.batch);
}

double loss_batch_layout_bound(const loss_batch_layout *layout, const loss_sizes *sizes, const float *q, const float *c,
                               qctx_loss_scale scale)
{
    double lengths[2] = {1.0, 1.0};

    if (!sizes->config.normalize) {
        lengths[0] = loss_longest(q, layout->place.rows, sizes->dim);
        lengths[1] = loss_longest(c, layout->place.rows, sizes->dim);
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
