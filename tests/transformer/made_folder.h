/* Folders of models as tests make them: configurations and one tensor, all that opening them looks at. */
#ifndef QCTX_TESTS_MADE_FOLDER_H
#define QCTX_TESTS_MADE_FOLDER_H

#include "made_safetensors.h"

#include <unistd.h>

#include "qctx/transformer/model_folder.h"

static qctx_error error;
static qctx_model_folder folder;

static const char bert[] =
    "{\"model_type\":\"bert\",\"hidden_size\":8,\"num_hidden_layers\":2,\"num_attention_heads\":2,"
    "\"intermediate_size\":12,\"vocab_size\":5,\"max_position_embeddings\":40,"
    "\"layer_norm_eps\":1e-6,\"hidden_act\":\"gelu_new\"%s}";

static const char modules[] =
    "[{\"idx\":0,\"name\":\"0\",\"path\":\"\",\"type\":\"sentence_transformers.models.Transformer\"},"
    "{\"idx\":1,\"name\":\"1\",\"path\":\"1_Pooling\",\"type\":\"sentence_transformers.models.Pooling\"}%s]";

static const char new_dense[] = ",{\"path\":\"2_Dense\",\"type\":\"sentence_transformers.base.modules.dense.Dense\"},"
                                "{\"path\":\"\",\"type\":\"sentence_transformers.base.modules.normalize.Normalize\"}";

static const char open_clip[] = "{\"model_cfg\":{\"embed_dim\":6,\"vision_cfg\":{\"layers\":12},\"text_cfg\":{"
                                "\"context_length\":20,\"vocab_size\":5,"
                                "\"width\":8,\"heads\":2,\"layers\":3%s}%s},\"preprocess_cfg\":{}}";

/* A fresh folder for each model: those of earlier tests may hold more. */
static inline const char *home(void)
{
    return test_path("model");
}

static inline void begin(void)
{
    assert_status(qctx_folder_remove(home(), &error), QCTX_OK, &error);
    assert_status(qctx_folder_make(test_path("model/1_Pooling"), &error), QCTX_OK, &error);
    assert_status(qctx_folder_make(test_path("model/2_Dense"), &error), QCTX_OK, &error);
}

static inline const char *inside(const char *name)
{
    char path[256];

    snprintf(path, sizeof path, "model/%s", name);
    return test_path(path);
}

static inline void put(const char *name, const char *text)
{
    FILE *file = fopen(inside(name), "wb");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    fclose(file);
}

/* A file from a template, in which "%s" stands for what follows, in order. */
static inline void put_with(const char *name, const char *template, const char *more, const char *later)
{
    const char *const parts[] = {more, later};
    char text[2048];
    size_t used = 0;
    int part = 0;

    for (const char *c = template; *c != '\0'; c++) {
        const char *piece = *c == '%' ? parts[part++] : c;
        size_t length = *c == '%' ? strlen(piece) : 1;

        assert_true(used + length < sizeof text);
        memcpy(text + used, piece, length);
        used += length;
        c += *c == '%';
    }
    text[used] = '\0';
    put(name, text);
}

/* Weights of one tensor, which is all that is looked for here. */
static inline void put_weights(const char *name, const char *tensor)
{
    made_tensors made = {0};

    made_add(&made, tensor, 5, 8, NULL);
    made_write(inside(name), &made, "F32");
}

/* A plain BERT folder whose config.json has `more` at its end. */
static inline void make_bert(const char *more)
{
    begin();
    put_with("config.json", bert, more, "");
    put_weights("model.safetensors", "embeddings.word_embeddings.weight");
}

/* The same with sentence-transformers' files, pooled as this configuration says. */
static inline void make_sentence(const char *later_modules, const char *pooling)
{
    make_bert("");
    put_with("modules.json", modules, later_modules, "");
    put("1_Pooling/config.json", pooling);
    put("2_Dense/config.json", "{\"in_features\":8,\"out_features\":3,\"bias\":false,"
                               "\"activation_function\":\"torch.nn.modules.linear.Identity\"}");
    put_weights("2_Dense/model.safetensors", "linear.weight");
}

static inline void make_open_clip(const char *text, const char *model)
{
    begin();
    put_with("open_clip_config.json", open_clip, text, model);
    put_weights("open_clip_model.safetensors", "token_embedding.weight");
}

static inline void opens(void)
{
    assert_true(qctx_model_folder_is(home()));
    assert_status(qctx_model_folder_open(home(), &folder, &error), QCTX_OK, &error);
}

/* Refused, with a message that holds all of these. */
static inline void refuses(qctx_status expected, const char *file, const char *found, const char *wanted)
{
    assert_status(qctx_model_folder_open(home(), &folder, &error), expected, &error);
    assert_null(folder.path);
    assert_contains(error.message, file);
    assert_contains(error.message, found);
    assert_contains(error.message, wanted);
}

#endif
