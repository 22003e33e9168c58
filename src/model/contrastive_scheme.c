#include "contrastive_scheme.h"

#include <math.h>
#include <string.h>

/* Gathers how many of something each rank has; returns the end of them all, which begin at `start`. */
static int64_t place_counts(qctx_comm *comm, int64_t own, int64_t start, int64_t *counts, int64_t *first)
{
    int rank = qctx_comm_rank(comm);

    qctx_comm_gather_counts(comm, own, counts);
    for (int r = 0; r < qctx_comm_size(comm); r++) {
        if (r == rank)
            *first = start;
        start += counts[r];
    }
    return start;
}

void loss_place_rows(qctx_comm *comm, const qctx_loss_batch *batch, bool with_extras, loss_place *place)
{
    place->rows = batch->rows;
    place->extras = batch->extras;
    place->batch = place_counts(comm, batch->rows, 0, place->counts, &place->first);
    place->columns = place->first_extra = place->batch;
    if (with_extras)
        place->columns = place_counts(comm, batch->extras, place->batch, place->extra_counts, &place->first_extra);
}

qctx_loss_result loss_nothing(const loss_place *place, int64_t dim, float *dc)
{
    memset(dc, 0, (size_t)(place->extras * dim) * sizeof *dc);
    return (qctx_loss_result){.finite = true};
}

qctx_loss_result loss_result(const double *lanes, double mean, int64_t batch)
{
    qctx_loss_result result = {.loss = lanes[LOSS_LANE_SUM] * mean,
                               .dlog_scale = lanes[LOSS_LANE_SCALE],
                               .dbias = lanes[LOSS_LANE_BIAS],
                               .accuracy = lanes[LOSS_LANE_WINS] / (double)batch};

    result.finite = lanes[LOSS_LANE_NOT_FINITE] == 0.0 && isfinite(result.loss) && isfinite(result.dlog_scale) &&
                    isfinite(result.dbias);
    return result;
}
