#include "contrastive_scheme.h"

#include <math.h>

void loss_place_rows(qctx_comm *comm, int64_t rows, loss_place *place)
{
    int rank = qctx_comm_rank(comm);

    qctx_comm_gather_counts(comm, rows, place->counts);
    place->rows = rows;
    place->batch = 0;
    for (int r = 0; r < qctx_comm_size(comm); r++) {
        if (r == rank)
            place->first = place->batch;
        place->batch += place->counts[r];
    }
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
