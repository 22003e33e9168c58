#include "alone.h"

#include <stdlib.h>

#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"
#include "qctx/data/corpus.h"
#include "qctx/dataset/encoders.h"
#include "qctx/store/store.h"

/* What is named must be corpora beside an encoder, and stores without one: a store has its encoder's vectors. Local. */
static qctx_status check_path(const alone_source *source, const char *takes, const char *path, qctx_error *error)
{
    const bool is_store = qctx_store_is(path);

    if (source->encoders->count > 0 && is_store) {
        qctx_fail(error, QCTX_ERR_USAGE, "%s: is a store, which holds the vectors of its own encoder", path);
        return qctx_hint(error, "leave --encoder out, or name the corpus");
    }
    if (source->encoders->count == 0 && !is_store && qctx_path_exists(path)) {
        qctx_fail(error, QCTX_ERR_USAGE, "%s: is not a store as the path before it", path);
        return qctx_hint(error, "%s", takes);
    }
    return QCTX_OK;
}

qctx_status alone_configure(const alone_source *source, const char *takes, const char *const *paths, int64_t count,
                            qctx_config *config, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    for (int64_t p = 0; p < count && status == QCTX_OK; p++)
        status = check_path(source, takes, paths[p], error);
    if (status == QCTX_OK)
        status = qctx_config_of_encoders(source->encoders->items, source->encoders->count, config, error);
    if (status == QCTX_OK)
        status = qctx_config_evaluate_on(config, paths, count, source->split, error);
    if (status != QCTX_OK)
        return status;
    for (int64_t p = 0; p < count; p++)
        config->data.eval.items[p].external = source->allow_external;
    /* The vectors of a store are taken as they were made; those beside it must have been made alike. */
    if (qctx_store_titles_at(paths[0]) == QCTX_TITLES_LEFT_OUT)
        config->data.titles = false;
    return QCTX_OK;
}

/*
 * The split that an encoder learns from, as a training on the corpus would: `train`, or for want of it NULL, all
 * contexts: those of the questions that are measured alone would favour it. Collective. Cannot fail.
 */
static const char *find_fit_split(qctx_comm *comm, const qctx_source *source)
{
    static const char usual[] = "train";
    int64_t there = qctx_comm_rank(comm) == 0 && qctx_corpus_has_split(source->corpus, usual);

    qctx_comm_max_int64(comm, &there, 1);
    return there != 0 ? usual : NULL;
}

qctx_status alone_learn(qctx_comm *comm, qctx_config *config, qctx_error *error)
{
    const qctx_sources *sources = &config->data.eval;
    const qctx_encoder_spec spec = qctx_config_encoder_spec(config);
    const char **splits = qctx_alloc(sources->count, sizeof *splits, "the splits to learn from", error);
    qctx_encoders encoders = {0};
    bool learns = false;
    qctx_status status = qctx_agree(comm, splits == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);

    if (status == QCTX_OK)
        status = qctx_encoders_resolve(comm, &spec, &encoders, error);
    for (int64_t e = 0; e < encoders.count; e++)
        learns = learns || encoders.recipes[e].learns;
    for (int64_t s = 0; s < sources->count && learns && status == QCTX_OK; s++)
        splits[s] = find_fit_split(comm, &sources->items[s]);
    if (status == QCTX_OK && learns)
        status = qctx_agree(comm, qctx_config_learn_from(config, splits, error), error);
    qctx_encoders_free(&encoders);
    free(splits);
    return status;
}
