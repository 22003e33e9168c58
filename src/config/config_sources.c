/* Configurations that commands make up: on what is evaluated, and by which encoder. */
#include <stdlib.h>
#include <string.h>

#include "config_internal.h"
#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"
#include "qctx/data/corpus.h"
#include "qctx/store/store.h"

/* A source is the corpus or store at `path`, split NULL: all of it; what it holds of a failure is freed with its list.
 */
static qctx_status fill_source(qctx_source *source, const char *path, bool is_store, const char *split,
                               qctx_error *error)
{
    *(is_store ? &source->store : &source->corpus) = qctx_strdup(path, error);
    source->split = split == NULL ? NULL : qctx_strdup(split, error);
    source->as_named = true;
    source->weight = 1.0;
    if ((source->store == NULL && source->corpus == NULL) || (source->split == NULL && split != NULL))
        return QCTX_ERR_MEMORY;
    source->name = split == NULL ? qctx_strdup(path, error) : config_source_name(source, error);
    return source->name == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
}

/* Whether it reads like "eval.pool=20", as train takes it. */
static bool is_override(const char *path)
{
    const size_t key = strspn(path, "abcdefghijklmnopqrstuvwxyz_.");

    return path[key] == '=' && memchr(path, '.', key) != NULL;
}

static qctx_status check_path(const char *path, qctx_error *error)
{
    if (!qctx_path_exists(path)) {
        qctx_fail(error, QCTX_ERR_IO, "%s: there is no such corpus or store", path);
        return !is_override(path) ? QCTX_ERR_IO
                                  : qctx_hint(error, "keys are of a run's configuration; here options set what is "
                                                     "measured: see qctx-dist eval --help");
    }
    if (qctx_store_is(path) || qctx_corpus_is(path))
        return QCTX_OK;
    if (qctx_stream_refuse(path, error) != QCTX_OK)
        return QCTX_ERR_IO;
    qctx_fail(error, QCTX_ERR_FORMAT, "%s: is neither a corpus nor a store", path);
    return qctx_hint(error, "a corpus is a folder with corpus.jsonl, a store an HDF5 file that embed wrote");
}

qctx_status qctx_config_evaluate_on(qctx_config *config, const char *const *paths, int64_t count, const char *split,
                                    qctx_error *error)
{
    qctx_sources sources = {.items = qctx_alloc(count, sizeof *sources.items, "the sources", error)};
    qctx_status status = sources.items == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
    bool any_store = false;

    for (int64_t p = 0; p < count && status == QCTX_OK; p++) {
        bool is_store = qctx_store_is(paths[p]);

        status = check_path(paths[p], error);
        if (status == QCTX_OK)
            status =
                fill_source(&sources.items[sources.count++], paths[p], is_store, split != NULL ? split : "dev", error);
        any_store = any_store || is_store;
    }
    if (status != QCTX_OK) {
        qctx_config_free_sources(&sources);
        return status;
    }
    qctx_config_free_sources(&config->data.eval);
    config->data.eval = sources;
    qctx_config_free_sources(&config->eval.guard);
    /* A store brings its encoder: nothing is left to be learnt from what was trained on. */
    if (any_store)
        qctx_config_free_sources(&config->data.train);
    return QCTX_OK;
}

qctx_status qctx_config_of_encoders(char *const *encoders, int64_t count, qctx_config *config, qctx_error *error)
{
    static const char text[] = "data: {train: [{corpus: none}]}\n";
    qctx_status status = qctx_config_parse(text, strlen(text), "defaults.yaml", NULL, 0, config, error);

    if (status != QCTX_OK)
        return status;
    qctx_config_free_sources(&config->data.train);
    if (count == 0)
        return QCTX_OK;
    status = qctx_config_name_encoders(&config->data.encoder, (const char *const *)encoders, count, error);
    config->data.encoder.given = true;
    return status;
}

qctx_status qctx_config_learn_from(qctx_config *config, const char *const *splits, qctx_error *error)
{
    const qctx_sources *eval = &config->data.eval;
    qctx_sources *train = &config->data.train;

    qctx_config_free_sources(train);
    train->items = qctx_alloc(eval->count, sizeof *train->items, "the sources", error);
    if (train->items == NULL)
        return QCTX_ERR_MEMORY;
    for (train->count = 0; train->count < eval->count;) {
        const int64_t s = train->count++;
        qctx_status status = fill_source(&train->items[s], eval->items[s].corpus, false, splits[s], error);

        if (status != QCTX_OK)
            return status;
    }
    return QCTX_OK;
}
