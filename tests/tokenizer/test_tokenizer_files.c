/* ranks: 1 */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "made_tokenizer.h"

static qctx_error error;

static void expect_refused(const char *json, qctx_status expected, const char *part)
{
    qctx_tokenizer *tokenizer = NULL;

    assert_status(qctx_tokenizer_open(folder_of(json), (qctx_tokenizer_settings){0}, &tokenizer, &error), expected,
                  &error);
    assert_null(tokenizer);
    assert_contains(error.message, part);
    assert_contains(error.message, "tokenizer.json");
}

static void what_is_not_known_is_refused_by_name(void **state)
{
    (void)state;
    expect_refused("{\"model\":{\"type\":\"Unigram\",\"vocab\":[]}}", QCTX_ERR_CONFIG, "Unigram");
    expect_refused("{\"model\":{\"type\":\"WordLevel\",\"vocab\":{}}}", QCTX_ERR_CONFIG, "WordPiece and BPE");
    expect_refused("{\"model\":{\"vocab\":{\"a\":0}}}", QCTX_ERR_CONFIG, "no type");
    expect_refused(NORMALIZED("{\"type\":\"Precompiled\"}"), QCTX_ERR_CONFIG, "Precompiled");
    expect_refused(NORMALIZED("{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"a|b\"},\"content\":\"\"}"),
                   QCTX_ERR_CONFIG, "a|b");
    expect_refused("{\"pre_tokenizer\":{\"type\":\"Metaspace\"}," MODEL(VOCAB) "}", QCTX_ERR_CONFIG, "Metaspace");
    expect_refused(
        "{\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\" \"},\"behavior\":\"Removed\"}," MODEL(
            VOCAB) "}",
        QCTX_ERR_CONFIG, "CLIP's");
    expect_refused("{\"pre_tokenizer\":{\"type\":\"ByteLevel\"}," MODEL(VOCAB) "}", QCTX_ERR_CONFIG, "ByteLevel");
    expect_refused("{\"post_processor\":{\"type\":\"Other\"}," MODEL(VOCAB) "}", QCTX_ERR_CONFIG, "Other");
    expect_refused("{\"truncation\":{\"direction\":\"Middle\"}," MODEL(VOCAB) "}", QCTX_ERR_FORMAT, "Middle");
    expect_refused("{\"model\":{\"type\":\"BPE\",\"dropout\":0.1,\"vocab\":{\"a\":0},\"merges\":[]}}", QCTX_ERR_CONFIG,
                   "dropout");
    expect_refused("{\"model\":{\"type\":\"BPE\",\"byte_fallback\":true,\"vocab\":{\"a\":0},\"merges\":[]}}",
                   QCTX_ERR_CONFIG, "byte_fallback");
}

static void malformed_files_are_refused(void **state)
{
    char nested[4096] = "{\"normalizer\":";

    (void)state;
    expect_refused("", QCTX_ERR_FORMAT, "empty");
    expect_refused("{\"model\":", QCTX_ERR_FORMAT, "not valid JSON");
    expect_refused("[]", QCTX_ERR_FORMAT, "an array");
    expect_refused("{}", QCTX_ERR_FORMAT, "model: found nothing");
    expect_refused("{" MODEL("[]") "}", QCTX_ERR_FORMAT, "model.vocab: found an array");
    expect_refused("{" MODEL("{}") "}", QCTX_ERR_FORMAT, "found 0 tokens");
    expect_refused("{" MODEL("{\"[UNK]\":0,\"a\":\"1\"}") "}", QCTX_ERR_FORMAT, "a string");
    expect_refused("{" MODEL("{\"[UNK]\":0,\"a\":-1}") "}", QCTX_ERR_FORMAT, "-1, expected 0 to 2147483646");
    expect_refused("{" MODEL("{\"[UNK]\":0,\"a\":2147483647}") "}", QCTX_ERR_FORMAT, "2147483647");
    expect_refused("{" MODEL("{\"[UNK]\":0,\"a\":4,\"b\":4}") "}", QCTX_ERR_FORMAT, "the same id 4");
    expect_refused("{" MODEL("{\"a\":0}") "}", QCTX_ERR_FORMAT, "'[UNK]', is missing");
    expect_refused("{\"normalizer\":{}," MODEL(VOCAB) "}", QCTX_ERR_FORMAT, "'type' is missing");
    expect_refused("{\"normalizer\":7," MODEL(VOCAB) "}", QCTX_ERR_FORMAT, "an integer");
    expect_refused(NORMALIZED("{\"type\":\"BertNormalizer\",\"lowercase\":1}"), QCTX_ERR_FORMAT, "'lowercase'");
    expect_refused(NORMALIZED("{\"type\":\"Replace\",\"content\":\"\",\"pattern\":{\"String\":\"\"}}"), QCTX_ERR_FORMAT,
                   "not empty");
    expect_refused("{\"added_tokens\":{}," MODEL(VOCAB) "}", QCTX_ERR_FORMAT, "an object");
    expect_refused("{\"added_tokens\":[{\"content\":\"a\"}]," MODEL(VOCAB) "}", QCTX_ERR_FORMAT, "no 'id'");
    expect_refused("{\"added_tokens\":[{\"id\":3}]," MODEL(VOCAB) "}", QCTX_ERR_FORMAT, "'content'");
    expect_refused("{\"added_tokens\":[{\"id\":3,\"content\":\"the\"}]," MODEL(VOCAB) "}", QCTX_ERR_FORMAT,
                   "expected 6");
    expect_refused("{\"added_tokens\":[{\"id\":3,\"content\":\"new\"}]," MODEL(VOCAB) "}", QCTX_ERR_FORMAT,
                   "expected 27");
    expect_refused(
        "{\"added_tokens\":[{\"id\":27,\"content\":\"new\"},{\"id\":28,\"content\":\"new\"}]," MODEL(VOCAB) "}",
        QCTX_ERR_FORMAT, "given twice");
    expect_refused("{\"added_tokens\":[{\"id\":27,\"content\":\"n\",\"lstrip\":\"x\"}]," MODEL(VOCAB) "}",
                   QCTX_ERR_FORMAT, "'lstrip'");
    expect_refused(FRAMED("{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"[X]\"}},"
                          "{\"Sequence\":{\"id\":\"A\"}}],\"special_tokens\":{}}"),
                   QCTX_ERR_FORMAT, "'[X]', which 'special_tokens' lacks");
    expect_refused(FRAMED("{\"type\":\"TemplateProcessing\",\"single\":[{\"Sequence\":{\"id\":\"B\"}}]}"),
                   QCTX_ERR_FORMAT, "'B'");
    expect_refused(FRAMED("{\"type\":\"TemplateProcessing\",\"single\":[]}"), QCTX_ERR_FORMAT, "no sequence");
    expect_refused(FRAMED("{\"type\":\"BertProcessing\",\"sep\":[\"x\",99],\"cls\":[\"y\",1]}"), QCTX_ERR_FORMAT, "99");
    expect_refused(FRAMED("{\"type\":\"BertProcessing\",\"sep\":[1],\"cls\":[\"y\",1]}"), QCTX_ERR_FORMAT, "'sep'");
    for (int i = 0; i < 20; i++)
        strcat(nested, "{\"type\":\"Sequence\",\"normalizers\":[");
    for (int i = 0; i < 20; i++)
        strcat(nested, "]}");
    strcat(nested, "," MODEL(VOCAB) "}");
    expect_refused(nested, QCTX_ERR_FORMAT, "at most 8 levels");
}

/* An id far above all others takes no memory. */
static void large_ids_cost_nothing(void **state)
{
    qctx_tokenizer *tokenizer = opened("{" MODEL("{\"[UNK]\":0,\"a\":2147483646}") "}");

    (void)state;
    expect_ids(tokenizer, "a", "2147483646");
    assert_int_equal(qctx_tokenizer_size(tokenizer), 2147483647);
    qctx_tokenizer_destroy(tokenizer);
}

static void the_hash_is_that_of_the_files(void **state)
{
    qctx_tokenizer *a = opened(PLAIN), *b = opened(PLAIN), *c = opened(PLAIN " ");

    (void)state;
    assert_true(qctx_tokenizer_hash(a) == qctx_tokenizer_hash(b));
    assert_true(qctx_tokenizer_hash(a) != qctx_tokenizer_hash(c));
    qctx_tokenizer_destroy(a);
    qctx_tokenizer_destroy(b);
    qctx_tokenizer_destroy(c);
}

/* Files of a folder beside each other; NULL ends them. */
static const char *folder_with(const char *name, const char *const files[][2])
{
    const char *folder = test_path(name);
    char path[4096];

    mkdir(folder, 0700);
    for (int i = 0; files[i][0] != NULL; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i][0]);
        test_write(path, files[i][1]);
    }
    return folder;
}

static qctx_tokenizer *opened_folder(const char *name, const char *const files[][2])
{
    qctx_tokenizer *tokenizer = NULL;

    assert_status(qctx_tokenizer_open(folder_with(name, files), (qctx_tokenizer_settings){0}, &tokenizer, &error),
                  QCTX_OK, &error);
    return tokenizer;
}

static void expect_folder_refused(const char *name, const char *const files[][2], qctx_status expected,
                                  const char *part)
{
    qctx_tokenizer *tokenizer = NULL;

    assert_status(qctx_tokenizer_open(folder_with(name, files), (qctx_tokenizer_settings){0}, &tokenizer, &error),
                  expected, &error);
    assert_contains(error.message, part);
}

#define LINES "[PAD]\n[UNK]\n[CLS]\n[SEP]\nthe\r\n##s \nThe\ncaf\u00E9\ncafe\n"

/* The ids are those of transformers 5.23 for the same files. */
static void bert_is_read_from_its_lines(void **state)
{
    const char *const plain[][2] = {{"vocab.txt", LINES}, {"config.json", "{\"model_type\":\"bert\"}"}, {NULL, NULL}};
    const char *const cased[][2] = {
        {"vocab.txt", LINES},
        {"tokenizer_config.json", "{\"do_lower_case\":false,\"tokenizer_class\":\"DistilBertTokenizerFast\","
                                  "\"mask_token\":{\"content\":\"[M]\",\"lstrip\":true,\"__type\":\"AddedToken\"}}"},
        {"added_tokens.json", "{\"new\":10,\"older\":9}"},
        {"special_tokens_map.json", "{\"additional_special_tokens\":[\"[E]\",\"the\"]}"},
        {NULL, NULL},
    };
    qctx_tokenizer *tokenizer = opened_folder("bert", plain);

    (void)state;
    /* [MASK] is not among the lines, so it comes behind them. */
    assert_int_equal(qctx_tokenizer_size(tokenizer), 10);
    expect_ids(tokenizer, "The thes Caf\u00E9 x[MASK] [SEP]", "2 4 4 5 8 1 9 3 3");
    qctx_tokenizer_destroy(tokenizer);

    tokenizer = opened_folder("cased", cased);
    expect_ids(tokenizer, "The thes caf\u00E9 x", "2 6 4 1 7 1 3");
    expect_ids(tokenizer, "older new  [M][E]", "2 9 10 11 12 3");
    qctx_tokenizer_destroy(tokenizer);
}

static void mpnet_has_other_special_tokens(void **state)
{
    const char *const files[][2] = {{"vocab.txt", "<s>\n<pad>\n</s>\n[UNK]\nthe\n<mask>\n"},
                                    {"config.json", "{\"model_type\":\"mpnet\"}"},
                                    {NULL, NULL}};
    qctx_tokenizer *tokenizer = opened_folder("mpnet", files);

    (void)state;
    expect_ids(tokenizer, "THE  <mask> the</s><S>", "0 4 5 4 2 3 3 3 2");
    qctx_tokenizer_destroy(tokenizer);
}

#define MERGES "#version: 0.2\n\u0120 a\na b\n"

static void roberta_is_read_from_vocabulary_and_merges(void **state)
{
    const char *const files[][2] = {
        {"vocab.json", "{\"<s>\":0,\"<pad>\":1,\"</s>\":2,\"<unk>\":3,\"a\":4,\"b\":5,\"ab\":6,\"\u0120\":7,"
                       "\"\u0120a\":8,\"<mask>\":9}"},
        {"merges.txt", MERGES},
        {"config.json", "{\"model_type\":\"roberta\"}"},
        {NULL, NULL},
    };
    const char *const prefixed[][2] = {{"tokenizer_config.json", "{\"add_prefix_space\":true}"}, {NULL, NULL}};
    qctx_tokenizer *tokenizer = opened_folder("roberta", files);

    (void)state;
    expect_ids(tokenizer, "ab ab", "0 6 8 5 2");
    expect_ids(tokenizer, "a <mask>b", "0 4 7 9 5 2");
    qctx_tokenizer_destroy(tokenizer);
    tokenizer = opened_folder("roberta", prefixed);
    expect_ids(tokenizer, "ab ab", "0 8 5 8 5 2");
    expect_ids(tokenizer, "", "0 2");
    qctx_tokenizer_destroy(tokenizer);
}

static void clip_is_read_from_vocabulary_and_merges(void **state)
{
    const char *const files[][2] = {
        {"vocab.json", "{\"a\":0,\"b\":1,\"a</w>\":2,\"b</w>\":3,\"ab</w>\":4,\"<|startoftext|>\":5,"
                       "\"<|endoftext|>\":6}"},
        {"merges.txt", "#version: 0.2\na b</w>\n"},
        {"config.json", "{\"model_type\":\"clip\"}"},
        {NULL, NULL},
    };
    qctx_tokenizer *tokenizer = opened_folder("clip", files);

    (void)state;
    expect_ids(tokenizer, "AB  a\nba", "5 4 2 1 2 6");
    expect_ids(tokenizer, "ab<|endoftext|>", "5 4 6 6");
    qctx_tokenizer_destroy(tokenizer);
}

/* As transformers does it where the two files contradict each other. */
static void settings_of_bert_outdo_its_pipeline(void **state)
{
    const char *const files[][2] = {
        {"tokenizer.json", PLAIN},
        {"tokenizer_config.json", "{\"tokenizer_class\":\"BertTokenizer\",\"do_lower_case\":false}"},
        {NULL, NULL},
    };
    qctx_tokenizer *tokenizer = opened_folder("settings", files);

    (void)state;
    expect_ids(tokenizer, "The the", "1 18 6 2");
    qctx_tokenizer_destroy(tokenizer);
}

/* A step before the normaliser: special tokens are looked for before it, the others' capitals go as the text's do. */
static void lower_case_is_put_before_the_normaliser(void **state)
{
    static const struct {
        const char *normalizer, *expected;
    } rows[] = {
        {"null", "6 6 27 27 2 0"},
        {"{\"type\":\"BertNormalizer\",\"lowercase\":false}", "6 6 27 27 2 0"},
        {"{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"},{\"type\":\"NFC\"}]}", "6 6 27 27 2 0"},
        /* One that lowers case anywhere stays as it is: "The" is replaced while it has its capital. */
        {"{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Replace\",\"pattern\":{\"String\":\"The\"},"
         "\"content\":\"s\"},{\"type\":\"Lowercase\"}]}",
         "24 6 27 27 2 0"},
        {"{\"type\":\"BertNormalizer\",\"strip_accents\":false}", "6 6 27 27 2 0"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char json[8192];
        qctx_tokenizer *tokenizer = NULL;

        snprintf(json, sizeof json,
                 "{\"added_tokens\":[{\"id\":2,\"content\":\"[SEP]\"," FLAGS(
                     true, false) "},{\"id\":27,\"content\":\"Bar\"," FLAGS(false, true) "}],\"normalizer\":%s,"
                                                                                         "\"pre_tokenizer\":{\"type\":"
                                                                                         "\"WhitespaceSplit\"}," MODEL(
                                                                                             VOCAB) "}",
                 rows[i].normalizer);
        assert_status(
            qctx_tokenizer_open(folder_of(json), (qctx_tokenizer_settings){.lowercase = true}, &tokenizer, &error),
            QCTX_OK, &error);
        expect_ids(tokenizer, "The THE Bar BAR [SEP] [Sep]", rows[i].expected);
        qctx_tokenizer_destroy(tokenizer);
    }
}

static void the_hash_knows_of_lower_case(void **state)
{
    const char *cased = NORMALIZED("null");
    const char *lowered = NORMALIZED("{\"type\":\"BertNormalizer\"}");
    const char *const files[] = {cased, lowered};

    (void)state;
    for (int i = 0; i < 2; i++) {
        qctx_tokenizer *plain = opened(files[i]), *tokenizer = NULL;

        assert_status(
            qctx_tokenizer_open(folder_of(files[i]), (qctx_tokenizer_settings){.lowercase = true}, &tokenizer, &error),
            QCTX_OK, &error);
        assert_true((qctx_tokenizer_hash(plain) == qctx_tokenizer_hash(tokenizer)) == (i == 1));
        qctx_tokenizer_destroy(plain);
        qctx_tokenizer_destroy(tokenizer);
    }
}

static void folders_that_cannot_be_read_are_refused(void **state)
{
    const char *const none[][2] = {{NULL, NULL}};
    const char *const sentencepiece[][2] = {{"sentencepiece.bpe.model", "x"}, {NULL, NULL}};
    const char *const other[][2] = {{"vocab.txt", LINES},
                                    {"tokenizer_config.json", "{\"tokenizer_class\":\"BertJapaneseTokenizer\"}"},
                                    {NULL, NULL}};
    const char *const unnamed[][2] = {{"vocab.txt", LINES}, {NULL, NULL}};
    const char *const unmerged[][2] = {
        {"vocab.json", "{\"a\":0}"}, {"config.json", "{\"model_type\":\"roberta\"}"}, {NULL, NULL}};
    const char *const binary[][2] = {
        {"vocab.txt", "[UNK]\n\xFF\n"}, {"config.json", "{\"model_type\":\"bert\"}"}, {NULL, NULL}};
    const char *const wrong[][2] = {{"vocab.txt", LINES},
                                    {"config.json", "{\"model_type\":\"bert\"}"},
                                    {"tokenizer_config.json", "{\"unk_token\":7}"},
                                    {NULL, NULL}};
    const char *const added[][2] = {{"vocab.txt", LINES},
                                    {"config.json", "{\"model_type\":\"bert\"}"},
                                    {"added_tokens.json", "{\"x\":\"y\"}"},
                                    {NULL, NULL}};

    (void)state;
    expect_folder_refused("none", none, QCTX_ERR_CONFIG, "found no tokenizer, expected tokenizer.json");
    expect_folder_refused("sentencepiece", sentencepiece, QCTX_ERR_CONFIG, "SentencePiece is not supported");
    expect_folder_refused("other", other, QCTX_ERR_CONFIG, "'BertJapaneseTokenizer' is not supported");
    expect_folder_refused("unnamed", unnamed, QCTX_ERR_CONFIG, "expected that of Bert");
    expect_folder_refused("unmerged", unmerged, QCTX_ERR_IO, "merges.txt");
    expect_folder_refused("binary", binary, QCTX_ERR_FORMAT, "UTF-8");
    expect_folder_refused("wrong", wrong, QCTX_ERR_FORMAT, "'unk_token' is an integer");
    expect_folder_refused("added", added, QCTX_ERR_FORMAT, "'x' is a string");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_is_not_known_is_refused_by_name),
    cmocka_unit_test(malformed_files_are_refused),
    cmocka_unit_test(large_ids_cost_nothing),
    cmocka_unit_test(the_hash_is_that_of_the_files),
    cmocka_unit_test(bert_is_read_from_its_lines),
    cmocka_unit_test(mpnet_has_other_special_tokens),
    cmocka_unit_test(roberta_is_read_from_vocabulary_and_merges),
    cmocka_unit_test(clip_is_read_from_vocabulary_and_merges),
    cmocka_unit_test(settings_of_bert_outdo_its_pipeline),
    cmocka_unit_test(lower_case_is_put_before_the_normaliser),
    cmocka_unit_test(the_hash_knows_of_lower_case),
    cmocka_unit_test(folders_that_cannot_be_read_are_refused),
};

TEST_MAIN(tests)
