#include "qctx/store/store.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "qctx/base/hash.h"
#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/base/plural.h"
#include "store_internal.h"

/* Opens what HDF5 is to read: the file itself, verified by its head, or the copy of one of unknown origin. */
static qctx_status open_file(qctx_store *store, bool external, qctx_error *error)
{
    qctx_status status;

    if (!store->has_head)
        return qctx_h5_open_handle(store->path, store->copy, &store->file, error);
    status = qctx_h5_open(store->path, &store->file, error);
    return status == QCTX_OK ? qctx_h5_check_inside(store->file, external, error) : status;
}

static qctx_status open_local(qctx_store *store, bool external, qctx_error *error)
{
    int64_t dim;
    qctx_status status = open_file(store, external, error);

    if (status == QCTX_OK)
        status = qctx_store_read_attributes(store, error);
    if (status == QCTX_OK)
        status = qctx_store_find_rows(store, error);
    if (status == QCTX_OK && qctx_h5_has(store->file, "/", "dim")) {
        status = qctx_h5_get_int(store->file, "/", "dim", &dim, error);
        if (status == QCTX_OK && dim != store->dim)
            status = qctx_fail(error, QCTX_ERR_MISMATCH, "%s: the attribute 'dim' is %lld, but the vectors have %lld",
                               store->path, (long long)dim, (long long)store->dim);
    }
    if (status == QCTX_OK && store->has_head)
        status = qctx_store_fits_head(store, error);
    if (status == QCTX_OK)
        status = qctx_store_read_splits(store, error);
    return qctx_mapped_check(status, error);
}

/* What a trial is told. */
typedef struct {
    qctx_store *store;
    bool external;
} trial;

/* In the child, which ends with all that it holds. */
static qctx_status open_in_child(void *context, void *result, qctx_error *error)
{
    const trial *asked = context;

    (void)result;
    return open_local(asked->store, asked->external, error);
}

/*
 * A head keeps out damage, but not what somebody changed and summed up again, on which HDF5 may crash. So a child
 * process of the first rank opens the store before: all but the texts, which would take as long as the rest.
 * Collective.
 */
static qctx_status try_to_open(qctx_comm *comm, qctx_store *store, bool external, qctx_error *error)
{
    qctx_cage_limits limits = qctx_store_cage_limits(store->path, external, -1);
    trial asked = {store, external};
    char nothing = 0;
    qctx_status status = QCTX_OK;

    /* The file is mapped, too. */
    if (limits.memory > 0)
        limits.memory += store->head.bytes;
    if (qctx_comm_rank(comm) == 0)
        status = qctx_cage_run(store->path, "HDF5", &limits, open_in_child, &asked, &nothing, sizeof nothing, error);
    return qctx_agree(comm, status, error);
}

/* The copy stays as long as HDF5 has it open; the handle by which that was done is needed no more. */
static void close_copy(qctx_store *store)
{
    if (store->copy >= 0)
        close(store->copy);
    store->copy = -1;
}

/* Hash of everything that is small: two files that differ in shape, answers, encoder or checksum differ in it. */
static uint64_t identity(const qctx_store *store)
{
    int64_t shape[] = {store->dim,
                       store->sides[QCTX_QUESTION].count,
                       store->sides[QCTX_CONTEXT].count,
                       (int64_t)qctx_mapped_size(store->map),
                       store->in_place.shapes[QCTX_QUESTION].file_offset,
                       store->in_place.shapes[QCTX_CONTEXT].file_offset};
    uint64_t hash = qctx_hash(shape, sizeof shape, store->checksum);

    hash = qctx_hash_text(store->encoder_fingerprint, hash);
    hash = qctx_hash(&store->titles, sizeof store->titles, hash);
    for (int64_t i = 0; i < store->split_count; i++) {
        const qctx_split *split = &store->splits[i];

        hash = qctx_hash_text(split->name, hash);
        hash = qctx_hash(split->questions, (size_t)split->count * sizeof(int64_t), hash);
        hash = qctx_hash(split->contexts, (size_t)split->offsets[split->count] * sizeof(int64_t), hash);
        if (split->grades != NULL)
            hash = qctx_hash(split->grades, (size_t)split->offsets[split->count] * sizeof(float), hash);
    }
    return hash;
}

/* A context that is not there is no mistake where its corpus lacked it, but may be one. */
static void tell_of_absent(const qctx_store *store)
{
    int64_t absent = 0;

    for (int64_t i = 0; i < store->split_count; i++)
        for (int64_t a = 0; a < store->splits[i].offsets[store->splits[i].count]; a++)
            absent += store->splits[i].contexts[a] == QCTX_ABSENT;
    if (absent > 0)
        qctx_info("%s: %lld context%s that answer%s %s not in the store (-1) and count%s as not found", store->path,
                  (long long)absent, qctx_plural(absent), absent == 1 ? "s" : "", absent == 1 ? "is" : "are",
                  absent == 1 ? "s" : "");
}

/* A store without more than its path. */
static qctx_status create(const char *path, bool contexts_only, qctx_store **created, qctx_error *error)
{
    qctx_store *store = qctx_alloc(1, sizeof *store, "a store", error);

    if (store == NULL)
        return QCTX_ERR_MEMORY;
    *created = store;
    store->contexts_only = contexts_only;
    store->copy = -1;
    store->path = qctx_strdup(path, error);
    return store->path == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
}

static qctx_status open_store(qctx_comm *comm, const char *path, bool external, bool contexts_only, qctx_store **opened,
                              qctx_error *error)
{
    qctx_store *store = NULL;
    qctx_status status = qctx_agree(comm, create(path, contexts_only, &store, error), error);

    if (status == QCTX_OK)
        status = qctx_store_verify(comm, store, error);
    if (status == QCTX_OK)
        status = store->has_head ? try_to_open(comm, store, external, error)
                                 : qctx_store_copy_out(comm, path, external, &store->copy, &store->in_place, error);
    if (status == QCTX_OK)
        status = qctx_agree(comm, open_local(store, external, error), error);
    if (status == QCTX_OK)
        status = qctx_store_must_be_same(comm, path, identity(store), error);
    if (status != QCTX_OK)
        goto out;
    close_copy(store);
    status = qctx_store_check(comm, store, error);
    if (status != QCTX_OK)
        goto out;
    tell_of_absent(store);
    *opened = store;
    store = NULL;
out:
    qctx_store_close(store);
    return status;
}

qctx_status qctx_store_open(qctx_comm *comm, const char *path, qctx_store **opened, qctx_error *error)
{
    return open_store(comm, path, false, false, opened, error);
}

qctx_status qctx_store_open_external(qctx_comm *comm, const char *path, qctx_store **opened, qctx_error *error)
{
    return open_store(comm, path, true, false, opened, error);
}

qctx_status qctx_store_open_contexts(qctx_comm *comm, const char *path, qctx_store **opened, qctx_error *error)
{
    return open_store(comm, path, false, true, opened, error);
}

void qctx_store_close(qctx_store *store)
{
    if (store == NULL)
        return;
    close_copy(store);
    qctx_splits_free(store->splits, store->split_count);
    free(store->own);
    qctx_store_drop_rows(store);
    qctx_h5_close(store->file, NULL);
    free(store->encoder);
    free(store->encoder_fingerprint);
    free(store->encoder_settings);
    free(store->path);
    free(store);
}

int64_t qctx_store_dim(const qctx_store *store)
{
    return store->dim;
}

int64_t qctx_store_count(const qctx_store *store, qctx_side side)
{
    return store->sides[side].count;
}

const char *qctx_store_path(const qctx_store *store)
{
    return store->path;
}

const char *qctx_store_encoder(const qctx_store *store)
{
    return store->encoder;
}

const char *qctx_store_encoder_fingerprint(const qctx_store *store)
{
    return store->encoder_fingerprint;
}

const char *qctx_store_encoder_settings(const qctx_store *store)
{
    return store->encoder_settings;
}

qctx_titles qctx_store_titles(const qctx_store *store)
{
    return store->titles;
}

uint64_t qctx_store_corpus_fingerprint(const qctx_store *store)
{
    return store->corpus_fingerprint;
}

uint64_t qctx_store_checksum(const qctx_store *store)
{
    return store->checksum;
}

qctx_dtype qctx_store_dtype(const qctx_store *store)
{
    return store->sides[QCTX_CONTEXT].half ? QCTX_FLOAT16 : QCTX_FLOAT32;
}

qctx_verified qctx_store_verified(const qctx_store *store)
{
    if (store->has_head)
        return QCTX_VERIFIED_WHOLE;
    return store->has_checksum ? QCTX_VERIFIED_VECTORS : QCTX_VERIFIED_NOTHING;
}

int64_t qctx_store_version(const qctx_store *store)
{
    return store->version;
}

bool qctx_store_unit_length(const qctx_store *store)
{
    return store->unit_length;
}

static qctx_status read_table(const qctx_store *store, void **table, size_t *bytes, qctx_error *error)
{
    qctx_h5_shape shape;
    qctx_status status;

    if (!qctx_h5_exists(store->file, "encoder/table"))
        return QCTX_OK;
    status = qctx_h5_inspect(store->file, "encoder/table", &shape, error);
    if (status != QCTX_OK)
        return status;
    if (shape.rank != 1)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: encoder/table has %d dimensions; expected 1", store->path,
                         shape.rank);
    *table = qctx_alloc(shape.shape[0], 1, "the encoder's table", error);
    if (*table == NULL)
        return QCTX_ERR_MEMORY;
    *bytes = (size_t)shape.shape[0];
    return qctx_h5_read(store->file, "encoder/table", QCTX_H5_BYTES, 0, shape.shape[0], *table, error);
}

qctx_status qctx_store_encoder_table(qctx_store *store, void **table, size_t *bytes, qctx_error *error)
{
    qctx_status status;

    *table = NULL;
    *bytes = 0;
    status = qctx_mapped_check(read_table(store, table, bytes, error), error);
    if (status != QCTX_OK) {
        free(*table);
        *table = NULL;
        *bytes = 0;
    }
    return status;
}
