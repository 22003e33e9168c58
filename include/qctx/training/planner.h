/*
 * Makes the plan of a step, once before the first one, from the sizes, the limits and the measured rates; written to
 * the log with the reason.
 *
 * What is chosen never depends on a measurement that another run could find different by noise alone: schemes are
 * ranked by counts of operations and bytes, and the measured rates only foretell the time (and choose the precision
 * where that is left to them: a gap that no noise closes). A choice made once is kept when a run is resumed. Memory
 * decides what is kept; that changes no bit, but for micro_rows.
 */
#ifndef QCTX_TRAINING_PLANNER_H
#define QCTX_TRAINING_PLANNER_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/config/config.h"
#include "qctx/model/head.h"
#include "qctx/model/loss.h"
#include "qctx/platform/comm.h"
#include "qctx/training/plan.h"

/* What a run asks for. */
typedef struct {
    qctx_head_config head;
    qctx_loss_kind kind;
    qctx_loss_direction direction;
    bool normalize;
    bool recovers;              /* loss.recovery is above 0 */
    int64_t batch;              /* B */
    int64_t extras;             /* most contexts of a step beside those of the batch, over all ranks */
    bool listed;                /* these are negatives that questions list, not the corpus */
    qctx_plan_lists lists;      /* a teacher's; zeros: none */
    qctx_similarity similarity; /* AUTO: the plan chooses */
    qctx_precision precision;   /* AUTO: bfloat16 where it is native and measured faster */
    bool reproducible;
    int64_t memory; /* bytes a rank may use for a step; 0: its share of what the node has free */
    bool resumed;   /* batch and similarity are those of a run that goes on: no refusal says to change them */
} qctx_plan_request;

/* What a configuration asks for, for a head of it. Local. */
qctx_plan_request qctx_plan_request_of(const qctx_config *config, const qctx_head_config *head);

/* What a rank and its network do in a second; the slowest of the ranks counts. */
typedef struct {
    double flops[2];  /* operations of products in float32 and in bfloat16; 0 where some rank has no instructions */
    double latency;   /* seconds of a short message from rank to rank */
    double bandwidth; /* bytes into a rank while all ranks receive; infinite for one rank, and its latency is 0 */
} qctx_plan_rates;

/* Measures the rates of this job in about a tenth of a second; bfloat16 only if asked to. Collective. */
qctx_plan_rates qctx_plan_measure(qctx_comm *comm, bool with_bfloat16);

/* What a step costs the rank with the most rows. */
typedef struct {
    double flops;    /* of its products, recomputed ones included */
    double bytes;    /* received from other ranks */
    double messages; /* one after another */
    double computing;
    double communicating; /* seconds, were nothing hidden */
    double hidden;        /* of these, as many as are assumed to pass beneath products: at most
                             QCTX_PLAN_HIDDEN of what the bytes take, and no more than computing takes */
    double seconds;       /* computing + communicating − hidden */
    int64_t memory;
} qctx_plan_cost;

/*
 * The share of the bytes' time that can pass beneath products: all is exchanged that way but the sums over the columns
 * and the last bucket of the head's gradient.
 */
#define QCTX_PLAN_HIDDEN 0.8

/*
 * The cost of a step under a plan on `ranks` ranks, of any number: a model for this job and on paper. Products count at
 * the measured rate, passes over memory count nothing. Local.
 */
qctx_plan_cost qctx_plan_cost_of(const qctx_plan_request *request, const qctx_plan *plan, int ranks,
                                 const qctx_plan_rates *rates);

/*
 * The plan of a request with a known precision (not AUTO) for any number of ranks with `limit` bytes each, without
 * reason: of the schemes that it may take, the one with the fewest operations of those that fit; of equals, the one
 * with the fewest bytes to exchange. A function of its arguments alone. Local. Errors: as qctx_plan_make.
 */
qctx_status qctx_plan_choose(const qctx_plan_request *request, int ranks, int64_t limit, qctx_plan *plan,
                             qctx_error *error);

/*
 * Measures, chooses and explains. The same plan on all ranks. Collective. Errors: CONFIG or MISMATCH, with what would
 * work, for what cannot: a memory limit below the least, more ranks than rows, ring with shards of one row, a scheme
 * that the loss or the mode does not know, bfloat16 on a CPU or in a build without it; MEMORY where no limit is given
 * and the node has not enough.
 */
qctx_status qctx_plan_make(qctx_comm *comm, const qctx_plan_request *request, qctx_plan *plan, qctx_error *error);

#endif
