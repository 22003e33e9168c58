/* Overrides of a sweep file, its text as it was understood, and the comparison of two such texts. */
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

/* The mapping under a top-level key, made if it is not there; NULL and MEMORY, or NULL and OK if it is no mapping. */
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
    qctx_yaml_complain(&reader->report, "command line", 0, 0, override, "%s", problem.message);
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

static qctx_status write_entry(FILE *out, int indent, const char *key, const qctx_yaml *node, qctx_error *error)
{
    char *flow = qctx_yaml_flow(node, error);

    if (flow == NULL)
        return QCTX_ERR_MEMORY;
    fprintf(out, "%*s", indent, "");
    qctx_yaml_write_text(out, key);
    fprintf(out, ": %s\n", flow);
    free(flow);
    return QCTX_OK;
}

static qctx_status write_path(FILE *out, const char *key, char *text, qctx_error *error)
{
    return write_entry(out, 0, key, &(qctx_yaml){.kind = QCTX_YAML_SCALAR, .text = text, .quoted = true}, error);
}

/* A parameter a line; the other keys are short enough for one. */
static qctx_status write_key(FILE *out, const qctx_yaml *node, qctx_error *error)
{
    const bool long_one = strcmp(node->key, "parameters") == 0 || strcmp(node->key, "variants") == 0;
    qctx_status status = QCTX_OK;

    if (!long_one || node->count == 0)
        return write_entry(out, 0, node->key, node, error);
    fprintf(out, "%s:\n", node->key);
    for (int64_t i = 0; i < node->count && status == QCTX_OK; i++)
        status = write_entry(out, 2, node->children[i]->key, node->children[i], error);
    return status;
}

/* Takes the constants out of a mapping of parameters, and groups that are empty then. */
static void take_constants(qctx_yaml *parameters)
{
    int64_t kept = 0;

    for (int64_t i = 0; i < parameters->count; i++) {
        qctx_yaml *entry = parameters->children[i];
        const qctx_yaml *group = definition_find(entry, "parameters");

        for (int64_t j = 0; j < entry->count; j++)
            if (entry->children[j] == group)
                take_constants(entry->children[j]);
        if (definition_find(entry, "value") != NULL || (group != NULL && group->count == 0))
            qctx_yaml_destroy(entry);
        else
            parameters->children[kept++] = entry;
    }
    parameters->count = kept;
}

char *definition_write(const qctx_sweep_definition *definition, qctx_yaml *root, qctx_error *error)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    qctx_status status = out == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
    const qctx_yaml *node;

    for (int64_t i = 0; i < root->count; i++)
        if (strcmp(root->children[i]->key, "parameters") == 0)
            take_constants(root->children[i]);
    if (status == QCTX_OK)
        status = write_path(out, "name", definition->name, error);
    if (status == QCTX_OK)
        status = write_path(out, "out", definition->out, error);
    if (status == QCTX_OK)
        status = write_path(out, "config", definition->config_path, error);
    for (int64_t k = 0; status == QCTX_OK && definition_written_key(k) != NULL; k++)
        if ((node = definition_find(root, definition_written_key(k))) != NULL)
            status = write_key(out, node, error);
    if (out != NULL && ferror(out) != 0)
        status = QCTX_ERR_MEMORY;
    if (out != NULL && fclose(out) != 0)
        status = QCTX_ERR_MEMORY;
    if (status == QCTX_OK)
        return text;
    qctx_fail(error, QCTX_ERR_MEMORY, "no memory to write the sweep file");
    free(text);
    return NULL;
}

/* Whether a line of the definition's text may differ when a sweep goes on. */
static bool may_change(const char *line)
{
    static const char *const free_keys[] = {"name:", "out:", "config:", "run_cap:", "ranks_per_trial:"};

    for (size_t i = 0; i < sizeof free_keys / sizeof free_keys[0]; i++)
        if (strncmp(line, free_keys[i], strlen(free_keys[i])) == 0)
            return true;
    return false;
}

/* Whether `text` has the line [length]. */
static bool has_line(const char *text, const char *line, size_t length)
{
    for (; *text != '\0'; text += strcspn(text, "\n") + 1)
        if (strcspn(text, "\n") == length && strncmp(text, line, length) == 0)
            return true;
    return false;
}

/* Names the lines of `text` that the other one has not. */
static void list_missing(const char *text, const char *other, const char *when, bool *differs, qctx_error *error)
{
    for (; *text != '\0'; text += strcspn(text, "\n") + 1) {
        const size_t length = strcspn(text, "\n");

        if (may_change(text) || has_line(other, text, length))
            continue;
        if (!*differs)
            qctx_fail(error, QCTX_ERR_MISMATCH, "the sweep was begun with another sweep file:");
        *differs = true;
        qctx_error_append(error, "%s: %.*s", when, (int)(length < 200 ? length : 200), text);
    }
}

/* Keys that a run may change as it goes on, but trials that are compared may not differ in. */
static qctx_status check_comparable(const qctx_config *was, const qctx_config *is, qctx_error *error)
{
    const struct {
        const char *key;
        int64_t was, is;
    } keys[] = {
        {"batch.epochs", was->batch.epochs, is->batch.epochs},
        {"batch.steps", was->batch.steps, is->batch.steps},
        {"eval.every", was->eval.every, is->eval.every},
        {"eval.bootstrap", was->eval.bootstrap, is->eval.bootstrap},
    };
    qctx_status status = QCTX_OK;

    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
        if (keys[k].was == keys[k].is)
            continue;
        if (status == QCTX_OK)
            status = qctx_fail(error, QCTX_ERR_MISMATCH, "the sweep was begun with another shared configuration:");
        qctx_error_append(error, "%s: was %lld, is %lld", keys[k].key, (long long)keys[k].was, (long long)keys[k].is);
    }
    return status;
}

qctx_status qctx_sweep_definition_check_resume(const qctx_sweep_definition *then, const qctx_sweep_definition *now,
                                               qctx_error *error)
{
    qctx_config was = {0}, is = {0};
    bool differs = false;
    qctx_status status;

    list_missing(then->text, now->text, "was", &differs, error);
    list_missing(now->text, then->text, "now", &differs, error);
    if (differs)
        return qctx_hint(error, "go on with the sweep.yaml of the sweep, or give the new one another name");
    status = qctx_config_parse(then->config_text, strlen(then->config_text), then->config_path, NULL, 0, &was, error);
    if (status == QCTX_OK)
        status = qctx_config_parse(now->config_text, strlen(now->config_text), now->config_path, NULL, 0, &is, error);
    if (status == QCTX_OK)
        status = qctx_config_check_resume(&was, &is, error);
    if (status == QCTX_OK)
        status = check_comparable(&was, &is, error);
    qctx_config_free(&was);
    qctx_config_free(&is);
    return status;
}
