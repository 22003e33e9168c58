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
    int64_t rows;         /* most of this rank */
    int64_t batch;        /* most of all ranks */
    int64_t extras;       /* most of this rank */
    int64_t batch_extras; /* most of all ranks */
    int64_t dim;
} loss_sizes;

/* Contexts of this rank, and of all ranks. Local. */
static inline int64_t loss_own_contexts(const loss_sizes *sizes)
{
    return sizes->rows + sizes->extras;
}

static inline int64_t loss_contexts(const loss_sizes *sizes)
{
    return sizes->batch + sizes->batch_extras;
}

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

/*
 * Who holds which rows of the batch at hand, and which extras. The columns of S are the paired contexts of all ranks,
 * then their extras.
 */
typedef struct {
    int64_t *counts; /* rows of each rank */
    int64_t batch;   /* B */
    int64_t first;   /* this rank's first row in it */
    int64_t rows;    /* this rank's rows, b */

    int64_t *extra_counts; /* extras of each rank */
    int64_t columns;       /* B + E */
    int64_t first_extra;   /* this rank's first extra, a column: ≥ B */
    int64_t extras;        /* this rank's extras, e */
} loss_place;

/* Finds the place of this rank's rows, and of its extras where there may be any. Collective. */
void loss_place_rows(qctx_comm *comm, const qctx_loss_batch *batch, bool with_extras, loss_place *place);

/* The row of this rank's contexts, paired ones and then extras, that stands in a column of S. Local. */
static inline int64_t loss_place_home(const loss_place *place, int64_t column)
{
    return column < place->batch ? column - place->first : place->rows + column - place->first_extra;
}

/* Lanes of the one reduction at the end of a step: each rank's part. */
enum { LOSS_LANE_SUM, LOSS_LANE_SCALE, LOSS_LANE_BIAS, LOSS_LANE_WINS, LOSS_LANE_NOT_FINITE, LOSS_LANES };

/* The result of a batch of no rows; clears dc [extras, dim]. Local. */
qctx_loss_result loss_nothing(const loss_place *place, int64_t dim, float *dc);

/* The result from the summed lanes; L is `mean` times the sum. Local. */
qctx_loss_result loss_result(const double *lanes, double mean, int64_t batch);

#endif
