#include "qctx/dataset/sources.h"

#include <stdlib.h>
#include <string.h>

#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/data/context_texts.h"
#include "sources_internal.h"

static qctx_status open_store(qctx_comm *comm, resolver_location *location, qctx_error *error)
{
    const char *path = location->found_store != NULL ? location->found_store : location->path;

    return location->external ? qctx_store_open_external(comm, path, &location->store, error)
                              : qctx_store_open(comm, path, &location->store, error);
}

/* Collective. */
static qctx_status open_stores(source_resolver *resolver, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    for (int64_t i = 0; i < resolver->count && status == QCTX_OK; i++) {
        resolver_location *location = &resolver->locations[i];

        if (location->is_corpus)
            continue;
        if (resolver->origin != NULL && !location->as_named)
            status = resolver_find_store(resolver, location, true, error);
        if (status == QCTX_OK)
            status = open_store(resolver->comm, location, error);
    }
    return status;
}

static qctx_status check_titles_of(const source_resolver *resolver, const qctx_store *store, qctx_error *error)
{
    const bool titles = resolver->config->data.titles;

    if (store == NULL)
        return QCTX_OK;
    return qctx_encoders_check_titles(qctx_store_path(store), qctx_store_titles(store), titles,
                                      titles ? "data.titles is true" : "data.titles is false", error);
}

/* Stores must have been made as corpora are to be embedded. Collective. */
static qctx_status check_titles(const source_resolver *resolver, qctx_error *error)
{
    const bool titles = resolver->config->data.titles;
    qctx_status status = check_titles_of(resolver, resolver->named_by_encoder, error);

    for (int64_t i = 0; i < resolver->count && status == QCTX_OK; i++)
        status = check_titles_of(resolver, resolver->locations[i].store, error);
    if (status != QCTX_OK && resolver->origin != NULL)
        qctx_hint(error, "the head was trained on the others: embed the corpus again%s",
                  titles ? "" : " with --no-titles");
    else if (status != QCTX_OK)
        qctx_hint(error, "data.titles=%s takes the store as it is; or embed its corpus again%s",
                  titles ? "false" : "true", titles ? "" : " with --no-titles");
    return qctx_agree(resolver->comm, status, error);
}

/* A misspelt split is refused before anything is embedded. */
static qctx_status check_splits(const source_resolver *resolver, const qctx_sources *sources, qctx_error *error)
{
    for (int64_t i = 0; i < sources->count; i++) {
        const resolver_location *location = resolver_find(resolver, &sources->items[i]);

        if (location->is_corpus && location->store == NULL && sources->items[i].split != NULL &&
            qctx_corpus_split(location->corpus, sources->items[i].split, error) == NULL)
            return QCTX_ERR_DATA;
    }
    return QCTX_OK;
}

/* So is a field that no context has, but in what is only measured: there, texts stand for it. */
static qctx_status check_fields(const source_resolver *resolver, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    for (int64_t i = 0; i < resolver->count; i++) {
        const resolver_location *location = &resolver->locations[i];

        if (!location->is_corpus || location->store != NULL || location->may_lack)
            continue;
        for (int64_t e = 0; e < resolver->encoder_count; e++)
            for (int64_t f = 0; f < resolver->encoders[e].field_count && status == QCTX_OK; f++)
                status = qctx_context_field_check(location->corpus, resolver->encoders[e].fields[f], error);
    }
    return status;
}

/* Collective. */
static qctx_status read_corpora(source_resolver *resolver, int64_t *corpora, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    for (int64_t i = 0; i < resolver->count && status == QCTX_OK; i++) {
        resolver_location *location = &resolver->locations[i];

        if (!location->is_corpus || location->store != NULL)
            continue;
        if (resolver->origin != NULL && !location->as_named && location->corpus == NULL)
            status = resolver_find_corpus(resolver, location, error);
        if (status == QCTX_OK && resolver->origin != NULL && !location->as_named && location->corpus == NULL)
            status = resolver_refuse_untrusted(resolver, location->path, error);
        if (status == QCTX_OK && location->corpus == NULL)
            status = qctx_corpus_open(resolver->comm, location->path, &location->corpus, error);
        (*corpora)++;
    }
    if (status != QCTX_OK || *corpora == 0)
        return status;
    status = check_splits(resolver, &resolver->config->data.train, error);
    if (status == QCTX_OK)
        status = check_splits(resolver, &resolver->config->data.eval, error);
    if (status == QCTX_OK)
        status = check_splits(resolver, &resolver->config->eval.guard, error);
    if (status == QCTX_OK)
        status = check_fields(resolver, error);
    return qctx_agree(resolver->comm, status, error);
}

/* Opens the stores of all corpora among the locations, embedding those that no cached store serves. Collective. */
static qctx_status open_corpora(source_resolver *resolver, qctx_error *error)
{
    int64_t corpora = 0;
    qctx_status status = read_corpora(resolver, &corpora, error);

    if (status != QCTX_OK || corpora == 0)
        return status;
    for (int64_t i = 0; i < resolver->encoder_count && status == QCTX_OK; i++)
        status = resolver_find_key(resolver, &resolver->encoders[i], error);
    if (status == QCTX_OK && resolver->encoder_count > 1)
        return resolver_join(resolver, error);
    for (int64_t i = 0; i < resolver->count && status == QCTX_OK; i++)
        if (resolver->locations[i].is_corpus && resolver->locations[i].store == NULL)
            status = resolver_open_part(resolver, &resolver->locations[i], 0, &resolver->locations[i].store, error);
    return status;
}

/* Vectors of different encoders, or of one fitted on different texts, cannot be compared. */
static qctx_status check_agreement(const source_resolver *resolver, qctx_error *error)
{
    const qctx_store *first = resolver->reference != NULL ? resolver->reference : resolver->locations[0].store;
    const char *fingerprint = qctx_store_encoder_fingerprint(first);

    for (int64_t i = 0; i < resolver->count; i++) {
        const qctx_store *store = resolver->locations[i].store;
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

static qctx_status fill_sources(const source_resolver *resolver, const qctx_sources *sources,
                                qctx_opened_source **opened, int64_t *count, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    *opened = qctx_alloc(sources->count, sizeof **opened, "sources", error);
    if (*opened == NULL)
        return QCTX_ERR_MEMORY;
    /* One without a split is there for an encoder to learn from. */
    for (int64_t i = 0; i < sources->count && status == QCTX_OK; i++)
        if (sources->items[i].split != NULL)
            status =
                resolver_take_source(resolver->config, &sources->items[i],
                                     resolver_find(resolver, &sources->items[i])->store, &(*opened)[(*count)++], error);
    return status;
}

/* Hands the stores over to `opened`, which closes them from here on. */
static qctx_status hand_over(source_resolver *resolver, qctx_opened *opened, qctx_error *error)
{
    opened->stores = qctx_alloc(resolver->count, sizeof(qctx_store *), "sources", error);
    if (opened->stores == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t i = 0; i < resolver->count; i++) {
        opened->stores[i] = resolver->locations[i].store;
        resolver->locations[i].store = NULL;
    }
    opened->store_count = resolver->count;
    return QCTX_OK;
}

static void free_resolver(source_resolver *resolver)
{
    for (int64_t i = 0; i < resolver->count; i++) {
        qctx_corpus_destroy(resolver->locations[i].corpus);
        qctx_store_close(resolver->locations[i].store);
        free(resolver->locations[i].joined_path);
        free(resolver->locations[i].moved);
        free(resolver->locations[i].found_store);
        for (int64_t part = 0; part < QCTX_JOINED_MAX; part++)
            qctx_store_close(resolver->locations[i].parts[part]);
    }
    for (int64_t i = 0; i < resolver->encoder_count; i++)
        qctx_encoder_destroy(resolver->encoders[i].encoder);
    qctx_encoders_free(&resolver->specified);
    for (int64_t f = 0; f < QCTX_JOINED_MAX; f++)
        free(resolver->reference_fields[f]);
    qctx_store_close(resolver->named_by_encoder);
    free(resolver->locations);
}

qctx_status qctx_sources_open(qctx_comm *comm, const qctx_config *config, const qctx_origin *origin,
                              qctx_opened *opened, qctx_error *error)
{
    source_resolver resolver = {.comm = comm, .config = config, .origin = origin};
    const char *phase = qctx_comm_set_phase("opening of the data");
    qctx_status status;

    *opened = (qctx_opened){0};
    status = qctx_agree(comm, resolver_collect(&resolver, error), error);
    if (status == QCTX_OK)
        status = open_stores(&resolver, error);
    if (status == QCTX_OK)
        status = resolver_restore(&resolver, error);
    if (status == QCTX_OK)
        status = resolver_find_encoders(&resolver, error);
    if (status == QCTX_OK)
        status = check_titles(&resolver, error);
    if (status == QCTX_OK)
        status = open_corpora(&resolver, error);
    if (status != QCTX_OK)
        goto out;
    status = check_agreement(&resolver, error);
    if (status == QCTX_OK)
        status = fill_sources(&resolver, &config->data.train, &opened->train, &opened->train_count, error);
    if (status == QCTX_OK)
        status = fill_sources(&resolver, &config->data.eval, &opened->eval, &opened->eval_count, error);
    if (status == QCTX_OK)
        status = fill_sources(&resolver, &config->eval.guard, &opened->guard, &opened->guard_count, error);
    if (status == QCTX_OK)
        status = hand_over(&resolver, opened, error);
    status = qctx_agree(comm, status, error);
out:
    qctx_comm_set_phase(phase);
    free_resolver(&resolver);
    if (status != QCTX_OK)
        qctx_opened_close(opened);
    return status;
}
