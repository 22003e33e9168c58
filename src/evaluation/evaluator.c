#include "qctx/evaluation/evaluator.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/evaluation/evaluate.h"
#include "qctx/evaluation/report.h"

/* What no head reaches where the tuning questions are too easy, and the largest corpus that all evaluations search. */
static const double saturated = 0.9;
enum { WIDENED_MOST = 50000 };

/* How one projector does on a set. */
typedef struct {
    int64_t *positions;  /* [answers] */
    int64_t *candidates; /* [count] */
    double *values;      /* [count, QCTX_METRIC_COUNT] */
} evaluated_outcome;

typedef struct {
    qctx_named_set of;
    evaluated_outcome no_head;
    evaluated_outcome head; /* the last one that was measured */
} evaluated_set;

struct qctx_evaluator {
    qctx_comm *comm;
    const qctx_config *config;
    qctx_protocol protocol; /* of the sources */
    qctx_protocol choosing; /* of the tuning questions */
    int64_t tuning_count;
    evaluated_set *tuning;
    int64_t source_count;
    int64_t guard_count; /* of these, the last ones */
    evaluated_set *sources;
};

static qctx_status allocate_outcome(const qctx_eval_set *set, evaluated_outcome *outcome, qctx_error *error)
{
    outcome->positions = qctx_alloc(set->offsets[set->count], sizeof *outcome->positions, "positions", error);
    outcome->candidates = qctx_alloc(set->count, sizeof *outcome->candidates, "counts of candidates", error);
    outcome->values = qctx_alloc(set->count * QCTX_METRIC_COUNT, sizeof *outcome->values, "figures", error);
    return outcome->positions == NULL || outcome->candidates == NULL || outcome->values == NULL ? QCTX_ERR_MEMORY
                                                                                                : QCTX_OK;
}

/* Which of several sets cannot be measured. */
static void name_set(const char *name, qctx_error *error)
{
    const qctx_error plain = *error;

    qctx_fail(error, plain.code, "%s: %-s", name, plain.message);
    if (plain.hint[0] != '\0')
        qctx_hint(error, "%-s", plain.hint);
}

/* Collective. */
static qctx_status measure(const qctx_evaluator *evaluator, const qctx_named_set *of, const qctx_protocol *protocol,
                           const qctx_projector *projector, evaluated_outcome *outcome, qctx_error *error)
{
    qctx_status status =
        qctx_evaluate(evaluator->comm, &of->set, projector, protocol, outcome->positions, outcome->candidates, error);

    if (status == QCTX_OK)
        qctx_metrics_of(&of->set, protocol, outcome->positions, outcome->candidates, outcome->values);
    else if (status == QCTX_ERR_DATA && error != NULL && of->name != NULL)
        name_set(of->name, error);
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
                                   const qctx_protocol *protocol, const qctx_projector *no_head,
                                   evaluated_set *evaluated, int64_t *evaluated_count, qctx_error *error)
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
            status = measure(evaluator, &set->of, protocol, no_head, &set->no_head, error);
    }
    return status;
}

static evaluated_set *choosing_sets(const qctx_evaluator *evaluator, int64_t *count)
{
    *count = evaluator->tuning_count > 0 ? evaluator->tuning_count : evaluator->source_count - evaluator->guard_count;
    return evaluator->tuning_count > 0 ? evaluator->tuning : evaluator->sources;
}

int64_t qctx_evaluator_choosing_questions(const qctx_evaluator *evaluator)
{
    int64_t count, questions = 0;
    const evaluated_set *sets = choosing_sets(evaluator, &count);

    for (int64_t i = 0; i < count; i++)
        questions += sets[i].of.set.count;
    return questions;
}

/* The means over all choosing questions: of no head, or of the head measured last. */
static void choosing_means(const qctx_evaluator *evaluator, bool of_head, double *means)
{
    const double questions = (double)qctx_evaluator_choosing_questions(evaluator);
    int64_t count;
    const evaluated_set *sets = choosing_sets(evaluator, &count);

    for (int m = 0; m < QCTX_METRIC_COUNT; m++) {
        double sum = 0;

        /* Not the sets' means, weighed: equal counts must make equal figures. */
        for (int64_t i = 0; i < count; i++) {
            const double *values = of_head ? sets[i].head.values : sets[i].no_head.values;

            for (int64_t q = 0; q < sets[i].of.set.count; q++)
                sum += values[q * QCTX_METRIC_COUNT + m];
        }
        means[m] = sum / questions;
    }
}

qctx_choice qctx_evaluator_no_head(const qctx_evaluator *evaluator)
{
    qctx_choice choice = {0};

    choosing_means(evaluator, false, choice.means);
    return choice;
}

qctx_merit qctx_evaluator_merit(const qctx_evaluator *evaluator, const qctx_choice *choice)
{
    return (qctx_merit){choice->means[evaluator->config->eval.metric], choice->means[QCTX_METRIC_MRR]};
}

/* The contexts of the tuning questions' corpora. */
static int64_t tuning_contexts(const qctx_evaluator *evaluator)
{
    int64_t contexts = 0;

    for (int64_t i = 0; i < evaluator->tuning_count; i++)
        contexts += evaluator->tuning[i].of.set.context_count;
    return contexts;
}

/* Whether the tuning questions can hardly tell heads apart within pools; says so. */
static bool needs_candidates(const qctx_evaluator *evaluator)
{
    const int64_t questions = qctx_evaluator_choosing_questions(evaluator), contexts = tuning_contexts(evaluator);
    const qctx_choice no_head = qctx_evaluator_no_head(evaluator);
    const double reached = qctx_evaluator_merit(evaluator, &no_head).metric;
    char why[128];

    if (reached >= saturated)
        snprintf(why, sizeof why, "without a head, %s is %.1f within pools already",
                 qctx_report_label(evaluator->config->eval.metric), 100.0 * reached);
    else if (questions < evaluator->protocol.pool)
        snprintf(why, sizeof why, "%lld held-out questions fill no pool of %lld", (long long)questions,
                 (long long)evaluator->protocol.pool);
    else
        return false;
    if (contexts > WIDENED_MOST) {
        qctx_info("%s, but the corpus is large: they stay in pools; eval.candidates: corpus takes all %lld contexts",
                  why, (long long)contexts);
        return false;
    }
    if (evaluator->tuning_count > 1)
        qctx_info("%s: epoch and strength are chosen among all contexts of their corpora, %lld in all", why,
                  (long long)contexts);
    else
        qctx_info("%s: epoch and strength are chosen among all %lld contexts of the corpus", why, (long long)contexts);
    return true;
}

/* Collective. */
static qctx_status widen(qctx_evaluator *evaluator, const qctx_projector *no_head, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    evaluator->choosing.candidates = QCTX_CANDIDATES_CORPUS;
    for (int64_t i = 0; i < evaluator->tuning_count && status == QCTX_OK; i++) {
        evaluated_set *set = &evaluator->tuning[i];

        status = measure(evaluator, &set->of, &evaluator->choosing, no_head, &set->no_head, error);
    }
    return status;
}

qctx_status qctx_evaluator_create(qctx_comm *comm, const qctx_config *config, const qctx_named_set *tuning,
                                  int64_t tuning_count, const qctx_named_set *sources, int64_t source_count,
                                  const qctx_projector *no_head, qctx_widening widening, qctx_evaluator **created,
                                  qctx_error *error)
{
    qctx_evaluator *evaluator = NULL;
    qctx_status status = qctx_agree(comm, allocate(&evaluator, tuning_count, source_count, error), error);
    bool may_widen = tuning_count > 0 && config->eval.candidates == QCTX_CANDIDATES_POOLS;

    if (status != QCTX_OK)
        goto out;
    evaluator->comm = comm;
    evaluator->config = config;
    evaluator->protocol = evaluator->choosing = qctx_protocol_of(config);
    status = measure_no_head(evaluator, tuning, tuning_count, &evaluator->choosing, no_head, evaluator->tuning,
                             &evaluator->tuning_count, error);
    if (status == QCTX_OK && may_widen &&
        (widening == QCTX_WIDEN_ALWAYS || (widening == QCTX_WIDEN_BY_NEED && needs_candidates(evaluator))))
        status = widen(evaluator, no_head, error);
    if (status == QCTX_OK)
        status = measure_no_head(evaluator, sources, source_count, &evaluator->protocol, no_head, evaluator->sources,
                                 &evaluator->source_count, error);
    for (int64_t s = 0; s < evaluator->source_count; s++)
        evaluator->guard_count += evaluator->sources[s].of.guard;
    if (status != QCTX_OK)
        goto out;
    *created = evaluator;
    evaluator = NULL;
out:
    qctx_evaluator_destroy(evaluator);
    return status;
}

static void free_outcome(evaluated_outcome *outcome)
{
    free(outcome->positions);
    free(outcome->candidates);
    free(outcome->values);
}

static void free_sets(evaluated_set *sets, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        free_outcome(&sets[i].no_head);
        free_outcome(&sets[i].head);
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

qctx_protocol qctx_evaluator_protocol(const qctx_evaluator *evaluator)
{
    return evaluator->protocol;
}

bool qctx_evaluator_is_widened(const qctx_evaluator *evaluator)
{
    return evaluator->choosing.candidates != evaluator->protocol.candidates;
}

bool qctx_evaluator_can_choose(const qctx_evaluator *evaluator)
{
    return evaluator->tuning_count + evaluator->source_count - evaluator->guard_count > 0;
}

/* What the head measured last gains over no head on a question, in the metric that chooses. */
static double gain_of(const qctx_evaluator *evaluator, const evaluated_set *set, int64_t question)
{
    const int64_t place = question * QCTX_METRIC_COUNT + (int64_t)evaluator->config->eval.metric;

    return set->head.values[place] - set->no_head.values[place];
}

/* The standard error of the mean of these gains over all choosing questions. */
static double doubt_of(const qctx_evaluator *evaluator)
{
    const double questions = (double)qctx_evaluator_choosing_questions(evaluator);
    double sum = 0, squares = 0;
    int64_t count;
    const evaluated_set *sets = choosing_sets(evaluator, &count);

    for (int64_t i = 0; i < count; i++)
        for (int64_t q = 0; q < sets[i].of.set.count; q++)
            sum += gain_of(evaluator, &sets[i], q);
    for (int64_t i = 0; i < count; i++)
        for (int64_t q = 0; q < sets[i].of.set.count; q++)
            squares += pow(gain_of(evaluator, &sets[i], q) - sum / questions, 2);
    return questions > 1 ? sqrt(squares / (questions - 1) / questions) : INFINITY;
}

/* What one projector reaches on the choosing questions. Collective. */
static qctx_status reach(qctx_evaluator *evaluator, const qctx_projector *projector, qctx_choice *choice,
                         qctx_error *error)
{
    int64_t count;
    evaluated_set *sets = choosing_sets(evaluator, &count);

    for (int64_t i = 0; i < count; i++) {
        qctx_status status = measure(evaluator, &sets[i].of, &evaluator->choosing, projector, &sets[i].head, error);

        if (status != QCTX_OK)
            return status;
    }
    choice->strength = projector->strength;
    choosing_means(evaluator, true, choice->means);
    choice->doubt = projector->strength > 0 ? doubt_of(evaluator) : 0;
    return QCTX_OK;
}

/* Whether a head loses on one source; if so, the limit says where. Collective. */
static qctx_status look_for_loss(qctx_evaluator *evaluator, int64_t source, const qctx_projector *head,
                                 qctx_limit *limit, qctx_error *error)
{
    qctx_comparison comparison;
    qctx_status status = qctx_evaluator_compare(evaluator, source, head, &comparison, error);

    for (int m = 0; m < QCTX_METRIC_COUNT && status == QCTX_OK && limit->guard < 0; m++)
        if (qctx_report_outcome(&comparison, (qctx_metric)m) == QCTX_OUTCOME_LOSS) {
            limit->guard = source;
            limit->metric = (qctx_metric)m;
            limit->difference = comparison.difference[m];
        }
    return status;
}

/* Whether no guard loses with a choice; if one does, the limit says which. Collective. */
static qctx_status ask_guards(qctx_evaluator *evaluator, const qctx_projector *head, const qctx_choice *choice,
                              qctx_limit *limit, qctx_error *error)
{
    qctx_projector tried = *head;
    qctx_status status = QCTX_OK;

    tried.strength = choice->strength;
    limit->guard = -1;
    for (int64_t s = evaluator->source_count - evaluator->guard_count;
         s < evaluator->source_count && limit->guard < 0 && status == QCTX_OK; s++)
        status = look_for_loss(evaluator, s, &tried, limit, error);
    return status;
}

/* The merit of a choice as far as it is sure. */
static qctx_merit sure_merit(const qctx_evaluator *evaluator, const qctx_choice *choice)
{
    qctx_merit merit = qctx_evaluator_merit(evaluator, choice);

    if (evaluator->config->eval.caution > 0)
        merit.metric -= evaluator->config->eval.caution * choice->doubt;
    return merit;
}

/* Takes the choice of most merit, the first of equals, out of choices [*count]. */
static qctx_choice take_best(const qctx_evaluator *evaluator, qctx_choice *choices, int64_t *count)
{
    qctx_choice taken;
    int64_t best = 0;

    for (int64_t i = 1; i < *count; i++)
        if (qctx_merit_is_above(sure_merit(evaluator, &choices[i]), sure_merit(evaluator, &choices[best])))
            best = i;
    taken = choices[best];
    memmove(choices + best, choices + best + 1, (size_t)(--*count - best) * sizeof *choices);
    return taken;
}

/* Collective. */
static qctx_status reach_all(qctx_evaluator *evaluator, const qctx_projector *head, const double *strengths,
                             int64_t count, qctx_choice *choices, qctx_error *error)
{
    qctx_projector tried = *head;
    qctx_status status = QCTX_OK;

    for (int64_t i = 0; i < count && status == QCTX_OK; i++) {
        tried.strength = strengths[i];
        status = reach(evaluator, &tried, &choices[i], error);
    }
    return status;
}

qctx_status qctx_evaluator_choose(qctx_evaluator *evaluator, const qctx_projector *head, const double *strengths,
                                  int64_t count, qctx_choice *choice, qctx_limit *limit, qctx_error *error)
{
    static const double whole = 1.0;
    const bool residual = head->head != NULL && head->head->form == QCTX_HEAD_RESIDUAL;
    qctx_choice choices[QCTX_STRENGTHS_MAX];
    int64_t left = residual ? count : 1;
    qctx_limit asked;
    qctx_status status = reach_all(evaluator, head, residual ? strengths : &whole, left, choices, error);

    if (status != QCTX_OK)
        return status;
    limit->without = *choice = take_best(evaluator, choices, &left);
    status = ask_guards(evaluator, head, choice, limit, error);
    asked = *limit;
    while (asked.guard >= 0 && left > 0 && status == QCTX_OK) {
        *choice = take_best(evaluator, choices, &left);
        status = ask_guards(evaluator, head, choice, &asked, error);
    }
    if (asked.guard >= 0)
        *choice = qctx_evaluator_no_head(evaluator);
    return status;
}

int64_t qctx_evaluator_source_count(const qctx_evaluator *evaluator)
{
    return evaluator->source_count;
}

const char *qctx_evaluator_source_name(const qctx_evaluator *evaluator, int64_t source)
{
    return evaluator->sources[source].of.name;
}

bool qctx_evaluator_is_guard(const qctx_evaluator *evaluator, int64_t source)
{
    return evaluator->sources[source].of.guard;
}

bool qctx_evaluator_has_guards(const qctx_evaluator *evaluator)
{
    return evaluator->guard_count > 0;
}

qctx_status qctx_evaluator_compare(qctx_evaluator *evaluator, int64_t source, const qctx_projector *head,
                                   qctx_comparison *comparison, qctx_error *error)
{
    evaluated_set *set = &evaluator->sources[source];
    qctx_status status = measure(evaluator, &set->of, &evaluator->protocol, head, &set->head, error);

    if (status == QCTX_OK)
        status = qctx_metrics_compare(evaluator->comm, set->no_head.values, set->head.values, set->of.set.count,
                                      evaluator->config->eval.bootstrap, (uint64_t)evaluator->config->run.seed,
                                      comparison, error);
    return status;
}

qctx_status qctx_evaluator_compare_apart(qctx_evaluator *evaluator, int64_t source, qctx_novelty *novelty,
                                         qctx_error *error)
{
    const evaluated_set *set = &evaluator->sources[source];

    *novelty = (qctx_novelty){0};
    if (set->of.classes == NULL)
        return QCTX_OK;
    return qctx_novelty_compare(evaluator->comm, set->of.classes, set->no_head.values, set->head.values,
                                set->of.set.count, evaluator->config->eval.bootstrap,
                                (uint64_t)evaluator->config->run.seed, novelty, error);
}

qctx_status qctx_evaluator_measure_alone(qctx_evaluator *evaluator, int64_t source, qctx_comparison *comparison,
                                         qctx_error *error)
{
    const evaluated_set *set = &evaluator->sources[source];

    return qctx_metrics_compare(evaluator->comm, set->no_head.values, set->no_head.values, set->of.set.count,
                                evaluator->config->eval.bootstrap, (uint64_t)evaluator->config->run.seed, comparison,
                                error);
}

const int64_t *qctx_evaluator_no_head_positions(const qctx_evaluator *evaluator, int64_t source)
{
    return evaluator->sources[source].no_head.positions;
}

const int64_t *qctx_evaluator_head_positions(const qctx_evaluator *evaluator, int64_t source)
{
    return evaluator->sources[source].head.positions;
}
