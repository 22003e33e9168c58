/* Corpora as sources: a cached store is reused, else the corpus is embedded into one. */
#include <inttypes.h>
#include <stdlib.h>

#include "qctx/base/fileio.h"
#include "qctx/base/hash.h"
#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/dataset/embed.h"
#include "sources_internal.h"

/* The corpora and splits that an encoder learns from: all training sources, which are corpora then. */
static uint64_t hash_training(const qctx_places *places, uint64_t hash)
{
    const qctx_sources *train = &places->config->data.train;

    for (int64_t i = 0; i < train->count; i++) {
        const qctx_corpus *corpus = qctx_places_find(places, &train->items[i])->corpus;

        hash = qctx_hash(&corpus->fingerprint, sizeof corpus->fingerprint, hash);
        hash = qctx_hash_text(train->items[i].split, hash);
    }
    return hash;
}

/* A run's model that is now another one would embed its corpora in vain. Cannot be told of encoders that learn. */
static qctx_status check_trained_on(const qctx_places *places, const qctx_place_encoder *encoder,
                                    const char *fingerprint, qctx_error *error)
{
    if (places->trained_on == NULL || places->encoder_count > 1 || encoder->recipe->learns ||
        strcmp(places->trained_on, fingerprint) == 0)
        return QCTX_OK;
    qctx_fail(error, QCTX_ERR_MISMATCH, "%s: is the encoder '%s', the head was trained on '%s'", encoder->recipe->given,
              fingerprint, places->trained_on);
    return qctx_hint(error, "put the model that the run was trained with there, or where QCTX_MODELS says, or train "
                            "again");
}

/*
 * The key of an encoder, which is known before it is fitted: its fingerprint, and what it is fitted on if it learns.
 * Collective.
 */
static qctx_status find_key(qctx_places *places, qctx_place_encoder *encoder, qctx_error *error)
{
    const int64_t numbers[] = {QCTX_STORE_VERSION, (int64_t)places->config->data.dtype};
    char *fingerprint = NULL;
    qctx_status status;

    encoder->key = qctx_hash(numbers, sizeof numbers, 0);
    if (encoder->recipe == NULL) {
        encoder->key = qctx_hash_text(qctx_store_encoder_fingerprint(places->reference), encoder->key);
        return QCTX_OK;
    }
    status = qctx_encoders_create(places->comm, encoder->recipe, &encoder->encoder, error);
    if (status != QCTX_OK)
        return status;
    fingerprint = qctx_encoder_fingerprint(encoder->encoder, error);
    status = fingerprint != NULL ? check_trained_on(places, encoder, fingerprint, error) : QCTX_ERR_MEMORY;
    if (status == QCTX_OK)
        encoder->key = qctx_hash_text(fingerprint, encoder->key);
    free(fingerprint);
    status = qctx_agree(places->comm, status, error);
    if (status != QCTX_OK)
        return status;
    if (encoder->recipe->learns) {
        encoder->key = hash_training(places, encoder->key);
        qctx_encoder_destroy(encoder->encoder);
        encoder->encoder = NULL;
    }
    return status;
}

char *qctx_places_cache_path(const qctx_places *places, const qctx_place *place, uint64_t key, qctx_error *error)
{
    uint64_t digits = qctx_hash(&place->corpus->fingerprint, sizeof place->corpus->fingerprint, key);
    char *folder = qctx_path_trim(place->path, error);
    char *name = NULL;
    char *path = NULL;

    if (folder == NULL)
        return NULL;
    name = qctx_format(error, "%s-%016" PRIx64 ".h5", qctx_path_base(folder), digits);
    if (name != NULL)
        path = qctx_path_join(places->config->data.cache, name, error);
    free(folder);
    free(name);
    return path;
}

/* Creates an encoder and fits it on all training sources. Collective. */
static qctx_status fit_encoder(qctx_places *places, qctx_place_encoder *encoder, qctx_error *error)
{
    const qctx_sources *train = &places->config->data.train;
    qctx_fit_source *sources = qctx_alloc(train->count, sizeof *sources, "sources", error);
    qctx_status status = qctx_agree(places->comm, sources == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);

    if (status == QCTX_OK)
        status = qctx_encoders_create(places->comm, encoder->recipe, &encoder->encoder, error);
    if (status == QCTX_OK) {
        for (int64_t i = 0; i < train->count; i++)
            sources[i] = (qctx_fit_source){qctx_places_find(places, &train->items[i])->corpus, train->items[i].split};
        status = qctx_embed_fit(places->comm, encoder->encoder, sources, train->count, error);
    }
    free(sources);
    return status;
}

/* An encoder of the run, made once and ready to encode. Collective. */
static qctx_status need_encoder(qctx_places *places, qctx_place_encoder *encoder, qctx_error *error)
{
    if (encoder->encoder != NULL)
        return QCTX_OK;
    if (encoder->recipe != NULL)
        return fit_encoder(places, encoder, error);
    return qctx_agree(places->comm, qctx_embed_encoder_of(places->reference, &encoder->encoder, error), error);
}

bool qctx_places_cached(const qctx_places *places, const char *path)
{
    int64_t found = qctx_path_exists(path);

    qctx_comm_max_int64(places->comm, &found, 1);
    return found != 0;
}

qctx_status qctx_places_reuse(const qctx_places *places, const qctx_place *place, const char *path, qctx_store **store,
                              qctx_error *error)
{
    qctx_status status = qctx_store_open(places->comm, path, store, error);

    if (status != QCTX_OK) {
        if (status != QCTX_ERR_MEMORY)
            qctx_hint(error, "delete the file; it is made again from the corpus %s", place->path);
        return status;
    }
    qctx_info("reusing %s (made from the same texts and encoder)", path);
    return QCTX_OK;
}

qctx_status qctx_places_open_part(qctx_places *places, qctx_place *place, int64_t encoder, qctx_store **store,
                                  qctx_error *error)
{
    qctx_place_encoder *made_by = &places->encoders[encoder];
    char *path = qctx_places_cache_path(places, place, made_by->key, error);
    qctx_status status = qctx_agree(places->comm, path == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);

    if (status != QCTX_OK)
        goto out;
    if (qctx_places_cached(places, path)) {
        status = qctx_places_reuse(places, place, path, store, error);
        goto out;
    }
    qctx_comm_set_phase("embedding");
    status = need_encoder(places, made_by, error);
    if (status == QCTX_OK)
        status = qctx_embed_corpus(places->comm, place->corpus, made_by->encoder, places->config->data.dtype, path,
                                   true, error);
    qctx_comm_set_phase("opening of the data");
    if (status == QCTX_OK)
        status = qctx_store_open(places->comm, path, store, error);
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

/* Collective. */
static qctx_status read_corpora(qctx_places *places, int64_t *corpora, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    for (int64_t i = 0; i < places->count && status == QCTX_OK; i++)
        if (places->places[i].is_corpus) {
            status = qctx_corpus_open(places->comm, places->places[i].path, &places->places[i].corpus, error);
            (*corpora)++;
        }
    if (status != QCTX_OK || *corpora == 0)
        return status;
    status = check_splits(places, &places->config->data.train, error);
    if (status == QCTX_OK)
        status = check_splits(places, &places->config->data.eval, error);
    return qctx_agree(places->comm, status, error);
}

qctx_status qctx_places_open_corpora(qctx_places *places, qctx_error *error)
{
    int64_t corpora = 0;
    qctx_status status = read_corpora(places, &corpora, error);

    if (status != QCTX_OK || corpora == 0)
        return status;
    for (int64_t i = 0; i < places->encoder_count && status == QCTX_OK; i++)
        status = find_key(places, &places->encoders[i], error);
    if (status == QCTX_OK && places->encoder_count > 1)
        return qctx_places_join(places, error);
    for (int64_t i = 0; i < places->count && status == QCTX_OK; i++)
        if (places->places[i].is_corpus)
            status = qctx_places_open_part(places, &places->places[i], 0, &places->places[i].store, error);
    return status;
}
