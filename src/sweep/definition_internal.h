/*
 * What the files of sweep/definition share. definition.c loads and frees; definition_overrides.c puts the command line
 * into the tree of the sweep file; definition_keys.c reads it, its parameters by definition_parameters.c,
 * definition_range.c and definition_variants.c; definition_check.c looks at what must fit together;
 * definition_trial.c makes the configurations of trials; definition_text.c writes the definition down and compares two.
 * All of them read by the reader of definition_reader.c.
 */
#ifndef QCTX_SWEEP_DEFINITION_INTERNAL_H
#define QCTX_SWEEP_DEFINITION_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/sweep/definition.h"
#include "qctx/text/yaml.h"

/* Trials are numbered, and each has a folder. */
#define TRIALS_MAX 1000000

/* What can be said about a parameter. */
enum {
    FIELD_VALUE,
    FIELD_VALUES,
    FIELD_PROBABILITIES,
    FIELD_LOW,
    FIELD_HIGH,
    FIELD_DISTRIBUTION,
    FIELD_MU,
    FIELD_SIGMA,
    FIELD_Q,
    FIELD_PARAMETERS,
    FIELD_COUNT
};

/* What was said about one. */
typedef struct {
    const char *path;
    const qctx_yaml *node;
    const qctx_yaml *fields[FIELD_COUNT]; /* NULL: not given */
} definition_statement;

/* A key of the configuration that the sweep sets. */
typedef struct {
    char *path;
    const void *owner; /* tells parameters, variants and constants apart */
    bool varies;       /* not a constant */
    int line;          /* where it is set first; 0: on the command line */
    int column;
} definition_target;

/* The state of one reading. Nodes of the command line stand in line 0. */
typedef struct {
    const char *file;
    qctx_sweep_definition *definition;
    qctx_error report; /* code OK until the first complaint */
    int64_t parameter_capacity;
    definition_target *targets;
    int64_t target_count, target_capacity;
    char **config_overrides; /* of the shared configuration: constants, then those of the command line */
    int64_t config_count, config_capacity, constant_count;
    bool kept; /* what is read is the folder of a sweep, whose shared configuration has all overrides in it */
    bool metric_given;
    const qctx_yaml *early; /* early_terminate, or NULL */
    int64_t run_cap;        /* 0: not given */
} definition_reader;

/* definition_reader.c: adds a line to the report; `node` says where, NULL: somewhere in the file. Local. */
void definition_complain(definition_reader *reader, const qctx_yaml *node, const char *path, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Complains about a key that is none of those that are known. Local. */
void definition_complain_unknown(definition_reader *reader, const qctx_yaml *node, const char *path,
                                 const char *const *known);

/* Whether a node is a mapping; complains if it is not, showing `example`. Local. */
bool definition_expect_mapping(definition_reader *reader, const qctx_yaml *node, const char *path, const char *example);

/* The text of a scalar, or NULL and a complaint. Local. */
const char *definition_read_text(definition_reader *reader, const qctx_yaml *node, const char *path);

/* A scalar's text if it is one of the words, as its place among them, else −1 and a complaint. Local. */
int definition_read_word(definition_reader *reader, const qctx_yaml *node, const char *path, const char *const *words);

/* Reads a whole number ≥ least, or complains. Local. */
bool definition_read_count(definition_reader *reader, const qctx_yaml *node, const char *path, int64_t least,
                           int64_t *value);

/* The name under which the reports of other modules speak of the file that a node stands in. Local. */
const char *definition_file_of(const definition_reader *reader, const qctx_yaml *node);

/* The entry of a mapping under a key, or NULL. Local. */
const qctx_yaml *definition_find(const qctx_yaml *mapping, const char *key);

/*
 * Adds an override of the shared configuration, behind the others or, for a constant, before those of the command line.
 * Takes ownership of `override`, which is NULL if there was no memory. Local.
 */
qctx_status definition_add_config_override(definition_reader *reader, bool constant, char *override);

/*
 * Notes all keys that `owner` sets when it gives `node` to `path`; complains about those that no sweep sets and about
 * those that another owner sets. Local. Errors: MEMORY only.
 */
qctx_status definition_note_targets(definition_reader *reader, const void *owner, bool varies, const char *path,
                                    const qctx_yaml *node);

/* Why no sweep sets a key of the configuration, or NULL. Local. */
const char *definition_refusal(const char *path);

void definition_free_reader(definition_reader *reader);

/*
 * definition_overrides.c: puts the overrides into the tree, or those of the shared configuration aside. Local.
 * Errors: MEMORY only.
 */
qctx_status definition_apply_overrides(definition_reader *reader, qctx_yaml *root, const char *const *overrides,
                                       int64_t count);

/* definition_keys.c: reads the tree of a sweep file into the definition. Local. Errors: MEMORY only. */
qctx_status definition_read_keys(definition_reader *reader, const qctx_yaml *root);

/* The keys that the definition's text has as they stand in the tree, in their order; NULL behind the last. Local. */
const char *definition_written_key(int64_t index);

/*
 * definition_parameters.c: reads `parameters` into the space; `prefix` is the section of a group, or "". Local.
 * Errors: MEMORY only.
 */
qctx_status definition_read_parameters(definition_reader *reader, const char *prefix, const qctx_yaml *node);

/* A new, zeroed parameter at the end of the space, called `path`. Local. NULL: no memory. */
qctx_space_parameter *definition_add_parameter(definition_reader *reader, const char *path);

/* definition_range.c: reads the range of a parameter whose kind is set. Local. Errors: MEMORY only. */
qctx_status definition_read_range(definition_reader *reader, qctx_space_parameter *parameter,
                                  const definition_statement *said);

/* Whether a node is written as a whole number. Local. */
bool definition_is_whole(const qctx_yaml *node);

/* definition_variants.c: reads `variants` into the space. Local. Errors: MEMORY only. */
qctx_status definition_read_variants(definition_reader *reader, const qctx_yaml *node);

/* definition_check.c: complains about keys that are missing or do not fit together, and counts the trials. Local. */
void definition_check_keys(definition_reader *reader, const qctx_yaml *root);

/* Looks at what needs the shared configuration, and sets what follows from it. Local. */
void definition_check(definition_reader *reader, const qctx_config *config);

/*
 * definition_trial.c: makes the configurations of the first trials, to see that their keys fit together; those of a
 * bayes sweep are not known yet, and random ones stand for them. Local. Errors: CONFIG, MEMORY.
 */
qctx_status definition_check_trials(const definition_reader *reader, qctx_error *error);

/*
 * definition_text.c: the definition's text, from the tree that it was read from, out of which constants are taken: they
 * stand in the shared configuration. Freshly allocated; NULL: no memory. Local.
 */
char *definition_write(const qctx_sweep_definition *definition, qctx_yaml *root, qctx_error *error);

/* A path as YAML, in quotes; freshly allocated. Local. NULL: no memory. */
char *definition_quote(char *path, qctx_error *error);

#endif
