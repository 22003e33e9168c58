/* The steps of a normaliser, read from tokenizer.json. */
#include <string.h>

#include "normalizer_internal.h"
#include "qctx/base/mem.h"

static const char *const types[] = {
    "BertNormalizer", "NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Strip", "Replace", "Sequence", NULL,
};
enum { BERT, FORM_NFC, FORM_NFD, FORM_NFKC, FORM_NFKD, LOWERCASE, STRIP_ACCENTS, STRIP, REPLACE, SEQUENCE };

static qctx_status read_bert(const json_t *stage, const char *place, normalizer_step *step, qctx_error *error)
{
    tokenizer_bert_settings *bert = &step->bert;
    qctx_status status = qctx_json_get_bool(stage, "clean_text", true, place, &bert->clean_text, error);

    step->kind = NORMALIZER_BERT;
    if (status == QCTX_OK)
        status = qctx_json_get_bool(stage, "handle_chinese_chars", true, place, &bert->handle_chinese_chars, error);
    if (status == QCTX_OK)
        status = qctx_json_get_bool(stage, "lowercase", true, place, &bert->lowercase, error);
    /* As the original BERT: accents go where capitals go, unless it is said. */
    if (status == QCTX_OK)
        status = qctx_json_get_bool(stage, "strip_accents", bert->lowercase, place, &bert->strip_accents, error);
    return status;
}

static qctx_status read_strip(const json_t *stage, const char *place, normalizer_step *step, qctx_error *error)
{
    qctx_status status = qctx_json_get_bool(stage, "strip_left", true, place, &step->left, error);

    step->kind = NORMALIZER_STRIP_ENDS;
    return status != QCTX_OK ? status : qctx_json_get_bool(stage, "strip_right", true, place, &step->right, error);
}

static qctx_status read_replace(const json_t *stage, const char *place, normalizer_step *step, qctx_error *error)
{
    const json_t *pattern = json_object_get(stage, "pattern");
    const json_t *text = json_object_get(pattern, "String"), *regex = json_object_get(pattern, "Regex");
    const char *content;
    qctx_status status = qctx_json_get_string(stage, "content", NULL, place, &content, error);

    if (status != QCTX_OK)
        return status;
    if (json_is_string(text) && json_string_length(text) > 0)
        step->kind = NORMALIZER_REPLACE_TEXT;
    else if (json_is_string(regex) && strcmp(json_string_value(regex), "\\s+") == 0)
        step->kind = NORMALIZER_REPLACE_SPACES;
    else if (json_is_string(regex))
        return qctx_fail(error, QCTX_ERR_CONFIG,
                         "%s: the pattern '%.200s' is not supported, expected \\s+ or a plain string", place,
                         json_string_value(regex));
    else
        return qctx_fail(error, QCTX_ERR_FORMAT,
                         "%s: 'pattern' is %s, expected an object with a String that is not empty, or a Regex", place,
                         qctx_json_type(pattern));
    step->content = qctx_strdup(content, error);
    if (step->content != NULL && step->kind == NORMALIZER_REPLACE_TEXT)
        step->pattern = qctx_strdup(json_string_value(text), error);
    if (step->content == NULL || (step->kind == NORMALIZER_REPLACE_TEXT && step->pattern == NULL))
        return QCTX_ERR_MEMORY;
    return QCTX_OK;
}

static qctx_status read_step(const json_t *stage, int type, const char *place, normalizer_step *step, qctx_error *error)
{
    switch (type) {
    case BERT:
        return read_bert(stage, place, step, error);
    case LOWERCASE:
        step->kind = NORMALIZER_LOWER;
        return QCTX_OK;
    case STRIP_ACCENTS:
        step->kind = NORMALIZER_STRIP_MARKS;
        return QCTX_OK;
    case STRIP:
        return read_strip(stage, place, step, error);
    case REPLACE:
        return read_replace(stage, place, step, error);
    default:
        step->kind = NORMALIZER_FORM;
        step->form = (qctx_normal_form)(QCTX_NFC + (type - FORM_NFC));
        return QCTX_OK;
    }
}

static qctx_status read_stage(tokenizer_normalizer *normalizer, const json_t *stage, const char *place, int depth,
                              qctx_error *error)
{
    int type;
    qctx_status status;

    if (json_is_null(stage) || stage == NULL)
        return QCTX_OK;
    status = tokenizer_get_type(stage, types, place, &type, error);
    if (status != QCTX_OK)
        return status;
    if (type == SEQUENCE) {
        json_t *list;

        status = tokenizer_get_sequence(stage, "normalizers", depth, place, &list, error);
        for (size_t i = 0; status == QCTX_OK && i < json_array_size(list); i++)
            status = read_stage(normalizer, json_array_get(list, i), place, depth + 1, error);
        return status;
    }
    status = qctx_grow((void **)&normalizer->steps, &normalizer->capacity, normalizer->count + 1,
                       sizeof *normalizer->steps, "a normaliser", error);
    if (status != QCTX_OK)
        return status;
    normalizer->steps[normalizer->count] = (normalizer_step){0};
    return read_step(stage, type, place, &normalizer->steps[normalizer->count++], error);
}

qctx_status tokenizer_normalizer_create(const json_t *stage, const char *place, tokenizer_normalizer **created,
                                        qctx_error *error)
{
    tokenizer_normalizer *normalizer = qctx_alloc(1, sizeof *normalizer, "a normaliser", error);
    qctx_status status;

    *created = NULL;
    if (normalizer == NULL)
        return QCTX_ERR_MEMORY;
    status = read_stage(normalizer, stage, place, 0, error);
    if (status == QCTX_OK)
        *created = normalizer;
    else
        tokenizer_normalizer_destroy(normalizer);
    return status;
}
