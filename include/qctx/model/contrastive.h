/*
 * The contrastive loss over the global batch of all ranks, exact, and its gradient for this rank's rows: any of the
 * kinds of qctx/model/loss.h, carried out in any of its schemes that knows it.
 */
#ifndef QCTX_MODEL_CONTRASTIVE_H
#define QCTX_MODEL_CONTRASTIVE_H

#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/model/loss.h"
#include "qctx/platform/comm.h"

typedef struct qctx_loss qctx_loss;

/*
 * Memory for steps of up to `size`; its batch and batch_extras are the same on all ranks. Collective. The caller
 * destroys it (NULL-safe). Errors: MEMORY (the same on all ranks); INTERNAL for a configuration that qctx_loss_check
 * would not let pass, or with extras qctx_loss_check_extras, or the scheme AUTO.
 */
qctx_status qctx_loss_create(qctx_comm *comm, const qctx_loss_config *config, qctx_loss_size size, qctx_loss **created,
                             qctx_error *error);
void qctx_loss_destroy(qctx_loss *loss);

/* Bytes that qctx_loss_create allocates on a rank, keep_bytes included as far as it is used. Local. */
int64_t qctx_loss_memory(const qctx_loss_config *config, int ranks, qctx_loss_size size);

/* Operations of a rank's matrix products in one step, recomputed scores included. Local. */
double qctx_loss_flops(const qctx_loss_config *config, int ranks, qctx_loss_size size);

/*
 * Takes this rank's projected contexts c [rows + extras, d] (not yet normalised) of the step to come and starts to
 * exchange them, so that the products until qctx_loss_step hide the communication. Optional: qctx_loss_step does it
 * where it was not done. c and `batch` must stay as they are until that step is over. Collective.
 */
void qctx_loss_offer(qctx_loss *loss, const float *c, const qctx_loss_batch *batch);

/*
 * Loss and gradient of one global batch. q [rows, d], c [rows + extras, d]: this rank's projected questions, their
 * contexts, then its extras, not yet normalised; dq, dc of the same shapes receive ∂L/∂q and ∂L/∂c (L is the mean over
 * the global batch: summing the ranks' parameter gradients gives the gradient of L, no division by the rank count). dq
 * may be q and dc may be c: then the gradients replace the rows. With `normalize`, a row of zeros has no gradient. A
 * batch of no rows at all has loss 0, is finite, and gives extras a gradient of 0. Collective. Cannot fail; what is not
 * finite is told in result->finite.
 */
void qctx_loss_step(qctx_loss *loss, const float *q, const float *c, const qctx_loss_batch *batch,
                    qctx_loss_scale scale, float *dq, float *dc, qctx_loss_result *result);

#endif
