/* data.encoder: encoders by their models alone, or as mappings that say which field of contexts they take. */
#include <stdlib.h>

#include "config_internal.h"
#include "qctx/base/mem.h"

void qctx_config_free_encoders(qctx_encoder_entries *entries)
{
    for (int64_t i = 0; i < entries->count; i++) {
        free(entries->items[i].model);
        free(entries->items[i].field);
    }
    free(entries->items);
    *entries = (qctx_encoder_entries){0};
}

static qctx_status allocate(qctx_encoder_entries *entries, int64_t count, qctx_error *error)
{
    *entries = (qctx_encoder_entries){.items = qctx_alloc(count, sizeof *entries->items, "the encoders", error)};
    if (entries->items == NULL)
        return QCTX_ERR_MEMORY;
    for (entries->count = 0; entries->count < count; entries->count++)
        entries->items[entries->count].weight = 1.0;
    return QCTX_OK;
}

qctx_status qctx_config_name_encoders(qctx_encoder_entries *entries, const char *const *models, int64_t count,
                                      qctx_error *error)
{
    qctx_status status;

    qctx_config_free_encoders(entries);
    status = allocate(entries, count, error);
    for (int64_t i = 0; i < count && status == QCTX_OK; i++)
        if ((entries->items[i].model = qctx_strdup(models[i], error)) == NULL)
            status = QCTX_ERR_MEMORY;
    return status;
}

/* One entry: a text is its model. */
static qctx_status read_entry(qctx_config_reader *reader, const qctx_yaml *node, const char *path,
                              qctx_encoder_entry *entry, bool *accepted)
{
    qctx_status status;

    if (node->kind != QCTX_YAML_MAPPING)
        return qctx_config_set(reader, &qctx_entry_keys[0], entry, node, path, accepted);
    status = qctx_config_set_members(reader, qctx_entry_keys, qctx_entry_key_count,
                                     "an encoder has model, field, weight", node, path, entry, accepted);
    if (status == QCTX_OK && *accepted && entry->model == NULL) {
        qctx_config_complain(reader, qctx_config_place_of(reader, node), path,
                             "expected a model, such as {model: hashing, field: title, weight: 0.5}");
        *accepted = false;
    }
    return status;
}

qctx_status qctx_config_set_encoders(qctx_config_reader *reader, const qctx_config_key *key, const qctx_yaml *node,
                                     bool *accepted)
{
    qctx_encoder_entries *member = (qctx_encoder_entries *)((char *)&reader->config + key->offset);
    const bool list = node->kind == QCTX_YAML_SEQUENCE;
    qctx_encoder_entries entries = {0};
    char expected[QCTX_EXPECTED_MAX];
    qctx_status status;

    *accepted = !list || node->count > 0;
    if (!*accepted) {
        qctx_config_complain(reader, qctx_config_place_of(reader, node), key->path, "expected %s, found an empty list",
                             qctx_config_expected(key, expected));
        return QCTX_OK;
    }
    status = allocate(&entries, list ? node->count : 1, &reader->report);
    for (int64_t i = 0; i < entries.count && status == QCTX_OK; i++) {
        bool item_accepted = false;
        char *path = list ? qctx_format(&reader->report, "%s[%lld]", key->path, (long long)i)
                          : qctx_strdup(key->path, &reader->report);

        status = path == NULL
                     ? QCTX_ERR_MEMORY
                     : read_entry(reader, list ? node->children[i] : node, path, &entries.items[i], &item_accepted);
        *accepted = *accepted && item_accepted;
        free(path);
    }
    if (status == QCTX_OK && *accepted) {
        qctx_encoder_entries before = *member;

        *member = entries;
        member->given = true;
        entries = before;
    }
    qctx_config_free_encoders(&entries);
    return status;
}

/* A text where there is nothing but a model. */
static void write_entry(FILE *out, const qctx_encoder_entry *entry)
{
    if (entry->field == NULL && entry->weight == 1.0) {
        qctx_yaml_write_text(out, entry->model);
        return;
    }
    fputs("{model: ", out);
    qctx_yaml_write_text(out, entry->model);
    if (entry->field != NULL) {
        fputs(", field: ", out);
        qctx_yaml_write_text(out, entry->field);
    }
    if (entry->weight != 1.0) {
        fputs(", weight: ", out);
        qctx_config_write_number(out, entry->weight);
    }
    fputc('}', out);
}

void qctx_config_write_encoders(FILE *out, const qctx_encoder_entries *entries)
{
    if (entries->count != 1)
        fputc('[', out);
    for (int64_t i = 0; i < entries->count; i++) {
        fputs(i > 0 ? ", " : "", out);
        write_entry(out, &entries->items[i]);
    }
    if (entries->count != 1)
        fputc(']', out);
}
