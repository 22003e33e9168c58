/* Keys that hold lists: texts, numbers, and the sources of data.train and data.eval. */
#include <stdlib.h>
#include <string.h>

#include "config_internal.h"
#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"
#include "qctx/base/suggest.h"
#include "qctx/data/corpus.h"

enum { SOURCE_KEYS_MAX = 12, LIST_MAX = 128 };

void qctx_config_free_texts(qctx_texts *texts)
{
    for (int64_t i = 0; i < texts->count; i++)
        free(texts->items[i]);
    free(texts->items);
    *texts = (qctx_texts){0};
}

void qctx_config_free_numbers(qctx_numbers *numbers)
{
    free(numbers->items);
    *numbers = (qctx_numbers){0};
}

/* The key of one item of the list, whose base is the item itself. */
static qctx_config_key item_key(const qctx_config_key *key)
{
    qctx_config_key item = *key;

    item.type = key->type == QCTX_KEY_TEXTS ? QCTX_KEY_TEXT : QCTX_KEY_NUMBER;
    item.offset = 0;
    return item;
}

static void *item_at(const qctx_config_key *key, const qctx_texts *texts, const qctx_numbers *numbers, int64_t index)
{
    return key->type == QCTX_KEY_TEXTS ? (void *)&texts->items[index] : (void *)&numbers->items[index];
}

/* Reads the items into one of the two lists; a single value is a list of one. */
static qctx_status read_items(qctx_config_reader *reader, const qctx_config_key *key, const qctx_yaml *node,
                              qctx_texts *texts, qctx_numbers *numbers, bool *accepted)
{
    const qctx_config_key item = item_key(key);
    const bool single = node->kind != QCTX_YAML_SEQUENCE;
    qctx_status status = QCTX_OK;

    *accepted = true;
    for (int64_t i = 0; i < (single ? 1 : node->count) && status == QCTX_OK; i++) {
        bool item_accepted = false;
        char *path = single ? qctx_strdup(key->path, &reader->report)
                            : qctx_format(&reader->report, "%s[%lld]", key->path, (long long)i);

        status = path == NULL ? QCTX_ERR_MEMORY
                              : qctx_config_set(reader, &item, item_at(key, texts, numbers, i),
                                                single ? node : node->children[i], path, &item_accepted);
        *accepted = *accepted && item_accepted;
        free(path);
    }
    return status;
}

static qctx_status allocate(qctx_config_reader *reader, const qctx_config_key *key, int64_t count, qctx_texts *texts,
                            qctx_numbers *numbers)
{
    if (key->type == QCTX_KEY_TEXTS) {
        texts->items = qctx_alloc(count, sizeof *texts->items, key->path, &reader->report);
        texts->count = texts->items != NULL ? count : 0;
        return texts->items == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
    }
    numbers->items = qctx_alloc(count, sizeof *numbers->items, key->path, &reader->report);
    numbers->count = numbers->items != NULL ? count : 0;
    return numbers->items == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
}

/* Puts the new list into the place of the old one, which is left in the argument. */
static void swap(qctx_config_reader *reader, const qctx_config_key *key, qctx_texts *texts, qctx_numbers *numbers)
{
    void *member = (char *)&reader->config + key->offset;

    if (key->type == QCTX_KEY_TEXTS) {
        qctx_texts before = *(qctx_texts *)member;

        *(qctx_texts *)member = *texts;
        *texts = before;
    } else {
        qctx_numbers before = *(qctx_numbers *)member;

        *(qctx_numbers *)member = *numbers;
        *numbers = before;
    }
}

qctx_status qctx_config_set_list(qctx_config_reader *reader, const qctx_config_key *key, const qctx_yaml *node,
                                 bool *accepted)
{
    const bool list = node->kind == QCTX_YAML_SEQUENCE;
    const bool single = node->kind == QCTX_YAML_SCALAR && key->type == QCTX_KEY_TEXTS;
    qctx_texts texts = {0};
    qctx_numbers numbers = {0};
    char expected[QCTX_EXPECTED_MAX];
    qctx_status status;

    *accepted = false;
    if (!(list || single) || (list && node->count == 0 && key->type == QCTX_KEY_TEXTS)) {
        qctx_config_complain(reader, qctx_config_place_of(reader, node), key->path, "expected %s, found %s",
                             qctx_config_expected(key, expected),
                             list                              ? "an empty list"
                             : node->kind == QCTX_YAML_MAPPING ? "a mapping"
                                                               : "a single value");
        return QCTX_OK;
    }
    status = allocate(reader, key, single ? 1 : node->count, &texts, &numbers);
    if (status == QCTX_OK)
        status = read_items(reader, key, node, &texts, &numbers, accepted);
    if (status == QCTX_OK && *accepted)
        swap(reader, key, &texts, &numbers);
    qctx_config_free_texts(&texts);
    qctx_config_free_numbers(&numbers);
    return status;
}

qctx_status qctx_config_set_default_texts(qctx_config_reader *reader, const qctx_config_key *key)
{
    qctx_texts *texts = (qctx_texts *)((char *)&reader->config + key->offset);

    texts->items = qctx_alloc(1, sizeof *texts->items, key->path, &reader->report);
    if (texts->items == NULL)
        return QCTX_ERR_MEMORY;
    texts->count = 1;
    texts->items[0] = qctx_strdup(key->fallback, &reader->report);
    return texts->items[0] == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
}

static void free_source(qctx_source *source)
{
    free(source->corpus);
    free(source->store);
    free(source->split);
    free(source->name);
    free(source->teacher);
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

static void complain_unknown(qctx_config_reader *reader, const qctx_yaml *entry, const char *path)
{
    const char *words[SOURCE_KEYS_MAX], *near;

    _Static_assert(SOURCE_KEYS_MAX >= 8, "room for the keys of a source");
    for (int64_t i = 0; i < qctx_source_key_count; i++)
        words[i] = qctx_source_keys[i].path;
    near = qctx_suggest(entry->key, words, qctx_source_key_count);
    if (near != NULL)
        qctx_config_complain(reader, qctx_config_place_of(reader, entry), path, "unknown key; did you mean %s?", near);
    else
        qctx_config_complain(reader, qctx_config_place_of(reader, entry), path,
                             "unknown key; a source has corpus or store, split, name, limit, weight, external");
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
    source->weight = 1.0;
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
