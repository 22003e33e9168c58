/* What a store says of itself: the attributes of the whole file, read and checked. */
#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"
#include "store_internal.h"

const char *const qctx_dtype_names[] = {[QCTX_FLOAT32] = "float32", [QCTX_FLOAT16] = "float16", NULL};
const char *const qctx_titles_names[] = {[QCTX_TITLES_NONE] = "none",
                                         [QCTX_TITLES_LEFT_OUT] = "left out",
                                         [QCTX_TITLES_JOINED] = "joined",
                                         [QCTX_TITLES_FIELDS] = "fields",
                                         NULL};
const char *const qctx_verified_names[] = {
    [QCTX_VERIFIED_NOTHING] = "nothing", [QCTX_VERIFIED_VECTORS] = "vectors", [QCTX_VERIFIED_WHOLE] = "whole", NULL};

/* An optional text attribute of the file; empty where it is absent. */
static qctx_status read_text(const qctx_store *store, const char *name, char **value, qctx_error *error)
{
    if (qctx_h5_has(store->file, "/", name))
        return qctx_h5_get_text(store->file, "/", name, value, error);
    *value = qctx_strdup("", error);
    return *value != NULL ? QCTX_OK : QCTX_ERR_MEMORY;
}

/* An optional attribute of 16 hexadecimal digits; 0 where it is absent. */
static qctx_status read_hash(const qctx_store *store, const char *name, uint64_t *value, qctx_error *error)
{
    char *text = NULL;
    char *end;
    qctx_status status = read_text(store, name, &text, error);

    *value = 0;
    if (status != QCTX_OK)
        return status;
    if (text[0] != '\0') {
        *value = strtoull(text, &end, 16);
        if (*end != '\0' || strlen(text) != 16)
            status = qctx_fail(error, QCTX_ERR_FORMAT, "%s: the attribute '%s' is '%s'; expected 16 hexadecimal digits",
                               store->path, name, text);
    }
    free(text);
    return status;
}

/* Foreign stores need no schema; one that is named must be ours, in a version that is known. */
static qctx_status check_schema(qctx_store *store, qctx_error *error)
{
    char *schema = NULL;
    qctx_status status = read_text(store, "schema", &schema, error);

    store->version = QCTX_STORE_OLDEST;
    if (status != QCTX_OK)
        return status;
    if (schema[0] != '\0' && strcmp(schema, "qctx-store") != 0)
        status =
            qctx_fail(error, QCTX_ERR_FORMAT, "%s: its schema is '%s'; expected 'qctx-store'", store->path, schema);
    if (status == QCTX_OK && qctx_h5_has(store->file, "/", "version"))
        status = qctx_h5_get_int(store->file, "/", "version", &store->version, error);
    if (status == QCTX_OK && (store->version < QCTX_STORE_OLDEST || store->version > QCTX_STORE_VERSION)) {
        qctx_fail(error, QCTX_ERR_FORMAT, "%s: schema version %lld; this program knows %d to %d", store->path,
                  (long long)store->version, QCTX_STORE_OLDEST, QCTX_STORE_VERSION);
        status = qctx_hint(error, "use a newer qctx-dist, or embed the corpus again");
    }
    if (status == QCTX_OK && store->version > QCTX_STORE_OLDEST && !store->has_head) {
        qctx_fail(
            error, QCTX_ERR_FORMAT,
            "%s: is a store of version %lld without its head: it was never finished, is damaged, or was copied by "
            "a program that leaves out what stands before the HDF5 file",
            store->path, (long long)store->version);
        status = qctx_hint(error, "copy the whole file, or embed the corpus again; with 1 for its attribute 'version' "
                                  "its vectors alone are verified");
    }
    free(schema);
    return status;
}

/*
 * What was encoded of the contexts. Programs that knew no titles wrote no attribute; of a store that somebody else
 * made, without the settings of an encoder, nobody knows.
 */
qctx_status qctx_store_read_titles(qctx_store *store, qctx_error *error)
{
    char *said = NULL;
    qctx_status status = read_text(store, "encoder_settings", &store->encoder_settings, error);

    if (status == QCTX_OK)
        status = read_text(store, "context_text", &said, error);
    if (status != QCTX_OK)
        return status;
    if (strcmp(said, QCTX_STORE_TITLE_AND_TEXT) == 0)
        store->titles = QCTX_TITLES_JOINED;
    else if (strcmp(said, QCTX_STORE_FIELDS) == 0)
        store->titles = QCTX_TITLES_FIELDS;
    else if (said[0] == '\0' && store->encoder_settings[0] != '\0' && qctx_h5_exists(store->file, "contexts/title"))
        store->titles = QCTX_TITLES_LEFT_OUT;
    else if (said[0] != '\0') {
        qctx_fail(error, QCTX_ERR_FORMAT, "%s: its context_text is '%s'; this program knows '%s' and '%s'", store->path,
                  said, QCTX_STORE_TITLE_AND_TEXT, QCTX_STORE_FIELDS);
        status = qctx_hint(error, "use a newer qctx-dist, or embed the corpus again");
    }
    free(said);
    return status;
}

qctx_status qctx_store_read_checksum(qctx_store *store, qctx_error *error)
{
    store->has_checksum = qctx_h5_has(store->file, "/", "checksum");
    return read_hash(store, "checksum", &store->checksum, error);
}

qctx_status qctx_store_read_attributes(qctx_store *store, qctx_error *error)
{
    qctx_status status = check_schema(store, error);

    if (status == QCTX_OK)
        status = read_text(store, "encoder", &store->encoder, error);
    if (status == QCTX_OK)
        status = read_text(store, "encoder_fingerprint", &store->encoder_fingerprint, error);
    if (status == QCTX_OK)
        status = qctx_store_read_titles(store, error);
    if (status == QCTX_OK)
        status = read_hash(store, "corpus_fingerprint", &store->corpus_fingerprint, error);
    return status == QCTX_OK ? qctx_store_read_checksum(store, error) : status;
}
