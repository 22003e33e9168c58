/* Post-processors: what stands around the ids of a single text. */
#include <stdlib.h>
#include <string.h>

#include "pipeline.h"

static const char *const types[] = {
    "TemplateProcessing", "BertProcessing", "RobertaProcessing", "ByteLevel", "Sequence", NULL,
};
enum { TEMPLATE, BERT, ROBERTA, BYTE_LEVEL, SEQUENCE };

void tokenizer_frame_free(tokenizer_frame *frame)
{
    free(frame->before.items);
    free(frame->behind.items);
    *frame = (tokenizer_frame){0};
}

static qctx_status take_id(const json_t *id, const tokenizer_added *added, const char *name, const char *place,
                           int32_t *taken, qctx_error *error)
{
    if (!json_is_integer(id))
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: the id of '%.100s' is %s, expected an integer", place, name,
                         qctx_json_type(id));
    if (json_integer_value(id) < 0 || json_integer_value(id) >= INT32_MAX ||
        tokenizer_added_token(added, (int32_t)json_integer_value(id)) == NULL)
        return qctx_fail(error, QCTX_ERR_FORMAT,
                         "%s: the id of '%.100s' is %" JSON_INTEGER_FORMAT ", expected one of the vocabulary", place,
                         name, json_integer_value(id));
    *taken = (int32_t)json_integer_value(id);
    return QCTX_OK;
}

/* The ids that a template's special token stands for. */
static qctx_status append_special(const json_t *stage, const char *name, const tokenizer_added *added,
                                  const char *place, qctx_ids *ids, qctx_error *error)
{
    const json_t *special = json_object_get(json_object_get(stage, "special_tokens"), name);
    json_t *list;
    qctx_status status;

    if (special == NULL)
        return qctx_fail(error, QCTX_ERR_FORMAT,
                         "%s: the template names '%.100s', which 'special_tokens' lacks, expected it there", place,
                         name);
    status = qctx_json_get_array(special, "ids", place, &list, error);
    for (size_t i = 0; status == QCTX_OK && i < json_array_size(list); i++) {
        int32_t id;

        status = take_id(json_array_get(list, i), added, name, place, &id, error);
        if (status == QCTX_OK)
            status = tokenizer_ids_append(ids, &id, 1, error);
    }
    return status;
}

static qctx_status read_template(const json_t *stage, const tokenizer_added *added, const char *place,
                                 tokenizer_frame *frame, qctx_error *error)
{
    bool behind = false;
    json_t *list;
    qctx_status status = qctx_json_get_array(stage, "single", place, &list, error);

    for (size_t i = 0; status == QCTX_OK && i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        const json_t *sequence = json_object_get(item, "Sequence"), *special = json_object_get(item, "SpecialToken");
        const char *name;

        if (sequence == NULL && special == NULL)
            return qctx_fail(error, QCTX_ERR_FORMAT, "%s: 'single' holds %s, expected a Sequence or a SpecialToken",
                             place, qctx_json_type(item));
        status = qctx_json_get_string(sequence != NULL ? sequence : special, "id", NULL, place, &name, error);
        if (status != QCTX_OK)
            return status;
        if (sequence == NULL)
            status = append_special(stage, name, added, place, behind ? &frame->behind : &frame->before, error);
        else if (behind || strcmp(name, "A") != 0)
            return qctx_fail(error, QCTX_ERR_FORMAT, "%s: 'single' holds the sequence '%.50s', expected 'A' once",
                             place, name);
        else
            behind = true;
    }
    if (status == QCTX_OK && !behind)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: 'single' holds no sequence, expected 'A' once", place);
    return status;
}

/* ["token", id] under `key`. */
static qctx_status append_pair(const json_t *stage, const char *key, const tokenizer_added *added, const char *place,
                               qctx_ids *ids, qctx_error *error)
{
    json_t *pair;
    int32_t id;
    qctx_status status = qctx_json_get_array(stage, key, place, &pair, error);

    if (status != QCTX_OK)
        return status;
    if (json_array_size(pair) != 2 || !json_is_string(json_array_get(pair, 0)))
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: '%s' is an array of %zu, expected a token and its id", place, key,
                         json_array_size(pair));
    status = take_id(json_array_get(pair, 1), added, json_string_value(json_array_get(pair, 0)), place, &id, error);
    return status != QCTX_OK ? status : tokenizer_ids_append(ids, &id, 1, error);
}

/* The frame of a later processor stands around that of an earlier one. */
static qctx_status wrap(tokenizer_frame *frame, const tokenizer_frame *around, qctx_error *error)
{
    qctx_ids before = {0};
    qctx_status status = tokenizer_ids_append(&before, around->before.items, around->before.count, error);

    if (status == QCTX_OK)
        status = tokenizer_ids_append(&before, frame->before.items, frame->before.count, error);
    if (status == QCTX_OK)
        status = tokenizer_ids_append(&frame->behind, around->behind.items, around->behind.count, error);
    free(frame->before.items);
    frame->before = before;
    return status;
}

static qctx_status read_stage(const json_t *stage, const tokenizer_added *added, const char *place, int depth,
                              tokenizer_frame *frame, qctx_error *error)
{
    json_t *list;
    int type;
    qctx_status status = tokenizer_get_type(stage, types, place, &type, error);

    if (status != QCTX_OK || type == BYTE_LEVEL)
        return status;
    if (type == TEMPLATE)
        return read_template(stage, added, place, frame, error);
    if (type != SEQUENCE) {
        status = append_pair(stage, "cls", added, place, &frame->before, error);
        return status != QCTX_OK ? status : append_pair(stage, "sep", added, place, &frame->behind, error);
    }
    status = tokenizer_get_sequence(stage, "processors", depth, place, &list, error);
    for (size_t i = 0; status == QCTX_OK && i < json_array_size(list); i++) {
        tokenizer_frame around = {0};

        status = read_stage(json_array_get(list, i), added, place, depth + 1, &around, error);
        if (status == QCTX_OK)
            status = wrap(frame, &around, error);
        tokenizer_frame_free(&around);
    }
    return status;
}

qctx_status tokenizer_frame_read(const json_t *stage, const tokenizer_added *added, const char *place,
                                 tokenizer_frame *frame, qctx_error *error)
{
    if (stage == NULL || json_is_null(stage))
        return QCTX_OK;
    return read_stage(stage, added, place, 0, frame, error);
}
