#include <math.h>
#include <string.h>

#include "contrastive_roll.h"
#include "qctx/base/buffers.h"
#include "qctx/base/dot.h"
#include "qctx/base/order.h"
#include "qctx/base/tree_sum.h"

int64_t loss_even_part(int64_t length, int64_t most)
{
    return length <= 1 ? 1 : qctx_divide_up(length, qctx_divide_up(length, most));
}

/* Whole cache lines, and one more: rows a power of two apart would fall into the same few sets of a cache. */
int64_t loss_tile_pitch(int64_t cols)
{
    const int64_t line = 16;

    return (qctx_divide_up(cols, line) + 1) * line;
}

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

int64_t loss_roll_tiles(const loss_roll *roll, int64_t leaves, int64_t tile_rows, loss_row_tile *tile, int64_t *groups)
{
    const loss_place *place = &roll->place;
    int64_t leaf, tiles = 0;

    *groups = 1;
    if (leaves == 0)
        return cut_group(0, 0, place->rows, tile_rows, tile);
    qctx_share(leaves, qctx_comm_rank(roll->comm), qctx_comm_size(roll->comm), &leaf, groups);
    for (int64_t group = 0; group < *groups; group++) {
        int64_t first, rows;

        qctx_share(place->batch, leaf + group, leaves, &first, &rows);
        tiles += cut_group(group, first - place->first, rows, tile_rows, tile + tiles);
    }
    return tiles;
}

int64_t loss_roll_tiles_most(int64_t rows, int64_t groups_most, int64_t tile_rows)
{
    return groups_most + rows / tile_rows + 1;
}

static qctx_buffers buffers_of(loss_roll *roll, int ranks, int64_t batch_max)
{
    return (qctx_buffers){{
        {&roll->place.counts, ranks, sizeof *roll->place.counts, "the loss"},
        {&roll->contents, batch_max, sizeof *roll->contents, "the batch's contents"},
    }};
}

qctx_status loss_roll_create(qctx_comm *comm, int64_t batch_max, loss_roll *roll, qctx_error *error)
{
    const qctx_buffers buffers = buffers_of(roll, qctx_comm_size(comm), batch_max);

    roll->comm = comm;
    if (qctx_buffers_alloc(&buffers, error) != QCTX_OK)
        return QCTX_ERR_MEMORY;
    return loss_index_create(batch_max, &roll->index, error);
}

void loss_roll_free(loss_roll *roll)
{
    const qctx_buffers buffers = buffers_of(roll, 0, 0);

    qctx_buffers_free(&buffers);
    loss_index_destroy(roll->index);
}

int64_t loss_roll_memory(int ranks, int64_t batch_max)
{
    loss_roll roll;
    const qctx_buffers buffers = buffers_of(&roll, ranks, batch_max);

    return qctx_buffers_bytes(&buffers) + loss_index_memory(batch_max);
}

void loss_roll_start(loss_roll *roll, const qctx_loss_batch *batch)
{
    loss_place_rows(roll->comm, batch->rows, &roll->place);
    if (batch->rows > 0)
        memcpy(roll->contents + roll->place.first, batch->content, (size_t)batch->rows * sizeof *roll->contents);
    roll->arriving =
        qctx_comm_start_gather_parts(roll->comm, roll->contents, roll->place.counts, sizeof *roll->contents);
}

void loss_roll_finish(loss_roll *roll)
{
    qctx_exchange_wait(&roll->arriving);
    loss_index_fill(roll->index, roll->contents, roll->place.batch);
}

void loss_roll_normalize(const loss_sizes *sizes, const float *x, int64_t rows, void *unit, double *inverse)
{
    bool wide = sizes->config.precision == QCTX_PRECISION_FLOAT32;

    loss_normalize(x, rows, sizes->dim, sizes->config.normalize, wide ? unit : NULL, wide ? NULL : unit, inverse);
}

/* The largest ‖x‖ of rows that are finite; what is not shows in the sums. */
static double longest(const float *x, int64_t rows, int64_t dim)
{
    double most = 0.0;

#pragma omp parallel for schedule(static) reduction(max : most)
    for (int64_t i = 0; i < rows; i++) {
        double square = qctx_dot(x + i * dim, x + i * dim, dim);

        if (isfinite(square) && square > most)
            most = square;
    }
    return sqrt(most);
}

double loss_roll_bound(const loss_roll *roll, const loss_sizes *sizes, const float *q, const float *c,
                       qctx_loss_scale scale)
{
    double lengths[2] = {1.0, 1.0};

    if (!sizes->config.normalize) {
        lengths[0] = longest(q, roll->place.rows, sizes->dim);
        lengths[1] = longest(c, roll->place.rows, sizes->dim);
        qctx_comm_max_double(roll->comm, lengths, 2);
    }
    return exp(scale.log_scale) * lengths[0] * lengths[1];
}

static bool is_tree(const loss_roll *roll, const qctx_loss_config *config)
{
    return config->leaves > 0 && qctx_leaf_is_invariant(config->leaves, qctx_comm_size(roll->comm));
}

void loss_roll_sum(const loss_roll *roll, const qctx_loss_config *config, double *values, int64_t count)
{
    if (is_tree(roll, config))
        qctx_comm_tree_sum_double(roll->comm, values, count);
    else
        qctx_comm_sum_double(roll->comm, values, count);
}

void loss_roll_sum_float(const loss_roll *roll, const qctx_loss_config *config, float *values, int64_t count)
{
    if (is_tree(roll, config))
        qctx_comm_tree_sum_float(roll->comm, values, count);
    else
        qctx_comm_sum_float(roll->comm, values, count);
}

bool loss_sums_are_finite(const double *sums, int64_t count)
{
    for (int64_t k = 0; k < count; k++)
        if (!isfinite(sums[k]))
            return false;
    return true;
}
