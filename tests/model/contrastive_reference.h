/* The contrastive loss and its gradients in double, straight from the formulas: what all schemes are held against. */
#ifndef QCTX_TESTS_CONTRASTIVE_REFERENCE_H
#define QCTX_TESTS_CONTRASTIVE_REFERENCE_H

#include "qctx/model/loss.h"

/*
 * Loss and gradients of the whole batch on one rank. q, dq [rows, dim]; c, dc [rows + extras, dim]; the scheme, the
 * precision and what is kept count for nothing. Local. Without the memory for it, the loss is NaN and not finite.
 */
void contrastive_reference(const qctx_loss_config *config, const double *q, const double *c, int64_t dim,
                           const qctx_loss_batch *batch, qctx_loss_scale scale, double *dq, double *dc,
                           qctx_loss_result *result);

#endif
