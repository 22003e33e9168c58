/* Corpora as sources: a cached store is reused, else the corpus is embedded into one. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/fileio.h"
#include "qctx/base/hash.h"
#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/engine/embed.h"
#include "sources_internal.h"

static uint64_t hash_text(const char *text, uint64_t seed)
{
    return qctx_hash(text, strlen(text), seed);
}

/*
 * The part of the key that stands for the encoder: what it is fitted on and with, which is known before it is fitted.
 */
static qctx_status hash_fit(const qctx_places *places, uint64_t *hash, qctx_error *error)
{
    const qctx_sources *train = &places->config->data.train;
    qctx_encoder *encoder = NULL;
    char *fingerprint = NULL;
    qctx_status status = qctx_encoder_create(places->config->data.encoder, NULL, &encoder, error);

    if (status != QCTX_OK)
        return status;
    fingerprint = qctx_encoder_fingerprint(encoder, error);
    qctx_encoder_destroy(encoder);
    if (fingerprint == NULL)
        return QCTX_ERR_MEMORY;
    *hash = hash_text(fingerprint, *hash);
    free(fingerprint);
    for (int64_t i = 0; i < train->count; i++) {
        const qctx_corpus *corpus = qctx_places_find(places, &train->items[i])->corpus;

        *hash = qctx_hash(&corpus->fingerprint, sizeof corpus->fingerprint, *hash);
        *hash = hash_text(train->items[i].split, *hash);
    }
    return QCTX_OK;
}

/* The hash of everything that decides the bytes of a place's store, but for the corpus itself. */
static qctx_status hash_settings(const qctx_places *places, uint64_t *hash, qctx_error *error)
{
    const int64_t numbers[] = {QCTX_STORE_VERSION, (int64_t)places->config->data.dtype};

    *hash = qctx_hash(numbers, sizeof numbers, 0);
    if (places->reference == NULL)
        return hash_fit(places, hash, error);
    *hash = hash_text(qctx_store_encoder_fingerprint(places->reference), *hash);
    return QCTX_OK;
}

/* "<cache>/<corpus>-<key>.h5", freshly allocated. */
static char *cache_path(const qctx_places *places, const qctx_place *place, uint64_t settings, qctx_error *error)
{
    uint64_t key = qctx_hash(&place->corpus->fingerprint, sizeof place->corpus->fingerprint, settings);
    char *folder = qctx_path_trim(place->path, error);
    char *name = NULL;
    char *path = NULL;

    if (folder == NULL)
        return NULL;
    name = qctx_format(error, "%s-%016" PRIx64 ".h5", qctx_path_base(folder), key);
    if (name != NULL)
        path = qctx_path_join(places->config->data.cache, name, error);
    free(folder);
    free(name);
    return path;
}

/* The corpora and splits that the run's own encoder learns from: all training sources, which are corpora then. */
static qctx_status fit_encoder(qctx_places *places, qctx_error *error)
{
    const qctx_sources *train = &places->config->data.train;
    qctx_fit_source *sources = qctx_alloc(train->count, sizeof *sources, "sources", error);
    qctx_status status = sources == NULL
                             ? QCTX_ERR_MEMORY
                             : qctx_encoder_create(places->config->data.encoder, NULL, &places->encoder, error);

    status = qctx_agree(places->comm, status, error);
    if (status == QCTX_OK) {
        for (int64_t i = 0; i < train->count; i++)
            sources[i] = (qctx_fit_source){qctx_places_find(places, &train->items[i])->corpus, train->items[i].split};
        status = qctx_embed_fit(places->comm, places->encoder, sources, train->count, error);
    }
    free(sources);
    return status;
}

/* The encoder of the run, made once. Collective. */
static qctx_status need_encoder(qctx_places *places, qctx_error *error)
{
    if (places->encoder != NULL)
        return QCTX_OK;
    if (places->reference == NULL)
        return fit_encoder(places, error);
    return qctx_agree(places->comm, qctx_embed_encoder_of(places->reference, &places->encoder, error), error);
}

/* Opens a cached store; one that cannot be used says how to get rid of it. Collective. */
static qctx_status reuse(const qctx_places *places, qctx_place *place, const char *path, qctx_error *error)
{
    qctx_status status = qctx_store_open(places->comm, path, &place->store, error);

    if (status != QCTX_OK) {
        if (status != QCTX_ERR_MEMORY)
            qctx_hint(error, "delete the file; it is made again from the corpus %s", place->path);
        return status;
    }
    qctx_info("reusing %s (made from the same texts and encoder)", path);
    return QCTX_OK;
}

/* Collective. */
static qctx_status open_corpus(qctx_places *places, qctx_place *place, uint64_t settings, qctx_error *error)
{
    char *path = cache_path(places, place, settings, error);
    int64_t found = path != NULL && qctx_path_exists(path);
    qctx_status status = qctx_agree(places->comm, path == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);

    if (status != QCTX_OK)
        goto out;
    qctx_comm_max_int64(places->comm, &found, 1);
    if (found) {
        status = reuse(places, place, path, error);
        goto out;
    }
    status = need_encoder(places, error);
    if (status == QCTX_OK)
        status = qctx_embed_corpus(places->comm, place->corpus, places->encoder, places->config->data.dtype, path, true,
                                   error);
    if (status == QCTX_OK)
        status = qctx_store_open(places->comm, path, &place->store, error);
out:
    free(path);
    return status;
}

/* A misspelt split is refused before anything is embedded. */
static qctx_status check_splits(const qctx_places *places, const qctx_sources *sources, qctx_error *error)
{
    for (int64_t i = 0; i < sources->count; i++) {
        const qctx_place *place = qctx_places_find(places, &sources->items[i]);

        if (place->is_corpus && qctx_corpus_split(place->corpus, sources->items[i].split, error) == NULL)
            return QCTX_ERR_DATA;
    }
    return QCTX_OK;
}

qctx_status qctx_places_open_corpora(qctx_places *places, qctx_error *error)
{
    uint64_t settings = 0;
    int64_t corpora = 0;
    qctx_status status = QCTX_OK;

    for (int64_t i = 0; i < places->count && status == QCTX_OK; i++)
        if (places->places[i].is_corpus) {
            status = qctx_corpus_open(places->comm, places->places[i].path, &places->places[i].corpus, error);
            corpora++;
        }
    if (status != QCTX_OK || corpora == 0)
        return status;
    status = check_splits(places, &places->config->data.train, error);
    if (status == QCTX_OK)
        status = check_splits(places, &places->config->data.eval, error);
    if (status == QCTX_OK)
        status = hash_settings(places, &settings, error);
    status = qctx_agree(places->comm, status, error);
    for (int64_t i = 0; i < places->count && status == QCTX_OK; i++)
        if (places->places[i].is_corpus)
            status = open_corpus(places, &places->places[i], settings, error);
    return status;
}
