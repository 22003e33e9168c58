#include "qctx/model/contrastive.h"

#include <stdlib.h>

#include "contrastive_full.h"
#include "contrastive_ring.h"
#include "contrastive_rows.h"
#include "qctx/base/mem.h"

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

static loss_sizes sizes_of(const qctx_loss_config *config, int ranks, qctx_loss_size size)
{
    return (loss_sizes){*config, ranks, size.rows, size.batch, size.extras, size.batch_extras, size.dim};
}

/* Refuses what the configuration and the planner should have kept from coming here. */
static qctx_status check(const qctx_loss_config *config, bool with_extras, qctx_error *error)
{
    const char *name = qctx_similarity_names[config->scheme];
    qctx_loss_conflict conflict = qctx_loss_check(config->kind, config->scheme, config->precision, config->leaves > 0);

    if (conflict.key == NULL && with_extras)
        conflict = qctx_loss_check_extras(config->kind, config->direction);
    if (schemes[config->scheme] == NULL)
        return qctx_fail(error, QCTX_ERR_INTERNAL, "the loss was created with scheme '%s'", name);
    if (conflict.key != NULL)
        return qctx_fail(error, QCTX_ERR_INTERNAL, "the loss was created with scheme '%s': %s", name, conflict.reason);
    return QCTX_OK;
}

qctx_status qctx_loss_create(qctx_comm *comm, const qctx_loss_config *config, qctx_loss_size size, qctx_loss **created,
                             qctx_error *error)
{
    const loss_sizes sizes = sizes_of(config, qctx_comm_size(comm), size);
    qctx_loss *loss = NULL;
    qctx_status status = check(config, size.batch_extras > 0, error);

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

int64_t qctx_loss_memory(const qctx_loss_config *config, int ranks, qctx_loss_size size)
{
    const loss_sizes sizes = sizes_of(config, ranks, size);

    return schemes[config->scheme]->memory(&sizes) + (int64_t)sizeof(qctx_loss);
}

double qctx_loss_flops(const qctx_loss_config *config, int ranks, qctx_loss_size size)
{
    const loss_sizes sizes = sizes_of(config, ranks, size);

    return schemes[config->scheme]->flops(&sizes);
}
