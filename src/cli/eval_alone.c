/* eval without a run: what an encoder finds by itself, as the column "no head" of a run's table has it. */
#include <stdlib.h>
#include <string.h>

#include "alone.h"
#include "eval_internal.h"
#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"
#include "qctx/dataset/sources.h"
#include "qctx/evaluation/evaluator.h"
#include "qctx/evaluation/predictions.h"
#include "qctx/evaluation/report.h"
#include "qctx/evaluation/trec.h"
#include "qctx/linalg/threads.h"

/* An encoder, what is asked of it, and what is measured. */
typedef struct {
    qctx_comm *comm;
    const eval_options *options;
    qctx_config config;
    qctx_opened opened;
    eval_outputs outputs;
    char *name;     /* of the encoder; NULL where the vectors of stores are measured */
    json_t *tables; /* with --json, on rank 0 */
} alone_job;

static qctx_status check_usage(const eval_options *options, qctx_error *error)
{
    if (options->strengths)
        return qctx_fail(error, QCTX_ERR_USAGE, "eval: --strengths: an encoder alone has no head");
    if (options->source != NULL) {
        qctx_fail(error, QCTX_ERR_USAGE, "eval: --source is for a run");
        return qctx_hint(error, "name the corpora themselves: qctx-dist eval --encoder ENCODER CORPUS...");
    }
    return eval_check_outputs(options, error);
}

/* "hashing+all-MiniLM-L6-v2": joined encoders by their folders' names. Freshly allocated. Local. */
static char *name_of(const qctx_option_texts *encoders, qctx_error *error)
{
    char *name = qctx_strdup("", error);

    for (int64_t e = 0; e < encoders->count && name != NULL; e++) {
        char *path = qctx_path_trim(encoders->items[e], error);
        char *longer = path == NULL ? NULL : qctx_format(error, "%s%s%s", name, e > 0 ? "+" : "", qctx_path_base(path));

        free(path);
        free(name);
        name = longer;
    }
    return name;
}

static qctx_status fill_config(alone_job *job, const char *const *paths, int64_t count, qctx_error *error)
{
    const eval_options *options = job->options;
    const alone_source named = {
        .encoders = &options->encoders, .split = options->split, .allow_external = options->allow_external};
    qctx_status status = check_usage(options, error);

    if (status == QCTX_OK)
        status = alone_configure(&named, "eval measures a run, or stores, or with --encoder corpora", paths, count,
                                 &job->config, error);
    if (status != QCTX_OK)
        return status;
    eval_set_protocol(options, &job->config);
    if (options->encoders.count > 0 && (job->name = name_of(&options->encoders, error)) == NULL)
        return QCTX_ERR_MEMORY;
    return eval_check_protocol(options, &job->config, "name one corpus", error);
}

/* The files that were asked for. Collective. */
static qctx_status write_outputs(const alone_job *job, const qctx_evaluator *evaluator, const qctx_named_set *set,
                                 const qctx_projector *projector, const qctx_protocol *protocol, qctx_error *error)
{
    const qctx_predictions predictions = {
        set->name, &set->set, projector, protocol, qctx_evaluator_no_head_positions(evaluator, 0), NULL};
    char *tag = qctx_trec_tag(job->name != NULL ? job->name : set->name, error);
    qctx_status status = qctx_agree(job->comm, tag == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);

    if (status == QCTX_OK && job->options->run_file != NULL)
        status = qctx_trec_write(job->comm, eval_stream(job->outputs.run_file), &set->set, projector, protocol,
                                 &(qctx_trec_run){tag, eval_depth(job->options)}, error);
    if (status == QCTX_OK && job->options->predictions != NULL)
        status = qctx_predictions_write(job->comm, eval_stream(job->outputs.predictions), &predictions, error);
    free(tag);
    return status;
}

/* Prints, or keeps for the end, what was measured. Rank 0 only. */
static qctx_status show(alone_job *job, const qctx_named_set *set, const qctx_protocol *protocol,
                        const qctx_comparison *comparison, qctx_error *error)
{
    json_t *object;

    if (!job->options->json) {
        qctx_report_print_alone(eval_tables(job->options), set->name, job->name != NULL ? job->name : "vectors",
                                protocol, comparison);
        return QCTX_OK;
    }
    object = qctx_report_json_alone(set->name, protocol, comparison, error);
    if (object == NULL)
        return QCTX_ERR_MEMORY;
    json_object_set_new(object, "encoder", job->name != NULL ? json_string(job->name) : json_null());
    json_array_append_new(job->tables, object);
    return QCTX_OK;
}

/* Collective. */
static qctx_status measure(alone_job *job, const qctx_opened_source *source, qctx_error *error)
{
    const qctx_named_set set = {.name = source->name, .set = qctx_source_questions(source)};
    const qctx_projector projector = {.normalize = job->config.loss.normalize, .input = qctx_store_dim(source->store)};
    const qctx_protocol protocol = qctx_protocol_of(&job->config);
    qctx_evaluator *evaluator = NULL;
    qctx_comparison comparison;
    qctx_status status = QCTX_OK;

    if (job->options->run_file != NULL)
        status = qctx_trec_check(job->comm, &set.set, &protocol, error);
    if (status == QCTX_OK)
        status = qctx_evaluator_create(job->comm, &job->config, NULL, 0, &set, 1, &projector, QCTX_WIDEN_NEVER,
                                       &evaluator, error);
    if (status == QCTX_OK)
        status = qctx_evaluator_measure_alone(evaluator, 0, &comparison, error);
    if (status == QCTX_OK)
        status = write_outputs(job, evaluator, &set, &projector, &protocol, error);
    status = eval_close_outputs(job->comm, &job->outputs, status, error);
    if (status == QCTX_OK && qctx_comm_rank(job->comm) == 0)
        status = show(job, &set, &protocol, &comparison, error);
    qctx_evaluator_destroy(evaluator);
    return qctx_agree(job->comm, status, error);
}

static qctx_status measure_all(alone_job *job, const char *const *paths, int64_t count, qctx_error *error)
{
    qctx_status status = qctx_agree(job->comm, fill_config(job, paths, count, error), error);

    if (status == QCTX_OK)
        status = eval_open_outputs(job->comm, job->options, &job->outputs, error);
    if (status == QCTX_OK && job->options->encoders.count > 0)
        status = alone_learn(job->comm, &job->config, error);
    if (status == QCTX_OK)
        status = qctx_sources_open(job->comm, &job->config, NULL, &job->opened, error);
    if (status == QCTX_OK)
        status = qctx_threads_log(job->comm, error);
    for (int64_t s = 0; s < job->opened.eval_count && status == QCTX_OK; s++) {
        if (s > 0 && !job->options->json && qctx_comm_rank(job->comm) == 0)
            fputc('\n', stdout);
        status = measure(job, &job->opened.eval[s], error);
    }
    return status;
}

qctx_status eval_alone(qctx_comm *comm, const eval_options *options, const char *const *paths, int64_t count,
                       qctx_error *error)
{
    alone_job job = {.comm = comm, .options = options, .tables = json_array()};
    qctx_status status = measure_all(&job, paths, count, error);

    /* Of a failure before anything was measured. */
    status = eval_close_outputs(comm, &job.outputs, status, error);
    if (status == QCTX_OK && options->json && qctx_comm_rank(comm) == 0)
        eval_print_tables(job.tables);
    json_decref(job.tables);
    qctx_opened_close(&job.opened);
    qctx_config_free(&job.config);
    free(job.name);
    return status;
}
