#include "qctx/evaluation/evaluator.h"

#include <stdlib.h>

#include "qctx/base/mem.h"
#include "qctx/evaluation/evaluate.h"

/* How one projector does on a set. */
typedef struct {
    int64_t *positions; /* [answers] */
    double *values;     /* [count, QCTX_METRIC_COUNT] */
} evaluated_outcome;

typedef struct {
    qctx_named_set of;
    evaluated_outcome no_head;
    evaluated_outcome head; /* the last one that was measured */
} evaluated_set;

struct qctx_evaluator {
    qctx_comm *comm;
    const qctx_config *config;
    qctx_protocol protocol;
    int64_t tuning_count;
    evaluated_set *tuning;
    int64_t source_count;
    evaluated_set *sources;
};

static qctx_status allocate_outcome(const qctx_eval_set *set, evaluated_outcome *outcome, qctx_error *error)
{
    outcome->positions = qctx_alloc(set->offsets[set->count], sizeof *outcome->positions, "positions", error);
    outcome->values = qctx_alloc(set->count * QCTX_METRIC_COUNT, sizeof *outcome->values, "figures", error);
    return outcome->positions == NULL || outcome->values == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
}

/* Collective. */
static qctx_status measure(qctx_evaluator *evaluator, const qctx_eval_set *set, const qctx_projector *projector,
                           evaluated_outcome *outcome, qctx_error *error)
{
    qctx_status status =
        qctx_evaluate(evaluator->comm, set, projector, &evaluator->protocol, outcome->positions, error);

    if (status == QCTX_OK)
        qctx_metrics_of(outcome->positions, set->offsets, set->count, outcome->values);
    return status;
}

static qctx_status allocate(qctx_evaluator **created, int64_t tuning_count, int64_t source_count, qctx_error *error)
{
    qctx_evaluator *evaluator = qctx_alloc(1, sizeof *evaluator, "the evaluation", error);

    if (evaluator == NULL)
        return QCTX_ERR_MEMORY;
    *created = evaluator;
    evaluator->tuning = qctx_alloc(tuning_count, sizeof *evaluator->tuning, "the evaluation", error);
    evaluator->sources = qctx_alloc(source_count, sizeof *evaluator->sources, "the evaluation", error);
    return evaluator->tuning == NULL || evaluator->sources == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
}

/* Takes the sets over and measures no head on them. Collective. */
static qctx_status measure_no_head(qctx_evaluator *evaluator, const qctx_named_set *sets, int64_t count,
                                   const qctx_projector *no_head, evaluated_set *evaluated, int64_t *evaluated_count,
                                   qctx_error *error)
{
    qctx_status status = QCTX_OK;

    for (int64_t i = 0; i < count && status == QCTX_OK; i++) {
        evaluated_set *set = &evaluated[(*evaluated_count)++];

        set->of = sets[i];
        status = allocate_outcome(&set->of.set, &set->no_head, error);
        if (status == QCTX_OK)
            status = allocate_outcome(&set->of.set, &set->head, error);
        status = qctx_agree(evaluator->comm, status, error);
        if (status == QCTX_OK)
            status = measure(evaluator, &set->of.set, no_head, &set->no_head, error);
    }
    return status;
}

qctx_status qctx_evaluator_create(qctx_comm *comm, const qctx_config *config, const qctx_named_set *tuning,
                                  int64_t tuning_count, const qctx_named_set *sources, int64_t source_count,
                                  const qctx_projector *no_head, qctx_evaluator **created, qctx_error *error)
{
    qctx_evaluator *evaluator = NULL;
    qctx_status status = qctx_agree(comm, allocate(&evaluator, tuning_count, source_count, error), error);

    if (status != QCTX_OK)
        goto out;
    evaluator->comm = comm;
    evaluator->config = config;
    evaluator->protocol = qctx_protocol_of(config);
    status =
        measure_no_head(evaluator, tuning, tuning_count, no_head, evaluator->tuning, &evaluator->tuning_count, error);
    if (status == QCTX_OK)
        status = measure_no_head(evaluator, sources, source_count, no_head, evaluator->sources,
                                 &evaluator->source_count, error);
    if (status != QCTX_OK)
        goto out;
    *created = evaluator;
    evaluator = NULL;
out:
    qctx_evaluator_destroy(evaluator);
    return status;
}

static void free_sets(evaluated_set *sets, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        free(sets[i].no_head.positions);
        free(sets[i].no_head.values);
        free(sets[i].head.positions);
        free(sets[i].head.values);
    }
    free(sets);
}

void qctx_evaluator_destroy(qctx_evaluator *evaluator)
{
    if (evaluator == NULL)
        return;
    free_sets(evaluator->tuning, evaluator->tuning_count);
    free_sets(evaluator->sources, evaluator->source_count);
    free(evaluator);
}

static evaluated_set *choosing_sets(const qctx_evaluator *evaluator, int64_t *count)
{
    *count = evaluator->tuning_count > 0 ? evaluator->tuning_count : evaluator->source_count;
    return evaluator->tuning_count > 0 ? evaluator->tuning : evaluator->sources;
}

qctx_protocol qctx_evaluator_protocol(const qctx_evaluator *evaluator)
{
    return evaluator->protocol;
}

bool qctx_evaluator_can_choose(const qctx_evaluator *evaluator)
{
    return evaluator->tuning_count + evaluator->source_count > 0;
}

int64_t qctx_evaluator_choosing_questions(const qctx_evaluator *evaluator)
{
    int64_t count, questions = 0;
    const evaluated_set *sets = choosing_sets(evaluator, &count);

    for (int64_t i = 0; i < count; i++)
        questions += sets[i].of.set.count;
    return questions;
}

/* The metric that chooses, over all choosing questions: of no head, or of the head measured last. */
static double choosing_metric(const qctx_evaluator *evaluator, bool of_head)
{
    const qctx_metric metric = evaluator->config->eval.metric;
    int64_t count;
    const evaluated_set *sets = choosing_sets(evaluator, &count);
    double sum = 0;

    for (int64_t i = 0; i < count; i++) {
        const double *values = of_head ? sets[i].head.values : sets[i].no_head.values;

        sum += qctx_metrics_mean(values, sets[i].of.set.count, metric) * (double)sets[i].of.set.count;
    }
    return sum / (double)qctx_evaluator_choosing_questions(evaluator);
}

double qctx_evaluator_no_head(const qctx_evaluator *evaluator)
{
    return choosing_metric(evaluator, false);
}

/* The chosen metric of one projector over all choosing questions. Collective. */
static qctx_status metric_of(qctx_evaluator *evaluator, const qctx_projector *projector, double *metric,
                             qctx_error *error)
{
    int64_t count;
    evaluated_set *sets = choosing_sets(evaluator, &count);

    for (int64_t i = 0; i < count; i++) {
        qctx_status status = measure(evaluator, &sets[i].of.set, projector, &sets[i].head, error);

        if (status != QCTX_OK)
            return status;
    }
    *metric = choosing_metric(evaluator, true);
    return QCTX_OK;
}

qctx_status qctx_evaluator_choose(qctx_evaluator *evaluator, const qctx_projector *head, const double *strengths,
                                  int64_t count, double *strength, double *metric, qctx_error *error)
{
    bool residual = head->head != NULL && head->head->form == QCTX_HEAD_RESIDUAL;

    for (int64_t i = 0; i < (residual ? count : 1); i++) {
        qctx_projector tried = *head;
        double reached;
        qctx_status status;

        tried.strength = residual ? strengths[i] : 1.0;
        status = metric_of(evaluator, &tried, &reached, error);
        if (status != QCTX_OK)
            return status;
        if (i == 0 || reached > *metric) {
            *metric = reached;
            *strength = tried.strength;
        }
    }
    return QCTX_OK;
}

int64_t qctx_evaluator_source_count(const qctx_evaluator *evaluator)
{
    return evaluator->source_count;
}

const char *qctx_evaluator_source_name(const qctx_evaluator *evaluator, int64_t source)
{
    return evaluator->sources[source].of.name;
}

qctx_status qctx_evaluator_compare(qctx_evaluator *evaluator, int64_t source, const qctx_projector *head,
                                   qctx_comparison *comparison, qctx_error *error)
{
    evaluated_set *set = &evaluator->sources[source];
    qctx_status status = measure(evaluator, &set->of.set, head, &set->head, error);

    if (status == QCTX_OK)
        status = qctx_metrics_compare(evaluator->comm, set->no_head.values, set->head.values, set->of.set.count,
                                      evaluator->config->eval.bootstrap, (uint64_t)evaluator->config->run.seed,
                                      comparison, error);
    return status;
}

const int64_t *qctx_evaluator_no_head_positions(const qctx_evaluator *evaluator, int64_t source)
{
    return evaluator->sources[source].no_head.positions;
}

const int64_t *qctx_evaluator_head_positions(const qctx_evaluator *evaluator, int64_t source)
{
    return evaluator->sources[source].head.positions;
}
