/* Keys that hold lists: numbers, and the sources of data.train, data.eval and eval.guard. */
#include <stdlib.h>
#include <string.h>

#include "config_internal.h"
#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"
#include "qctx/base/suggest.h"
#include "qctx/data/corpus.h"

/* Keys of a source, or of an encoder's entry. */
enum { MEMBERS_MAX = 12 };

void qctx_config_free_numbers(qctx_numbers *numbers)
{
    free(numbers->items);
    *numbers = (qctx_numbers){0};
}

qctx_status qctx_config_set_numbers(qctx_config_reader *reader, const qctx_config_key *key, const qctx_yaml *node,
                                    bool *accepted)
{
    qctx_numbers *member = (qctx_numbers *)((char *)&reader->config + key->offset);
    qctx_numbers numbers = {0};
    qctx_config_key item = *key;
    char expected[QCTX_EXPECTED_MAX];
    qctx_status status = QCTX_OK;

    item.type = QCTX_KEY_NUMBER;
    item.offset = 0;
    *accepted = node->kind == QCTX_YAML_SEQUENCE;
    if (!*accepted) {
        qctx_config_complain(reader, qctx_config_place_of(reader, node), key->path, "expected %s, found a %s",
                             qctx_config_expected(key, expected),
                             node->kind == QCTX_YAML_MAPPING ? "mapping" : "single value");
        return QCTX_OK;
    }
    numbers.items = qctx_alloc(node->count, sizeof *numbers.items, key->path, &reader->report);
    if (numbers.items == NULL)
        return QCTX_ERR_MEMORY;
    for (numbers.count = 0; numbers.count < node->count && status == QCTX_OK; numbers.count++) {
        bool item_accepted = false;
        char *path = qctx_format(&reader->report, "%s[%lld]", key->path, (long long)numbers.count);

        status = path == NULL ? QCTX_ERR_MEMORY
                              : qctx_config_set(reader, &item, &numbers.items[numbers.count],
                                                node->children[numbers.count], path, &item_accepted);
        *accepted = *accepted && item_accepted;
        free(path);
    }
    if (status == QCTX_OK && *accepted) {
        qctx_numbers before = *member;

        *member = numbers;
        numbers = before;
    }
    qctx_config_free_numbers(&numbers);
    return status;
}

static void free_source(qctx_source *source)
{
    free(source->corpus);
    free(source->store);
    free(source->split);
    free(source->name);
    free(source->teacher);
    free(source->negatives);
}

void qctx_config_free_sources(qctx_sources *sources)
{
    for (int64_t i = 0; i < sources->count; i++)
        free_source(&sources->items[i]);
    free(sources->items);
    *sources = (qctx_sources){0};
}

/* "corpora/squad/" and "dev" make "squad/dev"; the ending of a store, ".h5", is left out. */
char *config_source_name(const qctx_source *source, qctx_error *error)
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

static void complain_unknown(qctx_config_reader *reader, const qctx_config_key *keys, int64_t count, const char *known,
                             const qctx_yaml *entry, const char *path)
{
    const char *words[MEMBERS_MAX], *near;

    for (int64_t i = 0; i < count; i++)
        words[i] = keys[i].path;
    near = qctx_suggest(entry->key, words, count);
    if (near != NULL)
        qctx_config_complain(reader, qctx_config_place_of(reader, entry), path, "unknown key; did you mean %s?", near);
    else
        qctx_config_complain(reader, qctx_config_place_of(reader, entry), path, "unknown key; %s", known);
}

qctx_status qctx_config_set_members(qctx_config_reader *reader, const qctx_config_key *keys, int64_t count,
                                    const char *known, const qctx_yaml *node, const char *path, void *item,
                                    bool *accepted)
{
    qctx_status status = QCTX_OK;

    *accepted = true;
    for (int64_t i = 0; i < node->count && status == QCTX_OK; i++) {
        const qctx_yaml *entry = node->children[i];
        int64_t index = qctx_config_find(keys, count, entry->key);
        char *below = qctx_format(&reader->report, "%s.%s", path, entry->key);
        bool key_accepted = false;

        if (below == NULL)
            return QCTX_ERR_MEMORY;
        if (index >= 0)
            status = qctx_config_set(reader, &keys[index], item, entry, below, &key_accepted);
        else
            complain_unknown(reader, keys, count, known, entry, below);
        *accepted = *accepted && key_accepted;
        free(below);
    }
    return status;
}

static qctx_status read_source(qctx_config_reader *reader, const qctx_yaml *node, const char *path, const char *split,
                               qctx_source *source, bool *accepted)
{
    qctx_config_place place = qctx_config_place_of(reader, node);
    qctx_status status = QCTX_OK;
    bool good = node->kind == QCTX_YAML_MAPPING;

    *accepted = false;
    source->weight = 1.0;
    if (!good)
        qctx_config_complain(reader, place, path, "expected a source, such as {corpus: corpora/squad, split: %s}",
                             split);
    if (good)
        status = qctx_config_set_members(
            reader, qctx_source_keys, qctx_source_key_count,
            "a source has corpus or store, split, name, limit, weight, teacher, negatives, external", node, path,
            source, &good);
    if (status != QCTX_OK || !good)
        return status;
    if ((source->corpus != NULL) == (source->store != NULL)) {
        qctx_config_complain(reader, place, path, "expected exactly one of corpus and store, found %s",
                             source->corpus != NULL ? "both" : "neither");
        return QCTX_OK;
    }
    if (source->split == NULL && (source->split = qctx_strdup(split, &reader->report)) == NULL)
        return QCTX_ERR_MEMORY;
    if (source->name == NULL && (source->name = config_source_name(source, &reader->report)) == NULL)
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
