/* Lists of texts and of numbers. */
#include <stdlib.h>
#include <string.h>

#include "config_internal.h"
#include "qctx/base/mem.h"

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
