/*
 * Command-line options from one table per subcommand: parsing, usage text and did-you-mean all read the same rows, as
 * git's parse-options does.
 */
#ifndef QCTX_CLI_OPTIONS_H
#define QCTX_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "qctx/base/status.h"

typedef enum {
    QCTX_OPTION_FLAG,   /* bool */
    QCTX_OPTION_WORD,   /* const char *: "" where it stands alone, else the word `argument` behind it */
    QCTX_OPTION_INT,    /* int64_t, within [low, high] */
    QCTX_OPTION_DOUBLE, /* double, within [low, high] */
    QCTX_OPTION_TEXT,   /* const char *, borrowed from argv */
    QCTX_OPTION_CHOICE, /* qctx_option_choice */
    QCTX_OPTION_PAIRS,  /* qctx_option_pairs: takes two values, may be repeated (--split train FILE) */
    QCTX_OPTION_TEXTS,  /* qctx_option_texts: may be repeated (--encoder A --encoder B) */
} qctx_option_kind;

enum { QCTX_OPTION_PAIRS_MAX = 32, QCTX_OPTION_TEXTS_MAX = 16 };

/* One of an enum's values, by the names that base/names tells of. */
typedef struct {
    const char *const *names;
    int value; /* its place among them; −1: not given */
} qctx_option_choice;

typedef struct {
    int64_t count;
    char *items[QCTX_OPTION_TEXTS_MAX];
} qctx_option_texts;

typedef struct {
    int64_t count;
    struct {
        const char *name;
        const char *value;
    } items[QCTX_OPTION_PAIRS_MAX];
} qctx_option_pairs;

typedef struct {
    const char *name; /* without the dashes */
    qctx_option_kind kind;
    void *value;          /* where it goes; holds the default before parsing */
    const char *argument; /* what the usage calls it, "FILE"; NULL for flags, and for choices, whose names it shows */
    const char *help;
    double low, high; /* bounds of numbers, inclusive; both 0: none */
} qctx_option;

/* A subcommand's words for --help. `options` ends with a row whose name is NULL. */
typedef struct {
    const char *command;   /* "import" */
    const char *brief;     /* what it does, in the list of all commands */
    const char *arguments; /* "CORPUS --out FILE", for the usage line */
    const char *summary;   /* what it does, a sentence */
    const char *details;   /* paragraphs below the options, or NULL */
    const qctx_option *options;
    int64_t positional_min;
    int64_t positional_max; /* −1: any number */
} qctx_usage;

/*
 * Parses argv[1 …] by the table. Positional arguments are collected, in order, in `positional` (room for argc). With
 * --help or -h sets `*help` and stops. "--" ends the options; "--name=value" and "--name value" are both taken.
 * Local. Errors: USAGE (unknown option with the nearest known one, missing or malformed value, too few or too many
 * arguments).
 */
qctx_status qctx_options_parse(const qctx_usage *usage, int argc, char **argv, const char **positional,
                               int64_t *positional_count, bool *help, qctx_error *error);

/* The path of an input that is read once: "-" is standard input, as it is for other programs. Local. */
const char *qctx_options_input(const char *given);

/* Prints usage, options with defaults, and details, within 80 columns. Local. */
void qctx_options_print_usage(const qctx_usage *usage, FILE *out);

#endif
