/* Cached stores: a corpus embedded by one encoder is reused, else the corpus is embedded into it. */
#include <inttypes.h>
#include <stdlib.h>

#include "qctx/base/fileio.h"
#include "qctx/base/hash.h"
#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/dataset/embed.h"
#include "qctx/dataset/turn.h"
#include "sources_internal.h"

static uint64_t seen_by(const source_resolver *resolver, const resolver_encoder *encoder, const qctx_corpus *corpus)
{
    return qctx_embed_seen(corpus, encoder->fields, encoder->field_count, resolver->config->data.titles);
}

uint64_t resolver_seen(const source_resolver *resolver, const qctx_corpus *corpus)
{
    const uint64_t texts = qctx_embed_seen(corpus, NULL, 0, resolver->config->data.titles);
    uint64_t hash = texts;

    for (int64_t i = 0; i < resolver->encoder_count; i++) {
        const uint64_t seen = seen_by(resolver, &resolver->encoders[i], corpus);

        hash = seen == texts ? hash : qctx_hash(&seen, sizeof seen, hash);
    }
    return hash;
}

char *resolver_cache_path(const source_resolver *resolver, const resolver_location *location, uint64_t seen,
                          uint64_t key, qctx_error *error)
{
    const uint64_t digits = qctx_hash(&seen, sizeof seen, key);
    char *folder = qctx_path_trim(location->path, error);
    char *name = NULL;
    char *path = NULL;

    if (folder == NULL)
        return NULL;
    name = qctx_format(error, "%s-%016" PRIx64 ".h5", qctx_path_base(folder), digits);
    if (name != NULL)
        path = qctx_path_join(resolver_cache(resolver), name, error);
    free(folder);
    free(name);
    return path;
}

bool resolver_is_cached(const source_resolver *resolver, const char *path)
{
    int64_t found = qctx_path_exists(path);

    qctx_comm_max_int64(resolver->comm, &found, 1);
    return found != 0;
}

qctx_status resolver_take_turn(const source_resolver *resolver, const char *path, qctx_lockfile **turn,
                               qctx_error *error)
{
    qctx_status status = qctx_turn_take(resolver->comm, path, turn, error);

    if (status != QCTX_OK)
        qctx_hint_place(error, resolver->config->data.cache, "data.cache=FOLDER");
    return status;
}

/* A store under the right name may have been copied from another one. Local. */
static qctx_status check_corpus(const resolver_location *location, const qctx_store *store, qctx_error *error)
{
    if (qctx_store_corpus_fingerprint(store) == location->corpus->fingerprint)
        return QCTX_OK;
    return qctx_fail(error, QCTX_ERR_MISMATCH,
                     "%s: holds the vectors of another corpus than its name says: of %016" PRIx64
                     ", but the fingerprint of %s is %016" PRIx64,
                     qctx_store_path(store), qctx_store_corpus_fingerprint(store), location->path,
                     location->corpus->fingerprint);
}

qctx_status resolver_reuse(const source_resolver *resolver, const resolver_location *location, const char *path,
                           qctx_store **store, qctx_error *error)
{
    qctx_status status = qctx_store_open(resolver->comm, path, store, error);

    if (status == QCTX_OK)
        status = check_corpus(location, *store, error);
    if (status != QCTX_OK) {
        if (status != QCTX_ERR_MEMORY)
            qctx_hint(error, "delete the file; it is made again from the corpus %s", location->path);
        return status;
    }
    qctx_info("reusing %s (made from the same texts and encoder)", path);
    return QCTX_OK;
}

/* Embeds the corpus, and opens the store. Collective. */
static qctx_status make_part(source_resolver *resolver, resolver_location *location, resolver_encoder *made_by,
                             const char *path, qctx_store **store, qctx_error *error)
{
    const char *phase = qctx_comm_set_phase("embedding");
    qctx_embed_request request = {
        .corpus = location->corpus,
        .titles = resolver->config->data.titles,
        .may_lack = location->may_lack,
        .dtype = resolver->config->data.dtype,
        .path = path,
        .force = true,
        /* Another field of the same encoder, whose store comes before this one. */
        .questions = made_by->recipe != NULL ? location->parts[made_by->recipe->first] : NULL,
    };
    qctx_status status = resolver_need_encoder(resolver, made_by, error);

    request.encoder = made_by->encoder;
    if (status == QCTX_OK)
        status = qctx_embed_corpus(resolver->comm, &request, error);
    if (status != QCTX_OK)
        qctx_hint_place(error, resolver_cache(resolver), "data.cache=FOLDER");
    qctx_comm_set_phase(phase);
    return status == QCTX_OK ? qctx_store_open(resolver->comm, path, store, error) : status;
}

qctx_status resolver_open_part(source_resolver *resolver, resolver_location *location, int64_t encoder,
                               qctx_store **store, qctx_error *error)
{
    resolver_encoder *made_by = &resolver->encoders[encoder];
    char *path =
        resolver_cache_path(resolver, location, seen_by(resolver, made_by, location->corpus), made_by->key, error);
    qctx_lockfile *turn = NULL;
    qctx_status status = qctx_agree(resolver->comm, path == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);
    bool cached = status == QCTX_OK && resolver_is_cached(resolver, path);

    if (status == QCTX_OK && !cached) {
        status = resolver_take_turn(resolver, path, &turn, error);
        cached = status == QCTX_OK && resolver_is_cached(resolver, path);
    }
    if (status == QCTX_OK)
        status = cached ? resolver_reuse(resolver, location, path, store, error)
                        : make_part(resolver, location, made_by, path, store, error);
    qctx_lockfile_remove(turn);
    free(path);
    return status;
}
