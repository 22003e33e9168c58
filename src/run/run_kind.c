/* What a path is, where a run is expected: a run, or what else stands there. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"
#include "qctx/config/config.h"
#include "qctx/data/corpus.h"
#include "qctx/run/run.h"
#include "qctx/store/store.h"
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

/* Whether the folder is that of a sweep, whose trials are runs; it has a config.yaml as they have. */
static bool is_sweep(const char *path)
{
    return qctx_folder_has(path, "sweep.yaml") || qctx_folder_has(path, "ledger.jsonl");
}

bool qctx_run_is(const char *path)
{
    char *config = qctx_path_join(path, "config.yaml", NULL);
    bool is = config != NULL && qctx_path_is_folder(path) && qctx_path_exists(config) && !is_sweep(path);

    free(config);
    return is;
}

static qctx_status refuse_sweep(const char *path, qctx_error *error)
{
    qctx_fail(error, QCTX_ERR_FORMAT, "%s: is a sweep, not a run", path);
    return qctx_hint(error, "its runs are in %s/trials; qctx-dist sweep best %s prints the configuration of the best",
                     path, path);
}

/* The runs in a folder, "a, b, c", the first of them in `first`; NULL where there is none. All freshly allocated. */
static char *runs_in(const char *path, char **first)
{
    struct dirent **entries = NULL;
    const int count = scandir(path, &entries, NULL, alphasort);
    char *names = NULL;

    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        char *run = qctx_path_join(path, name, NULL);

        if (name[0] != '.' && run != NULL && qctx_run_is(run)) {
            char *longer = names == NULL ? qctx_strdup(name, NULL) : qctx_format(NULL, "%s, %s", names, name);

            free(names);
            names = longer;
            if (*first == NULL) {
                *first = run;
                run = NULL;
            }
        }
        free(run);
        free(entries[i]);
    }
    free(entries);
    return names;
}

/* A folder of runs is none of them; others pass. */
static qctx_status refuse_folder(const char *path, qctx_error *error)
{
    char *first = NULL, *names = qctx_run_is(path) ? NULL : runs_in(path, &first);
    qctx_status status = QCTX_OK;

    if (names != NULL && first != NULL) {
        qctx_fail(error, QCTX_ERR_FORMAT, "%s: is a folder of runs, not a run", path);
        status = qctx_hint(error, "name one of them, such as %s; it holds %s", first, names);
    }
    free(first);
    free(names);
    return status;
}

qctx_status run_refuse_other(const char *path, qctx_error *error)
{
    if (!qctx_path_is_folder(path) && is_config(path))
        return refuse_config(path, error);
    if (is_sweep(path))
        return refuse_sweep(path, error);
    if (!qctx_corpus_is(path) && !qctx_store_is(path))
        return refuse_folder(path, error);
    qctx_fail(error, QCTX_ERR_FORMAT, "%s: is a %s, not a run", path, qctx_corpus_is(path) ? "corpus" : "store");
    return qctx_hint(error, "a run is a folder <run.out>/<run.name> that qctx-dist train made; without one, qctx-dist "
                            "eval measures an encoder (--encoder ENCODER CORPUS) or the vectors of a store");
}
