/*
 * Checkpoints: one HDF5 file with everything a run needs to go on, or a search
 * to use the head; published whole (temporary, fsync, rename).
 *
 *   attributes   schema = "qctx-checkpoint", version = 1, epoch, step, optimizer_steps, strength, best_metric,
 *                best_epoch, encoder_fingerprint, config (resolved YAML), checksum, seed; the head's shape:
 *                head_form, head_sides, head_activation, head_layers, head_input, head_hidden, head_output,
 *                head_dropout; how the steps were taken: similarity ("rows"), precision ("float32")
 *   parameters/  one dataset per tensor: question/0/weight [out, in], …
 *   logit_scale  [1] (its logarithm); of the sigmoid loss also logit_bias [1]
 *   optimizer/   first, second [count] (absent in a best.h5 that only serves)
 */
#ifndef QCTX_ENGINE_CHECKPOINT_H
#define QCTX_ENGINE_CHECKPOINT_H

#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/model/contrastive.h"
#include "qctx/model/head.h"
#include "qctx/model/optimizer.h"
#include "qctx/platform/comm.h"

#define QCTX_CHECKPOINT_VERSION 1

/* What a checkpoint holds. When read, the caller owns the arrays and texts: qctx_checkpoint_free. */
typedef struct {
    int64_t epoch;      /* epochs finished */
    int64_t step;       /* optimiser steps taken */
    double strength;    /* α chosen on held-out pairs; 1 before that */
    double best_metric; /* of the best epoch so far; −1 before the first evaluation */
    int64_t best_epoch;
    char *config; /* resolved YAML */
    char *encoder_fingerprint;
    qctx_head_config head;
    qctx_similarity similarity; /* what the run's plan took, so that a resumed one takes it again */
    qctx_precision precision;
    int64_t scalar_count; /* learned numbers behind the head's: the logarithm of the logit scale, and with 2 the bias */
    float *parameters;    /* [qctx_head_parameter_count + scalar_count] */
    qctx_optimizer_state optimizer; /* count 0 where absent */
} qctx_checkpoint;

/* Writes under `path`, durably. Rank 0 writes, all agree. Collective. Errors: IO. */
qctx_status qctx_checkpoint_write(qctx_comm *comm, const char *path, const qctx_checkpoint *checkpoint,
                                  qctx_error *error);

/*
 * Reads on every rank. Collective. Errors: IO, FORMAT (not a checkpoint, unknown version, wrong shapes), DATA
 * (checksum, values that are not finite).
 */
qctx_status qctx_checkpoint_read(qctx_comm *comm, const char *path, qctx_checkpoint *checkpoint, qctx_error *error);
void qctx_checkpoint_free(qctx_checkpoint *checkpoint);

/* A hash of the parameters and the optimiser's state: two runs that did the same, bit for bit, have the same. Local. */
uint64_t qctx_checkpoint_checksum(const qctx_checkpoint *checkpoint);

/* Whether `path` is an HDF5 file with the checkpoint schema. Local. */
bool qctx_checkpoint_is(const char *path);

#endif
