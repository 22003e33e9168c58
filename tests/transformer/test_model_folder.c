/* ranks: 1 */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "made_folder.h"
#include "qctx/base/fileio.h"

static qctx_error error;

static void test_bert_is_read(void **state)
{
    (void)state;
    make_bert("");
    opens();
    assert_string_equal(folder.kind, "Hugging Face");
    assert_string_equal(qctx_architecture_names[folder.architecture], "bert");
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
        assert_string_equal(qctx_architecture_names[folder.architecture], rows[i].model_type);
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
    assert_contains(refusal.hint, "save_file");
    assert_contains(refusal.hint, "'model.safetensors')\"");

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

static void test_two_models_in_one_file_are_refused(void **state)
{
    made_tensors made = {0};

    (void)state;
    make_bert("");
    made_add(&made, "embeddings.word_embeddings.weight", 5, 8, NULL);
    made_add(&made, "model.embeddings.word_embeddings.weight", 5, 8, NULL);
    made_write(inside("model.safetensors"), &made, "F32");
    refuses(QCTX_ERR_CONFIG, "model.safetensors", "'embeddings.word_embeddings.weight' and 'model.embeddings", "one");
}

static void test_norms_named_before_2019_are_left_to_the_transformer(void **state)
{
    made_tensors made = {0};

    (void)state;
    make_bert("");
    made_add(&made, "bert.embeddings.word_embeddings.weight", 5, 8, NULL);
    made_add(&made, "bert.embeddings.LayerNorm.gamma", 8, 0, NULL);
    made_write(inside("model.safetensors"), &made, "F32");
    opens();
    assert_string_equal(folder.prefix, "bert.");
    qctx_model_folder_close(&folder);
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

static uint64_t hash_of(void)
{
    uint64_t hash;

    opens();
    hash = qctx_model_folder_hash(&folder);
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
    put_with("modules.json", made_modules, made_new_dense, "");
    put_weights("model.safetensors", "embeddings.word_embeddings.weight");
    assert_true(first != hash_of());
}

static void test_poolings_have_names(void **state)
{
    static const struct {
        const char *name;
        unsigned pooling;
    } known[] = {
        {"cls", QCTX_POOL_CLS},
        {"max", QCTX_POOL_MAX},
        {"mean", QCTX_POOL_MEAN},
        {"last", QCTX_POOL_LAST},
        {"end_of_text", QCTX_POOL_END_OF_TEXT},
        {"cls+max+mean", QCTX_POOL_CLS | QCTX_POOL_MAX | QCTX_POOL_MEAN},
        {"mean+last", QCTX_POOL_MEAN | QCTX_POOL_LAST},
        {"mean+mean_sqrt_len+weightedmean+last",
         QCTX_POOL_MEAN | QCTX_POOL_MEAN_SQRT_LEN | QCTX_POOL_WEIGHTED_MEAN | QCTX_POOL_LAST},
    };
    static const char *const bad[] = {"",         "avg", "mean+", "+mean", "mean+cls", "mean+mean", "last+weightedmean",
                                      "mean,max", "Mean"};

    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        unsigned pooling;

        assert_status(qctx_pooling_parse(known[i].name, &pooling, &error), QCTX_OK, &error);
        assert_int_equal(pooling, known[i].pooling);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        unsigned pooling;

        assert_status(qctx_pooling_parse(bad[i], &pooling, &error), QCTX_ERR_CONFIG, &error);
        assert_contains(error.message, bad[i]);
        assert_contains(error.message, "cls, max, mean, mean_sqrt_len, weightedmean, last, end_of_text");
        assert_int_equal(pooling, 0);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_bert_is_read),
    cmocka_unit_test(test_absent_keys_have_the_defaults_of_the_original),
    cmocka_unit_test(test_unsupported_models_are_refused_by_name),
    cmocka_unit_test(test_values_of_configurations_are_checked),
    cmocka_unit_test(test_folders_without_readable_weights_are_refused),
    cmocka_unit_test(test_two_models_in_one_file_are_refused),
    cmocka_unit_test(test_norms_named_before_2019_are_left_to_the_transformer),
    cmocka_unit_test(test_clip_is_read),
    cmocka_unit_test(test_the_hash_is_that_of_what_decides_vectors),
    cmocka_unit_test(test_poolings_have_names),
};
TEST_MAIN(tests)
