/* ranks: 1 */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "made_folder.h"
#include "qctx/base/fileio.h"

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
    put_with("config.json", made_bert, "", "");
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
    make_sentence(made_new_dense, "{\"word_embedding_dimension\":8,\"pooling_mode_cls_token\":true}");
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

    put("sentence_bert_config.json", "{}");
    put("sentence_xlnet_config.json", "{\"max_seq_length\":9}");
    put("tokenizer_config.json", "{\"max_len\":12}");
    opens();
    assert_int_equal(folder.max_tokens, 9);
    qctx_model_folder_close(&folder);
    put("sentence_xlnet_config.json", "{}");
    opens();
    assert_int_equal(folder.max_tokens, 12);
    qctx_model_folder_close(&folder);
    put("tokenizer_config.json", "{\"model_max_length\":16}");

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
    put_with("2_Dense/config.json", made_bert, "", "");
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
        {"{\"pooling_mode_mean_sqrt_len_tokens\":true}", QCTX_POOL_MEAN_SQRT_LEN},
        {"{\"pooling_mode_weightedmean_tokens\":true,\"pooling_mode_lasttoken\":true}",
         QCTX_POOL_WEIGHTED_MEAN | QCTX_POOL_LAST},
        {"{\"pooling_mode\":[\"mean\",\"mean_sqrt_len_tokens\",\"lasttoken\"]}",
         QCTX_POOL_MEAN | QCTX_POOL_MEAN_SQRT_LEN | QCTX_POOL_LAST},
        {"{\"pooling_mode_cls_token\":false}", QCTX_POOL_MEAN},
        {"{\"embedding_dimension\":8,\"pooling_mode\":\"max\"}", QCTX_POOL_MAX},
        {"{\"pooling_mode\":[\"cls\",\"mean\",\"lasttoken\"],\"include_prompt\":true}",
         QCTX_POOL_CLS | QCTX_POOL_MEAN | QCTX_POOL_LAST},
    };
    static const struct {
        const char *config, *found;
        qctx_status status;
    } bad[] = {
        {"{\"pooling_mode\":[\"lasttoken\",\"weightedmean\"]}", "'pooling_mode' is 'weightedmean'", QCTX_ERR_CONFIG},
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
        {"{\"transformer_task\":\"fill-mask\"}", "'transformer_task' is 'fill-mask'"},
        {"{\"modality_config\":{\"text\":{\"method_output_name\":\"pooler_output\"}}}", "is 'pooler_output'"},
        {"{\"query_length\":32}", "'query_length' is not supported"},
        {"{\"tokenizer_name_or_path\":\"other\"}", "'tokenizer_name_or_path' is 'other'"},
        {"{\"model_args\":{\"torch_dtype\":\"float16\",\"variant\":\"x\"}}", "'model_args' holds 'variant'"},
        {"{\"tokenizer_args\":{\"truncation_side\":\"left\"}}", "'tokenizer_args' holds 'truncation_side'"},
        {"{\"config_kwargs\":{\"num_hidden_layers\":1}}", "'config_kwargs' holds 'num_hidden_layers'"},
        {"{\"modality_config\":{\"message\":{}}}", "'modality_config' is 'message'"},
        {"{\"max_seq_len\":24}", "the key 'max_seq_len' is unknown"},
        {"{\"processing_kwargs\":{\"text\":{\"padding\":\"max_length\"}}}", "'processing_kwargs' is not supported"},
    };

    (void)state;
    make_sentence("", "{}");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        put("sentence_bert_config.json", rows[i].config);
        refuses(QCTX_ERR_CONFIG, "sentence_bert_config.json", rows[i].found, "");
    }
    put("sentence_bert_config.json", "{\"do_lower_case\":true,\"model_args\":{\"torch_dtype\":\"float16\"},\"tokenizer_"
                                     "args\":{},\"unpad_inputs\":true,"
                                     "\"config_args\":null,\"tokenizer_name_or_path\":null}");
    opens();
    assert_true(folder.lowercase);
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
    make_sentence(made_new_dense, "{}");
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

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_open_clip_is_read),
    cmocka_unit_test(test_unsupported_open_clip_towers_are_refused_by_name),
    cmocka_unit_test(test_sentence_transformers_are_read),
    cmocka_unit_test(test_the_transformer_may_have_a_folder_of_its_own),
    cmocka_unit_test(test_poolings_are_read),
    cmocka_unit_test(test_prompts_are_read),
    cmocka_unit_test(test_unsupported_modules_are_refused_by_name),
    cmocka_unit_test(test_settings_that_are_not_followed_are_refused),
    cmocka_unit_test(test_dense_modules_are_checked),
};
TEST_MAIN(tests)
