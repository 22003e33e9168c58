/* Of `parameters`, those that are drawn from a range of numbers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "definition_internal.h"

/* Sets `value` to the number of a field, if it was given. */
static bool read_number(definition_reader *reader, const definition_statement *said, int field, double *value)
{
    const qctx_yaml *node = said->fields[field];

    if (node == NULL)
        return true;
    if (node->kind == QCTX_YAML_SCALAR && !node->quoted && qctx_yaml_parse_number(node->text, value) &&
        fabs(*value) <= 1e300)
        return true;
    definition_complain(reader, node, said->path, "expected a number for %s", node->key);
    return false;
}

bool definition_is_whole(const qctx_yaml *node)
{
    int64_t ignored;

    return node->kind == QCTX_YAML_SCALAR && !node->quoted && qctx_yaml_parse_count(node->text, &ignored);
}

static bool check_bounds(definition_reader *reader, const definition_statement *said,
                         const qctx_space_parameter *parameter)
{
    const bool logarithmic =
        parameter->kind == QCTX_SPACE_LOG_UNIFORM_VALUES || parameter->kind == QCTX_SPACE_Q_LOG_UNIFORM_VALUES;
    const bool whole = parameter->kind == QCTX_SPACE_INT_UNIFORM;

    if (!(parameter->low < parameter->high))
        definition_complain(reader, said->fields[FIELD_HIGH], said->path,
                            "expected a max above min, %.15g, found %.15g", parameter->low, parameter->high);
    else if (logarithmic && parameter->low <= 0)
        definition_complain(reader, said->fields[FIELD_LOW], said->path,
                            "expected a min above 0 on a logarithmic scale");
    else if (whole && !(definition_is_whole(said->fields[FIELD_LOW]) && definition_is_whole(said->fields[FIELD_HIGH])))
        definition_complain(reader, said->node, said->path, "expected whole numbers for min and max of int_uniform");
    else if (fmax(fabs(parameter->low), fabs(parameter->high)) > 0x1p53 * parameter->step &&
             parameter->kind != QCTX_SPACE_UNIFORM && parameter->kind != QCTX_SPACE_LOG_UNIFORM_VALUES)
        definition_complain(reader, said->node, said->path, "has too many values: bounds are at most 2^53 steps");
    else if (parameter->kind != QCTX_SPACE_UNIFORM && parameter->kind != QCTX_SPACE_LOG_UNIFORM_VALUES &&
             qctx_space_levels(parameter) < 1)
        definition_complain(reader, said->node, said->path, "has no multiple of q, %.15g, between min and max",
                            parameter->step);
    else
        return true;
    return false;
}

/* Whether the key takes the number that a unit stands for; `place` is what the complaint points to. */
static qctx_status check_unit(definition_reader *reader, const qctx_space_parameter *parameter, double unit,
                              const qctx_yaml *place, bool *good)
{
    char *override = qctx_space_override(parameter, unit, &reader->report);
    qctx_yaml node = {.kind = QCTX_YAML_SCALAR, .line = place->line, .column = place->column};
    qctx_status status;

    if (override == NULL)
        return QCTX_ERR_MEMORY;
    node.text = override + strlen(parameter->path) + 1;
    status = qctx_config_check_value(parameter->path, &node, definition_file_of(reader, place), good, &reader->report);
    free(override);
    return status;
}

/* The key must take both ends, and what lies between: a whole number does not follow from uniform ones. */
static qctx_status check_range(definition_reader *reader, const qctx_space_parameter *parameter,
                               const definition_statement *said)
{
    const qctx_yaml *low = said->fields[FIELD_LOW] != NULL ? said->fields[FIELD_LOW] : said->node;
    const qctx_yaml *high = said->fields[FIELD_HIGH] != NULL ? said->fields[FIELD_HIGH] : said->node;
    bool good = false;
    qctx_status status = definition_note_targets(reader, parameter->path, true, parameter->path, low);

    if (status == QCTX_OK)
        status = check_unit(reader, parameter, 0, low, &good);
    if (status == QCTX_OK && good)
        status = check_unit(reader, parameter, 1 - 0x1p-53, high, &good);
    if (status == QCTX_OK && good)
        status = check_unit(reader, parameter, 0.61803398874989485, said->node, &good);
    return status;
}

qctx_status definition_read_range(definition_reader *reader, qctx_space_parameter *parameter,
                                  const definition_statement *said)
{
    const bool bell = parameter->kind == QCTX_SPACE_NORMAL || parameter->kind == QCTX_SPACE_Q_NORMAL;
    bool good = true;

    parameter->low = 0;
    parameter->high = 1;
    good &= read_number(reader, said, bell ? FIELD_MU : FIELD_LOW, &parameter->low);
    good &= read_number(reader, said, bell ? FIELD_SIGMA : FIELD_HIGH, &parameter->high);
    good &= read_number(reader, said, FIELD_Q, &parameter->step);
    if (good && !(parameter->step > 0)) {
        definition_complain(reader, said->fields[FIELD_Q], said->path, "expected a q above 0");
        good = false;
    }
    if (good && bell && !(parameter->high > 0)) {
        definition_complain(reader, said->fields[FIELD_SIGMA], said->path, "expected a sigma above 0");
        good = false;
    }
    if (!good || (!bell && !check_bounds(reader, said, parameter)))
        return QCTX_OK;
    return check_range(reader, parameter, said);
}
