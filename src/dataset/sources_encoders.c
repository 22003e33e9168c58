/* By what corpora are embedded: which encoders, under which keys their stores are cached, made when they are needed. */
#include <stdlib.h>
#include <string.h>

#include "qctx/base/hash.h"
#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/data/context_texts.h"
#include "qctx/dataset/embed.h"
#include "sources_internal.h"

/* Whether data.encoder is left at its default. */
static bool encoder_is_default(const qctx_config *config)
{
    const qctx_encoder_entry *first = &config->data.encoder.items[0];

    return config->data.encoder.count == 1 && first->field == NULL && strcmp(first->model, "hashing") == 0;
}

/*
 * A store among the sources brings its encoder. What is said of one that data.encoder does not name would be passed
 * over, and there is nothing left to tune.
 */
static qctx_status refuse_settings(const source_resolver *resolver, qctx_error *error)
{
    const qctx_encoder_spec spec = qctx_config_encoder_spec(resolver->config);
    const char *setting = encoder_is_default(resolver->config) ? qctx_encoder_spec_model_setting(&spec) : NULL;

    if (setting == NULL && resolver->config->encoder.tune)
        setting = "tune";
    if (setting == NULL)
        return QCTX_OK;
    qctx_fail(error, QCTX_ERR_CONFIG, "encoder.%s: the encoder is that of the store %s, which is used as it is",
              setting, qctx_store_path(resolver->reference));
    return qctx_hint(error, "leave encoder.%s away, or name corpora instead of stores", setting);
}

static void take_first_store(source_resolver *resolver, const qctx_sources *sources)
{
    for (int64_t i = 0; i < sources->count && resolver->reference == NULL; i++)
        resolver->reference = resolver_find(resolver, &sources->items[i])->store;
}

/*
 * Takes the encoder of the first store among the sources, if there is one: of those that are trained on, and of what
 * measures where nothing else is said; guards decide nothing. All sources of a run are of its own encoder. Local.
 */
static qctx_status find_reference(source_resolver *resolver, qctx_error *error)
{
    take_first_store(resolver, &resolver->config->data.train);
    if (resolver->origin != NULL || !resolver->config->data.encoder.given)
        take_first_store(resolver, &resolver->config->data.eval);
    if (resolver->origin != NULL)
        take_first_store(resolver, &resolver->config->eval.guard);
    if (resolver->reference == NULL)
        return QCTX_OK;
    /* A run's stores may be all that was moved with it; its settings are those that they were made by. */
    return resolver->origin != NULL ? QCTX_OK : refuse_settings(resolver, error);
}

/*
 * Whether an encoder that has yet to learn may have made a store: only its kind can be told, and what fields it takes
 * at which weights, which stand with all its settings.
 */
static bool may_have_made(const qctx_store *store, const qctx_encoder *encoder, const char *settings)
{
    const char *const *names;

    return strcmp(qctx_store_encoder(store), qctx_encoder_name(encoder)) == 0 &&
           ((qctx_encoder_fields(encoder, &names) == 0 && qctx_store_titles(store) != QCTX_TITLES_FIELDS) ||
            strcmp(qctx_store_encoder_settings(store), settings) == 0);
}

/* Whether a store, which stands under `key`, was made by an encoder. Local. */
static qctx_status check_made_by(const qctx_store *store, const char *key, const qctx_encoder *encoder, bool learns,
                                 qctx_error *error)
{
    const char *made_by = qctx_store_encoder_fingerprint(store);
    char *fingerprint, *settings = NULL;
    void *table = NULL;
    size_t bytes;
    bool same;
    qctx_status status = qctx_encoder_save(encoder, &settings, &table, &bytes, error);

    if (status != QCTX_OK)
        return status;
    fingerprint = qctx_encoder_fingerprint(encoder, error);
    same =
        fingerprint != NULL && (learns ? may_have_made(store, encoder, settings) : strcmp(made_by, fingerprint) == 0);
    free(settings);
    free(table);
    if (fingerprint == NULL)
        return QCTX_ERR_MEMORY;
    if (!same) {
        qctx_fail(error, QCTX_ERR_MISMATCH, "%s: data.encoder is the encoder %s, but the store %s was made by %s", key,
                  fingerprint, qctx_store_path(store), made_by);
        qctx_hint(error, "embed its corpus by this configuration: qctx-dist embed CORPUS --out STORE --config FILE%s",
                  strcmp(key, "eval.guard") == 0 ? "" : "; or leave data.encoder out");
    }
    free(fingerprint);
    return same ? QCTX_OK : QCTX_ERR_MISMATCH;
}

/* Where the encoder cannot be found here, that is said. Collective. */
static qctx_status hold_against(const source_resolver *resolver, const qctx_store *store, const char *key,
                                const qctx_encoder_spec *spec, qctx_error *error)
{
    qctx_encoder *encoder = NULL;
    bool learns;
    qctx_error unfound = {0};
    qctx_status status = qctx_encoders_open(resolver->comm, spec, &encoder, &learns, &unfound);

    if (status == QCTX_OK) {
        status = qctx_agree(resolver->comm, check_made_by(store, key, encoder, learns, error), error);
    } else if (status == QCTX_ERR_CONFIG || status == QCTX_ERR_IO) {
        if (qctx_comm_rank(resolver->comm) == 0)
            qctx_warn("data.encoder cannot be held against the store %s: %-s", qctx_store_path(store), unfound.message);
        status = QCTX_OK;
    } else {
        *error = unfound;
    }
    qctx_encoder_destroy(encoder);
    return status;
}

/*
 * What data.encoder describes must be what the store was made by: vectors of another encoder would be trained on
 * unseen. Where the store does not tell its own, that is said. Collective.
 */
static qctx_status check_reference(source_resolver *resolver, const qctx_encoder_spec *spec, qctx_error *error)
{
    const qctx_store *store = resolver->reference;

    for (int64_t i = 0; i < spec->count; i++)
        if (spec->encoders[i].field != NULL && qctx_store_encoder(store)[0] == '\0')
            return qctx_agree(resolver->comm, qctx_encoders_check_field(store, spec->encoders[i].field, error), error);
    if (qctx_store_encoder_fingerprint(store)[0] == '\0') {
        qctx_info("data.encoder is not used: the vectors are those of %s, which names no encoder",
                  qctx_store_path(store));
        return QCTX_OK;
    }
    return hold_against(resolver, store, "data.train", spec, error);
}

/*
 * Before corpora are embedded by what data.encoder describes: the stores that are measured must be of it. Weights that
 * have yet to be chosen cannot be compared; what is left, check_agreement finds. Collective.
 */
static qctx_status check_measured(const source_resolver *resolver, const qctx_sources *sources, const char *key,
                                  const qctx_encoder_spec *spec, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    for (int64_t i = 0; i < sources->count && status == QCTX_OK; i++) {
        const qctx_store *store = resolver_find(resolver, &sources->items[i])->store;

        if (store != NULL && qctx_store_encoder_fingerprint(store)[0] != '\0')
            status = hold_against(resolver, store, key, spec, error);
    }
    return status;
}

/* What the encoders of the run are given of contexts. Local. */
static qctx_status find_fields(source_resolver *resolver, qctx_error *error)
{
    resolver_encoder *only = &resolver->encoders[0];
    qctx_status status;

    for (int64_t i = 0; i < resolver->specified.count; i++) {
        resolver_encoder *encoder = &resolver->encoders[i];

        encoder->fields[0] = encoder->recipe->field;
        encoder->field_count = encoder->recipe->field != NULL;
    }
    if (resolver->reference == NULL)
        return QCTX_OK;
    status = qctx_joined_saved_fields(qctx_store_encoder(resolver->reference),
                                      qctx_store_encoder_settings(resolver->reference), resolver->reference_fields,
                                      &only->field_count, error);
    for (int64_t f = 0; f < only->field_count; f++)
        only->fields[f] = resolver->reference_fields[f];
    return status;
}

/* The store that data.encoder names, whose encoder is used. Collective. */
static qctx_status open_named_store(source_resolver *resolver, qctx_error *error)
{
    qctx_status status = qctx_store_open(resolver->comm, resolver->specified.store, &resolver->named_by_encoder, error);

    resolver->reference = resolver->named_by_encoder;
    if (status == QCTX_OK && resolver->specified.field != NULL)
        status = qctx_agree(resolver->comm,
                            qctx_encoders_check_field(resolver->reference, resolver->specified.field, error), error);
    return status;
}

/* The encoder of a store among the sources comes before what data.encoder describes. */
qctx_status resolver_find_encoders(source_resolver *resolver, qctx_error *error)
{
    const qctx_encoder_spec spec = qctx_config_encoder_spec(resolver->config);
    qctx_status status = qctx_agree(resolver->comm, find_reference(resolver, error), error);

    if (status != QCTX_OK)
        return status;
    /* A run's head wants rows of the encoder that it was trained on, before anything is embedded in vain. */
    if (resolver->reference != NULL && resolver->origin != NULL)
        status =
            qctx_agree(resolver->comm,
                       qctx_encoders_check_trained(resolver->reference, resolver->origin->trained_on, error), error);
    if (status == QCTX_OK && resolver->reference != NULL && resolver->origin == NULL &&
        !encoder_is_default(resolver->config))
        status = check_reference(resolver, &spec, error);
    if (status == QCTX_OK && resolver->reference == NULL)
        status = qctx_encoders_resolve(resolver->comm, &spec, &resolver->specified, error);
    if (status == QCTX_OK && resolver->reference == NULL && !resolver->config->encoder.tune)
        status = check_measured(resolver, &resolver->config->data.eval, "data.eval", &spec, error);
    if (status == QCTX_OK && resolver->reference == NULL && !resolver->config->encoder.tune)
        status = check_measured(resolver, &resolver->config->eval.guard, "eval.guard", &spec, error);
    if (status == QCTX_OK && resolver->specified.store != NULL)
        status = open_named_store(resolver, error);
    resolver->encoder_count = resolver->specified.count > 0 ? resolver->specified.count : 1;
    for (int64_t i = 0; i < resolver->specified.count; i++) {
        resolver->encoders[i].recipe = &resolver->specified.recipes[i];
        resolver->weights[i] = resolver->specified.weights[i];
    }
    resolver->weights_known = !resolver->config->encoder.tune;
    return status == QCTX_OK ? qctx_agree(resolver->comm, find_fields(resolver, error), error) : status;
}

/* The corpora and splits that an encoder learns from: all training sources, which are corpora then. */
static uint64_t hash_training(const source_resolver *resolver, uint64_t hash)
{
    const qctx_sources *train = &resolver->config->data.train;

    for (int64_t i = 0; i < train->count; i++) {
        const qctx_corpus *corpus = resolver_find(resolver, &train->items[i])->corpus;
        const uint64_t seen = qctx_context_texts_fingerprint(corpus, qctx_context_field(resolver->config->data.titles));

        hash = qctx_hash(&seen, sizeof seen, hash);
        hash = qctx_hash_text(train->items[i].split != NULL ? train->items[i].split : "", hash);
    }
    return hash;
}

/* A run's model that is now another one would embed its corpora in vain. Cannot be told of encoders that learn. */
static qctx_status check_trained_on(const source_resolver *resolver, const resolver_encoder *encoder,
                                    const char *fingerprint, qctx_error *error)
{
    if (resolver->origin == NULL || resolver->encoder_count > 1 || encoder->recipe->learns ||
        strcmp(resolver->origin->trained_on, fingerprint) == 0)
        return QCTX_OK;
    qctx_fail(error, QCTX_ERR_MISMATCH, "%s: is the encoder '%s', the head was trained on '%s'", encoder->recipe->given,
              fingerprint, resolver->origin->trained_on);
    return qctx_hint(error,
                     "name the folder that holds the model that the run was trained with in QCTX_MODELS (several "
                     "are separated by ':'), or train again");
}

/*
 * The key of an encoder, which is known before it is fitted: its fingerprint, and what it is fitted on if it learns.
 * Collective.
 */
qctx_status resolver_find_key(source_resolver *resolver, resolver_encoder *encoder, qctx_error *error)
{
    const int64_t numbers[] = {QCTX_STORE_OLDEST, (int64_t)resolver->config->data.dtype};
    char *fingerprint = NULL;
    qctx_status status;

    encoder->key = qctx_hash(numbers, sizeof numbers, 0);
    if (encoder->recipe == NULL) {
        encoder->key = qctx_hash_text(qctx_store_encoder_fingerprint(resolver->reference), encoder->key);
        return QCTX_OK;
    }
    status = qctx_encoders_create(resolver->comm, encoder->recipe, &encoder->encoder, error);
    if (status != QCTX_OK)
        return status;
    fingerprint = qctx_encoder_fingerprint(encoder->encoder, error);
    status = fingerprint != NULL ? check_trained_on(resolver, encoder, fingerprint, error) : QCTX_ERR_MEMORY;
    if (status == QCTX_OK)
        encoder->key = qctx_hash_text(fingerprint, encoder->key);
    free(fingerprint);
    status = qctx_agree(resolver->comm, status, error);
    if (status != QCTX_OK)
        return status;
    if (encoder->recipe->learns) {
        encoder->key = hash_training(resolver, encoder->key);
        qctx_encoder_destroy(encoder->encoder);
        encoder->encoder = NULL;
    }
    return status;
}

/* Creates an encoder and fits it on all training sources. Collective. */
static qctx_status fit_encoder(source_resolver *resolver, resolver_encoder *encoder, qctx_error *error)
{
    const qctx_sources *train = &resolver->config->data.train;
    qctx_fit_source *sources = qctx_alloc(train->count, sizeof *sources, "sources", error);
    qctx_status status = qctx_agree(resolver->comm, sources == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);

    if (status == QCTX_OK)
        status = qctx_encoders_create(resolver->comm, encoder->recipe, &encoder->encoder, error);
    if (status == QCTX_OK) {
        for (int64_t i = 0; i < train->count; i++)
            sources[i] = (qctx_fit_source){resolver_find(resolver, &train->items[i])->corpus, train->items[i].split};
        status = qctx_embed_fit(resolver->comm, encoder->encoder, sources, train->count, resolver->config->data.titles,
                                error);
    }
    free(sources);
    return status;
}

/* An encoder of the run, made once and ready to encode. Collective. */
qctx_status resolver_need_encoder(source_resolver *resolver, resolver_encoder *encoder, qctx_error *error)
{
    if (encoder->encoder != NULL)
        return QCTX_OK;
    if (encoder->recipe != NULL)
        return fit_encoder(resolver, encoder, error);
    return qctx_agree(resolver->comm, qctx_embed_encoder_of(resolver->reference, &encoder->encoder, error), error);
}
