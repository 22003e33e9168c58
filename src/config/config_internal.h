/*
 * What the files of the configuration share, the schema's rows and the reader that collects complaints: config_schema.c
 * (the keys), config_read.c (from YAML), config_value.c (one value), config_auto.c (what is left to the data),
 * config_lists.c (lists of them, and sources), config_encoders.c (data.encoder), config_check.c (what must agree),
 * config_report.c (complaints), config_write.c (YAML and the reference), config.c (what others ask of a configuration).
 */
#ifndef QCTX_CONFIG_CONFIG_INTERNAL_H
#define QCTX_CONFIG_CONFIG_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "qctx/config/config.h"
#include "qctx/text/yaml.h"

typedef enum {
    QCTX_KEY_TEXT,     /* char *, never empty unless may_be_empty */
    QCTX_KEY_NAME,     /* char *, usable as the name of a file */
    QCTX_KEY_COUNT,    /* int64_t */
    QCTX_KEY_BYTES,    /* int64_t, with a unit */
    QCTX_KEY_NUMBER,   /* double */
    QCTX_KEY_FLAG,     /* bool */
    QCTX_KEY_CHOICE,   /* an enum: the place in `choices` */
    QCTX_KEY_SOURCES,  /* qctx_sources */
    QCTX_KEY_ENCODERS, /* qctx_encoder_entries, at least one; written as one of them or as a list */
    QCTX_KEY_NUMBERS,  /* qctx_numbers, maybe none */
} qctx_key_type;

/* One key. `offset` is into qctx_config, or into qctx_source or qctx_encoder_entry for the keys of such. */
typedef struct {
    const char *path;
    qctx_key_type type;
    size_t offset;
    const char *fallback; /* as YAML writes it, "[]" for an empty list; NULL: required, or made from other keys */
    double least;         /* bounds of counts and numbers */
    double most;          /* INFINITY: unbounded */
    bool above_least;     /* `least` itself is out of range */
    bool below_most;
    const char *before; /* what programs did that did not know the key yet, where that is not `fallback`; or NULL */
    bool may_be_empty;
    bool may_change;            /* by a resumed run */
    bool may_be_auto;           /* a count or number that may be QCTX_CONFIG_AUTO, written "auto" */
    bool by_recipe;             /* QCTX_CONFIG_AUTO where run.recipe leaves it to the data, not written then */
    const char *const *choices; /* closed by NULL */
    const char *meaning;        /* for the reference: Markdown, one line */
} qctx_config_key;

enum { QCTX_CONFIG_KEYS_MAX = 96, QCTX_EXPECTED_MAX = 160 };

/* Every key of a config, in the order of the dump; those of a section stand together. */
extern const qctx_config_key qctx_config_keys[];
extern const int64_t qctx_config_key_count;

/* Every key of a source. */
extern const qctx_config_key qctx_source_keys[];
extern const int64_t qctx_source_key_count;

/* Every key of an encoder's entry. */
extern const qctx_config_key qctx_entry_keys[];
extern const int64_t qctx_entry_key_count;

/* The place of a key in a table, or −1. Local. */
int64_t qctx_config_find(const qctx_config_key *keys, int64_t count, const char *path);

/* What a key takes, in words: "a whole number ≥ 1", "one of adamw, adam, sgd". Returns `buffer`. Local. */
const char *qctx_config_expected(const qctx_config_key *key, char buffer[QCTX_EXPECTED_MAX]);

/* Writes a size so that parsing gives it back, in as few digits as a unit allows. Local. */
void qctx_config_write_bytes(FILE *out, int64_t bytes);

/*
 * Writes a number in the shortest of the usual precisions that reads back as the same; "1.0e-08" and not "1e-08", which
 * is a text to readers of YAML 1.1. Local.
 */
void qctx_config_write_number(FILE *out, double number);

/* Where a value stands: in the file if `line` > 0, on the command line, or nowhere (a default). */
typedef struct {
    int line;
    int column;
    bool on_command_line;
} qctx_config_place;

/* Whether the value of a key is QCTX_CONFIG_AUTO. Local. */
bool qctx_config_is_auto(const qctx_config_key *key, const qctx_config *config);

/* The value of a key as the dump writes it, after the colon. Local. */
void qctx_config_write_value(FILE *out, const qctx_config_key *key, const qctx_config *config);

/* The state of one parse. */
typedef struct {
    const char *file;
    bool kept;            /* the file is what a run or a sweep keeps */
    bool on_command_line; /* overrides are being read */
    bool file_unread;     /* its YAML was too broken to look for keys */
    qctx_config config;
    qctx_error report; /* code OK until the first complaint */
    /* Of each key: where it was given, and whether that was refused. */
    qctx_config_place places[QCTX_CONFIG_KEYS_MAX];
    bool refused[QCTX_CONFIG_KEYS_MAX];
} qctx_config_reader;

/* The place of a node under the present conditions. Local. */
qctx_config_place qctx_config_place_of(const qctx_config_reader *reader, const qctx_yaml *node);

/* Adds one line to the report: place, path, reason. Local. */
void qctx_config_complain(qctx_config_reader *reader, qctx_config_place place, const char *path, const char *format,
                          ...) __attribute__((format(printf, 4, 5)));

/* Complains about a key that does not exist, with what was perhaps meant. Local. */
void qctx_config_complain_unknown(qctx_config_reader *reader, qctx_config_place place, const char *path);

/*
 * Sets the member of `key` in `base` from `node`, a single value, or complains. `*accepted` says which.
 * Local. Errors: MEMORY only.
 */
qctx_status qctx_config_set(qctx_config_reader *reader, const qctx_config_key *key, void *base, const qctx_yaml *node,
                            const char *path, bool *accepted);

/* Sets the member of `key` in `base` to `fallback`, of the schema; NULL for none. Local. Errors: MEMORY only. */
qctx_status qctx_config_set_default(qctx_config_reader *reader, const qctx_config_key *key, const char *fallback,
                                    void *base);

/*
 * Sets the members of `item` from a mapping, by a table of keys; `known` lists these for complaints. `*accepted` says
 * whether all were right. Local. Errors: MEMORY only.
 */
qctx_status qctx_config_set_members(qctx_config_reader *reader, const qctx_config_key *keys, int64_t count,
                                    const char *known, const qctx_yaml *node, const char *path, void *item,
                                    bool *accepted);

/* Replaces the list of sources of `key` by that of `node`, or complains. Local. Errors: MEMORY only. */
qctx_status qctx_config_set_sources(qctx_config_reader *reader, const qctx_config_key *key, const qctx_yaml *node,
                                    bool *accepted);
void qctx_config_free_sources(qctx_sources *sources);

/* What tables call a source that has no name of its own, "squad/dev"; freshly allocated. */
char *config_source_name(const qctx_source *source, qctx_error *error);

/* Replaces the list of numbers of `key` by that of `node`, or complains. Local. Errors: MEMORY only. */
qctx_status qctx_config_set_numbers(qctx_config_reader *reader, const qctx_config_key *key, const qctx_yaml *node,
                                    bool *accepted);

/* Replaces the encoders of `key` by those of `node`, or complains. Local. Errors: MEMORY only. */
qctx_status qctx_config_set_encoders(qctx_config_reader *reader, const qctx_config_key *key, const qctx_yaml *node,
                                     bool *accepted);

/* Sets the encoders to plain models [count]; an earlier list is freed. Local. Errors: MEMORY only. */
qctx_status qctx_config_name_encoders(qctx_encoder_entries *entries, const char *const *models, int64_t count,
                                      qctx_error *error);
void qctx_config_free_encoders(qctx_encoder_entries *entries);
void qctx_config_write_encoders(FILE *out, const qctx_encoder_entries *entries);
void qctx_config_free_numbers(qctx_numbers *numbers);

/* Whether what was read so far sets neither run.recipe nor a key of model, loss, optim and batch. Local. */
bool qctx_config_names_only_data(const qctx_config_reader *reader);

/* Leaves the keys of a recipe to the data that were not read. Local. */
void qctx_config_leave_to_recipe(qctx_config_reader *reader);

/* Complains about what is fine key by key but not together. Local. */
void qctx_config_check(qctx_config_reader *reader);

#endif
