/* The files of a folder that make a tokenizer. */
#include <stdlib.h>
#include <string.h>

#include "class_internal.h"
#include "qctx/base/fileio.h"
#include "qctx/base/hash.h"
#include "tokenizer_internal.h"

/*
 * An object from a file of the folder, NULL where there is none that is required; its bytes go into the hash unless
 * that is NULL.
 */
static qctx_status read_object(const char *folder, const char *name, bool required, uint64_t *hash, json_t **root,
                               qctx_error *error)
{
    char *path = qctx_path_join(folder, name, error);
    qctx_status status = QCTX_OK;

    *root = NULL;
    if (path == NULL)
        return QCTX_ERR_MEMORY;
    if (required || qctx_path_exists(path)) {
        if (hash != NULL)
            status = qctx_hash_file(path, *hash, hash, error);
        if (status == QCTX_OK)
            status = qctx_json_load_file(path, root, error);
        if (status == QCTX_OK && !json_is_object(*root))
            status = qctx_fail(error, QCTX_ERR_FORMAT, "%s: found %s, expected an object", path, qctx_json_type(*root));
    }
    free(path);
    return status;
}

static qctx_status refuse(const char *folder, qctx_error *error)
{
    static const char *const sentencepiece[] = {"spiece.model", "sentencepiece.bpe.model", "tokenizer.model"};

    for (size_t i = 0; i < sizeof sentencepiece / sizeof *sentencepiece; i++)
        if (qctx_folder_has(folder, sentencepiece[i]))
            return qctx_fail(error, QCTX_ERR_CONFIG,
                             "%s/%s: SentencePiece is not supported, expected tokenizer.json, vocab.txt, or vocab.json "
                             "and merges.txt",
                             folder, sentencepiece[i]);
    return qctx_fail(error, QCTX_ERR_CONFIG,
                     "%s: found no tokenizer, expected tokenizer.json, vocab.txt, or vocab.json and merges.txt",
                     folder);
}

static qctx_status read_vocabulary(const char *folder, class_kind kind, uint64_t *hash, json_t **vocabulary,
                                   json_t **merges, char **path, qctx_error *error)
{
    bool words = kind == CLASS_BERT || kind == CLASS_MPNET;
    char *merges_path = NULL;
    qctx_status status = QCTX_OK;

    *path = qctx_path_join(folder, words ? "vocab.txt" : "vocab.json", error);
    if (*path == NULL)
        return QCTX_ERR_MEMORY;
    if (!words)
        status = read_object(folder, "vocab.json", true, hash, vocabulary, error);
    else {
        status = qctx_hash_file(*path, *hash, hash, error);
        if (status == QCTX_OK)
            status = class_read_lines(*path, vocabulary, error);
    }
    if (words || status != QCTX_OK)
        return status;
    merges_path = qctx_path_join(folder, "merges.txt", error);
    if (merges_path == NULL)
        return QCTX_ERR_MEMORY;
    status = qctx_hash_file(merges_path, *hash, hash, error);
    if (status == QCTX_OK)
        status = tokenizer_bpe_read_merges(merges_path, merges, error);
    free(merges_path);
    return status;
}

/* Which class of tokenizer the folder's files belong to. */
static qctx_status find_kind(const char *folder, const json_t *config, bool whole, class_kind *kind, qctx_error *error)
{
    const char *class = json_string_value(json_object_get(config, "tokenizer_class"));
    json_t *model = NULL;
    qctx_status status = QCTX_OK;

    if (class == NULL)
        status = read_object(folder, "config.json", false, NULL, &model, error);
    if (class == NULL && status == QCTX_OK)
        class = json_string_value(json_object_get(model, "tokenizer_class"));
    if (status == QCTX_OK)
        status =
            class_kind_of(class, json_string_value(json_object_get(model, "model_type")), whole, folder, kind, error);
    json_decref(model);
    return status;
}

static qctx_status read_vocabularies(const char *folder, class_kind kind, const json_t *config, json_t **root,
                                     char **path, uint64_t *hash, qctx_error *error)
{
    json_t *added = NULL, *vocabulary = NULL, *merges = NULL;
    qctx_status status = read_object(folder, "added_tokens.json", false, hash, &added, error);

    if (status == QCTX_OK)
        status = read_vocabulary(folder, kind, hash, &vocabulary, &merges, path, error);
    if (status == QCTX_OK) {
        class_files files = {
            .kind = kind, .config = config, .added = added, .vocabulary = vocabulary, .merges = merges, .path = *path};

        status = class_make(&files, root, error);
    }
    json_decref(added);
    json_decref(vocabulary);
    json_decref(merges);
    return status;
}

/* tokenizer.json with what its class and tokenizer_config.json make of it. */
static qctx_status read_whole(const char *folder, class_kind kind, json_t *config, const char *config_path,
                              json_t **root, char **path, uint64_t *hash, qctx_error *error)
{
    json_t *added = NULL;
    qctx_status status;

    *path = qctx_path_join(folder, "tokenizer.json", error);
    if (*path == NULL)
        return QCTX_ERR_MEMORY;
    status = read_object(folder, "tokenizer.json", true, hash, root, error);
    if (status == QCTX_OK)
        status = read_object(folder, "added_tokens.json", false, NULL, &added, error);
    if (status == QCTX_OK)
        status = class_replace_stages(kind, config, added, config_path, *root, hash, error);
    json_decref(added);
    return status;
}

/* Whether the normaliser begins as if a step of lower case stood before it. */
static bool lowercases(const json_t *normalizer)
{
    const char *type = json_string_value(json_object_get(normalizer, "type"));
    const json_t *steps = json_object_get(normalizer, "normalizers");

    if (type == NULL)
        return false;
    if (strcmp(type, "BertNormalizer") == 0)
        return !json_is_false(json_object_get(normalizer, "lowercase"));
    for (size_t i = 0; strcmp(type, "Sequence") == 0 && i < json_array_size(steps); i++) {
        const char *step = json_string_value(json_object_get(json_array_get(steps, i), "type"));

        if (step != NULL && strcmp(step, "Lowercase") == 0)
            return true;
    }
    return strcmp(type, "Lowercase") == 0;
}

/* As sentence-transformers does it (6.2): a normaliser that lowers case somewhere stays as it is. */
static qctx_status put_lowercase(json_t *root, uint64_t *hash, qctx_error *error)
{
    json_t *normalizer = json_object_get(root, "normalizer");

    if (lowercases(normalizer))
        return QCTX_OK;
    *hash = qctx_hash("Lowercase", 9, *hash);
    if (json_object_set_new(
            root, "normalizer",
            json_pack("{s:s, s:[{s:s}, O?]}", "type", "Sequence", "normalizers", "type", "Lowercase", normalizer)) != 0)
        return qctx_fail(error, QCTX_ERR_MEMORY, "out of memory for the stages of a tokenizer");
    return QCTX_OK;
}

/* tokenizer_config.json, or an empty object. */
static qctx_status read_config(const char *folder, uint64_t *hash, json_t **config, qctx_error *error)
{
    qctx_status status = read_object(folder, "tokenizer_config.json", false, hash, config, error);

    if (status != QCTX_OK || *config != NULL)
        return status;
    *config = json_object();
    return *config != NULL ? QCTX_OK : qctx_fail(error, QCTX_ERR_MEMORY, "out of memory for a tokenizer's settings");
}

/* special_tokens_map.json is not read where the configuration lists its added tokens itself. */
static qctx_status add_map(const char *folder, json_t *config, uint64_t *hash, qctx_error *error)
{
    json_t *map = NULL;
    qctx_status status = QCTX_OK;

    if (json_object_get(config, "added_tokens_decoder") == NULL)
        status = read_object(folder, "special_tokens_map.json", false, hash, &map, error);
    if (status == QCTX_OK)
        status = tokenizer_config_add_map(config, map, error);
    json_decref(map);
    return status;
}

/* OpenCLIP's own tokenizer asks the folder for no more than vocabulary, merges and special tokens. */
static qctx_status read_open_clip(const char *folder, bool whole, json_t **root, char **path, uint64_t *hash,
                                  qctx_error *error)
{
    json_t *config = NULL;
    qctx_status status = read_config(folder, hash, &config, error);

    if (status == QCTX_OK && whole) {
        *path = qctx_path_join(folder, "tokenizer.json", error);
        status = *path == NULL ? QCTX_ERR_MEMORY : read_object(folder, "tokenizer.json", true, hash, root, error);
        json_object_del(*root, "truncation");
    } else if (status == QCTX_OK) {
        status = add_map(folder, config, hash, error);
        if (status == QCTX_OK)
            status = read_vocabularies(folder, CLASS_CLIP, config, root, path, hash, error);
    }
    json_decref(config);
    return status;
}

static qctx_status read_files(const char *folder, bool whole, json_t *config, const char *config_path, json_t **root,
                              char **path, uint64_t *hash, qctx_error *error)
{
    class_kind kind;
    qctx_status status = find_kind(folder, config, whole, &kind, error);

    /* Beside a tokenizer.json, what the map changes goes into the hash, not its bytes. */
    if (status == QCTX_OK)
        status = add_map(folder, config, whole ? NULL : hash, error);
    if (status == QCTX_OK)
        status = whole ? read_whole(folder, kind, config, config_path, root, path, hash, error)
                       : read_vocabularies(folder, kind, config, root, path, hash, error);
    return status == QCTX_OK ? tokenizer_config_apply(config, config_path, *root, hash, error) : status;
}

qctx_status tokenizer_folder_read(const char *folder, qctx_tokenizer_settings settings, json_t **root, char **path,
                                  uint64_t *hash, qctx_error *error)
{
    bool whole = qctx_folder_has(folder, "tokenizer.json");
    json_t *config = NULL;
    char *config_path = NULL;
    qctx_status status;

    *root = NULL;
    *path = NULL;
    *hash = 0;
    if (!whole && !qctx_folder_has(folder, "vocab.txt") && !qctx_folder_has(folder, "vocab.json"))
        return refuse(folder, error);
    if (settings.open_clip)
        return read_open_clip(folder, whole, root, path, hash, error);
    config_path = qctx_path_join(folder, "tokenizer_config.json", error);
    status = config_path == NULL ? QCTX_ERR_MEMORY : read_config(folder, hash, &config, error);
    if (status == QCTX_OK)
        status = tokenizer_config_check(config, config_path, error);
    if (status == QCTX_OK)
        status = read_files(folder, whole, config, config_path, root, path, hash, error);
    if (status == QCTX_OK && settings.lowercase)
        status = put_lowercase(*root, hash, error);
    json_decref(config);
    free(config_path);
    return status;
}
