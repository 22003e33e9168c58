/* What the schemes of the contrastive loss share: the table that finds them, who holds which rows of the batch, and the
 * way back through the normalisation. The algebra stands in docs/contrastive-loss.md. */
#ifndef QCTX_MODEL_CONTRASTIVE_INTERNAL_H
#define QCTX_MODEL_CONTRASTIVE_INTERNAL_H

#include "qctx/model/contrastive.h"

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

extern const loss_scheme loss_scheme_full;
extern const loss_scheme loss_scheme_rows;
extern const loss_scheme loss_scheme_ring;

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

/* sum [count] += part. Local. */
void loss_add(const float *part, int64_t count, float *sum);

/*
 * The way back through loss_normalize: with g = factor·dx, along[i] = x̂·g and dx = (g − along·x̂)/‖x‖, or g without
 * `normalize`. unit [rows, dim] is x̂ in `precision`, inverse [rows] 1/‖x‖. Returns whether all is finite. Local.
 */
bool loss_normalize_back(qctx_precision precision, const void *unit, const double *inverse, int64_t rows, int64_t dim,
                         bool normalize, double factor, float *dx, double *along);

#endif
