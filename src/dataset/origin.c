#include "qctx/dataset/origin.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"
#include "qctx/text/json.h"

static void set_hash(json_t *object, const char *key, uint64_t hash)
{
    char digits[17];

    snprintf(digits, sizeof digits, "%016" PRIx64, hash);
    if (hash != 0)
        json_object_set_new(object, key, json_string(digits));
}

static bool is_listed(const json_t *list, const char *path, const char *kind)
{
    size_t i;
    json_t *item;

    json_array_foreach(list, i,
                       item) if (strcmp(json_string_value(json_object_get(item, "path")), path) == 0 &&
                                 strcmp(json_string_value(json_object_get(item, "kind")), kind) == 0) return true;
    return false;
}

/* Whether all could be listed: paths are valid UTF-8, or the configuration would not have been read. */
static bool list(json_t *list, const qctx_sources *sources, const qctx_opened_source *opened)
{
    bool good = true;

    for (int64_t i = 0; i < sources->count && good; i++) {
        const qctx_source *source = &sources->items[i];
        const char *path = source->corpus != NULL ? source->corpus : source->store;
        const char *kind = source->corpus != NULL ? "corpus" : "store";
        json_t *item;

        if (is_listed(list, path, kind))
            continue;
        item = json_pack("{s:s, s:s, s:s}", "path", path, "kind", kind, "store",
                         qctx_path_base(qctx_store_path(opened[i].store)));
        if (item != NULL) {
            set_hash(item, "checksum", qctx_store_checksum(opened[i].store));
            set_hash(item, "corpus_fingerprint", qctx_store_corpus_fingerprint(opened[i].store));
        }
        good = json_array_append_new(list, item) == 0;
    }
    return good;
}

qctx_status qctx_origin_write(const qctx_config *config, const qctx_opened *opened, char **text, qctx_error *error)
{
    json_t *root = json_array();
    bool good = list(root, &config->data.train, opened->train) && list(root, &config->data.eval, opened->eval) &&
                list(root, &config->eval.guard, opened->guard);

    *text = good ? qctx_json_dump(root, error) : NULL;
    json_decref(root);
    if (!good)
        return qctx_fail(error, QCTX_ERR_INTERNAL, "the sources of the run cannot be written as JSON");
    return *text == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
}

static uint64_t hash_of(const json_t *item, const char *key)
{
    const char *digits = json_string_value(json_object_get(item, key));

    return digits == NULL ? 0 : strtoull(digits, NULL, 16);
}

static qctx_status take_location(const json_t *item, const char *place, qctx_origin_location *location,
                                 qctx_error *error)
{
    const char *path = json_string_value(json_object_get(item, "path"));
    const char *kind = json_string_value(json_object_get(item, "kind"));
    const char *store = json_string_value(json_object_get(item, "store"));

    if (path == NULL || kind == NULL || store == NULL)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: attribute sources: expected path, kind and store of each", place);
    location->path = qctx_strdup(path, error);
    location->store = qctx_strdup(qctx_path_base(store), error);
    location->is_corpus = strcmp(kind, "corpus") == 0;
    location->checksum = hash_of(item, "checksum");
    location->corpus_fingerprint = hash_of(item, "corpus_fingerprint");
    return location->path == NULL || location->store == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
}

qctx_status qctx_origin_read(const char *text, const char *place, qctx_origin *origin, qctx_error *error)
{
    json_t *root = NULL;
    qctx_status status = QCTX_OK;

    if (text == NULL)
        return QCTX_OK;
    status = qctx_json_parse(text, strlen(text), place, &root, error);
    if (status == QCTX_OK && !json_is_array(root))
        status = qctx_fail(error, QCTX_ERR_FORMAT, "%s: attribute sources: expected a list", place);
    if (status == QCTX_OK) {
        origin->locations =
            qctx_alloc((int64_t)json_array_size(root), sizeof *origin->locations, "the sources of a run", error);
        status = origin->locations == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
    }
    for (size_t i = 0; status == QCTX_OK && i < json_array_size(root); i++)
        status = take_location(json_array_get(root, i), place, &origin->locations[origin->count++], error);
    json_decref(root);
    return status;
}

void qctx_origin_free(qctx_origin *origin)
{
    for (int64_t i = 0; i < origin->count; i++) {
        free(origin->locations[i].path);
        free(origin->locations[i].store);
    }
    free(origin->locations);
    *origin = (qctx_origin){0};
}

const qctx_origin_location *qctx_origin_of(const qctx_origin *origin, const char *path, bool is_corpus)
{
    for (int64_t i = 0; origin != NULL && i < origin->count; i++)
        if (origin->locations[i].is_corpus == is_corpus && strcmp(origin->locations[i].path, path) == 0)
            return &origin->locations[i];
    return NULL;
}
