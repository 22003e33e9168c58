/* tokenizer_config.json and special_tokens_map.json: each key is followed, refused, or known to change no id. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/hash.h"
#include "qctx/base/log.h"
#include "tokenizer_internal.h"

typedef enum { FOLLOWED, WITHOUT_EFFECT, REFUSED } key_kind;

/* The keys that transformers 4 and 5 read; docs/encoders.md says of each what it does. */
static const struct {
    const char *key;
    key_kind kind;
} known_keys[] = {
    {"added_tokens_decoder", FOLLOWED},
    {"add_prefix_space", FOLLOWED},
    {"additional_special_tokens", FOLLOWED},
    {"bos_token", FOLLOWED},
    {"cls_token", FOLLOWED},
    {"do_lower_case", FOLLOWED},
    {"eos_token", FOLLOWED},
    {"extra_special_tokens", FOLLOWED},
    {"mask_token", FOLLOWED},
    {"max_len", FOLLOWED},
    {"model_max_length", FOLLOWED},
    {"model_specific_special_tokens", FOLLOWED},
    {"pad_token", FOLLOWED},
    {"sep_token", FOLLOWED},
    {"split_special_tokens", FOLLOWED},
    {"strip_accents", FOLLOWED},
    {"tokenize_chinese_chars", FOLLOWED},
    {"tokenizer_class", FOLLOWED},
    {"truncation_side", FOLLOWED},
    {"unk_token", FOLLOWED},
    {"auto_map", REFUSED},
    {"fast_tokenizer_files", REFUSED},
    {"fix_mistral_regex", REFUSED},
    {"init_inputs", REFUSED},
    {"_commit_hash", WITHOUT_EFFECT},
    {"add_bos_token", WITHOUT_EFFECT},
    {"add_eos_token", WITHOUT_EFFECT},
    {"backend", WITHOUT_EFFECT},
    {"chat_control_tokens", WITHOUT_EFFECT},
    {"chat_template", WITHOUT_EFFECT},
    {"clean_up_tokenization_spaces", WITHOUT_EFFECT},
    {"clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output", WITHOUT_EFFECT},
    {"device_map", WITHOUT_EFFECT},
    {"do_basic_tokenize", WITHOUT_EFFECT},
    {"errors", WITHOUT_EFFECT},
    {"files_loaded", WITHOUT_EFFECT},
    {"from_slow", WITHOUT_EFFECT},
    {"full_tokenizer_file", WITHOUT_EFFECT},
    {"is_local", WITHOUT_EFFECT},
    {"legacy", WITHOUT_EFFECT},
    {"local_files_only", WITHOUT_EFFECT},
    {"max_length", WITHOUT_EFFECT},
    {"merges_file", WITHOUT_EFFECT},
    {"model_input_names", WITHOUT_EFFECT},
    {"name_or_path", WITHOUT_EFFECT},
    {"never_split", WITHOUT_EFFECT},
    {"pad_to_multiple_of", WITHOUT_EFFECT},
    {"pad_token_type_id", WITHOUT_EFFECT},
    {"padding", WITHOUT_EFFECT},
    {"padding_side", WITHOUT_EFFECT},
    {"processor_class", WITHOUT_EFFECT},
    {"response_schema", WITHOUT_EFFECT},
    {"response_template", WITHOUT_EFFECT},
    {"slow_tokenizer_class", WITHOUT_EFFECT},
    {"spaces_between_special_tokens", WITHOUT_EFFECT},
    {"special_tokens_map_file", WITHOUT_EFFECT},
    {"stride", WITHOUT_EFFECT},
    {"tokenizer_file", WITHOUT_EFFECT},
    {"trim_offsets", WITHOUT_EFFECT},
    {"truncation", WITHOUT_EFFECT},
    {"truncation_strategy", WITHOUT_EFFECT},
    {"use_fast", WITHOUT_EFFECT},
    {"verbose", WITHOUT_EFFECT},
    {"vocab_file", WITHOUT_EFFECT},
};

static bool is_off(const json_t *value)
{
    return value == NULL || json_is_null(value) || json_is_false(value) ||
           (json_is_array(value) && json_array_size(value) == 0) ||
           (json_is_object(value) && json_object_size(value) == 0);
}

/* Whether the key is known; a name of a special token that the model has for itself is. */
static bool find_key(const char *key, key_kind *kind)
{
    size_t length = strlen(key);

    for (size_t i = 0; i < sizeof known_keys / sizeof *known_keys; i++) {
        *kind = known_keys[i].kind;
        if (strcmp(known_keys[i].key, key) == 0)
            return true;
    }
    *kind = FOLLOWED;
    return length > 6 && strcmp(key + length - 6, "_token") == 0;
}

static qctx_status refuse_key(const char *path, const char *key, const json_t *value, qctx_error *error)
{
    qctx_fail(error, QCTX_ERR_CONFIG, "%s: '%s' is not supported; found %s, expected none", path, key,
              qctx_json_type(value));
    if (strcmp(key, "auto_map") == 0)
        return qctx_hint(error, "it names Python code of the tokenizer's own, which is never run: without the key, the "
                                "tokenizer_class is followed, as transformers does without trust_remote_code");
    return qctx_hint(error, "it would make other tokens than tokenizer.json alone: save the tokenizer anew with "
                            "AutoTokenizer.from_pretrained(…).save_pretrained(…)");
}

/* Other keys change nothing in the original either: its classes take them and never look at them. They are named. */
qctx_status tokenizer_config_check(const json_t *config, const char *path, qctx_error *error)
{
    char unknown[400] = "";
    size_t used = 0;
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)config, key, value)
    {
        key_kind kind;

        if (!find_key(key, &kind) && used < sizeof unknown - 1)
            used += (size_t)snprintf(unknown + used, sizeof unknown - used, "%s'%.60s'", used == 0 ? "" : ", ", key);
        else if (kind == REFUSED && !is_off(value))
            return refuse_key(path, key, value, error);
    }
    for (char *at = unknown; *at != '\0'; at++)
        *at = (unsigned char)*at < ' ' ? '?' : *at;
    if (used > 0)
        qctx_info("%s: not known and not followed: %s", path, unknown);
    return QCTX_OK;
}

static qctx_status no_memory(qctx_error *error)
{
    return qctx_fail(error, QCTX_ERR_MEMORY, "out of memory for the special tokens of a tokenizer");
}

static const char extra_key[] = "extra_special_tokens", older_key[] = "additional_special_tokens";

/* The list under its older key becomes that under the newer one, unless that is there. */
static int rename_older(json_t *config, bool unless_there)
{
    const json_t *extra = json_object_get(config, extra_key);
    json_t *older = json_object_get(config, older_key);
    int failed = 0;

    if (older == NULL || (unless_there ? extra != NULL : !is_off(extra)))
        return 0;
    failed = json_object_set(config, extra_key, older);
    json_object_del(config, older_key);
    return failed;
}

/* An object of extra tokens has names for them, as the model's own keys are. */
static int move_named(json_t *config)
{
    static const char named_key[] = "model_specific_special_tokens";
    json_t *extra = json_object_get(config, extra_key), *named = json_object_get(config, named_key);
    int failed;

    if (!json_is_object(extra))
        return 0;
    failed = json_is_object(named) ? json_object_update(named, extra) : json_object_set(config, named_key, extra);
    json_object_del(config, extra_key);
    return failed;
}

/* A list of extra tokens is joined with that of the configuration, all other values replace its own. */
static int add_value(json_t *config, const char *key, json_t *value)
{
    json_t *extra = json_object_get(config, extra_key);

    if (strcmp(key, extra_key) == 0 && json_is_array(value) && json_is_array(extra))
        return json_array_extend(extra, value);
    return json_object_set(config, key, value);
}

qctx_status tokenizer_config_add_map(json_t *config, const json_t *map, qctx_error *error)
{
    json_t *value;
    const char *key;
    int failed = rename_older(config, false) | move_named(config);

    json_object_foreach((json_t *)map, key, value)
    {
        failed |= add_value(config, key, value);
    }
    failed |= move_named(config) | rename_older(config, true);
    return failed ? no_memory(error) : QCTX_OK;
}

static qctx_status apply_side(const json_t *config, const char *path, json_t *root, uint64_t *hash, qctx_error *error)
{
    const json_t *side = json_object_get(config, "truncation_side");
    const json_t *own = json_object_get(json_object_get(root, "truncation"), "direction");
    const char *name = json_string_value(side);
    bool left = name != NULL && strcmp(name, "left") == 0;

    if (side != NULL && !left && (name == NULL || strcmp(name, "right") != 0))
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: 'truncation_side' is %s%.50s, expected \"left\" or \"right\"",
                         path, name == NULL ? qctx_json_type(side) : "", name == NULL ? "" : name);
    if (side != NULL &&
        json_object_set_new(root, "truncation", json_pack("{s:s}", "direction", left ? "Left" : "Right")) != 0)
        return qctx_fail(error, QCTX_ERR_MEMORY, "out of memory for the settings of a tokenizer");
    if (left || (side == NULL && json_is_string(own) && strcmp(json_string_value(own), "Left") == 0))
        *hash = qctx_hash("Left", 4, *hash);
    return QCTX_OK;
}

qctx_status tokenizer_config_apply(const json_t *config, const char *path, json_t *root, uint64_t *hash,
                                   qctx_error *error)
{
    static const char split_key[] = "split_special_tokens";
    bool split;
    qctx_status status = qctx_json_get_bool(config, split_key, false, path, &split, error);

    if (status == QCTX_OK)
        status = apply_side(config, path, root, hash, error);
    if (status != QCTX_OK || !split)
        return status;
    *hash = qctx_hash(split_key, sizeof split_key, *hash);
    return json_object_set_new(root, split_key, json_true()) == 0
               ? QCTX_OK
               : qctx_fail(error, QCTX_ERR_MEMORY, "out of memory for the settings of a tokenizer");
}
