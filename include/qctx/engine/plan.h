/*
 * How a step is carried out: the scheme of the loss, the precision, what is kept and what is computed again. Made once
 * before the first step from the sizes, the limits and the measured rates; written to the log with the reason.
 *
 * What is chosen never depends on a measurement that another run could find different by noise alone: the cost model
 * ranks schemes by counts that only the ratio of computing to communicating can reorder, and a choice made once is kept
 * when a run is resumed. Memory decides what is kept; that changes no bit, but for micro_rows.
 */
#ifndef QCTX_ENGINE_PLAN_H
#define QCTX_ENGINE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/model/contrastive.h"
#include "qctx/model/head.h"
#include "qctx/platform/comm.h"

/* What a run asks for. */
typedef struct {
    qctx_head_config head;
    qctx_loss_kind kind;
    qctx_loss_direction direction;
    bool normalize;
    int64_t batch;              /* B */
    qctx_similarity similarity; /* AUTO: the plan chooses */
    qctx_precision precision;   /* AUTO: bfloat16 where it is native and measured faster */
    bool reproducible;
    int64_t memory; /* bytes a rank may use for a step; 0: its share of what the node has free */
} qctx_plan_request;

typedef struct {
    qctx_similarity scheme;
    qctx_precision precision;
    int64_t leaves;     /* 0, or of a reproducible run */
    int64_t keep_bytes; /* of scores kept between the passes of the loss */
    int64_t micro_rows; /* rows of this rank that go through the head at a time; fewer than it holds means that the head
                           is computed again in the backward pass (GradCache, Gao et al. 2021) */
    bool split_step;    /* each rank steps its part of the parameters only: reduce-scatter, step, all-gather */
    int64_t memory;     /* bytes of a rank's step, as far as they can be foreseen */
    char reason[256];   /* one line for the log */
} qctx_plan;

/*
 * What a request asks for that nothing can give, whatever its sizes and the machine: the key of the configuration that
 * has to change, and why, with what would work. `key` is NULL where all is well. Local.
 */
typedef struct {
    const char *key;
    const char *reason;
} qctx_plan_conflict;

qctx_plan_conflict qctx_plan_check(qctx_loss_kind kind, qctx_similarity similarity, qctx_precision precision,
                                   bool reproducible);

/*
 * Collective. The same plan on all ranks. Errors: CONFIG or MISMATCH, with what would work, for what cannot: a memory
 * limit below the least, more ranks than rows, ring with shards of one row, a scheme that the loss or the mode does not
 * know, bfloat16 on a CPU or in a build without it.
 */
qctx_status qctx_plan_make(qctx_comm *comm, const qctx_plan_request *request, qctx_plan *plan, qctx_error *error);

/* The rows of the global batch that fall to this rank under a plan. Local. */
void qctx_plan_rows(const qctx_comm *comm, const qctx_plan *plan, int64_t batch, int64_t *first, int64_t *rows);

#endif
