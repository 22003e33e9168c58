#include <stdio.h>

#include "eval_internal.h"
#include "qctx/base/fileio.h"

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
    if (options->run_file == NULL && options->predictions == NULL)
        return QCTX_OK;
    if (config->eval.candidates == QCTX_CANDIDATES_POOLS) {
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

qctx_status eval_check_outputs(const eval_options *options, qctx_error *error)
{
    qctx_status status = QCTX_OK;

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
