#include "qctx/model/contrastive.h"

#include <math.h>
#include <stdlib.h>

#include "contrastive_internal.h"
#include "qctx/base/mem.h"

const char *const qctx_loss_kind_names[] = {
    [QCTX_LOSS_CLIP] = "clip", [QCTX_LOSS_SOFT] = "soft", [QCTX_LOSS_SIGMOID] = "sigmoid", NULL};
const char *const qctx_loss_direction_names[] = {
    [QCTX_DIRECTION_BOTH] = "both", [QCTX_DIRECTION_QUESTION] = "question", [QCTX_DIRECTION_CONTEXT] = "context", NULL};
const char *const qctx_similarity_names[] = {
    [QCTX_SIMILARITY_AUTO] = "auto",
    [QCTX_SIMILARITY_FULL] = "full",
    [QCTX_SIMILARITY_ROWS] = "rows",
    [QCTX_SIMILARITY_RING] = "ring",
    NULL,
};

struct qctx_loss {
    const loss_scheme *scheme;
    void *state;
};

/* In the order of qctx_similarity. */
static const loss_scheme *const schemes[] = {
    [QCTX_SIMILARITY_FULL] = &loss_scheme_full,
    [QCTX_SIMILARITY_ROWS] = &loss_scheme_rows,
    [QCTX_SIMILARITY_RING] = &loss_scheme_ring,
};

static loss_sizes sizes_of(const qctx_loss_config *config, int ranks, int64_t rows, int64_t batch, int64_t dim)
{
    return (loss_sizes){*config, ranks, rows, batch, dim};
}

/* Refuses what the configuration and the plan should have kept from coming here. */
static qctx_status check(const qctx_loss_config *config, qctx_error *error)
{
    const char *name = qctx_similarity_names[config->scheme];

    if (schemes[config->scheme] == NULL)
        return qctx_fail(error, QCTX_ERR_INTERNAL, "the loss was created with scheme '%s'", name);
    if (config->kind == QCTX_LOSS_SOFT && config->scheme != QCTX_SIMILARITY_FULL)
        return qctx_fail(error, QCTX_ERR_INTERNAL, "the loss's scheme '%s' knows no soft targets", name);
    if (config->leaves > 0 && config->scheme != QCTX_SIMILARITY_ROWS)
        return qctx_fail(error, QCTX_ERR_INTERNAL, "the loss's scheme '%s' is not reproducible", name);
    return QCTX_OK;
}

qctx_status qctx_loss_create(qctx_comm *comm, const qctx_loss_config *config, int64_t rows_max, int64_t batch_max,
                             int64_t dim, qctx_loss **created, qctx_error *error)
{
    const loss_sizes sizes = sizes_of(config, qctx_comm_size(comm), rows_max, batch_max, dim);
    qctx_loss *loss = NULL;
    qctx_status status = check(config, error);

    *created = NULL;
    if (status == QCTX_OK) {
        loss = qctx_alloc(1, sizeof *loss, "the loss", error);
        status = loss == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
    }
    if (status == QCTX_OK) {
        loss->scheme = schemes[config->scheme];
        status = loss->scheme->create(comm, &sizes, &loss->state, error);
    }
    status = qctx_agree(comm, status, error);
    if (status != QCTX_OK)
        goto out;
    *created = loss;
    loss = NULL;
out:
    qctx_loss_destroy(loss);
    return status;
}

void qctx_loss_destroy(qctx_loss *loss)
{
    if (loss == NULL)
        return;
    loss->scheme->destroy(loss->state);
    free(loss);
}

void qctx_loss_offer(qctx_loss *loss, const float *c, const qctx_loss_batch *batch)
{
    loss->scheme->offer(loss->state, c, batch);
}

void qctx_loss_step(qctx_loss *loss, const float *q, const float *c, const qctx_loss_batch *batch,
                    qctx_loss_scale scale, float *dq, float *dc, qctx_loss_result *result)
{
    loss->scheme->step(loss->state, q, c, batch, scale, dq, dc, result);
}

int64_t qctx_loss_memory(const qctx_loss_config *config, int ranks, int64_t rows_max, int64_t batch_max, int64_t dim)
{
    const loss_sizes sizes = sizes_of(config, ranks, rows_max, batch_max, dim);

    return schemes[config->scheme]->memory(&sizes) + (int64_t)sizeof(qctx_loss);
}

double qctx_loss_flops(const qctx_loss_config *config, int ranks, int64_t rows, int64_t batch, int64_t dim)
{
    const loss_sizes sizes = sizes_of(config, ranks, rows, batch, dim);

    return schemes[config->scheme]->flops(&sizes);
}

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
