/*
 * How a step is carried out: the scheme of the loss, the precision, what is kept and what is computed again. The
 * planner makes it; the stepper follows it.
 */
#ifndef QCTX_TRAINING_PLAN_H
#define QCTX_TRAINING_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/linalg/product.h"
#include "qctx/model/loss.h"
#include "qctx/platform/comm.h"

typedef struct {
    qctx_similarity scheme;
    qctx_precision precision;
    int64_t leaves;     /* 0, or of a reproducible run */
    int64_t keep_bytes; /* of scores kept between the passes of the loss */
    int64_t micro_rows; /* rows of this rank that go through the head at a time; fewer than it holds means that the head
                           is computed again in the backward pass (GradCache, Gao et al. 2021) */
    bool recovers;      /* loss.recovery: its gradient waits beside the projected rows */
    bool split_step;    /* each rank steps its part of the parameters only: reduce-scatter, step, all-gather */
    int64_t memory;     /* bytes of a rank's step, as far as they can be foreseen */
    int64_t limit;      /* what they were held against */
    char reason[512];   /* one line for the log */
    char warning[256];  /* one more, or "": why another run may not have the same bits */
} qctx_plan;

/* The rows of the global batch that fall to this rank under a plan. Local. */
void qctx_plan_rows(const qctx_comm *comm, const qctx_plan *plan, int64_t batch, int64_t *first, int64_t *rows);

/* The rows of rank `rank` of `ranks`, and those of rank 0, which has the most. Local. */
void qctx_plan_share(const qctx_plan *plan, int64_t batch, int rank, int ranks, int64_t *first, int64_t *rows);
int64_t qctx_plan_most_rows(const qctx_plan *plan, int64_t batch, int ranks);

/* What the lists of a teacher can come to in a step: the longest, and the different contexts in all of them. */
typedef struct {
    int64_t longest;
    int64_t distinct;
} qctx_plan_lists;

/* The most rows of a leaf of a rank with `rows` rows. Local. */
int64_t qctx_plan_leaf_rows(const qctx_plan *plan, int64_t rows, int ranks);

/* The most scored contexts that go through the head for the lists of a rank's `rows` questions: each once for the rank
 * or, in a reproducible run, for each of its leaves. Local. */
int64_t qctx_plan_most_scored(const qctx_plan *plan, qctx_plan_lists lists, int64_t rows, int ranks);

/* The loss of a step under a plan, of what a run asks for. Local. */
qctx_loss_config qctx_plan_loss(const qctx_plan *plan, qctx_loss_kind kind, qctx_loss_direction direction,
                                bool normalize);

#endif
