/* What the tile passes need memory for, and how the batch is cut to fit it. */
#include <stdlib.h>

#include "contrastive_tile_pass.h"
#include "qctx/base/buffers.h"
#include "qctx/base/mem.h"
#include "qctx/base/order.h"

enum {
    ROWS_MOST = 2048, /* of a tile: whole panels of a product, and gradients are read and written seldom enough */
    COLS_MOST = 1024  /* of a tile: it stays in the outer cache between its passes */
};

/* The longest of the even parts of `length`, none above `most`. */
static int64_t even_part(int64_t length, int64_t most)
{
    return length <= 1 ? 1 : qctx_divide_up(length, qctx_divide_up(length, most));
}

static int64_t slot_bytes(const loss_tile_pass *pass)
{
    return pass->tile_rows * pass->pitch * pass->element;
}

/* Tiles of an even batch, whose columns are cut into units of paired contexts and as many of extras. */
static int64_t tiles_expected(const loss_tile_pass *pass, int64_t row_unit, int64_t paired, int64_t extras,
                              int64_t units)
{
    int64_t blocks = units * (qctx_divide_up(paired, pass->tile_cols) + qctx_divide_up(extras, pass->tile_cols));

    return pass->groups_max * qctx_divide_up(row_unit, pass->tile_rows) * blocks;
}

/* Tiles, groups and slots follow from the sizes; with leaves, tiles do not depend on the number of ranks. */
static void lay_out(const loss_sizes *sizes, loss_tile_pass *pass)
{
    int64_t leaves = sizes->config.leaves, units = leaves > 0 ? leaves : sizes->ranks;
    int64_t paired = qctx_divide_up(sizes->batch, units), extras = qctx_divide_up(sizes->batch_extras, units);
    int64_t row_unit = leaves > 0 ? paired : sizes->rows;

    *pass = (loss_tile_pass){.sizes = *sizes, .element = qctx_precision_bytes(sizes->config.precision)};
    pass->tile_rows = even_part(row_unit, ROWS_MOST);
    pass->tile_cols = qctx_larger(even_part(paired, COLS_MOST), even_part(extras, COLS_MOST));
    pass->pitch = loss_tile_pitch(pass->tile_cols);
    pass->groups_max = leaves > 0 ? qctx_divide_up(leaves, sizes->ranks) : 1;
    pass->tiles_expected = tiles_expected(pass, row_unit, paired, extras, units);
    if (sizes->config.kind == QCTX_LOSS_CLIP)
        pass->slots = qctx_smaller(sizes->config.keep_bytes / slot_bytes(pass), pass->tiles_expected);
}

static qctx_buffers buffers_of(loss_tile_pass *pass)
{
    const int64_t rows = pass->sizes.rows, cells = pass->groups_max * pass->tile_cols;
    const int64_t entries = pass->tile_rows * pass->pitch;
    const bool narrow = pass->sizes.config.precision != QCTX_PRECISION_FLOAT32;

    return (qctx_buffers){{
        {&pass->tile, loss_batch_layout_tiles_most(rows, pass->groups_max, pass->tile_rows), sizeof *pass->tile,
         "the loss's tiles"},
        {&pass->questions, rows * pass->sizes.dim, (size_t)pass->element, "the loss's questions"},
        {&pass->inverse, rows, sizeof *pass->inverse, "the loss"},
        {&pass->own, rows, sizeof *pass->own, "the loss"},
        {&pass->best, rows, sizeof *pass->best, "the loss"},
        {&pass->rows.sum, rows, sizeof *pass->rows.sum, "the loss"},
        {&pass->rows.max, rows, sizeof *pass->rows.max, "the loss"},
        {&pass->by_row, rows, sizeof *pass->by_row, "the loss"},
        {&pass->along, qctx_larger(rows, pass->sizes.extras), sizeof *pass->along, "the loss"},
        {&pass->by_column, pass->tile_cols, sizeof *pass->by_column, "the loss"},
        {&pass->diagonal, pass->tile_rows, sizeof *pass->diagonal, "the loss"},
        {&pass->cells.sum, cells, sizeof *pass->cells.sum, "the loss"},
        {&pass->cells.max, cells, sizeof *pass->cells.max, "the loss"},
        {&pass->group_loss, pass->groups_max, sizeof *pass->group_loss, "the loss"},
        {&pass->group_bias, pass->groups_max, sizeof *pass->group_bias, "the loss"},
        {&pass->x, entries, sizeof *pass->x, "a tile of scores"},
        {&pass->g, narrow ? entries : 0, sizeof *pass->g, "a tile of the scores' gradient"},
        {&pass->kept, pass->slots * slot_bytes(pass), 1, "scores kept between the passes (loss memory)"},
    }};
}

qctx_status loss_tile_pass_create(const loss_sizes *sizes, loss_tile_pass **created, qctx_error *error)
{
    loss_tile_pass *pass = qctx_alloc(1, sizeof *pass, "the loss", error);
    qctx_status status = QCTX_ERR_MEMORY;
    qctx_buffers buffers;

    *created = NULL;
    if (pass == NULL)
        return status;
    lay_out(sizes, pass);
    buffers = buffers_of(pass);
    status = qctx_buffers_alloc(&buffers, error);
    if (status == QCTX_OK && sizes->config.leaves > 0)
        status = qctx_tree_sum_create(pass->tile_cols * sizes->dim, pass->groups_max, &pass->tree, error);
    if (status != QCTX_OK)
        goto out;
    *created = pass;
    pass = NULL;
out:
    loss_tile_pass_destroy(pass);
    return status;
}

void loss_tile_pass_destroy(loss_tile_pass *pass)
{
    qctx_buffers buffers;

    if (pass == NULL)
        return;
    buffers = buffers_of(pass);
    qctx_buffers_free(&buffers);
    qctx_tree_sum_destroy(pass->tree);
    free(pass);
}

int64_t loss_tile_pass_memory(const loss_sizes *sizes)
{
    loss_tile_pass pass;
    qctx_buffers buffers;
    int64_t bytes;

    lay_out(sizes, &pass);
    buffers = buffers_of(&pass);
    bytes = (int64_t)sizeof pass + qctx_buffers_bytes(&buffers);
    if (sizes->config.leaves > 0)
        bytes += qctx_tree_sum_memory(pass.tile_cols * sizes->dim, pass.groups_max);
    return bytes;
}

double loss_tile_pass_again(const loss_sizes *sizes)
{
    loss_tile_pass pass;

    lay_out(sizes, &pass);
    if (sizes->config.kind != QCTX_LOSS_CLIP || pass.tiles_expected == 0)
        return 0.0;
    return 1.0 - (double)pass.slots / (double)pass.tiles_expected;
}

int64_t loss_tile_pass_columns(const loss_sizes *sizes)
{
    loss_tile_pass pass;

    lay_out(sizes, &pass);
    return pass.tile_cols;
}
