/* From YAML, of a file and of overrides, or of another file that speaks of keys, to a configuration. */
#include <stdlib.h>
#include <string.h>

#include "config_internal.h"
#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"

static qctx_status set_key(qctx_config_reader *reader, int64_t index, const qctx_yaml *node)
{
    const qctx_config_key *key = &qctx_config_keys[index];
    bool accepted = false;
    qctx_status status;

    if (key->type == QCTX_KEY_SOURCES)
        status = qctx_config_set_sources(reader, key, node, &accepted);
    else if (key->type == QCTX_KEY_ENCODERS)
        status = qctx_config_set_encoders(reader, key, node, &accepted);
    else if (key->type == QCTX_KEY_NUMBERS)
        status = qctx_config_set_numbers(reader, key, node, &accepted);
    else
        status = qctx_config_set(reader, key, &reader->config, node, key->path, &accepted);
    reader->places[index] = qctx_config_place_of(reader, node);
    reader->refused[index] |= !accepted;
    return status;
}

static qctx_status read_section(qctx_config_reader *reader, const char *path, const qctx_yaml *node);

static qctx_status read_entry(qctx_config_reader *reader, const char *path, const qctx_yaml *node)
{
    int64_t index = qctx_config_find(qctx_config_keys, qctx_config_key_count, path);

    if (index >= 0)
        return set_key(reader, index, node);
    if (qctx_config_is_section(path))
        return read_section(reader, path, node);
    qctx_config_complain_unknown(reader, qctx_config_place_of(reader, node), path);
    return QCTX_OK;
}

/* The entries of a section, or of the whole file if `path` is "". */
static qctx_status read_section(qctx_config_reader *reader, const char *path, const qctx_yaml *node)
{
    qctx_status status = QCTX_OK;

    /* A section whose keys are all commented out is an empty value to YAML. */
    if (node->kind == QCTX_YAML_SCALAR && node->text[0] == '\0' && !node->quoted)
        return QCTX_OK;
    if (node->kind != QCTX_YAML_MAPPING) {
        qctx_config_complain(reader, qctx_config_place_of(reader, node), path[0] != '\0' ? path : "the file",
                             "expected keys with values, such as {%s}, found a %s",
                             path[0] != '\0' ? "key: value" : "run: {name: squad}",
                             node->kind == QCTX_YAML_SEQUENCE ? "list" : "single value");
        return QCTX_OK;
    }
    for (int64_t i = 0; i < node->count && status == QCTX_OK; i++) {
        const qctx_yaml *entry = node->children[i];
        char *below;

        if (strchr(entry->key, '.') != NULL) {
            qctx_config_complain(reader, qctx_config_place_of(reader, entry), entry->key,
                                 "keys with dots are for the command line; here the sections are nested");
            continue;
        }
        below = qctx_format(&reader->report, "%s%s%s", path, path[0] != '\0' ? "." : "", entry->key);
        status = below != NULL ? read_entry(reader, below, entry) : QCTX_ERR_MEMORY;
        free(below);
    }
    return status;
}

/* An empty text is no value here, though an empty mapping to YAML. */
static qctx_status read_override_value(qctx_config_reader *reader, const char *path, const char *value)
{
    static const qctx_config_place nowhere = {.on_command_line = true};
    char nothing[] = "";
    qctx_yaml empty = {.kind = QCTX_YAML_SCALAR, .text = nothing};
    qctx_yaml *root = NULL;
    qctx_error problem;
    qctx_status status;

    if (value[strspn(value, " \t")] == '\0')
        return read_entry(reader, path, &empty);
    status = qctx_yaml_parse(value, strlen(value), "value", &root, &problem);
    if (status == QCTX_OK) {
        status = read_entry(reader, path, root);
    } else if (status == QCTX_ERR_CONFIG) {
        qctx_config_complain(reader, nowhere, path, "%-s", problem.message);
        status = QCTX_OK;
    } else {
        reader->report = problem;
    }
    qctx_yaml_destroy(root);
    return status;
}

static qctx_status read_override(qctx_config_reader *reader, const char *override)
{
    static const qctx_config_place nowhere = {.on_command_line = true};
    const char *sign = strchr(override, '=');
    char *path;
    qctx_status status;

    if (sign == NULL || sign == override) {
        qctx_config_complain(reader, nowhere, override, "expected key.path=value, such as optim.lr=5e-4");
        return QCTX_OK;
    }
    path = qctx_format(&reader->report, "%.*s", (int)(sign - override), override);
    status = path != NULL ? read_override_value(reader, path, sign + 1) : QCTX_ERR_MEMORY;
    free(path);
    return status;
}

/* "configs/squad.yaml" names the run squad, unless the file does. */
static qctx_status default_run_name(qctx_config_reader *reader)
{
    const char *base = qctx_path_base(reader->file);
    const char *dot = strrchr(base, '.');
    int length = (int)(dot != NULL && dot != base ? (size_t)(dot - base) : strlen(base));

    if (reader->config.run.name != NULL)
        return QCTX_OK;
    reader->config.run.name = qctx_format(&reader->report, "%.*s", length, base);
    return reader->config.run.name != NULL ? QCTX_OK : QCTX_ERR_MEMORY;
}

static qctx_status read_file(qctx_config_reader *reader, const char *text, size_t bytes)
{
    qctx_yaml *root = NULL;
    qctx_status status = qctx_yaml_parse(text, bytes, reader->file, &root, &reader->report);

    /* A refusal is reported together with what else is found, in the tree as far as there is one. */
    if (status == QCTX_ERR_CONFIG)
        status = QCTX_OK;
    reader->file_unread = root == NULL;
    if (status == QCTX_OK && root != NULL)
        status = read_section(reader, "", root);
    qctx_yaml_destroy(root);
    return status;
}

static qctx_status set_default(qctx_config_reader *reader, const qctx_config_key *key)
{
    if (key->type == QCTX_KEY_ENCODERS)
        return qctx_config_name_encoders((qctx_encoder_entries *)((char *)&reader->config + key->offset),
                                         &key->fallback, 1, &reader->report);
    return qctx_config_set_default(reader, key, reader->kept && key->before != NULL ? key->before : key->fallback,
                                   &reader->config);
}

/* Who wrote a file: a user, to start a run with it, a run or a sweep that keeps it, or somebody else. */
typedef enum { FROM_USER, FROM_KEPT, FROM_OTHERS } file_origin;

static qctx_status parse(const char *text, size_t bytes, const char *name, file_origin from,
                         const char *const *overrides, int64_t count, qctx_config *config, qctx_error *error)
{
    qctx_config_reader *reader = qctx_alloc(1, sizeof *reader, "the configuration", error);
    qctx_status status = QCTX_OK;

    *config = (qctx_config){0};
    if (reader == NULL)
        return QCTX_ERR_MEMORY;
    reader->file = name;
    reader->kept = from == FROM_KEPT;
    for (int64_t i = 0; i < qctx_config_key_count && status == QCTX_OK; i++)
        status = set_default(reader, &qctx_config_keys[i]);
    if (status == QCTX_OK)
        status = read_file(reader, text, bytes);
    if (from == FROM_USER && qctx_config_names_only_data(reader))
        reader->config.run.recipe = QCTX_RECIPE_AUTO;
    reader->on_command_line = true;
    for (int64_t i = 0; i < count && status == QCTX_OK; i++)
        status = read_override(reader, overrides[i]);
    if (status == QCTX_OK)
        status = default_run_name(reader);
    if (reader->config.run.recipe == QCTX_RECIPE_AUTO)
        qctx_config_leave_to_recipe(reader);
    if (status == QCTX_OK) {
        qctx_config_check(reader);
        status = reader->report.code;
    }
    if (status == QCTX_ERR_CONFIG)
        qctx_hint(&reader->report, "docs/configuration.md lists every key with its values and its default");

    if (status == QCTX_OK) {
        *config = reader->config;
    } else {
        qctx_config_free(&reader->config);
        if (error != NULL)
            *error = reader->report;
    }
    free(reader);
    return status;
}

qctx_status qctx_config_parse(const char *text, size_t bytes, const char *name, const char *const *overrides,
                              int64_t count, qctx_config *config, qctx_error *error)
{
    return parse(text, bytes, name, FROM_OTHERS, overrides, count, config, error);
}

qctx_status qctx_config_parse_kept(const char *text, size_t bytes, const char *name, qctx_config *config,
                                   qctx_error *error)
{
    return parse(text, bytes, name, FROM_KEPT, NULL, 0, config, error);
}

static void add_report(qctx_error *report, const qctx_config_reader *reader)
{
    if (report->code == QCTX_OK)
        *report = reader->report;
    else
        qctx_error_append(report, "%-s", reader->report.message);
}

bool qctx_config_check_path(const char *path, const char *name, int line, int column, qctx_error *report)
{
    qctx_config_reader reader = {.file = name};
    bool known = qctx_config_find(qctx_config_keys, qctx_config_key_count, path) >= 0 || qctx_config_is_section(path);

    if (!known) {
        qctx_config_complain_unknown(&reader, (qctx_config_place){.line = line, .column = column}, path);
        add_report(report, &reader);
    }
    return known;
}

qctx_status qctx_config_check_value(const char *path, const qctx_yaml *node, const char *name, bool *good,
                                    qctx_error *report)
{
    qctx_config_reader *reader = qctx_alloc(1, sizeof *reader, "a value of the configuration", report);
    qctx_status status;

    *good = false;
    if (reader == NULL)
        return QCTX_ERR_MEMORY;
    reader->file = name;
    status = read_entry(reader, path, node);
    *good = status == QCTX_OK && reader->report.code == QCTX_OK;
    if (!*good)
        add_report(report, reader);
    qctx_config_free(&reader->config);
    free(reader);
    return status;
}

qctx_status qctx_config_load(qctx_comm *comm, const char *path, const char *const *overrides, int64_t count,
                             qctx_config *config, qctx_error *error)
{
    char *text = NULL;
    size_t bytes = 0;
    qctx_status status = QCTX_OK;

    *config = (qctx_config){0};
    if (qctx_comm_rank(comm) == 0) {
        status = qctx_file_read(path, &text, &bytes, error);
        if (status == QCTX_ERR_IO)
            qctx_hint(error, "name a YAML file with the settings of a run, such as configs/demo.yaml");
    }
    status = qctx_agree(comm, status, error);
    if (status != QCTX_OK)
        goto out;

    status = qctx_comm_broadcast_text(comm, &text, &bytes, 0, error);
    if (status != QCTX_OK)
        goto out;

    status = parse(text, bytes, path, FROM_USER, overrides, count, config, error);
    status = qctx_agree(comm, status, error);
    if (status != QCTX_OK)
        qctx_config_free(config);
out:
    free(text);
    return status;
}
