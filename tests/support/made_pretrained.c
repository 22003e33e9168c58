#include "made_pretrained.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "qctx/base/fileio.h"

/* Token `id` of the vocabulary: 5 special ones, letters from a to v, the same within words, punctuation. */
static const char *made_token(int64_t id, char *room, size_t bytes)
{
    static const char *const special[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
    static const char *const rest[] = {".", ",", "?", "!"};

    if (id < 5)
        snprintf(room, bytes, "%s", special[id]);
    else if (id < 49)
        snprintf(room, bytes, "%s%c", id < 27 ? "" : "##", (char)('a' + (id - 5) % 22));
    else if (id < MADE_VOCABULARY)
        snprintf(room, bytes, "%s", rest[id - 49]);
    else
        snprintf(room, bytes, "##extra%d", (int)id);
    return room;
}

static void made_file(const char *folder, const char *name, const char *text)
{
    char path[1024];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    test_write(path, text);
}

void made_tokenizer(const char *folder, const made_options *options)
{
    int64_t count = MADE_VOCABULARY + options->extra_tokens;
    char vocabulary[4096] = "", text[8192], token[32];
    size_t used = 0;

    for (int64_t id = 0; id < count; id++)
        used += (size_t)snprintf(vocabulary + used, sizeof vocabulary - used, "%s\"%s\":%d", id == 0 ? "" : ",",
                                 made_token(id, token, sizeof token), (int)id);
    snprintf(text, sizeof text,
             "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":[],"
             "\"normalizer\":{\"type\":\"BertNormalizer\",\"clean_text\":true,\"handle_chinese_chars\":true,"
             "\"strip_accents\":null,\"lowercase\":true},\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},"
             "\"post_processor\":%s,\"decoder\":null,\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\","
             "\"continuing_subword_prefix\":\"##\",\"max_input_chars_per_word\":100,\"vocab\":{%s}}}",
             options->no_special ? "null" : "{\"type\":\"BertProcessing\",\"sep\":[\"[SEP]\",3],\"cls\":[\"[CLS]\",2]}",
             vocabulary);
    made_file(folder, "tokenizer.json", text);
    /* BertTokenizer would put its own special tokens around texts, whatever tokenizer.json says. */
    made_file(folder, "tokenizer_config.json",
              options->no_special ? "{\"tokenizer_class\":\"PreTrainedTokenizerFast\"}"
                                  : "{\"tokenizer_class\":\"BertTokenizer\",\"do_lower_case\":true}");
}

const char *made_folder_write(const char *name, const made_options *options)
{
    static made_tensors tensors;
    const char *folder = test_path(name);
    qctx_model_folder shape = made_folder(QCTX_BERT);
    char path[1024], text[1024];

    snprintf(path, sizeof path, "%s/1_Pooling", folder);
    assert_int_equal(qctx_folder_make(path, NULL), QCTX_OK);
    snprintf(text, sizeof text,
             "{\"model_type\":\"bert\",\"architectures\":[\"BertModel\"],\"hidden_size\":%d,\"num_hidden_layers\":%d,"
             "\"num_attention_heads\":%d,\"intermediate_size\":%d,\"hidden_act\":\"gelu\",\"vocab_size\":%d,"
             "\"max_position_embeddings\":%d,\"type_vocab_size\":2,\"layer_norm_eps\":1e-12,\"pad_token_id\":0}",
             MADE_D, MADE_LAYERS, MADE_HEADS, MADE_F, MADE_VOCABULARY, MADE_MOST);
    made_file(folder, "config.json", text);
    made_file(folder, "modules.json",
              "[{\"idx\":0,\"name\":\"0\",\"path\":\"\",\"type\":\"sentence_transformers.models.Transformer\"},"
              "{\"idx\":1,\"name\":\"1\",\"path\":\"1_Pooling\",\"type\":\"sentence_transformers.models.Pooling\"}]");
    snprintf(text, sizeof text, "{\"embedding_dimension\":%d,\"pooling_mode\":\"%s\"}", MADE_D,
             options->pooling_mode != NULL ? options->pooling_mode : "mean");
    made_file(folder, "1_Pooling/config.json", text);
    snprintf(text, sizeof text, "{\"max_seq_length\":%d,\"do_lower_case\":false}", MADE_MAX_TOKENS);
    made_file(folder, "sentence_bert_config.json", text);
    if (options->prompts != NULL) {
        snprintf(text, sizeof text, "{\"prompts\":%s}", options->prompts);
        made_file(folder, "config_sentence_transformers.json", text);
    }
    made_tokenizer(folder, options);
    shape.prefix = "";
    made_model_tensors(&shape, &tensors);
    for (int64_t i = 0; i < tensors.count; i++)
        if (strcmp(tensors.items[i].name, "encoder.layer.1.output.LayerNorm.bias") == 0)
            tensors.items[i].values = options->last_bias;
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    if (qctx_comm_rank(test_comm) == 0)
        unlink(path);
    made_write(path, &tensors, "F32");
    return folder;
}
