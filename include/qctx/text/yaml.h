/*
 * YAML, by libyaml: a small tree that knows where everything stands.
 *
 * Configuration needs little of YAML, so what could surprise is refused with its place: aliases and
 * anchors, merge keys, tags, second documents, duplicate keys, more than 64 levels or 100,000 nodes.
 */
#ifndef QCTX_TEXT_YAML_H
#define QCTX_TEXT_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "qctx/base/status.h"

typedef enum { QCTX_YAML_SCALAR, QCTX_YAML_SEQUENCE, QCTX_YAML_MAPPING } qctx_yaml_kind;

typedef struct qctx_yaml qctx_yaml;

/* A node: a value, or an item of a sequence, or (with a key) an entry of a mapping. Line and column count from 1. */
struct qctx_yaml {
    qctx_yaml_kind kind;
    char *key;   /* entries of mappings only */
    char *text;  /* scalars only; "" for an empty value */
    bool quoted; /* scalars only: written in quotes, so never a number, a boolean or null */
    int line;    /* of the key for entries of mappings, of the value otherwise */
    int column;
    int64_t count; /* children */
    int64_t capacity;
    qctx_yaml **children;
};

/*
 * Parses `text`; `name` is what messages begin with (a path, or "command line"). All problems that can be
 * found in one pass are reported in one error, a line each, as "name:line:col: reason"; a syntax error is followed
 * by the offending line itself. An empty document is an empty mapping. Local. The caller destroys the tree
 * (NULL-safe), which also a failure may give: `*root` is then NULL unless the document could be read to its end and
 * is refused only for duplicate keys, anchors or tags, so that the caller can look for more to report.
 * Errors: CONFIG, MEMORY.
 */
qctx_status qctx_yaml_parse(const char *text, size_t bytes, const char *name, qctx_yaml **root, qctx_error *error);
void qctx_yaml_destroy(qctx_yaml *node);

/*
 * The numbers that configurations are written in, without hex, octal, inf and nan: whole ones are decimal digits with
 * an optional sign, others may have a point and an exponent. Whether `text` is one. Local.
 */
bool qctx_yaml_parse_count(const char *text, int64_t *value);
bool qctx_yaml_parse_number(const char *text, double *value);

/* Whether a scalar is what YAML takes for "nothing": empty, ~ or null, without quotes. Local. */
bool qctx_yaml_is_null(const qctx_yaml *node);

/*
 * Adds a line "name:line:col: path: reason" to a report of problems, without the place where `line` is 0, and gives it
 * the code CONFIG. Local.
 */
void qctx_yaml_complain(qctx_error *report, const char *name, int line, int column, const char *path,
                        const char *format, ...) __attribute__((format(printf, 6, 7)));

/*
 * The value of a node on one line, as parsing gives it back: "[{corpus: a, limit: 5}]". Freshly allocated, or NULL with
 * `error` filled (MEMORY). Local.
 */
char *qctx_yaml_flow(const qctx_yaml *node, qctx_error *error);

/* Writes a text for a flow collection: bare where every reader of YAML takes it for a text, else in quotes. Local. */
void qctx_yaml_write_text(FILE *out, const char *text);

#endif
