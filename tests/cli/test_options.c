/* ranks: 1 */
/* The option parser, by a made-up command that has an option of every kind. */
#include "harness.h"

#include <stdlib.h>
#include <string.h>

#include "qctx/cli/options.h"

enum { RED, GREEN, DARK_GREEN };
static const char *const colours[] = {[RED] = "red", [GREEN] = "green", [DARK_GREEN] = "dark green", NULL};

static struct {
    bool flag, help;
    const char *word, *text;
    qctx_option_choice choice;
    int64_t number, any;
    double share;
    qctx_option_pairs pairs;
    qctx_option_texts texts;
    const char *operands[64];
    int64_t operand_count;
    qctx_error error;
} got;

static const qctx_option table[] = {
    {"flag", QCTX_OPTION_FLAG, &got.flag, NULL, "a flag", 0, 0},
    {"word", QCTX_OPTION_WORD, &got.word, "auto", "a word or none", 0, 0},
    {"number", QCTX_OPTION_INT, &got.number, "N", "a bounded number", -2, 7},
    {"any", QCTX_OPTION_INT, &got.any, "N", "any number", 0, 0},
    {"share", QCTX_OPTION_DOUBLE, &got.share, "S", "a share", 0, 0.5},
    {"text", QCTX_OPTION_TEXT, &got.text, "TEXT", "a text", 0, 0},
    {"choice", QCTX_OPTION_CHOICE, &got.choice, NULL, "a choice", 0, 0},
    {"pair", QCTX_OPTION_PAIRS, &got.pairs, "NAME FILE", "two words, repeated", 0, 0},
    {"item", QCTX_OPTION_TEXTS, &got.texts, "ITEM", "a word, repeated", 0, 0},
    {0},
};

static const qctx_usage usage = {
    .command = "made-up",
    .arguments = "FILE ...",
    .summary = "A command that is none.",
    .options = table,
    .positional_max = -1,
};

/* Parses the words up to the first NULL, from the defaults. */
static qctx_status parse_by(const qctx_usage *by, char *const *words)
{
    static char command[] = "made-up";
    char *argv[64] = {command};
    int argc = 1;

    while (words[argc - 1] != NULL) {
        argv[argc] = words[argc - 1];
        argc++;
    }
    memset(&got, 0, sizeof got);
    got.number = 5;
    got.share = 0.25;
    got.choice = (qctx_option_choice){colours, -1};
    return qctx_options_parse(by, argc, argv, got.operands, &got.operand_count, &got.help, &got.error);
}

#define parse(...) parse_by(&usage, (char *[]){__VA_ARGS__, NULL})

#define assert_refused(expected, ...)                                                                                  \
    do {                                                                                                               \
        assert_int_equal(parse(__VA_ARGS__), QCTX_ERR_USAGE);                                                          \
        assert_string_equal(got.error.message, expected);                                                              \
    } while (0)

#define assert_taken(...) assert_status(parse(__VA_ARGS__), QCTX_OK, &got.error)

static void values_stand_behind_an_option_or_its_equals_sign(void **state)
{
    (void)state;
    assert_taken("--number", "3", "--share=0.5", "--text=a=b", "--choice", "green", "--flag");
    assert_int_equal(got.number, 3);
    assert_true(got.share == 0.5);
    assert_string_equal(got.text, "a=b");
    assert_int_equal(got.choice.value, GREEN);
    assert_true(got.flag);
    assert_int_equal(got.operand_count, 0);

    /* What follows is the value, whatever it looks like. */
    assert_taken("--text", "--flag", "--choice=dark green");
    assert_string_equal(got.text, "--flag");
    assert_false(got.flag);
    assert_int_equal(got.choice.value, DARK_GREEN);
    assert_taken("--text=");
    assert_string_equal(got.text, "");
    assert_taken("--text", "--help");
    assert_false(got.help);
}

static void what_is_not_given_keeps_its_default(void **state)
{
    (void)state;
    assert_taken("one");
    assert_int_equal(got.number, 5);
    assert_true(got.share == 0.25);
    assert_false(got.flag);
    assert_null(got.word);
    assert_null(got.text);
    assert_int_equal(got.choice.value, -1);
    assert_int_equal(got.pairs.count + got.texts.count, 0);
}

static void numbers_stay_within_their_bounds(void **state)
{
    (void)state;
    assert_taken("--number", "-2");
    assert_int_equal(got.number, -2);
    assert_taken("--number", "7");
    assert_int_equal(got.number, 7);
    assert_taken("--share", "0");
    assert_true(got.share == 0);
    assert_taken("--share", "5e-1");
    assert_true(got.share == 0.5);
    assert_refused("made-up: --number: -3 is out of range, expected -2 to 7", "--number", "-3");
    assert_refused("made-up: --number: 8 is out of range, expected -2 to 7", "--number=8");
    assert_refused("made-up: --share: 0.51 is out of range, expected 0 to 0.5", "--share", "0.51");
    assert_refused("made-up: --share: -0.1 is out of range, expected 0 to 0.5", "--share", "-0.1");
    /* Without bounds all that fits is taken. */
    assert_taken("--any", "-9223372036854775808");
    assert_true(got.any == INT64_MIN);
    assert_taken("--any", "9223372036854775807");
    assert_true(got.any == INT64_MAX);
    assert_int_equal(parse("--any", "9223372036854775808"), QCTX_ERR_USAGE);
    assert_contains(got.error.message, "9223372036854775808 is out of range");
}

static void what_is_no_number_is_refused(void **state)
{
    (void)state;
    assert_refused("made-up: --number: 'x' is not a whole number", "--number", "x");
    assert_refused("made-up: --number: '3x' is not a whole number", "--number", "3x");
    assert_refused("made-up: --number: '1.5' is not a whole number", "--number", "1.5");
    assert_refused("made-up: --number: '' is not a whole number", "--number=");
    assert_refused("made-up: --share: 'half' is not a number", "--share", "half");
    assert_refused("made-up: --share: '0.1,' is not a number", "--share", "0.1,");
    assert_refused("made-up: --share: 'nan' is not a number", "--share", "nan");
    assert_refused("made-up: --share: '-inf' is not a number", "--share", "-inf");
    assert_refused("made-up: --share: '1e999' is not a number", "--share", "1e999");
    assert_refused("made-up: --share: '' is not a number", "--share", "");
}

static void a_choice_is_one_of_its_words(void **state)
{
    (void)state;
    assert_taken("--choice", "red");
    assert_int_equal(got.choice.value, RED);
    assert_refused("made-up: --choice: 'blue' is not one of red|green|dark green", "--choice", "blue");
    assert_refused("made-up: --choice: 'gree' is not one of red|green|dark green", "--choice", "gree");
    assert_refused("made-up: --choice: 'greens' is not one of red|green|dark green", "--choice", "greens");
    assert_refused("made-up: --choice: 'red|green' is not one of red|green|dark green", "--choice", "red|green");
    assert_refused("made-up: --choice: '' is not one of red|green|dark green", "--choice=");
}

static void a_word_may_stand_alone(void **state)
{
    (void)state;
    assert_taken("--word");
    assert_string_equal(got.word, "");
    assert_taken("--word", "auto", "left");
    assert_string_equal(got.word, "auto");
    assert_int_equal(got.operand_count, 1);
    assert_taken("--word=auto");
    assert_string_equal(got.word, "auto");
    /* Another word is an argument, and an option an option. */
    assert_taken("--word", "never", "--flag");
    assert_string_equal(got.word, "");
    assert_string_equal(got.operands[0], "never");
    assert_true(got.flag);
    assert_refused("made-up: --word: 'never' is not 'auto', the only word that it takes", "--word=never");
}

static void the_last_of_several_values_counts(void **state)
{
    (void)state;
    assert_taken("--number", "1", "--text", "a", "--number=2", "--choice", "red", "--text", "b", "--choice=green",
                 "--flag", "--flag");
    assert_int_equal(got.number, 2);
    assert_string_equal(got.text, "b");
    assert_int_equal(got.choice.value, GREEN);
    assert_true(got.flag);
}

static void lists_keep_all_values_in_order(void **state)
{
    char *words[2 * QCTX_OPTION_TEXTS_MAX + 3] = {NULL};
    char item[] = "--item", value[] = "v";

    (void)state;
    assert_taken("--pair", "train", "a", "--item", "x", "--pair", "dev", "--b", "--item=y");
    assert_int_equal(got.pairs.count, 2);
    assert_string_equal(got.pairs.items[0].name, "train");
    assert_string_equal(got.pairs.items[0].value, "a");
    assert_string_equal(got.pairs.items[1].name, "dev");
    assert_string_equal(got.pairs.items[1].value, "--b");
    assert_int_equal(got.texts.count, 2);
    assert_string_equal(got.texts.items[0], "x");
    assert_string_equal(got.texts.items[1], "y");

    for (int i = 0; i < QCTX_OPTION_TEXTS_MAX; i++) {
        words[2 * i] = item;
        words[2 * i + 1] = value;
    }
    assert_status(parse_by(&usage, words), QCTX_OK, &got.error);
    assert_int_equal(got.texts.count, QCTX_OPTION_TEXTS_MAX);
    words[2 * QCTX_OPTION_TEXTS_MAX] = item;
    words[2 * QCTX_OPTION_TEXTS_MAX + 1] = value;
    assert_int_equal(parse_by(&usage, words), QCTX_ERR_USAGE);
    assert_string_equal(got.error.message, "made-up: --item is given more than 16 times");
}

static void a_missing_value_is_named(void **state)
{
    (void)state;
    assert_refused("made-up: --number lacks its value: N", "--number");
    assert_contains(got.error.hint, "qctx-dist made-up --help");
    assert_refused("made-up: --choice lacks its value: red|green|dark green", "one", "--choice");
    assert_contains(got.error.hint, "--help");
    assert_refused("made-up: --pair lacks its value: NAME FILE", "--pair", "train");
    assert_contains(got.error.hint, "--help");
    assert_refused("made-up: --item lacks its value: ITEM", "--item");
    assert_contains(got.error.hint, "--help");
    assert_refused("made-up: --flag takes no '=VALUE'", "--flag=true");
    assert_refused("made-up: --pair takes no '=VALUE'", "--pair=train", "a");
}

static void unknown_options_are_refused_with_the_nearest(void **state)
{
    (void)state;
    assert_refused("made-up: unknown option '--nubmer'", "--nubmer", "3");
    assert_contains(got.error.hint, "did you mean '--number'?");
    assert_refused("made-up: unknown option '--shar'", "--shar=0.1");
    assert_contains(got.error.hint, "did you mean '--share'?");
    assert_refused("made-up: unknown option '--hlep'", "--hlep");
    assert_contains(got.error.hint, "did you mean '--help'?");
    assert_refused("made-up: unknown option '--frobnicate'", "--frobnicate");
    assert_contains(got.error.hint, "qctx-dist made-up --help lists the options");
    /* Names are not abbreviated, and case counts. */
    assert_int_equal(parse("--num", "3"), QCTX_ERR_USAGE);
    assert_int_equal(parse("--Flag"), QCTX_ERR_USAGE);
    assert_refused("made-up: unknown option '-n'", "-n", "3");
    assert_contains(got.error.hint, "options begin with two dashes");
    assert_refused("made-up: unknown option '-flag'", "-flag");
    assert_contains(got.error.hint, "options begin with two dashes");
}

static void the_rest_are_arguments_in_their_order(void **state)
{
    (void)state;
    assert_taken("one", "--number", "3", "two", "key=value", "-", "");
    assert_int_equal(got.operand_count, 5);
    assert_string_equal(got.operands[0], "one");
    assert_string_equal(got.operands[1], "two");
    assert_string_equal(got.operands[2], "key=value");
    assert_string_equal(got.operands[3], "-");
    assert_string_equal(got.operands[4], "");

    /* Behind two dashes everything is one, also what looks like an option. */
    assert_taken("--flag", "--", "--number", "-x", "--", "--help");
    assert_true(got.flag);
    assert_int_equal(got.number, 5);
    assert_false(got.help);
    assert_int_equal(got.operand_count, 4);
    assert_string_equal(got.operands[0], "--number");
    assert_string_equal(got.operands[2], "--");
    assert_string_equal(got.operands[3], "--help");
}

static void arguments_are_counted(void **state)
{
    qctx_usage two = usage;

    (void)state;
    two.positional_min = 1;
    two.positional_max = 2;
    assert_int_equal(parse_by(&two, (char *[]){"--flag", NULL}), QCTX_ERR_USAGE);
    assert_string_equal(got.error.message, "made-up: too few arguments");
    assert_string_equal(got.error.hint, "usage: qctx-dist made-up FILE ...");
    assert_int_equal(parse_by(&two, (char *[]){"a", NULL}), QCTX_OK);
    assert_int_equal(parse_by(&two, (char *[]){"a", "b", NULL}), QCTX_OK);
    assert_int_equal(parse_by(&two, (char *[]){"a", "b", "c", NULL}), QCTX_ERR_USAGE);
    assert_string_equal(got.error.message, "made-up: too many arguments");
    /* Who asks for help need not give what the command wants. */
    assert_int_equal(parse_by(&two, (char *[]){"--help", NULL}), QCTX_OK);
    assert_true(got.help);
}

static void help_ends_the_parsing(void **state)
{
    (void)state;
    assert_taken("-h");
    assert_true(got.help);
    assert_taken("--number", "3", "--help", "--frobnicate");
    assert_true(got.help);
    assert_int_equal(got.number, 3);
    /* A mistake before it is a mistake. */
    assert_int_equal(parse("--frobnicate", "--help"), QCTX_ERR_USAGE);
    assert_false(got.help);
}

static char *usage_text(const qctx_usage *of)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&text, &bytes);

    qctx_options_print_usage(of, stream);
    fclose(stream);
    return text;
}

static void usage_shows_options_with_their_defaults(void **state)
{
    bool flag = false;
    int64_t given = 12, absent = -1;
    double share = 0.5;
    const char *word = NULL, *text = "hashing", *none = NULL;
    qctx_option_choice choice = {colours, RED}, open = {colours, -1};
    const qctx_option options[] = {
        {"flag", QCTX_OPTION_FLAG, &flag, NULL, "a flag", 0, 0},
        {"word", QCTX_OPTION_WORD, &word, "auto", "alone or with its word", 0, 0},
        {"given", QCTX_OPTION_INT, &given, "N", "a number", 1, 20},
        {"absent", QCTX_OPTION_INT, &absent, "N", "outside its bounds: not given", 0, 20},
        {"share", QCTX_OPTION_DOUBLE, &share, "S", "a share", 0, 1},
        {"text", QCTX_OPTION_TEXT, &text, "NAME", "a text", 0, 0},
        {"none", QCTX_OPTION_TEXT, &none, "NAME", "a text without a default", 0, 0},
        {"choice-of-colours", QCTX_OPTION_CHOICE, &choice, NULL,
         "a name that leaves no place beside it, and a help that is longer than what a line has left", 0, 0},
        {"o", QCTX_OPTION_CHOICE, &open, NULL, "none is chosen", 0, 0},
        {0},
    };
    const qctx_usage of = {
        .command = "made-up",
        .arguments = "FILE --one ARGUMENT --another ARGUMENT --one-more ARGUMENT [--and-the-last]",
        .summary = "Does nothing, but says so in a sentence that goes on until it is longer than a line may be.",
        .details = "Details are printed as they are.\n",
        .options = options,
    };
    char *shown = usage_text(&of);

    (void)state;
    assert_string_equal(shown, "usage: qctx-dist made-up FILE --one ARGUMENT --another ARGUMENT --one-more\n"
                               "          ARGUMENT [--and-the-last]\n"
                               "\n"
                               "Does nothing, but says so in a sentence that goes on until it is longer than a\n"
                               "line may be.\n"
                               "\n"
                               "options:\n"
                               "  --flag                  a flag\n"
                               "  --word [auto]           alone or with its word\n"
                               "  --given N               a number (default 12)\n"
                               "  --absent N              outside its bounds: not given\n"
                               "  --share S               a share (default 0.5)\n"
                               "  --text NAME             a text (default hashing)\n"
                               "  --none NAME             a text without a default\n"
                               "  --choice-of-colours red|green|dark green\n"
                               "                          a name that leaves no place beside it, and a help that\n"
                               "                          is longer than what a line has left (default red)\n"
                               "  --o red|green|dark green\n"
                               "                          none is chosen\n"
                               "\n"
                               "Details are printed as they are.\n");
    free(shown);
}

/* Words of every length from 1 on put a line end at every place that it can have. */
static void usage_stays_within_80_columns(void **state)
{
    (void)state;
    for (int length = 1; length <= 50; length++) {
        char words[1024] = "";
        const qctx_option options[] = {{"option", QCTX_OPTION_FLAG, &got.flag, NULL, words, 0, 0}, {0}};
        const qctx_usage of = {.command = "made-up", .arguments = words, .summary = words, .options = options};
        char *shown;
        int widest = 0;

        for (size_t end = 0; end + (size_t)length + 2 < 400; end = strlen(words)) {
            memset(words + end, 'x', (size_t)length);
            strcpy(words + end + length, " ");
        }
        shown = usage_text(&of);
        for (const char *line = shown; *line != '\0'; line += strcspn(line, "\n") + 1)
            widest = (int)strcspn(line, "\n") > widest ? (int)strcspn(line, "\n") : widest;
        assert_true(widest <= 80);
        /* No line end stands where another word had a place: a full line misses less than a word. */
        assert_true(widest + 1 + length > 80);
        free(shown);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(values_stand_behind_an_option_or_its_equals_sign),
    cmocka_unit_test(what_is_not_given_keeps_its_default),
    cmocka_unit_test(numbers_stay_within_their_bounds),
    cmocka_unit_test(what_is_no_number_is_refused),
    cmocka_unit_test(a_choice_is_one_of_its_words),
    cmocka_unit_test(a_word_may_stand_alone),
    cmocka_unit_test(the_last_of_several_values_counts),
    cmocka_unit_test(lists_keep_all_values_in_order),
    cmocka_unit_test(a_missing_value_is_named),
    cmocka_unit_test(unknown_options_are_refused_with_the_nearest),
    cmocka_unit_test(the_rest_are_arguments_in_their_order),
    cmocka_unit_test(arguments_are_counted),
    cmocka_unit_test(help_ends_the_parsing),
    cmocka_unit_test(usage_shows_options_with_their_defaults),
    cmocka_unit_test(usage_stays_within_80_columns),
};
TEST_MAIN(tests)
