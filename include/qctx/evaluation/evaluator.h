/*
 * Measures heads beside no head, in training and after it: the tuning questions choose (epoch and strength), the
 * evaluation sources report. No head is measured once, at the start, and stands beside every head.
 *
 * Without tuning questions the evaluation sources choose too; without either nothing is chosen and the last epoch
 * stands.
 */
#ifndef QCTX_EVALUATION_EVALUATOR_H
#define QCTX_EVALUATION_EVALUATOR_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/config/config.h"
#include "qctx/evaluation/evaluate.h"
#include "qctx/evaluation/metrics.h"
#include "qctx/platform/comm.h"
#include "qctx/retrieval/projector.h"

typedef struct qctx_evaluator qctx_evaluator;

/* Questions under the name that tables call them by; NULL for those that only choose. */
typedef struct {
    const char *name;
    qctx_eval_set set;
} qctx_named_set;

/*
 * Measures no head on all questions: tuning [tuning_count] chooses, sources [source_count] reports. Borrows the config
 * and what the sets borrow. Collective. The caller destroys it (NULL-safe). Errors: those of qctx_evaluate.
 */
qctx_status qctx_evaluator_create(qctx_comm *comm, const qctx_config *config, const qctx_named_set *tuning,
                                  int64_t tuning_count, const qctx_named_set *sources, int64_t source_count,
                                  const qctx_projector *no_head, qctx_evaluator **created, qctx_error *error);
void qctx_evaluator_destroy(qctx_evaluator *evaluator);

/* How questions are evaluated: eval.candidates, eval.order and eval.pool. Local. */
qctx_protocol qctx_evaluator_protocol(const qctx_evaluator *evaluator);

/* Whether there is anything to choose by, and how many questions. Local. */
bool qctx_evaluator_can_choose(const qctx_evaluator *evaluator);
int64_t qctx_evaluator_choosing_questions(const qctx_evaluator *evaluator);

/* The chosen metric of no head on the choosing questions. Local. */
double qctx_evaluator_no_head(const qctx_evaluator *evaluator);

/*
 * The strength among strengths[count] at which the projector's head does best on the choosing questions, by
 * eval.metric (the first of equals), and the metric there. Heads that are not residual have one strength, 1.
 * Collective. Errors: those of qctx_evaluate.
 */
qctx_status qctx_evaluator_choose(qctx_evaluator *evaluator, const qctx_projector *head, const double *strengths,
                                  int64_t count, double *strength, double *metric, qctx_error *error);

/* Evaluation sources: how many, and what tables call them. Local. */
int64_t qctx_evaluator_source_count(const qctx_evaluator *evaluator);
const char *qctx_evaluator_source_name(const qctx_evaluator *evaluator, int64_t source);

/* The comparison of no head with a head on one source. Collective. Errors: those of qctx_evaluate. */
qctx_status qctx_evaluator_compare(qctx_evaluator *evaluator, int64_t source, const qctx_projector *head,
                                   qctx_comparison *comparison, qctx_error *error);

/*
 * The positions that stand behind the last comparison on a source, as qctx_evaluate gives them: of no head, and of the
 * head. Borrowed until the next one. Local.
 */
const int64_t *qctx_evaluator_no_head_positions(const qctx_evaluator *evaluator, int64_t source);
const int64_t *qctx_evaluator_head_positions(const qctx_evaluator *evaluator, int64_t source);

#endif
