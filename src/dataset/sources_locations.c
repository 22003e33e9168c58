/* What the sources name, each once: corpus folders and stores' files. */
#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"
#include "sources_internal.h"

resolver_location *resolver_find(const source_resolver *resolver, const qctx_source *source)
{
    bool is_corpus = source->corpus != NULL;
    const char *path = is_corpus ? source->corpus : source->store;

    for (int64_t i = 0; i < resolver->count; i++)
        if (resolver->locations[i].is_corpus == is_corpus && resolver->locations[i].as_named == source->as_named &&
            strcmp(resolver->locations[i].named, path) == 0)
            return &resolver->locations[i];
    return NULL;
}

static void add_locations(source_resolver *resolver, const qctx_sources *sources)
{
    for (int64_t i = 0; i < sources->count; i++) {
        const qctx_source *source = &sources->items[i];
        bool is_corpus = source->corpus != NULL;

        const char *path = is_corpus ? source->corpus : source->store;

        if (resolver_find(resolver, source) == NULL)
            resolver->locations[resolver->count++] = (resolver_location){
                .named = path,
                .path = path,
                .is_corpus = is_corpus,
                .as_named = source->as_named,
                .known = source->as_named ? NULL : qctx_origin_of(resolver->origin, path, is_corpus),
            };
        resolver_find(resolver, source)->external |= source->external;
    }
}

qctx_status resolver_collect(source_resolver *resolver, qctx_error *error)
{
    const qctx_sources *train = &resolver->config->data.train;
    const qctx_sources *eval = &resolver->config->data.eval;

    resolver->locations = qctx_alloc(train->count + eval->count, sizeof *resolver->locations, "sources", error);
    if (resolver->locations == NULL)
        return QCTX_ERR_MEMORY;
    add_locations(resolver, train);
    add_locations(resolver, eval);
    return QCTX_OK;
}

qctx_status resolver_take_source(const qctx_source *source, qctx_store *store, qctx_opened_source *taken,
                                 qctx_error *error)
{
    *taken = (qctx_opened_source){.store = store, .name = source->name, .limit = source->limit};
    taken->split = qctx_store_split(store, source->split, error);
    return taken->split == NULL ? QCTX_ERR_DATA : QCTX_OK;
}
