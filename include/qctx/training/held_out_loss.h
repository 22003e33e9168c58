/*
 * The loss of the held-out questions, to stand beside that of the training: where the one goes on falling and the other
 * rises, the head learns its questions by heart.
 *
 * It is the run's own loss at the scale and bias of the parameters, with the head at full strength, as in training, but
 * without dropout; of batches of as many questions as a training batch has, or of all where they are fewer (then there
 * are fewer wrong contexts, and the loss is lower). Of questions with several right contexts the first one is taken.
 * The mean over the whole batches of one seeded order, the same at every evaluation.
 */
#ifndef QCTX_TRAINING_HELD_OUT_LOSS_H
#define QCTX_TRAINING_HELD_OUT_LOSS_H

#include "qctx/base/status.h"
#include "qctx/config/config.h"
#include "qctx/model/head.h"
#include "qctx/platform/comm.h"
#include "qctx/training/loader.h"
#include "qctx/training/plan.h"

/*
 * The loss of the loader's examples under `parameters` (the head's, then the scalars). `*loss` is NaN with fewer than
 * two of them, and where it is not finite. Allocates what a step holds but for the scores, and frees it. The same on
 * all ranks and, in a reproducible run, on any number of ranks of its plan. Collective. Errors: MEMORY.
 */
qctx_status qctx_held_out_loss(qctx_comm *comm, const qctx_config *config, const qctx_plan *plan,
                               const qctx_loader *loader, const qctx_head_config *head, const float *parameters,
                               double *loss, qctx_error *error);

#endif
