/*
 * Measures heads beside no head, in training and after it: the tuning questions choose (epoch and strength), the
 * evaluation sources report, and guards among them limit the choice: a head that loses on one of them, by the 95%
 * interval of its paired difference to no head in any metric, is not chosen. No head is measured once, at the start,
 * and stands beside every head.
 *
 * Without tuning questions the evaluation sources choose too; without either nothing is chosen and the last epoch
 * stands (at strength 0 where eval.caution asks for proof of a gain).
 *
 * Tuning questions that are few, or that no head finds nearly all of, tell heads apart only among more candidates than
 * their pools have: then all contexts of their corpus are candidates of the choice, though not of the report.
 */
#ifndef QCTX_EVALUATION_EVALUATOR_H
#define QCTX_EVALUATION_EVALUATOR_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/config/config.h"
#include "qctx/evaluation/evaluate.h"
#include "qctx/evaluation/metrics.h"
#include "qctx/evaluation/novelty.h"
#include "qctx/platform/comm.h"
#include "qctx/retrieval/projector.h"

typedef struct qctx_evaluator qctx_evaluator;

/* Questions under the name that tables call them by; NULL for those that only choose. */
typedef struct {
    const char *name;
    qctx_eval_set set;
    const unsigned char *classes; /* how new each question is, a qctx_novelty_class; or NULL */
    bool guard;                   /* of a source: limits the choice, and takes no other part in it */
} qctx_named_set;

/* Whether the tuning questions are held against all contexts of their corpus where eval.candidates says pools. */
typedef enum {
    QCTX_WIDEN_NEVER,
    QCTX_WIDEN_BY_NEED, /* where they fill no pool or no head reaches 0.9, unless the corpus is larger than 50,000 */
    QCTX_WIDEN_ALWAYS
} qctx_widening;

/* What a head reaches on the choosing questions, at the strength that does best there. */
typedef struct {
    double strength;
    double means[QCTX_METRIC_COUNT];
    double doubt; /* the standard error of the gain over no head in eval.metric; infinite for a single question */
} qctx_choice;

/* What a guard does to a choice. */
typedef struct {
    int64_t guard;            /* the source on which the choice without guards loses; -1: none */
    qctx_metric metric;       /* in which */
    qctx_interval difference; /* by how much */
    qctx_choice without;      /* the choice without guards, in any case */
} qctx_limit;

/*
 * Measures no head on all questions: tuning [tuning_count] chooses, sources [source_count] reports, guards last.
 * Borrows the config and what the sets borrow; says in the log why the choice was widened. Collective. The caller
 * destroys it (NULL-safe). Errors: those of qctx_evaluate.
 */
qctx_status qctx_evaluator_create(qctx_comm *comm, const qctx_config *config, const qctx_named_set *tuning,
                                  int64_t tuning_count, const qctx_named_set *sources, int64_t source_count,
                                  const qctx_projector *no_head, qctx_widening widening, qctx_evaluator **created,
                                  qctx_error *error);
void qctx_evaluator_destroy(qctx_evaluator *evaluator);

/* How questions are evaluated: eval.candidates, eval.order and eval.pool. Local. */
qctx_protocol qctx_evaluator_protocol(const qctx_evaluator *evaluator);

/* Whether the choice was widened. Local. */
bool qctx_evaluator_is_widened(const qctx_evaluator *evaluator);

/* Whether there is anything to choose by, and how many questions. Local. */
bool qctx_evaluator_can_choose(const qctx_evaluator *evaluator);
int64_t qctx_evaluator_choosing_questions(const qctx_evaluator *evaluator);

/* What no head reaches on the choosing questions. Local. */
qctx_choice qctx_evaluator_no_head(const qctx_evaluator *evaluator);

/* The merit of a choice by eval.metric. Local. */
qctx_merit qctx_evaluator_merit(const qctx_evaluator *evaluator, const qctx_choice *choice);

/*
 * The strength among strengths[count], at most QCTX_STRENGTHS_MAX, at which the projector's head has the most merit on
 * the choosing questions (the first of equals), eval.caution times its doubt subtracted, without losing on a guard, and
 * what it reaches there; strength 0, which is no head, where it loses at all of them. Heads that are not residual have
 * one strength, 1. Collective. Errors: those of qctx_evaluate and qctx_metrics_compare.
 */
enum { QCTX_STRENGTHS_MAX = 16 };
qctx_status qctx_evaluator_choose(qctx_evaluator *evaluator, const qctx_projector *head, const double *strengths,
                                  int64_t count, qctx_choice *choice, qctx_limit *limit, qctx_error *error);

/* Evaluation sources: how many, and what tables call them. Local. */
int64_t qctx_evaluator_source_count(const qctx_evaluator *evaluator);
const char *qctx_evaluator_source_name(const qctx_evaluator *evaluator, int64_t source);
bool qctx_evaluator_is_guard(const qctx_evaluator *evaluator, int64_t source);
bool qctx_evaluator_has_guards(const qctx_evaluator *evaluator);

/* The comparison of no head with a head on one source. Collective. Errors: those of qctx_evaluate. */
qctx_status qctx_evaluator_compare(qctx_evaluator *evaluator, int64_t source, const qctx_projector *head,
                                   qctx_comparison *comparison, qctx_error *error);

/*
 * The last comparison on a source, for questions of known contexts and for others apart; no counts where it is not
 * known which these are. Collective. Errors: MEMORY.
 */
qctx_status qctx_evaluator_compare_apart(qctx_evaluator *evaluator, int64_t source, qctx_novelty *novelty,
                                         qctx_error *error);

/* The figures of no head alone on one source, for both sides of a comparison. Collective. Errors: MEMORY. */
qctx_status qctx_evaluator_measure_alone(qctx_evaluator *evaluator, int64_t source, qctx_comparison *comparison,
                                         qctx_error *error);

/*
 * The positions that stand behind the last comparison on a source, as qctx_evaluate gives them: of no head, and of the
 * head. Borrowed until the next one. Local.
 */
const int64_t *qctx_evaluator_no_head_positions(const qctx_evaluator *evaluator, int64_t source);
const int64_t *qctx_evaluator_head_positions(const qctx_evaluator *evaluator, int64_t source);

#endif
