#include "qctx/engine/judge.h"

#include <stdlib.h>

#include "qctx/base/mem.h"
#include "qctx/engine/evaluate.h"

/* One set of questions with the figures of no head. */
typedef struct {
    qctx_named_set of;
    double *no_head; /* [count, QCTX_FIGURE_COUNT] */
} judged_set;

struct qctx_judge {
    qctx_comm *comm;
    const qctx_config *config;
    qctx_protocol protocol;
    int64_t tuning_count;
    judged_set *tuning;
    int64_t source_count;
    judged_set *sources;
};

static const qctx_figure figure_of_metric[] = {
    [QCTX_METRIC_TOP1] = QCTX_FIGURE_TOP1,   [QCTX_METRIC_TOP5] = QCTX_FIGURE_TOP5,
    [QCTX_METRIC_TOP10] = QCTX_FIGURE_TOP10, [QCTX_METRIC_MRR] = QCTX_FIGURE_MRR,
    [QCTX_METRIC_NDCG] = QCTX_FIGURE_NDCG,
};

qctx_figure qctx_judge_figure(qctx_metric metric)
{
    return figure_of_metric[metric];
}

/* Figures per question, freshly allocated on every rank. */
static qctx_status measure(qctx_judge *judge, const qctx_eval_set *set, const qctx_projector *projector,
                           double **values, qctx_error *error)
{
    int64_t *positions = qctx_alloc(set->offsets[set->count], sizeof *positions, "positions", error);
    qctx_status status;

    *values = qctx_alloc(set->count * QCTX_FIGURE_COUNT, sizeof **values, "figures", error);
    status = qctx_agree(judge->comm, positions == NULL || *values == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);
    if (status == QCTX_OK)
        status = qctx_evaluate(judge->comm, set, projector, &judge->protocol, positions, error);
    if (status == QCTX_OK)
        qctx_metrics_of(positions, set->offsets, set->count, *values);
    free(positions);
    if (status != QCTX_OK) {
        free(*values);
        *values = NULL;
    }
    return status;
}

static qctx_status allocate(qctx_judge **created, int64_t tuning_count, int64_t source_count, qctx_error *error)
{
    qctx_judge *judge = qctx_alloc(1, sizeof *judge, "the evaluation", error);

    if (judge == NULL)
        return QCTX_ERR_MEMORY;
    *created = judge;
    judge->tuning = qctx_alloc(tuning_count, sizeof *judge->tuning, "the evaluation", error);
    judge->sources = qctx_alloc(source_count, sizeof *judge->sources, "the evaluation", error);
    return judge->tuning == NULL || judge->sources == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
}

/* Takes the sets over with the figures of no head. Collective. */
static qctx_status measure_no_head(qctx_judge *judge, const qctx_named_set *sets, int64_t count,
                                   const qctx_projector *no_head, judged_set *judged, int64_t *judged_count,
                                   qctx_error *error)
{
    qctx_status status = QCTX_OK;

    for (int64_t i = 0; i < count && status == QCTX_OK; i++) {
        judged_set *set = &judged[(*judged_count)++];

        set->of = sets[i];
        status = measure(judge, &set->of.set, no_head, &set->no_head, error);
    }
    return status;
}

qctx_status qctx_judge_create(qctx_comm *comm, const qctx_config *config, const qctx_named_set *tuning,
                              int64_t tuning_count, const qctx_named_set *sources, int64_t source_count,
                              const qctx_projector *no_head, qctx_judge **created, qctx_error *error)
{
    qctx_judge *judge = NULL;
    qctx_status status = qctx_agree(comm, allocate(&judge, tuning_count, source_count, error), error);

    if (status != QCTX_OK)
        goto out;
    judge->comm = comm;
    judge->config = config;
    judge->protocol = (qctx_protocol){config->eval.candidates, config->eval.order, config->eval.pool,
                                      (uint64_t)config->run.seed, QCTX_PRECISION_AUTO};
    status = measure_no_head(judge, tuning, tuning_count, no_head, judge->tuning, &judge->tuning_count, error);
    if (status == QCTX_OK)
        status = measure_no_head(judge, sources, source_count, no_head, judge->sources, &judge->source_count, error);
    if (status != QCTX_OK)
        goto out;
    *created = judge;
    judge = NULL;
out:
    qctx_judge_destroy(judge);
    return status;
}

void qctx_judge_destroy(qctx_judge *judge)
{
    if (judge == NULL)
        return;
    for (int64_t t = 0; t < judge->tuning_count; t++)
        free(judge->tuning[t].no_head);
    for (int64_t s = 0; s < judge->source_count; s++)
        free(judge->sources[s].no_head);
    free(judge->tuning);
    free(judge->sources);
    free(judge);
}

static const judged_set *choosing_sets(const qctx_judge *judge, int64_t *count)
{
    *count = judge->tuning_count > 0 ? judge->tuning_count : judge->source_count;
    return judge->tuning_count > 0 ? judge->tuning : judge->sources;
}

qctx_protocol qctx_judge_protocol(const qctx_judge *judge)
{
    return judge->protocol;
}

bool qctx_judge_can_choose(const qctx_judge *judge)
{
    return judge->tuning_count + judge->source_count > 0;
}

int64_t qctx_judge_choosing_questions(const qctx_judge *judge)
{
    int64_t count, questions = 0;
    const judged_set *sets = choosing_sets(judge, &count);

    for (int64_t i = 0; i < count; i++)
        questions += sets[i].of.set.count;
    return questions;
}

const char *qctx_judge_metric_name(const qctx_judge *judge)
{
    return qctx_figure_name(qctx_judge_figure(judge->config->eval.metric));
}

double qctx_judge_no_head(const qctx_judge *judge)
{
    qctx_figure figure = qctx_judge_figure(judge->config->eval.metric);
    int64_t count;
    const judged_set *sets = choosing_sets(judge, &count);
    double sum = 0;

    for (int64_t i = 0; i < count; i++)
        sum += qctx_metrics_mean(sets[i].no_head, sets[i].of.set.count, figure) * (double)sets[i].of.set.count;
    return sum / (double)qctx_judge_choosing_questions(judge);
}

/* The chosen metric of one projector over all choosing questions. */
static qctx_status metric_of(qctx_judge *judge, const qctx_projector *projector, double *metric, qctx_error *error)
{
    qctx_figure figure = qctx_judge_figure(judge->config->eval.metric);
    int64_t count;
    const judged_set *sets = choosing_sets(judge, &count);
    double sum = 0;

    for (int64_t i = 0; i < count; i++) {
        double *values = NULL;
        qctx_status status = measure(judge, &sets[i].of.set, projector, &values, error);

        if (status != QCTX_OK)
            return status;
        sum += qctx_metrics_mean(values, sets[i].of.set.count, figure) * (double)sets[i].of.set.count;
        free(values);
    }
    *metric = sum / (double)qctx_judge_choosing_questions(judge);
    return QCTX_OK;
}

qctx_status qctx_judge_choose(qctx_judge *judge, const qctx_projector *head, const double *strengths, int64_t count,
                              double *strength, double *metric, qctx_error *error)
{
    bool residual = head->head != NULL && head->head->form == QCTX_HEAD_RESIDUAL;

    for (int64_t i = 0; i < (residual ? count : 1); i++) {
        qctx_projector tried = *head;
        double reached;
        qctx_status status;

        tried.strength = residual ? strengths[i] : 1.0;
        status = metric_of(judge, &tried, &reached, error);
        if (status != QCTX_OK)
            return status;
        if (i == 0 || reached > *metric) {
            *metric = reached;
            *strength = tried.strength;
        }
    }
    return QCTX_OK;
}

int64_t qctx_judge_source_count(const qctx_judge *judge)
{
    return judge->source_count;
}

const char *qctx_judge_source_name(const qctx_judge *judge, int64_t source)
{
    return judge->sources[source].of.name;
}

qctx_status qctx_judge_compare(qctx_judge *judge, int64_t source, const qctx_projector *head,
                               qctx_comparison *comparison, qctx_error *error)
{
    const judged_set *set = &judge->sources[source];
    double *values = NULL;
    qctx_status status = measure(judge, &set->of.set, head, &values, error);

    if (status == QCTX_OK)
        status =
            qctx_metrics_compare(judge->comm, set->no_head, values, set->of.set.count, judge->config->eval.bootstrap,
                                 (uint64_t)judge->config->run.seed, comparison, error);
    free(values);
    return status;
}
