#include "seeds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "made_safetensors.h"
#include "qctx/base/fileio.h"
#include "seeds_binary.h"

typedef struct {
    const char *folder, *name, *text;
} fuzz_seed;

static const fuzz_seed fuzz_seeds[] = {
    {"model/bert", "config.json",
     "{\"model_type\":\"bert\",\"hidden_size\":4,\"num_hidden_layers\":1,\"num_attention_heads\":2,"
     "\"intermediate_size\":4,\"vocab_size\":5,\"max_position_embeddings\":8,\"hidden_act\":\"gelu\","
     "\"layer_norm_eps\":1e-6,\"type_vocab_size\":2,\"pad_token_id\":0,\"position_embedding_type\":\"absolute\"}"},
    {"model/bert", "modules.json",
     "[{\"path\":\"\",\"type\":\"sentence_transformers.models.Transformer\"},"
     "{\"path\":\"1_Pooling\",\"type\":\"sentence_transformers.models.Pooling\"},"
     "{\"path\":\"2_Dense\",\"type\":\"sentence_transformers.models.Dense\"},"
     "{\"path\":\"\",\"type\":\"sentence_transformers.models.Normalize\"}]"},
    {"model/bert", "1_Pooling/config.json",
     "{\"word_embedding_dimension\":4,\"pooling_mode_cls_token\":true,\"pooling_mode_mean_tokens\":true,"
     "\"include_prompt\":true}"},
    {"model/bert", "2_Dense/config.json",
     "{\"in_features\":8,\"out_features\":3,\"bias\":true,\"activation_function\":"
     "\"torch.nn.modules.activation.Tanh\"}"},
    {"model/bert", "config_sentence_transformers.json",
     "{\"prompts\":{\"query\":\"q\",\"passage\":\"p\"},\"default_prompt_name\":\"query\"}"},
    {"model/bert", "sentence_bert_config.json", "{\"max_seq_length\":6,\"do_lower_case\":false}"},
    {"model/clip_text", "config.json", "{\"model_type\":\"clip_text_model\"}"},
    {"model/clip", "config.json",
     "{\"model_type\":\"clip\",\"projection_dim\":3,\"text_config\":{\"hidden_size\":4,\"num_hidden_layers\":1,"
     "\"num_attention_heads\":1,\"intermediate_size\":4,\"vocab_size\":5,\"max_position_embeddings\":8,"
     "\"eos_token_id\":4}}"},
    {"model/open_clip", "open_clip_config.json",
     "{\"model_cfg\":{\"embed_dim\":3,\"quick_gelu\":true,\"text_cfg\":{\"context_length\":8,\"vocab_size\":5,"
     "\"width\":4,\"heads\":2,\"layers\":1,\"mlp_ratio\":1,\"pool_type\":\"eos\",\"eos_id\":4}}}"},
    {"model/shards", "model.safetensors.index.json",
     "{\"metadata\":{},\"weight_map\":{\"a\":\"one.safetensors\",\"b\":\"two.safetensors\"}}"},
    {"tokenizer/wordpiece", "tokenizer.json",
     "{\"added_tokens\":[{\"id\":0,\"content\":\"[UNK]\",\"special\":true},{\"id\":1,\"content\":\"[CLS]\","
     "\"special\":true},{\"id\":2,\"content\":\"[SEP]\",\"special\":true}],\"normalizer\":{\"type\":\"BertNormalizer\","
     "\"clean_text\":true,\"handle_chinese_chars\":true,\"strip_accents\":null,\"lowercase\":true},\"pre_tokenizer\":"
     "{\"type\":\"BertPreTokenizer\"},\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{"
     "\"SpecialToken\":"
     "{\"id\":\"[CLS]\",\"type_id\":0}},{\"Sequence\":{\"id\":\"A\",\"type_id\":0}},{\"SpecialToken\":{\"id\":"
     "\"[SEP]\",\"type_id\":0}}],\"pair\":[],\"special_tokens\":{\"[CLS]\":{\"id\":\"[CLS]\",\"ids\":[1],\"tokens\":"
     "[\"[CLS]\"]},\"[SEP]\":{\"id\":\"[SEP]\",\"ids\":[2],\"tokens\":[\"[SEP]\"]}}},\"model\":{\"type\":\"WordPiece\","
     "\"unk_token\":\"[UNK]\",\"continuing_subword_prefix\":\"##\",\"max_input_chars_per_word\":100,\"vocab\":"
     "{\"[UNK]\":0,\"[CLS]\":1,\"[SEP]\":2,\"who\":3,\"a\":4,\"##a\":5,\"wrote\":6,\"##t\":7,\"caf\":8,\"##e\":9}}}"},
    {"tokenizer/bytes", "tokenizer.json",
     "{\"added_tokens\":[{\"id\":0,\"content\":\"<s>\",\"special\":true,\"lstrip\":true,\"normalized\":false}],"
     "\"normalizer\":null,\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":true,"
     "\"use_regex\":true},\"post_processor\":{\"type\":\"RobertaProcessing\",\"sep\":[\"<s>\",0],\"cls\":[\"<s>\",0],"
     "\"trim_offsets\":true,\"add_prefix_space\":false},\"model\":{\"type\":\"BPE\",\"unk_token\":\"<s>\",\"vocab\":"
     "{\"<s>\":0,\"a\":1,\"aa\":2,\"\u0120a\":3,\"\u0120\":4,\"W\":5,\"h\":6,\"Wh\":7,\"o\":8},\"merges\":[\"a a\","
     "\"\u0120 a\",[\"W\",\"h\"]]}}"},
    {"tokenizer/vocab", "vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##a\nwho\nwrote\ncaf\n##e\n"},
    {"tokenizer/vocab", "tokenizer_config.json",
     "{\"do_lower_case\":true,\"strip_accents\":null,\"tokenize_chinese_chars\":true,\"model_max_length\":8,"
     "\"tokenizer_class\":\"BertTokenizer\"}"},
    {"tokenizer/vocab", "special_tokens_map.json", "{\"unk_token\":\"[UNK]\",\"cls_token\":{\"content\":\"[CLS]\"}}"},
    {"tokenizer/merges", "vocab.json",
     "{\"<s>\":0,\"</s>\":1,\"<unk>\":2,\"<pad>\":3,\"<mask>\":4,\"a\":5,\"aa\":6,\"\u0120\":7,\"\u0120a\":8,"
     "\"W\":9,\"h\":10,\"Wh\":11}"},
    {"tokenizer/merges", "merges.txt", "#version: 0.2\na a\n\u0120 a\nW h\n"},
    {"tokenizer/merges", "tokenizer_config.json", "{\"tokenizer_class\":\"RobertaTokenizer\",\"model_max_length\":8}"},
};

void fuzz_path(char path[FUZZ_PATH_MAX], const char *folder, const char *name)
{
    char *joined = qctx_path_join(folder, name, NULL);

    assert_non_null(joined);
    assert_true(strlen(joined) < FUZZ_PATH_MAX);
    strcpy(path, joined);
    free(joined);
}

/* The tensors of one layer would not make reading harder: the transformer asks for them by name and shape. */
static void fuzz_write_tensors(const char *folder, const char *name, const char *first, const char *second)
{
    made_tensors made = {0};
    char path[FUZZ_PATH_MAX];

    made_add(&made, first, 5, 4, NULL);
    if (second != NULL)
        made_add(&made, second, 3, 0, NULL);
    fuzz_path(path, folder, name);
    made_write(path, &made, "F16");
}

static void fuzz_write_texts(const char *folder)
{
    for (size_t i = 0; i < sizeof fuzz_seeds / sizeof fuzz_seeds[0]; i++) {
        char path[FUZZ_PATH_MAX], home[FUZZ_PATH_MAX];
        FILE *file;

        fuzz_path(home, folder, fuzz_seeds[i].folder);
        fuzz_path(path, home, fuzz_seeds[i].name);
        snprintf(home, sizeof home, "%.*s", (int)(qctx_path_base(path) - path), path);
        assert_int_equal(qctx_folder_make(home, NULL), QCTX_OK);
        file = fopen(path, "wb");
        assert_non_null(file);
        assert_true(fputs(fuzz_seeds[i].text, file) >= 0);
        fclose(file);
    }
}

/* The folder of a kind's seeds. */
static const char *fuzz_home(const char *folder, const char *kind)
{
    static char path[FUZZ_PATH_MAX];

    fuzz_path(path, folder, kind);
    assert_int_equal(qctx_folder_make(path, NULL), QCTX_OK);
    return path;
}

static void fuzz_write_models(const char *folder)
{
    fuzz_write_tensors(folder, "model/bert/model.safetensors", "embeddings.word_embeddings.weight",
                       "embeddings.LayerNorm.bias");
    fuzz_write_tensors(folder, "model/bert/2_Dense/model.safetensors", "linear.weight", "linear.bias");
    fuzz_write_tensors(folder, "model/clip_text/model.safetensors", "embeddings.token_embedding.weight", NULL);
    fuzz_write_tensors(folder, "model/clip/model.safetensors", "text_model.embeddings.token_embedding.weight",
                       "text_projection.weight");
    fuzz_write_tensors(folder, "model/open_clip/open_clip_model.safetensors", "token_embedding.weight",
                       "text_projection");
    fuzz_write_tensors(folder, "model/shards/one.safetensors", "a", "c");
    fuzz_write_tensors(folder, "model/shards/two.safetensors", "b", NULL);
}

void fuzz_write_seeds(const char *folder)
{
    if (qctx_comm_rank(test_comm) == 0) {
        fuzz_write_texts(folder);
        fuzz_write_stores(fuzz_home(folder, "store"));
        fuzz_write_partials(fuzz_home(folder, "partial"));
        fuzz_write_foreign_stores(fuzz_home(folder, "foreign"));
        fuzz_home(folder, "checkpoint");
    }
    qctx_comm_barrier(test_comm);
    fuzz_write_models(folder);
    fuzz_write_checkpoints(fuzz_home(folder, "checkpoint"));
}
