/* The key `variants`: parameters whose values are named settings of several keys. */
#include <stdlib.h>
#include <string.h>

#include "definition_internal.h"
#include "qctx/base/mem.h"

/* One key or section of a setting, as an override. */
static qctx_status read_setting(definition_reader *reader, const void *owner, const qctx_yaml *node,
                                qctx_space_settings *settings)
{
    const char *file = definition_file_of(reader, node);
    char *value = NULL, *override;
    bool good;
    qctx_status status;

    if (!qctx_config_check_path(node->key, file, node->line, node->column, &reader->report))
        return QCTX_OK;
    status = qctx_config_check_value(node->key, node, file, &good, &reader->report);
    if (status == QCTX_OK)
        status = definition_note_targets(reader, owner, true, node->key, node);
    if (status == QCTX_OK)
        value = qctx_yaml_flow(node, &reader->report);
    if (value == NULL)
        return QCTX_ERR_MEMORY;
    override = qctx_format(&reader->report, "%s=%s", node->key, value);
    free(value);
    if (override == NULL)
        return QCTX_ERR_MEMORY;
    settings->items[settings->count++] = override;
    return QCTX_OK;
}

/* The name as a table shows it, quoted where an override would need it. */
static char *write_name(const qctx_yaml *node, qctx_error *error)
{
    qctx_yaml name = {.kind = QCTX_YAML_SCALAR, .text = node->key};

    return qctx_yaml_flow(&name, error);
}

static qctx_status read_choice(definition_reader *reader, const qctx_yaml *node, qctx_space_parameter *parameter)
{
    qctx_space_settings *settings = &parameter->settings[parameter->count];
    qctx_status status = QCTX_OK;

    parameter->values[parameter->count] = write_name(node, &reader->report);
    settings->items = qctx_alloc(node->count, sizeof *settings->items, "the settings of a variant", &reader->report);
    parameter->count++;
    if (parameter->values[parameter->count - 1] == NULL || settings->items == NULL)
        return QCTX_ERR_MEMORY;
    if (node->key[0] == '\0')
        definition_complain(reader, node, parameter->path, "has a setting without a name");
    if (qctx_yaml_is_null(node) ||
        !definition_expect_mapping(reader, node, parameter->path, "{model: {form: plain}, optim: {kind: adam}}"))
        return QCTX_OK;
    for (int64_t i = 0; i < node->count && status == QCTX_OK; i++)
        status = read_setting(reader, parameter->path, node->children[i], settings);
    return status;
}

static qctx_status read_variant(definition_reader *reader, const qctx_yaml *node)
{
    qctx_space_parameter *parameter;
    qctx_status status = QCTX_OK;

    if (node->key[0] == '\0' || strpbrk(node->key, ".=") != NULL || qctx_config_is_section(node->key)) {
        definition_complain(reader, node, node->key,
                            "expected a name of your own for what varies, without '.' and '=', such as head");
        return QCTX_OK;
    }
    if (!definition_expect_mapping(reader, node, node->key, "{plain: {model: {form: plain}}, residual: {}}"))
        return QCTX_OK;
    if (node->count == 0) {
        definition_complain(reader, node, node->key, "expected named settings, found none");
        return QCTX_OK;
    }
    parameter = definition_add_parameter(reader, node->key);
    if (parameter == NULL)
        return QCTX_ERR_MEMORY;
    parameter->kind = QCTX_SPACE_CATEGORICAL;
    parameter->values = qctx_alloc(node->count, sizeof *parameter->values, "the names of a variant", &reader->report);
    parameter->settings = parameter->values == NULL ? NULL
                                                    : qctx_alloc(node->count, sizeof *parameter->settings,
                                                                 "the settings of a variant", &reader->report);
    if (parameter->settings == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t i = 0; i < node->count && status == QCTX_OK; i++)
        status = read_choice(reader, node->children[i], parameter);
    return status;
}

qctx_status definition_read_variants(definition_reader *reader, const qctx_yaml *node)
{
    qctx_status status = QCTX_OK;

    if (!definition_expect_mapping(reader, node, "variants", "{head: {plain: {model: {form: plain}}, residual: {}}}"))
        return QCTX_OK;
    for (int64_t i = 0; i < node->count && status == QCTX_OK; i++)
        status = read_variant(reader, node->children[i]);
    return status;
}
