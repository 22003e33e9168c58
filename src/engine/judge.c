#include "qctx/engine/judge.h"

#include <stdlib.h>

#include "qctx/base/mem.h"
#include "qctx/engine/evaluate.h"

/* One set of questions with the figures of no head. */
typedef struct {
    const char *name;
    qctx_eval_set set;
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

static qctx_status allocate(qctx_judge **created, const qctx_opened *opened, const qctx_training_set *training,
                            qctx_error *error)
{
    qctx_judge *judge = qctx_alloc(1, sizeof *judge, "the evaluation", error);

    if (judge == NULL)
        return QCTX_ERR_MEMORY;
    *created = judge;
    judge->tuning = qctx_alloc(training->tuning_count, sizeof *judge->tuning, "the evaluation", error);
    judge->sources = qctx_alloc(opened->eval_count, sizeof *judge->sources, "the evaluation", error);
    return judge->tuning == NULL || judge->sources == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
}

qctx_status qctx_judge_create(qctx_comm *comm, const qctx_config *config, const qctx_opened *opened,
                              const qctx_training_set *training, const qctx_projector *no_head, qctx_judge **created,
                              qctx_error *error)
{
    qctx_judge *judge = NULL;
    qctx_status status = qctx_agree(comm, allocate(&judge, opened, training, error), error);

    if (status != QCTX_OK)
        goto out;
    judge->comm = comm;
    judge->config = config;
    judge->protocol = (qctx_protocol){config->eval.candidates, config->eval.order, config->eval.pool,
                                      (uint64_t)config->run.seed, QCTX_PRECISION_AUTO};
    for (int64_t t = 0; t < training->tuning_count && status == QCTX_OK; t++) {
        judged_set *set = &judge->tuning[judge->tuning_count++];

        set->set = training->tuning[t].set;
        status = measure(judge, &set->set, no_head, &set->no_head, error);
    }
    for (int64_t s = 0; s < opened->eval_count && status == QCTX_OK; s++) {
        judged_set *set = &judge->sources[judge->source_count++];

        set->name = opened->eval[s].name;
        set->set = qctx_source_questions(&opened->eval[s]);
        status = measure(judge, &set->set, no_head, &set->no_head, error);
    }
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
        questions += sets[i].set.count;
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
        sum += qctx_metrics_mean(sets[i].no_head, sets[i].set.count, figure) * (double)sets[i].set.count;
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
        qctx_status status = measure(judge, &sets[i].set, projector, &values, error);

        if (status != QCTX_OK)
            return status;
        sum += qctx_metrics_mean(values, sets[i].set.count, figure) * (double)sets[i].set.count;
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
    return judge->sources[source].name;
}

qctx_status qctx_judge_compare(qctx_judge *judge, int64_t source, const qctx_projector *head,
                               qctx_comparison *comparison, qctx_error *error)
{
    const judged_set *set = &judge->sources[source];
    double *values = NULL;
    qctx_status status = measure(judge, &set->set, head, &values, error);

    if (status == QCTX_OK)
        status = qctx_metrics_compare(judge->comm, set->no_head, values, set->set.count, judge->config->eval.bootstrap,
                                      (uint64_t)judge->config->run.seed, comparison, error);
    free(values);
    return status;
}
