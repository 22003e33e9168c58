/* ranks: 1 */
#include "harness.h"

#include <stdlib.h>
#include <string.h>

#include "../../src/tokenizer/stages.h"

static const struct {
    const char *text;
    const char *cleaned;
} cases[] = {
    /* What open_clip 3.3 gives with ftfy 6.3 and Python 3.11. */
    {"", ""},
    {"   ", ""},
    {"Plain text.", "plain text."},
    {"Two  spaces\tand\na line ", "two spaces and a line"},
    {"\342\200\234Here\342\200\231s\342\200\235 \342\200\230a\342\200\233 test\312\274", "\"here's\" 'a' test'"},
    {"\357\254\201nd the \357\254\204uent \304\262sselmeer \307\206 \307\261 \305\211 \357\254\205",
     "find the ffluent ijsselmeer d\305\276 dz 'n \305\277t"},
    {"\357\274\254\357\274\257\357\274\265\357\274\244\343\200\200\357\275\216\357\275\217\357\275\211\357\275\223\357"
     "\275\205\357\275\223",
     "loud noises"},
    {"\357\276\212\357\276\236\357\275\261 \357\277\243 \357\277\240 \357\276\267",
     "\343\203\220\343\202\242 \314\204 \302\242 \341\204\213"},
    {"one\r\ntwo\rthree\342\200\250four\342\200\251five\302\205six", "one two three four five\342\200\246six"},
    {"bell\007 \001\013\037\177 gone, form\014feed", "bell gone, form feed"},
    {"\357\273\277mark \342\201\252\357\277\271\357\277\274", "mark"},
    {"\033[31;1mred\033[0m \033[x \033[ 1", "red [ 1"},
    {"e\314\201 \342\204\253 A\314\212", "\303\251 \303\245 \303\245"},
    {"\302\223quoted\302\224 \302\200 and \302\201", "\"quoted\" \342\202\254 and \302\201"},
    {"&lt;b&gt; &amp;amp;lt; &AMP; &EACUTE; &eacute &copy2 &notit; &NOTIT;",
     "<b> < & \303\251 \303\251 \302\2512 \302\254it; &notit;"},
    {"<i>&lt; &amp;lt; &amp;amp;lt;", "<i>< < &lt;"},
    {"a &amp; b\n<p>&amp;lt;\n&amp;amp;lt;", "a & b <p>< &lt;"},
    {"&#65;&#x42;&#X63; &#0; &#xd800; &#1114112; &#x80; &#13; &#1; &#59;",
     "abc \357\277\275 \357\277\275 \357\277\275 \342\202\254 ;"},
    {"&#99999999999999999999999; &#12ab; &# &#; &#x; &;", "\357\277\275 ab; &# &#; &#x; &;"},
    {"&CounterClockwiseContourIntegral; &NotEqualTilde; &fjlig; &szlig;&SZLIG; &SIGMAF;",
     "\342\210\263 \342\211\202\314\270 fj \303\237ss \317\203"},
    {"&nbsp;x&ensp;&#160;", "x"},
    {"&ampersand &amp\303\251 &lt&gt", "&ersand &\303\251 <>"},
    {"\357\274\206amp;lt; &#65286;lt;", "< <"},
    {"\316\237\316\224\316\237\316\243 \316\243 \316\221\316\243. \316\243\316\243 \316\243\314\201\316\261",
     "\316\277\316\264\316\277\317\202 \317\203 \316\261\317\202. \317\203\317\202 \317\203\314\201\316\261"},
    {"\304\260stanbul STRA\303\237E \341\272\236", "i\314\207stanbul stra\303\237e \303\237"},
    {"\302\240\342\200\203lead and trail\343\200\200", "lead and trail"},
    {"zero\342\200\213width \342\200\215joiner \302\255", "zero\342\200\213width \342\200\215joiner \302\255"},
    {"&amp;#38;#38;lt; chain", "< chain"},

    /* Marks in their order, also those that came with Unicode 14. */
    {"a\u1ac2\u032a", "a\u032a\u1ac2"},
    /* Left as it is, where ftfy guesses a wrong encoding. */
    {"s\303\203\302\263", "s\303\243\302\263"},
};

static qctx_error error;

static void assert_cleaned(const char *text, const char *expected)
{
    char *cleaned = NULL;
    int64_t length = -1;

    assert_status(tokenizer_open_clip_clean(text, (int64_t)strlen(text), &cleaned, &length, &error), QCTX_OK, &error);
    assert_string_equal(cleaned, expected);
    assert_int_equal(length, strlen(expected));
    free(cleaned);
}

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_cleaned(cases[i].text, cases[i].cleaned);
}

/* What is clean already stays, whatever printable ASCII it is made of. */
static void test_clean_stays(void **state)
{
    char text[128] = "x";

    (void)state;
    for (int byte = '!'; byte <= '~'; byte++)
        if (byte != '&' && (byte < 'A' || byte > 'Z'))
            text[strlen(text)] = (char)byte;
    assert_cleaned(text, text);
}

/* References within references, resolved one within the other: linear, however many. */
static void test_nested_references(void **state)
{
    enum { LEVELS = 200000 };
    char *text = malloc(4 * LEVELS + 8);

    (void)state;
    text[0] = '&';
    for (int i = 0; i < LEVELS; i++)
        memcpy(text + 1 + 4 * i, "amp;", 4);
    strcpy(text + 1 + 4 * LEVELS, "lt;");
    assert_cleaned(text, "<");
    free(text);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_cases),
    cmocka_unit_test(test_clean_stays),
    cmocka_unit_test(test_nested_references),
};

TEST_MAIN(tests)
