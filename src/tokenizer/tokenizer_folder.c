/* The files of a folder that make a tokenizer. */
#include <stdlib.h>
#include <string.h>

#include "legacy_internal.h"
#include "qctx/base/fileio.h"
#include "qctx/base/hash.h"
#include "tokenizer_internal.h"

/* An object from a file of the folder, hashed; `*root` is NULL where there is no such file. */
static qctx_status read_object(const char *folder, const char *name, bool required, uint64_t *hash, json_t **root,
                               qctx_error *error)
{
    char *path = qctx_path_join(folder, name, error);
    qctx_status status = QCTX_OK;

    *root = NULL;
    if (path == NULL)
        return QCTX_ERR_MEMORY;
    if (required || qctx_path_exists(path)) {
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

/*
 * Where tokenizer_config.json and tokenizer.json say different things of BERT's normaliser, transformers goes by the
 * former.
 */
static void override_normalizer(const json_t *config, json_t *root)
{
    static const char *const names[][2] = {
        {"do_lower_case", "lowercase"},
        {"strip_accents", "strip_accents"},
        {"tokenize_chinese_chars", "handle_chinese_chars"},
    };
    const char *class = json_string_value(json_object_get(config, "tokenizer_class"));
    json_t *normalizer = json_object_get(root, "normalizer");
    const char *type = json_string_value(json_object_get(normalizer, "type"));
    legacy_kind kind;

    if (class == NULL || type == NULL || strcmp(type, "BertNormalizer") != 0 ||
        legacy_kind_of(class, NULL, "", &kind, NULL) != QCTX_OK)
        return;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        json_t *value = json_object_get(config, names[i][0]);

        if (value != NULL)
            json_object_set(normalizer, names[i][1], value);
    }
}

static qctx_status read_vocabulary(const char *folder, legacy_kind kind, uint64_t *hash, json_t **vocabulary,
                                   json_t **merges, char **path, qctx_error *error)
{
    bool words = kind == LEGACY_BERT || kind == LEGACY_MPNET;
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
            status = legacy_read_lines(*path, vocabulary, error);
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
static qctx_status find_kind(const char *folder, const json_t *config, bool open_clip, legacy_kind *kind,
                             qctx_error *error)
{
    const char *class = json_string_value(json_object_get(config, "tokenizer_class"));
    uint64_t unused = 0;
    json_t *model = NULL;
    qctx_status status = QCTX_OK;

    if (open_clip) {
        *kind = LEGACY_CLIP;
        return QCTX_OK;
    }
    if (class == NULL)
        status = read_object(folder, "config.json", false, &unused, &model, error);
    if (class == NULL && status == QCTX_OK)
        class = json_string_value(json_object_get(model, "tokenizer_class"));
    if (status == QCTX_OK)
        status = legacy_kind_of(class, json_string_value(json_object_get(model, "model_type")), folder, kind, error);
    json_decref(model);
    return status;
}

static qctx_status read_legacy(const char *folder, bool open_clip, json_t *config, json_t **root, char **path,
                               uint64_t *hash, qctx_error *error)
{
    json_t *map = NULL, *added = NULL, *vocabulary = NULL, *merges = NULL;
    legacy_files files = {0};
    qctx_status status = find_kind(folder, config, open_clip, &files.kind, error);

    if (status == QCTX_OK && json_object_get(config, "added_tokens_decoder") == NULL)
        status = read_object(folder, "special_tokens_map.json", false, hash, &map, error);
    if (status == QCTX_OK && map != NULL && json_object_update(config, map) != 0)
        status = qctx_fail(error, QCTX_ERR_MEMORY, "out of memory for the special tokens of a tokenizer");
    if (status == QCTX_OK)
        status = read_object(folder, "added_tokens.json", false, hash, &added, error);
    if (status == QCTX_OK)
        status = read_vocabulary(folder, files.kind, hash, &vocabulary, &merges, path, error);
    if (status == QCTX_OK) {
        files.config = config;
        files.added = added;
        files.vocabulary = vocabulary;
        files.merges = merges;
        files.path = *path;
        status = legacy_make(&files, root, error);
    }
    json_decref(map);
    json_decref(added);
    json_decref(vocabulary);
    json_decref(merges);
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

qctx_status tokenizer_folder_read(const char *folder, qctx_tokenizer_settings settings, json_t **root, char **path,
                                  uint64_t *hash, qctx_error *error)
{
    bool whole = qctx_folder_has(folder, "tokenizer.json");
    json_t *config = NULL;
    qctx_status status;

    *root = NULL;
    *path = NULL;
    *hash = 0;
    if (!whole && !qctx_folder_has(folder, "vocab.txt") && !qctx_folder_has(folder, "vocab.json"))
        return refuse(folder, error);
    status = read_object(folder, "tokenizer_config.json", false, hash, &config, error);
    if (status == QCTX_OK && config == NULL)
        config = json_object();
    if (status != QCTX_OK)
        return status;
    if (whole) {
        *path = qctx_path_join(folder, "tokenizer.json", error);
        status = *path == NULL ? QCTX_ERR_MEMORY : read_object(folder, "tokenizer.json", true, hash, root, error);
        if (status == QCTX_OK)
            override_normalizer(config, *root);
    } else
        status = read_legacy(folder, settings.open_clip, config, root, path, hash, error);
    if (status == QCTX_OK && settings.lowercase)
        status = put_lowercase(*root, hash, error);
    json_decref(config);
    return status;
}
