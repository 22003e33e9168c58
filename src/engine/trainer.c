#include "qctx/engine/trainer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/clock.h"
#include "qctx/base/hash.h"
#include "qctx/base/mem.h"
#include "qctx/base/version.h"
#include "trainer_internal.h"

/* Strengths tried after each epoch: enough to see whether the epoch is worth keeping. */
static const double coarse_strengths[] = {1.0, 0.5};
/* Strengths tried at the end, weakest first: of equals, the one nearest to the frozen encoder stands. */
static const double fine_strengths[] = {0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0};

#define COUNT(array) ((int64_t)(sizeof(array) / sizeof((array)[0])))

static qctx_status agree_on_inputs(trainer *run, qctx_error *error)
{
    if (!qctx_comm_same(run->comm, qctx_hash_text(run->config_text, 0))) {
        qctx_fail(error, QCTX_ERR_MISMATCH, "the ranks hold different configurations");
        return qctx_hint(error, "start all ranks with the same arguments and the same environment");
    }
    if (!qctx_comm_same(run->comm, qctx_hash(qctx_version(), strlen(qctx_version()), 0))) {
        qctx_fail(error, QCTX_ERR_MISMATCH, "the ranks run different builds; rank 0 runs %s", qctx_version());
        return qctx_hint(error, "install one build on all nodes");
    }
    return QCTX_OK;
}

static qctx_status describe_head(trainer *run, qctx_error *error)
{
    const qctx_config *config = run->config;
    int64_t input = qctx_store_dim(run->opened.train[0].store);
    bool bare_side = config->model.sides == QCTX_SIDES_QUESTION || config->model.sides == QCTX_SIDES_CONTEXT;

    run->head = qctx_config_head(config, input);
    if (run->head.output != input && (run->head.form == QCTX_HEAD_RESIDUAL || bare_side)) {
        qctx_fail(
            error, QCTX_ERR_MISMATCH, "model.output: %lld does not fit vectors of %lld, expected the same with %s",
            (long long)run->head.output, (long long)input, bare_side ? "a head on one side only" : "a residual head");
        return qctx_hint(error, "leave model.output away, or set model.form: plain and model.sides: both");
    }
    return QCTX_OK;
}

static qctx_status plan_steps(trainer *run, qctx_error *error)
{
    const qctx_config *config = run->config;
    qctx_status status = qctx_sampler_create(run->training.examples.count, config->batch.size,
                                             (uint64_t)config->run.seed, &run->sampler, error);

    status = qctx_agree(run->comm, status, error);
    if (status != QCTX_OK)
        return status;
    run->steps_per_epoch = qctx_sampler_batches(&run->sampler);
    run->total_steps = run->steps_per_epoch * config->batch.epochs;
    if (config->batch.steps > 0 && config->batch.steps < run->total_steps)
        run->total_steps = config->batch.steps;
    run->schedule = (qctx_schedule){
        .decay = config->optim.schedule,
        .peak = config->optim.lr,
        .last = config->optim.lr * config->optim.lr_last,
        /* A short run still reaches its peak. */
        .warmup = config->optim.warmup < run->total_steps ? config->optim.warmup : run->total_steps / 2,
        .total = run->total_steps,
    };
    return QCTX_OK;
}

static qctx_projector projector_of(trainer *run, const float *parameters, double strength)
{
    return (qctx_projector){
        .head = parameters == NULL ? NULL : &run->head,
        .parameters = parameters,
        .strength = strength,
        .normalize = run->config->loss.normalize,
        .input = run->head.input,
    };
}

/* Everything up to the first step. */
static qctx_status prepare(trainer *run, const qctx_train_options *options, qctx_error *error)
{
    qctx_projector no_head;
    qctx_status status = agree_on_inputs(run, error);

    if (status == QCTX_OK)
        status = trainer_check_folder(run, options, error);
    if (status == QCTX_OK && options->resume)
        status = trainer_read_last(run, error);
    qctx_phases_begin(&run->phases);
    if (status == QCTX_OK)
        status = qctx_sources_open(run->comm, run->config, NULL, &run->opened, error);
    if (status == QCTX_OK)
        status = qctx_agree(run->comm, describe_head(run, error), error);
    if (status == QCTX_OK)
        status = qctx_training_set_build(run->comm, run->config, &run->opened, &run->training, error);
    if (status == QCTX_OK)
        status = plan_steps(run, error);
    if (status == QCTX_OK)
        status = trainer_make_plan(run, options->resume, error);
    if (status == QCTX_OK) {
        run->feed = qctx_feed_of_stores(&run->opened, &run->training.examples);
        status = qctx_stepper_create(run->comm, run->config, &run->plan, &run->feed, &run->head, &run->phases,
                                     &run->stepper, error);
    }
    qctx_phases_end(&run->phases, QCTX_PHASE_OPEN);
    if (status == QCTX_OK && options->resume)
        status = trainer_go_on(run, error);
    if (status != QCTX_OK)
        return status;
    no_head = projector_of(run, NULL, 0.0);
    qctx_phases_begin(&run->phases);
    status = qctx_judge_create(run->comm, run->config, &run->opened, &run->training, &no_head, &run->judge, error);
    qctx_phases_end(&run->phases, QCTX_PHASE_EVALUATE);
    if (status == QCTX_OK)
        status = trainer_open_folder(run, options->resume, error);
    return status;
}

/* Searches the tuning questions with the head as it is; a new best is kept. Then measures the evaluation sources. */
static qctx_status evaluate(trainer *run, qctx_error *error)
{
    const float *parameters = qctx_stepper_parameters(run->stepper);
    qctx_projector head = projector_of(run, parameters, 1.0);
    double metric = -1.0, strength = 1.0;
    qctx_status status = QCTX_OK;

    qctx_phases_begin(&run->phases);
    if (qctx_judge_can_choose(run->judge))
        status =
            qctx_judge_choose(run->judge, &head, coarse_strengths, COUNT(coarse_strengths), &strength, &metric, error);
    head.strength = strength;
    for (int64_t s = 0; s < qctx_judge_source_count(run->judge) && status == QCTX_OK; s++) {
        qctx_comparison comparison;

        status = qctx_judge_compare(run->judge, s, &head, &comparison, error);
        if (status == QCTX_OK)
            status = trainer_record_eval(run, s, &comparison, strength, error);
    }
    qctx_phases_end(&run->phases, QCTX_PHASE_EVALUATE);
    if (status != QCTX_OK)
        return status;
    trainer_say_epoch(run, metric, strength);
    /* Without questions to choose by, the latest is the best. */
    if (metric > run->best.metric || !qctx_judge_can_choose(run->judge)) {
        run->best = (trainer_best){run->epoch, metric, strength};
        status = trainer_keep_best(run, parameters, run->step, strength, error);
    }
    return status == QCTX_OK ? qctx_tracker_flush(run->tracker, error) : status;
}

/* The rest of the epoch that the next step falls into: a resumed run may begin in the middle of one. */
static qctx_status train_epoch(trainer *run, qctx_error *error)
{
    int64_t epoch = run->step / run->steps_per_epoch;

    run->loss_sum = run->accuracy_sum = 0.0;
    run->summed = 0;
    run->epoch = epoch + 1;
    for (int64_t b = run->step % run->steps_per_epoch; b < run->steps_per_epoch && run->step < run->total_steps; b++) {
        const int64_t *batch = qctx_sampler_batch(&run->sampler, epoch, b);
        double rate = qctx_schedule_rate(&run->schedule, run->step);
        bool has_next = b + 1 < run->steps_per_epoch && run->step + 1 < run->total_steps;
        qctx_step_result result;
        qctx_status status;

        if (has_next)
            qctx_stepper_announce(run->stepper, qctx_sampler_batch(&run->sampler, epoch, b + 1), epoch);
        status = qctx_stepper_step(run->stepper, batch, epoch, run->step, rate, &result, error);
        if (status != QCTX_OK)
            return status;
        run->step++;
        run->loss_sum += result.loss;
        run->accuracy_sum += result.accuracy;
        run->summed++;
        trainer_record_step(run, &result, rate);
        trainer_show_progress(run, &result, rate);
    }
    return QCTX_OK;
}

/* The parameters are summed and stepped alike on all ranks; what differs now would drift apart unseen. */
static qctx_status check_parameters(trainer *run, qctx_error *error)
{
    int64_t scalars = qctx_stepper_scalar_count(run->config->loss.kind);
    size_t bytes = (size_t)(qctx_head_parameter_count(&run->head) + scalars) * sizeof(float);

    if (qctx_comm_same(run->comm, qctx_hash(qctx_stepper_parameters(run->stepper), bytes, 0)))
        return QCTX_OK;
    return qctx_fail(error, QCTX_ERR_INTERNAL, "epoch %lld: the parameters differ between the ranks",
                     (long long)run->epoch);
}

static bool is_due(int64_t every, const trainer *run)
{
    return run->step == run->total_steps || (every > 0 && run->epoch % every == 0);
}

static qctx_status train_all(trainer *run, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    while (run->step < run->total_steps && status == QCTX_OK) {
        status = train_epoch(run, error);
        if (status == QCTX_OK)
            status = check_parameters(run, error);
        if (status == QCTX_OK && is_due(run->config->eval.every, run))
            status = evaluate(run, error);
        if (status == QCTX_OK && is_due(run->config->checkpoint.every, run))
            status = trainer_keep_last(run, error);
    }
    if (status == QCTX_ERR_NUMERIC) {
        char *last = trainer_last_checkpoint(run, NULL);

        qctx_error_append(error, "the last good checkpoint is %s", last != NULL && last[0] != '\0' ? last : "none");
        free(last);
    }
    return status;
}

/* Chooses the strength of the best epoch's head, stores it with it, and measures what will be used. */
static qctx_status finish(trainer *run, qctx_error *error)
{
    qctx_checkpoint best = {0};
    qctx_projector head;
    double metric = run->best.metric, strength = run->best.strength;
    qctx_status status = trainer_read_best(run, &best, error);

    if (status != QCTX_OK)
        return status;
    head = projector_of(run, best.parameters, strength);
    qctx_phases_begin(&run->phases);
    if (qctx_judge_can_choose(run->judge))
        status = qctx_judge_choose(run->judge, &head, fine_strengths, COUNT(fine_strengths), &strength, &metric, error);
    head.strength = run->best.strength = strength;
    run->best.metric = metric;
    for (int64_t s = 0; s < qctx_judge_source_count(run->judge) && status == QCTX_OK; s++)
        status = qctx_judge_compare(run->judge, s, &head, &run->final[s], error);
    qctx_phases_end(&run->phases, QCTX_PHASE_EVALUATE);
    if (status == QCTX_OK)
        status = trainer_keep_best(run, best.parameters, best.step, strength, error);
    if (status == QCTX_OK)
        status = trainer_write_summary(run, error);
    if (status == QCTX_OK)
        trainer_print_results(run);
    qctx_checkpoint_free(&best);
    return status;
}

static void release(trainer *run)
{
    qctx_tracker_close(run->tracker);
    qctx_judge_destroy(run->judge);
    qctx_stepper_destroy(run->stepper);
    qctx_sampler_destroy(&run->sampler);
    qctx_training_set_free(&run->training);
    qctx_sources_close(&run->opened);
    qctx_checkpoint_free(&run->last);
    free(run->final);
    free(run->folder);
    free(run->config_text);
}

qctx_status qctx_train(qctx_comm *comm, const qctx_config *config, const qctx_train_options *options,
                       qctx_train_result *result, qctx_error *error)
{
    trainer run = {.comm = comm, .config = config, .started = qctx_clock_seconds(), .best = {.metric = -1.0}};
    qctx_status status = QCTX_OK;

    run.config_text = qctx_config_dump(config, error);
    run.folder = qctx_config_run_folder(config, error);
    run.final = qctx_alloc(config->data.eval.count, sizeof *run.final, "the final table", error);
    if (run.config_text == NULL || run.folder == NULL || run.final == NULL)
        status = QCTX_ERR_MEMORY;
    status = qctx_agree(comm, status, error);
    if (status == QCTX_OK)
        status = prepare(&run, options, error);
    if (status == QCTX_OK) {
        trainer_say_start(&run);
        if (run.step == 0)
            status = evaluate(&run, error);
    }
    if (status == QCTX_OK)
        status = train_all(&run, error);
    if (status == QCTX_OK)
        status = finish(&run, error);
    if (result != NULL)
        *result = (qctx_train_result){.finished = status == QCTX_OK, .epoch = run.epoch, .step = run.step};
    release(&run);
    return status;
}
