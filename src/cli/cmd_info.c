#include <stdlib.h>
#include <string.h>

#include "info_internal.h"
#include "qctx/base/fileio.h"
#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/base/shown.h"
#include "qctx/cli/commands.h"
#include "qctx/config/config.h"
#include "qctx/data/corpus.h"
#include "qctx/run/checkpoint.h"
#include "qctx/run/run.h"
#include "qctx/sweep/sweep.h"
#include "qctx/text/text.h"
#include "qctx/transformer/model_folder.h"

static struct {
    bool json, reference;
} options;

static const qctx_option table[] = {
    {"json", QCTX_OPTION_FLAG, &options.json, NULL, "a JSON object for each path, a line each, for programs", 0, 0},
    {"config-reference", QCTX_OPTION_FLAG, &options.reference, NULL, "list all keys of a configuration, as Markdown", 0,
     0},
    {0},
};

static const qctx_usage usage = {
    .command = "info",
    .brief = "describe runs, corpora, stores, configs, checkpoints",
    .arguments = "PATH...",
    .summary = "Describes runs, corpora, stores, configurations and checkpoints.",
    .details = "  qctx-dist info runs/squad              what it gained, or how far it is\n"
               "  qctx-dist info runs                    a table of all runs, best first\n"
               "  qctx-dist info stores/squad.h5\n"
               "  qctx-dist info configs/squad.yaml      the configuration as resolved\n"
               "  qctx-dist info --config-reference\n"
               "\n"
               "What the path is, is seen from what it holds.\n",
    .options = table,
    .positional_min = 0,
    .positional_max = -1,
};

static bool is_config(const char *path)
{
    const char *ending = strrchr(qctx_path_base(path), '.');

    return !qctx_path_is_folder(path) && ending != NULL &&
           (strcmp(ending, ".yaml") == 0 || strcmp(ending, ".yml") == 0);
}

/* The kinds of things that can be described: how to know one, to describe it, and to print that for people. */
static const struct {
    bool (*is)(const char *path);
    qctx_status (*describe)(qctx_comm *comm, const char *path, json_t **description, qctx_error *error);
    qctx_status (*print)(const json_t *description, qctx_error *error);
} kinds[] = {
    {qctx_corpus_is, info_corpus, info_print_text},
    {is_config, info_config, info_print_text},
    {qctx_run_is, info_run, info_print_run},
    {qctx_store_is, info_store, info_print_text},
    {qctx_checkpoint_is, info_checkpoint, info_print_text},
    {info_is_folder, info_folder, info_print_folder},
};
enum { KIND_COUNT = sizeof kinds / sizeof kinds[0] };

/* A file of a run says nothing by itself; others are no file of this program. */
static qctx_status refuse_file(const char *path, qctx_error *error)
{
    const char *name = qctx_path_base(path);
    char *folder = name == path ? qctx_strdup(".", error) : qctx_format(error, "%.*s", (int)(name - path - 1), path);

    if (folder == NULL)
        return QCTX_ERR_MEMORY;
    qctx_fail(error, QCTX_ERR_FORMAT,
              "%s: neither a store (an HDF5 file with questions/vectors), nor a checkpoint, nor a configuration "
              "(.yaml)",
              path);
    if (qctx_run_is(folder))
        qctx_hint(error, "it belongs to a run: qctx-dist info %s", folder);
    else
        qctx_hint(error, "qctx-dist import makes a corpus from SQuAD, QuAC, JSONL, JSON, TSV or CSV files");
    free(folder);
    return QCTX_ERR_FORMAT;
}

static qctx_status refuse(const char *path, qctx_error *error)
{
    if (!qctx_path_exists(path))
        return qctx_fail(error, QCTX_ERR_IO, "%s: No such file or directory", path);
    if (qctx_model_folder_is(path)) {
        qctx_fail(error, QCTX_ERR_FORMAT, "%s: is a model folder, which is not described by itself", path);
        return qctx_hint(error, "name a store that was embedded by it: qctx-dist embed CORPUS --encoder %s", path);
    }
    if (qctx_sweep_is(path)) {
        qctx_fail(error, QCTX_ERR_FORMAT, "%s: is a sweep, which is not described by itself", path);
        return qctx_hint(error, "qctx-dist sweep status %s says how it is; its runs: qctx-dist info %s/trials", path,
                         path);
    }
    if (qctx_path_is_folder(path)) {
        qctx_fail(error, QCTX_ERR_FORMAT,
                  "%s: neither a corpus (it has no corpus.jsonl) nor a run (no config.yaml), nor does it hold any",
                  path);
        return qctx_hint(error, "name a file in it, or a folder that import or train has made");
    }
    return qctx_stream_refuse(path, error) != QCTX_OK ? QCTX_ERR_IO : refuse_file(path, error);
}

/* Rank 0 decides what the path is, so that all ranks take it for the same kind. Collective. */
static qctx_status find_kind(qctx_comm *comm, const char *path, int *kind, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    *kind = 0;
    if (qctx_comm_rank(comm) == 0) {
        while (*kind < KIND_COUNT && !kinds[*kind].is(path))
            (*kind)++;
        if (*kind == KIND_COUNT)
            status = refuse(path, error);
    }
    qctx_comm_broadcast(comm, kind, sizeof *kind, 0);
    return qctx_agree(comm, status, error);
}

/* Which of several paths is described below it; a line apart from the one before. */
static void print_title(const char *path)
{
    static bool begun = false;

    if (begun)
        putchar('\n');
    begun = true;
    qctx_show(path, strlen(path), stdout);
    puts(":");
}

/* Describes one of `count` paths. Collective. */
static qctx_status describe(qctx_comm *comm, const char *path, int64_t count, qctx_error *error)
{
    json_t *description = NULL;
    int kind;
    qctx_status status = find_kind(comm, path, &kind, error);

    if (status == QCTX_OK)
        status = kinds[kind].describe(comm, path, &description, error);
    if (status == QCTX_OK && qctx_comm_rank(comm) == 0) {
        if (!options.json && count > 1)
            print_title(path);
        status = options.json ? info_print_json(description, error) : kinds[kind].print(description, error);
    }
    json_decref(description);
    return qctx_agree(comm, status, error);
}

/* Whether another path may still be described after this failure. */
static bool is_of_one_path(qctx_status status)
{
    return status == QCTX_ERR_IO || status == QCTX_ERR_FORMAT || status == QCTX_ERR_DATA ||
           status == QCTX_ERR_MISMATCH || status == QCTX_ERR_CONFIG;
}

/* A path that is wrong spoils no other: all are described, each failure is named, and the last one is returned. */
static qctx_status describe_all(qctx_comm *comm, const char *const *paths, int64_t count, qctx_error *error)
{
    qctx_status failed = QCTX_OK;

    for (int64_t i = 0; i < count; i++) {
        qctx_error problem = {0};
        qctx_status status = describe(comm, paths[i], count, &problem);

        if (status == QCTX_OK)
            continue;
        if (failed != QCTX_OK && qctx_comm_rank(comm) == 0)
            qctx_log_error(error);
        *error = problem;
        failed = status;
        if (!is_of_one_path(status))
            break;
    }
    return failed;
}

static qctx_status info(qctx_comm *comm, const char *const *positional, int64_t count, qctx_error *error)
{
    if (options.reference && count == 0) {
        if (qctx_comm_rank(comm) == 0)
            qctx_config_reference(stdout);
        return QCTX_OK;
    }
    if (options.reference || count == 0) {
        qctx_fail(error, QCTX_ERR_USAGE, "info: expected a path or --config-reference");
        return qctx_hint(error, "qctx-dist info --help says more");
    }
    return describe_all(comm, positional, count, error);
}

const qctx_command qctx_cmd_info = {.usage = &usage, .run = info};
