/* What all stages use: growing texts, lists of ids, white space, and the types of stages as they are read. */
#include "pipeline.h"

#include <string.h>

#include "qctx/base/mem.h"
#include "qctx/base/names.h"
#include "qctx/text/unicode.h"

qctx_status tokenizer_text_reserve(tokenizer_text *text, int64_t more, qctx_error *error)
{
    return qctx_grow((void **)&text->bytes, &text->capacity, text->length + more + 1, 1, "the text of a tokenizer",
                     error);
}

qctx_status tokenizer_text_append(tokenizer_text *text, const char *bytes, int64_t length, qctx_error *error)
{
    qctx_status status = tokenizer_text_reserve(text, length, error);

    if (status != QCTX_OK)
        return status;
    memcpy(text->bytes + text->length, bytes, (size_t)length);
    text->length += length;
    return QCTX_OK;
}

qctx_status tokenizer_text_set(tokenizer_text *text, const char *bytes, int64_t length, qctx_error *error)
{
    text->length = 0;
    return tokenizer_text_append(text, bytes, length, error);
}

qctx_status tokenizer_ids_append(qctx_ids *ids, const int32_t *items, int64_t count, qctx_error *error)
{
    qctx_status status =
        qctx_grow((void **)&ids->items, &ids->capacity, ids->count + count, sizeof *ids->items, "token ids", error);

    if (status != QCTX_OK)
        return status;
    for (int64_t i = 0; i < count; i++)
        ids->items[ids->count++] = items[i];
    return QCTX_OK;
}

int64_t tokenizer_spaces_end(const char *text, int64_t length, int64_t at)
{
    while (at < length) {
        uint32_t point;
        int64_t next = qctx_unicode_next(text, length, at, &point);

        if (!qctx_unicode_is_space(point))
            break;
        at = next;
    }
    return at;
}

int64_t tokenizer_spaces_begin(const char *text, int64_t end)
{
    while (end > 0) {
        uint32_t point;
        int64_t last = qctx_unicode_before(text, end, &point);

        if (!qctx_unicode_is_space(point))
            break;
        end = last;
    }
    return end;
}

qctx_status tokenizer_get_type(const json_t *stage, const char *const *known, const char *place, int *type,
                               qctx_error *error)
{
    const char *name;
    char list[400];
    qctx_status status = qctx_json_get_string(stage, "type", NULL, place, &name, error);

    if (status != QCTX_OK)
        return status;
    *type = qctx_name_find(known, name);
    if (*type >= 0)
        return QCTX_OK;
    return qctx_fail(error, QCTX_ERR_CONFIG, "%s: the type '%.100s' is not supported, expected one of %s", place, name,
                     qctx_names_join(known, ", ", " and ", list, sizeof list));
}

qctx_status tokenizer_get_sequence(const json_t *stage, const char *key, int depth, const char *place, json_t **list,
                                   qctx_error *error)
{
    enum { DEPTH_MOST = 8 };

    if (depth == DEPTH_MOST)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: sequences within sequences, expected at most %d levels", place,
                         DEPTH_MOST);
    return qctx_json_get_array(stage, key, place, list, error);
}
