#include "contrastive_sweep.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* One tile of S: rows of one group against one strip. */
typedef struct {
    const loss_row_tile *rows;
    const loss_strip *strip;
    int64_t diagonal; /* column of the first row's own context in the strip, may lie outside */
    void *slot;       /* where its E is kept, or NULL */
} loss_work;

static loss_work work_at(const loss_sweep *sweep, const loss_strip *strip, int64_t at)
{
    const loss_row_tile *rows = &sweep->tile[at];
    int64_t number = strip->number * sweep->tiles + at;
    loss_work work = {rows, strip, sweep->roll->place.first + rows->first - strip->first, NULL};

    if (number < sweep->slots)
        work.slot = sweep->kept + number * sweep->tile_rows * sweep->pitch * sweep->element;
    return work;
}

static const void *questions_of(const loss_sweep *sweep, const loss_work *work)
{
    return sweep->questions + work->rows->first * sweep->sizes.dim * sweep->element;
}

/* The tile's rows that meet their own context in the strip. */
static void own_rows(const loss_work *work, int64_t *from, int64_t *to)
{
    *from = work->diagonal < 0 ? -work->diagonal : 0;
    *to = work->strip->count - work->diagonal;
    *to = *to < work->rows->rows ? *to : work->rows->rows;
}

/* Dot products of the tile, without what is no negative and without the diagonal, which goes to `own`. */
static loss_tile dot_products(loss_sweep *sweep, const loss_work *work)
{
    int64_t dim = sweep->sizes.dim, first = work->rows->first;
    loss_tile tile = {sweep->x, sweep->pitch, work->rows->rows, work->strip->count};

    qctx_product(sweep->sizes.config.precision, QCTX_PLAIN, QCTX_TRANSPOSED, tile.rows, tile.cols, dim,
                 questions_of(sweep, work), dim, work->strip->contexts, dim, false, tile.x, tile.pitch);
    loss_tile_mask(&tile, sweep->roll->index, sweep->batch, sweep->roll->place.first, first, work->strip->first,
                   sweep->own + first);
    return tile;
}

/* out [count] = Σ over the groups of cells [groups, tile_cols], along the tree. */
static void add_cells(const loss_sweep *sweep, int64_t count, double *out)
{
    qctx_tree_sum_rows(sweep->cells.sum, sweep->groups, count, sweep->tile_cols);
    memcpy(out, sweep->cells.sum, (size_t)count * sizeof *out);
}

void loss_sweep_sums(loss_sweep *sweep, const loss_strip *strip, double *column_sum)
{
    memset(sweep->cells.sum, 0, (size_t)(sweep->groups * sweep->tile_cols) * sizeof *sweep->cells.sum);
    for (int64_t t = 0; t < sweep->tiles; t++) {
        const loss_work work = work_at(sweep, strip, t);
        double *cells = sweep->cells.sum + work.rows->group * sweep->tile_cols;
        double *row_sum = sweep->rows.sum + work.rows->first;
        loss_tile tile = dot_products(sweep, &work);
        int64_t from, to;

        loss_tile_exponentials(&tile, sweep->scale, sweep->shift, sweep->sizes.config.precision, work.slot,
                               sweep->pitch, sweep->best + work.rows->first, row_sum, cells);
        own_rows(&work, &from, &to);
        for (int64_t i = from; i < to; i++) {
            double e = exp(loss_sweep_own_score(sweep, work.rows->first + i) - sweep->shift);

            row_sum[i] += e;
            cells[work.diagonal + i] += e;
        }
    }
    add_cells(sweep, strip->count, column_sum);
}

void loss_sweep_begin_careful(loss_sweep *sweep)
{
    sweep->careful = true;
    for (int64_t i = 0; i < sweep->roll->place.rows; i++) {
        sweep->rows.max[i] = -FLT_MAX;
        sweep->rows.sum[i] = 0.0;
    }
}

void loss_sweep_careful_sums(loss_sweep *sweep, const loss_strip *strip, float *column_max)
{
    for (int64_t k = 0; k < sweep->groups * sweep->tile_cols; k++) {
        sweep->cells.max[k] = -FLT_MAX;
        sweep->cells.sum[k] = 0.0;
    }
    for (int64_t j = 0; j < strip->count; j++)
        column_max[j] = -FLT_MAX;
    for (int64_t t = 0; t < sweep->tiles; t++) {
        const loss_work work = work_at(sweep, strip, t);
        int64_t first = work.rows->first, at = work.rows->group * sweep->tile_cols, from, to;
        loss_tile tile = dot_products(sweep, &work);

        loss_tile_careful_sums(&tile, sweep->scale, sweep->rows.max + first, sweep->rows.sum + first,
                               sweep->cells.max + at, sweep->cells.sum + at);
        own_rows(&work, &from, &to);
        for (int64_t i = from; i < to; i++) {
            float score = (float)loss_sweep_own_score(sweep, first + i);
            int64_t cell = at + work.diagonal + i;

            loss_careful_join(sweep->rows.max + first + i, sweep->rows.sum + first + i, score, 1.0);
            loss_careful_join(sweep->cells.max + cell, sweep->cells.sum + cell, score, 1.0);
        }
    }
    for (int64_t g = 0; g < sweep->groups; g++)
        for (int64_t j = 0; j < strip->count; j++)
            column_max[j] = fmaxf(column_max[j], sweep->cells.max[g * sweep->tile_cols + j]);
}

void loss_sweep_careful_columns(loss_sweep *sweep, const float *column_max, int64_t count, double *column_sum)
{
    for (int64_t g = 0; g < sweep->groups; g++)
        for (int64_t j = 0; j < count; j++) {
            int64_t cell = g * sweep->tile_cols + j;

            sweep->cells.sum[cell] *= exp((double)sweep->cells.max[cell] - (double)column_max[j]);
        }
    add_cells(sweep, count, column_sum);
}

/* What the tile's diagonal of G is in clip: its shares of row and column, less what the target takes. */
static void clip_diagonal(loss_sweep *sweep, const loss_work *work, loss_sums columns)
{
    double target = (sweep->by_rows ? 1.0 : 0.0) + (sweep->by_columns ? 1.0 : 0.0);
    int64_t from, to;

    own_rows(work, &from, &to);
    for (int64_t k = from; k < to; k++) {
        int64_t i = work->rows->first + k;
        double row_share = 0.0, column_share = 0.0;

        if (sweep->by_rows)
            loss_sweep_own_share(sweep, i, sweep->rows, i, &row_share);
        if (sweep->by_columns)
            loss_sweep_own_share(sweep, i, columns, work->diagonal + k, &column_share);
        sweep->diagonal[k] = (float)(row_share + column_share - target);
    }
}

static void sigmoid_diagonal(loss_sweep *sweep, const loss_work *work)
{
    int64_t from, to;

    own_rows(work, &from, &to);
    for (int64_t k = from; k < to; k++) {
        double z = loss_sweep_own_score(sweep, work->rows->first + k) + sweep->bias, g;

        sweep->group_loss[work->rows->group] += loss_sigmoid_own(z, &g);
        sweep->group_bias[work->rows->group] += g;
        sweep->diagonal[k] = (float)g;
    }
}

/* Where G of a tile is made if its E was not kept. */
static void *gradient_room(loss_sweep *sweep)
{
    return sweep->sizes.config.precision == QCTX_PRECISION_FLOAT32 ? (void *)sweep->x : (void *)sweep->g;
}

/* G of the tile but for its diagonal; returns where it stands. */
static void *clip_gradient(loss_sweep *sweep, const loss_work *work, const float *column_max)
{
    const qctx_precision precision = sweep->sizes.config.precision;
    const float *by_row = sweep->by_row + work->rows->first, *by_column = sweep->by_column;
    void *g = gradient_room(sweep);
    loss_tile tile;

    if (work->slot != NULL && !sweep->careful) {
        loss_tile_gradient(work->rows->rows, work->strip->count, by_row, by_column, precision, work->slot, sweep->pitch,
                           work->slot, sweep->pitch);
        return work->slot;
    }
    tile = dot_products(sweep, work);
    if (sweep->careful)
        loss_tile_careful_gradient(&tile, sweep->scale, sweep->rows.max + work->rows->first, by_row, column_max,
                                   by_column, precision, g, sweep->pitch);
    else
        loss_tile_gradient_again(&tile, sweep->scale, sweep->shift, by_row, by_column, precision, g, sweep->pitch);
    return g;
}

static void *sigmoid_gradient(loss_sweep *sweep, const loss_work *work)
{
    void *g = gradient_room(sweep);
    loss_tile tile = dot_products(sweep, work);

    sweep->group_loss[work->rows->group] +=
        loss_tile_sigmoid(&tile, sweep->scale, sweep->bias, sweep->best + work->rows->first,
                          sweep->sizes.config.precision, g, sweep->pitch, &sweep->group_bias[work->rows->group]);
    return g;
}

/* The tile's part of both gradients. With leaves dd is the next leaf of the tree until its group is over. */
static void multiply(loss_sweep *sweep, const loss_work *work, void *g, bool add, float *dq, float *dd)
{
    const qctx_precision precision = sweep->sizes.config.precision;
    int64_t dim = sweep->sizes.dim, rows = work->rows->rows, count = work->strip->count;

    loss_tile_set_diagonal(rows, count, work->diagonal, sweep->diagonal, precision, g, sweep->pitch);
    qctx_product(precision, QCTX_PLAIN, QCTX_PLAIN, rows, dim, count, g, sweep->pitch, work->strip->contexts, dim, true,
                 dq + work->rows->first * dim, dim);
    qctx_product(precision, QCTX_TRANSPOSED, QCTX_PLAIN, count, dim, rows, g, sweep->pitch, questions_of(sweep, work),
                 dim, add || !work->rows->opens, sweep->tree == NULL ? dd : qctx_tree_sum_leaf(sweep->tree), dim);
    if (sweep->tree != NULL && work->rows->closes)
        qctx_tree_sum_push(sweep->tree);
}

static void begin_strip(loss_sweep *sweep, const loss_strip *strip, const double *column_sum)
{
    if (sweep->tree != NULL)
        qctx_tree_sum_reset(sweep->tree);
    if (sweep->sizes.config.kind == QCTX_LOSS_SIGMOID)
        return;
    for (int64_t j = 0; j < strip->count; j++)
        sweep->by_column[j] = sweep->by_columns ? (float)(1.0 / column_sum[j]) : 0.0f;
}

void loss_sweep_gradients(loss_sweep *sweep, const loss_strip *strip, loss_sums columns, bool add, float *dq, float *dd)
{
    bool is_sigmoid = sweep->sizes.config.kind == QCTX_LOSS_SIGMOID;

    begin_strip(sweep, strip, columns.sum);
    for (int64_t t = 0; t < sweep->tiles; t++) {
        const loss_work work = work_at(sweep, strip, t);
        void *g = is_sigmoid ? sigmoid_gradient(sweep, &work) : clip_gradient(sweep, &work, columns.max);

        if (is_sigmoid)
            sigmoid_diagonal(sweep, &work);
        else
            clip_diagonal(sweep, &work, columns);
        multiply(sweep, &work, g, add, dq, dd);
    }
    if (sweep->tree != NULL)
        qctx_tree_sum_result(sweep->tree, dd);
}
