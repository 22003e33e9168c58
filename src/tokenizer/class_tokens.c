/* The special and added tokens, which stand in up to five files. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "class_internal.h"
#include "qctx/base/mem.h"

static const char *const keys[CLASS_NAMES] = {
    "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token",
};

static const char *const defaults[][CLASS_NAMES] = {
    [CLASS_BERT] = {NULL, NULL, "[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"},
    [CLASS_MPNET] = {"<s>", "</s>", "[UNK]", "</s>", "<pad>", "<s>", "<mask>"},
    [CLASS_ROBERTA] = {"<s>", "</s>", "<unk>", "</s>", "<pad>", "<s>", "<mask>"},
    [CLASS_CLIP] = {"<|startoftext|>", "<|endoftext|>", "<|endoftext|>", NULL, "<|endoftext|>", NULL, NULL},
    [CLASS_FILE] = {NULL},
};

void class_tokens_free(class_tokens *tokens)
{
    json_decref(tokens->list);
    json_decref(tokens->places);
    json_decref(tokens->own);
    *tokens = (class_tokens){0};
}

static qctx_status no_memory(qctx_error *error)
{
    return qctx_fail(error, QCTX_ERR_MEMORY, "out of memory for the added tokens of a tokenizer");
}

int64_t class_tokens_id(const class_files *files, const class_tokens *tokens, const char *content)
{
    const json_t *place = json_object_get(tokens->places, content);

    if (place == NULL)
        return json_integer_value(json_object_get(files->vocabulary, content));
    return json_integer_value(json_object_get(json_array_get(tokens->list, (size_t)json_integer_value(place)), "id"));
}

/* What is not in the vocabulary is counted on from its end, as the tokenizers library counts. */
static int64_t next_id(const class_files *files, const class_tokens *tokens, const char *content)
{
    const json_t *known = json_object_get(files->vocabulary, content);
    int64_t count = (int64_t)json_object_size(files->vocabulary);

    if (known != NULL)
        return json_integer_value(known);
    return tokens->last >= count ? tokens->last + 1 : count;
}

/*
 * Adds a token, or gives one that was added before the flags of `settings`, an object or a string without any. Those
 * that came with an index keep theirs.
 */
static qctx_status add(const class_files *files, class_tokens *tokens, const json_t *settings, const char *content,
                       bool special, qctx_error *error)
{
    static const char *const flags[] = {"single_word", "lstrip", "rstrip", "normalized"};
    const json_t *place = json_object_get(tokens->places, content);
    int64_t id = place != NULL ? class_tokens_id(files, tokens, content) : next_id(files, tokens, content);
    json_t *token;
    int failed;

    if (content[0] == '\0' || (place != NULL && json_integer_value(place) < tokens->fixed))
        return QCTX_OK;
    token = json_pack("{s:I, s:s, s:b}", "id", (json_int_t)id, "content", content, "special", special);
    for (size_t i = 0; token != NULL && i < sizeof flags / sizeof *flags; i++)
        if (json_object_get(settings, flags[i]) != NULL)
            json_object_set(token, flags[i], json_object_get(settings, flags[i]));
    if (place != NULL)
        failed = json_array_set_new(tokens->list, (size_t)json_integer_value(place), token);
    else
        failed = json_array_append_new(tokens->list, token) != 0 ||
                 json_object_set_new(tokens->places, content,
                                     json_integer((json_int_t)json_array_size(tokens->list) - 1)) != 0;
    if (failed)
        return no_memory(error);
    if (id > tokens->last)
        tokens->last = id;
    return QCTX_OK;
}

/* The text of a token that is given as a string or as an object with its flags. */
static qctx_status content_of(const json_t *value, const char *key, const char *path, const char **content,
                              qctx_error *error)
{
    const json_t *inner = json_is_object(value) ? json_object_get(value, "content") : value;

    if (!json_is_string(inner))
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: '%s' is %s, expected a string or an object with 'content'", path,
                         key, qctx_json_type(value));
    *content = json_string_value(inner);
    return QCTX_OK;
}

static qctx_status find_names(const class_files *files, class_tokens *tokens, qctx_error *error)
{
    for (int i = 0; i < CLASS_NAMES; i++) {
        const json_t *value = json_object_get(files->config, keys[i]);
        qctx_status status;

        tokens->names[i] = value == NULL ? defaults[files->kind][i] : NULL;
        if (value == NULL || json_is_null(value))
            continue;
        status = content_of(value, keys[i], files->path, &tokens->names[i], error);
        if (status != QCTX_OK)
            return status;
    }
    return QCTX_OK;
}

/* A key such as "image_token" names a special token of the model's own. */
static bool is_own_name(const char *key, const json_t *value)
{
    size_t length = strlen(key);

    if (length < 6 || strcmp(key + length - 6, "_token") != 0 || !(json_is_string(value) || json_is_object(value)))
        return false;
    for (int i = 0; i < CLASS_NAMES; i++)
        if (strcmp(key, keys[i]) == 0)
            return false;
    return true;
}

/* The tokens that the model names itself: own keys, and an object of names and tokens. */
static qctx_status find_own_names(const class_files *files, class_tokens *tokens, qctx_error *error)
{
    static const char object_key[] = "model_specific_special_tokens";
    json_t *object = json_object_get(files->config, object_key), *value;
    const char *key;
    int failed = 0;

    json_object_foreach((json_t *)files->config, key, value)
    {
        if (is_own_name(key, value))
            failed |= json_array_append(tokens->own, value);
    }
    json_object_foreach(object, key, value)
    {
        failed |= json_array_append(tokens->own, value);
    }
    for (size_t i = 0; i < json_array_size(tokens->own) && !failed; i++) {
        const char *content;
        qctx_status status = content_of(json_array_get(tokens->own, i), object_key, files->path, &content, error);

        if (status != QCTX_OK)
            return status;
    }
    return failed ? no_memory(error) : QCTX_OK;
}

/* The text of a token that content_of() took. */
static const char *text_of(const json_t *value)
{
    return json_string_value(json_is_object(value) ? json_object_get(value, "content") : value);
}

static bool is_name(const class_tokens *tokens, const char *content)
{
    for (int i = 0; i < CLASS_NAMES; i++)
        if (tokens->names[i] != NULL && strcmp(tokens->names[i], content) == 0)
            return true;
    for (size_t i = 0; i < json_array_size(tokens->own); i++)
        if (strcmp(text_of(json_array_get(tokens->own, i)), content) == 0)
            return true;
    return false;
}

/* Those of tokenizer.json, as they are there; what is no token is left to its reader, which says what is wrong. */
static qctx_status take_listed(const class_files *files, class_tokens *tokens, qctx_error *error)
{
    int failed = 0;

    for (size_t i = 0; i < json_array_size(files->listed) && !failed; i++) {
        json_t *token = json_copy(json_array_get(files->listed, i));
        const char *content = json_string_value(json_object_get(token, "content"));
        json_int_t id = json_integer_value(json_object_get(token, "id"));

        if (content != NULL) {
            failed = json_object_set_new(tokens->places, content, json_integer((json_int_t)i)) != 0;
            if (files->kind != CLASS_FILE && is_name(tokens, content))
                failed |= json_object_set_new(token, "special", json_true());
        }
        failed |= json_array_append_new(tokens->list, token);
        tokens->last = id > tokens->last ? id : tokens->last;
    }
    return failed ? no_memory(error) : QCTX_OK;
}

/* A token with the index that it is sorted by. */
typedef struct {
    int64_t index;
    const char *content;
    const json_t *settings; /* NULL: none */
} indexed;

static int by_index(const void *a, const void *b)
{
    int64_t left = ((const indexed *)a)->index, right = ((const indexed *)b)->index;

    return (left > right) - (left < right);
}

/* {"index": {token}} of tokenizer_config.json. */
static qctx_status read_decoder(const class_files *files, const json_t *decoder, indexed *items, qctx_error *error)
{
    const char *key;
    const json_t *value;
    int64_t count = 0;

    json_object_foreach((json_t *)decoder, key, value)
    {
        char *end;
        qctx_status status;

        items[count].index = strtoll(key, &end, 10);
        if (end == key || *end != '\0' || !json_is_object(value))
            return qctx_fail(error, QCTX_ERR_FORMAT,
                             "%s: 'added_tokens_decoder' holds '%.100s': %s, expected an id "
                             "and an object",
                             files->path, key, qctx_json_type(value));
        status = content_of(value, "added_tokens_decoder", files->path, &items[count].content, error);
        if (status != QCTX_OK)
            return status;
        items[count++].settings = value;
    }
    return QCTX_OK;
}

/* {"token": index} of added_tokens.json. */
static qctx_status read_encoder(const json_t *encoder, indexed *items, qctx_error *error)
{
    const char *key;
    const json_t *value;
    int64_t count = 0;

    json_object_foreach((json_t *)encoder, key, value)
    {
        if (!json_is_integer(value))
            return qctx_fail(error, QCTX_ERR_FORMAT, "added_tokens.json: the id of '%.100s' is %s, expected an integer",
                             key, qctx_json_type(value));
        items[count++] = (indexed){.index = json_integer_value(value), .content = key};
    }
    return QCTX_OK;
}

/* Beside a tokenizer.json, an index is an id that the model was trained with. */
static qctx_status check_index(const class_files *files, const class_tokens *tokens, const indexed *item,
                               qctx_error *error)
{
    int64_t id = class_tokens_id(files, tokens, item->content);

    if (files->listed == NULL || item->content[0] == '\0' || id == item->index)
        return QCTX_OK;
    return qctx_fail(error, QCTX_ERR_FORMAT,
                     "%s: the id of the added token '%.100s' is %" PRId64 ", expected %" PRId64
                     ", which the library gives it",
                     files->path, item->content, item->index, id);
}

static qctx_status add_indexed(const class_files *files, class_tokens *tokens, qctx_error *error)
{
    const json_t *decoder = json_object_get(files->config, "added_tokens_decoder");
    const json_t *source = decoder != NULL ? decoder : files->added;
    size_t count = json_object_size(source);
    indexed *items = qctx_alloc((int64_t)count, sizeof *items, "added tokens", error);
    qctx_status status;

    if (items == NULL)
        return QCTX_ERR_MEMORY;
    status = decoder != NULL ? read_decoder(files, decoder, items, error) : read_encoder(source, items, error);
    if (status == QCTX_OK)
        qsort(items, count, sizeof *items, by_index);
    for (size_t i = 0; i < count && status == QCTX_OK; i++) {
        bool special = json_is_true(json_object_get(items[i].settings, "special")) || is_name(tokens, items[i].content);

        status = add(files, tokens, items[i].settings, items[i].content, special, error);
        if (status == QCTX_OK)
            status = check_index(files, tokens, &items[i], error);
    }
    tokens->fixed = (int64_t)json_array_size(tokens->list);
    free(items);
    return status;
}

static qctx_status add_names(const class_files *files, class_tokens *tokens, qctx_error *error)
{
    /* MPNet's mask takes the space before it, unless its flags are given. */
    json_t *strip = json_pack("{s:b}", "lstrip", 1);
    qctx_status status = strip == NULL ? no_memory(error) : QCTX_OK;

    for (int i = 0; i < CLASS_NAMES && status == QCTX_OK; i++) {
        const json_t *settings = json_object_get(files->config, keys[i]);

        if (tokens->names[i] == NULL)
            continue;
        if (files->kind == CLASS_MPNET && i == CLASS_MASK && !json_is_object(settings))
            settings = strip;
        status = add(files, tokens, settings, tokens->names[i], true, error);
    }
    for (size_t i = 0; i < json_array_size(tokens->own) && status == QCTX_OK; i++) {
        const json_t *settings = json_array_get(tokens->own, i);

        status = add(files, tokens, settings, text_of(settings), true, error);
    }
    json_decref(strip);
    return status;
}

/* "additional_special_tokens", later "extra_special_tokens": a list. */
static qctx_status add_extra(const class_files *files, class_tokens *tokens, qctx_error *error)
{
    const json_t *list = json_object_get(files->config, "extra_special_tokens");
    qctx_status status = QCTX_OK;

    for (size_t i = 0; i < json_array_size(list) && status == QCTX_OK; i++) {
        const json_t *settings = json_array_get(list, i);
        const char *content = "";

        status = content_of(settings, "extra_special_tokens", files->path, &content, error);
        if (status == QCTX_OK)
            status = add(files, tokens, settings, content,
                         json_is_string(settings) || json_is_true(json_object_get(settings, "special")) ||
                             is_name(tokens, content),
                         error);
    }
    return status;
}

qctx_status class_tokens_make(const class_files *files, class_tokens *tokens, qctx_error *error)
{
    bool indexed_in_config = json_object_get(files->config, "added_tokens_decoder") != NULL;
    qctx_status status;

    tokens->list = json_array();
    tokens->places = json_object();
    tokens->own = json_array();
    tokens->last = -1;
    if (tokens->list == NULL || tokens->places == NULL || tokens->own == NULL)
        return no_memory(error);
    status = find_names(files, tokens, error);
    if (status == QCTX_OK)
        status = find_own_names(files, tokens, error);
    /* A class takes the tokens of tokenizer_config.json instead, where it lists them. */
    if (status == QCTX_OK && (files->kind == CLASS_FILE || !indexed_in_config))
        status = take_listed(files, tokens, error);
    if (!indexed_in_config)
        tokens->fixed = (int64_t)json_array_size(tokens->list);
    if (status == QCTX_OK)
        status = add_indexed(files, tokens, error);
    if (status == QCTX_OK)
        status = add_names(files, tokens, error);
    if (status == QCTX_OK)
        status = add_extra(files, tokens, error);
    return status;
}
