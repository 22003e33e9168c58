#include "qctx/training/trainer.h"

#include <stdlib.h>
#include <string.h>

#include "qctx/base/clock.h"
#include "qctx/base/hash.h"
#include "qctx/base/mem.h"
#include "qctx/base/version.h"
#include "qctx/dataset/encoders.h"
#include "qctx/linalg/threads.h"
#include "qctx/mining/given_negatives.h"
#include "qctx/platform/stop.h"
#include "trainer_internal.h"

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
    int64_t input = qctx_store_dim(run->opened->train[0].store);
    bool bare_side = config->model.sides == QCTX_SIDES_QUESTION || config->model.sides == QCTX_SIDES_CONTEXT;

    run->head = qctx_config_head(config, input);
    if (config->loss.recovery > 0 && run->head.output != run->head.input) {
        qctx_fail(error, QCTX_ERR_MISMATCH,
                  "loss.recovery: holds projected vectors of %lld against the encoder's of %lld, expected the same",
                  (long long)run->head.output, (long long)run->head.input);
        return qctx_hint(error, "leave model.output away, or loss.recovery at 0");
    }
    if (!qctx_head_fits(&run->head)) {
        qctx_fail(
            error, QCTX_ERR_MISMATCH, "model.output: %lld does not fit vectors of %lld, expected the same with %s",
            (long long)run->head.output, (long long)input, bare_side ? "a head on one side only" : "a residual head");
        return qctx_hint(error, "leave model.output away, or set model.form: plain and model.sides: both");
    }
    return QCTX_OK;
}

/* The weights that encoder.tune chose, which the encoder of the training stores keeps. */
static qctx_status show_weights(trainer *run, qctx_error *error)
{
    const qctx_encoder_spec spec = qctx_config_encoder_spec(run->config);
    const qctx_store *store = run->opened->train[0].store;

    if (!run->config->encoder.tune)
        return QCTX_OK;
    return qctx_encoders_show_weights(&spec, qctx_store_encoder_settings(store), &run->tuned, error);
}

/* What was settled key by key has to hold together: what no command could read again is not begun. Local. */
static qctx_status check_settled(const trainer *run, qctx_error *error)
{
    qctx_config config;
    qctx_status status =
        qctx_config_parse_kept(run->config_text, strlen(run->config_text), "the settled configuration", &config, error);

    if (status == QCTX_OK)
        qctx_config_free(&config);
    return status;
}

/* How many steps there are, and at which rates; what the configuration left to the data is settled in it. Local. */
static qctx_status set_course(trainer *run, qctx_error *error)
{
    qctx_config *config = &run->settled;
    qctx_status status = trainer_make_order(run, error);
    if (status != QCTX_OK)
        return status;
    run->course = qctx_course_of(config, qctx_sampler_batches(&run->sampler));
    run->schedule = (qctx_schedule){
        .decay = config->optim.schedule,
        .peak = config->optim.lr,
        .last = config->optim.lr * config->optim.lr_last,
        .warmup = qctx_course_warmup(config, run->course.total_steps),
        .total = run->course.total_steps,
    };
    if (config->optim.warmup == QCTX_CONFIG_AUTO)
        config->optim.warmup = run->schedule.warmup;
    free(run->config_text);
    run->config_text = qctx_config_dump(config, error);
    if (run->config_text == NULL)
        return QCTX_ERR_MEMORY;
    status = check_settled(run, error);
    return status == QCTX_OK ? show_weights(run, error) : status;
}

/* The course of the run, and how each step is carried out. Collective. */
static qctx_status plan_steps(trainer *run, qctx_error *error)
{
    qctx_plan_request request;
    qctx_status status = qctx_agree(run->comm, set_course(run, error), error);

    if (status != QCTX_OK)
        return status;
    request = qctx_plan_request_of(run->config, &run->head);
    request.extras = qctx_loader_most_extras(&run->loader, run->config->batch.size);
    request.listed = run->loader.listed != NULL;
    request.lists = (qctx_plan_lists){run->teacher.longest, run->teacher.lists.pool.count};
    /* What was left to choose was chosen when the run began: another machine must not choose anew. */
    if (run->resumed) {
        request.similarity = run->last.similarity;
        request.precision = run->last.precision;
        request.resumed = true;
    }
    return qctx_plan_make(run->comm, &request, &run->plan, error);
}

/* Never 0, which a checkpoint has that does not tell. */
static int64_t fingerprint_data(const trainer *run)
{
    int64_t examples =
        qctx_given_negatives_fingerprint(&run->given, qctx_examples_fingerprint(&run->training.examples, run->opened));
    int64_t both = examples ^ (int64_t)(run->teacher.scores != NULL ? qctx_teacher_fingerprint(&run->teacher) : 0);

    return both == 0 ? 1 : both;
}

/*
 * What the configuration leaves to its recipe, by the training questions; a run that goes on has it from its beginning.
 * Local. Errors: MEMORY.
 */
static qctx_status settle_recipe(trainer *run, qctx_error *error)
{
    const bool by_recipe = run->config->run.recipe == QCTX_RECIPE_AUTO;
    qctx_status status = QCTX_OK;

    if (by_recipe || run->config->loss.candidates == QCTX_LOSS_CANDIDATES_CORPUS)
        status = qctx_negatives_build(&run->training.examples, &run->negatives, error);
    if (status == QCTX_OK && by_recipe)
        qctx_recipe_settle(&run->settled,
                           &(qctx_recipe_facts){
                               .questions = run->training.examples.count,
                               .contexts = run->negatives.count,
                               .sources = run->opened->train_count,
                               .dim = qctx_store_dim(run->opened->train[0].store),
                           },
                           &run->recipe);
    if (run->config->loss.candidates == QCTX_LOSS_CANDIDATES_BATCH)
        qctx_negatives_free(&run->negatives);
    return status;
}

/* The stores, and what is trained and measured on them. */
static qctx_status open_data(trainer *run, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    if (run->opened == NULL) {
        status = qctx_sources_open(run->comm, run->config, NULL, &run->own_sources, error);
        run->opened = &run->own_sources;
    }
    if (status == QCTX_OK)
        status = qctx_stop_agree(run->comm, error);
    if (status == QCTX_OK)
        status = qctx_agree(run->comm, qctx_opened_check_guards(run->opened, error), error);
    if (status == QCTX_OK && run->opened == &run->own_sources)
        status = qctx_agree(
            run->comm, qctx_comm_rank(run->comm) == 0 ? qctx_opened_check_trained(run->opened, error) : QCTX_OK, error);
    if (status == QCTX_OK)
        status = qctx_agree(run->comm, qctx_origin_write(run->config, run->opened, &run->sources, error), error);
    if (status == QCTX_OK)
        status = qctx_training_set_build(run->comm, run->config, run->opened, &run->training, error);
    if (status == QCTX_OK)
        status = qctx_agree(run->comm, settle_recipe(run, error), error);
    if (status == QCTX_OK)
        status = qctx_agree(run->comm, describe_head(run, error), error);
    if (status == QCTX_OK)
        status = trainer_open_negatives(run, error);
    if (status == QCTX_OK)
        status = qctx_teacher_read(run->comm, run->config, run->opened, &run->training.examples, &run->teacher, error);
    if (status == QCTX_OK)
        run->trained_on = fingerprint_data(run);
    return status;
}

/* Where rows come from, and which contexts join those of a batch. */
static void make_loaders(trainer *run)
{
    run->loader = qctx_loader_of_stores(run->opened, &run->training.examples);
    run->held_out_loader = qctx_loader_of_stores(run->opened, &run->training.held_out_examples);
    run->loader.teacher = run->teacher.scores != NULL ? &run->teacher : NULL;
    if (run->negatives.count > 0)
        run->loader.negatives = &run->negatives;
    if (run->config->negatives.count > 0) {
        run->loader.listed = &run->mined;
        run->loader.most_listed = run->config->negatives.count;
        run->loader.most_pool = run->miner == NULL ? run->given.pool.count : qctx_miner_contexts(run->miner);
    }
}

static qctx_status make_stepper(trainer *run, qctx_error *error)
{
    qctx_status status;

    make_loaders(run);
    status = plan_steps(run, error);
    if (status != QCTX_OK)
        return status;
    run->parameter_count = qctx_head_parameter_count(&run->head) + qctx_stepper_scalar_count(run->config->loss.kind);
    run->best = qctx_alloc(run->parameter_count, sizeof *run->best, "the best epoch's parameters", error);
    if (run->miner != NULL)
        run->mined_with = qctx_alloc(run->parameter_count, sizeof *run->mined_with, "the parameters of mining", error);
    status = run->best == NULL || (run->miner != NULL && run->mined_with == NULL) ? QCTX_ERR_MEMORY : QCTX_OK;
    status = qctx_agree(run->comm, status, error);
    if (status != QCTX_OK)
        return status;
    return qctx_stepper_create(run->comm, run->config, &run->plan, &run->loader, &run->head, &run->timers,
                               &run->stepper, error);
}

/* Whether the run begins with another's head. */
static bool starts_warm(const trainer *run)
{
    return !run->resumed && run->config->model.start[0] != '\0';
}

/* Everything up to the first step. Nothing is written into the run's folder before all of it is done. */
static qctx_status prepare(trainer *run, qctx_error *error)
{
    qctx_status status = agree_on_inputs(run, error);

    if (status == QCTX_OK)
        status = trainer_check_folder(run, error);
    if (status == QCTX_OK && run->options->resume != QCTX_RESUME_NEVER)
        status = trainer_read_last(run, error);
    if (status == QCTX_OK && starts_warm(run))
        status = trainer_open_start(run, error);
    qctx_timers_begin(&run->timers);
    if (status == QCTX_OK)
        status = open_data(run, error);
    if (status == QCTX_OK)
        status = make_stepper(run, error);
    qctx_timers_end(&run->timers, QCTX_TIMER_OPEN);
    if (status == QCTX_OK && run->resumed)
        status = trainer_go_on(run, error);
    else if (status == QCTX_OK && starts_warm(run))
        status = trainer_start_warm(run, error);
    if (status == QCTX_OK)
        status = trainer_measure_no_head(run, error);
    if (status == QCTX_OK)
        status = trainer_open_folder(run, error);
    if (status == QCTX_STOPPED)
        qctx_hint(error, "no step was taken yet: the same command %s", run->resumed ? "goes on" : "begins again");
    return status;
}

/* The head of the best epoch so far stands in best.h5 again, whatever a lost epoch left there. */
static qctx_status restore_best(trainer *run, qctx_error *error)
{
    return run->resumed && run->progress.best_step >= 0 ? trainer_keep_best(run, error) : QCTX_OK;
}

static qctx_status train(trainer *run, qctx_error *error)
{
    qctx_status status = restore_best(run, error);

    if (status == QCTX_OK)
        status = trainer_take_steps(run, error);
    if (status == QCTX_OK)
        status = trainer_keep_all(run, error);
    if (status == QCTX_OK && qctx_course_is_over(&run->course, &run->progress))
        status = trainer_finish(run, error);
    if (status == QCTX_STOPPED)
        status = trainer_keep_stopped(run, error);
    return status;
}

static qctx_train_result outcome(const trainer *run, bool finished)
{
    bool chosen = run->evaluator != NULL && qctx_evaluator_can_choose(run->evaluator) && run->progress.best_step >= 0;

    return (qctx_train_result){
        .finished = finished,
        .epoch = run->progress.epoch,
        .step = run->progress.step,
        .chosen = chosen,
        .best_epoch = run->progress.best_epoch,
        .metric = run->progress.best_metric,
        .no_head = chosen ? trainer_no_head(run) : 0.0,
        .strength = run->progress.best_strength,
        .seconds = trainer_seconds(run),
    };
}

static void release(trainer *run)
{
    qctx_checkpoints_destroy(run->checkpoints);
    qctx_metrics_log_close(run->metrics_log);
    qctx_evaluator_destroy(run->evaluator);
    qctx_stepper_destroy(run->stepper);
    qctx_sampler_destroy(&run->sampler);
    free(run->weights);
    qctx_training_set_free(&run->training);
    qctx_negatives_free(&run->negatives);
    qctx_teacher_free(&run->teacher);
    qctx_listed_negatives_free(&run->mined);
    qctx_listed_negatives_free(&run->given);
    qctx_miner_destroy(run->miner);
    free(run->mined_with);
    qctx_opened_close(&run->own_sources);
    qctx_checkpoint_free(&run->last);
    qctx_run_close(&run->start);
    free(run->best);
    free(run->classes);
    free(run->final);
    free(run->folder);
    free(run->config_text);
    free(run->tuned);
    free(run->sources);
    qctx_lockfile_release(run->lock);
}

/* Adds to a failure what those below cannot know: what takes less memory in training, and how a run goes on. */
static void advise(qctx_error *error)
{
    size_t used = strlen(error->hint);

    if (error->code == QCTX_ERR_MEMORY && used == 0)
        qctx_hint(error, "use a smaller batch or head, more nodes, or fewer ranks per node");
    if (error->code == QCTX_ERR_SPACE && used > 0)
        snprintf(error->hint + used, sizeof error->hint - used, "; --resume goes on where there is a checkpoint");
}

qctx_status qctx_train(qctx_comm *comm, const qctx_config *config, const qctx_train_options *options,
                       qctx_train_result *result, qctx_error *error)
{
    trainer run = {
        .comm = comm,
        .settled = *config,
        .options = options,
        .started = qctx_clock_seconds(),
        .opened = options->opened,
        .progress = qctx_progress_start(),
        .kept = {.step = -1},
    };
    qctx_status status = QCTX_OK;

    run.config = &run.settled;
    qctx_comm_set_hang_timeout((double)config->run.hang_timeout);
    qctx_comm_set_phase("start of the run");
    run.config_text = qctx_config_dump(config, error);
    run.folder = qctx_config_run_folder(config, error);
    run.final =
        qctx_alloc(config->data.eval.count + config->eval.guard.count, sizeof *run.final, "the final table", error);
    if (run.config_text == NULL || run.folder == NULL || run.final == NULL)
        status = QCTX_ERR_MEMORY;
    status = qctx_agree(comm, status, error);
    if (status == QCTX_OK && options->keeps_log && qctx_comm_rank(comm) == 0)
        run.log = qctx_run_log_begin();
    if (status == QCTX_OK && options->keeps_log)
        status = qctx_threads_log(comm, error);
    if (status == QCTX_OK)
        status = prepare(&run, error);
    if (status == QCTX_OK) {
        trainer_say_start(&run);
        status = train(&run, error);
    }
    if (result != NULL)
        *result = outcome(&run, status == QCTX_OK && qctx_course_is_over(&run.course, &run.progress));
    if (status != QCTX_OK)
        advise(error);
    qctx_run_log_end(run.log, status == QCTX_OK ? NULL : error);
    release(&run);
    return status;
}
