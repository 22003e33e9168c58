#include <float.h>
#include <math.h>
#include <string.h>

#include "contrastive_sweep.h"

void loss_sweep_begin(loss_sweep *sweep, const float *q, const loss_roll *roll, const qctx_loss_batch *batch,
                      qctx_loss_scale scale)
{
    const qctx_loss_config *config = &sweep->sizes.config;
    bool is_clip = config->kind == QCTX_LOSS_CLIP;

    sweep->roll = roll;
    sweep->batch = batch;
    sweep->scale = loss_tile_scale(exp(scale.log_scale));
    sweep->bias = scale.bias;
    sweep->by_rows = is_clip && config->direction != QCTX_DIRECTION_CONTEXT;
    sweep->by_columns = is_clip && config->direction != QCTX_DIRECTION_QUESTION;
    sweep->mean = 1.0 / (double)(sweep->by_rows && sweep->by_columns ? 2 * roll->place.batch : roll->place.batch);
    sweep->careful = false;
    loss_roll_normalize(&sweep->sizes, q, batch->rows, sweep->questions, sweep->inverse);
    sweep->tiles = loss_roll_tiles(roll, config->leaves, sweep->tile_rows, sweep->tile, &sweep->groups);
    for (int64_t i = 0; i < batch->rows; i++) {
        sweep->best[i] = -FLT_MAX;
        sweep->rows.sum[i] = 0.0;
    }
    for (int64_t g = 0; g < sweep->groups; g++)
        sweep->group_loss[g] = sweep->group_bias[g] = 0.0;
}

void loss_sweep_bound(loss_sweep *sweep, double bound)
{
    sweep->shift = loss_shift(bound);
}

void loss_sweep_close_rows(loss_sweep *sweep)
{
    for (int64_t i = 0; i < sweep->roll->place.rows; i++)
        sweep->by_row[i] = sweep->by_rows ? (float)(1.0 / sweep->rows.sum[i]) : 0.0f;
}

double loss_sweep_own_score(const loss_sweep *sweep, int64_t i)
{
    return sweep->careful ? (double)((float)sweep->scale * sweep->own[i]) : sweep->scale * (double)sweep->own[i];
}

double loss_sweep_own_share(const loss_sweep *sweep, int64_t i, loss_sums sums, int64_t at, double *share)
{
    double shift = sweep->careful ? (double)sums.max[at] : sweep->shift;

    return loss_own_share(loss_sweep_own_score(sweep, i), shift, sums.sum[at], share);
}

void loss_sweep_result(loss_sweep *sweep, loss_sums columns, double *lanes)
{
    memset(lanes, 0, (size_t)(sweep->groups * LOSS_LANES) * sizeof *lanes);
    for (int64_t t = 0; t < sweep->tiles; t++) {
        const loss_row_tile *tile = &sweep->tile[t];
        double *lane = lanes + tile->group * LOSS_LANES;

        for (int64_t i = tile->first; i < tile->first + tile->rows; i++) {
            double share;

            lane[LOSS_LANE_WINS] += sweep->own[i] > sweep->best[i] ? 1.0 : 0.0;
            if (sweep->by_rows)
                lane[LOSS_LANE_SUM] += loss_sweep_own_share(sweep, i, sweep->rows, i, &share);
            if (sweep->by_columns)
                lane[LOSS_LANE_SUM] += loss_sweep_own_share(sweep, i, columns, i, &share);
        }
    }
    if (sweep->sizes.config.kind != QCTX_LOSS_SIGMOID)
        return;
    for (int64_t g = 0; g < sweep->groups; g++) {
        lanes[g * LOSS_LANES + LOSS_LANE_SUM] = sweep->group_loss[g];
        lanes[g * LOSS_LANES + LOSS_LANE_BIAS] = sweep->group_bias[g] * sweep->mean;
    }
}

void loss_sweep_end(loss_sweep *sweep, const void *contexts, const double *inverse, float *dq, float *dc, double *lanes)
{
    const qctx_precision precision = sweep->sizes.config.precision;
    int64_t rows = sweep->roll->place.rows, dim = sweep->sizes.dim;
    double factor = sweep->scale * sweep->mean;
    bool normalize = sweep->sizes.config.normalize, finite;

    finite = loss_normalize_back(precision, contexts, inverse, rows, dim, normalize, factor, dc, sweep->along);
    finite = loss_normalize_back(precision, sweep->questions, sweep->inverse, rows, dim, normalize, factor, dq,
                                 sweep->along) &&
             finite;
    for (int64_t t = 0; t < sweep->tiles; t++)
        for (int64_t i = sweep->tile[t].first; i < sweep->tile[t].first + sweep->tile[t].rows; i++)
            lanes[sweep->tile[t].group * LOSS_LANES + LOSS_LANE_SCALE] += sweep->along[i];
    lanes[LOSS_LANE_NOT_FINITE] += finite ? 0.0 : 1.0;
}

void loss_sweep_add_groups(const loss_sweep *sweep, double *lanes)
{
    qctx_tree_sum_rows(lanes, sweep->groups, LOSS_LANES, LOSS_LANES);
}
