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

qctx_status eval_check_outputs(const eval_options *options, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    if (options->depth > 0 && options->run_file == NULL) {
        qctx_fail(error, QCTX_ERR_USAGE, "eval: --depth needs --run-file");
        return qctx_hint(error, "it says how many contexts a question has in the TREC run");
    }
    if (options->run_file != NULL && options->predictions != NULL &&
        is_same_file(options->run_file, options->predictions)) {
        qctx_fail(error, QCTX_ERR_USAGE, "eval: --run-file and --predictions both name %s", options->run_file);
        return qctx_hint(error, "give each a file of its own");
    }
    if (options->run_file != NULL)
        status = qctx_output_check(options->run_file, options->force, error);
    if (status == QCTX_OK && options->predictions != NULL)
        status = qctx_output_check(options->predictions, options->force, error);
    return status;
}

void eval_print_tables(const json_t *tables)
{
    json_dumpf(tables, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    fputc('\n', stdout);
}
