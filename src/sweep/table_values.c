/* What tables call the parameters, and how they write their values for people. */
#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"
#include "qctx/text/yaml.h"
#include "table_internal.h"

bool table_varies(const qctx_space_parameter *parameter)
{
    return parameter->kind != QCTX_SPACE_CATEGORICAL || parameter->count > 1;
}

/* Whether a key or an override is of a section that decides about no head: "data.train=…", "data={train: …}". */
static bool is_of_no_head(const char *key)
{
    static const char *const sections[] = {"data", "encoder", "eval"};

    for (size_t s = 0; s < sizeof sections / sizeof sections[0]; s++) {
        size_t length = strlen(sections[s]);

        if (strncmp(key, sections[s], length) == 0 && (key[length] == '.' || key[length] == '='))
            return true;
    }
    return false;
}

bool table_changes_no_head(const qctx_space_parameter *parameter)
{
    if (parameter->settings == NULL)
        return is_of_no_head(parameter->path);
    for (int64_t c = 0; c < parameter->count; c++)
        for (int64_t s = 0; s < parameter->settings[c].count; s++)
            if (is_of_no_head(parameter->settings[c].items[s]))
                return true;
    return false;
}

static const char *last_part(const char *path)
{
    const char *dot = strrchr(path, '.');

    return dot == NULL ? path : dot + 1;
}

const char *table_short_name(const qctx_space *space, int64_t parameter)
{
    /* Keys whose last part says too little. */
    static const char *const known[][2] = {{"batch.size", "batch"}, {"data.train", "trained on"}};
    const char *path = space->parameters[parameter].path, *dot = strchr(path, '.');

    for (size_t k = 0; k < sizeof known / sizeof known[0]; k++)
        if (strcmp(path, known[k][0]) == 0)
            return known[k][1];
    for (int64_t p = 0; p < space->count; p++)
        if (p != parameter && strcmp(last_part(space->parameters[p].path), last_part(path)) == 0)
            return path;
    /* The path without its section: the last part alone, "init", would not say of what. */
    return dot == NULL ? path : dot + 1;
}

const char *table_raw_value(const char *override)
{
    const char *sign = strchr(override, '=');

    return sign == NULL ? override : sign + 1;
}

static const char *text_under(const qctx_yaml *mapping, const char *key)
{
    for (int64_t c = 0; c < mapping->count; c++)
        if (strcmp(mapping->children[c]->key, key) == 0 && mapping->children[c]->kind == QCTX_YAML_SCALAR)
            return mapping->children[c]->text;
    return NULL;
}

/* "corpora/squad/" is called squad. */
static char *base_name(const char *path, qctx_error *error)
{
    size_t end = strlen(path), first;

    while (end > 1 && path[end - 1] == '/')
        end--;
    first = end;
    while (first > 0 && path[first - 1] != '/')
        first--;
    return qctx_format(error, "%.*s", (int)(end - first), path + first);
}

/* What a source, a variant or another mapping is called; one without a name is written out. */
static char *name_of(const qctx_yaml *node, const char *written, qctx_error *error)
{
    static const char *const paths[] = {"corpus", "store"};

    if (node->kind == QCTX_YAML_SCALAR)
        return base_name(node->text, error);
    if (node->kind == QCTX_YAML_MAPPING && text_under(node, "name") != NULL)
        return qctx_strdup(text_under(node, "name"), error);
    for (size_t p = 0; p < sizeof paths / sizeof paths[0] && node->kind == QCTX_YAML_MAPPING; p++)
        if (text_under(node, paths[p]) != NULL)
            return base_name(text_under(node, paths[p]), error);
    return qctx_strdup(written, error);
}

/* The names of a list's items, "squad + quac". */
static char *names_of(const qctx_yaml *list, const char *written, qctx_error *error)
{
    char *names = qctx_strdup("", error);

    for (int64_t c = 0; c < list->count && names != NULL; c++) {
        char *name = name_of(list->children[c], written, error), *longer = NULL;

        if (name != NULL)
            longer = qctx_format(error, "%s%s%s", names, c > 0 ? " + " : "", name);
        free(names);
        free(name);
        names = longer;
    }
    return names;
}

static char *value_of_tree(const char *written, qctx_error *error)
{
    qctx_yaml *root = NULL;
    char *text = NULL;

    if (qctx_yaml_parse(written, strlen(written), "value", &root, NULL) != QCTX_OK)
        text = qctx_strdup(written, error);
    else if (root->kind == QCTX_YAML_SEQUENCE)
        text = names_of(root, written, error);
    else if (root->kind == QCTX_YAML_SCALAR)
        text = qctx_strdup(root->text, error);
    else
        text = name_of(root, written, error);
    qctx_yaml_destroy(root);
    return text;
}

char *table_value(const qctx_space_parameter *parameter, const char *override, qctx_error *error)
{
    const char *written = table_raw_value(override);
    char *end;
    double number = strtod(written, &end);

    if (parameter->kind == QCTX_SPACE_INT_UNIFORM)
        return qctx_strdup(written, error);
    if (parameter->kind != QCTX_SPACE_CATEGORICAL && end != written && *end == '\0')
        return qctx_format(error, "%.4g", number);
    return strchr("[{\"'", written[0]) != NULL ? value_of_tree(written, error) : qctx_strdup(written, error);
}

char *table_settings(const qctx_space *space, const qctx_trial *trial, qctx_error *error)
{
    char *settings = qctx_strdup("", error);

    for (int64_t p = 0; p < space->count && settings != NULL; p++) {
        char *value, *longer = NULL;

        if (!table_varies(&space->parameters[p]))
            continue;
        value = table_value(&space->parameters[p], trial->overrides[p], error);
        if (value != NULL)
            longer = qctx_format(error, "%s%s%s %s", settings, settings[0] == '\0' ? "" : ", ",
                                 table_short_name(space, p), value);
        free(settings);
        free(value);
        settings = longer;
    }
    return settings;
}
