/* ranks: 1 */
/*
 * tokenizer.json beside tokenizer_config.json and special_tokens_map.json. The ids are those of AutoTokenizer of
 * transformers 5.23 for the same files, beside a config.json of BERT.
 */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "made_tokenizer.h"

static qctx_error error;

/* The file as its class makes it, cut at its beginning, with other stages, and without a frame. */
#define CUT_LEFT                                                                                                       \
    "{" ADDED "," FRAME "," BERT ",\"truncation\":{\"direction\":\"Left\",\"max_length\":4}," MODEL(VOCAB) "}"
#define OTHER                                                                                                          \
    "{" ADDED "," FRAME                                                                                                \
    ",\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Replace\",\"pattern\":{\"String\":\"s\"},"    \
    "\"content\":\"i\"},{\"type\":\"Lowercase\"}]},\"pre_tokenizer\":{\"type\":\"WhitespaceSplit\"}," MODEL(VOCAB) "}"
#define UNFRAMED "{" ADDED "," BERT "," MODEL(VOCAB) "}"

static void put(const char *folder, const char *name, const char *text)
{
    char path[4096];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    unlink(path);
    if (text != NULL)
        test_write(path, text);
}

static qctx_status open_with(const char *json, const char *config, const char *map, qctx_tokenizer **tokenizer)
{
    const char *folder = folder_of(json);

    put(folder, "config.json", "{\"model_type\":\"bert\"}");
    put(folder, "tokenizer_config.json", config);
    put(folder, "special_tokens_map.json", map);
    return qctx_tokenizer_open(folder, (qctx_tokenizer_settings){0}, tokenizer, &error);
}

static qctx_tokenizer *opened_with(const char *json, const char *config, const char *map)
{
    qctx_tokenizer *tokenizer = NULL;

    assert_status(open_with(json, config, map, &tokenizer), QCTX_OK, &error);
    return tokenizer;
}

static void each_key_is_followed_as_in_transformers(void **state)
{
    static const struct {
        const char *json, *config, *map, *text;
        int64_t most;
        const char *ids;
        bool truncated;
    } rows[] = {
        {PLAIN, "{\"truncation_side\":\"left\"}", NULL, "the un i ss s -", 5, "1 14 24 25 2", true},
        {PLAIN, "{\"truncation_side\":\"right\"}", NULL, "the un i ss s -", 5, "1 6 3 13 2", true},
        {CUT_LEFT, "{}", NULL, "the un i ss s -", 5, "1 14 24 25 2", true},
        {CUT_LEFT, "{\"truncation_side\":\"right\"}", NULL, "the un i ss s -", 5, "1 6 3 13 2", true},
        {PLAIN, "{\"truncation_side\":\"left\"}", NULL, "the un", 5, "1 6 3 2", false},
        {PLAIN, "{\"split_special_tokens\":true}", NULL, "the [SEP] sep", 20, "1 6 19 21 20 21 2", false},
        {PLAIN, "{\"split_special_tokens\":false}", NULL, "the [SEP] sep", 20, "1 6 2 21 2", false},
        {PLAIN,
         "{\"tokenizer_class\":\"PreTrainedTokenizerFast\",\"added_tokens_decoder\":{\"27\":{\"content\":\"[Q]\","
         "\"lstrip\":true,\"normalized\":false,\"rstrip\":false,\"single_word\":false,\"special\":true},\"28\":{"
         "\"content\":\"Un\",\"lstrip\":false,\"normalized\":true,\"rstrip\":true,\"single_word\":true,\"special\":"
         "false}}}",
         NULL, "the [Q]un Un un- un  the [q]", 20, "1 6 27 28 28 28 25 28 6 19 0 20 2", false},
        {PLAIN,
         "{\"added_tokens_decoder\":{\"0\":{\"content\":\"[UNK]\",\"special\":true,\"normalized\":false},\"1\":{"
         "\"content\":\"[CLS]\",\"special\":true,\"normalized\":false},\"2\":{\"content\":\"[SEP]\",\"special\":true,"
         "\"normalized\":false,\"lstrip\":true},\"27\":{\"content\":\"[PAD]\",\"special\":true},\"28\":{\"content\":\"["
         "MASK]\",\"special\":true},\"29\":{\"content\":\"[Q]\",\"special\":true}}}",
         NULL, "i  [SEP]the [Q] [MASK]", 20, "1 13 2 6 29 28 2", false},
        {PLAIN, "{\"do_lower_case\":false}", NULL, "The the Café", 20, "1 18 6 0 2", false},
        {PLAIN, "{\"tokenizer_class\":\"BertTokenizerFast\",\"strip_accents\":false,\"tokenize_chinese_chars\":false}",
         NULL, "café The 中文", 20, "1 17 6 10 11 2", false},
        {PLAIN, "{\"tokenizer_class\":\"PreTrainedTokenizerFast\",\"do_lower_case\":false,\"strip_accents\":false}",
         NULL, "The café", 20, "1 6 8 2", false},
        {OTHER, "{}", NULL, "The ss s, the", 20, "1 6 14 24 7 6 2", false},
        {OTHER, "{\"tokenizer_class\":\"PreTrainedTokenizerFast\"}", NULL, "The ss s, the", 20, "1 6 0 0 6 2", false},
        {UNFRAMED, "{}", NULL, "the", 20, "1 6 2", false},
        {UNFRAMED, "{\"tokenizer_class\":\"TokenizersBackend\"}", NULL, "the", 20, "6", false},
        {PLAIN,
         "{\"unk_token\":\"-\",\"sep_token\":\"the\",\"cls_token\":{\"content\":\"i\",\"__type\":\"AddedToken\","
         "\"lstrip\":false,\"rstrip\":false,\"single_word\":false,\"normalized\":false}}",
         NULL, "zzz un", 20, "13 25 3 6", false},
        {PLAIN,
         "{\"tokenizer_class\":\"PreTrainedTokenizerFast\",\"additional_special_tokens\":[\"[E]\",\"un\"],\"image_"
         "token\":\"[I]\",\"extra_special_tokens\":{\"x\":\"[X]\"}}",
         NULL, "[E][I][X]un unaffable", 20, "1 29 27 28 3 3 0 2", false},
        {PLAIN, "{\"tokenizer_class\":\"PreTrainedTokenizerFast\",\"additional_special_tokens\":[\"[E]\"]}",
         "{\"additional_special_tokens\":[\"[F]\"],\"mask_token\":\"[M]\",\"extra_special_tokens\":[\"[G]\"]}",
         "[E][F][M][G]", 30, "1 28 19 0 20 27 29 2", false},
        {PLAIN, "{\"tokenizer_class\":\"PreTrainedTokenizerFast\"}",
         "{\"additional_special_tokens\":[\"[F]\"],\"sep_token\":{\"content\":\"i\",\"lstrip\":true,\"normalized\":"
         "false,\"rstrip\":false,\"single_word\":false}}",
         "[F]the i", 20, "1 27 6 13 2", false},
        {PLAIN,
         "{\"padding_side\":\"left\",\"add_bos_token\":true,\"add_eos_token\":true,\"legacy\":true,\"clean_up_"
         "tokenization_spaces\":true,\"chat_template\":\"x\",\"bos_token\":\"i\"}",
         NULL, "the un", 20, "1 6 3 2", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        qctx_tokenizer *tokenizer = opened_with(rows[i].json, rows[i].config, rows[i].map);

        expect_most(tokenizer, rows[i].text, rows[i].most, rows[i].ids, rows[i].truncated);
        qctx_tokenizer_destroy(tokenizer);
    }
}

static void what_is_not_followed_is_refused_by_name(void **state)
{
    static const struct {
        const char *config;
        qctx_status status;
        const char *found, *wanted;
    } rows[] = {
        {"{\"truncation_side\":\"middle\"}", QCTX_ERR_FORMAT, "'truncation_side' is middle", "\"left\" or \"right\""},
        {"{\"truncation_side\":7}", QCTX_ERR_FORMAT, "'truncation_side' is an integer", "expected"},
        {"{\"split_special_tokens\":\"yes\"}", QCTX_ERR_FORMAT, "'split_special_tokens'", "expected"},
        {"{\"auto_map\":{\"AutoTokenizer\":[\"mine.T\",null]}}", QCTX_ERR_CONFIG, "'auto_map' is not supported",
         "tokenizer_config.json"},
        {"{\"fast_tokenizer_files\":[\"tokenizer.4.0.json\"]}", QCTX_ERR_CONFIG, "'fast_tokenizer_files'", "none"},
        {"{\"init_inputs\":[\"x\"]}", QCTX_ERR_CONFIG, "'init_inputs'", "none"},
        {"{\"tokenizer_class\":\"BertJapaneseTokenizer\"}", QCTX_ERR_CONFIG, "'BertJapaneseTokenizer' is not supported",
         "PreTrainedTokenizerFast"},
        {"{\"tokenizer_class\":\"RobertaTokenizer\"}", QCTX_ERR_CONFIG, "RobertaTokenizer, but", "no merges"},
        {"{\"cls_token\":null}", QCTX_ERR_FORMAT, "'cls_token' is null", "expected a token"},
        {"{\"mask_token\":7}", QCTX_ERR_FORMAT, "'mask_token' is an integer", "expected a string"},
        {"{\"extra_special_tokens\":{\"x\":7}}", QCTX_ERR_FORMAT, "is an integer", "expected a string"},
        {"{\"added_tokens_decoder\":{\"40\":{\"content\":\"[Q]\"}}}", QCTX_ERR_FORMAT, "'[Q]' is 40", "expected 27"},
        {"{\"added_tokens_decoder\":{\"x\":{\"content\":\"[Q]\"}}}", QCTX_ERR_FORMAT, "holds 'x'", "expected an id"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        qctx_tokenizer *tokenizer = NULL;

        assert_status(open_with(PLAIN, rows[i].config, NULL, &tokenizer), rows[i].status, &error);
        assert_null(tokenizer);
        assert_contains(error.message, rows[i].found);
        assert_contains(error.message, rows[i].wanted);
    }
}

/* A store that was made before a key was followed must not pass for one of the same tokenizer. */
static void the_hash_tells_what_is_followed(void **state)
{
    static const struct {
        const char *json, *config, *map;
        bool same; /* as without the map, or as without a class that replaces stages */
    } rows[] = {
        {PLAIN, "{}", "{\"unk_token\":\"[UNK]\"}", true},
        {PLAIN, "{}", "{\"additional_special_tokens\":[\"the\"]}", false},
        {PLAIN, "{}", "{\"sep_token\":\"the\"}", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        qctx_tokenizer *plain = opened_with(rows[i].json, rows[i].config, NULL);
        qctx_tokenizer *tokenizer = opened_with(rows[i].json, rows[i].config, rows[i].map);

        assert_true((qctx_tokenizer_hash(plain) == qctx_tokenizer_hash(tokenizer)) == rows[i].same);
        qctx_tokenizer_destroy(plain);
        qctx_tokenizer_destroy(tokenizer);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(each_key_is_followed_as_in_transformers),
    cmocka_unit_test(what_is_not_followed_is_refused_by_name),
    cmocka_unit_test(the_hash_tells_what_is_followed),
};

TEST_MAIN(tests)
