/* Overrides from the command line, put into the tree of a sweep file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "definition_internal.h"
#include "qctx/base/mem.h"

/* Marks a tree as coming from the command line. */
static void mark(qctx_yaml *node)
{
    node->line = node->column = 0;
    for (int64_t i = 0; i < node->count; i++)
        mark(node->children[i]);
}

/* Puts `node`, whose ownership it takes, under its key into a mapping, in the place of what is there. */
static qctx_status put(qctx_yaml *mapping, qctx_yaml *node, qctx_error *error)
{
    qctx_status status;

    for (int64_t i = 0; i < mapping->count; i++)
        if (strcmp(mapping->children[i]->key, node->key) == 0) {
            qctx_yaml_destroy(mapping->children[i]);
            mapping->children[i] = node;
            return QCTX_OK;
        }
    status = qctx_grow((void **)&mapping->children, &mapping->capacity, mapping->count + 1, sizeof node, "a YAML node",
                       error);
    if (status == QCTX_OK)
        mapping->children[mapping->count++] = node;
    else
        qctx_yaml_destroy(node);
    return status;
}

/*
 * The mapping under a top-level key, which is made where there is none. If the key has another value, `*mapping` is
 * NULL and the status OK.
 */
static qctx_status open_mapping(definition_reader *reader, qctx_yaml *root, const char *key, size_t length,
                                qctx_yaml **mapping)
{
    qctx_yaml *made;

    *mapping = NULL;
    for (int64_t i = 0; i < root->count; i++)
        if (strlen(root->children[i]->key) == length && strncmp(root->children[i]->key, key, length) == 0) {
            *mapping = root->children[i]->kind == QCTX_YAML_MAPPING ? root->children[i] : NULL;
            return QCTX_OK;
        }
    made = qctx_alloc(1, sizeof *made, "a YAML node", &reader->report);
    if (made == NULL)
        return QCTX_ERR_MEMORY;
    made->kind = QCTX_YAML_MAPPING;
    made->key = qctx_format(&reader->report, "%.*s", (int)length, key);
    if (made->key == NULL) {
        qctx_yaml_destroy(made);
        return QCTX_ERR_MEMORY;
    }
    *mapping = made;
    return put(root, made, &reader->report);
}

/* "run_cap" stands at the top; of "metric.name" and "parameters.optim.lr", what follows the first dot stands below. */
static qctx_status place_value(definition_reader *reader, qctx_yaml *root, const char *path, size_t length,
                               qctx_yaml *value)
{
    const char *dot = memchr(path, '.', length);
    const char *last = dot != NULL ? dot + 1 : path;
    qctx_yaml *mapping = root;
    qctx_status status = QCTX_OK;

    if (dot != NULL)
        status = open_mapping(reader, root, path, (size_t)(dot - path), &mapping);
    if (status == QCTX_OK && mapping == NULL)
        definition_complain(reader, value, path,
                            "expected keys with values in the file, where there is something else");
    free(value->key);
    value->key = qctx_format(&reader->report, "%.*s", (int)(length - (size_t)(last - path)), last);
    if (value->key == NULL)
        status = QCTX_ERR_MEMORY;
    if (status == QCTX_OK && mapping != NULL)
        return put(mapping, value, &reader->report);
    qctx_yaml_destroy(value);
    return status;
}

static qctx_status apply_override(definition_reader *reader, qctx_yaml *root, const char *override, const char *sign)
{
    qctx_yaml *value = NULL;
    qctx_error problem;
    qctx_status status = qctx_yaml_parse(sign + 1, strlen(sign + 1), "value", &value, &problem);

    if (status == QCTX_OK) {
        mark(value);
        return place_value(reader, root, override, (size_t)(sign - override), value);
    }
    qctx_yaml_destroy(value);
    if (status != QCTX_ERR_CONFIG) {
        reader->report = problem;
        return status;
    }
    qctx_yaml_complain(&reader->report, "command line", 0, 0, override, "%-s", problem.message);
    return QCTX_OK;
}

/* Whether an override is one of the shared configuration: its path begins with a section of it. */
static bool is_for_config(const char *override, const char *sign)
{
    char section[32];
    size_t length = strcspn(override, ".=");

    if (length >= sizeof section || override + length > sign)
        return false;
    snprintf(section, sizeof section, "%.*s", (int)length, override);
    return qctx_config_is_section(section);
}

qctx_status definition_apply_overrides(definition_reader *reader, qctx_yaml *root, const char *const *overrides,
                                       int64_t count)
{
    qctx_status status = QCTX_OK;

    for (int64_t i = 0; i < count && status == QCTX_OK; i++) {
        const char *sign = strchr(overrides[i], '=');

        if (sign == NULL || sign == overrides[i])
            qctx_yaml_complain(&reader->report, "command line", 0, 0, overrides[i],
                               "expected key=value, such as run_cap=8");
        else if (is_for_config(overrides[i], sign))
            status = definition_add_config_override(reader, false, qctx_strdup(overrides[i], &reader->report));
        else if (root->kind == QCTX_YAML_MAPPING)
            status = apply_override(reader, root, overrides[i], sign);
    }
    return status;
}
