/* The names and shapes of every architecture's tensors. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"
#include "transformer_internal.h"

/*
 * Names of the tensors: '#' stands for the layer's number; a bias has "bias" where the weight has "weight"; the
 * folder's prefix goes before them, but not before one that begins with '/'.
 */
static const char *const bert_names[TRANSFORMER_PARTS] = {
    [TRANSFORMER_WORDS] = "embeddings.word_embeddings.weight",
    [TRANSFORMER_POSITIONS] = "embeddings.position_embeddings.weight",
    [TRANSFORMER_TYPES] = "embeddings.token_type_embeddings.weight",
    [TRANSFORMER_EMBEDDING_NORM] = "embeddings.LayerNorm.weight",
    [TRANSFORMER_QUERY] = "encoder.layer.#.attention.self.query.weight",
    [TRANSFORMER_KEY] = "encoder.layer.#.attention.self.key.weight",
    [TRANSFORMER_VALUE] = "encoder.layer.#.attention.self.value.weight",
    [TRANSFORMER_OUTPUT] = "encoder.layer.#.attention.output.dense.weight",
    [TRANSFORMER_FIRST_NORM] = "encoder.layer.#.attention.output.LayerNorm.weight",
    [TRANSFORMER_UP] = "encoder.layer.#.intermediate.dense.weight",
    [TRANSFORMER_DOWN] = "encoder.layer.#.output.dense.weight",
    [TRANSFORMER_SECOND_NORM] = "encoder.layer.#.output.LayerNorm.weight",
};

static const char *const distilbert_names[TRANSFORMER_PARTS] = {
    [TRANSFORMER_WORDS] = "embeddings.word_embeddings.weight",
    [TRANSFORMER_POSITIONS] = "embeddings.position_embeddings.weight",
    [TRANSFORMER_EMBEDDING_NORM] = "embeddings.LayerNorm.weight",
    [TRANSFORMER_QUERY] = "transformer.layer.#.attention.q_lin.weight",
    [TRANSFORMER_KEY] = "transformer.layer.#.attention.k_lin.weight",
    [TRANSFORMER_VALUE] = "transformer.layer.#.attention.v_lin.weight",
    [TRANSFORMER_OUTPUT] = "transformer.layer.#.attention.out_lin.weight",
    [TRANSFORMER_FIRST_NORM] = "transformer.layer.#.sa_layer_norm.weight",
    [TRANSFORMER_UP] = "transformer.layer.#.ffn.lin1.weight",
    [TRANSFORMER_DOWN] = "transformer.layer.#.ffn.lin2.weight",
    [TRANSFORMER_SECOND_NORM] = "transformer.layer.#.output_layer_norm.weight",
};

static const char *const mpnet_names[TRANSFORMER_PARTS] = {
    [TRANSFORMER_WORDS] = "embeddings.word_embeddings.weight",
    [TRANSFORMER_POSITIONS] = "embeddings.position_embeddings.weight",
    [TRANSFORMER_EMBEDDING_NORM] = "embeddings.LayerNorm.weight",
    [TRANSFORMER_BUCKETS] = "encoder.relative_attention_bias.weight",
    [TRANSFORMER_QUERY] = "encoder.layer.#.attention.attn.q.weight",
    [TRANSFORMER_KEY] = "encoder.layer.#.attention.attn.k.weight",
    [TRANSFORMER_VALUE] = "encoder.layer.#.attention.attn.v.weight",
    [TRANSFORMER_OUTPUT] = "encoder.layer.#.attention.attn.o.weight",
    [TRANSFORMER_FIRST_NORM] = "encoder.layer.#.attention.LayerNorm.weight",
    [TRANSFORMER_UP] = "encoder.layer.#.intermediate.dense.weight",
    [TRANSFORMER_DOWN] = "encoder.layer.#.output.dense.weight",
    [TRANSFORMER_SECOND_NORM] = "encoder.layer.#.output.LayerNorm.weight",
};

static const char *const clip_names[TRANSFORMER_PARTS] = {
    [TRANSFORMER_WORDS] = "embeddings.token_embedding.weight",
    [TRANSFORMER_POSITIONS] = "embeddings.position_embedding.weight",
    [TRANSFORMER_QUERY] = "encoder.layers.#.self_attn.q_proj.weight",
    [TRANSFORMER_KEY] = "encoder.layers.#.self_attn.k_proj.weight",
    [TRANSFORMER_VALUE] = "encoder.layers.#.self_attn.v_proj.weight",
    [TRANSFORMER_OUTPUT] = "encoder.layers.#.self_attn.out_proj.weight",
    [TRANSFORMER_FIRST_NORM] = "encoder.layers.#.layer_norm1.weight",
    [TRANSFORMER_UP] = "encoder.layers.#.mlp.fc1.weight",
    [TRANSFORMER_DOWN] = "encoder.layers.#.mlp.fc2.weight",
    [TRANSFORMER_SECOND_NORM] = "encoder.layers.#.layer_norm2.weight",
    [TRANSFORMER_FINAL_NORM] = "final_layer_norm.weight",
    [TRANSFORMER_PROJECTION] = "/text_projection.weight",
};

static const char *const open_clip_names[TRANSFORMER_PARTS] = {
    [TRANSFORMER_WORDS] = "token_embedding.weight",
    [TRANSFORMER_POSITIONS] = "positional_embedding",
    [TRANSFORMER_JOINT] = "transformer.resblocks.#.attn.in_proj_weight",
    [TRANSFORMER_OUTPUT] = "transformer.resblocks.#.attn.out_proj.weight",
    [TRANSFORMER_FIRST_NORM] = "transformer.resblocks.#.ln_1.weight",
    [TRANSFORMER_UP] = "transformer.resblocks.#.mlp.c_fc.weight",
    [TRANSFORMER_DOWN] = "transformer.resblocks.#.mlp.c_proj.weight",
    [TRANSFORMER_SECOND_NORM] = "transformer.resblocks.#.ln_2.weight",
    [TRANSFORMER_FINAL_NORM] = "ln_final.weight",
    [TRANSFORMER_PROJECTION_MATRIX] = "text_projection",
};

static const char *const *const names[] = {
    [QCTX_BERT] = bert_names,   [QCTX_DISTILBERT] = distilbert_names, [QCTX_ROBERTA] = bert_names,
    [QCTX_MPNET] = mpnet_names, [QCTX_CLIP_TEXT] = clip_names,        [QCTX_OPEN_CLIP] = open_clip_names,
};

/* Sizes that shapes are made of; NONE ends a shape of one dimension. */
typedef enum { NONE, D, THREE_D, F, VOCABULARY, POSITIONS, TYPES, BUCKETS, HEADS, PROJECTION } size_name;

static const struct {
    size_name rows, columns;
    bool bias;
} parts[TRANSFORMER_PARTS] = {
    [TRANSFORMER_WORDS] = {VOCABULARY, D, false},
    [TRANSFORMER_POSITIONS] = {POSITIONS, D, false},
    [TRANSFORMER_TYPES] = {TYPES, D, false},
    [TRANSFORMER_EMBEDDING_NORM] = {D, NONE, true},
    [TRANSFORMER_BUCKETS] = {BUCKETS, HEADS, false},
    [TRANSFORMER_QUERY] = {D, D, true},
    [TRANSFORMER_KEY] = {D, D, true},
    [TRANSFORMER_VALUE] = {D, D, true},
    [TRANSFORMER_JOINT] = {THREE_D, D, true},
    [TRANSFORMER_OUTPUT] = {D, D, true},
    [TRANSFORMER_FIRST_NORM] = {D, NONE, true},
    [TRANSFORMER_UP] = {F, D, true},
    [TRANSFORMER_DOWN] = {D, F, true},
    [TRANSFORMER_SECOND_NORM] = {D, NONE, true},
    [TRANSFORMER_FINAL_NORM] = {D, NONE, true},
    [TRANSFORMER_PROJECTION] = {PROJECTION, D, false},
    [TRANSFORMER_PROJECTION_MATRIX] = {D, PROJECTION, false},
};

static int64_t size_of(const qctx_model_folder *folder, size_name name)
{
    switch (name) {
    case NONE:
        return 1;
    case D:
        return folder->hidden;
    case THREE_D:
        return 3 * folder->hidden;
    case F:
        return folder->intermediate;
    case VOCABULARY:
        return folder->vocabulary;
    case POSITIONS:
        return folder->positions;
    case TYPES:
        return folder->types;
    case BUCKETS:
        return folder->buckets;
    case HEADS:
        return folder->heads;
    case PROJECTION:
        return folder->projection;
    }
    return 0;
}

bool transformer_has(const qctx_model_folder *folder, transformer_part part)
{
    return names[folder->architecture][part] != NULL && size_of(folder, parts[part].rows) > 0 &&
           size_of(folder, parts[part].columns) > 0;
}

bool transformer_is_clip(const qctx_model_folder *folder)
{
    return folder->architecture == QCTX_CLIP_TEXT || folder->architecture == QCTX_OPEN_CLIP;
}

/* `last` stands where the pattern has "weight" at its end. */
static char *name_of(const qctx_model_folder *folder, transformer_part part, int64_t layer, const char *last,
                     qctx_error *error)
{
    const char *pattern = names[folder->architecture][part];
    const char *prefix = pattern[0] == '/' ? "" : folder->prefix;
    const char *number, *end;

    pattern += pattern[0] == '/';
    number = strchr(pattern, '#');
    end = strstr(pattern, "weight");
    if (end == NULL)
        end = pattern + strlen(pattern), last = "";
    if (number == NULL)
        return qctx_format(error, "%s%.*s%s", prefix, (int)(end - pattern), pattern, last);
    return qctx_format(error, "%s%.*s%" PRId64 "%.*s%s", prefix, (int)(number - pattern), pattern, layer,
                       (int)(end - number - 1), number + 1, last);
}

qctx_status transformer_tensor(const qctx_model_folder *folder, transformer_part part, int64_t layer, bool bias,
                               const qctx_tensor **found, qctx_error *error)
{
    int64_t rows = size_of(folder, parts[part].rows), columns = size_of(folder, parts[part].columns);
    int rank = bias || parts[part].columns == NONE ? 1 : 2;
    char *name = name_of(folder, part, layer, bias ? "bias" : "weight", error);
    char *old = name_of(folder, part, layer, bias ? "beta" : "gamma", error);
    qctx_status status = QCTX_ERR_MEMORY;

    /* Norms of the first BERT models are called as in TensorFlow. */
    if (name != NULL && old != NULL)
        status = qctx_safetensors_get(folder->tensors,
                                      qctx_safetensors_find(folder->tensors, name) == NULL &&
                                              qctx_safetensors_find(folder->tensors, old) != NULL
                                          ? old
                                          : name,
                                      rank, (const int64_t[]){rows, columns}, found, error);
    free(name);
    free(old);
    return status;
}

static qctx_status check_part(const qctx_model_folder *folder, transformer_part part, int64_t layer, qctx_error *error)
{
    const qctx_tensor *tensor;
    qctx_status status = transformer_tensor(folder, part, layer, false, &tensor, error);

    if (status == QCTX_OK && parts[part].bias)
        status = transformer_tensor(folder, part, layer, true, &tensor, error);
    if (status == QCTX_ERR_FORMAT && error != NULL && error->hint[0] == '\0')
        qctx_hint(error, "what is expected follows from the configuration: are it and the weights of one model?");
    return status;
}

qctx_status transformer_check(const qctx_model_folder *folder, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    if (folder->architecture == QCTX_MPNET && folder->buckets < TRANSFORMER_BUCKET_COUNT)
        return qctx_fail(error, QCTX_ERR_CONFIG, "%s: %" PRId64 " buckets of relative positions, expected at least %d",
                         folder->path, folder->buckets, TRANSFORMER_BUCKET_COUNT);
    if (folder->max_tokens < 1 || folder->max_tokens > folder->positions - folder->first_position)
        return qctx_fail(error, QCTX_ERR_CONFIG,
                         "%s: texts of %" PRId64 " tokens, expected 1 to %" PRId64
                         ", for which there are position embeddings",
                         folder->path, folder->max_tokens, folder->positions - folder->first_position);
    for (transformer_part part = 0; part < TRANSFORMER_PARTS; part++) {
        bool layered = part >= TRANSFORMER_QUERY && part <= TRANSFORMER_SECOND_NORM;

        for (int64_t layer = 0; layer < (layered ? folder->layers : 1); layer++) {
            if (transformer_has(folder, part))
                status = check_part(folder, part, layer, error);
            if (status != QCTX_OK)
                return status;
        }
    }
    return QCTX_OK;
}
