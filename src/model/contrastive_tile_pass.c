/* The two passes over a column block, tile by tile. */
#include "contrastive_tile_pass.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* One tile of S: rows of one group against one column block. */
typedef struct {
    const loss_row_tile *rows;
    const loss_column_block *block;
    int64_t diagonal; /* column of the first row's own context in the column block, may lie outside */
    void *slot;       /* where its E is kept, or NULL */
} loss_work;

static loss_work work_at(const loss_tile_pass *pass, const loss_column_block *block, int64_t at)
{
    const loss_row_tile *rows = &pass->tile[at];
    int64_t number = block->number * pass->tiles + at;
    loss_work work = {rows, block, pass->layout->place.first + rows->first - block->first, NULL};

    if (number < pass->slots)
        work.slot = pass->kept + number * pass->tile_rows * pass->pitch * pass->element;
    return work;
}

static const void *questions_of(const loss_tile_pass *pass, const loss_work *work)
{
    return pass->questions + work->rows->first * pass->sizes.dim * pass->element;
}

/* The tile's rows that meet their own context in the column block. */
static void own_rows(const loss_work *work, int64_t *from, int64_t *to)
{
    *from = work->diagonal < 0 ? -work->diagonal : 0;
    *to = work->block->count - work->diagonal;
    *to = *to < work->rows->rows ? *to : work->rows->rows;
}

/* Dot products of the tile, without what is no negative and without the diagonal, which goes to `own`. */
static loss_tile dot_products(loss_tile_pass *pass, const loss_work *work)
{
    int64_t dim = pass->sizes.dim, first = work->rows->first;
    loss_tile tile = {pass->x, pass->pitch, work->rows->rows, work->block->count};

    qctx_product(pass->sizes.config.precision, QCTX_PLAIN, QCTX_TRANSPOSED, tile.rows, tile.cols, dim,
                 questions_of(pass, work), dim, work->block->contexts, dim, false, tile.x, tile.pitch);
    loss_index_mask(&tile, pass->layout->index, pass->batch, pass->layout->place.first, first, work->block->first,
                    pass->own + first);
    return tile;
}

/* out [count] = Σ over the groups of cells [groups, tile_cols], along the tree. */
static void add_cells(const loss_tile_pass *pass, int64_t count, double *out)
{
    qctx_tree_sum_rows(pass->cells.sum, pass->groups, count, pass->tile_cols);
    memcpy(out, pass->cells.sum, (size_t)count * sizeof *out);
}

void loss_tile_pass_sums(loss_tile_pass *pass, const loss_column_block *block, double *column_sum)
{
    memset(pass->cells.sum, 0, (size_t)(pass->groups * pass->tile_cols) * sizeof *pass->cells.sum);
    for (int64_t t = 0; t < pass->tiles; t++) {
        const loss_work work = work_at(pass, block, t);
        double *cells = pass->cells.sum + work.rows->group * pass->tile_cols;
        double *row_sum = pass->rows.sum + work.rows->first;
        loss_tile tile = dot_products(pass, &work);
        int64_t from, to;

        loss_tile_exponentials(&tile, pass->scale, pass->shift, pass->sizes.config.precision, work.slot, pass->pitch,
                               pass->best + work.rows->first, row_sum, cells);
        own_rows(&work, &from, &to);
        for (int64_t i = from; i < to; i++) {
            double e = exp(loss_tile_pass_own_score(pass, work.rows->first + i) - pass->shift);

            row_sum[i] += e;
            cells[work.diagonal + i] += e;
        }
    }
    add_cells(pass, block->count, column_sum);
}

void loss_tile_pass_begin_row_maxima(loss_tile_pass *pass)
{
    pass->row_maxima = true;
    for (int64_t i = 0; i < pass->layout->place.rows; i++) {
        pass->rows.max[i] = -FLT_MAX;
        pass->rows.sum[i] = 0.0;
    }
}

void loss_tile_pass_sums_row_maxima(loss_tile_pass *pass, const loss_column_block *block, float *column_max)
{
    for (int64_t k = 0; k < pass->groups * pass->tile_cols; k++) {
        pass->cells.max[k] = -FLT_MAX;
        pass->cells.sum[k] = 0.0;
    }
    for (int64_t j = 0; j < block->count; j++)
        column_max[j] = -FLT_MAX;
    for (int64_t t = 0; t < pass->tiles; t++) {
        const loss_work work = work_at(pass, block, t);
        int64_t first = work.rows->first, at = work.rows->group * pass->tile_cols, from, to;
        loss_tile tile = dot_products(pass, &work);

        loss_tile_sums_row_maxima(&tile, pass->scale, pass->rows.max + first, pass->rows.sum + first,
                                  pass->cells.max + at, pass->cells.sum + at);
        own_rows(&work, &from, &to);
        for (int64_t i = from; i < to; i++) {
            float score = (float)loss_tile_pass_own_score(pass, first + i);
            int64_t cell = at + work.diagonal + i;

            loss_join_maxima(pass->rows.max + first + i, pass->rows.sum + first + i, score, 1.0);
            loss_join_maxima(pass->cells.max + cell, pass->cells.sum + cell, score, 1.0);
        }
    }
    for (int64_t g = 0; g < pass->groups; g++)
        for (int64_t j = 0; j < block->count; j++)
            column_max[j] = fmaxf(column_max[j], pass->cells.max[g * pass->tile_cols + j]);
}

void loss_tile_pass_column_sums_row_maxima(loss_tile_pass *pass, const float *column_max, int64_t count,
                                           double *column_sum)
{
    for (int64_t g = 0; g < pass->groups; g++)
        for (int64_t j = 0; j < count; j++) {
            int64_t cell = g * pass->tile_cols + j;

            pass->cells.sum[cell] *= exp((double)pass->cells.max[cell] - (double)column_max[j]);
        }
    add_cells(pass, count, column_sum);
}

/* What the tile's diagonal of G is in clip: its shares of row and column, less what the target takes. */
static void clip_diagonal(loss_tile_pass *pass, const loss_work *work, loss_sums columns)
{
    double target = (pass->by_rows ? 1.0 : 0.0) + (pass->by_columns ? 1.0 : 0.0);
    int64_t from, to;

    own_rows(work, &from, &to);
    for (int64_t k = from; k < to; k++) {
        int64_t i = work->rows->first + k;
        double row_share = 0.0, column_share = 0.0;

        if (pass->by_rows)
            loss_tile_pass_own_share(pass, i, pass->rows, i, &row_share);
        if (pass->by_columns)
            loss_tile_pass_own_share(pass, i, columns, work->diagonal + k, &column_share);
        pass->diagonal[k] = (float)(row_share + column_share - target);
    }
}

static void sigmoid_diagonal(loss_tile_pass *pass, const loss_work *work)
{
    int64_t from, to;

    own_rows(work, &from, &to);
    for (int64_t k = from; k < to; k++) {
        double z = loss_tile_pass_own_score(pass, work->rows->first + k) + pass->bias, g;

        pass->group_loss[work->rows->group] += loss_sigmoid_own(z, &g);
        pass->group_bias[work->rows->group] += g;
        pass->diagonal[k] = (float)g;
    }
}

/* Where G of a tile is made if its E was not kept. */
static void *gradient_buffer(loss_tile_pass *pass)
{
    return pass->sizes.config.precision == QCTX_PRECISION_FLOAT32 ? (void *)pass->x : (void *)pass->g;
}

/* G of the tile but for its diagonal; returns where it stands. */
static void *clip_gradient(loss_tile_pass *pass, const loss_work *work, const float *column_max)
{
    const qctx_precision precision = pass->sizes.config.precision;
    const float *by_row = pass->by_row + work->rows->first, *by_column = pass->by_column;
    void *g = gradient_buffer(pass);
    loss_tile tile;

    if (work->slot != NULL && !pass->row_maxima) {
        loss_tile_gradient(work->rows->rows, work->block->count, by_row, by_column, precision, work->slot, pass->pitch,
                           work->slot, pass->pitch);
        return work->slot;
    }
    tile = dot_products(pass, work);
    if (pass->row_maxima)
        loss_tile_gradient_row_maxima(&tile, pass->scale, pass->rows.max + work->rows->first, by_row, column_max,
                                      by_column, precision, g, pass->pitch);
    else
        loss_tile_gradient_again(&tile, pass->scale, pass->shift, by_row, by_column, precision, g, pass->pitch);
    return g;
}

static void *sigmoid_gradient(loss_tile_pass *pass, const loss_work *work)
{
    void *g = gradient_buffer(pass);
    loss_tile tile = dot_products(pass, work);

    pass->group_loss[work->rows->group] +=
        loss_tile_sigmoid(&tile, pass->scale, pass->bias, pass->best + work->rows->first, pass->sizes.config.precision,
                          g, pass->pitch, &pass->group_bias[work->rows->group]);
    return g;
}

/* The tile's part of both gradients. With leaves dd is the next leaf of the tree until its group is over. */
static void multiply(loss_tile_pass *pass, const loss_work *work, void *g, bool add, float *dq, float *dd)
{
    const qctx_precision precision = pass->sizes.config.precision;
    int64_t dim = pass->sizes.dim, rows = work->rows->rows, count = work->block->count;

    loss_tile_set_diagonal(rows, count, work->diagonal, pass->diagonal, precision, g, pass->pitch);
    qctx_product(precision, QCTX_PLAIN, QCTX_PLAIN, rows, dim, count, g, pass->pitch, work->block->contexts, dim, true,
                 dq + work->rows->first * dim, dim);
    qctx_product(precision, QCTX_TRANSPOSED, QCTX_PLAIN, count, dim, rows, g, pass->pitch, questions_of(pass, work),
                 dim, add || !work->rows->opens, pass->tree == NULL ? dd : qctx_tree_sum_leaf(pass->tree), dim);
    if (pass->tree != NULL && work->rows->closes)
        qctx_tree_sum_push(pass->tree);
}

/* What a column says of its rows is asked of paired contexts alone. */
static void begin_block(loss_tile_pass *pass, const loss_column_block *block, const double *column_sum)
{
    bool counts_columns = pass->by_columns && block->first < pass->layout->place.batch;

    if (pass->tree != NULL)
        qctx_tree_sum_reset(pass->tree);
    if (pass->sizes.config.kind == QCTX_LOSS_SIGMOID)
        return;
    for (int64_t j = 0; j < block->count; j++)
        pass->by_column[j] = counts_columns ? (float)(1.0 / column_sum[j]) : 0.0f;
}

void loss_tile_pass_gradients(loss_tile_pass *pass, const loss_column_block *block, loss_sums columns, bool add,
                              float *dq, float *dd)
{
    bool is_sigmoid = pass->sizes.config.kind == QCTX_LOSS_SIGMOID;

    begin_block(pass, block, columns.sum);
    for (int64_t t = 0; t < pass->tiles; t++) {
        const loss_work work = work_at(pass, block, t);
        void *g = is_sigmoid ? sigmoid_gradient(pass, &work) : clip_gradient(pass, &work, columns.max);

        if (is_sigmoid)
            sigmoid_diagonal(pass, &work);
        else
            clip_diagonal(pass, &work, columns);
        multiply(pass, &work, g, add, dq, dd);
    }
    if (pass->tree != NULL)
        qctx_tree_sum_result(pass->tree, dd);
}
