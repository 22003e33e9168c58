#include <stdio.h>
#include <stdlib.h>

#include "eval_internal.h"
#include "qctx/base/log.h"
#include "qctx/cli/commands.h"
#include "qctx/dataset/asked.h"
#include "qctx/dataset/sources.h"
#include "qctx/evaluation/evaluator.h"
#include "qctx/evaluation/predictions.h"
#include "qctx/evaluation/report.h"
#include "qctx/evaluation/trec.h"
#include "qctx/linalg/threads.h"
#include "qctx/run/run.h"

/* Strengths 0, 0.1 … 1 of --strengths. */
enum { STRENGTHS = 11 };

static eval_options options = {.candidates = {qctx_candidates_names, -1}, .order = {qctx_pool_order_names, -1}};

static const qctx_option table[] = {
    {"candidates", QCTX_OPTION_CHOICE, &options.candidates, NULL,
     "hold questions against the contexts of their pool, of the split, or of all the corpus (default: the run's)", 0,
     0},
    {"pool", QCTX_OPTION_INT, &options.pool, "N", "questions of a pool (default: the run's)", 2, 1e15},
    {"order", QCTX_OPTION_CHOICE, &options.order, NULL, "which questions share a pool (default: the run's)", 0, 0},
    {"source", QCTX_OPTION_TEXT, &options.source, "PATH", "evaluate a run on this corpus or store instead of data.eval",
     0, 0},
    {"allow-external", QCTX_OPTION_FLAG, &options.allow_external, NULL,
     "a store that is named may hold its vectors in other files", 0, 0},
    {"split", QCTX_OPTION_TEXT, &options.split, "NAME", "the split of --source or CORPUS (default dev)", 0, 0},
    {"encoder", QCTX_OPTION_TEXTS, &options.encoders, "NAME|FOLDER",
     "measure this encoder alone on CORPUS...: hashing or a model folder; given several times, joined", 0, 0},
    {"strengths", QCTX_OPTION_FLAG, &options.strengths, NULL, "also show the head at strengths 0, 0.1 to 1", 0, 0},
    {"run-file", QCTX_OPTION_TEXT, &options.run_file, "FILE",
     "write the head's result lists as a TREC run; of one source, not of pools", 0, 0},
    {"depth", QCTX_OPTION_INT, &options.depth, "N", "contexts a question in the TREC run (default 100)", 1, 1000000},
    {"predictions", QCTX_OPTION_TEXT, &options.predictions, "FILE",
     "write questions that the head won, lost and left wrong or right, with contexts, as JSONL; likewise", 0, 0},
    {"json", QCTX_OPTION_FLAG, &options.json, NULL, "print JSON instead of tables", 0, 0},
    {"force", QCTX_OPTION_FLAG, &options.force, NULL, "replace output files that exist", 0, 0},
    {0},
};

static const qctx_usage usage = {
    .command = "eval",
    .brief = "measure a trained head beside no head, or an encoder alone",
    .arguments = "RUN | --encoder ENCODER CORPUS... | STORE...",
    .summary = "Measures the head of a run beside no head, or an encoder alone, with 95% bootstrap intervals.",
    .details = "RUN is a run folder or a checkpoint; it is evaluated on its data.eval sources,\n"
               "then on its guards, with the protocol of its configuration unless options say\n"
               "otherwise.\n"
               "\n"
               "  qctx-dist eval runs/squad --candidates corpus\n"
               "  qctx-dist eval --encoder models/minilm corpora/squad corpora/quac\n"
               "  qctx-dist eval stores/mine.h5 --split test\n"
               "\n"
               "An encoder alone embeds the corpora into the folder stores, as train does, and\n"
               "hashing learns from their split train. Other settings of a model: embed has\n"
               "them, and its store is measured.\n"
               "\n"
               "Each line of the TREC run has the run's name as its tag. The scores of a\n"
               "question strictly decrease, so that every evaluator keeps this program's order;\n"
               "equal scores are printed as the next lower number.\n",
    .options = table,
    .positional_min = 1,
    .positional_max = -1,
};

/* A run and what is asked of it. */
typedef struct {
    qctx_comm *comm;
    qctx_run run; /* its configuration says how it is evaluated, options included */
    qctx_opened opened;
    eval_outputs outputs;
    unsigned char *classes; /* of the questions of all sources: a qctx_novelty_class each */
    json_t *tables;         /* with --json, on rank 0 */
} evaluation_job;

/* What one source gave. */
typedef struct {
    qctx_named_set of;
    qctx_protocol protocol;
    qctx_comparison comparison;
    qctx_novelty novelty;
    double strengths[STRENGTHS];
    qctx_comparison by_strength[STRENGTHS];
    bool is_guard;
} measurement;

static qctx_status check_outputs(qctx_error *error)
{
    if (options.split != NULL && options.source == NULL) {
        qctx_fail(error, QCTX_ERR_USAGE, "eval: --split needs --source");
        return qctx_hint(error, "give the corpus or store whose split it is");
    }
    return eval_check_outputs(&options, error);
}

/* Puts the options into the run's configuration, and checks whether everything asked for goes together. */
static qctx_status settle(evaluation_job *job, qctx_error *error)
{
    qctx_config *config = &job->run.config;
    qctx_status status;

    job->run.origin.allow_external = options.allow_external;
    eval_set_protocol(&options, config);
    if (options.strengths && job->run.checkpoint.head.form != QCTX_HEAD_RESIDUAL)
        return qctx_fail(error, QCTX_ERR_USAGE, "eval: --strengths: the head of this run is plain and has no strength");
    if (options.source == NULL && config->data.eval.count == 0) {
        qctx_fail(error, QCTX_ERR_DATA, "the run's configuration has no data.eval");
        return qctx_hint(error, "name what to evaluate on: --source PATH --split NAME");
    }
    if (options.source != NULL) {
        status = qctx_config_evaluate_on(config, &options.source, 1, options.split, error);
        if (status != QCTX_OK)
            return status;
        config->data.eval.items[0].external = options.allow_external;
    }
    return eval_check_protocol(&options, config, "choose one with --source PATH --split NAME", error);
}

/* The head at strengths 0, 0.1 … 1. Collective. */
static qctx_status measure_strengths(const evaluation_job *job, qctx_evaluator *evaluator, measurement *measured,
                                     qctx_error *error)
{
    qctx_projector head = job->run.head;
    qctx_status status = QCTX_OK;

    for (int i = 0; i < STRENGTHS && status == QCTX_OK; i++) {
        head.strength = (double)i / (STRENGTHS - 1);
        measured->strengths[i] = head.strength;
        qctx_log_progress("strength %.1f", head.strength);
        status = qctx_evaluator_compare(evaluator, 0, &head, &measured->by_strength[i], error);
    }
    qctx_log_progress("%s", "");
    return status;
}

/* The strength that an epoch's line was measured at is kept in best.h5 alone. */
static void print_strength(FILE *out, const qctx_run *run)
{
    if (run->checkpoint.head.form == QCTX_HEAD_RESIDUAL && run->checkpoint.optimizer.count > 0)
        fprintf(out, "Of a checkpoint to go on from, at strength %.2f.\n", run->head.strength);
}

/* Prints, or keeps for the end, what was measured. Rank 0 only. */
static qctx_status show(evaluation_job *job, const measurement *measured, qctx_error *error)
{
    FILE *out = eval_tables(&options);
    json_t *object;

    if (!options.json) {
        if (measured->is_guard)
            qctx_report_print_guard(out);
        qctx_report_print(out, measured->of.name, &measured->protocol, &measured->comparison, &measured->novelty);
        print_strength(out, &job->run);
        if (options.strengths) {
            fputc('\n', out);
            qctx_report_print_strengths(out, measured->strengths, measured->by_strength, STRENGTHS,
                                        job->run.head.strength);
        }
        return QCTX_OK;
    }
    object = qctx_report_json(measured->of.name, &measured->protocol, &measured->comparison, &measured->novelty, error);
    if (object == NULL)
        return QCTX_ERR_MEMORY;
    json_object_set_new(object, "strength", json_real(job->run.head.strength));
    if (measured->is_guard)
        json_object_set_new(object, "guard", json_true());
    if (options.strengths)
        json_object_set_new(object, "strengths",
                            qctx_report_strengths_json(measured->strengths, measured->by_strength, STRENGTHS, error));
    json_array_append_new(job->tables, object);
    return QCTX_OK;
}

/* Under the run's name, so that those of several runs can be told apart. Collective. */
static qctx_status write_run_file(const evaluation_job *job, const measurement *measured, qctx_error *error)
{
    char *tag = qctx_trec_tag(job->run.config.run.name, error);
    qctx_status status = qctx_agree(job->comm, tag == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);

    if (status == QCTX_OK)
        status = qctx_trec_write(job->comm, eval_stream(job->outputs.run_file), &measured->of.set, &job->run.head,
                                 &measured->protocol, &(qctx_trec_run){tag, eval_depth(&options)}, error);
    free(tag);
    return status;
}

/* Collective. */
static qctx_status write_predictions(const evaluation_job *job, const qctx_evaluator *evaluator,
                                     const measurement *measured, qctx_error *error)
{
    const qctx_predictions predictions = {
        .source = measured->of.name,
        .set = &measured->of.set,
        .projector = &job->run.head,
        .protocol = &measured->protocol,
        .no_head = qctx_evaluator_no_head_positions(evaluator, 0),
        .head = qctx_evaluator_head_positions(evaluator, 0),
    };

    return qctx_predictions_write(job->comm, eval_stream(job->outputs.predictions), &predictions, error);
}

/* The files that were asked for. Collective. */
static qctx_status write_outputs(const evaluation_job *job, const qctx_evaluator *evaluator,
                                 const measurement *measured, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    if (options.run_file != NULL)
        status = write_run_file(job, measured, error);
    if (status == QCTX_OK && options.predictions != NULL)
        status = write_predictions(job, evaluator, measured, error);
    return status;
}

/*
 * How new the questions of all sources are to the head, by the questions that it was trained on; not known where a
 * store is measured, which needs none of them. Collective.
 */
static qctx_status classify(evaluation_job *job, qctx_error *error)
{
    qctx_training_set set;
    qctx_status status;

    if (job->opened.train_count == 0)
        return QCTX_OK;
    status = qctx_training_set_build(job->comm, &job->run.config, &job->opened, &set, error);

    if (status != QCTX_OK)
        return status;
    status = qctx_asked_classify_all(&job->opened, &set.examples, &job->classes, error);
    qctx_training_set_free(&set);
    return qctx_agree(job->comm, status, error);
}

static qctx_status evaluate_source(evaluation_job *job, const qctx_opened_source *source, const unsigned char *classes,
                                   bool is_guard, qctx_error *error)
{
    measurement measured = {.of = {.name = source->name, .set = qctx_source_questions(source), .classes = classes},
                            .protocol = qctx_protocol_of(&job->run.config),
                            .is_guard = is_guard};
    qctx_evaluator *evaluator = NULL;
    qctx_status status = qctx_agree(job->comm, qctx_run_check_store(&job->run, source->store, error), error);

    if (status == QCTX_OK && options.run_file != NULL)
        status = qctx_trec_check(job->comm, &measured.of.set, &measured.protocol, error);
    if (status == QCTX_OK)
        status = qctx_evaluator_create(job->comm, &job->run.config, NULL, 0, &measured.of, 1, &job->run.no_head,
                                       QCTX_WIDEN_NEVER, &evaluator, error);
    if (status == QCTX_OK && options.strengths)
        status = measure_strengths(job, evaluator, &measured, error);
    if (status == QCTX_OK)
        status = qctx_evaluator_compare(evaluator, 0, &job->run.head, &measured.comparison, error);
    if (status == QCTX_OK)
        status = qctx_evaluator_compare_apart(evaluator, 0, &measured.novelty, error);
    if (status == QCTX_OK)
        status = write_outputs(job, evaluator, &measured, error);
    status = eval_close_outputs(job->comm, &job->outputs, status, error);
    if (status == QCTX_OK && qctx_comm_rank(job->comm) == 0)
        status = show(job, &measured, error);
    qctx_evaluator_destroy(evaluator);
    return qctx_agree(job->comm, status, error);
}

/* The evaluation sources, then the guards. Collective. */
static qctx_status evaluate_sources(evaluation_job *job, qctx_error *error)
{
    const qctx_opened *opened = &job->opened;
    const bool writes = options.run_file != NULL || options.predictions != NULL; /* of one source */
    const int64_t count = writes ? opened->eval_count : qctx_opened_reported_count(opened);
    const unsigned char *classes = job->classes;
    qctx_status status = QCTX_OK;

    for (int64_t s = 0; s < count && status == QCTX_OK; s++) {
        const qctx_opened_source *source = qctx_opened_reported(opened, s);

        if (s > 0 && !options.json && qctx_comm_rank(job->comm) == 0)
            fputc('\n', stdout);
        status = evaluate_source(job, source, classes, s >= opened->eval_count, error);
        classes += classes == NULL ? 0 : qctx_source_questions(source).count;
    }
    return status;
}

static qctx_status evaluate_run(evaluation_job *job, const char *path, qctx_error *error)
{
    qctx_status status = qctx_agree(job->comm, check_outputs(error), error);

    if (status == QCTX_OK)
        status = qctx_run_open(job->comm, path, &job->run, error);
    if (status != QCTX_OK)
        return status;
    qctx_comm_set_hang_timeout((double)job->run.config.run.hang_timeout);
    status = qctx_agree(job->comm, settle(job, error), error);
    if (status == QCTX_OK)
        status = eval_open_outputs(job->comm, &options, &job->outputs, error);
    if (status == QCTX_OK)
        status = qctx_run_open_sources(job->comm, &job->run, &job->opened, error);
    if (status == QCTX_OK)
        status = qctx_threads_log(job->comm, error);
    if (status == QCTX_OK)
        status = classify(job, error);
    if (options.json)
        job->tables = json_array();
    status = status == QCTX_OK ? evaluate_sources(job, error) : status;
    if (status == QCTX_OK && options.json && qctx_comm_rank(job->comm) == 0) {
        eval_print_tables(job->tables);
    }
    return status;
}

/* Whether stores are to be measured, and no run. Rank 0 looks for all. Collective. */
static bool is_of_stores(qctx_comm *comm, const char *path)
{
    bool is = qctx_comm_rank(comm) == 0 && qctx_store_is(path);

    qctx_comm_broadcast(comm, &is, sizeof is, 0);
    return is;
}

static qctx_status refuse_second(const char *path, qctx_error *error)
{
    qctx_fail(error, QCTX_ERR_USAGE, "eval: '%s' is one too many: runs are evaluated one at a time", path);
    return qctx_hint(error, "other questions: --source PATH; another protocol: --candidates, --pool, --order");
}

static qctx_status evaluate_one(qctx_comm *comm, const char *path, qctx_error *error)
{
    evaluation_job job = {.comm = comm};
    qctx_status status = evaluate_run(&job, path, error);

    /* Of a failure before anything was measured. */
    status = eval_close_outputs(comm, &job.outputs, status, error);
    json_decref(job.tables);
    free(job.classes);
    qctx_opened_close(&job.opened);
    qctx_run_close(&job.run);
    return status;
}

static qctx_status evaluate(qctx_comm *comm, const char *const *positional, int64_t count, qctx_error *error)
{
    qctx_status status;

    qctx_comm_set_phase("evaluation");
    if (options.encoders.count > 0 || is_of_stores(comm, positional[0]))
        status = eval_alone(comm, &options, positional, count, error);
    else if (count > 1)
        return refuse_second(positional[1], error);
    else
        status = evaluate_one(comm, positional[0], error);
    if (status == QCTX_STOPPED)
        qctx_hint(error, "the same command begins anew; a run is not changed by its evaluation");
    return status;
}

const qctx_command qctx_cmd_eval = {.usage = &usage, .run = evaluate, .stops = true, .writes = true};
