/*
 * Where the corpora and stores of a run are now: as its configuration names them, under the run's folder and those
 * between it and the working folder, and in the folders of QCTX_STORES. A store is told by its checksum, a corpus by
 * its fingerprint.
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/fileio.h"
#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/base/trust.h"
#include "sources_internal.h"

static const char variable[] = "QCTX_STORES";

/* The search for one store; rank 0 only. */
typedef struct {
    const qctx_origin_location *wanted; /* NULL: nothing is known but the path */
    const char *name;                   /* of its file */
    char *found;                        /* NULL until then */
    char other[1024];                   /* the first that was found and is another one */
} store_search;

/* Takes `path` over: it is found, or freed. */
static void consider(store_search *search, char *path)
{
    const uint64_t wanted = search->wanted == NULL ? 0 : search->wanted->checksum;

    if (path == NULL || search->found != NULL || !qctx_path_exists(path) || qctx_path_is_folder(path)) {
        free(path);
        return;
    }
    if (wanted == 0 || qctx_store_checksum_at(path) == wanted) {
        search->found = path;
        return;
    }
    if (search->other[0] == '\0')
        snprintf(search->other, sizeof search->other, "%s", path);
    free(path);
}

/* Any store of the folder, whatever it is called. Only where it can be told. */
static void consider_all(store_search *search, const char *folder)
{
    DIR *opened =
        search->found == NULL && search->wanted != NULL && search->wanted->checksum != 0 ? opendir(folder) : NULL;
    const struct dirent *entry;

    while (opened != NULL && search->found == NULL && (entry = readdir(opened)) != NULL) {
        const char *ending = strrchr(entry->d_name, '.');
        char *path = ending == NULL || strcmp(ending, ".h5") != 0 ? NULL : qctx_path_join(folder, entry->d_name, NULL);

        if (path != NULL && qctx_store_checksum_at(path) == search->wanted->checksum)
            search->found = path;
        else
            free(path);
    }
    if (opened != NULL)
        closedir(opened);
}

/* A folder of QCTX_STORES: the store under the name that it had, else under any. */
static bool take_from(void *context, const char *folder)
{
    store_search *search = context;

    consider(search, qctx_path_join(folder, search->name, NULL));
    consider_all(search, folder);
    return search->found != NULL;
}

/* A store's file, or that of a corpus, as it was kept among the stores made on demand. */
static void search_store(const source_resolver *resolver, const resolver_location *location, store_search *search)
{
    const char *folder = resolver->origin->folder;
    const char *name = location->known != NULL ? location->known->store : qctx_path_base(location->path);
    char *kept = location->is_corpus ? qctx_path_join(resolver->config->data.cache, name, NULL)
                                     : qctx_strdup(location->path, NULL);

    if (kept != NULL && qctx_trusts(kept, folder, variable))
        consider(search, qctx_strdup(kept, NULL));
    if (location->is_corpus)
        consider(search, qctx_path_join(resolver_cache(resolver), name, NULL));
    if (kept != NULL)
        consider(search, qctx_path_beside(folder, kept, variable, NULL));
    consider(search, qctx_path_beside(folder, name, variable, NULL));
    search->name = name;
    qctx_folders_each(variable, take_from, search);
    free(kept);
}

static qctx_status refuse(const source_resolver *resolver, const resolver_location *location,
                          const store_search *search, qctx_error *error)
{
    const char *folders = getenv(variable);
    const char *kept_as = location->known != NULL ? location->known->store : location->path;

    if (location->is_corpus && location->corpus != NULL)
        qctx_fail(error, QCTX_ERR_MISMATCH,
                  "%s: is not the corpus that the run was trained with: its fingerprint is %016" PRIx64
                  ", expected %016" PRIx64 ", and its store %s is not found",
                  location->path, location->corpus->fingerprint, location->known->corpus_fingerprint, kept_as);
    else if (location->is_corpus)
        qctx_fail(error, QCTX_ERR_IO, "%s: the run was trained with this corpus: neither it nor its store %s is found",
                  location->path, kept_as);
    else
        qctx_fail(error, search->other[0] != '\0' ? QCTX_ERR_MISMATCH : QCTX_ERR_IO,
                  "%s: the run was trained with this store, which is not found", location->path);
    if (search->other[0] != '\0')
        qctx_error_append(error, "%s is another store: its checksum is %016" PRIx64 ", expected %016" PRIx64,
                          search->other, qctx_store_checksum_at(search->other), location->known->checksum);
    if (qctx_path_exists(location->path) && !qctx_trusts(location->path, resolver->origin->folder, variable))
        qctx_error_append(error, "what stands there is not read: only the run names it, and it lies neither in the "
                                 "working folder nor in the run's");
    qctx_error_append(error, "looked for in this folder, in %s and the folders between it and this one, and in %s%s%s",
                      resolver->origin->folder, variable, folders != NULL ? "=" : ", which is not set",
                      folders != NULL ? folders : "");
    return qctx_hint(error,
                     "name the folder that holds %s in %s (several are separated by ':'), under any name of the "
                     "file%s",
                     kept_as, variable, location->is_corpus ? "; or start the program in the run's project" : "");
}

qctx_status resolver_find_store(source_resolver *resolver, resolver_location *location, bool must, qctx_error *error)
{
    store_search search = {.wanted = location->known};
    size_t bytes = 0;
    qctx_status status = QCTX_OK;

    if (qctx_comm_rank(resolver->comm) == 0) {
        search_store(resolver, location, &search);
        if (search.found == NULL && must)
            status = refuse(resolver, location, &search, error);
        if (search.found == NULL && status == QCTX_OK)
            search.found = qctx_strdup("", error);
        if (search.found == NULL && status == QCTX_OK)
            status = QCTX_ERR_MEMORY;
        bytes = search.found == NULL ? 0 : strlen(search.found);
    }
    status = qctx_agree(resolver->comm, status, error);
    if (status == QCTX_OK)
        status = qctx_comm_broadcast_text(resolver->comm, &search.found, &bytes, 0, error);
    if (status != QCTX_OK) {
        free(search.found);
        return status;
    }
    free(location->found_store);
    location->found_store = search.found;
    return QCTX_OK;
}

/* The corpus' folder under the run's folder and those between, "" where it is nowhere there. Collective. */
static qctx_status find_beside(const source_resolver *resolver, const char *path, char **found, qctx_error *error)
{
    size_t bytes = 0;
    qctx_status status = QCTX_OK;

    *found = NULL;
    if (qctx_comm_rank(resolver->comm) == 0) {
        *found = qctx_path_beside(resolver->origin->folder, path, variable, NULL);
        if (*found == NULL)
            *found = qctx_strdup("", error);
        status = *found == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
        bytes = *found == NULL ? 0 : strlen(*found);
    }
    status = qctx_agree(resolver->comm, status, error);
    return status == QCTX_OK ? qctx_comm_broadcast_text(resolver->comm, found, &bytes, 0, error) : status;
}

qctx_status resolver_refuse_untrusted(const source_resolver *resolver, const char *path, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    if (qctx_comm_rank(resolver->comm) == 0 && qctx_path_exists(path) &&
        !qctx_trusts(path, resolver->origin->folder, variable))
        status = qctx_refuse_untrusted(path, resolver->origin->folder, variable, error);
    return qctx_agree(resolver->comm, status, error);
}

static bool is_right(const resolver_location *location, const qctx_corpus *corpus)
{
    return corpus != NULL && (location->known == NULL || location->known->corpus_fingerprint == 0 ||
                              location->known->corpus_fingerprint == corpus->fingerprint);
}

/* Whether rank 0 sees something there, which may be followed. Collective. */
static bool is_there(const source_resolver *resolver, const char *path)
{
    int64_t there = qctx_comm_rank(resolver->comm) == 0 && qctx_trusts(path, resolver->origin->folder, variable);

    qctx_comm_max_int64(resolver->comm, &there, 1);
    return there != 0;
}

qctx_status resolver_find_corpus(source_resolver *resolver, resolver_location *location, qctx_error *error)
{
    qctx_corpus *other = NULL;
    char *beside = NULL;
    qctx_status status = QCTX_OK;

    if (is_there(resolver, location->path))
        status = qctx_corpus_open(resolver->comm, location->path, &location->corpus, error);
    if (status != QCTX_OK || is_right(location, location->corpus))
        return status;
    status = find_beside(resolver, location->path, &beside, error);
    if (status == QCTX_OK && beside[0] != '\0')
        status = qctx_corpus_open(resolver->comm, beside, &other, error);
    if (status == QCTX_OK && other != NULL && (location->corpus == NULL || is_right(location, other))) {
        qctx_corpus_destroy(location->corpus);
        location->corpus = other;
        location->moved = beside;
        location->path = beside;
        return QCTX_OK;
    }
    qctx_corpus_destroy(other);
    free(beside);
    return status;
}

/* Whether the store of a corpus stands, for rank 0, where stores of corpora are made. Collective. */
static bool is_kept(const source_resolver *resolver, const resolver_location *location)
{
    char *path = qctx_path_join(resolver_cache(resolver), location->known->store, NULL);
    bool kept = path != NULL && is_there(resolver, path);

    free(path);
    return kept;
}

static bool is_restorable(const resolver_location *location)
{
    return location->is_corpus && location->known != NULL;
}

/* Whether all is as it was when the run was trained: then nothing is to be looked for. Collective. */
static bool is_at_home(const source_resolver *resolver)
{
    bool home = true;

    for (int64_t i = 0; i < resolver->count; i++) {
        const resolver_location *location = &resolver->locations[i];

        if (is_restorable(location))
            home =
                is_kept(resolver, location) && location->moved == NULL && is_right(location, location->corpus) && home;
    }
    return home;
}

/*
 * A corpus beside the run that is another one now was changed since. One of that name where the program was started may
 * have nothing to do with the run. Collective.
 */
static qctx_status refuse_changed(const source_resolver *resolver, const resolver_location *location, qctx_error *error)
{
    char *beside = NULL;
    qctx_status status = find_beside(resolver, location->named, &beside, error);

    if (status == QCTX_OK && beside[0] != '\0') {
        qctx_fail(error, QCTX_ERR_MISMATCH,
                  "%s: is not the corpus that the head was trained on: its fingerprint is %016" PRIx64
                  ", expected %016" PRIx64,
                  beside, location->corpus->fingerprint, location->known->corpus_fingerprint);
        status = qctx_hint(error, "train again with it, or take it as it is now: eval --source %s, search --corpus %s",
                           beside, beside);
    }
    free(beside);
    return status;
}

/* Whether what the run was trained on only brings its encoder, as where the user names what is to be measured. */
static bool brings_encoder(const source_resolver *resolver)
{
    bool another = resolver->origin->for_encoder;

    for (int64_t i = 0; i < resolver->count; i++)
        another = another || resolver->locations[i].as_named;
    return another;
}

/* Opens the store that was made of the corpus, wherever it is; without one, the right corpus is embedded again. */
static qctx_status restore_corpus(source_resolver *resolver, resolver_location *location, qctx_error *error)
{
    bool right = is_right(location, location->corpus);
    qctx_status status = right || location->corpus == NULL || brings_encoder(resolver)
                             ? QCTX_OK
                             : refuse_changed(resolver, location, error);

    if (status == QCTX_OK)
        status = resolver_find_store(resolver, location, !right, error);
    if (status != QCTX_OK || location->found_store[0] == '\0')
        return status;
    if (location->corpus != NULL && !right && qctx_comm_rank(resolver->comm) == 0)
        qctx_warn("%s: is passed over, since the run was trained with another corpus of that name (its fingerprint is "
                  "%016" PRIx64 ", expected %016" PRIx64 ")",
                  location->path, location->corpus->fingerprint, location->known->corpus_fingerprint);
    status = qctx_store_open(resolver->comm, location->found_store, &location->store, error);
    if (status == QCTX_OK)
        qctx_info("reusing %s (made from the same texts and encoder)", location->found_store);
    return status;
}

qctx_status resolver_restore(source_resolver *resolver, qctx_error *error)
{
    qctx_status status = QCTX_OK;
    bool home;

    for (int64_t i = 0; i < resolver->count && status == QCTX_OK; i++)
        if (is_restorable(&resolver->locations[i]))
            status = resolver_find_corpus(resolver, &resolver->locations[i], error);
    if (status != QCTX_OK)
        return status;
    home = is_at_home(resolver);
    for (int64_t i = 0; i < resolver->count && status == QCTX_OK && !home; i++)
        if (is_restorable(&resolver->locations[i]))
            status = restore_corpus(resolver, &resolver->locations[i], error);
    return status;
}
