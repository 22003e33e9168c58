/* ranks: 1 */
#include "harness.h"

#include <stdlib.h>
#include <string.h>

#include "../../src/tokenizer/stages.h"

typedef qctx_status splitter(const char *text, int64_t length, qctx_spans *pieces, qctx_error *error);

typedef struct {
    const char *text;
    const char *pieces; /* with '|' between them */
} split_case;

/* The pieces are those of the tokenizers library 0.23 (Split with Regex and the expression of the header). */
static const split_case gpt2_cases[] = {
    {"", ""},
    {" ", " "},
    {"Hello world", "Hello| world"},
    {"  two spaces", " | two| spaces"},
    {" trailing  ", " trailing|  "},
    {"\t\ttabs and\n\nlines\n", "\t|\t|tabs| and|\n|\n|lines|\n"},
    {"it's they're we've I'm you'll he'd don't", "it|'s| they|'re| we|'ve| I|'m| you|'ll| he|'d| don|'t"},
    {"IT'S '' 's!'s 'll'l", "IT|'|S| ''| '|s|!'|s| '|ll|'|l"},
    {"a1b22 333x", "a|1|b|22| 333|x"},
    {"3.14, \"yes\"!? -- no", "3|.|14|,| \"|yes|\"!?| --| no"},
    {"caf\303\251 na\314\210ive", "caf\303\251| na|\314\210|ive"},
    {"x\302\240y\302\240\302\240z", "x|\302\240|y|\302\240|\302\240|z"},
    {"\343\200\200\343\200\200\346\274\242\345\255\227\343\200\200kana\343\203\274",
     "\343\200\200|\343\200\200|\346\274\242\345\255\227|\343\200\200|kana\343\203\274"},
    {"\331\243\331\244 \302\275 \342\205\247 \302\262", "\331\243\331\244| \302\275| \342\205\247| \302\262"},
    {"\360\237\230\200\360\237\217\275!\360\235\225\217", "\360\237\230\200\360\237\217\275!|\360\235\225\217"},
    {"\360\223\221\260\360\234\263\265\360\220\265\220 \341\262\211",
     "\360\223\221\260|\360\234\263\265|\360\220\265\220| \341\262\211"},
    {"a'", "a|'"},
    {"'", "'"},
    {" 's  's", " '|s| | '|s"},
    {"\342\200\215\342\200\213 \302\205\342\200\250x", "\342\200\215\342\200\213| \302\205|\342\200\250|x"},
    {"a  \n b", "a|  \n| b"},
};

static const split_case clip_cases[] = {
    {"", ""},
    {" ", ""},
    {"Hello world", "Hello|world"},
    {"  two spaces", "two|spaces"},
    {" trailing  ", "trailing"},
    {"\t\ttabs and\n\nlines\n", "tabs|and|lines"},
    {"it's they're we've I'm you'll he'd don't", "it|'s|they|'re|we|'ve|I|'m|you|'ll|he|'d|don|'t"},
    {"IT'S '' 's!'s 'll'l", "IT|'|S|''|'s|!'|s|'ll|'|l"},
    {"a1b22 333x", "a|1|b|2|2|3|3|3|x"},
    {"3.14, \"yes\"!? -- no", "3|.|1|4|,|\"|yes|\"!?|--|no"},
    {"caf\303\251 na\314\210ive", "caf\303\251|na|\314\210|ive"},
    {"x\302\240y\302\240\302\240z", "x|y|z"},
    {"\343\200\200\343\200\200\346\274\242\345\255\227\343\200\200kana\343\203\274",
     "\346\274\242\345\255\227|kana\343\203\274"},
    {"\331\243\331\244 \302\275 \342\205\247 \302\262", "\331\243|\331\244|\302\275|\342\205\247|\302\262"},
    {"\360\237\230\200\360\237\217\275!\360\235\225\217", "\360\237\230\200\360\237\217\275!|\360\235\225\217"},
    {"\360\223\221\260\360\234\263\265\360\220\265\220 \341\262\211",
     "\360\223\221\260|\360\234\263\265|\360\220\265\220|\341\262\211"},
    {"a'", "a|'"},
    {"'", "'"},
    {" 's  's", "'s|'s"},
    {"\342\200\215\342\200\213 \302\205\342\200\250x", "\342\200\215\342\200\213|x"},
    {"a  \n b", "a|b"},
};

/* As Python's regex has it with IGNORECASE and open_clip's expression. */
static const split_case open_clip_cases[] = {
    {"it's '\u017f a1!?", "it|'s|'\u017f|a|1|!?"},
    {"a\u0345b &\u0345& \u0345", "a|b|&|&"},
    {"<start_of_text>x<end_of_text><", "<start_of_text>|x|<end_of_text>|<"},
    {"!<end_of_text>", "!<|end|_|of|_|text|>"},
    {"<|endoftext|>", "<||endoftext||>"},
};

static qctx_error error;

static char *joined(splitter *split, const char *text)
{
    qctx_spans pieces = {0};
    char *all = calloc(2 * strlen(text) + 1, 1);

    assert_status(split(text, (int64_t)strlen(text), &pieces, &error), QCTX_OK, &error);
    for (int64_t i = 0; i < pieces.count; i++) {
        if (i > 0)
            strcat(all, "|");
        strncat(all, text + pieces.items[i].first, (size_t)(pieces.items[i].end - pieces.items[i].first));
    }
    free(pieces.items);
    return all;
}

static void check(splitter *split, const split_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *all = joined(split, cases[i].text);

        assert_string_equal(all, cases[i].pieces);
        free(all);
    }
}

static void test_gpt2(void **state)
{
    (void)state;
    check(tokenizer_split_gpt2, gpt2_cases, sizeof gpt2_cases / sizeof *gpt2_cases);
}

static void test_clip(void **state)
{
    (void)state;
    check(tokenizer_split_clip, clip_cases, sizeof clip_cases / sizeof *clip_cases);
}

static void test_open_clip(void **state)
{
    (void)state;
    check(tokenizer_split_open_clip, open_clip_cases, sizeof open_clip_cases / sizeof *open_clip_cases);
    assert_int_equal(tokenizer_open_clip_piece("<start_of_text>", 15), OPEN_CLIP_START);
    assert_int_equal(tokenizer_open_clip_piece("<end_of_text>", 13), OPEN_CLIP_END);
    assert_int_equal(tokenizer_open_clip_piece("<", 1), OPEN_CLIP_WORD);
}

/* GPT-2's pieces follow each other without a gap, whatever the text; pieces are appended to those that are there. */
static void test_nothing_is_lost(void **state)
{
    static const char *const parts[] = {" ", "'", "s", "7", "\t", "\xc3\xa9", "-", "\xe3\x80\x80", "ll"};
    enum { PARTS = sizeof parts / sizeof *parts, LENGTH = 4, TEXTS = PARTS * PARTS * PARTS * PARTS };

    (void)state;
    for (int number = 0; number < TEXTS; number++) {
        char text[4 * LENGTH + 1] = "";
        qctx_spans pieces = {0};
        int64_t at = 0;

        for (int i = 0, rest = number; i < LENGTH; i++, rest /= PARTS)
            strcat(text, parts[rest % PARTS]);
        for (int again = 0; again < 2; again++)
            assert_status(tokenizer_split_gpt2(text, (int64_t)strlen(text), &pieces, &error), QCTX_OK, &error);
        assert_int_equal(pieces.count % 2, 0);
        for (int64_t i = 0; i < pieces.count / 2; i++) {
            assert_int_equal(pieces.items[i].first, at);
            assert_true(pieces.items[i].end > at);
            at = pieces.items[i].end;
        }
        assert_int_equal(at, (int64_t)strlen(text));
        free(pieces.items);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_gpt2),
    cmocka_unit_test(test_clip),
    cmocka_unit_test(test_open_clip),
    cmocka_unit_test(test_nothing_is_lost),
};

TEST_MAIN(tests)
