#include <float.h>
#include <math.h>
#include <string.h>

#include "contrastive_rows_columns.h"
#include "qctx/base/tree_sum.h"

/* One tile of a side. */
typedef struct {
    int side;
    const loss_row_tile *rows;
    int64_t first_column; /* of the batch */
    int64_t cols;
    int64_t diagonal; /* column of the first row's own entry in the tile, may lie outside */
    void *slot;       /* where its E is kept, or NULL */
} tile_work;

static tile_work work_at(const loss_rows_columns *loss, int side, int64_t tile, int64_t cut)
{
    int64_t number = (side * loss->tiles + tile) * loss->cuts + cut;
    tile_work work = {.side = side, .rows = &loss->tile[tile]};

    qctx_leaf_rows(loss->roll.place.batch, loss->cuts, cut, &work.first_column, &work.cols);
    work.diagonal = loss->roll.place.first + work.rows->first - work.first_column;
    if (loss->side[side].has_kept && number < loss->slots)
        work.slot = loss->kept + number * loss->tile_rows * loss->pitch * loss->element;
    return work;
}

/* Rows of a side's vectors from row `first` of the batch on. */
static const void *vectors(const loss_rows_columns *loss, int side, int64_t first)
{
    return loss->side[side].all + first * loss->sizes.dim * loss->element;
}

/* Dot products of the tile, without what is no negative and without the diagonal. */
static loss_tile dot_products(loss_rows_columns *loss, const tile_work *work)
{
    const loss_place *place = &loss->roll.place;
    int64_t first = work->rows->first, dim = loss->sizes.dim;
    loss_tile tile = {loss->x, loss->pitch, work->rows->rows, work->cols};

    qctx_product(loss->sizes.config.precision, QCTX_PLAIN, QCTX_TRANSPOSED, tile.rows, tile.cols, dim,
                 vectors(loss, work->side, place->first + first), dim,
                 vectors(loss, SIDES - 1 - work->side, work->first_column), dim, false, tile.x, tile.pitch);
    if (work->side == QUESTION_SIDE)
        loss_tile_mask(&tile, loss->roll.index, loss->batch, place->first, first, work->first_column,
                       loss->own + first);
    else
        loss_columns_mask_tile(loss, &tile, first, work->first_column);
    return tile;
}

static void add_sums(loss_rows_columns *loss, const tile_work *work)
{
    int64_t first = work->rows->first, place = loss->roll.place.first + first;
    loss_side *side = &loss->side[work->side];
    loss_tile tile = dot_products(loss, work);

    if (loss->careful)
        loss_tile_careful_sums(&tile, loss->scale, side->max + place, side->sum + place, NULL, NULL);
    else
        loss_tile_exponentials(&tile, loss->scale, loss->shift, loss->sizes.config.precision, work->slot, loss->pitch,
                               work->side == QUESTION_SIDE ? loss->best + first : NULL, side->sum + place, NULL);
}

void loss_rows_columns_sums(loss_rows_columns *loss, int side)
{
    loss_side *own = &loss->side[side];

    own->has_kept = !loss->careful;
    for (int64_t i = loss->roll.place.first; i < loss->roll.place.first + loss->roll.place.rows; i++) {
        own->sum[i] = 0.0;
        own->max[i] = -FLT_MAX;
    }
    for (int64_t tile = 0; tile < loss->tiles; tile++)
        for (int64_t cut = 0; cut < loss->cuts; cut++) {
            const tile_work work = work_at(loss, side, tile, cut);

            add_sums(loss, &work);
        }
}

/* G of a tile of clip but for its diagonal; returns where it stands. */
static void *clip_gradient(loss_rows_columns *loss, const tile_work *work, void *room)
{
    const qctx_precision precision = loss->sizes.config.precision;
    const loss_side *mine = &loss->side[work->side], *other = &loss->side[SIDES - 1 - work->side];
    int64_t row = loss->roll.place.first + work->rows->first, column = work->first_column;
    loss_tile tile;

    if (work->slot != NULL) {
        loss_tile_gradient(work->rows->rows, work->cols, mine->factor + row, other->factor + column, precision,
                           work->slot, loss->pitch, work->slot, loss->pitch);
        return work->slot;
    }
    tile = dot_products(loss, work);
    if (loss->careful)
        loss_tile_careful_gradient(&tile, loss->scale, mine->max + row, mine->factor + row, other->max + column,
                                   other->factor + column, precision, room, loss->pitch);
    else
        loss_tile_gradient_again(&tile, loss->scale, loss->shift, mine->factor + row, other->factor + column, precision,
                                 room, loss->pitch);
    return room;
}

/* G of a tile of sigmoid but for its diagonal. The questions' side tells the sums. */
static void *sigmoid_gradient(loss_rows_columns *loss, const tile_work *work, void *room)
{
    const bool tells = work->side == QUESTION_SIDE;
    double *lanes = loss->lanes + work->rows->group, g_sum = 0.0;
    loss_tile tile = dot_products(loss, work);
    double sum = loss_tile_sigmoid(&tile, loss->scale, loss->bias, tells ? loss->best + work->rows->first : NULL,
                                   loss->sizes.config.precision, room, loss->pitch, &g_sum);

    if (tells) {
        lanes[LOSS_LANE_SUM * loss->groups_max] += sum;
        lanes[LOSS_LANE_BIAS * loss->groups_max] += g_sum;
    }
    return room;
}

/* The diagonal of G is known from pass 1, but for sigmoid, whose only pass meets the questions' side first. */
static void set_diagonal(loss_rows_columns *loss, const tile_work *work, void *g)
{
    int64_t first = work->rows->first;

    if (loss->sizes.config.kind == QCTX_LOSS_SIGMOID && work->side == QUESTION_SIDE)
        for (int64_t i = 0; i < work->rows->rows; i++) {
            double *lanes = loss->lanes + work->rows->group, derivative;

            if (i + work->diagonal < 0 || i + work->diagonal >= work->cols)
                continue;
            lanes[LOSS_LANE_SUM * loss->groups_max] +=
                loss_sigmoid_own(loss->scale * (double)loss->own[first + i] + loss->bias, &derivative);
            lanes[LOSS_LANE_BIAS * loss->groups_max] += derivative;
            loss->diagonal[first + i] = (float)derivative;
        }
    loss_tile_set_diagonal(work->rows->rows, work->cols, work->diagonal, loss->diagonal + first,
                           loss->sizes.config.precision, g, loss->pitch);
}

static void add_gradient(loss_rows_columns *loss, const tile_work *work, float *d)
{
    const qctx_precision precision = loss->sizes.config.precision;
    bool is_sigmoid = loss->sizes.config.kind == QCTX_LOSS_SIGMOID;
    void *room = precision == QCTX_PRECISION_FLOAT32 ? (void *)loss->x : (void *)loss->g;
    void *g = is_sigmoid ? sigmoid_gradient(loss, work, room) : clip_gradient(loss, work, room);
    int64_t dim = loss->sizes.dim;

    set_diagonal(loss, work, g);
    qctx_product(precision, QCTX_PLAIN, QCTX_PLAIN, work->rows->rows, dim, work->cols, g, loss->pitch,
                 vectors(loss, SIDES - 1 - work->side, work->first_column), dim, work->first_column > 0,
                 d + work->rows->first * dim, dim);
}

void loss_rows_columns_gradients(loss_rows_columns *loss, int side, float *d)
{
    for (int64_t tile = 0; tile < loss->tiles; tile++)
        for (int64_t cut = 0; cut < loss->cuts; cut++) {
            const tile_work work = work_at(loss, side, tile, cut);

            add_gradient(loss, &work, d);
        }
}
