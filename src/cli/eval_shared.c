#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "eval_internal.h"
#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"

/* Contexts a question in a TREC run, unless --depth says otherwise. */
enum { DEPTH = 100 };

void eval_set_protocol(const eval_options *options, qctx_config *config)
{
    if (options->candidates.value >= 0)
        config->eval.candidates = (qctx_candidates)options->candidates.value;
    if (options->order.value >= 0)
        config->eval.order = (qctx_pool_order)options->order.value;
    if (options->pool > 0)
        config->eval.pool = options->pool;
}

qctx_status eval_check_protocol(const eval_options *options, const qctx_config *config, const char *more,
                                qctx_error *error)
{
    const bool pools = config->eval.candidates == QCTX_CANDIDATES_POOLS;

    if (options->run_file == NULL && options->predictions == NULL)
        return QCTX_OK;
    if (pools && config->data.eval.count > 1) {
        qctx_fail(error, QCTX_ERR_USAGE,
                  "eval: --run-file and --predictions need lists over more than a pool, and take one source, here are "
                  "%lld",
                  (long long)config->data.eval.count);
        return qctx_hint(error, "add --candidates corpus (all contexts) or --candidates split, and %s", more);
    }
    if (pools) {
        qctx_fail(error, QCTX_ERR_USAGE, "eval: --run-file and --predictions need lists over more than a pool");
        return qctx_hint(error, "add --candidates corpus (all contexts) or --candidates split");
    }
    if (config->data.eval.count > 1) {
        qctx_fail(error, QCTX_ERR_USAGE, "eval: --run-file and --predictions take one source, here are %lld",
                  (long long)config->data.eval.count);
        return qctx_hint(error, "%s", more);
    }
    return QCTX_OK;
}

int64_t eval_depth(const eval_options *options)
{
    return options->depth > 0 ? options->depth : DEPTH;
}

/* Whether two paths, of files that need not be there, lead to the same one. */
static bool is_same_file(const char *a, const char *b)
{
    char *folders[] = {qctx_format(NULL, "%.*s.", (int)(qctx_path_base(a) - a), a),
                       qctx_format(NULL, "%.*s.", (int)(qctx_path_base(b) - b), b)};
    struct stat first, second;
    bool same = strcmp(qctx_path_base(a), qctx_path_base(b)) == 0 && folders[0] != NULL && folders[1] != NULL &&
                stat(folders[0], &first) == 0 && stat(folders[1], &second) == 0 && first.st_dev == second.st_dev &&
                first.st_ino == second.st_ino;

    free(folders[0]);
    free(folders[1]);
    return same;
}

static bool is_standard(const char *path)
{
    return path != NULL && qctx_output_is_standard(path);
}

qctx_status eval_check_outputs(const eval_options *options, qctx_error *error)
{
    const char *run_file = options->run_file, *predictions = options->predictions;

    if (options->depth > 0 && run_file == NULL) {
        qctx_fail(error, QCTX_ERR_USAGE, "eval: --depth needs --run-file");
        return qctx_hint(error, "it says how many contexts a question has in the TREC run");
    }
    if (run_file != NULL && predictions != NULL &&
        (is_same_file(run_file, predictions) || (is_standard(run_file) && is_standard(predictions)))) {
        qctx_fail(error, QCTX_ERR_USAGE, "eval: --run-file and --predictions both name %s", run_file);
        return qctx_hint(error, "give each a file of its own");
    }
    if (options->json && (is_standard(run_file) || is_standard(predictions))) {
        qctx_fail(error, QCTX_ERR_USAGE, "eval: --json and %s both go to standard output",
                  is_standard(run_file) ? "--run-file" : "--predictions");
        return qctx_hint(error, "name a file for it, or leave --json out: then tables go to standard error");
    }
    return QCTX_OK;
}

qctx_status eval_open_outputs(qctx_comm *comm, const eval_options *options, eval_outputs *outputs, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    *outputs = (eval_outputs){0};
    if (qctx_comm_rank(comm) == 0 && options->run_file != NULL)
        status = qctx_output_open(options->run_file, options->force, &outputs->run_file, error);
    if (status == QCTX_OK && qctx_comm_rank(comm) == 0 && options->predictions != NULL)
        status = qctx_output_open(options->predictions, options->force, &outputs->predictions, error);
    return qctx_agree(comm, status, error);
}

qctx_status eval_close_outputs(qctx_comm *comm, eval_outputs *outputs, qctx_status status, qctx_error *error)
{
    status = qctx_agree(comm, status, error);
    if (status == QCTX_OK) {
        status = qctx_output_commit(outputs->run_file, error);
        outputs->run_file = NULL;
    }
    if (status == QCTX_OK) {
        status = qctx_output_commit(outputs->predictions, error);
        outputs->predictions = NULL;
    }
    qctx_output_discard(outputs->run_file);
    qctx_output_discard(outputs->predictions);
    *outputs = (eval_outputs){0};
    return qctx_agree(comm, status, error);
}

FILE *eval_stream(qctx_output *output)
{
    return output == NULL ? NULL : qctx_output_stream(output);
}

FILE *eval_tables(const eval_options *options)
{
    return is_standard(options->run_file) || is_standard(options->predictions) ? stderr : stdout;
}

void eval_print_tables(const json_t *tables)
{
    qctx_json_print(tables, JSON_INDENT(2) | JSON_REAL_PRECISION(9), stdout);
    fputc('\n', stdout);
}
