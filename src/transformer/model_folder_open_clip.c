/* open_clip_config.json: the text tower of OpenCLIP's CLIP and CustomTextCLIP, with the defaults of its CLIPTextCfg. */
#include <stdlib.h>
#include <string.h>

#include "model_folder_internal.h"

/* Options that change the vectors, or the tokens, and are off in a plain text tower. */
static const char *const off[] = {
    "embed_cls",   "no_causal_mask", "final_ln_after_pool", "ls_init_value",    "proj_bias",        "act_kwargs",
    "norm_kwargs", "qk_norm",        "scaled_cosine_attn",  "scale_heads",      "scale_attn_inner", "scale_attn",
    "scale_fc",    "hf_model_name",  "hf_tokenizer_name",   "tokenizer_kwargs",
};

/* Keys that are read, or say nothing about the vectors. */
static const char *const known[] = {
    "context_length", "vocab_size",   "width",          "heads",
    "layers",         "mlp_ratio",    "pool_type",      "proj_type",
    "eos_id",         "pad_id",       "block_type",     "output_tokens",
    "tokenizer_mode", "hf_proj_type", "hf_pooler_type", "hf_model_pretrained",
};

static bool is_in(const char *key, const char *const *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(key, keys[i]) == 0)
            return true;
    }
    return false;
}

static qctx_status refuse_options(const model_config *text, qctx_error *error)
{
    const size_t off_count = sizeof off / sizeof off[0];
    qctx_status status = model_config_without(text, off, (int64_t)off_count, error);
    const char *key, *block;
    json_t *value;

    if (status == QCTX_OK)
        status = model_config_text(text, "block_type", "default", &block, error);
    if (status == QCTX_OK && strcmp(block, "default") != 0)
        status = model_config_refuse(text, "block_type", block, "default", error);
    if (status != QCTX_OK)
        return status;
    json_object_foreach(text->object, key, value)
    {
        if (!is_in(key, off, off_count) && !is_in(key, known, sizeof known / sizeof known[0]))
            return qctx_fail(error, QCTX_ERR_CONFIG, "%s: 'text_cfg' has the unknown key '%.200s'", text->path, key);
    }
    return QCTX_OK;
}

/* The original pads to the context's length: a last token, and a first one without a causal mask, would be padding. */
static qctx_status read_pooling(const model_config *text, qctx_model_folder *folder, qctx_error *error)
{
    const char *type;
    qctx_status status = model_config_text(text, "pool_type", "argmax", &type, error);

    if (status != QCTX_OK)
        return status;
    folder->end_of_text = -1;
    folder->pooling = QCTX_POOL_END_OF_TEXT;
    if (strcmp(type, "argmax") == 0)
        return QCTX_OK;
    if (strcmp(type, "eos") == 0)
        return model_config_integer(text, "eos_id", 2, 0, INT32_MAX, &folder->end_of_text, error);
    folder->pooling = QCTX_POOL_CLS;
    if (strcmp(type, "first") == 0)
        return QCTX_OK;
    return model_config_refuse(text, "pool_type", type, "argmax, eos, first", error);
}

static qctx_status read_projection(const model_config *config, const model_config *text, qctx_model_folder *folder,
                                   qctx_error *error)
{
    const char *type;
    qctx_status status = model_config_text(text, "proj_type", "linear", &type, error);

    if (status == QCTX_OK && strcmp(type, "linear") == 0)
        status =
            model_config_integer(config, "embed_dim", MODEL_REQUIRED, 1, MODEL_WIDTH_MAX, &folder->projection, error);
    else if (status == QCTX_OK && strcmp(type, "none") != 0)
        status = model_config_refuse(text, "proj_type", type, "linear, none", error);
    return status;
}

static qctx_status read_sizes(const model_config *text, qctx_model_folder *folder, qctx_error *error)
{
    double ratio, intermediate;
    qctx_status status =
        model_config_integer(text, "context_length", 77, 1, MODEL_POSITIONS_MAX, &folder->positions, error);

    if (status == QCTX_OK)
        status = model_config_integer(text, "vocab_size", 49408, 1, INT32_MAX, &folder->vocabulary, error);
    if (status == QCTX_OK)
        status = model_config_integer(text, "width", 512, 1, MODEL_WIDTH_MAX, &folder->hidden, error);
    if (status == QCTX_OK)
        status = model_config_integer(text, "heads", 8, 1, MODEL_WIDTH_MAX, &folder->heads, error);
    if (status == QCTX_OK)
        status = model_config_integer(text, "layers", 12, 1, MODEL_LAYERS_MAX, &folder->layers, error);
    if (status == QCTX_OK)
        status = model_config_number(text, "mlp_ratio", 4.0, &ratio, error);
    if (status != QCTX_OK)
        return status;
    if (folder->hidden % folder->heads != 0)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: 'width' is %lld, expected a multiple of 'heads', which is %lld",
                         text->path, (long long)folder->hidden, (long long)folder->heads);
    intermediate = (double)folder->hidden * ratio;
    if (intermediate < 1.0 || intermediate > MODEL_WIDTH_MAX)
        return qctx_fail(error, QCTX_ERR_FORMAT,
                         "%s: 'mlp_ratio' is %g, expected one that makes the feed-forward part 1 to %d wide",
                         text->path, ratio, MODEL_WIDTH_MAX);
    folder->intermediate = (int64_t)intermediate;
    return QCTX_OK;
}

qctx_status model_folder_open_open_clip(qctx_model_folder *folder, qctx_error *error)
{
    static const char *const towers[] = {"multimodal_cfg"};
    model_config config = {0}, model, text;
    bool quick = false;
    qctx_status status = model_config_open(folder->path, "open_clip_config.json", true, &config, error);

    if (status == QCTX_OK)
        status = model_config_section(&config, "model_cfg", false, &model, error);
    if (status == QCTX_OK)
        status = model_config_without(&model, towers, 1, error);
    if (status == QCTX_OK)
        status = model_config_section(&model, "text_cfg", false, &text, error);
    if (status == QCTX_OK)
        status = refuse_options(&text, error);
    if (status == QCTX_OK)
        status = read_sizes(&text, folder, error);
    if (status == QCTX_OK)
        status = read_pooling(&text, folder, error);
    if (status == QCTX_OK)
        status = read_projection(&model, &text, folder, error);
    if (status == QCTX_OK)
        status = model_config_flag(&model, "quick_gelu", false, &quick, error);
    folder->architecture = QCTX_OPEN_CLIP;
    folder->function = quick ? QCTX_LINEAR_QUICK_GELU : QCTX_LINEAR_GELU;
    folder->epsilon = 1e-5;
    folder->max_tokens = folder->positions;
    folder->open_clip_tokenizer = true;
    if (status == QCTX_OK)
        status = model_folder_tensors(folder->path, "open_clip_model.safetensors", "open_clip_pytorch_model.bin",
                                      &folder->tensors, error);
    if (status == QCTX_OK)
        status = model_folder_find_prefix(folder, "token_embedding.weight", error);
    model_config_free(&config);
    return status;
}
