/* Fields of contexts: counted and hashed while corpus.jsonl is read, and read again when one is asked for. */
#include <stdlib.h>
#include <string.h>

#include "corpus_internal.h"
#include "qctx/base/hash.h"
#include "qctx/base/mem.h"
#include "qctx/text/text.h"

static const char *const plain_keys[] = {"_id", "title", "text"};
enum { PLAIN_KEYS = sizeof plain_keys / sizeof plain_keys[0] };

static bool is_plain(const char *key)
{
    for (int i = 0; i < PLAIN_KEYS; i++)
        if (strcmp(key, plain_keys[i]) == 0)
            return true;
    return false;
}

static bool is_blank(const char *text)
{
    return qctx_text_is_blank(text, strlen(text));
}

/* The field of that name, entered if it is new. */
static qctx_status enter_field(qctx_corpus *corpus, const char *name, qctx_corpus_field **entered, qctx_error *error)
{
    corpus_memory *memory = corpus->memory;
    int64_t row = qctx_textmap_find(&memory->field_rows, name);
    qctx_status status = QCTX_OK;

    if (row < 0) {
        const char *kept = qctx_arena_text(&memory->texts, name, strlen(name), error);

        status = kept == NULL ? QCTX_ERR_MEMORY
                              : qctx_grow((void **)&corpus->fields, &memory->field_capacity, corpus->field_count + 1,
                                          sizeof *corpus->fields, "fields of contexts", error);
        if (status == QCTX_OK)
            status = qctx_textmap_add(&memory->field_rows, kept, corpus->field_count, &row, error);
        if (status == QCTX_OK)
            corpus->fields[corpus->field_count++] = (qctx_corpus_field){.name = kept};
    }
    *entered = status == QCTX_OK ? &corpus->fields[row] : NULL;
    return status;
}

static void hash_value(uint64_t *hash, int64_t row, const char *text)
{
    *hash = qctx_hash_text(text, qctx_hash(&row, sizeof row, *hash));
}

static qctx_status note_odd_value(corpus_memory *memory, qctx_corpus_field *field, const json_t *value,
                                  const char *place, qctx_error *error)
{
    if (field->odd_place != NULL)
        return QCTX_OK;
    field->odd_place = qctx_arena_text(&memory->texts, place, strlen(place), error);
    field->odd_type = qctx_json_type(value);
    return field->odd_place == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
}

qctx_status corpus_note_fields(qctx_corpus *corpus, const json_t *record, const char *place, qctx_error *error)
{
    qctx_status status = QCTX_OK;
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)record, key, value)
    {
        const char *text = json_string_value(value);
        qctx_corpus_field *field;

        if (is_plain(key) || json_is_null(value) || (text != NULL && is_blank(text)))
            continue;
        status = enter_field(corpus, key, &field, error);
        if (status == QCTX_OK && text == NULL)
            status = note_odd_value(corpus->memory, field, value, place, error);
        if (status != QCTX_OK)
            break;
        if (text != NULL) {
            field->contexts++;
            hash_value(&field->hash, corpus->context_count - 1, text);
        }
    }
    return status;
}

static bool has_fields(const json_t *record)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)record, key, value) if (json_is_string(value) && !is_plain(key)) return true;
    return false;
}

qctx_status corpus_hash_without_fields(const json_t *record, uint64_t before, qctx_lines *lines, qctx_error *error)
{
    json_t *plain;
    char *line = NULL;

    if (!has_fields(record))
        return QCTX_OK;
    plain = json_object();
    for (int i = 0; i < PLAIN_KEYS; i++) {
        json_t *value = json_object_get(record, plain_keys[i]);

        if (value != NULL)
            json_object_set(plain, plain_keys[i], value);
    }
    line = json_dumps(plain, 0);
    json_decref(plain);
    if (line == NULL)
        return qctx_fail(error, QCTX_ERR_MEMORY, "%s: out of memory for its hash", lines->place);
    lines->hash = qctx_hash_text(line, before);
    free(line);
    return QCTX_OK;
}

const qctx_corpus_field *qctx_corpus_find_field(const qctx_corpus *corpus, const char *name)
{
    for (int64_t i = 0; i < corpus->field_count; i++)
        if (strcmp(corpus->fields[i].name, name) == 0)
            return &corpus->fields[i];
    return NULL;
}

/* Reads the line of the context `*row`, or one that the corpus left out: those go by their order in the file. */
static qctx_status read_value(const qctx_corpus *corpus, const qctx_corpus_field *field, const qctx_lines *lines,
                              qctx_arena *texts, int64_t *row, uint64_t *hash, const char **values, qctx_error *error)
{
    json_t *record = NULL;
    const char *id, *text = "";
    char number[32];
    qctx_status status = qctx_json_parse(lines->text, lines->length, lines->place, &record, error);

    if (status == QCTX_OK)
        status = corpus_get_id(record, lines->place, number, &id, error);
    if (status == QCTX_OK && *row < corpus->context_count && strcmp(id, corpus->contexts[*row].id) == 0) {
        status = qctx_json_get_string(record, field->name, "", lines->place, &text, error);
        if (status == QCTX_OK && !is_blank(text)) {
            values[*row] = qctx_arena_text(texts, text, strlen(text), error);
            status = values[*row] == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
            hash_value(hash, *row, text);
        }
        (*row)++;
    }
    json_decref(record);
    return status;
}

qctx_status qctx_corpus_read_field(const qctx_corpus *corpus, const qctx_corpus_field *field, qctx_arena *texts,
                                   const char **values, qctx_error *error)
{
    qctx_lines lines = {0};
    char *path = NULL;
    qctx_status status = corpus_open_lines(corpus->folder, "corpus.jsonl", &lines, &path, error);
    uint64_t hash = 0;
    int64_t row = 0;
    bool more = true;

    while (status == QCTX_OK) {
        status = qctx_lines_next(&lines, &more, error);
        if (status != QCTX_OK || !more)
            break;
        status = read_value(corpus, field, &lines, texts, &row, &hash, values, error);
    }
    if (status == QCTX_OK && (row < corpus->context_count || hash != field->hash))
        status = qctx_fail(error, QCTX_ERR_MISMATCH, "%s: has changed since it was read", path);
    qctx_lines_close(&lines);
    free(path);
    return status;
}
