/* The text of a definition as it was understood, and the comparison of two such texts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "definition_internal.h"

char *definition_quote(char *path, qctx_error *error)
{
    return qctx_yaml_flow(&(qctx_yaml){.kind = QCTX_YAML_SCALAR, .text = path, .quoted = true}, error);
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
    char *quoted = definition_quote(text, error);

    if (quoted == NULL)
        return QCTX_ERR_MEMORY;
    fprintf(out, "%s: %s\n", key, quoted);
    free(quoted);
    return QCTX_OK;
}

/* One line for each parameter or variant, which can be long; one for each of the other keys. */
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

/* Names the lines of `text` that `other` does not have. */
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
