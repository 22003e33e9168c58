/* modules.json of sentence-transformers: what follows the transformer, prompts, and lengths. */
#include <stdlib.h>
#include <string.h>

#include "model_folder_internal.h"
#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"
#include "qctx/base/order.h"

/* One module as it is read, in order. */
typedef struct {
    qctx_model_folder *folder;
    const model_config *config; /* of modules.json, for messages */
    int64_t width;              /* of the text's vector so far; 0 before pooling */
    bool normalized;
    bool with_prompt; /* the prompt's tokens are pooled, too */
} module_chain;

/* The folder of a module, "" for the model's own: a name, so that it stays inside. Freshly allocated. */
static qctx_status module_home(const module_chain *chain, const json_t *module, char **home, qctx_error *error)
{
    const char *path;
    qctx_status status = qctx_json_get_string(module, "path", "", chain->config->path, &path, error);

    *home = NULL;
    if (status != QCTX_OK)
        return status;
    if (strchr(path, '/') != NULL || strcmp(path, ".") == 0 || strcmp(path, "..") == 0)
        return qctx_fail(error, QCTX_ERR_FORMAT,
                         "%s: a module's 'path' is '%.200s', expected the name of a folder inside", chain->config->path,
                         path);
    *home =
        path[0] == '\0' ? qctx_strdup(chain->folder->path, error) : qctx_path_join(chain->folder->path, path, error);
    return *home != NULL ? QCTX_OK : QCTX_ERR_MEMORY;
}

/* The older releases named the file after the architecture. */
static qctx_status open_settings(const char *home, model_config *config, qctx_error *error)
{
    static const char *const names[] = {"sentence_roberta_config.json",     "sentence_distilbert_config.json",
                                        "sentence_camembert_config.json",   "sentence_albert_config.json",
                                        "sentence_xlm-roberta_config.json", "sentence_xlnet_config.json"};
    qctx_status status = model_config_open(home, "sentence_bert_config.json", false, config, error);

    for (size_t i = 0; i < sizeof names / sizeof *names && status == QCTX_OK && json_object_size(config->object) == 0;
         i++) {
        model_config_free(config);
        status = model_config_open(home, names[i], false, config, error);
    }
    return status;
}

static bool is_listed(const char *key, const char *const *keys)
{
    while (*keys != NULL && strcmp(*keys, key) != 0)
        keys++;
    return *keys != NULL;
}

/* What the original's model, tokenizer and configuration are told when they are opened, in the names of all releases.
 */
static qctx_status check_arguments(const model_config *settings, qctx_error *error)
{
    /* Places, speed and precision, which is chosen here; and what a text alone does not show. */
    static const char *const harmless[] = {"attn_implementation",
                                           "cache_dir",
                                           "clean_up_tokenization_spaces",
                                           "device_map",
                                           "dtype",
                                           "local_files_only",
                                           "low_cpu_mem_usage",
                                           "padding_side",
                                           "torch_dtype",
                                           "trust_remote_code",
                                           "use_cache",
                                           "use_fast",
                                           "use_safetensors",
                                           NULL};
    static const char *const sections[] = {"model_args",       "model_kwargs", "tokenizer_args",
                                           "processor_kwargs", "config_args",  "config_kwargs"};

    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        model_config section;
        const char *key;
        json_t *value;
        qctx_status status = model_config_section(settings, sections[i], true, &section, error);

        if (status != QCTX_OK)
            return status;
        json_object_foreach(section.object, key, value)
        {
            if (!json_is_null(value) && !is_listed(key, harmless))
                return qctx_fail(error, QCTX_ERR_CONFIG, "%s: '%s' holds '%.100s', which is not supported there",
                                 settings->path, sections[i], key);
        }
    }
    return QCTX_OK;
}

/* The original takes no other keys either. */
static qctx_status check_known(const model_config *settings, qctx_error *error)
{
    static const char *const known[] = {"config_args",       "config_kwargs",    "do_lower_case",
                                        "document_length",   "max_seq_length",   "modality_config",
                                        "model_args",        "model_kwargs",     "module_output_name",
                                        "processing_kwargs", "processor_kwargs", "query_expansion",
                                        "query_length",      "tokenizer_args",   "tokenizer_name_or_path",
                                        "transformer_task",  "unpad_inputs",     NULL};
    const char *key;
    json_t *value;

    json_object_foreach(settings->object, key, value)
    {
        if (!is_listed(key, known))
            return qctx_fail(error, QCTX_ERR_CONFIG,
                             "%s: the key '%.100s' is unknown, expected one of those that "
                             "sentence-transformers has, such as max_seq_length",
                             settings->path, key);
    }
    return QCTX_OK;
}

/* Newer releases say which of the model's outputs is taken, and what the tokenizer is told. */
static qctx_status check_settings(const model_config *settings, bool clip, qctx_error *error)
{
    static const char *const options[] = {"processing_kwargs", "query_length", "document_length", "query_expansion",
                                          "tokenizer_name_or_path"};
    const char *expected = clip ? "pooler_output" : "last_hidden_state";
    const json_t *modalities = json_object_get(settings->object, "modality_config");
    const json_t *output = json_object_get(json_object_get(modalities, "text"), "method_output_name");
    const char *task;
    qctx_status status = check_known(settings, error);

    if (status == QCTX_OK)
        status = check_arguments(settings, error);
    if (status == QCTX_OK)
        status = model_config_without(settings, options, sizeof options / sizeof *options, error);
    if (status == QCTX_OK && json_object_get(modalities, "message") != NULL)
        status = model_config_refuse(settings, "modality_config", "message", "text", error);

    if (status == QCTX_OK)
        status = model_config_text(settings, "transformer_task", "feature-extraction", &task, error);
    if (status == QCTX_OK && strcmp(task, "feature-extraction") != 0)
        status = model_config_refuse(settings, "transformer_task", task, "feature-extraction", error);
    if (status == QCTX_OK && json_is_string(output) && strcmp(json_string_value(output), expected) != 0)
        status = model_config_refuse(settings, "method_output_name", json_string_value(output), expected, error);
    return status;
}

/* max_seq_length stands instead of what the tokenizer says; positions bound it nevertheless. */
static qctx_status read_length(const model_config *settings, qctx_model_folder *folder, qctx_error *error)
{
    const json_t *found = json_object_get(settings->object, "max_seq_length");
    int64_t most;
    qctx_status status;

    if (found == NULL || json_is_null(found))
        return QCTX_OK;
    status = model_config_integer(settings, "max_seq_length", MODEL_REQUIRED, 1, INT32_MAX, &most, error);
    if (status == QCTX_OK)
        folder->max_tokens = qctx_smaller(most, folder->positions - folder->first_position);
    return status;
}

static qctx_status read_transformer(module_chain *chain, const char *home, qctx_error *error)
{
    qctx_model_folder *folder = chain->folder;
    model_config settings = {0};
    qctx_status status = model_folder_open_hugging_face(folder, home, error);
    bool clip = folder->architecture == QCTX_CLIP_TEXT;

    if (status != QCTX_OK)
        return status;
    /* CLIP gives a vector of its own. */
    if (clip)
        chain->width = folder->projection > 0 ? folder->projection : folder->hidden;
    status = open_settings(home, &settings, error);
    if (status == QCTX_OK)
        status = check_settings(&settings, clip, error);
    if (status == QCTX_OK)
        status = model_config_flag(&settings, "do_lower_case", false, &folder->lowercase, error);
    if (status == QCTX_OK)
        status = read_length(&settings, folder, error);
    model_config_free(&settings);
    if (status != QCTX_OK)
        return status;
    free(folder->tokenizer);
    folder->tokenizer = qctx_strdup(home, error);
    return folder->tokenizer != NULL ? QCTX_OK : QCTX_ERR_MEMORY;
}

static qctx_status refuse_order(const module_chain *chain, const char *type, const char *why, qctx_error *error)
{
    return qctx_fail(error, QCTX_ERR_CONFIG, "%s: the module '%.200s' is not supported there: %s", chain->config->path,
                     type, why);
}

static qctx_status read_pooling(module_chain *chain, const char *home, qctx_error *error)
{
    qctx_model_folder *folder = chain->folder;
    qctx_status status;

    if (chain->width > 0)
        return refuse_order(chain, "Pooling", "there is one vector per text already", error);
    status = model_folder_read_pooling(home, folder->hidden, &folder->pooling, &chain->with_prompt, error);
    chain->width = folder->hidden * model_folder_pooled(folder->pooling);
    return status;
}

static qctx_status read_dense(module_chain *chain, const char *home, qctx_error *error)
{
    qctx_status status;

    if (chain->width == 0 || chain->normalized)
        return refuse_order(chain, "Dense", "expected behind Pooling and before Normalize", error);
    status = model_folder_read_dense(chain->folder, home, chain->width, error);
    if (status == QCTX_OK)
        chain->width = chain->folder->dense[chain->folder->dense_count - 1].output;
    return status;
}

/* Rows are brought to unit length anyway. */
static qctx_status read_normalize(module_chain *chain, const char *home, qctx_error *error)
{
    (void)home;
    if (chain->width == 0)
        return refuse_order(chain, "Normalize", "expected behind Pooling", error);
    chain->normalized = true;
    return QCTX_OK;
}

static qctx_status read_module(module_chain *chain, size_t index, const json_t *module, qctx_error *error)
{
    static const struct {
        const char *name;
        qctx_status (*read)(module_chain *chain, const char *home, qctx_error *error);
    } known[] = {
        {"Transformer", read_transformer}, {"CLIPModel", read_transformer},
        {"Pooling", read_pooling},         {"Dense", read_dense},
        {"Normalize", read_normalize},
    };
    static const char supported[] = "of sentence_transformers: Transformer first, then Pooling, Dense, Normalize";
    const char *type, *name;
    char *home = NULL;
    qctx_status status = qctx_json_get_string(module, "type", NULL, chain->config->path, &type, error);

    if (status == QCTX_OK)
        status = module_home(chain, module, &home, error);
    if (status != QCTX_OK)
        return status;
    name = strncmp(type, "sentence_transformers.", 22) == 0 ? strrchr(type, '.') + 1 : "";
    status = QCTX_ERR_CONFIG;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(name, known[i].name) == 0 && (known[i].read == read_transformer) == (index == 0)) {
            status = known[i].read(chain, home, error);
            goto out;
        }
    }
    qctx_fail(error, QCTX_ERR_CONFIG, "%s: module %zu is '%.200s', which is not supported; supported: modules %s",
              chain->config->path, index, type, supported);
out:
    free(home);
    return status;
}

/* The first of some names that the prompts have; `*found` stays where there is none. */
static qctx_status find_prompt(const model_config *prompts, const char *const *names, int count, const char **found,
                               qctx_error *error)
{
    for (int i = 0; i < count; i++) {
        if (json_object_get(prompts->object, names[i]) != NULL)
            return model_config_text(prompts, names[i], "", found, error);
    }
    return QCTX_OK;
}

static qctx_status keep_prompts(const module_chain *chain, const char *question, const char *context, qctx_error *error)
{
    qctx_model_folder *folder = chain->folder;

    if (!chain->with_prompt && (question[0] != '\0' || context[0] != '\0'))
        return qctx_fail(error, QCTX_ERR_CONFIG,
                         "%s: 'include_prompt' of its Pooling is false, which is not supported with prompts; "
                         "supported: true",
                         chain->config->path);
    free(folder->question_prompt);
    free(folder->context_prompt);
    folder->question_prompt = qctx_strdup(question, error);
    folder->context_prompt = qctx_strdup(context, error);
    return folder->question_prompt != NULL && folder->context_prompt != NULL ? QCTX_OK : QCTX_ERR_MEMORY;
}

static qctx_status read_prompts(const module_chain *chain, const model_config *config, qctx_error *error)
{
    static const char *const of_question[] = {"query"}, *const of_context[] = {"document", "passage", "corpus"};
    model_config prompts;
    const char *question = NULL, *context = NULL, *name = NULL, *fallback = "";
    qctx_status status = model_config_section(config, "prompts", true, &prompts, error);

    if (status == QCTX_OK)
        status = find_prompt(&prompts, of_question, 1, &question, error);
    if (status == QCTX_OK)
        status = find_prompt(&prompts, of_context, 3, &context, error);
    if (status == QCTX_OK)
        status = model_config_text(config, "default_prompt_name", "", &name, error);
    if (status == QCTX_OK && question == NULL && context == NULL && name[0] != '\0')
        status = model_config_text(&prompts, name, NULL, &fallback, error);
    if (status != QCTX_OK)
        return status;
    return keep_prompts(chain, question != NULL ? question : fallback, context != NULL ? context : fallback, error);
}

static qctx_status read_whole(const module_chain *chain, qctx_error *error)
{
    static const char *const options[] = {"truncate_dim"};
    model_config config = {0};
    const char *type;
    qctx_status status =
        model_config_open(chain->folder->path, "config_sentence_transformers.json", false, &config, error);

    if (status == QCTX_OK)
        status = model_config_text(&config, "model_type", "SentenceTransformer", &type, error);
    if (status == QCTX_OK && strcmp(type, "SentenceTransformer") != 0)
        status = model_config_refuse(&config, "model_type", type, "SentenceTransformer", error);
    if (status == QCTX_OK)
        status = model_config_without(&config, options, 1, error);
    if (status == QCTX_OK)
        status = read_prompts(chain, &config, error);
    model_config_free(&config);
    return status;
}

qctx_status model_folder_open_sentence(qctx_model_folder *folder, qctx_error *error)
{
    model_config config = {0};
    module_chain chain = {folder, &config, 0, false, true};
    json_t *root = NULL;
    qctx_status status = QCTX_ERR_MEMORY;

    config.path = qctx_path_join(folder->path, "modules.json", error);
    if (config.path == NULL)
        goto out;
    status = qctx_json_load_file(config.path, &root, error);
    if (status != QCTX_OK)
        goto out;
    if (!json_is_array(root) || json_array_size(root) == 0) {
        status = qctx_fail(error, QCTX_ERR_FORMAT, "%s: found %s, expected a list of modules", config.path,
                           json_is_array(root) ? "an empty array" : qctx_json_type(root));
        goto out;
    }
    for (size_t i = 0; i < json_array_size(root) && status == QCTX_OK; i++)
        status = read_module(&chain, i, json_array_get(root, i), error);
    if (status == QCTX_OK && chain.width == 0)
        status = qctx_fail(error, QCTX_ERR_CONFIG,
                           "%s: no Pooling follows the Transformer, expected one: the model gives a vector per token",
                           config.path);
    if (status == QCTX_OK)
        status = read_whole(&chain, error);
out:
    json_decref(root);
    model_config_free(&config);
    return status;
}
