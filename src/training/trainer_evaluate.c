#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"
#include "qctx/dataset/asked.h"
#include "qctx/platform/stop.h"
#include "qctx/training/held_out_loss.h"
#include "trainer_internal.h"

/* Strengths tried after each epoch: enough to see whether the epoch is worth keeping. */
static const double coarse_strengths[] = {1.0, 0.5};
/* The same under guards, which may allow an epoch little strength. */
static const double guarded_strengths[] = {1.0, 0.5, 0.25, 0.1};
/* Strengths tried at the end, weakest first: of equals, the one nearest to the frozen encoder stands. */
static const double fine_strengths[] = {0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0};

#define COUNT(array) ((int64_t)(sizeof(array) / sizeof((array)[0])))

static qctx_projector projector_of(const trainer *run, const float *parameters, double strength)
{
    return (qctx_projector){
        .head = parameters == NULL ? NULL : &run->head,
        .parameters = parameters,
        .strength = strength,
        .normalize = run->config->loss.normalize,
        .input = run->head.input,
    };
}

/* The questions that choose, and those that report; the caller frees both lists. Local. Errors: MEMORY. */
static qctx_status list_questions(const trainer *run, qctx_named_set **tuning, qctx_named_set **sources,
                                  qctx_error *error)
{
    const qctx_held_out *held_out = &run->training.held_out;
    const unsigned char *classes = run->classes;

    *tuning = qctx_alloc(held_out->count, sizeof **tuning, "the evaluation", error);
    *sources = qctx_alloc(qctx_opened_reported_count(run->opened), sizeof **sources, "the evaluation", error);
    if (*tuning == NULL || *sources == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t t = 0; t < held_out->count; t++)
        (*tuning)[t].set = held_out->sets[t].set;
    for (int64_t s = 0; s < qctx_opened_reported_count(run->opened); s++) {
        const qctx_opened_source *source = qctx_opened_reported(run->opened, s);

        (*sources)[s] = (qctx_named_set){
            .name = source->name,
            .set = qctx_source_questions(source),
            .classes = classes,
            .guard = s >= run->opened->eval_count,
        };
        classes += (*sources)[s].set.count;
    }
    return QCTX_OK;
}

/* A run that goes on chooses as it did. */
static qctx_widening widening_of(const trainer *run)
{
    if (run->resumed)
        return run->widened ? QCTX_WIDEN_ALWAYS : QCTX_WIDEN_NEVER;
    return run->config->eval.widen ? QCTX_WIDEN_BY_NEED : QCTX_WIDEN_NEVER;
}

qctx_status trainer_measure_no_head(trainer *run, qctx_error *error)
{
    qctx_projector no_head = projector_of(run, NULL, 0.0);
    qctx_named_set *tuning = NULL, *sources = NULL;
    qctx_status status = qctx_asked_classify_all(run->opened, &run->training.examples, &run->classes, error);

    if (status == QCTX_OK)
        status = list_questions(run, &tuning, &sources, error);
    status = qctx_agree(run->comm, status, error);

    qctx_comm_set_phase("evaluation without a head");
    qctx_timers_begin(&run->timers);
    if (status == QCTX_OK)
        status = qctx_evaluator_create(run->comm, run->config, tuning, run->training.held_out.count, sources,
                                       qctx_opened_reported_count(run->opened), &no_head, widening_of(run),
                                       &run->evaluator, error);
    qctx_timers_end(&run->timers, QCTX_TIMER_EVALUATE);
    free(tuning);
    free(sources);
    if (status == QCTX_OK && qctx_evaluator_has_guards(run->evaluator) && !qctx_evaluator_can_choose(run->evaluator)) {
        qctx_fail(error, QCTX_ERR_DATA, "eval.guard: there are no questions to choose epoch and strength by");
        status = qctx_hint(error, "set eval.tune or eval.tune_split, or name data.eval");
    }
    return status == QCTX_OK ? qctx_stop_agree(run->comm, error) : status;
}

static qctx_status record_sources(trainer *run, const qctx_projector *head, qctx_error *error)
{
    for (int64_t s = 0; s < qctx_evaluator_source_count(run->evaluator); s++) {
        qctx_comparison comparison;
        qctx_status status = qctx_evaluator_compare(run->evaluator, s, head, &comparison, error);

        if (status == QCTX_OK)
            status = trainer_record_eval(run, s, &comparison, head->strength, error);
        if (status == QCTX_OK)
            status = qctx_stop_agree(run->comm, error);
        if (status != QCTX_OK)
            return status;
    }
    return QCTX_OK;
}

/* −1 where there are no questions to choose by. */
static qctx_merit merit_of(const trainer *run, const qctx_choice *choice)
{
    return qctx_evaluator_can_choose(run->evaluator) ? qctx_evaluator_merit(run->evaluator, choice)
                                                     : (qctx_merit){-1.0, -1.0};
}

static void adopt_best(trainer *run, const qctx_choice *choice)
{
    qctx_progress_set_best(&run->progress, merit_of(run, choice), choice->strength);
    memcpy(run->best, qctx_stepper_parameters(run->stepper), (size_t)run->parameter_count * sizeof(float));
}

/* Without questions to choose by, the latest is the best; of equals, the earliest. */
static bool is_best(const trainer *run, const qctx_choice *choice)
{
    return !qctx_evaluator_can_choose(run->evaluator) ||
           qctx_merit_is_above(merit_of(run, choice), qctx_progress_best(&run->progress));
}

/* What would be the best if no guard limited the choice. */
static void follow_unguarded(trainer *run, const qctx_limit *limit)
{
    const qctx_merit merit = qctx_evaluator_merit(run->evaluator, &limit->without);

    if (qctx_merit_is_above(merit, qctx_progress_unguarded(&run->progress)))
        qctx_progress_set_unguarded(&run->progress, merit, limit->without.strength,
                                    limit->guard < 0 ? -1 : limit->guard - run->opened->eval_count);
}

/* The choice among the strengths that an epoch is tried at. Collective. */
static qctx_status choose_coarsely(trainer *run, const qctx_projector *head, qctx_choice *choice, qctx_limit *limit,
                                   qctx_error *error)
{
    if (qctx_evaluator_has_guards(run->evaluator))
        return qctx_evaluator_choose(run->evaluator, head, guarded_strengths, COUNT(guarded_strengths), choice, limit,
                                     error);
    return qctx_evaluator_choose(run->evaluator, head, coarse_strengths, COUNT(coarse_strengths), choice, limit, error);
}

/* Nothing of the run changes before all is measured: an evaluation that is interrupted is taken again as a whole. */
qctx_status trainer_evaluate(trainer *run, qctx_error *error)
{
    qctx_projector head = projector_of(run, qctx_stepper_parameters(run->stepper), 1.0);
    bool can_choose = qctx_evaluator_can_choose(run->evaluator);
    qctx_choice choice = {.strength = trainer_is_without_proof(run) ? 0.0 : 1.0};
    qctx_limit limit = {.guard = -1};
    double held_out_loss;
    qctx_status status;

    qctx_comm_set_phase("evaluation");
    qctx_timers_begin(&run->timers);
    status = qctx_held_out_loss(run->comm, run->config, &run->plan, &run->held_out_loader, &run->head, head.parameters,
                                &held_out_loss, error);
    if (status == QCTX_OK && can_choose)
        status = choose_coarsely(run, &head, &choice, &limit, error);
    head.strength = choice.strength;
    if (status == QCTX_OK && can_choose)
        trainer_record_choice(run, &choice, &limit, held_out_loss);
    if (status == QCTX_OK)
        status = record_sources(run, &head, error);
    qctx_timers_end(&run->timers, QCTX_TIMER_EVALUATE);
    if (status != QCTX_OK)
        return status;
    trainer_say_epoch(run, can_choose ? &choice : NULL, &limit, held_out_loss);
    status = trainer_show_predictions(run, &head, error);
    if (status != QCTX_OK)
        return status;
    run->progress.evaluated = run->progress.step;
    if (can_choose)
        follow_unguarded(run, &limit);
    if (is_best(run, &choice)) {
        adopt_best(run, &choice);
        status = trainer_keep_best(run, error);
    }
    return status == QCTX_OK ? qctx_metrics_log_flush(run->metrics_log, error) : status;
}

/*
 * What the guards did to the choice of the run: at the epoch that is kept, or, where another would have been, since its
 * merit is more, there.
 */
static void settle_limit(trainer *run, const qctx_choice *choice, const qctx_limit *limit)
{
    const qctx_progress *then = &run->progress;

    run->limited = (trainer_limit){
        .guard = limit->guard,
        .epoch = then->best_epoch,
        .value = qctx_evaluator_merit(run->evaluator, &limit->without).metric,
        .strength = limit->without.strength,
    };
    if (then->limited_by >= 0 && then->unguarded_epoch != then->best_epoch &&
        qctx_merit_is_above(qctx_progress_unguarded(then), qctx_evaluator_merit(run->evaluator, choice)))
        run->limited = (trainer_limit){
            .guard = run->opened->eval_count + then->limited_by,
            .epoch = then->unguarded_epoch,
            .value = then->unguarded_metric,
            .strength = then->unguarded_strength,
        };
}

/*
 * From the parameters in memory, which came with the checkpoint where the run was resumed: a best.h5 of an epoch that
 * was lost to a kill does not count.
 */
qctx_status trainer_finish(trainer *run, qctx_error *error)
{
    qctx_projector head = projector_of(run, run->best, run->progress.best_strength);
    bool can_choose = qctx_evaluator_can_choose(run->evaluator);
    qctx_choice choice;
    qctx_limit limit;
    qctx_status status = QCTX_OK;

    qctx_comm_set_phase("evaluation at the end");
    qctx_timers_begin(&run->timers);
    if (can_choose)
        status =
            qctx_evaluator_choose(run->evaluator, &head, fine_strengths, COUNT(fine_strengths), &choice, &limit, error);
    if (status == QCTX_OK && can_choose)
        head.strength = choice.strength;
    for (int64_t s = 0; s < qctx_evaluator_source_count(run->evaluator) && status == QCTX_OK; s++) {
        status = qctx_evaluator_compare(run->evaluator, s, &head, &run->final[s].comparison, error);
        if (status == QCTX_OK)
            status = qctx_evaluator_compare_apart(run->evaluator, s, &run->final[s].novelty, error);
    }
    qctx_timers_end(&run->timers, QCTX_TIMER_EVALUATE);
    if (status == QCTX_OK)
        status = qctx_stop_agree(run->comm, error);
    if (status != QCTX_OK)
        return status;
    if (can_choose) {
        settle_limit(run, &choice, &limit);
        run->progress.best_metric = merit_of(run, &choice).metric;
        run->progress.best_mrr = merit_of(run, &choice).mrr;
        run->progress.best_strength = choice.strength;
    }
    status = trainer_keep_best(run, error);
    if (status == QCTX_OK)
        status = qctx_checkpoints_wait(run->checkpoints, error);
    if (status == QCTX_OK)
        status = trainer_write_summary(run, error);
    if (status == QCTX_OK)
        trainer_print_results(run);
    return status;
}
