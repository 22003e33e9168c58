/* ranks: 1 */
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
static const char *home(void)
{
    return test_path("model");
}

static void begin(void)
{
    assert_status(qctx_folder_remove(home(), &error), QCTX_OK, &error);
    assert_status(qctx_folder_make(test_path("model/1_Pooling"), &error), QCTX_OK, &error);
    assert_status(qctx_folder_make(test_path("model/2_Dense"), &error), QCTX_OK, &error);
}

static const char *inside(const char *name)
{
    char path[256];

    snprintf(path, sizeof path, "model/%s", name);
    return test_path(path);
}

static void put(const char *name, const char *text)
{
    FILE *file = fopen(inside(name), "wb");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    fclose(file);
}

/* A file from a template with one or two places for more. */
static void put_with(const char *name, const char *template, const char *more, const char *later)
{
    char text[2048];

/* The templates are constants of this file. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(text, sizeof text, template, more, later);
#pragma GCC diagnostic pop
    put(name, text);
}

/* Weights of one tensor, which is all that is looked for here. */
static void put_weights(const char *name, const char *tensor)
{
    made_tensors made = {0};

    made_add(&made, tensor, 5, 8, NULL);
    made_write(inside(name), &made, "F32");
}

/* A plain BERT folder whose config.json has `more` at its end. */
static void make_bert(const char *more)
{
    begin();
    put_with("config.json", bert, more, "");
    put_weights("model.safetensors", "embeddings.word_embeddings.weight");
}

/* The same with sentence-transformers' files, pooled as this configuration says. */
static void make_sentence(const char *later_modules, const char *pooling)
{
    make_bert("");
    put_with("modules.json", modules, later_modules, "");
    put("1_Pooling/config.json", pooling);
    put("2_Dense/config.json", "{\"in_features\":8,\"out_features\":3,\"bias\":false,"
                               "\"activation_function\":\"torch.nn.modules.linear.Identity\"}");
    put_weights("2_Dense/model.safetensors", "linear.weight");
}

static void make_open_clip(const char *text, const char *model)
{
    begin();
    put_with("open_clip_config.json", open_clip, text, model);
    put_weights("open_clip_model.safetensors", "token_embedding.weight");
}

static void opens(void)
{
    assert_true(qctx_model_folder_is(home()));
    assert_status(qctx_model_folder_open(home(), &folder, &error), QCTX_OK, &error);
}

/* Refused, with a message that holds all of these. */
static void refuses(qctx_status expected, const char *file, const char *found, const char *wanted)
{
    assert_status(qctx_model_folder_open(home(), &folder, &error), expected, &error);
    assert_null(folder.path);
    assert_contains(error.message, file);
    assert_contains(error.message, found);
    assert_contains(error.message, wanted);
}

static void test_bert_is_read(void **state)
{
    (void)state;
    make_bert("");
    opens();
    assert_string_equal(folder.kind, "Hugging Face");
    assert_string_equal(qctx_architecture_name(folder.architecture), "bert");
    assert_int_equal(folder.layers, 2);
    assert_int_equal(folder.hidden, 8);
    assert_int_equal(folder.heads, 2);
    assert_int_equal(folder.intermediate, 12);
    assert_int_equal(folder.vocabulary, 5);
    assert_int_equal(folder.positions, 40);
    assert_int_equal(folder.first_position, 0);
    assert_int_equal(folder.types, 2);
    assert_int_equal(folder.function, QCTX_LINEAR_GELU_TANH);
    assert_close(folder.epsilon, 1e-6, 1e-15);
    assert_int_equal(folder.pooling, QCTX_POOL_MEAN);
    assert_int_equal(folder.max_tokens, 40);
    assert_string_equal(folder.prefix, "");
    assert_string_equal(folder.question_prompt, "");
    assert_string_equal(folder.tokenizer, home());
    assert_false(folder.open_clip_tokenizer);
    qctx_model_folder_close(&folder);
    qctx_model_folder_close(&folder);

    /* A slash at the end changes nothing, and the tokenizer may know less than the positions. */
    put("tokenizer_config.json", "{\"model_max_length\":32}");
    assert_status(qctx_model_folder_open(inside(""), &folder, &error), QCTX_OK, &error);
    assert_string_equal(folder.path, home());
    assert_int_equal(folder.max_tokens, 32);
    qctx_model_folder_close(&folder);
    put("tokenizer_config.json", "{\"model_max_length\":1000000000000000019884624838656}");
    opens();
    assert_int_equal(folder.max_tokens, 40);
    qctx_model_folder_close(&folder);
    put("tokenizer_config.json", "{\"model_max_length\":0}");
    refuses(QCTX_ERR_FORMAT, "tokenizer_config.json", "'model_max_length' is 0", "expected a number above 0");
}

/* Of BertConfig, DistilBertConfig, RobertaConfig, MPNetConfig and CLIPTextConfig in transformers 5. */
static void test_absent_keys_have_the_defaults_of_the_original(void **state)
{
    static const struct {
        const char *model_type, *tensor;
        int64_t vocabulary, hidden, layers, heads, intermediate, positions, first, types, buckets;
        qctx_linear_function function;
        double epsilon;
    } rows[] = {
        {"bert", "bert.embeddings.word_embeddings.weight", 30522, 768, 12, 12, 3072, 512, 0, 2, 0, QCTX_LINEAR_GELU,
         1e-12},
        {"distilbert", "distilbert.embeddings.word_embeddings.weight", 30522, 768, 6, 12, 3072, 512, 0, 0, 0,
         QCTX_LINEAR_GELU, 1e-12},
        {"roberta", "roberta.embeddings.word_embeddings.weight", 50265, 768, 12, 12, 3072, 512, 2, 2, 0,
         QCTX_LINEAR_GELU, 1e-12},
        {"mpnet", "mpnet.embeddings.word_embeddings.weight", 30527, 768, 12, 12, 3072, 512, 2, 0, 32, QCTX_LINEAR_GELU,
         1e-12},
        {"clip_text_model", "text_model.embeddings.token_embedding.weight", 49408, 512, 12, 8, 2048, 77, 0, 0, 0,
         QCTX_LINEAR_QUICK_GELU, 1e-5},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        begin();
        put_with("config.json", "{\"model_type\":\"%s\"}", rows[i].model_type, "");
        put_weights("model.safetensors", rows[i].tensor);
        opens();
        assert_string_equal(qctx_architecture_name(folder.architecture), rows[i].model_type);
        assert_int_equal(folder.vocabulary, rows[i].vocabulary);
        assert_int_equal(folder.hidden, rows[i].hidden);
        assert_int_equal(folder.layers, rows[i].layers);
        assert_int_equal(folder.heads, rows[i].heads);
        assert_int_equal(folder.intermediate, rows[i].intermediate);
        assert_int_equal(folder.positions, rows[i].positions);
        assert_int_equal(folder.first_position, rows[i].first);
        assert_int_equal(folder.max_tokens, rows[i].positions - rows[i].first);
        assert_int_equal(folder.types, rows[i].types);
        assert_int_equal(folder.buckets, rows[i].buckets);
        assert_int_equal(folder.function, rows[i].function);
        assert_close(folder.epsilon, rows[i].epsilon, 1e-18);
        assert_memory_equal(folder.prefix, rows[i].tensor, strlen(folder.prefix));
        assert_true(strlen(folder.prefix) > 4);
        assert_int_equal(folder.projection, 0);
        qctx_model_folder_close(&folder);
    }
}

static void test_unsupported_models_are_refused_by_name(void **state)
{
    static const struct {
        const char *more, *found, *wanted;
    } rows[] = {
        {",\"model_type\":\"xlm-roberta\"", "'model_type' is 'xlm-roberta'", "supported: bert, distilbert, roberta"},
        {",\"hidden_act\":\"silu\"", "'hidden_act' is 'silu'", "supported: gelu, gelu_new"},
        {",\"position_embedding_type\":\"relative_key\"", "is 'relative_key'", "supported: absolute"},
        {",\"is_decoder\":true", "'is_decoder' is not supported", "expected none"},
        {",\"pruned_heads\":{\"0\":[1]}", "'pruned_heads' is not supported", "expected none"},
        {",\"quantization_config\":{\"bits\":4}", "'quantization_config' is not supported", "expected none"},
        {",\"auto_map\":{\"AutoModel\":\"m.py\"}", "'auto_map' names Python code", "supported: the architectures bert"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        make_bert(rows[i].more);
        refuses(QCTX_ERR_CONFIG, "config.json", rows[i].found, rows[i].wanted);
    }
    make_bert(
        ",\"pruned_heads\":{},\"is_decoder\":false,\"position_embedding_type\":null,\"quantization_config\":null");
    opens();
    qctx_model_folder_close(&folder);
    put("adapter_config.json", "{\"peft_type\":\"LORA\"}");
    refuses(QCTX_ERR_CONFIG, "adapter_config.json", "'peft_type' is 'LORA'", "not supported");
}

static void test_values_of_configurations_are_checked(void **state)
{
    static const struct {
        const char *more, *found, *wanted;
    } rows[] = {
        {",\"hidden_size\":0", "'hidden_size' is 0", "expected an integer from 1 to 65536"},
        {",\"hidden_size\":8.0", "'hidden_size' is 8", "expected an integer"},
        {",\"hidden_size\":\"8\"", "'hidden_size' is a string", "expected an integer"},
        {",\"hidden_size\":null", "'hidden_size' is null", "expected an integer"},
        {",\"hidden_size\":99999999999999999999999", "'hidden_size' is 1e+23", "expected an integer"},
        {",\"hidden_size\":9", "'hidden_size' is 9", "expected a multiple of 'num_attention_heads', which is 2"},
        {",\"num_hidden_layers\":-1", "'num_hidden_layers' is -1", "expected an integer from 1 to 1024"},
        {",\"vocab_size\":2147483648", "'vocab_size' is 2147483648", "expected an integer from 1 to 2147483647"},
        {",\"layer_norm_eps\":0", "'layer_norm_eps' is 0", "expected a number above 0"},
        {",\"layer_norm_eps\":-1e-5", "'layer_norm_eps' is -1e-05", "expected a number above 0"},
        {",\"hidden_act\":3", "'hidden_act' is 3", "expected a string"},
        {",\"model_type\":null", "'model_type' is null", "expected a string"},
        {",\"model_type\":\"roberta\",\"pad_token_id\":39", "'max_position_embeddings' is 40", "expected more than 40"},
        {",\"model_type\":\"roberta\",\"pad_token_id\":null", "'pad_token_id' is null", "expected an integer"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        make_bert(rows[i].more);
        refuses(QCTX_ERR_FORMAT, "config.json", rows[i].found, rows[i].wanted);
    }
    make_bert(",\"model_type\":\"mpnet\",\"relative_attention_num_buckets\":16");
    refuses(QCTX_ERR_CONFIG, "config.json", "'relative_attention_num_buckets' is 16", "supported: 32");
    put("config.json", "[]");
    refuses(QCTX_ERR_FORMAT, "config.json", "found an array", "expected an object");
    put("config.json", "{");
    refuses(QCTX_ERR_FORMAT, "config.json", "not valid JSON", "");
}

static void test_folders_without_readable_weights_are_refused(void **state)
{
    (void)state;
    begin();
    assert_false(qctx_model_folder_is(home()));
    refuses(QCTX_ERR_IO, "model", "found no model", "expected a folder with modules.json");
    assert_false(qctx_model_folder_is(test_path("nowhere")));

    make_bert("");
    assert_int_equal(unlink(inside("model.safetensors")), 0);
    refuses(QCTX_ERR_IO, "model", "there is no model.safetensors", "");
    put("pytorch_model.bin", "PK");
    refuses(QCTX_ERR_CONFIG, "model", "found pytorch_model.bin", "expected model.safetensors");
    assert_contains(error.hint, "save_file");
    assert_contains(error.hint, "'model.safetensors')\"");

    put_weights("model-1.safetensors", "bert.embeddings.word_embeddings.weight");
    put("model.safetensors.index.json",
        "{\"weight_map\":{\"bert.embeddings.word_embeddings.weight\":\"model-1.safetensors\"}}");
    opens();
    assert_string_equal(folder.prefix, "bert.");
    qctx_model_folder_close(&folder);

    put_weights("model.safetensors", "embeddings.token_embedding.weight");
    refuses(QCTX_ERR_FORMAT, "model.safetensors", "tensor 'embeddings.word_embeddings.weight' is missing",
            "bert model");
    put("model.safetensors", "cut short");
    refuses(QCTX_ERR_FORMAT, "model.safetensors", "header's length", "expected at most");
}

static void test_ambiguous_and_old_names_are_refused(void **state)
{
    made_tensors made = {0};

    (void)state;
    make_bert("");
    made_add(&made, "embeddings.word_embeddings.weight", 5, 8, NULL);
    made_add(&made, "model.embeddings.word_embeddings.weight", 5, 8, NULL);
    made_write(inside("model.safetensors"), &made, "F32");
    refuses(QCTX_ERR_CONFIG, "model.safetensors", "'embeddings.word_embeddings.weight' and 'model.embeddings", "one");
    snprintf(made.items[1].name, sizeof made.items[1].name, "embeddings.LayerNorm.gamma");
    made_write(inside("model.safetensors"), &made, "F32");
    refuses(QCTX_ERR_CONFIG, "model.safetensors", "tensor 'embeddings.LayerNorm.gamma'", "expected '….weight'");
}

static void make_clip(const char *config, const char *projection)
{
    made_tensors made = {0};

    begin();
    put("config.json", config);
    made_add(&made, "text_model.embeddings.token_embedding.weight", 5, 8, NULL);
    if (projection != NULL)
        made_add(&made, projection, 8, 8, NULL);
    made_write(inside("model.safetensors"), &made, "F32");
}

static void test_clip_is_read(void **state)
{
    (void)state;
    make_clip(
        "{\"model_type\":\"clip\",\"projection_dim\":7,\"text_config\":{\"hidden_size\":8,\"num_attention_heads\":4,"
        "\"hidden_act\":\"gelu\",\"eos_token_id\":2,\"projection_dim\":512}}",
        "text_projection.weight");
    opens();
    assert_int_equal(folder.architecture, QCTX_CLIP_TEXT);
    assert_int_equal(folder.hidden, 8);
    assert_int_equal(folder.projection, 7);
    assert_int_equal(folder.end_of_text, -1);
    assert_int_equal(folder.pooling, QCTX_POOL_END_OF_TEXT);
    assert_int_equal(folder.function, QCTX_LINEAR_GELU);
    assert_int_equal(folder.max_tokens, 77);
    assert_string_equal(folder.prefix, "text_model.");
    qctx_model_folder_close(&folder);

    /* The older key replaces the newer one, defaults included. */
    make_clip("{\"model_type\":\"clip\",\"text_config\":{\"hidden_size\":8,\"layer_norm_eps\":1e-3},"
              "\"text_config_dict\":{\"hidden_size\":16,\"eos_token_id\":4}}",
              "text_projection.weight");
    opens();
    assert_int_equal(folder.hidden, 16);
    assert_int_equal(folder.projection, 512);
    assert_int_equal(folder.end_of_text, 4);
    assert_close(folder.epsilon, 1e-5, 1e-12);
    qctx_model_folder_close(&folder);

    make_clip("{\"model_type\":\"clip_text_model\",\"projection_dim\":6}", "text_projection.weight");
    opens();
    assert_int_equal(folder.projection, 6);
    assert_int_equal(folder.end_of_text, 49407);
    qctx_model_folder_close(&folder);
    make_clip("{\"model_type\":\"clip_text_model\",\"projection_dim\":6}", NULL);
    opens();
    assert_int_equal(folder.projection, 0);
    qctx_model_folder_close(&folder);
    make_clip("{\"model_type\":\"clip_text_model\",\"eos_token_id\":[1,2]}", NULL);
    refuses(QCTX_ERR_FORMAT, "config.json", "'eos_token_id' is an array", "expected an integer");
    make_clip("{\"model_type\":\"clip\",\"text_config\":[]}", NULL);
    refuses(QCTX_ERR_FORMAT, "config.json", "'text_config' is an array", "expected an object");
}

static void test_open_clip_is_read(void **state)
{
    (void)state;
    make_open_clip("", "");
    opens();
    assert_string_equal(folder.kind, "OpenCLIP");
    assert_int_equal(folder.architecture, QCTX_OPEN_CLIP);
    assert_int_equal(folder.hidden, 8);
    assert_int_equal(folder.intermediate, 32);
    assert_int_equal(folder.layers, 3);
    assert_int_equal(folder.projection, 6);
    assert_int_equal(folder.end_of_text, -1);
    assert_int_equal(folder.max_tokens, 20);
    assert_int_equal(folder.function, QCTX_LINEAR_GELU);
    assert_close(folder.epsilon, 1e-5, 1e-12);
    assert_true(folder.open_clip_tokenizer);
    qctx_model_folder_close(&folder);

    make_open_clip(
        ",\"mlp_ratio\":2.5,\"pool_type\":\"eos\",\"eos_id\":3,\"proj_type\":\"none\",\"ls_init_value\":null",
        ",\"quick_gelu\":true,\"custom_text\":true");
    put_weights("open_clip_model.safetensors", "text.token_embedding.weight");
    opens();
    assert_string_equal(folder.prefix, "text.");
    assert_int_equal(folder.intermediate, 20);
    assert_int_equal(folder.projection, 0);
    assert_int_equal(folder.end_of_text, 3);
    assert_int_equal(folder.function, QCTX_LINEAR_QUICK_GELU);
    qctx_model_folder_close(&folder);

    make_open_clip(",\"pool_type\":\"first\"", "");
    opens();
    assert_int_equal(folder.pooling, QCTX_POOL_CLS);
    qctx_model_folder_close(&folder);

    /* Beside the same model in the other form, its weights decide. */
    put_with("config.json", bert, "", "");
    opens();
    assert_string_equal(folder.kind, "OpenCLIP");
    qctx_model_folder_close(&folder);
    assert_int_equal(unlink(inside("open_clip_model.safetensors")), 0);
    put_weights("model.safetensors", "embeddings.word_embeddings.weight");
    opens();
    assert_string_equal(folder.kind, "Hugging Face");
    qctx_model_folder_close(&folder);
}

static void test_unsupported_open_clip_towers_are_refused_by_name(void **state)
{
    static const struct {
        const char *text, *model, *found, *wanted;
    } rows[] = {
        {",\"hf_model_name\":\"xlm-roberta-base\"", "", "'hf_model_name' is 'xlm-roberta-base'", "not supported"},
        {",\"hf_tokenizer_name\":\"t5-base\"", "", "'hf_tokenizer_name' is 't5-base'", "not supported"},
        {",\"tokenizer_kwargs\":{\"clean\":\"canonicalize\"}", "", "'tokenizer_kwargs' is not supported", "none"},
        {",\"no_causal_mask\":true", "", "'no_causal_mask' is not supported", "none"},
        {",\"embed_cls\":true", "", "'embed_cls' is not supported", "none"},
        {",\"ls_init_value\":0.1", "", "'ls_init_value' is not supported", "none"},
        {",\"proj_bias\":true", "", "'proj_bias' is not supported", "none"},
        {",\"proj_type\":\"mlp\"", "", "'proj_type' is 'mlp'", "supported: linear, none"},
        {",\"act_kwargs\":{\"approximate\":\"tanh\"}", "", "'act_kwargs' is not supported", "none"},
        {",\"norm_kwargs\":{\"eps\":1e-6}", "", "'norm_kwargs' is not supported", "none"},
        {",\"pool_type\":\"last\"", "", "'pool_type' is 'last'", "supported: argmax, eos, first"},
        {",\"qk_norm\":true", "", "'qk_norm' is not supported", "none"},
        {",\"block_type\":\"custom\"", "", "'block_type' is 'custom'", "supported: default"},
        {",\"new_idea\":1", "", "'text_cfg' has the unknown key 'new_idea'", ""},
        {"", ",\"multimodal_cfg\":{\"width\":8}", "'multimodal_cfg' is not supported", "none"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        make_open_clip(rows[i].text, rows[i].model);
        refuses(QCTX_ERR_CONFIG, "open_clip_config.json", rows[i].found, rows[i].wanted);
    }
    make_open_clip(",\"heads\":3", "");
    refuses(QCTX_ERR_FORMAT, "open_clip_config.json", "'width' is 8", "expected a multiple of 'heads', which is 3");
    make_open_clip(",\"mlp_ratio\":1e9", "");
    refuses(QCTX_ERR_FORMAT, "open_clip_config.json", "'mlp_ratio' is 1e+09", "expected one that");
    make_open_clip("", ",\"embed_dim\":null");
    refuses(QCTX_ERR_FORMAT, "open_clip_config.json", "'embed_dim' is null", "expected an integer");
    put("open_clip_config.json", "{}");
    refuses(QCTX_ERR_FORMAT, "open_clip_config.json", "'model_cfg' is missing", "expected an object");
    make_open_clip("", "");
    assert_int_equal(unlink(inside("open_clip_model.safetensors")), 0);
    put("open_clip_pytorch_model.bin", "PK");
    refuses(QCTX_ERR_CONFIG, "model", "found open_clip_pytorch_model.bin", "expected open_clip_model.safetensors");
}

static void test_sentence_transformers_are_read(void **state)
{
    (void)state;
    make_sentence(new_dense, "{\"word_embedding_dimension\":8,\"pooling_mode_cls_token\":true}");
    put("sentence_bert_config.json", "{\"max_seq_length\":24,\"do_lower_case\":false}");
    put("tokenizer_config.json", "{\"model_max_length\":16}");
    put("config_sentence_transformers.json",
        "{\"prompts\":{\"query\":\"ask: \",\"passage\":\"read: \"},\"default_prompt_name\":null}");
    opens();
    assert_string_equal(folder.kind, "sentence-transformers");
    assert_int_equal(folder.pooling, QCTX_POOL_CLS);
    assert_int_equal(folder.max_tokens, 24);
    assert_string_equal(folder.question_prompt, "ask: ");
    assert_string_equal(folder.context_prompt, "read: ");
    assert_int_equal(folder.dense_count, 1);
    assert_int_equal(folder.dense[0].input, 8);
    assert_int_equal(folder.dense[0].output, 3);
    assert_false(folder.dense[0].bias);
    assert_int_equal(folder.dense[0].function, QCTX_LINEAR_IDENTITY);
    assert_non_null(qctx_safetensors_find(folder.dense[0].tensors, "linear.weight"));
    qctx_model_folder_close(&folder);

    put("sentence_bert_config.json", "{\"max_seq_length\":512}");
    opens();
    assert_int_equal(folder.max_tokens, 40);
    qctx_model_folder_close(&folder);
    put("sentence_bert_config.json", "{\"max_seq_length\":0}");
    refuses(QCTX_ERR_FORMAT, "sentence_bert_config.json", "'max_seq_length' is 0", "expected an integer from 1");

    /* As version 6 writes them; the length is the tokenizer's then. */
    put("sentence_bert_config.json",
        "{\"transformer_task\":\"feature-extraction\",\"modality_config\":{\"text\":{\"method\":\"forward\","
        "\"method_output_name\":\"last_hidden_state\"}},\"module_output_name\":\"token_embeddings\"}");
    opens();
    assert_int_equal(folder.max_tokens, 16);
    qctx_model_folder_close(&folder);
}

static void test_the_transformer_may_have_a_folder_of_its_own(void **state)
{
    (void)state;
    begin();
    put("modules.json", "[{\"path\":\"2_Dense\",\"type\":\"sentence_transformers.models.Transformer\"},"
                        "{\"path\":\"1_Pooling\",\"type\":\"sentence_transformers.models.Pooling\"}]");
    put_with("2_Dense/config.json", bert, "", "");
    put_weights("2_Dense/model.safetensors", "embeddings.word_embeddings.weight");
    put("2_Dense/sentence_roberta_config.json", "{\"max_seq_length\":11}");
    put("1_Pooling/config.json", "{}");
    opens();
    assert_string_equal(folder.tokenizer, inside("2_Dense"));
    assert_int_equal(folder.max_tokens, 11);
    assert_int_equal(folder.pooling, QCTX_POOL_MEAN);
    qctx_model_folder_close(&folder);
}

static void test_poolings_are_read(void **state)
{
    static const struct {
        const char *config;
        unsigned pooling;
    } rows[] = {
        {"{\"pooling_mode_cls_token\":true,\"pooling_mode_mean_tokens\":false}", QCTX_POOL_CLS},
        {"{\"pooling_mode_mean_tokens\":true,\"pooling_mode_cls_token\":true,\"pooling_mode_max_tokens\":true}",
         QCTX_POOL_CLS | QCTX_POOL_MAX | QCTX_POOL_MEAN},
        {"{\"pooling_mode_lasttoken\":true}", QCTX_POOL_LAST},
        {"{\"pooling_mode_cls_token\":false}", QCTX_POOL_MEAN},
        {"{\"embedding_dimension\":8,\"pooling_mode\":\"max\"}", QCTX_POOL_MAX},
        {"{\"pooling_mode\":[\"cls\",\"mean\",\"lasttoken\"],\"include_prompt\":true}",
         QCTX_POOL_CLS | QCTX_POOL_MEAN | QCTX_POOL_LAST},
    };
    static const struct {
        const char *config, *found;
        qctx_status status;
    } bad[] = {
        {"{\"pooling_mode_mean_sqrt_len_tokens\":true}", "is 'mean_sqrt_len_tokens', which", QCTX_ERR_CONFIG},
        {"{\"pooling_mode_weightedmean_tokens\":true}", "is 'weightedmean', which", QCTX_ERR_CONFIG},
        {"{\"pooling_mode\":\"attention\"}", "'pooling_mode' is 'attention'", QCTX_ERR_CONFIG},
        {"{\"pooling_mode\":[\"mean\",\"cls\"]}", "'pooling_mode' is 'cls'", QCTX_ERR_CONFIG},
        {"{\"pooling_mode\":[\"mean\",\"mean\"]}", "'pooling_mode' is 'mean'", QCTX_ERR_CONFIG},
        {"{\"pooling_mode\":[]}", "'pooling_mode' is empty", QCTX_ERR_FORMAT},
        {"{\"pooling_mode\":[1]}", "'pooling_mode' holds an integer", QCTX_ERR_FORMAT},
        {"{\"pooling_mode\":null}", "'pooling_mode' is null", QCTX_ERR_FORMAT},
        {"{\"pooling_mode_cls_token\":1}", "'pooling_mode_cls_token' is 1", QCTX_ERR_FORMAT},
        {"{\"word_embedding_dimension\":9}", "'word_embedding_dimension' is 9", QCTX_ERR_FORMAT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        make_sentence("", rows[i].config);
        opens();
        assert_int_equal(folder.pooling, rows[i].pooling);
        qctx_model_folder_close(&folder);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        make_sentence("", bad[i].config);
        refuses(bad[i].status, "1_Pooling/config.json", bad[i].found,
                bad[i].status == QCTX_ERR_CONFIG ? "supported: cls" : "expected");
    }
}

static void test_prompts_are_read(void **state)
{
    static const struct {
        const char *config, *question, *context;
    } rows[] = {
        {"{}", "", ""},
        {"{\"prompts\":{\"query\":\"q \",\"corpus\":\"c \",\"document\":\"d \"}}", "q ", "d "},
        {"{\"prompts\":{\"query\":\"q \",\"s\":\"s \"},\"default_prompt_name\":\"s\"}", "q ", ""},
        {"{\"prompts\":{\"s\":\"s \"},\"default_prompt_name\":\"s\"}", "s ", "s "},
        {"{\"prompts\":{\"s\":\"s \"},\"default_prompt_name\":null}", "", ""},
        {"{\"prompts\":{\"query\":null,\"document\":\"d \"}}", "", "d "},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        make_sentence("", "{}");
        put("config_sentence_transformers.json", rows[i].config);
        opens();
        assert_string_equal(folder.question_prompt, rows[i].question);
        assert_string_equal(folder.context_prompt, rows[i].context);
        qctx_model_folder_close(&folder);
    }
    put("config_sentence_transformers.json", "{\"prompts\":{\"s\":\"s \"},\"default_prompt_name\":\"t\"}");
    refuses(QCTX_ERR_FORMAT, "config_sentence_transformers.json", "'t' is missing", "expected a string");
    put("config_sentence_transformers.json", "{\"prompts\":{\"query\":1}}");
    refuses(QCTX_ERR_FORMAT, "config_sentence_transformers.json", "'query' is 1", "expected a string");
    put("config_sentence_transformers.json", "{\"model_type\":\"SparseEncoder\"}");
    refuses(QCTX_ERR_CONFIG, "config_sentence_transformers.json", "is 'SparseEncoder'",
            "supported: SentenceTransformer");
    put("config_sentence_transformers.json", "{\"truncate_dim\":4}");
    refuses(QCTX_ERR_CONFIG, "config_sentence_transformers.json", "'truncate_dim' is not supported", "expected none");
    put("config_sentence_transformers.json", "{\"prompts\":{\"query\":\"q \"}}");
    put("1_Pooling/config.json", "{\"include_prompt\":false}");
    refuses(QCTX_ERR_CONFIG, "modules.json", "'include_prompt'", "supported: true");
    put("config_sentence_transformers.json", "{}");
    opens();
    qctx_model_folder_close(&folder);
}

static void test_unsupported_modules_are_refused_by_name(void **state)
{
    static const struct {
        const char *list, *found, *wanted;
    } rows[] = {
        {"[{\"path\":\"\",\"type\":\"sentence_transformers.models.StaticEmbedding\"}]",
         "module 0 is 'sentence_transformers.models.StaticEmbedding'", "supported: modules of sentence_transformers"},
        {"[{\"path\":\"\",\"type\":\"custom_st.Transformer\"}]", "module 0 is 'custom_st.Transformer'", "supported"},
        {"[{\"path\":\"\",\"type\":\"sentence_transformers.models.Transformer\"},"
         "{\"path\":\"1_CNN\",\"type\":\"sentence_transformers.models.CNN\"}]",
         "module 1 is 'sentence_transformers.models.CNN'", "supported: modules"},
        {"[{\"path\":\"\",\"type\":\"sentence_transformers.models.Transformer\"},"
         "{\"path\":\"\",\"type\":\"sentence_transformers.models.Transformer\"}]",
         "module 1 is 'sentence_transformers.models.Transformer'", "Transformer first"},
        {"[{\"path\":\"\",\"type\":\"sentence_transformers.models.Transformer\"}]", "no Pooling", "expected one"},
        {"[{\"path\":\"\",\"type\":\"sentence_transformers.models.Transformer\"},"
         "{\"path\":\"2_Dense\",\"type\":\"sentence_transformers.models.Dense\"}]",
         "'Dense' is not supported there", "expected behind Pooling"},
        {"[{\"path\":\"\",\"type\":\"sentence_transformers.models.Transformer\"},"
         "{\"path\":\"\",\"type\":\"sentence_transformers.models.Normalize\"}]",
         "'Normalize' is not supported there", "expected behind Pooling"},
        {"[{\"path\":\"\",\"type\":\"sentence_transformers.models.Transformer\"},"
         "{\"path\":\"1_Pooling\",\"type\":\"sentence_transformers.models.Pooling\"},"
         "{\"path\":\"\",\"type\":\"sentence_transformers.models.Normalize\"},"
         "{\"path\":\"2_Dense\",\"type\":\"sentence_transformers.models.Dense\"}]",
         "'Dense' is not supported there", "before Normalize"},
        {"[{\"path\":\"\",\"type\":\"sentence_transformers.models.Transformer\"},"
         "{\"path\":\"1_Pooling\",\"type\":\"sentence_transformers.models.Pooling\"},"
         "{\"path\":\"1_Pooling\",\"type\":\"sentence_transformers.models.Pooling\"}]",
         "'Pooling' is not supported there", "one vector per text already"},
    };
    static const struct {
        const char *list, *found;
    } bad[] = {
        {"{}", "found an object"},
        {"[]", "found an empty array"},
        {"[1]", "found an integer"},
        {"[{\"path\":\"\"}]", "the key 'type' is missing"},
        {"[{\"path\":1,\"type\":\"sentence_transformers.models.Transformer\"}]", "'path' is an integer"},
        {"[{\"path\":\"..\",\"type\":\"sentence_transformers.models.Transformer\"}]", "'path' is '..'"},
        {"[{\"path\":\"/etc\",\"type\":\"sentence_transformers.models.Transformer\"}]", "'path' is '/etc'"},
    };

    (void)state;
    make_sentence("", "{}");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        put("modules.json", rows[i].list);
        refuses(QCTX_ERR_CONFIG, "modules.json", rows[i].found, rows[i].wanted);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        put("modules.json", bad[i].list);
        refuses(QCTX_ERR_FORMAT, "modules.json", bad[i].found, "expected");
    }
}

static void test_settings_that_are_not_followed_are_refused(void **state)
{
    static const struct {
        const char *config, *found;
    } rows[] = {
        {"{\"do_lower_case\":true}", "'do_lower_case' is true"},
        {"{\"transformer_task\":\"fill-mask\"}", "'transformer_task' is 'fill-mask'"},
        {"{\"modality_config\":{\"text\":{\"method_output_name\":\"pooler_output\"}}}", "is 'pooler_output'"},
        {"{\"query_length\":32}", "'query_length' is not supported"},
        {"{\"processing_kwargs\":{\"text\":{\"padding\":\"max_length\"}}}", "'processing_kwargs' is not supported"},
    };

    (void)state;
    make_sentence("", "{}");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        put("sentence_bert_config.json", rows[i].config);
        refuses(QCTX_ERR_CONFIG, "sentence_bert_config.json", rows[i].found, "");
    }
    put("sentence_bert_config.json", rows[0].config);
    put("tokenizer_config.json", "{\"do_lower_case\":true}");
    opens();
    qctx_model_folder_close(&folder);
}

static void test_dense_modules_are_checked(void **state)
{
    static const struct {
        const char *config, *found;
        qctx_status status;
    } rows[] = {
        {"{}", "'in_features' is missing, expected an integer", QCTX_ERR_FORMAT},
        {"{\"in_features\":9,\"out_features\":3}", "'in_features' is 9, expected 8", QCTX_ERR_FORMAT},
        {"{\"in_features\":8,\"out_features\":-3}", "'out_features' is -3, expected an integer", QCTX_ERR_FORMAT},
        {"{\"in_features\":8,\"out_features\":3,\"activation_function\":\"torch.nn.modules.activation.SiLU\"}",
         "is 'torch.nn.modules.activation.SiLU', which is not supported; supported: torch.nn", QCTX_ERR_CONFIG},
        {"{\"in_features\":8,\"out_features\":3,\"module_input_name\":\"token_embeddings\"}",
         "'module_input_name' is 'token_embeddings'", QCTX_ERR_CONFIG},
        {"{\"in_features\":8,\"out_features\":3,\"use_residual\":true}", "'use_residual' is not supported",
         QCTX_ERR_CONFIG},
    };

    (void)state;
    make_sentence(new_dense, "{}");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        put("2_Dense/config.json", rows[i].config);
        refuses(rows[i].status, "2_Dense/config.json", rows[i].found, "");
    }
    put("2_Dense/config.json", "{\"in_features\":8,\"out_features\":3}");
    opens();
    assert_true(folder.dense[0].bias);
    assert_int_equal(folder.dense[0].function, QCTX_LINEAR_TANH);
    qctx_model_folder_close(&folder);
    assert_int_equal(unlink(inside("2_Dense/model.safetensors")), 0);
    put("2_Dense/pytorch_model.bin", "PK");
    refuses(QCTX_ERR_CONFIG, "2_Dense", "found pytorch_model.bin", "expected model.safetensors");
}

static uint64_t hash_of(void)
{
    uint64_t hash;

    opens();
    assert_status(qctx_model_folder_hash(&folder, &hash, &error), QCTX_OK, &error);
    qctx_model_folder_close(&folder);
    return hash;
}

static void test_the_hash_is_that_of_what_decides_vectors(void **state)
{
    made_tensors made = {0};
    uint64_t first;

    (void)state;
    make_sentence("", "{}");
    first = hash_of();
    assert_true(first == hash_of());
    put("config_sentence_transformers.json", "{\"prompts\":{\"query\":\"q \"}}");
    assert_true(first == hash_of());
    put("1_Pooling/config.json", "{\"pooling_mode_cls_token\":true}");
    assert_true(first != hash_of());
    put("1_Pooling/config.json", "{}");
    put("sentence_bert_config.json", "{\"max_seq_length\":12}");
    assert_true(first != hash_of());
    put("sentence_bert_config.json", "{}");
    made_add(&made, "embeddings.word_embeddings.weight", 5, 8, NULL);
    made_add(&made, "vision_model.patch", 5, 8, NULL);
    made_write(inside("model.safetensors"), &made, "F32");
    assert_true(first == hash_of());
    made_write(inside("model.safetensors"), &made, "BF16");
    assert_true(first != hash_of());
    put_with("modules.json", modules, new_dense, "");
    put_weights("model.safetensors", "embeddings.word_embeddings.weight");
    assert_true(first != hash_of());
}

static void test_poolings_have_names(void **state)
{
    static const char *const names[] = {"cls", "max", "mean", "last", "end_of_text", "cls+max+mean", "mean+last"};
    static const char *const bad[] = {"", "avg", "mean+", "+mean", "mean+cls", "mean+mean", "mean,max", "Mean"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        unsigned pooling;
        char *name;

        assert_status(qctx_pooling_parse(names[i], &pooling, &error), QCTX_OK, &error);
        name = qctx_pooling_name(pooling, &error);
        assert_string_equal(name, names[i]);
        free(name);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        unsigned pooling;

        assert_status(qctx_pooling_parse(bad[i], &pooling, &error), QCTX_ERR_CONFIG, &error);
        assert_contains(error.message, bad[i]);
        assert_contains(error.message, "cls, max, mean, last, end_of_text");
        assert_int_equal(pooling, 0);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_bert_is_read),
    cmocka_unit_test(test_absent_keys_have_the_defaults_of_the_original),
    cmocka_unit_test(test_unsupported_models_are_refused_by_name),
    cmocka_unit_test(test_values_of_configurations_are_checked),
    cmocka_unit_test(test_folders_without_readable_weights_are_refused),
    cmocka_unit_test(test_ambiguous_and_old_names_are_refused),
    cmocka_unit_test(test_clip_is_read),
    cmocka_unit_test(test_open_clip_is_read),
    cmocka_unit_test(test_unsupported_open_clip_towers_are_refused_by_name),
    cmocka_unit_test(test_sentence_transformers_are_read),
    cmocka_unit_test(test_the_transformer_may_have_a_folder_of_its_own),
    cmocka_unit_test(test_poolings_are_read),
    cmocka_unit_test(test_prompts_are_read),
    cmocka_unit_test(test_unsupported_modules_are_refused_by_name),
    cmocka_unit_test(test_settings_that_are_not_followed_are_refused),
    cmocka_unit_test(test_dense_modules_are_checked),
    cmocka_unit_test(test_the_hash_is_that_of_what_decides_vectors),
    cmocka_unit_test(test_poolings_have_names),
};
TEST_MAIN(tests)
