#include "qctx/dataset/sources.h"

#include <stdlib.h>
#include <string.h>

#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "sources_internal.h"

qctx_place *qctx_places_find(const qctx_places *places, const qctx_source *source)
{
    bool is_corpus = source->corpus != NULL;
    const char *path = is_corpus ? source->corpus : source->store;

    for (int64_t i = 0; i < places->count; i++)
        if (places->places[i].is_corpus == is_corpus && strcmp(places->places[i].path, path) == 0)
            return &places->places[i];
    return NULL;
}

static void add_places(qctx_places *places, const qctx_sources *sources)
{
    for (int64_t i = 0; i < sources->count; i++) {
        const qctx_source *source = &sources->items[i];
        bool is_corpus = source->corpus != NULL;

        if (qctx_places_find(places, source) == NULL)
            places->places[places->count++] =
                (qctx_place){.path = is_corpus ? source->corpus : source->store, .is_corpus = is_corpus};
    }
}

static qctx_status collect_places(qctx_places *places, qctx_error *error)
{
    const qctx_sources *train = &places->config->data.train;
    const qctx_sources *eval = &places->config->data.eval;

    places->places = qctx_alloc(train->count + eval->count, sizeof *places->places, "sources", error);
    if (places->places == NULL)
        return QCTX_ERR_MEMORY;
    add_places(places, train);
    add_places(places, eval);
    return QCTX_OK;
}

/* Collective. */
static qctx_status open_stores(qctx_places *places, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    for (int64_t i = 0; i < places->count && status == QCTX_OK; i++)
        if (!places->places[i].is_corpus)
            status = qctx_store_open(places->comm, places->places[i].path, &places->places[i].store, error);
    return status;
}

/* A store among the sources brings its encoder: what was said of another one would be passed over. */
static qctx_status refuse_settings(const qctx_places *places, qctx_error *error)
{
    const qctx_encoder_spec spec = qctx_encoder_spec_of(places->config);
    const char *setting = qctx_encoder_spec_model_setting(&spec);

    if (setting == NULL && spec.weight_count > 0)
        setting = "weights";
    if (setting == NULL && places->config->encoder.tune)
        setting = "tune";
    if (setting == NULL)
        return QCTX_OK;
    qctx_fail(error, QCTX_ERR_CONFIG, "encoder.%s: the encoder is that of the store %s, which is used as it is",
              setting, qctx_store_path(places->reference));
    return qctx_hint(error, "leave encoder.%s away, or name corpora instead of stores", setting);
}

/* Whether data.encoder is left at its default. */
static bool encoder_is_default(const qctx_config *config)
{
    return config->data.encoder.count == 1 && strcmp(config->data.encoder.items[0], "hashing") == 0;
}

/* Takes the encoder of the first store among the sources, if there is one. Local. */
static qctx_status find_reference(qctx_places *places, qctx_error *error)
{
    for (int64_t i = 0; i < places->count && places->reference == NULL; i++)
        places->reference = places->places[i].store;
    if (places->reference == NULL)
        return QCTX_OK;
    if (!encoder_is_default(places->config))
        qctx_info("data.encoder is not used: the encoder is that of %s", qctx_store_path(places->reference));
    return refuse_settings(places, error);
}

/* Finds out by what corpora are embedded: the encoder of a store, or those that data.encoder describes. Collective. */
static qctx_status find_encoders(qctx_places *places, qctx_error *error)
{
    const qctx_encoder_spec spec = qctx_encoder_spec_of(places->config);
    qctx_status status = qctx_agree(places->comm, find_reference(places, error), error);

    if (status != QCTX_OK)
        return status;
    if (places->reference == NULL)
        status = qctx_encoders_resolve(places->comm, &spec, &places->specified, error);
    if (status == QCTX_OK && places->specified.store != NULL) {
        status = qctx_store_open(places->comm, places->specified.store, &places->named_by_encoder, error);
        places->reference = places->named_by_encoder;
    }
    places->encoder_count = places->specified.count > 0 ? places->specified.count : 1;
    for (int64_t i = 0; i < places->specified.count; i++) {
        places->encoders[i].recipe = &places->specified.recipes[i];
        places->weights[i] = places->specified.weights[i];
    }
    places->weights_known = !places->config->encoder.tune;
    return status;
}

/* Vectors of different encoders, or of one fitted on different texts, cannot be compared. */
static qctx_status check_agreement(const qctx_places *places, qctx_error *error)
{
    const qctx_store *first = places->reference != NULL ? places->reference : places->places[0].store;
    const char *fingerprint = qctx_store_encoder_fingerprint(first);

    for (int64_t i = 0; i < places->count; i++) {
        const qctx_store *store = places->places[i].store;
        const char *other = qctx_store_encoder_fingerprint(store);

        if (qctx_store_dim(store) != qctx_store_dim(first))
            return qctx_fail(error, QCTX_ERR_MISMATCH, "%s has vectors of %lld, but %s of %lld; expected the same",
                             qctx_store_path(store), (long long)qctx_store_dim(store), qctx_store_path(first),
                             (long long)qctx_store_dim(first));
        if (fingerprint[0] != '\0' && other[0] != '\0' && strcmp(fingerprint, other) != 0) {
            qctx_fail(error, QCTX_ERR_MISMATCH, "%s was made by the encoder %s, but %s by %s; expected the same",
                      qctx_store_path(store), other, qctx_store_path(first), fingerprint);
            return qctx_hint(error, "embed its corpus with the other's encoder: qctx-dist embed CORPUS --encoder %s",
                             qctx_store_path(first));
        }
    }
    return QCTX_OK;
}

qctx_status qctx_places_take_source(const qctx_source *source, qctx_store *store, qctx_opened_source *taken,
                                    qctx_error *error)
{
    *taken = (qctx_opened_source){.store = store, .name = source->name, .limit = source->limit};
    taken->split = qctx_store_split(store, source->split, error);
    return taken->split == NULL ? QCTX_ERR_DATA : QCTX_OK;
}

static qctx_status fill_sources(const qctx_places *places, const qctx_sources *sources, qctx_opened_source **opened,
                                int64_t *count, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    *opened = qctx_alloc(sources->count, sizeof **opened, "sources", error);
    if (*opened == NULL)
        return QCTX_ERR_MEMORY;
    *count = sources->count;
    for (int64_t i = 0; i < sources->count && status == QCTX_OK; i++)
        status = qctx_places_take_source(&sources->items[i], qctx_places_find(places, &sources->items[i])->store,
                                         &(*opened)[i], error);
    return status;
}

/* Hands the stores over to `opened`, which closes them from here on. */
static qctx_status hand_over(qctx_places *places, qctx_opened *opened, qctx_error *error)
{
    opened->stores = qctx_alloc(places->count, sizeof(qctx_store *), "sources", error);
    if (opened->stores == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t i = 0; i < places->count; i++) {
        opened->stores[i] = places->places[i].store;
        places->places[i].store = NULL;
    }
    opened->store_count = places->count;
    return QCTX_OK;
}

static void free_places(qctx_places *places)
{
    for (int64_t i = 0; i < places->count; i++) {
        qctx_corpus_destroy(places->places[i].corpus);
        qctx_store_close(places->places[i].store);
        free(places->places[i].joined_path);
        for (int64_t part = 0; part < QCTX_JOINED_MAX; part++)
            qctx_store_close(places->places[i].parts[part]);
    }
    for (int64_t i = 0; i < places->encoder_count; i++)
        qctx_encoder_destroy(places->encoders[i].encoder);
    qctx_encoders_free(&places->specified);
    qctx_store_close(places->named_by_encoder);
    free(places->places);
}

qctx_status qctx_sources_open(qctx_comm *comm, const qctx_config *config, const char *trained_on, qctx_opened *opened,
                              qctx_error *error)
{
    qctx_places places = {.comm = comm, .config = config, .trained_on = trained_on};
    qctx_status status;

    *opened = (qctx_opened){0};
    status = qctx_agree(comm, collect_places(&places, error), error);
    if (status == QCTX_OK)
        status = open_stores(&places, error);
    if (status == QCTX_OK)
        status = find_encoders(&places, error);
    if (status == QCTX_OK)
        status = qctx_places_open_corpora(&places, error);
    if (status != QCTX_OK)
        goto out;
    status = check_agreement(&places, error);
    if (status == QCTX_OK)
        status = fill_sources(&places, &config->data.train, &opened->train, &opened->train_count, error);
    if (status == QCTX_OK)
        status = fill_sources(&places, &config->data.eval, &opened->eval, &opened->eval_count, error);
    if (status == QCTX_OK)
        status = hand_over(&places, opened, error);
    status = qctx_agree(comm, status, error);
out:
    free_places(&places);
    if (status != QCTX_OK)
        qctx_opened_close(opened);
    return status;
}
