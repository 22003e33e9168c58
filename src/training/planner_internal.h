/*
 * What the files of the planner share: planner.c (the whole) calls planner_report.c (words and refusals), this
 * planner_choose.c (the best plan within a limit), and this planner_cost.c (memory, operations, rates).
 */
#ifndef QCTX_TRAINING_PLANNER_INTERNAL_H
#define QCTX_TRAINING_PLANNER_INTERNAL_H

#include "qctx/training/planner.h"

/* More than any machine has, where nobody can tell what it has. */
#define PLANNER_NO_LIMIT (INT64_C(1) << 60)

/* planner_cost.c. All Local. */
/* Bytes of a rank's step under a plan, keep_bytes included as far as they are used. */
int64_t planner_memory(const qctx_plan_request *request, const qctx_plan *plan, int ranks);

/* Bytes of the scores that the loss keeps between its passes where `left` bytes are left; 0 of a scheme without. */
int64_t planner_scores(const qctx_plan_request *request, const qctx_plan *plan, int ranks, int64_t left);

/* The most rows of a rank that go through the head's larger side in a step. */
int64_t planner_most_rows(const qctx_plan_request *request, const qctx_plan *plan, int ranks);

/* planner_choose.c. All Local. */
/* Whether a loss or a scheme is computed in float32 alone, whatever the machine has. */
bool planner_only_float32(const qctx_plan_request *request);
/* Finds the best plan within `limit`; false where none fits: then `plan` is the one that needs the least. */
bool planner_fit(const qctx_plan_request *request, int ranks, int64_t limit, qctx_plan *plan);

/* planner_report.c. All Local. */
/* Writes plan->reason and plan->warning. */
void planner_explain(const qctx_plan_request *request, int ranks, const qctx_plan_rates *rates, qctx_plan *plan);
/* Refuses what no plan can do, whatever the memory: too few rows for the ranks. Errors: MISMATCH. */
qctx_status planner_check_ranks(const qctx_plan_request *request, int ranks, qctx_error *error);
/* Fails for a step of which `least` is the plan that needs the least memory, and says what would fit. */
qctx_status planner_refuse_memory(const qctx_plan_request *request, int ranks, int64_t limit, const qctx_plan *least,
                                  qctx_error *error);

#endif
