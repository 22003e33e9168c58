#include <stdlib.h>
#include <string.h>

#include "qctx/base/fileio.h"
#include "qctx/config/config.h"
#include "qctx/data/corpus.h"
#include "qctx/data/store.h"
#include "run_internal.h"

static bool is_config(const char *path)
{
    const char *ending = strrchr(qctx_path_base(path), '.');

    return ending != NULL && (strcmp(ending, ".yaml") == 0 || strcmp(ending, ".yml") == 0);
}

/* The folder of the run that a configuration describes, or NULL where it describes none. Freshly allocated. */
static char *run_of(const char *path)
{
    qctx_config config = {0};
    char *text = NULL, *run = NULL;
    size_t bytes;

    if (qctx_file_read(path, &text, &bytes, NULL) == QCTX_OK &&
        qctx_config_parse(text, bytes, path, NULL, 0, &config, NULL) == QCTX_OK)
        run = qctx_config_run_folder(&config, NULL);
    qctx_config_free(&config);
    free(text);
    return run;
}

static qctx_status refuse_config(const char *path, qctx_error *error)
{
    char *run = run_of(path);

    qctx_fail(error, QCTX_ERR_FORMAT, "%s: is a configuration, not a run", path);
    if (run == NULL)
        qctx_hint(error, "a run is a folder <run.out>/<run.name> that qctx-dist train made");
    else if (qctx_path_is_folder(run))
        qctx_hint(error, "name its run: %s", run);
    else
        qctx_hint(error, "train it first, qctx-dist train %s, and name its run, %s", path, run);
    free(run);
    return QCTX_ERR_FORMAT;
}

bool run_is_sweep(const char *path)
{
    return qctx_folder_has(path, "sweep.yaml") || qctx_folder_has(path, "ledger.jsonl");
}

static qctx_status refuse_sweep(const char *path, qctx_error *error)
{
    qctx_fail(error, QCTX_ERR_FORMAT, "%s: is a sweep, not a run", path);
    return qctx_hint(error, "its runs are in %s/trials; qctx-dist sweep best %s prints the configuration of the best",
                     path, path);
}

qctx_status run_refuse_other(const char *path, qctx_error *error)
{
    if (!qctx_path_is_folder(path) && is_config(path))
        return refuse_config(path, error);
    if (run_is_sweep(path))
        return refuse_sweep(path, error);
    if (!qctx_corpus_is(path) && !qctx_store_is(path))
        return QCTX_OK;
    qctx_fail(error, QCTX_ERR_FORMAT, "%s: is a %s, not a run", path, qctx_corpus_is(path) ? "corpus" : "store");
    return qctx_hint(error, "a run is a folder <run.out>/<run.name> that qctx-dist train made; without one, qctx-dist "
                            "eval measures an encoder (--encoder ENCODER CORPUS) or the vectors of a store");
}
