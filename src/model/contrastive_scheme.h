/*
 * What a scheme of the contrastive loss is, and what all of them need: who holds which rows of the batch, and the
 * result from the ranks' parts. The algebra stands in docs/contrastive-loss.md.
 */
#ifndef QCTX_MODEL_CONTRASTIVE_SCHEME_H
#define QCTX_MODEL_CONTRASTIVE_SCHEME_H

#include "qctx/base/status.h"
#include "qctx/model/loss.h"
#include "qctx/platform/comm.h"

/* What a scheme needs memory for. */
typedef struct {
    qctx_loss_config config;
    int ranks;
    int64_t rows;  /* most of this rank */
    int64_t batch; /* most of all ranks */
    int64_t dim;
} loss_sizes;

/* One way to share the work; `state` is its own. The functions do what those of qctx/model/contrastive.h of the same
 * name do. */
typedef struct {
    qctx_status (*create)(qctx_comm *comm, const loss_sizes *sizes, void **state, qctx_error *error); /* Local */
    void (*offer)(void *state, const float *c, const qctx_loss_batch *batch);                         /* Collective */
    void (*step)(void *state, const float *q, const float *c, const qctx_loss_batch *batch, qctx_loss_scale scale,
                 float *dq, float *dc, qctx_loss_result *result); /* Collective */
    void (*destroy)(void *state);                                 /* Local, NULL-safe */
    int64_t (*memory)(const loss_sizes *sizes);                   /* Local */
    double (*flops)(const loss_sizes *sizes);                     /* Local; rows and batch are those of the step */
} loss_scheme;

/* Who holds which rows of the batch at hand. */
typedef struct {
    int64_t *counts; /* rows of each rank */
    int64_t batch;   /* B */
    int64_t first;   /* this rank's first row in it */
    int64_t rows;    /* this rank's rows, b */
} loss_place;

/* Finds the place of this rank's rows. Collective. */
void loss_place_rows(qctx_comm *comm, int64_t rows, loss_place *place);

/* Lanes of the one reduction at the end of a step: each rank's part. */
enum { LOSS_LANE_SUM, LOSS_LANE_SCALE, LOSS_LANE_BIAS, LOSS_LANE_WINS, LOSS_LANE_NOT_FINITE, LOSS_LANES };

/* The result from the summed lanes; L is `mean` times the sum. Local. */
qctx_loss_result loss_result(const double *lanes, double mean, int64_t batch);

#endif
