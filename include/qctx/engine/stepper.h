/*
 * One training step over the global batch: gather this rank's rows, project
 * them, contrast them with those of all ranks, back-propagate, sum the gradients
 * of all ranks, clip, and step.
 *
 * Every rank holds all parameters and takes the same step, so they stay equal bit by bit.
 */
#ifndef QCTX_ENGINE_STEPPER_H
#define QCTX_ENGINE_STEPPER_H

#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/engine/config.h"
#include "qctx/engine/examples.h"
#include "qctx/engine/phases.h"
#include "qctx/engine/sources.h"
#include "qctx/model/head.h"
#include "qctx/model/optimizer.h"
#include "qctx/platform/comm.h"

typedef struct qctx_stepper qctx_stepper;

typedef struct {
    double loss;
    double accuracy;  /* share of the batch's questions whose context scored first */
    double scale;     /* s after the step */
    double grad_norm; /* before clipping */
} qctx_step_result;

/*
 * Memory, initial parameters and optimiser state for a run. Borrows everything it is given. Collective. The caller
 * destroys it (NULL-safe). Errors: MEMORY.
 */
qctx_status qctx_stepper_create(qctx_comm *comm, const qctx_config *config, const qctx_opened *opened,
                                const qctx_examples *examples, const qctx_head_config *head, qctx_phases *phases,
                                qctx_stepper **created, qctx_error *error);
void qctx_stepper_destroy(qctx_stepper *stepper);

/*
 * Takes step `step` (from 0) of epoch `epoch` on the global batch examples[batch_size] at learning rate `rate`.
 * Collective. Errors: NUMERIC (the loss or the gradient is not finite: nothing is changed).
 */
qctx_status qctx_stepper_step(qctx_stepper *stepper, const int64_t *batch, int64_t epoch, int64_t step, double rate,
                              qctx_step_result *result, qctx_error *error);

/* The parameters [qctx_head_parameter_count + 1], the last one the logarithm of the logit scale. Local. */
float *qctx_stepper_parameters(qctx_stepper *stepper);
qctx_optimizer_state *qctx_stepper_optimizer(qctx_stepper *stepper);

#endif
