#include "qctx/cli/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/names.h"
#include "qctx/base/suggest.h"
#include "qctx/cli/wrap.h"

enum { OPTIONS_MAX = 64, HELP_COLUMN = 26, ARGUMENT_MAX = 64 };

static const qctx_option *find(const qctx_option *options, const char *name, size_t length)
{
    for (; options->name != NULL; options++)
        if (strlen(options->name) == length && strncmp(options->name, name, length) == 0)
            return options;
    return NULL;
}

static qctx_status unknown_option(const qctx_usage *usage, const char *name, size_t length, qctx_error *error)
{
    const char *names[OPTIONS_MAX] = {"help"};
    int64_t count = 1;
    const char *nearest;
    char word[64];

    for (const qctx_option *option = usage->options; option->name != NULL && count < OPTIONS_MAX; option++)
        names[count++] = option->name;
    snprintf(word, sizeof word, "%.*s", (int)(length < 63 ? length : 63), name);
    nearest = qctx_suggest(word, names, count);
    qctx_fail(error, QCTX_ERR_USAGE, "%s: unknown option '--%s'", usage->command, word);
    if (nearest != NULL)
        return qctx_hint(error, "did you mean '--%s'?", nearest);
    return qctx_hint(error, "qctx-dist %s --help lists the options", usage->command);
}

static qctx_status malformed(const qctx_usage *usage, const qctx_option *option, const char *text, const char *expected,
                             qctx_error *error)
{
    return qctx_fail(error, QCTX_ERR_USAGE, "%s: --%s: '%s' is not %s", usage->command, option->name, text, expected);
}

static bool within(const qctx_option *option, double value)
{
    return (option->low == 0 && option->high == 0) || (value >= option->low && value <= option->high);
}

static qctx_status out_of_bounds(const qctx_usage *usage, const qctx_option *option, const char *text,
                                 qctx_error *error)
{
    return qctx_fail(error, QCTX_ERR_USAGE, "%s: --%s: %s is out of range, expected %.15g to %.15g", usage->command,
                     option->name, text, option->low, option->high);
}

static qctx_status take_int(const qctx_usage *usage, const qctx_option *option, const char *text, qctx_error *error)
{
    char *end;
    long long value;

    errno = 0;
    value = strtoll(text, &end, 10);
    if (end == text || *end != '\0')
        return malformed(usage, option, text, "a whole number", error);
    if (errno != 0 || !within(option, (double)value))
        return out_of_bounds(usage, option, text, error);
    *(int64_t *)option->value = value;
    return QCTX_OK;
}

static qctx_status take_double(const qctx_usage *usage, const qctx_option *option, const char *text, qctx_error *error)
{
    char *end;
    double value = strtod(text, &end);

    /* The difference is 0 for finite numbers alone. */
    if (end == text || *end != '\0' || !(value - value == 0.0))
        return malformed(usage, option, text, "a number", error);
    if (!within(option, value))
        return out_of_bounds(usage, option, text, error);
    *(double *)option->value = value;
    return QCTX_OK;
}

/* What stands behind an option, "FILE" or "a|b|c"; NULL for a flag. */
static const char *argument_of(const qctx_option *option, char text[ARGUMENT_MAX])
{
    const qctx_option_choice *choice = option->value;

    return option->kind == QCTX_OPTION_CHOICE ? qctx_names_join(choice->names, "|", "|", text, ARGUMENT_MAX)
                                              : option->argument;
}

static qctx_status not_among(const qctx_usage *usage, const qctx_option *option, const char *text, qctx_error *error)
{
    char argument[ARGUMENT_MAX];

    if (option->kind == QCTX_OPTION_WORD)
        return qctx_fail(error, QCTX_ERR_USAGE, "%s: --%s: '%s' is not '%s', the only word that it takes",
                         usage->command, option->name, text, option->argument);
    return qctx_fail(error, QCTX_ERR_USAGE, "%s: --%s: '%s' is not one of %s", usage->command, option->name, text,
                     argument_of(option, argument));
}

static qctx_status take_choice(const qctx_usage *usage, const qctx_option *option, const char *text, qctx_error *error)
{
    qctx_option_choice *choice = option->value;
    const int found = qctx_name_find(choice->names, text);

    if (found < 0)
        return not_among(usage, option, text, error);
    choice->value = found;
    return QCTX_OK;
}

static qctx_status take_word(const qctx_usage *usage, const qctx_option *option, const char *text, qctx_error *error)
{
    if (strcmp(option->argument, text) != 0)
        return not_among(usage, option, text, error);
    *(const char **)option->value = text;
    return QCTX_OK;
}

static qctx_status take_pair(const qctx_usage *usage, const qctx_option *option, const char *name, const char *value,
                             qctx_error *error)
{
    qctx_option_pairs *pairs = option->value;

    if (pairs->count == QCTX_OPTION_PAIRS_MAX)
        return qctx_fail(error, QCTX_ERR_USAGE, "%s: --%s is given more than %d times", usage->command, option->name,
                         QCTX_OPTION_PAIRS_MAX);
    pairs->items[pairs->count].name = name;
    pairs->items[pairs->count].value = value;
    pairs->count++;
    return QCTX_OK;
}

static qctx_status take_text(const qctx_usage *usage, const qctx_option *option, char *text, qctx_error *error)
{
    qctx_option_texts *texts = option->value;

    if (texts->count == QCTX_OPTION_TEXTS_MAX)
        return qctx_fail(error, QCTX_ERR_USAGE, "%s: --%s is given more than %d times", usage->command, option->name,
                         QCTX_OPTION_TEXTS_MAX);
    texts->items[texts->count++] = text;
    return QCTX_OK;
}

static qctx_status take_value(const qctx_usage *usage, const qctx_option *option, char *text, qctx_error *error)
{
    switch (option->kind) {
    case QCTX_OPTION_INT:
        return take_int(usage, option, text, error);
    case QCTX_OPTION_DOUBLE:
        return take_double(usage, option, text, error);
    case QCTX_OPTION_CHOICE:
        return take_choice(usage, option, text, error);
    case QCTX_OPTION_WORD:
        return take_word(usage, option, text, error);
    case QCTX_OPTION_TEXTS:
        return take_text(usage, option, text, error);
    default:
        *(const char **)option->value = text;
        return QCTX_OK;
    }
}

/* How many words behind argv[at] belong to the option there. */
static int value_count(const qctx_option *option, int argc, char **argv, int at)
{
    switch (option->kind) {
    case QCTX_OPTION_FLAG:
        return 0;
    case QCTX_OPTION_WORD:
        return at + 1 < argc && strcmp(option->argument, argv[at + 1]) == 0 ? 1 : 0;
    case QCTX_OPTION_PAIRS:
        return 2;
    default:
        return 1;
    }
}

static void set_flag(const qctx_option *option)
{
    if (option->kind == QCTX_OPTION_FLAG)
        *(bool *)option->value = true;
    else
        *(const char **)option->value = "";
}

/* Takes the option at argv[*at] with its values and moves `*at` to the last word used. */
static qctx_status take_option(const qctx_usage *usage, int argc, char **argv, int *at, qctx_error *error)
{
    char *name = argv[*at] + 2;
    size_t length = strcspn(name, "=");
    char *inlined = name[length] == '=' ? name + length + 1 : NULL;
    const qctx_option *option = find(usage->options, name, length);
    char argument[ARGUMENT_MAX];
    int values;

    if (option == NULL)
        return unknown_option(usage, name, length, error);
    values = value_count(option, argc, argv, *at);
    if (inlined != NULL && values != 1 && option->kind != QCTX_OPTION_WORD)
        return qctx_fail(error, QCTX_ERR_USAGE, "%s: --%s takes no '=VALUE'", usage->command, option->name);
    if (inlined != NULL)
        return take_value(usage, option, inlined, error);
    if (*at + values >= argc) {
        qctx_fail(error, QCTX_ERR_USAGE, "%s: --%s lacks its value: %s", usage->command, option->name,
                  argument_of(option, argument));
        return qctx_hint(error, "qctx-dist %s --help shows the options", usage->command);
    }
    *at += values;
    if (values == 0) {
        set_flag(option);
        return QCTX_OK;
    }
    if (values == 2)
        return take_pair(usage, option, argv[*at - 1], argv[*at], error);
    return take_value(usage, option, argv[*at], error);
}

qctx_status qctx_options_parse(const qctx_usage *usage, int argc, char **argv, const char **positional,
                               int64_t *positional_count, bool *help, qctx_error *error)
{
    bool options_ended = false;
    qctx_status status;

    *positional_count = 0;
    *help = false;
    for (int at = 1; at < argc; at++) {
        if (!options_ended && strcmp(argv[at], "--") == 0) {
            options_ended = true;
        } else if (!options_ended && (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0)) {
            *help = true;
            return QCTX_OK;
        } else if (!options_ended && strncmp(argv[at], "--", 2) == 0) {
            status = take_option(usage, argc, argv, &at, error);
            if (status != QCTX_OK)
                return status;
        } else if (!options_ended && argv[at][0] == '-' && argv[at][1] != '\0') {
            qctx_fail(error, QCTX_ERR_USAGE, "%s: unknown option '%s'", usage->command, argv[at]);
            return qctx_hint(error, "options begin with two dashes; 'qctx-dist %s --help' lists them", usage->command);
        } else {
            positional[(*positional_count)++] = argv[at];
        }
    }
    if (*positional_count < usage->positional_min ||
        (usage->positional_max >= 0 && *positional_count > usage->positional_max)) {
        qctx_fail(error, QCTX_ERR_USAGE, "%s: too %s arguments", usage->command,
                  *positional_count < usage->positional_min ? "few" : "many");
        return qctx_hint(error, "usage: qctx-dist %s %s", usage->command, usage->arguments);
    }
    return QCTX_OK;
}

static void describe_default(const qctx_option *option, char *text, size_t bytes)
{
    const qctx_option_choice *choice = option->value;
    const char *const *given = option->value;

    text[0] = '\0';
    /* A number outside its own bounds stands for an option that was not given. */
    if (option->kind == QCTX_OPTION_INT && within(option, (double)*(int64_t *)option->value))
        snprintf(text, bytes, " (default %lld)", (long long)*(int64_t *)option->value);
    else if (option->kind == QCTX_OPTION_DOUBLE && within(option, *(double *)option->value))
        snprintf(text, bytes, " (default %g)", *(double *)option->value);
    else if (option->kind == QCTX_OPTION_CHOICE && choice->value >= 0)
        snprintf(text, bytes, " (default %s)", choice->names[choice->value]);
    else if (option->kind == QCTX_OPTION_TEXT && *given != NULL)
        snprintf(text, bytes, " (default %s)", *given);
}

static void print_option(const qctx_option *option, FILE *out)
{
    char help[1024], fallback[128], joined[ARGUMENT_MAX];
    const char *argument = argument_of(option, joined);
    bool alone = option->kind == QCTX_OPTION_WORD;
    int column = fprintf(out, "  --%s%s%s%s%s", option->name, argument != NULL ? " " : "", alone ? "[" : "",
                         argument != NULL ? argument : "", alone ? "]" : "");

    describe_default(option, fallback, sizeof fallback);
    snprintf(help, sizeof help, "%s%s", option->help, fallback);
    if (column >= HELP_COLUMN) {
        fputc('\n', out);
        column = 0;
    }
    fprintf(out, "%*s", HELP_COLUMN - column, "");
    qctx_wrap(help, HELP_COLUMN, HELP_COLUMN, QCTX_COLUMNS, out);
}

void qctx_options_print_usage(const qctx_usage *usage, FILE *out)
{
    int column = fprintf(out, "usage: qctx-dist %s ", usage->command);

    qctx_wrap(usage->arguments, column, 10, QCTX_COLUMNS, out);
    fputc('\n', out);
    qctx_wrap(usage->summary, 0, 0, QCTX_COLUMNS, out);
    if (usage->options->name != NULL)
        fputs("\noptions:\n", out);
    for (const qctx_option *option = usage->options; option->name != NULL; option++)
        print_option(option, out);
    if (usage->details != NULL)
        fprintf(out, "\n%s", usage->details);
}

const char *qctx_options_input(const char *given)
{
    return strcmp(given, "-") == 0 ? "/dev/stdin" : given;
}
