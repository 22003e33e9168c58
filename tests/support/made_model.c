#include "made_model.h"

#include <stdio.h>
#include <unistd.h>

#include "harness.h"

/* A weight of this shape and its bias, called PREFIX STEM LAYER REST; layer −1: no number. */
static void made_module(made_tensors *tensors, const char *prefix, const char *stem, int layer, const char *rest,
                        int64_t rows, int64_t columns)
{
    char name[MADE_NAME_MAX], number[16] = "";

    if (layer >= 0)
        snprintf(number, sizeof number, "%d", layer);
    snprintf(name, sizeof name, "%s%s%s%sweight", prefix, stem, number, rest);
    made_add(tensors, name, rows, columns, NULL);
    snprintf(name, sizeof name, "%s%s%s%sbias", prefix, stem, number, rest);
    made_add(tensors, name, rows, 0, NULL);
}

static void made_named(made_tensors *tensors, const char *prefix, const char *rest, int64_t rows, int64_t columns)
{
    char name[MADE_NAME_MAX];

    snprintf(name, sizeof name, "%s%s", prefix, rest);
    made_add(tensors, name, rows, columns, NULL);
}

/* What stands in each layer: output, input and the end of its name, a norm where there is no input. */
typedef struct {
    int64_t rows, columns;
    const char *rest;
} made_layer_row;

typedef struct {
    const char *words, *positions, *types, *embedding_norm, *buckets, *final_norm;
    const char *stem;
    made_layer_row rows[8];
} made_names;

static const made_names *made_names_of(qctx_architecture architecture)
{
    static const made_names bert = {"embeddings.word_embeddings.weight",
                                    "embeddings.position_embeddings.weight",
                                    "embeddings.token_type_embeddings.weight",
                                    "embeddings.LayerNorm.",
                                    NULL,
                                    NULL,
                                    "encoder.layer.",
                                    {{MADE_D, MADE_D, ".attention.self.query."},
                                     {MADE_D, MADE_D, ".attention.self.key."},
                                     {MADE_D, MADE_D, ".attention.self.value."},
                                     {MADE_D, MADE_D, ".attention.output.dense."},
                                     {MADE_D, 0, ".attention.output.LayerNorm."},
                                     {MADE_F, MADE_D, ".intermediate.dense."},
                                     {MADE_D, MADE_F, ".output.dense."},
                                     {MADE_D, 0, ".output.LayerNorm."}}};
    static const made_names distilbert = {"embeddings.word_embeddings.weight",
                                          "embeddings.position_embeddings.weight",
                                          NULL,
                                          "embeddings.LayerNorm.",
                                          NULL,
                                          NULL,
                                          "transformer.layer.",
                                          {{MADE_D, MADE_D, ".attention.q_lin."},
                                           {MADE_D, MADE_D, ".attention.k_lin."},
                                           {MADE_D, MADE_D, ".attention.v_lin."},
                                           {MADE_D, MADE_D, ".attention.out_lin."},
                                           {MADE_D, 0, ".sa_layer_norm."},
                                           {MADE_F, MADE_D, ".ffn.lin1."},
                                           {MADE_D, MADE_F, ".ffn.lin2."},
                                           {MADE_D, 0, ".output_layer_norm."}}};
    static const made_names mpnet = {"embeddings.word_embeddings.weight",
                                     "embeddings.position_embeddings.weight",
                                     NULL,
                                     "embeddings.LayerNorm.",
                                     "encoder.relative_attention_bias.weight",
                                     NULL,
                                     "encoder.layer.",
                                     {{MADE_D, MADE_D, ".attention.attn.q."},
                                      {MADE_D, MADE_D, ".attention.attn.k."},
                                      {MADE_D, MADE_D, ".attention.attn.v."},
                                      {MADE_D, MADE_D, ".attention.attn.o."},
                                      {MADE_D, 0, ".attention.LayerNorm."},
                                      {MADE_F, MADE_D, ".intermediate.dense."},
                                      {MADE_D, MADE_F, ".output.dense."},
                                      {MADE_D, 0, ".output.LayerNorm."}}};
    static const made_names clip = {"embeddings.token_embedding.weight",
                                    "embeddings.position_embedding.weight",
                                    NULL,
                                    NULL,
                                    NULL,
                                    "final_layer_norm.",
                                    "encoder.layers.",
                                    {{MADE_D, MADE_D, ".self_attn.q_proj."},
                                     {MADE_D, MADE_D, ".self_attn.k_proj."},
                                     {MADE_D, MADE_D, ".self_attn.v_proj."},
                                     {MADE_D, MADE_D, ".self_attn.out_proj."},
                                     {MADE_D, 0, ".layer_norm1."},
                                     {MADE_F, MADE_D, ".mlp.fc1."},
                                     {MADE_D, MADE_F, ".mlp.fc2."},
                                     {MADE_D, 0, ".layer_norm2."}}};
    static const made_names open_clip = {"token_embedding.weight",
                                         "positional_embedding",
                                         NULL,
                                         NULL,
                                         NULL,
                                         "ln_final.",
                                         "transformer.resblocks.",
                                         {{3 * MADE_D, MADE_D, ".attn.in_proj_"},
                                          {MADE_D, MADE_D, ".attn.out_proj."},
                                          {MADE_D, 0, ".ln_1."},
                                          {MADE_F, MADE_D, ".mlp.c_fc."},
                                          {MADE_D, MADE_F, ".mlp.c_proj."},
                                          {MADE_D, 0, ".ln_2."}}};

    return architecture == QCTX_OPEN_CLIP    ? &open_clip
           : architecture == QCTX_CLIP_TEXT  ? &clip
           : architecture == QCTX_MPNET      ? &mpnet
           : architecture == QCTX_DISTILBERT ? &distilbert
                                             : &bert;
}

void made_model_tensors(const qctx_model_folder *folder, made_tensors *tensors)
{
    const made_names *names = made_names_of(folder->architecture);

    tensors->count = 0;
    made_named(tensors, folder->prefix, names->words, folder->vocabulary, MADE_D);
    made_named(tensors, folder->prefix, names->positions, folder->positions, MADE_D);
    if (folder->types > 0)
        made_named(tensors, folder->prefix, names->types, folder->types, MADE_D);
    if (names->embedding_norm != NULL)
        made_module(tensors, folder->prefix, names->embedding_norm, -1, "", MADE_D, 0);
    if (names->buckets != NULL)
        made_named(tensors, folder->prefix, names->buckets, folder->buckets, MADE_HEADS);
    if (names->final_norm != NULL)
        made_module(tensors, folder->prefix, names->final_norm, -1, "", MADE_D, 0);
    if (folder->architecture == QCTX_CLIP_TEXT)
        made_add(tensors, "text_projection.weight", MADE_PROJECTION, MADE_D, NULL);
    if (folder->architecture == QCTX_OPEN_CLIP)
        made_named(tensors, folder->prefix, "text_projection", MADE_D, MADE_PROJECTION);
    for (int layer = 0; layer < MADE_LAYERS; layer++)
        for (int i = 0; i < 8 && names->rows[i].rest != NULL; i++)
            made_module(tensors, folder->prefix, names->stem, layer, names->rows[i].rest, names->rows[i].rows,
                        names->rows[i].columns);
}

qctx_model_folder made_folder(qctx_architecture architecture)
{
    static const char *const prefixes[] = {"bert.", "distilbert.", "", "mpnet.", "text_model.", "text."};
    bool clip = architecture == QCTX_CLIP_TEXT || architecture == QCTX_OPEN_CLIP;
    bool shifted = architecture == QCTX_ROBERTA || architecture == QCTX_MPNET;

    return (qctx_model_folder){
        .path = "made/model",
        .kind = "made",
        .architecture = architecture,
        .layers = MADE_LAYERS,
        .hidden = MADE_D,
        .heads = MADE_HEADS,
        .intermediate = MADE_F,
        .vocabulary = MADE_VOCABULARY,
        .first_position = shifted ? 2 : 0,
        .positions = MADE_MOST + (shifted ? 2 : 0),
        .types = architecture == QCTX_BERT      ? 2
                 : architecture == QCTX_ROBERTA ? 1
                                                : 0,
        .buckets = architecture == QCTX_MPNET ? 32 : 0,
        .projection = clip ? MADE_PROJECTION : 0,
        .end_of_text = architecture == QCTX_CLIP_TEXT ? 17 : -1,
        .function = architecture == QCTX_CLIP_TEXT ? QCTX_LINEAR_QUICK_GELU : QCTX_LINEAR_GELU,
        .epsilon = clip ? 1e-5 : 1e-12,
        .pooling = clip ? QCTX_POOL_END_OF_TEXT : QCTX_POOL_MEAN,
        .max_tokens = MADE_MOST,
        .prefix = prefixes[architecture],
    };
}

void made_open(qctx_model_folder *folder, const made_tensors *tensors, const char *type)
{
    static qctx_error error;
    const char *path = test_path("model.safetensors");

    unlink(path);
    made_write(path, tensors, type);
    assert_status(qctx_safetensors_open(path, &folder->tensors, &error), QCTX_OK, &error);
}

qctx_model_folder made_model(qctx_architecture architecture, const char *type)
{
    static made_tensors tensors;
    qctx_model_folder folder = made_folder(architecture);

    made_model_tensors(&folder, &tensors);
    made_open(&folder, &tensors, type);
    return folder;
}
