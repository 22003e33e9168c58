/* How a step of tile passes begins, and how its result and gradients come of it. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "contrastive_tile_pass.h"
#include "contrastive_vectors.h"

void loss_tile_pass_begin(loss_tile_pass *pass, const float *q, const loss_batch_layout *layout,
                          const qctx_loss_batch *batch, qctx_loss_scale scale)
{
    const qctx_loss_config *config = &pass->sizes.config;
    bool is_clip = config->kind == QCTX_LOSS_CLIP;

    pass->layout = layout;
    pass->batch = batch;
    pass->scale = loss_tile_scale(exp(scale.log_scale));
    pass->bias = scale.bias;
    pass->by_rows = is_clip && config->direction != QCTX_DIRECTION_CONTEXT;
    pass->by_columns = is_clip && config->direction != QCTX_DIRECTION_QUESTION;
    pass->mean = 1.0 / (double)(pass->by_rows && pass->by_columns ? 2 * layout->place.batch : layout->place.batch);
    pass->row_maxima = false;
    loss_normalize(config->precision, q, batch->rows, pass->sizes.dim, config->normalize, pass->questions,
                   pass->inverse);
    pass->tiles = loss_batch_layout_tiles(layout, config->leaves, pass->tile_rows, pass->tile, &pass->groups);
    for (int64_t i = 0; i < batch->rows; i++) {
        pass->best[i] = -FLT_MAX;
        pass->rows.sum[i] = 0.0;
    }
    for (int64_t g = 0; g < pass->groups; g++)
        pass->group_loss[g] = pass->group_bias[g] = 0.0;
}

void loss_tile_pass_bound(loss_tile_pass *pass, double bound)
{
    pass->shift = loss_shift(bound);
}

void loss_tile_pass_close_rows(loss_tile_pass *pass)
{
    for (int64_t i = 0; i < pass->layout->place.rows; i++)
        pass->by_row[i] = pass->by_rows ? (float)(1.0 / pass->rows.sum[i]) : 0.0f;
}

double loss_tile_pass_own_score(const loss_tile_pass *pass, int64_t i)
{
    return pass->row_maxima ? (double)((float)pass->scale * pass->own[i]) : pass->scale * (double)pass->own[i];
}

double loss_tile_pass_own_share(const loss_tile_pass *pass, int64_t i, loss_sums sums, int64_t at, double *share)
{
    double shift = pass->row_maxima ? (double)sums.max[at] : pass->shift;

    return loss_own_share(loss_tile_pass_own_score(pass, i), shift, sums.sum[at], share);
}

void loss_tile_pass_result(loss_tile_pass *pass, loss_sums columns, double *lanes)
{
    memset(lanes, 0, (size_t)(pass->groups * LOSS_LANES) * sizeof *lanes);
    for (int64_t t = 0; t < pass->tiles; t++) {
        const loss_row_tile *tile = &pass->tile[t];
        double *lane = lanes + tile->group * LOSS_LANES;

        for (int64_t i = tile->first; i < tile->first + tile->rows; i++) {
            double share;

            lane[LOSS_LANE_WINS] += pass->own[i] > pass->best[i] ? 1.0 : 0.0;
            if (pass->by_rows)
                lane[LOSS_LANE_SUM] += loss_tile_pass_own_share(pass, i, pass->rows, i, &share);
            if (pass->by_columns)
                lane[LOSS_LANE_SUM] += loss_tile_pass_own_share(pass, i, columns, i, &share);
        }
    }
    if (pass->sizes.config.kind != QCTX_LOSS_SIGMOID)
        return;
    for (int64_t g = 0; g < pass->groups; g++) {
        lanes[g * LOSS_LANES + LOSS_LANE_SUM] = pass->group_loss[g];
        lanes[g * LOSS_LANES + LOSS_LANE_BIAS] = pass->group_bias[g] * pass->mean;
    }
}

/* The way back of some rows; leaves x̂·∂L/∂x̂ in `along`. Returns whether all is finite. */
static bool end_rows(loss_tile_pass *pass, const void *unit, const double *inverse, int64_t rows, float *dx)
{
    const qctx_loss_config *config = &pass->sizes.config;

    return loss_normalize_back(config->precision, unit, inverse, rows, pass->sizes.dim, config->normalize,
                               pass->scale * pass->mean, dx, pass->along);
}

void loss_tile_pass_end(loss_tile_pass *pass, loss_own_rows contexts, float *dq, float *dc, double *lanes)
{
    const loss_place *place = &pass->layout->place;
    int64_t rows = place->rows;
    bool finite = end_rows(pass, contexts.paired, contexts.inverse, rows, dc);

    finite =
        end_rows(pass, contexts.extras, contexts.inverse + rows, place->extras, dc + rows * pass->sizes.dim) && finite;
    finite = end_rows(pass, pass->questions, pass->inverse, rows, dq) && finite;
    for (int64_t t = 0; t < pass->tiles; t++)
        for (int64_t i = pass->tile[t].first; i < pass->tile[t].first + pass->tile[t].rows; i++)
            lanes[pass->tile[t].group * LOSS_LANES + LOSS_LANE_SCALE] += pass->along[i];
    lanes[LOSS_LANE_NOT_FINITE] += finite ? 0.0 : 1.0;
}

void loss_tile_pass_add_groups(const loss_tile_pass *pass, double *lanes)
{
    qctx_tree_sum_rows(lanes, pass->groups, LOSS_LANES, LOSS_LANES);
}
