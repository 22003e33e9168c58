/*
 * JSON: jansson plus errors that name file, line and key. The only header that
 * includes jansson.h; values are jansson's own (json_t), reference-counted.
 */
#ifndef QCTX_TEXT_JSON_H
#define QCTX_TEXT_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "qctx/base/status.h"

/*
 * Parses a whole file; a byte order mark is skipped. NUL characters, lone surrogates, bytes that are not UTF-8 and
 * nesting above jansson's limit (2048) are malformed. An integer of 20 digits or more becomes a number. The caller owns
 * `*root` (json_decref). Local. Errors: IO, FORMAT ("file:line:col: …").
 */
qctx_status qctx_json_load_file(const char *path, json_t **root, qctx_error *error);

/* The same of a file in a folder that may be a stranger's (qctx_file_read_inside). Local. Errors: likewise. */
qctx_status qctx_json_load_inside(const char *path, json_t **root, qctx_error *error);

/*
 * Parses one text of `bytes` bytes (a line of a JSONL file, an attribute). `place` is what
 * the message begins with, for example "file.jsonl:17". Caller owns `*root`. Local. Errors: FORMAT.
 */
qctx_status qctx_json_parse(const char *text, size_t bytes, const char *place, json_t **root, qctx_error *error);

/* Parses one text as qctx_json_parse does, but refuses a key that is given twice in one object. Local. Errors: FORMAT.
 */
qctx_status qctx_json_parse_unique(const char *text, size_t bytes, const char *place, json_t **root, qctx_error *error);

/* What was put right in a text, each counted by name. */
typedef struct {
    int64_t numbers;    /* NaN, Infinity, -Infinity, which became null */
    int64_t surrogates; /* half a pair of surrogates ("\ud83d" alone), which became U+FFFD */
    int64_t nuls;       /* "\u0000", which became a space */
    int64_t doubled;    /* texts in which an object has a key twice, of which the last counts */
} qctx_json_mends;

/*
 * Parses a text as Python's json module writes and reads it: what that allows and JSON, or jansson, does not is put
 * right and added to `mends`; with `mends` NULL it is refused. An integer of 20 digits or more becomes a number.
 * Messages begin with `place`, and name line and column of a `document`, else the column alone. Caller owns `*root`.
 * Local. Errors: FORMAT, MEMORY.
 */
qctx_status qctx_json_parse_python(const char *text, size_t bytes, const char *place, bool document, json_t **root,
                                   qctx_json_mends *mends, qctx_error *error);

/* What a value is, for messages: "an object", "a string", …; NULL is "nothing". Local. */
const char *qctx_json_type(const json_t *value);

/*
 * The string under `key` of `object`, borrowed. With `fallback` NULL the key is required; otherwise
 * an absent or null one gives `fallback`. A value of another type is refused. Local. Errors: FORMAT, naming
 * `place`, the key, what was found and what was expected.
 */
qctx_status qctx_json_get_string(const json_t *object, const char *key, const char *fallback, const char *place,
                                 const char **value, qctx_error *error);

/* The number under `key`; absent or of another type is refused. Local. Errors: FORMAT. */
qctx_status qctx_json_get_number(const json_t *object, const char *key, const char *place, double *value,
                                 qctx_error *error);

/* The array under `key`, borrowed; absent or of another type is refused. Local. Errors: FORMAT. */
qctx_status qctx_json_get_array(const json_t *object, const char *key, const char *place, json_t **value,
                                qctx_error *error);

/*
 * The boolean, or the integer from `least` to `most`, under `key`; absent or null gives `fallback`, which need not be
 * in that range. Local. Errors: FORMAT, naming `place`, the key, what was found and what was expected.
 */
qctx_status qctx_json_get_bool(const json_t *object, const char *key, bool fallback, const char *place, bool *value,
                               qctx_error *error);
qctx_status qctx_json_get_integer(const json_t *object, const char *key, int64_t fallback, int64_t least, int64_t most,
                                  const char *place, int64_t *value, qctx_error *error);

/*
 * Prints a value as jansson's `flags` say, with escapes for what a terminal would obey or nobody sees (base/shown).
 * Local. Whether all could be written.
 */
bool qctx_json_print(const json_t *value, size_t flags, FILE *out);

/* What qctx_json_print prints, freshly allocated, NULL on failure. Local. Errors: INTERNAL. */
char *qctx_json_format(const json_t *value, size_t flags, qctx_error *error);

/* Compact text of a value, as qctx_json_print has it, keys in insertion order; freshly allocated, NULL on failure.
 * Local. */
char *qctx_json_dump(const json_t *value, qctx_error *error);

#endif
