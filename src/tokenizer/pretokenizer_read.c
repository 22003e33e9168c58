/* The splitters of a pre-tokeniser, read from tokenizer.json. */
#include <string.h>

#include "pretokenizer_internal.h"
#include "qctx/base/mem.h"

static const char *const types[] = {
    "BertPreTokenizer", "ByteLevel", "WhitespaceSplit", "Whitespace", "Split", "Sequence", NULL,
};
enum { BERT, BYTE_LEVEL, WHITESPACE_SPLIT, WHITESPACE, SPLIT, SEQUENCE };

static qctx_status add(tokenizer_pretokenizer *pretokenizer, pretokenizer_splitter *splitter, qctx_error *error)
{
    qctx_status status = qctx_grow((void **)&pretokenizer->stages, &pretokenizer->capacity, pretokenizer->count + 1,
                                   sizeof *pretokenizer->stages, "a pre-tokeniser", error);

    if (status == QCTX_OK)
        pretokenizer->stages[pretokenizer->count++] = splitter;
    return status;
}

static qctx_status read_byte_level(tokenizer_pretokenizer *pretokenizer, const json_t *stage, const char *place,
                                   qctx_error *error)
{
    bool regex;
    qctx_status status = qctx_json_get_bool(stage, "use_regex", true, place, &regex, error);

    if (status == QCTX_OK)
        status = qctx_json_get_bool(stage, "add_prefix_space", true, place, &pretokenizer->prefix_space, error);
    if (status != QCTX_OK)
        return status;
    pretokenizer->byte_level = true;
    pretokenizer->count_before = pretokenizer->count;
    return regex ? add(pretokenizer, tokenizer_split_gpt2, error) : QCTX_OK;
}

static qctx_status read_split(tokenizer_pretokenizer *pretokenizer, const json_t *stage, const char *place,
                              qctx_error *error)
{
    const json_t *pattern = json_object_get(stage, "pattern");
    const char *regex, *behavior;
    bool invert;
    qctx_status status = qctx_json_get_string(stage, "behavior", "", place, &behavior, error);

    if (status == QCTX_OK)
        status = qctx_json_get_bool(stage, "invert", false, place, &invert, error);
    if (status != QCTX_OK)
        return status;
    regex = json_string_value(json_object_get(pattern, "Regex"));
    if (regex != NULL && strcmp(behavior, "Removed") == 0 && invert) {
        if (strcmp(regex, TOKENIZER_CLIP_WORDS) == 0)
            return add(pretokenizer, tokenizer_split_clip, error);
        if (strcmp(regex, TOKENIZER_CLIP_PIECES) == 0)
            return add(pretokenizer, pretokenizer_split_clip_specials, error);
    }
    return qctx_fail(error, QCTX_ERR_CONFIG,
                     "%s: Split at '%.200s' (behavior '%.50s', invert %s) is not supported, expected CLIP's: '%s' "
                     "(behavior 'Removed', invert true)",
                     place, regex == NULL ? "" : regex, behavior, invert ? "true" : "false", TOKENIZER_CLIP_WORDS);
}

static qctx_status read_sequence(tokenizer_pretokenizer *pretokenizer, const json_t *stage, const char *place,
                                 int depth, qctx_error *error);

static qctx_status read_stage(tokenizer_pretokenizer *pretokenizer, const json_t *stage, const char *place, int depth,
                              qctx_error *error)
{
    int type;
    qctx_status status = tokenizer_get_type(stage, types, place, &type, error);

    if (status != QCTX_OK)
        return status;
    if (pretokenizer->byte_level && type != SEQUENCE)
        return qctx_fail(error, QCTX_ERR_CONFIG, "%s: %s behind ByteLevel is not supported, expected ByteLevel last",
                         place, types[type]);
    switch (type) {
    case BERT:
        return add(pretokenizer, tokenizer_split_bert, error);
    case BYTE_LEVEL:
        return read_byte_level(pretokenizer, stage, place, error);
    case WHITESPACE_SPLIT:
        return add(pretokenizer, tokenizer_split_spaces, error);
    case WHITESPACE:
        return add(pretokenizer, tokenizer_split_words, error);
    case SPLIT:
        return read_split(pretokenizer, stage, place, error);
    default:
        return read_sequence(pretokenizer, stage, place, depth, error);
    }
}

static qctx_status read_sequence(tokenizer_pretokenizer *pretokenizer, const json_t *stage, const char *place,
                                 int depth, qctx_error *error)
{
    json_t *list;
    qctx_status status = tokenizer_get_sequence(stage, "pretokenizers", depth, place, &list, error);

    for (size_t i = 0; status == QCTX_OK && i < json_array_size(list); i++)
        status = read_stage(pretokenizer, json_array_get(list, i), place, depth + 1, error);
    return status;
}

qctx_status tokenizer_pretokenizer_create(const json_t *stage, const char *place, tokenizer_pretokenizer **created,
                                          qctx_error *error)
{
    tokenizer_pretokenizer *pretokenizer = qctx_alloc(1, sizeof *pretokenizer, "a pre-tokeniser", error);
    qctx_status status = QCTX_OK;

    *created = NULL;
    if (pretokenizer == NULL)
        return QCTX_ERR_MEMORY;
    if (stage != NULL && !json_is_null(stage))
        status = read_stage(pretokenizer, stage, place, 0, error);
    if (status == QCTX_OK)
        *created = pretokenizer;
    else
        tokenizer_pretokenizer_destroy(pretokenizer);
    return status;
}
