/* The lists data.train and data.eval. */
#include <stdlib.h>
#include <string.h>

#include "config_internal.h"
#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"
#include "qctx/base/suggest.h"

enum { SOURCE_KEYS_MAX = 8, LIST_MAX = 128 };

static void free_source(qctx_source *source)
{
    free(source->corpus);
    free(source->store);
    free(source->split);
    free(source->name);
}

void qctx_config_free_sources(qctx_sources *sources)
{
    for (int64_t i = 0; i < sources->count; i++)
        free_source(&sources->items[i]);
    free(sources->items);
    *sources = (qctx_sources){0};
}

/* "corpora/squad/" and "dev" make "squad/dev"; the ending of a store, ".h5", is left out. */
static char *default_name(const qctx_source *source, qctx_error *error)
{
    char *path = qctx_path_trim(source->corpus != NULL ? source->corpus : source->store, error);
    char *name = NULL;

    if (path != NULL) {
        const char *base = qctx_path_base(path);
        size_t length = strlen(base);

        if (source->store != NULL && length > 3 && strcmp(base + length - 3, ".h5") == 0)
            length -= 3;
        name = qctx_format(error, "%.*s/%s", (int)length, base, source->split);
    }
    free(path);
    return name;
}

static void complain_unknown(qctx_config_reader *reader, const qctx_yaml *entry, const char *path)
{
    const char *words[SOURCE_KEYS_MAX], *near;

    _Static_assert(SOURCE_KEYS_MAX >= 5, "room for the keys of a source");
    for (int64_t i = 0; i < qctx_source_key_count; i++)
        words[i] = qctx_source_keys[i].path;
    near = qctx_suggest(entry->key, words, qctx_source_key_count);
    if (near != NULL)
        qctx_config_complain(reader, qctx_config_place_of(reader, entry), path, "unknown key; did you mean %s?", near);
    else
        qctx_config_complain(reader, qctx_config_place_of(reader, entry), path,
                             "unknown key; a source has corpus or store, split, name, limit");
}

static qctx_status read_source_key(qctx_config_reader *reader, const qctx_yaml *entry, const char *path,
                                   qctx_source *source, bool *accepted)
{
    int64_t index = qctx_config_find(qctx_source_keys, qctx_source_key_count, entry->key);
    char *below = qctx_format(&reader->report, "%s.%s", path, entry->key);
    qctx_status status = QCTX_OK;

    *accepted = false;
    if (below == NULL)
        return QCTX_ERR_MEMORY;
    if (index >= 0)
        status = qctx_config_set(reader, &qctx_source_keys[index], source, entry, below, accepted);
    else
        complain_unknown(reader, entry, below);
    free(below);
    return status;
}

static qctx_status read_source(qctx_config_reader *reader, const qctx_yaml *node, const char *path, const char *split,
                               qctx_source *source, bool *accepted)
{
    qctx_config_place place = qctx_config_place_of(reader, node);
    qctx_status status = QCTX_OK;
    bool good = node->kind == QCTX_YAML_MAPPING;

    *accepted = false;
    if (!good)
        qctx_config_complain(reader, place, path, "expected a source, such as {corpus: corpora/squad, split: %s}",
                             split);
    for (int64_t i = 0; i < node->count && status == QCTX_OK && node->kind == QCTX_YAML_MAPPING; i++) {
        bool key_accepted;

        status = read_source_key(reader, node->children[i], path, source, &key_accepted);
        good = good && key_accepted;
    }
    if (status != QCTX_OK || !good)
        return status;
    if ((source->corpus != NULL) == (source->store != NULL)) {
        qctx_config_complain(reader, place, path, "expected exactly one of corpus and store, found %s",
                             source->corpus != NULL ? "both" : "neither");
        return QCTX_OK;
    }
    if (source->split == NULL && (source->split = qctx_strdup(split, &reader->report)) == NULL)
        return QCTX_ERR_MEMORY;
    if (source->name == NULL && (source->name = default_name(source, &reader->report)) == NULL)
        return QCTX_ERR_MEMORY;
    *accepted = true;
    return QCTX_OK;
}

static qctx_status read_sources(qctx_config_reader *reader, const qctx_config_key *key, const qctx_yaml *node,
                                qctx_sources *sources, bool *accepted)
{
    const char *split = key->offset == offsetof(qctx_config, data.train) ? "train" : "dev";
    qctx_status status = QCTX_OK;

    sources->items = qctx_alloc(node->count, sizeof *sources->items, "the sources", &reader->report);
    if (sources->items == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t i = 0; i < node->count && status == QCTX_OK; i++) {
        char *path = qctx_format(&reader->report, "%s[%lld]", key->path, (long long)i);
        bool source_accepted = false;

        sources->count = i + 1;
        status = path != NULL
                     ? read_source(reader, node->children[i], path, split, &sources->items[i], &source_accepted)
                     : QCTX_ERR_MEMORY;
        *accepted = *accepted && source_accepted;
        free(path);
    }
    return status;
}

qctx_status qctx_config_set_sources(qctx_config_reader *reader, const qctx_config_key *key, const qctx_yaml *node,
                                    bool *accepted)
{
    qctx_sources *member = (qctx_sources *)((char *)&reader->config + key->offset);
    qctx_sources sources = {0};
    char expected[QCTX_EXPECTED_MAX];
    qctx_status status;

    *accepted = node->kind == QCTX_YAML_SEQUENCE;
    if (!*accepted) {
        qctx_config_complain(reader, qctx_config_place_of(reader, node), key->path, "expected %s",
                             qctx_config_expected(key, expected));
        return QCTX_OK;
    }
    status = read_sources(reader, key, node, &sources, accepted);
    if (status == QCTX_OK && *accepted) {
        qctx_config_free_sources(member);
        *member = sources;
        return QCTX_OK;
    }
    qctx_config_free_sources(&sources);
    return status;
}

qctx_status qctx_config_evaluate_on(qctx_config *config, const char *path, const char *split, qctx_error *error)
{
    bool is_store = qctx_store_is(path);
    qctx_source *source;

    if (!qctx_path_exists(path))
        return qctx_fail(error, QCTX_ERR_IO, "%s: there is no such corpus or store", path);
    if (!is_store && !qctx_corpus_is(path)) {
        qctx_fail(error, QCTX_ERR_FORMAT, "%s: is neither a corpus nor a store", path);
        return qctx_hint(error, "a corpus is a folder with corpus.jsonl, a store an HDF5 file that embed wrote");
    }
    source = qctx_alloc(1, sizeof *source, "a source", error);
    if (source == NULL)
        return QCTX_ERR_MEMORY;
    qctx_config_free_sources(&config->data.eval);
    config->data.eval = (qctx_sources){1, source};
    *(is_store ? &source->store : &source->corpus) = qctx_strdup(path, error);
    source->split = qctx_strdup(split != NULL ? split : "dev", error);
    if ((source->store == NULL && source->corpus == NULL) || source->split == NULL)
        return QCTX_ERR_MEMORY;
    source->name = default_name(source, error);
    return source->name == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
}
