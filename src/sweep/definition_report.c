/* Complaints about a sweep file, and the values that more than one of its readers wants. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "definition_internal.h"
#include "qctx/base/mem.h"
#include "qctx/base/suggest.h"

enum { REASON_MAX = 512 };

const char *definition_file_of(const definition_reader *reader, const qctx_yaml *node)
{
    return node != NULL && node->line == 0 ? "command line" : reader->file;
}

void definition_complain(definition_reader *reader, const qctx_yaml *node, const char *path, const char *format, ...)
{
    char reason[REASON_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    qctx_yaml_complain(&reader->report, definition_file_of(reader, node), node != NULL ? node->line : 0,
                       node != NULL ? node->column : 0, path, "%s", reason);
}

/* "name, out, config" */
static void list_words(const char *const *words, int64_t count, char list[REASON_MAX])
{
    size_t used = 0;

    list[0] = '\0';
    for (int64_t i = 0; i < count && used < REASON_MAX; i++)
        used += (size_t)snprintf(list + used, REASON_MAX - used, "%s%s", i > 0 ? ", " : "", words[i]);
}

void definition_complain_unknown(definition_reader *reader, const qctx_yaml *node, const char *path,
                                 const char *const *known, int64_t count)
{
    const char *near = qctx_suggest(node->key, known, count);
    char *below = qctx_format(NULL, "%s%s%s", path, path[0] != '\0' ? "." : "", node->key);
    char list[REASON_MAX];

    list_words(known, count, list);
    if (near != NULL)
        definition_complain(reader, node, below != NULL ? below : path, "unknown key; did you mean %s?", near);
    else
        definition_complain(reader, node, below != NULL ? below : path, "unknown key; known here: %s", list);
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

int64_t definition_read_word(definition_reader *reader, const qctx_yaml *node, const char *path,
                             const char *const *words, int64_t count)
{
    const char *text = definition_read_text(reader, node, path), *near;
    char list[REASON_MAX];

    for (int64_t i = 0; i < count && text != NULL; i++)
        if (strcmp(words[i], text) == 0)
            return i;
    if (text == NULL)
        return -1;
    near = qctx_suggest(text, words, count);
    list_words(words, count, list);
    if (near != NULL)
        definition_complain(reader, node, path, "found '%s'; did you mean %s?", text, near);
    else
        definition_complain(reader, node, path, "expected one of %s, found '%s'", list, text);
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
