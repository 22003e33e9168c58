/* What the sources name, each once: corpus folders and stores' files. */
#include <stdlib.h>
#include <string.h>

#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/base/plural.h"
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

const char *resolver_cache(const source_resolver *resolver)
{
    return resolver->origin != NULL ? resolver->origin->cache : resolver->config->data.cache;
}

/* What is only measured, or named by the user, may lack fields, as what is trained on may not. */
static void add_locations(source_resolver *resolver, const qctx_sources *sources, bool trained)
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
                .may_lack = source->as_named || !trained,
                .known = source->as_named ? NULL : qctx_origin_of(resolver->origin, path, is_corpus),
            };
        /* That a run says so is not enough: the other files could be anybody's. */
        resolver_find(resolver, source)->external |=
            source->external && (resolver->origin == NULL || source->as_named || resolver->origin->allow_external);
    }
}

qctx_status resolver_collect(source_resolver *resolver, qctx_error *error)
{
    const qctx_sources *train = &resolver->config->data.train;
    const qctx_sources *eval = &resolver->config->data.eval;
    const qctx_sources *guard = &resolver->config->eval.guard;

    resolver->locations =
        qctx_alloc(train->count + eval->count + guard->count, sizeof *resolver->locations, "sources", error);
    if (resolver->locations == NULL)
        return QCTX_ERR_MEMORY;
    add_locations(resolver, train, true);
    add_locations(resolver, eval, false);
    add_locations(resolver, guard, false);
    return QCTX_OK;
}

/* Says of how many questions the context of the same id is left out, and of how many it stays since it answers. */
static void tell_of_own_contexts(const qctx_opened_source *source)
{
    const qctx_eval_set set = qctx_source_questions(source);
    int64_t left_out = 0, right = 0;

    for (int64_t q = 0; q < set.count; q++) {
        const bool is_left_out = qctx_eval_set_own(&set, q) != QCTX_ABSENT;

        left_out += is_left_out;
        right += !is_left_out && set.own[set.questions[q]] != QCTX_ABSENT;
    }
    if (left_out > 0)
        qctx_info("%s: the context that has the question's own id is left out of the lists of %lld question%s "
                  "(eval.ignore_identical_ids)",
                  source->name, (long long)left_out, qctx_plural(left_out));
    if (right > 0)
        qctx_info("%s: the context that has the question's own id stays for %lld question%s that it answers "
                  "(eval.ignore_identical_ids)",
                  source->name, (long long)right, qctx_plural(right));
}

qctx_status resolver_take_source(const qctx_config *config, const qctx_source *source, qctx_store *store,
                                 qctx_opened_source *taken, qctx_error *error)
{
    qctx_status status;

    *taken = (qctx_opened_source){.store = store,
                                  .name = source->name,
                                  .limit = source->limit,
                                  .corpus = source->corpus,
                                  .negatives = source->negatives};
    taken->split = qctx_store_split(store, source->split, error);
    if (taken->split == NULL)
        return QCTX_ERR_DATA;
    if (!config->eval.ignore_identical_ids)
        return QCTX_OK;
    status = qctx_store_own_contexts(store, &taken->own, error);
    if (status == QCTX_OK && taken->own != NULL)
        tell_of_own_contexts(taken);
    return status;
}
