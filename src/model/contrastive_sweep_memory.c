#include <stdlib.h>

#include "contrastive_sweep.h"
#include "qctx/base/buffers.h"
#include "qctx/base/mem.h"
#include "qctx/base/order.h"

static int64_t slot_bytes(const loss_sweep *sweep)
{
    return sweep->tile_rows * sweep->pitch * sweep->element;
}

/* Tiles of an even batch. */
static int64_t tiles_expected(const loss_sweep *sweep, int64_t row_unit, int64_t column_unit, int64_t column_units)
{
    return sweep->groups_max * qctx_divide_up(row_unit, sweep->tile_rows) * column_units *
           qctx_divide_up(column_unit, sweep->tile_cols);
}

/* Tiles, groups and slots follow from the sizes; with leaves, tiles do not depend on the number of ranks. */
static void lay_out(const loss_sizes *sizes, loss_sweep *sweep)
{
    int64_t leaves = sizes->config.leaves, column_units = leaves > 0 ? leaves : sizes->ranks;
    int64_t column_unit = qctx_divide_up(sizes->batch, column_units);
    int64_t row_unit = leaves > 0 ? column_unit : sizes->rows;

    *sweep = (loss_sweep){.sizes = *sizes, .element = qctx_precision_bytes(sizes->config.precision)};
    sweep->tile_rows = loss_even_part(row_unit, LOSS_ROWS_MOST);
    sweep->tile_cols = loss_even_part(column_unit, LOSS_COLS_MOST);
    sweep->pitch = loss_tile_pitch(sweep->tile_cols);
    sweep->groups_max = leaves > 0 ? qctx_divide_up(leaves, sizes->ranks) : 1;
    sweep->tiles_expected = tiles_expected(sweep, row_unit, column_unit, column_units);
    if (sizes->config.kind == QCTX_LOSS_CLIP)
        sweep->slots = qctx_smaller(sizes->config.keep_bytes / slot_bytes(sweep), sweep->tiles_expected);
}

static qctx_buffers buffers_of(loss_sweep *sweep)
{
    const int64_t rows = sweep->sizes.rows, cells = sweep->groups_max * sweep->tile_cols;
    const int64_t entries = sweep->tile_rows * sweep->pitch;
    const bool narrow = sweep->sizes.config.precision != QCTX_PRECISION_FLOAT32;

    return (qctx_buffers){{
        {&sweep->tile, loss_roll_tiles_most(rows, sweep->groups_max, sweep->tile_rows), sizeof *sweep->tile,
         "the loss's tiles"},
        {&sweep->questions, rows * sweep->sizes.dim, (size_t)sweep->element, "the loss's questions"},
        {&sweep->inverse, rows, sizeof *sweep->inverse, "the loss"},
        {&sweep->own, rows, sizeof *sweep->own, "the loss"},
        {&sweep->best, rows, sizeof *sweep->best, "the loss"},
        {&sweep->rows.sum, rows, sizeof *sweep->rows.sum, "the loss"},
        {&sweep->rows.max, rows, sizeof *sweep->rows.max, "the loss"},
        {&sweep->by_row, rows, sizeof *sweep->by_row, "the loss"},
        {&sweep->along, rows, sizeof *sweep->along, "the loss"},
        {&sweep->by_column, sweep->tile_cols, sizeof *sweep->by_column, "the loss"},
        {&sweep->diagonal, sweep->tile_rows, sizeof *sweep->diagonal, "the loss"},
        {&sweep->cells.sum, cells, sizeof *sweep->cells.sum, "the loss"},
        {&sweep->cells.max, cells, sizeof *sweep->cells.max, "the loss"},
        {&sweep->group_loss, sweep->groups_max, sizeof *sweep->group_loss, "the loss"},
        {&sweep->group_bias, sweep->groups_max, sizeof *sweep->group_bias, "the loss"},
        {&sweep->x, entries, sizeof *sweep->x, "a tile of scores"},
        {&sweep->g, narrow ? entries : 0, sizeof *sweep->g, "a tile of the scores' gradient"},
        {&sweep->kept, sweep->slots * slot_bytes(sweep), 1, "scores kept between the passes (loss memory)"},
    }};
}

qctx_status loss_sweep_create(const loss_sizes *sizes, loss_sweep **created, qctx_error *error)
{
    loss_sweep *sweep = qctx_alloc(1, sizeof *sweep, "the loss", error);
    qctx_status status = QCTX_ERR_MEMORY;
    qctx_buffers buffers;

    *created = NULL;
    if (sweep == NULL)
        return status;
    lay_out(sizes, sweep);
    buffers = buffers_of(sweep);
    status = qctx_buffers_alloc(&buffers, error);
    if (status == QCTX_OK && sizes->config.leaves > 0)
        status = qctx_tree_sum_create(sweep->tile_cols * sizes->dim, sweep->groups_max, &sweep->tree, error);
    if (status != QCTX_OK)
        goto out;
    *created = sweep;
    sweep = NULL;
out:
    loss_sweep_destroy(sweep);
    return status;
}

void loss_sweep_destroy(loss_sweep *sweep)
{
    qctx_buffers buffers;

    if (sweep == NULL)
        return;
    buffers = buffers_of(sweep);
    qctx_buffers_free(&buffers);
    qctx_tree_sum_destroy(sweep->tree);
    free(sweep);
}

int64_t loss_sweep_memory(const loss_sizes *sizes)
{
    loss_sweep sweep;
    qctx_buffers buffers;
    int64_t bytes;

    lay_out(sizes, &sweep);
    buffers = buffers_of(&sweep);
    bytes = (int64_t)sizeof sweep + qctx_buffers_bytes(&buffers);
    if (sizes->config.leaves > 0)
        bytes += qctx_tree_sum_memory(sweep.tile_cols * sizes->dim, sweep.groups_max);
    return bytes;
}

double loss_sweep_again(const loss_sizes *sizes)
{
    loss_sweep sweep;

    lay_out(sizes, &sweep);
    if (sizes->config.kind != QCTX_LOSS_CLIP || sweep.tiles_expected == 0)
        return 0.0;
    return 1.0 - (double)sweep.slots / (double)sweep.tiles_expected;
}

int64_t loss_sweep_columns(const loss_sizes *sizes)
{
    loss_sweep sweep;

    lay_out(sizes, &sweep);
    return sweep.tile_cols;
}
