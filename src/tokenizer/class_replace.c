/* The stages of a class in the place of those of tokenizer.json, where the two are not the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "class_internal.h"
#include "qctx/base/hash.h"
#include "qctx/base/log.h"

/* tokenizer.json and what was put into the place of its stages. */
typedef struct {
    json_t *root;
    uint64_t hash;
    char replaced[100]; /* names of the stages, for the log */
    qctx_error *error;
} replacing;

static bool is_nothing(const json_t *value)
{
    return value == NULL || json_is_null(value) || (json_is_string(value) && json_string_length(value) == 0);
}

/* Whether a stage of the file does what the made one does. Settings that it leaves out are on. */
static bool is_same(const json_t *found, const json_t *made)
{
    const char *key;
    json_t *value;

    if (json_is_array(found) && json_is_array(made)) {
        bool same = json_array_size(found) == json_array_size(made);

        for (size_t i = 0; same && i < json_array_size(made); i++)
            same = is_same(json_array_get(found, i), json_array_get(made, i));
        return same;
    }
    if (!json_is_object(found) || !json_is_object(made))
        return json_equal(found, made) || (is_nothing(found) && is_nothing(made));
    json_object_foreach((json_t *)made, key, value)
    {
        const json_t *own = json_object_get(found, key);

        if (own == NULL ? json_is_false(value) : !is_same(own, value))
            return false;
    }
    /* Settings that the class leaves alone must be off; this one only concerns offsets. */
    json_object_foreach((json_t *)found, key, value)
    {
        if (json_object_get(made, key) == NULL && !is_nothing(value) && !json_is_false(value) &&
            strcmp(key, "trim_offsets") != 0)
            return false;
    }
    return true;
}

static qctx_status no_memory(qctx_error *error)
{
    return qctx_fail(error, QCTX_ERR_MEMORY, "out of memory for the stages of a tokenizer");
}

static qctx_status replace(replacing *to, json_t *object, const char *key, json_t *value, const char *name)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    size_t used = strlen(to->replaced);

    if (text == NULL || json_object_set(object, key, value) != 0) {
        free(text);
        return no_memory(to->error);
    }
    to->hash = qctx_hash(key, strlen(key), to->hash);
    to->hash = qctx_hash(text, strlen(text), to->hash);
    free(text);
    if (name != NULL && strstr(to->replaced, name) == NULL)
        snprintf(to->replaced + used, sizeof to->replaced - used, "%s%s", used == 0 ? "" : ", ", name);
    return QCTX_OK;
}

/* A normaliser or pre-tokeniser. */
static qctx_status replace_stage(replacing *to, const json_t *made, const char *key)
{
    json_t *stage = json_object_get(made, key);

    return is_same(json_object_get(to->root, key), stage) ? QCTX_OK : replace(to, to->root, key, stage, key);
}

/* The model's settings beside vocabulary and merges, which a class takes from the file. */
static qctx_status replace_model(replacing *to, const json_t *made)
{
    json_t *model = json_object_get(to->root, "model"), *value;
    const char *key;
    qctx_status status = QCTX_OK;

    json_object_foreach(json_object_get(made, "model"), key, value)
    {
        const json_t *found = json_object_get(model, key);
        bool unknown = strcmp(key, "unk_token") == 0;
        /* Without a word, WordPiece's is "[UNK]"; all other settings are what the class has. */
        bool same = found == NULL && unknown && json_is_string(value) ? strcmp(json_string_value(value), "[UNK]") == 0
                                                                      : found == NULL || is_same(found, value);

        if (status == QCTX_OK && strcmp(key, "vocab") != 0 && strcmp(key, "merges") != 0 && strcmp(key, "type") != 0 &&
            !same)
            status = replace(to, model, key, value, "model");
    }
    return status;
}

/* Whether the stage is a special token of this id in a template. */
static bool is_special(const json_t *template, size_t place, json_int_t id)
{
    const json_t *item = json_object_get(json_array_get(json_object_get(template, "single"), place), "SpecialToken");
    const char *name = json_string_value(json_object_get(item, "id"));
    const json_t *ids =
        name == NULL ? NULL
                     : json_object_get(json_object_get(json_object_get(template, "special_tokens"), name), "ids");

    return json_array_size(ids) == 1 && json_integer_value(json_array_get(ids, 0)) == id;
}

static bool is_pair(const json_t *stage, const char *key, json_int_t id)
{
    const json_t *pair = json_object_get(stage, key);

    return json_array_size(pair) == 2 && json_is_integer(json_array_get(pair, 1)) &&
           json_integer_value(json_array_get(pair, 1)) == id;
}

/* Whether a post-processor puts these ids before and behind a text. */
static bool is_frame(const json_t *stage, json_int_t first, json_int_t last)
{
    const char *type = json_string_value(json_object_get(stage, "type"));
    const json_t *single = json_object_get(stage, "single");

    if (type == NULL)
        return false;
    if (strcmp(type, "TemplateProcessing") == 0)
        return json_array_size(single) == 3 && is_special(stage, 0, first) && is_special(stage, 2, last) &&
               json_object_get(json_array_get(single, 1), "Sequence") != NULL;
    return (strcmp(type, "BertProcessing") == 0 || strcmp(type, "RobertaProcessing") == 0) &&
           is_pair(stage, "cls", first) && is_pair(stage, "sep", last);
}

static qctx_status replace_frame(replacing *to, const json_t *made)
{
    json_t *frame = json_object_get(made, "post_processor");
    json_int_t first = json_integer_value(json_array_get(json_object_get(frame, "cls"), 1));
    json_int_t last = json_integer_value(json_array_get(json_object_get(frame, "sep"), 1));

    if (is_frame(json_object_get(to->root, "post_processor"), first, last))
        return QCTX_OK;
    return replace(to, to->root, "post_processor", frame, "post_processor");
}

/* A flag of an added token, which is not normalised if it is special, unless it is said. */
static bool flag_of(const json_t *token, const char *flag)
{
    const json_t *value = json_object_get(token, flag);

    if (value == NULL && strcmp(flag, "normalized") == 0)
        return !json_is_true(json_object_get(token, "special"));
    return json_is_true(value);
}

static bool is_same_token(const json_t *left, const json_t *right)
{
    static const char *const flags[] = {"single_word", "lstrip", "rstrip", "normalized", "special"};

    if (!json_equal(json_object_get(left, "content"), json_object_get(right, "content")) ||
        !json_equal(json_object_get(left, "id"), json_object_get(right, "id")))
        return false;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (flag_of(left, flags[i]) != flag_of(right, flags[i]))
            return false;
    return true;
}

/* The same tokens in any order are the same. */
static bool are_same_tokens(const json_t *left, const json_t *right)
{
    bool same = json_array_size(left) == json_array_size(right);

    for (size_t i = 0; same && i < json_array_size(left); i++) {
        const json_t *token = json_array_get(left, i);

        same = is_same_token(token, json_array_get(right, i));
        for (size_t j = 0; !same && j < json_array_size(right); j++)
            same = is_same_token(token, json_array_get(right, j));
    }
    return same;
}

static qctx_status replace_tokens(replacing *to, json_t *list)
{
    return are_same_tokens(list, json_object_get(to->root, "added_tokens"))
               ? QCTX_OK
               : replace(to, to->root, "added_tokens", list, NULL);
}

static const char *const class_names[] = {"BertTokenizer", "MPNetTokenizer", "RobertaTokenizer", "CLIPTokenizer"};

/* Whether the file has a model that the class can be made of; what is none is left to its reader. */
static qctx_status check_model(class_kind kind, const json_t *model, const char *path, bool *usable, qctx_error *error)
{
    bool merges = json_object_get(model, "merges") != NULL, words = kind == CLASS_BERT || kind == CLASS_MPNET;

    *usable = json_is_object(json_object_get(model, "vocab"));
    if (!*usable || kind == CLASS_FILE || merges != words)
        return QCTX_OK;
    return qctx_fail(error, QCTX_ERR_CONFIG,
                     "%s: the tokenizer's class is %s, but the model of tokenizer.json has %s merges, expected %s",
                     path, class_names[kind], merges ? "merges" : "no merges", words ? "WordPiece" : "BPE");
}

static qctx_status replace_all(replacing *to, const class_files *files)
{
    json_t *made = NULL;
    qctx_status status = class_make(files, &made, to->error);

    if (status == QCTX_OK)
        status = replace_stage(to, made, "normalizer");
    if (status == QCTX_OK)
        status = replace_stage(to, made, "pre_tokenizer");
    if (status == QCTX_OK)
        status = replace_model(to, made);
    if (status == QCTX_OK)
        status = replace_tokens(to, json_object_get(made, "added_tokens"));
    if (status == QCTX_OK)
        status = replace_frame(to, made);
    json_decref(made);
    return status;
}

qctx_status class_replace_stages(class_kind kind, const json_t *config, const json_t *added, const char *path,
                                 json_t *root, uint64_t *hash, qctx_error *error)
{
    json_t *model = json_object_get(root, "model"), *listed = json_object_get(root, "added_tokens");
    class_files files = {.kind = kind,
                         .config = config,
                         .added = added,
                         .listed = json_is_array(listed) ? json_incref(listed) : json_array(),
                         .vocabulary = json_object_get(model, "vocab"),
                         .merges = json_object_get(model, "merges"),
                         .path = path};
    replacing to = {.root = root, .hash = *hash, .error = error};
    class_tokens tokens = {0};
    bool usable;
    qctx_status status = check_model(kind, model, path, &usable, error);

    if (status == QCTX_OK && usable) {
        if (kind == CLASS_FILE)
            status = class_tokens_make(&files, &tokens, error);
        if (status == QCTX_OK)
            status = kind == CLASS_FILE ? replace_tokens(&to, tokens.list) : replace_all(&to, &files);
        class_tokens_free(&tokens);
    }
    json_decref((json_t *)files.listed);
    if (status == QCTX_OK && to.replaced[0] != '\0')
        qctx_info("%s names %s, which makes its own %s: those of tokenizer.json are not followed, as in transformers 5",
                  path, class_names[kind], to.replaced);
    *hash = to.hash;
    return status;
}
