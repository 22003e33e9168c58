#include "made_folder.h"

#include <stdio.h>
#include <string.h>

#include "harness.h"
#include "qctx/base/fileio.h"

qctx_model_folder folder;
qctx_error refusal;

const char made_bert[] = "{\"model_type\":\"bert\",\"hidden_size\":8,\"num_hidden_layers\":2,\"num_attention_heads\":2,"
                         "\"intermediate_size\":12,\"vocab_size\":5,\"max_position_embeddings\":40,"
                         "\"layer_norm_eps\":1e-6,\"hidden_act\":\"gelu_new\"%s}";

const char made_modules[] =
    "[{\"idx\":0,\"name\":\"0\",\"path\":\"\",\"type\":\"sentence_transformers.models.Transformer\"},"
    "{\"idx\":1,\"name\":\"1\",\"path\":\"1_Pooling\",\"type\":\"sentence_transformers.models.Pooling\"}%s]";

const char made_new_dense[] = ",{\"path\":\"2_Dense\",\"type\":\"sentence_transformers.base.modules.dense.Dense\"},"
                              "{\"path\":\"\",\"type\":\"sentence_transformers.base.modules.normalize.Normalize\"}";

const char made_open_clip[] = "{\"model_cfg\":{\"embed_dim\":6,\"vision_cfg\":{\"layers\":12},\"text_cfg\":{"
                              "\"context_length\":20,\"vocab_size\":5,"
                              "\"width\":8,\"heads\":2,\"layers\":3%s}%s},\"preprocess_cfg\":{}}";

const char *home(void)
{
    return test_path("model");
}

void begin(void)
{
    assert_status(qctx_folder_remove(home(), &refusal), QCTX_OK, &refusal);
    assert_status(qctx_folder_make(test_path("model/1_Pooling"), &refusal), QCTX_OK, &refusal);
    assert_status(qctx_folder_make(test_path("model/2_Dense"), &refusal), QCTX_OK, &refusal);
}

const char *inside(const char *name)
{
    char path[256];

    snprintf(path, sizeof path, "model/%s", name);
    return test_path(path);
}

void put(const char *name, const char *text)
{
    FILE *file = fopen(inside(name), "wb");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    fclose(file);
}

void put_with(const char *name, const char *template, const char *more, const char *later)
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

void put_weights(const char *name, const char *tensor)
{
    made_tensors made = {0};

    made_add(&made, tensor, 5, 8, NULL);
    made_write(inside(name), &made, "F32");
}

void make_bert(const char *more)
{
    begin();
    put_with("config.json", made_bert, more, "");
    put_weights("model.safetensors", "embeddings.word_embeddings.weight");
}

void make_sentence(const char *later_modules, const char *pooling)
{
    make_bert("");
    put_with("modules.json", made_modules, later_modules, "");
    put("1_Pooling/config.json", pooling);
    put("2_Dense/config.json", "{\"in_features\":8,\"out_features\":3,\"bias\":false,"
                               "\"activation_function\":\"torch.nn.modules.linear.Identity\"}");
    put_weights("2_Dense/model.safetensors", "linear.weight");
}

void make_open_clip(const char *text, const char *model)
{
    begin();
    put_with("open_clip_config.json", made_open_clip, text, model);
    put_weights("open_clip_model.safetensors", "token_embedding.weight");
}

void opens(void)
{
    assert_true(qctx_model_folder_is(home()));
    assert_status(qctx_model_folder_open(home(), &folder, &refusal), QCTX_OK, &refusal);
}

void refuses(qctx_status expected, const char *file, const char *found, const char *wanted)
{
    assert_status(qctx_model_folder_open(home(), &folder, &refusal), expected, &refusal);
    assert_null(folder.path);
    assert_contains(refusal.message, file);
    assert_contains(refusal.message, found);
    assert_contains(refusal.message, wanted);
}
