/* ranks: 1 */
#include "harness.h"

#include <stdlib.h>
#include <string.h>

#include "../../src/tokenizer/stages.h"
#include "qctx/base/rng.h"

static qctx_error error;

/* A model of the vocabulary {token: id} and merges in JSON, with `'` for `"`. */
typedef struct {
    json_t *tokens;
    json_t *merges;
    tokenizer_vocabulary *vocabulary;
    tokenizer_bpe *bpe;
    tokenizer_bpe_scratch *scratch;
} model;

static json_t *parsed(const char *text)
{
    char *copy = strdup(text);
    json_t *value = NULL;

    for (char *at = copy; *at != '\0'; at++)
        if (*at == '\'')
            *at = '"';
    assert_status(qctx_json_parse(copy, strlen(copy), "test", &value, &error), QCTX_OK, &error);
    free(copy);
    return value;
}

static qctx_status try_open(model *opened, const char *tokens, const char *merges, tokenizer_bpe_settings settings)
{
    *opened = (model){.tokens = parsed(tokens), .merges = parsed(merges)};
    settings.continuing_prefix = settings.continuing_prefix == NULL ? "" : settings.continuing_prefix;
    settings.end_of_word_suffix = settings.end_of_word_suffix == NULL ? "" : settings.end_of_word_suffix;
    assert_status(tokenizer_vocabulary_from_json(opened->tokens, "test", &opened->vocabulary, &error), QCTX_OK, &error);
    assert_status(tokenizer_bpe_scratch_create(&opened->scratch, &error), QCTX_OK, &error);
    return tokenizer_bpe_create(opened->vocabulary, opened->merges, &settings, "model.json", &opened->bpe, &error);
}

static void close_model(model *opened)
{
    tokenizer_bpe_scratch_destroy(opened->scratch);
    tokenizer_bpe_destroy(opened->bpe);
    tokenizer_vocabulary_destroy(opened->vocabulary);
    json_decref(opened->merges);
    json_decref(opened->tokens);
}

static void assert_tokens(const model *opened, const char *word, const char *expected)
{
    qctx_ids ids = {0};
    char all[512] = "";

    assert_status(tokenizer_bpe_encode(opened->bpe, opened->scratch, word, (int64_t)strlen(word), &ids, &error),
                  QCTX_OK, &error);
    for (int64_t i = 0; i < ids.count; i++) {
        strcat(all, i > 0 ? " " : "");
        strcat(all, tokenizer_vocabulary_token(opened->vocabulary, ids.items[i]));
    }
    assert_string_equal(all, expected);
    free(ids.items);
}

static void assert_refused(const char *tokens, const char *merges, tokenizer_bpe_settings settings, const char *message)
{
    model opened;

    assert_status(try_open(&opened, tokens, merges, settings), QCTX_ERR_FORMAT, &error);
    assert_contains(error.message, message);
    assert_null(opened.bpe);
    close_model(&opened);
}

/* By hand: the lowest rank goes first, wherever it stands; of equal ranks the leftmost. */
static void test_ranks(void **state)
{
    model opened;

    (void)state;
    assert_status(try_open(&opened, "{'a':0,'b':1,'c':2,'ab':3,'bc':4,'abc':5,'aa':6,'abab':7}",
                           "['b c','a b',['a','bc'],'ab c','a a',['ab','ab']]", (tokenizer_bpe_settings){0}),
                  QCTX_OK, &error);
    assert_tokens(&opened, "", "");
    assert_tokens(&opened, "a", "a");
    assert_tokens(&opened, "abc", "abc"); /* b c, then a bc */
    assert_tokens(&opened, "abcab", "abc ab");
    assert_tokens(&opened, "aaa", "aa a");
    assert_tokens(&opened, "aab", "a ab"); /* a b comes before a a */
    assert_tokens(&opened, "ababab", "abab ab");
    assert_tokens(&opened, "cabbc", "c ab bc");
    close_model(&opened);
}

/* By hand, and as tokenizers 0.23 has it: the later of two merges of the same pair decides its rank. */
static void test_twice(void **state)
{
    model opened;

    (void)state;
    assert_status(
        try_open(&opened, "{'a':0,'b':1,'c':2,'ab':3,'bc':4}", "['a b','b c','a b']", (tokenizer_bpe_settings){0}),
        QCTX_OK, &error);
    assert_tokens(&opened, "abc", "a bc");
    close_model(&opened);
}

static void test_unknown(void **state)
{
    static const char *const tokens = "{'a':0,'b':1,'?':2,'ab':3}";
    model opened;

    (void)state;
    assert_status(try_open(&opened, tokens, "['a b']", (tokenizer_bpe_settings){0}), QCTX_OK, &error);
    assert_tokens(&opened, "axxb\u00e9", "ab"); /* what is unknown vanishes, and a meets b */
    close_model(&opened);
    assert_status(try_open(&opened, tokens, "['a b']", (tokenizer_bpe_settings){.unknown = "?"}), QCTX_OK, &error);
    assert_tokens(&opened, "xab\u00e9\u6f22b", "? ab ? ? b");
    close_model(&opened);
    assert_status(try_open(&opened, tokens, "['a b']", (tokenizer_bpe_settings){.unknown = "?", .fuse_unknown = true}),
                  QCTX_OK, &error);
    assert_tokens(&opened, "xab\u00e9\u6f22b", "? ab ? b");
    close_model(&opened);
    assert_refused(tokens, "['a b']", (tokenizer_bpe_settings){.unknown = "<unk>"}, "no token '<unk>'");
}

static void test_affixes(void **state)
{
    model opened;

    (void)state;
    assert_status(try_open(&opened, "{'a':0,'b':1,'a</w>':2,'b</w>':3,'ab</w>':4,'ab':5}", "['a b</w>','a b']",
                           (tokenizer_bpe_settings){.end_of_word_suffix = "</w>"}),
                  QCTX_OK, &error);
    assert_tokens(&opened, "ab", "ab</w>");
    assert_tokens(&opened, "aba", "ab a</w>");
    assert_tokens(&opened, "b", "b</w>");
    close_model(&opened);
    assert_status(try_open(&opened, "{'a':0,'##b':1,'ab':2,'##bb':3}", "['a ##b','##b ##b']",
                           (tokenizer_bpe_settings){.continuing_prefix = "##"}),
                  QCTX_OK, &error);
    assert_tokens(&opened, "abbb", "ab ##bb");
    close_model(&opened);
    assert_refused("{'a':0}", "[]",
                   (tokenizer_bpe_settings){.end_of_word_suffix =
                                                "0123456789012345678901234567890123456789012345678901234567890123456"},
                   "end_of_word_suffix has 67 bytes");
}

/* GPT-2's table: printable bytes of Latin-1 are themselves, the others follow from U+0100 on. */
static void test_byte_level(void **state)
{
    model opened;

    (void)state;
    assert_status(try_open(&opened,
                           "{'h':0,'i':1,'\u0120':2,'\u010a':3,'\u00c3':4,'\u00a9':5,'hi':6,'\u0120hi':7,'\u0143':8,"
                           "'\u00c3\u00a9':9,'\u0100':10,'\u0121':11}",
                           "['h i','\u0120 hi','\u00c3 \u00a9']", (tokenizer_bpe_settings){.byte_level = true}),
                  QCTX_OK, &error);
    assert_tokens(&opened, " hi", "\u0120hi");
    assert_tokens(&opened, "\nhi", "\u010a hi");
    assert_tokens(&opened, "\u00e9", "\u00c3\u00a9");
    assert_tokens(&opened, "\xad\x7f", "\u0143 \u0121");
    close_model(&opened);
}

/* Merges again and again the leftmost pair of the lowest rank, which is found by looking at all: the slow twin. */
static int64_t merge_slowly(const int32_t (*merges)[3], int64_t merge_count, int32_t *word, int64_t length)
{
    for (;;) {
        int64_t best = merge_count;
        int64_t at = -1;

        for (int64_t i = 0; i + 1 < length; i++)
            for (int64_t rank = 0; rank < best; rank++)
                if (merges[rank][0] == word[i] && merges[rank][1] == word[i + 1]) {
                    best = rank;
                    at = i;
                }
        if (at < 0)
            return length;
        word[at] = merges[best][2];
        memmove(word + at + 1, word + at + 2, (size_t)(length - at - 2) * sizeof *word);
        length--;
    }
}

/* Random merges of three letters, also such as no training gives, on random words. */
static void test_against_the_slow_twin(void **state)
{
    enum { MODELS = 40, TOKENS = 30, WORDS = 100, WORD_MOST = 60 };
    uint64_t draw = 0;

    (void)state;
    for (int m = 0; m < MODELS; m++) {
        char tokens[TOKENS][64] = {"a", "b", "c"};
        char vocabulary[TOKENS * 80] = "{'a':0,'b':1,'c':2";
        char array[TOKENS * 80] = "[";
        int32_t merges[TOKENS][3];
        int64_t count = 3, merge_count = 0;
        model opened;

        while (count < TOKENS && merge_count < TOKENS) {
            int32_t left = (int32_t)(qctx_rng_below((uint64_t)count, 5, QCTX_STREAM_SYNTH, draw++, 0));
            int32_t right = (int32_t)(qctx_rng_below((uint64_t)count, 5, QCTX_STREAM_SYNTH, draw++, 0));
            char made[128], text[192];
            int32_t id = 0;
            bool known = false;

            for (int64_t i = 0; i < merge_count; i++)
                known = known || (merges[i][0] == left && merges[i][1] == right);
            snprintf(made, sizeof made, "%s%s", tokens[left], tokens[right]);
            if (known || strlen(made) > 16)
                break;
            while (id < count && strcmp(tokens[id], made) != 0)
                id++;
            if (id == count) {
                strcpy(tokens[count++], made);
                snprintf(text, sizeof text, ",'%s':%d", made, id);
                strcat(vocabulary, text);
            }
            snprintf(text, sizeof text, "%s'%s %s'", merge_count > 0 ? "," : "", tokens[left], tokens[right]);
            strcat(array, text);
            memcpy(merges[merge_count++], (int32_t[]){left, right, id}, sizeof *merges);
        }
        strcat(vocabulary, "}");
        strcat(array, "]");
        assert_status(try_open(&opened, vocabulary, array, (tokenizer_bpe_settings){0}), QCTX_OK, &error);
        for (int w = 0; w < WORDS; w++) {
            int64_t length = 1 + (int64_t)(qctx_rng_below(WORD_MOST, 5, QCTX_STREAM_SYNTH, draw++, 0));
            int32_t expected[WORD_MOST];
            char word[WORD_MOST];
            qctx_ids ids = {0};

            for (int64_t i = 0; i < length; i++) {
                expected[i] = (int32_t)(qctx_rng_below(3, 5, QCTX_STREAM_SYNTH, draw++, 0));
                word[i] = (char)('a' + expected[i]);
            }
            assert_status(tokenizer_bpe_encode(opened.bpe, opened.scratch, word, length, &ids, &error), QCTX_OK,
                          &error);
            length = merge_slowly((const int32_t(*)[3])merges, merge_count, expected, length);
            assert_int_equal(ids.count, length);
            assert_memory_equal(ids.items, expected, (size_t)length * sizeof *expected);
            free(ids.items);
        }
        close_model(&opened);
    }
}

/* 2^20 + 1 equal letters become tokens of 16 and one of 1; a quadratic way would take minutes. */
static void test_long_word(void **state)
{
    enum { LENGTH = (1 << 20) + 1 };
    char *word = malloc(LENGTH);
    qctx_ids ids = {0};
    model opened;

    (void)state;
    memset(word, 'a', LENGTH);
    assert_status(try_open(&opened, "{'a':0,'aa':1,'aaaa':2,'aaaaaaaa':3,'aaaaaaaaaaaaaaaa':4}",
                           "['a a','aa aa','aaaa aaaa','aaaaaaaa aaaaaaaa']", (tokenizer_bpe_settings){0}),
                  QCTX_OK, &error);
    assert_status(tokenizer_bpe_encode(opened.bpe, opened.scratch, word, LENGTH, &ids, &error), QCTX_OK, &error);
    assert_int_equal(ids.count, LENGTH / 16 + 1);
    for (int64_t i = 0; i < ids.count; i++)
        assert_int_equal(ids.items[i], i == ids.count - 1 ? 0 : 4);
    close_model(&opened);
    free(ids.items);
    free(word);
}

static void test_bad_merges(void **state)
{
    static const char *const tokens = "{'a':0,'b':1,'##b':2,'ab':3}";

    (void)state;
    assert_refused(tokens, "['a b','a c']", (tokenizer_bpe_settings){0},
                   "model.json: merge 2: the vocabulary has no token 'c'");
    assert_refused(tokens, "['b a']", (tokenizer_bpe_settings){0}, "no token 'ba'");
    assert_refused(tokens, "['ab']", (tokenizer_bpe_settings){0}, "merge 1 is ab");
    assert_refused(tokens, "['a  b']", (tokenizer_bpe_settings){0}, "merge 1");
    assert_refused(tokens, "[['a','b','b']]", (tokenizer_bpe_settings){0}, "merge 1 is an array");
    assert_refused(tokens, "['a b',7]", (tokenizer_bpe_settings){0}, "merge 2 is ");
    assert_refused(tokens, "[['a',7]]", (tokenizer_bpe_settings){0}, "merge 1");
    assert_refused(tokens, "[['','a']]", (tokenizer_bpe_settings){0}, "no token ''");
    assert_refused(tokens, "{'a':'b'}", (tokenizer_bpe_settings){0}, "expected an array");
    assert_refused(tokens, "['ab b']", (tokenizer_bpe_settings){.continuing_prefix = "##"}, "'b' is shorter");
}

static void assert_read(const char *text, const char *expected)
{
    const char *path = test_path("merges.txt");
    json_t *merges = NULL;
    char *dumped;

    test_write(path, text);
    assert_status(tokenizer_bpe_read_merges(path, &merges, &error), QCTX_OK, &error);
    dumped = qctx_json_dump(merges, &error);
    assert_string_equal(dumped, expected);
    free(dumped);
    json_decref(merges);
}

static void assert_unread(const char *text, const char *message)
{
    const char *path = test_path("merges.txt");
    json_t *merges = NULL;

    test_write(path, text);
    assert_status(tokenizer_bpe_read_merges(path, &merges, &error), QCTX_ERR_FORMAT, &error);
    assert_contains(error.message, message);
    assert_null(merges);
}

static void test_merges_file(void **state)
{
    json_t *merges = NULL;

    (void)state;
    assert_read("#version: 0.2\na b\n\u0120 t\n", "[\"a b\",\"\u0120 t\"]");
    assert_read("#version: 0.2\r\na b\r\nc d\r\n\r\n", "[\"a b\",\"c d\"]");
    assert_read("a b\nc d", "[\"a b\",\"c d\"]");
    assert_read("# #\n", "[\"# #\"]");
    assert_read("", "[]");
    assert_unread("#version: 0.2\na b\n\nc d\n", "merges.txt:3: found ''");
    assert_unread("a b\nab\n", "merges.txt:2: found 'ab'");
    assert_unread("a b c\n", "merges.txt:1: found 'a b c'");
    assert_unread(" a\n", "merges.txt:1");
    assert_unread("a \n", "merges.txt:1");
    assert_unread("a \xff\n", "merges.txt:1: not a text in UTF-8");
    assert_status(tokenizer_bpe_read_merges(test_path("none.txt"), &merges, &error), QCTX_ERR_IO, &error);
    assert_contains(error.message, "none.txt");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_ranks),     cmocka_unit_test(test_twice),      cmocka_unit_test(test_unknown),
    cmocka_unit_test(test_affixes),   cmocka_unit_test(test_byte_level), cmocka_unit_test(test_against_the_slow_twin),
    cmocka_unit_test(test_long_word), cmocka_unit_test(test_bad_merges), cmocka_unit_test(test_merges_file),
};

TEST_MAIN(tests)
