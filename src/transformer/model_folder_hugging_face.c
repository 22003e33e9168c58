/* config.json of Hugging Face's transformers: the architectures that are known, with the defaults of the original. */
#include <stdlib.h>
#include <string.h>

#include "model_folder_internal.h"
#include "qctx/base/order.h"

typedef struct {
    qctx_architecture architecture;
    /* Keys, and what holds where they are absent. */
    const char *hidden_key, *layers_key, *heads_key, *intermediate_key, *function_key;
    int64_t vocabulary, hidden, layers, heads, intermediate, positions, types;
    const char *function;
    double epsilon;
    const char *embeddings; /* the tensor of the word embeddings */
} architecture_row;

/* From the configuration classes of transformers 5. */
static const architecture_row architectures[] = {
    {QCTX_BERT, "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "hidden_act", 30522,
     768, 12, 12, 3072, 512, 2, "gelu", 1e-12, "embeddings.word_embeddings.weight"},
    {QCTX_DISTILBERT, "dim", "n_layers", "n_heads", "hidden_dim", "activation", 30522, 768, 6, 12, 3072, 512, 0, "gelu",
     1e-12, "embeddings.word_embeddings.weight"},
    {QCTX_ROBERTA, "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "hidden_act", 50265,
     768, 12, 12, 3072, 512, 2, "gelu", 1e-12, "embeddings.word_embeddings.weight"},
    {QCTX_MPNET, "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "hidden_act", 30527,
     768, 12, 12, 3072, 512, 0, "gelu", 1e-12, "embeddings.word_embeddings.weight"},
    {QCTX_CLIP_TEXT, "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "hidden_act",
     49408, 512, 12, 8, 2048, 77, 0, "quick_gelu", 1e-5, "embeddings.token_embedding.weight"},
};

static const char supported[] = "bert, distilbert, roberta, mpnet, clip, clip_text_model";

/* MPNet's buckets are as many as its code says, whatever the configuration does. */
enum { MPNET_BUCKETS = 32, MPNET_PADDING = 1, OLD_END_OF_TEXT = 2 };

static const architecture_row *find_row(const char *model_type)
{
    for (size_t i = 0; i < sizeof architectures / sizeof architectures[0]; i++) {
        if (strcmp(model_type, qctx_architecture_names[architectures[i].architecture]) == 0)
            return &architectures[i];
    }
    return NULL;
}

/* What would change the vectors and is not computed here. */
static qctx_status refuse_options(const model_config *config, qctx_error *error)
{
    static const char *const options[] = {"is_decoder", "add_cross_attention", "pruned_heads", "quantization_config"};
    const json_t *own_code = json_object_get(json_object_get(config->object, "auto_map"), "AutoModel");
    const char *positions;
    qctx_status status = model_config_without(config, options, (int64_t)(sizeof options / sizeof options[0]), error);

    if (status == QCTX_OK && own_code != NULL)
        status = qctx_fail(error, QCTX_ERR_CONFIG,
                           "%s: 'auto_map' names Python code of the model's own, which is not supported; supported: "
                           "the architectures %s as transformers has them",
                           config->path, supported);
    if (status == QCTX_OK)
        status = model_config_text(config, "position_embedding_type", "absolute", &positions, error);
    if (status == QCTX_OK && strcmp(positions, "absolute") != 0)
        status = model_config_refuse(config, "position_embedding_type", positions, "absolute", error);
    return status;
}

static qctx_status read_sizes(const model_config *config, const architecture_row *row, qctx_model_folder *folder,
                              qctx_error *error)
{
    const struct {
        const char *key;
        int64_t fallback, most;
        int64_t *value;
    } sizes[] = {
        {"vocab_size", row->vocabulary, INT32_MAX, &folder->vocabulary},
        {row->hidden_key, row->hidden, MODEL_WIDTH_MAX, &folder->hidden},
        {row->layers_key, row->layers, MODEL_LAYERS_MAX, &folder->layers},
        {row->heads_key, row->heads, MODEL_WIDTH_MAX, &folder->heads},
        {row->intermediate_key, row->intermediate, MODEL_WIDTH_MAX, &folder->intermediate},
        {"max_position_embeddings", row->positions, MODEL_POSITIONS_MAX, &folder->positions},
        {"type_vocab_size", row->types, MODEL_WIDTH_MAX, &folder->types},
    };
    size_t count = sizeof sizes / sizeof sizes[0] - (row->types == 0);

    for (size_t i = 0; i < count; i++) {
        qctx_status status =
            model_config_integer(config, sizes[i].key, sizes[i].fallback, 1, sizes[i].most, sizes[i].value, error);

        if (status != QCTX_OK)
            return status;
    }
    if (folder->hidden % folder->heads != 0)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: '%s' is %lld, expected a multiple of '%s', which is %lld",
                         config->path, row->hidden_key, (long long)folder->hidden, row->heads_key,
                         (long long)folder->heads);
    return QCTX_OK;
}

/* Where RoBERTa and MPNet number positions from: padded tokens have the position of the padding's id. */
static qctx_status read_first_position(const model_config *config, qctx_model_folder *folder, qctx_error *error)
{
    int64_t padding = MPNET_PADDING;
    qctx_status status = QCTX_OK;

    if (folder->architecture != QCTX_ROBERTA && folder->architecture != QCTX_MPNET)
        return QCTX_OK;
    if (folder->architecture == QCTX_ROBERTA)
        status = model_config_integer(config, "pad_token_id", 1, 0, MODEL_POSITIONS_MAX, &padding, error);
    folder->first_position = padding + 1;
    if (status == QCTX_OK && folder->positions <= folder->first_position)
        status = qctx_fail(error, QCTX_ERR_FORMAT,
                           "%s: 'max_position_embeddings' is %lld, expected more than %lld: positions begin behind the "
                           "padding's",
                           config->path, (long long)folder->positions, (long long)folder->first_position);
    return status;
}

static qctx_status read_buckets(const model_config *config, qctx_model_folder *folder, qctx_error *error)
{
    qctx_status status;

    if (folder->architecture != QCTX_MPNET)
        return QCTX_OK;
    status = model_config_integer(config, "relative_attention_num_buckets", MPNET_BUCKETS, 1, INT32_MAX,
                                  &folder->buckets, error);
    if (status == QCTX_OK && folder->buckets != MPNET_BUCKETS)
        status = qctx_fail(error, QCTX_ERR_CONFIG,
                           "%s: 'relative_attention_num_buckets' is %lld, which is not supported; supported: %d",
                           config->path, (long long)folder->buckets, MPNET_BUCKETS);
    return status;
}

static qctx_status read_row(const model_config *config, const architecture_row *row, qctx_model_folder *folder,
                            qctx_error *error)
{
    qctx_status status = refuse_options(config, error);

    folder->architecture = row->architecture;
    folder->epsilon = row->epsilon;
    if (status == QCTX_OK)
        status = read_sizes(config, row, folder, error);
    if (status == QCTX_OK)
        status = model_config_function(config, row->function_key, row->function, &folder->function, error);
    /* DistilBERT's epsilon is fixed. */
    if (status == QCTX_OK && row->architecture != QCTX_DISTILBERT)
        status = model_config_number(config, "layer_norm_eps", row->epsilon, &folder->epsilon, error);
    if (status == QCTX_OK)
        status = read_first_position(config, folder, error);
    if (status == QCTX_OK)
        status = read_buckets(config, folder, error);
    return status;
}

/*
 * The part of a CLIP model's configuration that speaks of text. Where the old text_config_dict is there, it replaces
 * text_config as a whole, as in the original.
 */
static qctx_status text_section(const model_config *config, bool whole, model_config *text, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    *text = *config;
    if (!whole)
        return QCTX_OK;
    status = model_config_section(config, "text_config_dict", true, text, error);
    if (status == QCTX_OK && text->object == NULL)
        status = model_config_section(config, "text_config", true, text, error);
    return status;
}

/* What CLIP has beside the others. `config` knows the projection, `text` the end of the text. */
static qctx_status read_clip(const model_config *config, const model_config *text, bool whole,
                             qctx_model_folder *folder, qctx_error *error)
{
    int64_t end;
    qctx_status status = model_config_integer(text, "eos_token_id", 49407, 0, INT32_MAX, &end, error);

    /* Configurations that say 2 are older than the key's use: the highest id is looked for instead. */
    folder->end_of_text = end == OLD_END_OF_TEXT ? -1 : end;
    folder->pooling = QCTX_POOL_END_OF_TEXT;
    if (status == QCTX_OK && (whole || qctx_safetensors_find(folder->tensors, "text_projection.weight") != NULL))
        status = model_config_integer(config, "projection_dim", 512, 1, MODEL_WIDTH_MAX, &folder->projection, error);
    return status;
}

/* Not above the positions, nor above what the tokenizer says. */
static qctx_status limit_tokens(qctx_model_folder *folder, const char *home, qctx_error *error)
{
    model_config config = {0};
    const json_t *found;
    const char *key = "model_max_length";
    qctx_status status = model_config_open(home, "tokenizer_config.json", false, &config, error);
    double most;

    folder->max_tokens = folder->positions - folder->first_position;
    if (status != QCTX_OK)
        goto out;
    /* Its older name. */
    if (json_object_get(config.object, key) == NULL)
        key = "max_len";
    found = json_object_get(config.object, key);
    if (found == NULL || json_is_null(found))
        goto out;
    status = model_config_number(&config, key, 1.0, &most, error);
    if (status == QCTX_OK && most < (double)folder->max_tokens)
        folder->max_tokens = most < 1.0 ? 1 : (int64_t)most;
out:
    model_config_free(&config);
    return status;
}

qctx_status model_folder_open_hugging_face(qctx_model_folder *folder, const char *home, qctx_error *error)
{
    static const char *const adapters[] = {"peft_type", "base_model_name_or_path"};
    model_config config = {0}, adapter = {0}, text;
    const architecture_row *row;
    const char *model_type;
    bool whole;
    qctx_status status = model_config_open(home, "config.json", true, &config, error);

    if (status == QCTX_OK)
        status = model_config_open(home, "adapter_config.json", false, &adapter, error);
    if (status == QCTX_OK)
        status = model_config_without(&adapter, adapters, 2, error);
    if (status == QCTX_OK)
        status = model_config_text(&config, "model_type", NULL, &model_type, error);
    if (status != QCTX_OK)
        goto out;
    whole = strcmp(model_type, "clip") == 0;
    row = find_row(whole ? qctx_architecture_names[QCTX_CLIP_TEXT] : model_type);
    if (row == NULL) {
        status = model_config_refuse(&config, "model_type", model_type, supported, error);
        goto out;
    }
    folder->pooling = QCTX_POOL_MEAN;
    status = text_section(&config, whole, &text, error);
    if (status == QCTX_OK)
        status = read_row(&text, row, folder, error);
    if (status == QCTX_OK)
        status = model_folder_tensors(home, "model.safetensors", "pytorch_model.bin", &folder->tensors, error);
    if (status == QCTX_OK)
        status = model_folder_find_prefix(folder, row->embeddings, error);
    if (status == QCTX_OK && row->architecture == QCTX_CLIP_TEXT)
        status = read_clip(&config, &text, whole, folder, error);
    if (status == QCTX_OK)
        status = limit_tokens(folder, home, error);
out:
    model_config_free(&adapter);
    model_config_free(&config);
    return status;
}
