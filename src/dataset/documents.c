#include "qctx/dataset/documents.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/fileio.h"
#include "qctx/base/hash.h"
#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/data/context_texts.h"
#include "qctx/data/document.h"
#include "qctx/dataset/embed.h"
#include "qctx/dataset/encoders.h"
#include "qctx/dataset/turn.h"

qctx_status qctx_documents_read(qctx_comm *comm, qctx_documents *sources, int64_t count, bool passages,
                                qctx_error *error)
{
    qctx_status status = QCTX_OK;

    for (int64_t i = 0; i < count && status == QCTX_OK; i++) {
        qctx_documents *source = &sources[i];

        if (source->kind == QCTX_DOCUMENTS_STORE)
            status = qctx_store_open_contexts(comm, source->path, &source->store, error);
        else if (source->kind == QCTX_DOCUMENTS_CORPUS)
            status = qctx_corpus_open_contexts(comm, source->path, &source->corpus, error);
        else
            status = qctx_document_open(comm, source->path, passages, &source->corpus, error);
    }
    return status;
}

void qctx_documents_free(qctx_documents *sources, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        qctx_corpus_destroy(sources[i].corpus);
        qctx_store_close(sources[i].store);
        sources[i].corpus = NULL;
        sources[i].store = NULL;
    }
}

qctx_status qctx_documents_fit(qctx_comm *comm, const qctx_documents *sources, int64_t count, bool titles,
                               qctx_encoder *encoder, qctx_error *error)
{
    qctx_fit_source *learnt = qctx_alloc(count, sizeof *learnt, "texts to learn from", error);
    qctx_status status = qctx_agree(comm, learnt == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);
    int64_t used = 0;

    for (int64_t i = 0; i < count && status == QCTX_OK; i++)
        if (sources[i].corpus != NULL)
            learnt[used++] = (qctx_fit_source){.corpus = sources[i].corpus};
    if (status == QCTX_OK)
        status = qctx_embed_fit(comm, encoder, learnt, used, titles, error);
    free(learnt);
    return status;
}

qctx_status qctx_documents_check(const qctx_documents *sources, int64_t count, const char *fingerprint,
                                 qctx_error *error)
{
    for (int64_t i = 0; i < count; i++) {
        const qctx_store *store = sources[i].store;
        const char *found = store == NULL ? fingerprint : qctx_store_encoder_fingerprint(store);

        if (strcmp(found, fingerprint) == 0)
            continue;
        qctx_fail(error, QCTX_ERR_MISMATCH, "%s: was made by encoder '%s', expected '%s', by which is searched",
                  qctx_store_path(store), found, fingerprint);
        return qctx_hint(error, "name its corpus with --corpus instead, which is then embedded by that encoder");
    }
    return QCTX_OK;
}

/* Where the store of a corpus is cached: "notes.txt-0123456789abcdef.h5". */
static char *cache_path(const qctx_corpus *corpus, const qctx_encoder *encoder, const char *fingerprint,
                        const qctx_documents_cache *cache, qctx_error *error)
{
    const char *const *fields;
    const int64_t field_count = qctx_encoder_fields(encoder, &fields);
    const int64_t numbers[] = {QCTX_STORE_OLDEST, (int64_t)cache->dtype};
    const uint64_t key = qctx_hash_text(fingerprint, qctx_hash(numbers, sizeof numbers, 0));
    const uint64_t seen = qctx_embed_seen(corpus, fields, field_count, cache->titles);
    char *folder = qctx_path_trim(corpus->folder, error);
    char *name, *path = NULL;

    if (folder == NULL)
        return NULL;
    name = qctx_format(error, "%s-%016" PRIx64 ".h5", qctx_path_base(folder), qctx_hash(&seen, sizeof seen, key));
    if (name != NULL)
        path = qctx_path_join(cache->folder, name, error);
    free(folder);
    free(name);
    return path;
}

/*
 * Opens a cached store, if it says that it is of this corpus and encoder: `*opened` stays NULL where another lies under
 * that name. Collective.
 */
static qctx_status reuse(qctx_comm *comm, const char *path, const qctx_corpus *corpus, const char *fingerprint,
                         bool titles, qctx_store **opened, qctx_error *error)
{
    const bool joined = qctx_context_texts_differ(corpus, qctx_context_field(titles));
    qctx_store *store = NULL;
    qctx_status status = qctx_store_open_contexts(comm, path, &store, error);

    if (status != QCTX_OK) {
        if (status != QCTX_ERR_MEMORY)
            qctx_hint(error, "delete the file; it is made again from %s", corpus->folder);
        return status;
    }
    if (qctx_store_corpus_fingerprint(store) == corpus->fingerprint &&
        strcmp(qctx_store_encoder_fingerprint(store), fingerprint) == 0 &&
        (qctx_store_titles(store) == QCTX_TITLES_FIELDS ||
         (qctx_store_titles(store) == QCTX_TITLES_JOINED) == joined)) {
        qctx_info("reusing %s (made from the same texts and encoder)", path);
        *opened = store;
        return QCTX_OK;
    }
    if (qctx_comm_rank(comm) == 0)
        qctx_warn("%s is of other texts or another encoder than its name says, and is made anew", path);
    qctx_store_close(store);
    return QCTX_OK;
}

/* Opens what an earlier search left; `*opened` stays NULL where nothing fits. Collective. */
static qctx_status open_cached(qctx_comm *comm, const qctx_documents *source, const char *path, const char *fingerprint,
                               bool titles, qctx_store **opened, qctx_error *error)
{
    int64_t found = qctx_path_exists(path);

    qctx_comm_max_int64(comm, &found, 1);
    return found ? reuse(comm, path, source->corpus, fingerprint, titles, opened, error) : QCTX_OK;
}

/* Embeds one source, or opens what an earlier search, or another meanwhile, left. Collective. */
static qctx_status embed(qctx_comm *comm, qctx_documents *source, qctx_encoder *encoder, const char *fingerprint,
                         const qctx_documents_cache *cache, qctx_error *error)
{
    char *path = cache_path(source->corpus, encoder, fingerprint, cache, error);
    const qctx_embed_request request = {.corpus = source->corpus,
                                        .encoder = encoder,
                                        .titles = cache->titles,
                                        .may_lack = true,
                                        .dtype = cache->dtype,
                                        .path = path,
                                        .force = true};
    qctx_lockfile *turn = NULL;
    qctx_status status = qctx_agree(comm, path == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);

    if (status == QCTX_OK)
        status = open_cached(comm, source, path, fingerprint, cache->titles, &source->store, error);
    if (status == QCTX_OK && source->store == NULL) {
        status = qctx_turn_take(comm, path, &turn, error);
        if (status == QCTX_OK)
            status = open_cached(comm, source, path, fingerprint, cache->titles, &source->store, error);
    }
    if (status == QCTX_OK && source->store == NULL) {
        status = qctx_embed_corpus(comm, &request, error);
        if (status == QCTX_OK)
            status = qctx_store_open_contexts(comm, path, &source->store, error);
    }
    qctx_lockfile_remove(turn);
    free(path);
    qctx_corpus_destroy(source->corpus);
    source->corpus = NULL;
    return status;
}

qctx_status qctx_documents_embed(qctx_comm *comm, qctx_documents *sources, int64_t count, qctx_encoder *encoder,
                                 const qctx_documents_cache *cache, qctx_error *error)
{
    const char *phase = qctx_comm_set_phase("embedding");
    char *fingerprint = qctx_encoder_fingerprint(encoder, error);
    qctx_status status = qctx_agree(comm, fingerprint == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);

    for (int64_t i = 0; i < count && status == QCTX_OK; i++)
        if (sources[i].store == NULL)
            status = embed(comm, &sources[i], encoder, fingerprint, cache, error);
    free(fingerprint);
    qctx_comm_set_phase(phase);
    return status;
}
