/*
 * The state of one reading of a sweep file: the complaints about it, values that several parts read, and the keys of
 * the configuration that it sets.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "definition_internal.h"
#include "qctx/base/mem.h"
#include "qctx/base/names.h"
#include "qctx/base/shown.h"
#include "qctx/base/suggest.h"

enum { REASON_MAX = 512 };

const char *const qctx_sweep_method_names[] = {
    [QCTX_SWEEP_GRID] = "grid", [QCTX_SWEEP_RANDOM] = "random", [QCTX_SWEEP_BAYES] = "bayes", NULL};

const char *definition_file_of(const definition_reader *reader, const qctx_yaml *node)
{
    return node != NULL && node->line == 0 ? "command line" : reader->file;
}

void definition_complain(definition_reader *reader, const qctx_yaml *node, const char *path, const char *format, ...)
{
    char reason[REASON_MAX];
    va_list arguments;

    va_start(arguments, format);
    qctx_shown_vformat(reason, sizeof reason, format, arguments);
    va_end(arguments);
    qctx_yaml_complain(&reader->report, definition_file_of(reader, node), node != NULL ? node->line : 0,
                       node != NULL ? node->column : 0, path, "%-s", reason);
}

void definition_complain_unknown(definition_reader *reader, const qctx_yaml *node, const char *path,
                                 const char *const *known)
{
    const char *near = qctx_suggest(node->key, known, qctx_name_count(known));
    char *below = qctx_format(NULL, "%s%s%s", path, path[0] != '\0' ? "." : "", node->key);
    char list[REASON_MAX];

    if (near != NULL)
        definition_complain(reader, node, below != NULL ? below : path, "unknown key; did you mean %s?", near);
    else
        definition_complain(reader, node, below != NULL ? below : path, "unknown key; known here: %s",
                            qctx_names_join(known, ", ", ", ", list, sizeof list));
    free(below);
}

bool definition_expect_mapping(definition_reader *reader, const qctx_yaml *node, const char *path, const char *example)
{
    if (node->kind == QCTX_YAML_MAPPING)
        return true;
    definition_complain(reader, node, path, "expected keys with values, such as %s, found a %s", example,
                        node->kind == QCTX_YAML_SEQUENCE ? "list" : "single value");
    return false;
}

const char *definition_read_text(definition_reader *reader, const qctx_yaml *node, const char *path)
{
    if (node->kind == QCTX_YAML_SCALAR && !qctx_yaml_is_null(node))
        return node->text;
    definition_complain(reader, node, path, "expected a text, found %s",
                        node->kind == QCTX_YAML_SCALAR ? "no value" : "a list or a mapping");
    return NULL;
}

int definition_read_word(definition_reader *reader, const qctx_yaml *node, const char *path, const char *const *words)
{
    const char *text = definition_read_text(reader, node, path), *near;
    const int found = text == NULL ? -1 : qctx_name_find(words, text);
    char list[REASON_MAX];

    if (text == NULL || found >= 0)
        return found;
    near = qctx_suggest(text, words, qctx_name_count(words));
    if (near != NULL)
        definition_complain(reader, node, path, "found '%s'; did you mean %s?", text, near);
    else
        definition_complain(reader, node, path, "expected one of %s, found '%s'",
                            qctx_names_join(words, ", ", ", ", list, sizeof list), text);
    return -1;
}

bool definition_read_count(definition_reader *reader, const qctx_yaml *node, const char *path, int64_t least,
                           int64_t *value)
{
    if (node->kind == QCTX_YAML_SCALAR && !node->quoted && qctx_yaml_parse_count(node->text, value) && *value >= least)
        return true;
    definition_complain(reader, node, path, "expected a whole number ≥ %lld", (long long)least);
    return false;
}

const qctx_yaml *definition_find(const qctx_yaml *root, const char *key)
{
    for (int64_t i = 0; i < root->count; i++)
        if (strcmp(root->children[i]->key, key) == 0)
            return root->children[i];
    return NULL;
}

const char *definition_refusal(const char *path)
{
    if (strcmp(path, "run.name") == 0 || strcmp(path, "run.out") == 0)
        return "is given by the sweep: trials are called by their number and stand in its folder";
    if (strcmp(path, "eval.metric") == 0)
        return "is the same for all trials: it is metric.name of the sweep";
    return NULL;
}

/* Notes one key. If two parameters set it, the results could not tell what either of them did. */
static qctx_status note_target(definition_reader *reader, const void *owner, bool varies, const char *path,
                               const qctx_yaml *node)
{
    const char *reason = definition_refusal(path);
    char *copy;
    qctx_status status;

    if (reason != NULL) {
        definition_complain(reader, node, path, "%-s", reason);
        return QCTX_OK;
    }
    for (int64_t i = 0; i < reader->target_count; i++)
        if (strcmp(reader->targets[i].path, path) == 0) {
            if (reader->targets[i].owner != owner)
                definition_complain(reader, node, path, "is set in line %d already", reader->targets[i].line);
            return QCTX_OK;
        }
    status = qctx_grow((void **)&reader->targets, &reader->target_capacity, reader->target_count + 1,
                       sizeof *reader->targets, "the keys of a sweep", &reader->report);
    copy = status == QCTX_OK ? qctx_strdup(path, &reader->report) : NULL;
    if (copy == NULL)
        return QCTX_ERR_MEMORY;
    reader->targets[reader->target_count++] = (definition_target){copy, owner, varies, node->line, node->column};
    return QCTX_OK;
}

qctx_status definition_note_targets(definition_reader *reader, const void *owner, bool varies, const char *path,
                                    const qctx_yaml *node)
{
    qctx_status status = QCTX_OK;

    if (!qctx_config_is_section(path))
        return note_target(reader, owner, varies, path, node);
    for (int64_t i = 0; i < node->count && status == QCTX_OK && node->kind == QCTX_YAML_MAPPING; i++) {
        char *below = qctx_format(&reader->report, "%s.%s", path, node->children[i]->key);

        status =
            below != NULL ? definition_note_targets(reader, owner, varies, below, node->children[i]) : QCTX_ERR_MEMORY;
        free(below);
    }
    return status;
}

qctx_status definition_add_config_override(definition_reader *reader, bool constant, char *override)
{
    const int64_t at = constant ? reader->constant_count : reader->config_count;
    qctx_status status = override == NULL ? QCTX_ERR_MEMORY
                                          : qctx_grow((void **)&reader->config_overrides, &reader->config_capacity,
                                                      reader->config_count + 1, sizeof *reader->config_overrides,
                                                      "the overrides of the configuration", &reader->report);

    if (status != QCTX_OK) {
        free(override);
        return status;
    }
    memmove(reader->config_overrides + at + 1, reader->config_overrides + at,
            (size_t)(reader->config_count - at) * sizeof *reader->config_overrides);
    reader->config_overrides[at] = override;
    reader->config_count++;
    reader->constant_count += constant;
    return QCTX_OK;
}

void definition_free_reader(definition_reader *reader)
{
    for (int64_t i = 0; i < reader->target_count; i++)
        free(reader->targets[i].path);
    for (int64_t i = 0; i < reader->config_count; i++)
        free(reader->config_overrides[i]);
    free(reader->targets);
    free(reader->config_overrides);
    free(reader);
}
