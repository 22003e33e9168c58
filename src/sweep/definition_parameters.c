/* The key `parameters`: the distribution of each, lists of values, and constants. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "definition_internal.h"
#include "qctx/base/mem.h"
#include "qctx/base/names.h"

static const char *const field_names[] = {"value", "values", "probabilities", "min", "max", "distribution", "mu",
                                          "sigma", "q",      "parameters",    NULL};

/* A distribution by its name in W&B: the kind and the fields that it has, or what to use instead. */
typedef struct {
    const char *name;
    qctx_space_kind kind;
    unsigned needs; /* bits of the fields that must be given */
    unsigned takes; /* bits of those that may be given besides */
    const char *instead;
} distribution;

#define BIT(field) (1U << (field))
#define BOUNDS     (BIT(FIELD_LOW) | BIT(FIELD_HIGH))
#define BELL       (BIT(FIELD_MU) | BIT(FIELD_SIGMA))

static const distribution distributions[] = {
    {"constant", QCTX_SPACE_CATEGORICAL, BIT(FIELD_VALUE), 0, NULL},
    {"categorical", QCTX_SPACE_CATEGORICAL, BIT(FIELD_VALUES), BIT(FIELD_PROBABILITIES), NULL},
    {"categorical_w_probabilities", QCTX_SPACE_CATEGORICAL, BIT(FIELD_VALUES) | BIT(FIELD_PROBABILITIES), 0, NULL},
    {"uniform", QCTX_SPACE_UNIFORM, BOUNDS, 0, NULL},
    {"int_uniform", QCTX_SPACE_INT_UNIFORM, BOUNDS, 0, NULL},
    {"q_uniform", QCTX_SPACE_Q_UNIFORM, BOUNDS, BIT(FIELD_Q), NULL},
    {"log_uniform_values", QCTX_SPACE_LOG_UNIFORM_VALUES, BOUNDS, 0, NULL},
    {"q_log_uniform_values", QCTX_SPACE_Q_LOG_UNIFORM_VALUES, BOUNDS, BIT(FIELD_Q), NULL},
    {"normal", QCTX_SPACE_NORMAL, 0, BELL, NULL},
    {"q_normal", QCTX_SPACE_Q_NORMAL, 0, BELL | BIT(FIELD_Q), NULL},
    {.name = "log_uniform", .instead = "log_uniform_values, whose min and max are values, not exponents"},
    {.name = "q_log_uniform", .instead = "q_log_uniform_values, whose min and max are values, not exponents"},
    {.name = "inv_log_uniform", .instead = "log_uniform_values"},
    {.name = "inv_log_uniform_values", .instead = "log_uniform_values"},
    {.name = "log_normal", .instead = "log_uniform_values"},
    {.name = "q_log_normal", .instead = "q_log_uniform_values"},
    {.name = "beta", .instead = "uniform"},
    {.name = "q_beta", .instead = "q_uniform"},
};

enum { DISTRIBUTIONS = sizeof distributions / sizeof distributions[0] };

qctx_space_parameter *definition_add_parameter(definition_reader *reader, const char *path)
{
    qctx_space *space = &reader->definition->space;
    qctx_space_parameter *parameter;

    if (qctx_grow((void **)&space->parameters, &reader->parameter_capacity, space->count + 1, sizeof *parameter,
                  "the parameters of a sweep", &reader->report) != QCTX_OK)
        return NULL;
    parameter = &space->parameters[space->count];
    *parameter = (qctx_space_parameter){.path = qctx_strdup(path, &reader->report), .step = 1};
    if (parameter->path == NULL)
        return NULL;
    space->count++;
    return parameter;
}

static qctx_status allocate_values(definition_reader *reader, qctx_space_parameter *parameter, int64_t count)
{
    parameter->values = qctx_alloc(count, sizeof *parameter->values, "the values of a parameter", &reader->report);
    return parameter->values == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
}

/* Adds a value to a parameter whose array has a place for it; a value that it has already is a mistake. */
static qctx_status add_value(definition_reader *reader, qctx_space_parameter *parameter, const qctx_yaml *node)
{
    bool good;
    char *value;
    qctx_status status =
        qctx_config_check_value(parameter->path, node, definition_file_of(reader, node), &good, &reader->report);

    if (status == QCTX_OK)
        status = definition_note_targets(reader, parameter->path, true, parameter->path, node);
    value = status == QCTX_OK ? qctx_yaml_flow(node, &reader->report) : NULL;
    if (value == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t i = 0; i < parameter->count; i++)
        if (strcmp(parameter->values[i], value) == 0)
            definition_complain(reader, node, parameter->path, "has %s twice", value);
    parameter->values[parameter->count++] = value;
    return QCTX_OK;
}

static qctx_status read_probabilities(definition_reader *reader, qctx_space_parameter *parameter, const qctx_yaml *node)
{
    double sum = 0;
    bool good = node->kind == QCTX_YAML_SEQUENCE && node->count == parameter->count;

    parameter->probabilities =
        qctx_alloc(parameter->count, sizeof(double), "the probabilities of a parameter", &reader->report);
    if (parameter->probabilities == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t i = 0; i < parameter->count && good; i++) {
        const qctx_yaml *item = node->children[i];

        good = item->kind == QCTX_YAML_SCALAR && qctx_yaml_parse_number(item->text, &parameter->probabilities[i]) &&
               parameter->probabilities[i] >= 1e-6;
        sum += parameter->probabilities[i];
    }
    if (!good || fabs(sum - 1) > 1e-6)
        definition_complain(reader, node, parameter->path,
                            "expected probabilities of at least 1e-6 whose sum is 1, one for each of the %lld values",
                            (long long)parameter->count);
    else if (reader->definition->method == QCTX_SWEEP_GRID)
        definition_complain(reader, node, parameter->path,
                            "probabilities are for random and bayes; a grid has every value");
    for (int64_t i = 0; i < parameter->count && good; i++)
        parameter->probabilities[i] /= sum;
    return QCTX_OK;
}

static qctx_status read_values(definition_reader *reader, qctx_space_parameter *parameter,
                               const definition_statement *said)
{
    const qctx_yaml *list = said->fields[FIELD_VALUES];
    qctx_status status;

    if (list->kind != QCTX_YAML_SEQUENCE || list->count == 0) {
        definition_complain(reader, list, parameter->path, "expected a list of values, such as values: [256, 512]");
        return QCTX_OK;
    }
    status = allocate_values(reader, parameter, list->count);
    for (int64_t i = 0; i < list->count && status == QCTX_OK; i++)
        status = add_value(reader, parameter, list->children[i]);
    if (status == QCTX_OK && said->fields[FIELD_PROBABILITIES] != NULL)
        status = read_probabilities(reader, parameter, said->fields[FIELD_PROBABILITIES]);
    return status;
}

/* The distribution that W&B assumes where none is named, or NULL. */
static const char *default_distribution(const definition_statement *said)
{
    const qctx_yaml *low = said->fields[FIELD_LOW], *high = said->fields[FIELD_HIGH];

    if (said->fields[FIELD_VALUE] != NULL)
        return "constant";
    if (said->fields[FIELD_VALUES] != NULL)
        return "categorical";
    if (low == NULL || high == NULL)
        return NULL;
    return definition_is_whole(low) && definition_is_whole(high) ? "int_uniform" : "uniform";
}

/* The distribution of a parameter, or NULL with a complaint. */
static const distribution *find_distribution(definition_reader *reader, const definition_statement *said)
{
    const qctx_yaml *named = said->fields[FIELD_DISTRIBUTION];
    const char *names[DISTRIBUTIONS + 1] = {NULL}, *name = default_distribution(said);
    int found;

    for (int i = 0; i < DISTRIBUTIONS; i++)
        names[i] = distributions[i].name;
    if (named == NULL && name == NULL) {
        definition_complain(reader, said->node, said->path, "expected value, values, or min and max");
        return NULL;
    }
    found = named != NULL ? definition_read_word(reader, named, said->path, names) : qctx_name_find(names, name);
    if (found >= 0 && distributions[found].instead != NULL) {
        definition_complain(reader, named, said->path, "the distribution %s is not supported; use %s", names[found],
                            distributions[found].instead);
        return NULL;
    }
    return found >= 0 ? &distributions[found] : NULL;
}

/* Whether the fields that were given are those of the distribution. */
static bool check_fields(definition_reader *reader, const definition_statement *said, const distribution *chosen)
{
    bool good = true;

    for (int i = 0; i < FIELD_COUNT; i++) {
        if (i == FIELD_DISTRIBUTION)
            continue;
        if (said->fields[i] == NULL && (chosen->needs & BIT(i)) != 0)
            definition_complain(reader, said->node, said->path, "%s needs %s", chosen->name, field_names[i]);
        else if (said->fields[i] != NULL && ((chosen->needs | chosen->takes) & BIT(i)) == 0)
            definition_complain(reader, said->fields[i], said->path, "%s has no %s", chosen->name, field_names[i]);
        else
            continue;
        good = false;
    }
    return good;
}

/* Whether a key may be drawn from a distribution: in no grid, and not where each value embeds the texts anew. */
static bool check_kind(definition_reader *reader, const definition_statement *said, const distribution *chosen)
{
    if (chosen->kind == QCTX_SPACE_CATEGORICAL)
        return true;
    if (reader->definition->method == QCTX_SWEEP_GRID)
        definition_complain(reader, said->node, said->path, "a grid takes value or values; %s is for random and bayes",
                            chosen->name);
    else if (strncmp(said->path, "data.", 5) == 0 || strncmp(said->path, "encoder.", 8) == 0)
        definition_complain(reader, said->node, said->path,
                            "takes value or values, since texts are embedded for each of its values");
    else
        return true;
    return false;
}

/* A key with one value: it belongs to what the trials share. */
static qctx_status read_constant(definition_reader *reader, const char *path, const qctx_yaml *node)
{
    bool good;
    char *value;
    qctx_status status = qctx_config_check_value(path, node, definition_file_of(reader, node), &good, &reader->report);

    if (status == QCTX_OK)
        status = definition_note_targets(reader, node, false, path, node);
    value = status == QCTX_OK ? qctx_yaml_flow(node, &reader->report) : NULL;
    if (value == NULL)
        return QCTX_ERR_MEMORY;
    status = definition_add_config_override(reader, true, qctx_format(&reader->report, "%s=%s", path, value));
    free(value);
    return status;
}

static qctx_status read_parameter(definition_reader *reader, const definition_statement *said)
{
    const distribution *chosen;
    qctx_space_parameter *parameter;

    if (!qctx_config_check_path(said->path, definition_file_of(reader, said->node), said->node->line,
                                said->node->column, &reader->report))
        return QCTX_OK;
    chosen = find_distribution(reader, said);
    if (chosen == NULL || !check_fields(reader, said, chosen) || !check_kind(reader, said, chosen))
        return QCTX_OK;
    if (said->fields[FIELD_VALUE] != NULL)
        return read_constant(reader, said->path, said->fields[FIELD_VALUE]);
    parameter = definition_add_parameter(reader, said->path);
    if (parameter == NULL)
        return QCTX_ERR_MEMORY;
    parameter->kind = chosen->kind;
    return chosen->kind == QCTX_SPACE_CATEGORICAL ? read_values(reader, parameter, said)
                                                  : definition_read_range(reader, parameter, said);
}

/* An entry that has `parameters` is a group and has nothing else; any other is a parameter. */
static qctx_status read_entry(definition_reader *reader, const char *path, const qctx_yaml *node)
{
    definition_statement said = {.path = path, .node = node};

    if (!definition_expect_mapping(reader, node, path, "{values: [1, 2]} or {min: 0.1, max: 1.0}"))
        return QCTX_OK;
    for (int64_t i = 0; i < node->count; i++) {
        const int field = qctx_name_find(field_names, node->children[i]->key);

        if (field >= 0)
            said.fields[field] = node->children[i];
        else
            definition_complain_unknown(reader, node->children[i], path, field_names);
    }
    if (said.fields[FIELD_PARAMETERS] == NULL)
        return read_parameter(reader, &said);
    if (node->count > 1)
        definition_complain(reader, node, path, "is a group with parameters, and has nothing else");
    return definition_read_parameters(reader, path, said.fields[FIELD_PARAMETERS]);
}

qctx_status definition_read_parameters(definition_reader *reader, const char *prefix, const qctx_yaml *node)
{
    qctx_status status = QCTX_OK;

    if (!definition_expect_mapping(reader, node, prefix[0] != '\0' ? prefix : "parameters",
                                   "{optim.lr: {values: [1e-4]}}"))
        return QCTX_OK;
    for (int64_t i = 0; i < node->count && status == QCTX_OK; i++) {
        char *path =
            qctx_format(&reader->report, "%s%s%s", prefix, prefix[0] != '\0' ? "." : "", node->children[i]->key);

        status = path != NULL ? read_entry(reader, path, node->children[i]) : QCTX_ERR_MEMORY;
        free(path);
    }
    return status;
}
