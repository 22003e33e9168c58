/*
 * One training step over the global batch: gather this rank's rows, project
 * them, contrast them with those of all ranks, back-propagate, sum the gradients
 * of all ranks, clip, and step.
 *
 * The contexts come first: their embeddings are exchanged while the questions go through the head. The gradient is
 * summed in buckets that set out while the rest of the backward pass computes; each rank gets its part of every bucket
 * whole, which is all that the clipping norm and, where the plan splits the step, the optimiser need.
 *
 * A rank's rows go through the head in units: all at once; micro-batches where the plan keeps too little memory for
 * their activations, which are then computed again after the loss (GradCache, Gao et al. 2021); or leaves in a
 * reproducible run, whose products and sums do not depend on the number of ranks.
 *
 * Where the loader has negatives, all of them, or those that are listed for a question of the batch, join the step as
 * the loss's extras, each once, but for those that the batch has as somebody's context anyway: they are dealt out over
 * the ranks, or over the leaves, and go through the head and back as contexts do.
 *
 * Where the loader has a teacher, the contexts that it scored for a rank's questions go through the head there as well,
 * beside the batch's, and loss.distill.weight times the loss by those scores (model/distill) is added: a mean over the
 * batch, to which a question without a list adds 0. They are no negatives of the contrastive loss.
 *
 * Every rank holds all parameters, the same bit by bit.
 */
#ifndef QCTX_TRAINING_STEPPER_H
#define QCTX_TRAINING_STEPPER_H

#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/config/config.h"
#include "qctx/model/head.h"
#include "qctx/model/optimizer.h"
#include "qctx/platform/comm.h"
#include "qctx/training/loader.h"
#include "qctx/training/plan.h"
#include "qctx/training/timers.h"

typedef struct qctx_stepper qctx_stepper;

typedef struct {
    double loss;      /* the contrastive one */
    double distilled; /* the loss by a teacher's scores, without its weight; 0 without a teacher */
    double accuracy;  /* share of the batch's questions whose context scored first */
    double scale;     /* s after the step */
    double grad_norm; /* before clipping */
} qctx_step_result;

/*
 * Memory, initial parameters and optimiser state for a run, of which the sections run, loss, optim and batch are read.
 * Borrows everything it is given. Collective. The caller destroys it (NULL-safe). Errors: MEMORY.
 */
qctx_status qctx_stepper_create(qctx_comm *comm, const qctx_config *config, const qctx_plan *plan,
                                const qctx_loader *loader, const qctx_head_config *head, qctx_timers *timers,
                                qctx_stepper **created, qctx_error *error);
void qctx_stepper_destroy(qctx_stepper *stepper);

/*
 * Bytes that qctx_stepper_create allocates beside the loss on a rank of `ranks` that holds `rows` rows of a batch, and
 * its share of up to `extras` further contexts, and a teacher's lists; without those of right contexts, whose length
 * only the data tell. Local.
 */
int64_t qctx_stepper_memory(const qctx_head_config *head, qctx_loss_kind kind, const qctx_plan *plan, int ranks,
                            int64_t rows, int64_t extras, qctx_plan_lists lists);

/* Operations of the head's matrix products in a step of `rows` rows and `extras` further contexts of a rank, what is
 * computed again included. Local. */
double qctx_stepper_flops(const qctx_head_config *head, const qctx_plan *plan, int64_t rows, int64_t extras);

/*
 * Tells which batch comes next (examples[batch_size], of epoch `epoch`), so that its rows are read from the disk
 * meanwhile. Local. Optional.
 */
void qctx_stepper_prefetch(qctx_stepper *stepper, const int64_t *batch, int64_t epoch);

/*
 * Takes step `step` (from 0) of epoch `epoch` on the global batch examples[batch_size] at learning rate `rate`.
 * Collective. Errors: NUMERIC (the loss or the gradient is not finite: nothing is changed).
 */
qctx_status qctx_stepper_step(qctx_stepper *stepper, const int64_t *batch, int64_t epoch, int64_t step, double rate,
                              qctx_step_result *result, qctx_error *error);

/* Learned numbers behind the head's: the logarithm of the logit scale and, of the sigmoid loss, the bias. Local. */
int64_t qctx_stepper_scalar_count(qctx_loss_kind kind);

/* The parameters [qctx_head_parameter_count + qctx_stepper_scalar_count]. Local. */
float *qctx_stepper_parameters(qctx_stepper *stepper);

/*
 * The optimiser's state [as the parameters]. Where the plan splits the step, a rank keeps only its own part of it up to
 * date: qctx_stepper_complete gathers the rest, before a checkpoint is written. Local, and Collective.
 */
qctx_optimizer_state *qctx_stepper_optimizer(qctx_stepper *stepper);
void qctx_stepper_complete(qctx_stepper *stepper);

#endif
