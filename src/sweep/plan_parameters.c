/* From `parameters` and `variants` of a sweep file to the space that is searched. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plan_internal.h"
#include "qctx/base/mem.h"

enum { VALUE, VALUES, PROBABILITIES, LOW, HIGH, DISTRIBUTION, MU, SIGMA, Q, PARAMETERS, FIELDS };

static const char *const field_names[FIELDS] = {"value",        "values", "probabilities", "min", "max",
                                                "distribution", "mu",     "sigma",         "q",   "parameters"};

/* What was said about one parameter. */
typedef struct {
    const char *path;
    const qctx_yaml *node;
    const qctx_yaml *fields[FIELDS]; /* NULL: not given */
} statement;

/* A distribution by its name in W&B: the kind and the fields that it has, or what to use instead. */
typedef struct {
    const char *name;
    qctx_space_kind kind;
    unsigned needs; /* bits of fields */
    unsigned takes; /* besides */
    const char *instead;
} distribution;

#define BIT(field) (1U << (field))
#define BOUNDS     (BIT(LOW) | BIT(HIGH))
#define BELL       (BIT(MU) | BIT(SIGMA))

static const distribution distributions[] = {
    {"constant", QCTX_SPACE_CATEGORICAL, BIT(VALUE), 0, NULL},
    {"categorical", QCTX_SPACE_CATEGORICAL, BIT(VALUES), BIT(PROBABILITIES), NULL},
    {"categorical_w_probabilities", QCTX_SPACE_CATEGORICAL, BIT(VALUES) | BIT(PROBABILITIES), 0, NULL},
    {"uniform", QCTX_SPACE_UNIFORM, BOUNDS, 0, NULL},
    {"int_uniform", QCTX_SPACE_INT_UNIFORM, BOUNDS, 0, NULL},
    {"q_uniform", QCTX_SPACE_Q_UNIFORM, BOUNDS, BIT(Q), NULL},
    {"log_uniform_values", QCTX_SPACE_LOG_UNIFORM_VALUES, BOUNDS, 0, NULL},
    {"q_log_uniform_values", QCTX_SPACE_Q_LOG_UNIFORM_VALUES, BOUNDS, BIT(Q), NULL},
    {"normal", QCTX_SPACE_NORMAL, 0, BELL, NULL},
    {"q_normal", QCTX_SPACE_Q_NORMAL, 0, BELL | BIT(Q), NULL},
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

qctx_space_parameter *plan_add_parameter(plan_reader *reader, const char *path)
{
    qctx_space *space = &reader->plan->space;
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

const char *plan_refusal(const char *path)
{
    if (strcmp(path, "run.name") == 0 || strcmp(path, "run.out") == 0)
        return "is given by the sweep: trials are called by their number and stand in its folder";
    if (strcmp(path, "eval.metric") == 0)
        return "is the same for all trials: it is metric.name of the sweep";
    return NULL;
}

/* Notes one key; where another parameter sets it, too, neither could be seen in the results. */
static qctx_status note_target(plan_reader *reader, const void *owner, bool varies, const char *path,
                               const qctx_yaml *node)
{
    const char *reason = plan_refusal(path);
    char *copy;
    qctx_status status;

    if (reason != NULL) {
        plan_complain(reader, node, path, "%s", reason);
        return QCTX_OK;
    }
    for (int64_t i = 0; i < reader->target_count; i++)
        if (strcmp(reader->targets[i].path, path) == 0) {
            if (reader->targets[i].owner != owner)
                plan_complain(reader, node, path, "is set in line %d already", reader->targets[i].line);
            return QCTX_OK;
        }
    status = qctx_grow((void **)&reader->targets, &reader->target_capacity, reader->target_count + 1,
                       sizeof *reader->targets, "the keys of a sweep", &reader->report);
    copy = status == QCTX_OK ? qctx_strdup(path, &reader->report) : NULL;
    if (copy == NULL)
        return QCTX_ERR_MEMORY;
    reader->targets[reader->target_count++] = (plan_target){copy, owner, varies, node->line, node->column};
    return QCTX_OK;
}

qctx_status plan_note_targets(plan_reader *reader, const void *owner, bool varies, const char *path,
                              const qctx_yaml *node)
{
    qctx_status status = QCTX_OK;

    if (!qctx_config_is_section(path))
        return note_target(reader, owner, varies, path, node);
    for (int64_t i = 0; i < node->count && status == QCTX_OK && node->kind == QCTX_YAML_MAPPING; i++) {
        char *below = qctx_format(&reader->report, "%s.%s", path, node->children[i]->key);

        status = below != NULL ? plan_note_targets(reader, owner, varies, below, node->children[i]) : QCTX_ERR_MEMORY;
        free(below);
    }
    return status;
}

static qctx_status allocate_values(plan_reader *reader, qctx_space_parameter *parameter, int64_t count)
{
    parameter->values = qctx_alloc(count, sizeof *parameter->values, "the values of a parameter", &reader->report);
    return parameter->values == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
}

/* Adds a value to a parameter that has room for it; twice the same is a mistake. */
static qctx_status add_value(plan_reader *reader, qctx_space_parameter *parameter, const qctx_yaml *node)
{
    bool good;
    char *value;
    qctx_status status =
        qctx_config_check_value(parameter->path, node, plan_file_of(reader, node), &good, &reader->report);

    if (status == QCTX_OK)
        status = plan_note_targets(reader, parameter->path, true, parameter->path, node);
    value = status == QCTX_OK ? qctx_yaml_flow(node, &reader->report) : NULL;
    if (value == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t i = 0; i < parameter->count; i++)
        if (strcmp(parameter->values[i], value) == 0)
            plan_complain(reader, node, parameter->path, "has %s twice", value);
    parameter->values[parameter->count++] = value;
    return QCTX_OK;
}

static qctx_status read_probabilities(plan_reader *reader, qctx_space_parameter *parameter, const qctx_yaml *node)
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
        plan_complain(reader, node, parameter->path,
                      "expected probabilities of at least 1e-6 whose sum is 1, one for each of the %lld values",
                      (long long)parameter->count);
    else if (reader->plan->method == QCTX_SWEEP_GRID)
        plan_complain(reader, node, parameter->path, "probabilities are for random and bayes; a grid has every value");
    for (int64_t i = 0; i < parameter->count && good; i++)
        parameter->probabilities[i] /= sum;
    return QCTX_OK;
}

static qctx_status read_values(plan_reader *reader, qctx_space_parameter *parameter, const statement *said)
{
    const qctx_yaml *list = said->fields[VALUES];
    qctx_status status;

    if (list->kind != QCTX_YAML_SEQUENCE || list->count == 0) {
        plan_complain(reader, list, parameter->path, "expected a list of values, such as values: [256, 512]");
        return QCTX_OK;
    }
    status = allocate_values(reader, parameter, list->count);
    for (int64_t i = 0; i < list->count && status == QCTX_OK; i++)
        status = add_value(reader, parameter, list->children[i]);
    if (status == QCTX_OK && said->fields[PROBABILITIES] != NULL)
        status = read_probabilities(reader, parameter, said->fields[PROBABILITIES]);
    return status;
}

/* Sets `value` to the number of a field, if it was given. */
static bool read_number(plan_reader *reader, const statement *said, int field, double *value)
{
    const qctx_yaml *node = said->fields[field];

    if (node == NULL)
        return true;
    if (node->kind == QCTX_YAML_SCALAR && !node->quoted && qctx_yaml_parse_number(node->text, value) &&
        fabs(*value) <= 1e300)
        return true;
    plan_complain(reader, node, said->path, "expected a number for %s", field_names[field]);
    return false;
}

static bool is_whole(const qctx_yaml *node)
{
    int64_t ignored;

    return node->kind == QCTX_YAML_SCALAR && !node->quoted && qctx_yaml_parse_count(node->text, &ignored);
}

static bool check_bounds(plan_reader *reader, const statement *said, const qctx_space_parameter *parameter)
{
    const bool logarithmic =
        parameter->kind == QCTX_SPACE_LOG_UNIFORM_VALUES || parameter->kind == QCTX_SPACE_Q_LOG_UNIFORM_VALUES;
    const bool whole = parameter->kind == QCTX_SPACE_INT_UNIFORM;

    if (!(parameter->low < parameter->high))
        plan_complain(reader, said->fields[HIGH], said->path, "expected a max above min, %.15g, found %.15g",
                      parameter->low, parameter->high);
    else if (logarithmic && parameter->low <= 0)
        plan_complain(reader, said->fields[LOW], said->path, "expected a min above 0 on a logarithmic scale");
    else if (whole && !(is_whole(said->fields[LOW]) && is_whole(said->fields[HIGH])))
        plan_complain(reader, said->node, said->path, "expected whole numbers for min and max of int_uniform");
    else if (fmax(fabs(parameter->low), fabs(parameter->high)) > 0x1p53 * parameter->step &&
             parameter->kind != QCTX_SPACE_UNIFORM && parameter->kind != QCTX_SPACE_LOG_UNIFORM_VALUES)
        plan_complain(reader, said->node, said->path, "has too many values: bounds are at most 2^53 steps");
    else if (parameter->kind != QCTX_SPACE_UNIFORM && parameter->kind != QCTX_SPACE_LOG_UNIFORM_VALUES &&
             qctx_space_levels(parameter) < 1)
        plan_complain(reader, said->node, said->path, "has no multiple of q, %.15g, between min and max",
                      parameter->step);
    else
        return true;
    return false;
}

/* Whether the key takes the number that a unit stands for; `place` is what the complaint points to. */
static qctx_status check_unit(plan_reader *reader, const qctx_space_parameter *parameter, double unit,
                              const qctx_yaml *place, bool *good)
{
    char *override = qctx_space_override(parameter, unit, &reader->report);
    qctx_yaml node = {.kind = QCTX_YAML_SCALAR, .line = place->line, .column = place->column};
    qctx_status status;

    if (override == NULL)
        return QCTX_ERR_MEMORY;
    node.text = override + strlen(parameter->path) + 1;
    status = qctx_config_check_value(parameter->path, &node, plan_file_of(reader, place), good, &reader->report);
    free(override);
    return status;
}

/* The key must take both ends, and what lies between: a whole number does not follow from uniform ones. */
static qctx_status check_range(plan_reader *reader, const qctx_space_parameter *parameter, const statement *said)
{
    const qctx_yaml *low = said->fields[LOW] != NULL ? said->fields[LOW] : said->node;
    const qctx_yaml *high = said->fields[HIGH] != NULL ? said->fields[HIGH] : said->node;
    bool good = false;
    qctx_status status = plan_note_targets(reader, parameter->path, true, parameter->path, low);

    if (status == QCTX_OK)
        status = check_unit(reader, parameter, 0, low, &good);
    if (status == QCTX_OK && good)
        status = check_unit(reader, parameter, 1 - 0x1p-53, high, &good);
    if (status == QCTX_OK && good)
        status = check_unit(reader, parameter, 0.61803398874989485, said->node, &good);
    return status;
}

static qctx_status read_range(plan_reader *reader, qctx_space_parameter *parameter, const statement *said)
{
    const bool bell = parameter->kind == QCTX_SPACE_NORMAL || parameter->kind == QCTX_SPACE_Q_NORMAL;
    bool good = true;

    parameter->low = 0;
    parameter->high = 1;
    good &= read_number(reader, said, bell ? MU : LOW, &parameter->low);
    good &= read_number(reader, said, bell ? SIGMA : HIGH, &parameter->high);
    good &= read_number(reader, said, Q, &parameter->step);
    if (good && !(parameter->step > 0)) {
        plan_complain(reader, said->fields[Q], said->path, "expected a q above 0");
        good = false;
    }
    if (good && bell && !(parameter->high > 0)) {
        plan_complain(reader, said->fields[SIGMA], said->path, "expected a sigma above 0");
        good = false;
    }
    if (!good || (!bell && !check_bounds(reader, said, parameter)))
        return QCTX_OK;
    return check_range(reader, parameter, said);
}

/* What W&B takes where no distribution is named. */
static const char *default_distribution(const statement *said)
{
    const qctx_yaml *low = said->fields[LOW], *high = said->fields[HIGH];

    if (said->fields[VALUE] != NULL)
        return "constant";
    if (said->fields[VALUES] != NULL)
        return "categorical";
    if (low == NULL || high == NULL)
        return NULL;
    return is_whole(low) && is_whole(high) ? "int_uniform" : "uniform";
}

/* The distribution of a parameter, or NULL with a complaint. */
static const distribution *find_distribution(plan_reader *reader, const statement *said)
{
    const qctx_yaml *named = said->fields[DISTRIBUTION];
    const char *names[DISTRIBUTIONS], *name = default_distribution(said);
    int64_t found = 0;

    for (int i = 0; i < DISTRIBUTIONS; i++)
        names[i] = distributions[i].name;
    if (named == NULL && name == NULL) {
        plan_complain(reader, said->node, said->path, "expected value, values, or min and max");
        return NULL;
    }
    if (named != NULL)
        found = plan_read_word(reader, named, said->path, names, DISTRIBUTIONS);
    else
        while (strcmp(names[found], name) != 0)
            found++;
    if (found >= 0 && distributions[found].instead != NULL) {
        plan_complain(reader, named, said->path, "the distribution %s is not supported; use %s", names[found],
                      distributions[found].instead);
        return NULL;
    }
    return found >= 0 ? &distributions[found] : NULL;
}

/* Whether the fields that were given are those of the distribution. */
static bool check_fields(plan_reader *reader, const statement *said, const distribution *chosen)
{
    bool good = true;

    for (int i = 0; i < FIELDS; i++) {
        if (i == DISTRIBUTION)
            continue;
        if (said->fields[i] == NULL && (chosen->needs & BIT(i)) != 0)
            plan_complain(reader, said->node, said->path, "%s needs %s", chosen->name, field_names[i]);
        else if (said->fields[i] != NULL && ((chosen->needs | chosen->takes) & BIT(i)) == 0)
            plan_complain(reader, said->fields[i], said->path, "%s has no %s", chosen->name, field_names[i]);
        else
            continue;
        good = false;
    }
    return good;
}

/* Whether a key may be drawn from a distribution: not where each value embeds the texts anew, and not in a grid. */
static bool check_kind(plan_reader *reader, const statement *said, const distribution *chosen)
{
    if (chosen->kind == QCTX_SPACE_CATEGORICAL)
        return true;
    if (reader->plan->method == QCTX_SWEEP_GRID)
        plan_complain(reader, said->node, said->path, "a grid takes value or values; %s is for random and bayes",
                      chosen->name);
    else if (strncmp(said->path, "data.", 5) == 0 || strncmp(said->path, "encoder.", 8) == 0)
        plan_complain(reader, said->node, said->path,
                      "takes value or values, since texts are embedded for each of its values");
    else
        return true;
    return false;
}

/* A key with one value: it belongs to what the trials share. */
static qctx_status read_constant(plan_reader *reader, const char *path, const qctx_yaml *node)
{
    bool good;
    char *value;
    qctx_status status = qctx_config_check_value(path, node, plan_file_of(reader, node), &good, &reader->report);

    if (status == QCTX_OK)
        status = plan_note_targets(reader, node, false, path, node);
    value = status == QCTX_OK ? qctx_yaml_flow(node, &reader->report) : NULL;
    if (value == NULL)
        return QCTX_ERR_MEMORY;
    status = plan_add_config_override(reader, true, qctx_format(&reader->report, "%s=%s", path, value));
    free(value);
    return status;
}

static qctx_status read_parameter(plan_reader *reader, const statement *said)
{
    const distribution *chosen;
    qctx_space_parameter *parameter;

    if (!qctx_config_check_path(said->path, plan_file_of(reader, said->node), said->node->line, said->node->column,
                                &reader->report))
        return QCTX_OK;
    chosen = find_distribution(reader, said);
    if (chosen == NULL || !check_fields(reader, said, chosen) || !check_kind(reader, said, chosen))
        return QCTX_OK;
    if (said->fields[VALUE] != NULL)
        return read_constant(reader, said->path, said->fields[VALUE]);
    parameter = plan_add_parameter(reader, said->path);
    if (parameter == NULL)
        return QCTX_ERR_MEMORY;
    parameter->kind = chosen->kind;
    return chosen->kind == QCTX_SPACE_CATEGORICAL ? read_values(reader, parameter, said)
                                                  : read_range(reader, parameter, said);
}

/* A group if it has `parameters`, which then is all that it has, else a parameter. */
static qctx_status read_entry(plan_reader *reader, const char *path, const qctx_yaml *node)
{
    statement said = {.path = path, .node = node};

    if (!plan_expect_mapping(reader, node, path, "{values: [1, 2]} or {min: 0.1, max: 1.0}"))
        return QCTX_OK;
    for (int64_t i = 0; i < node->count; i++) {
        int field = 0;

        while (field < FIELDS && strcmp(field_names[field], node->children[i]->key) != 0)
            field++;
        if (field < FIELDS)
            said.fields[field] = node->children[i];
        else
            plan_complain_unknown(reader, node->children[i], path, field_names, FIELDS);
    }
    if (said.fields[PARAMETERS] == NULL)
        return read_parameter(reader, &said);
    if (node->count > 1)
        plan_complain(reader, node, path, "is a group with parameters, and has nothing else");
    return plan_read_parameters(reader, path, said.fields[PARAMETERS]);
}

qctx_status plan_read_parameters(plan_reader *reader, const char *prefix, const qctx_yaml *node)
{
    qctx_status status = QCTX_OK;

    if (!plan_expect_mapping(reader, node, prefix[0] != '\0' ? prefix : "parameters", "{optim.lr: {values: [1e-4]}}"))
        return QCTX_OK;
    for (int64_t i = 0; i < node->count && status == QCTX_OK; i++) {
        char *path =
            qctx_format(&reader->report, "%s%s%s", prefix, prefix[0] != '\0' ? "." : "", node->children[i]->key);

        status = path != NULL ? read_entry(reader, path, node->children[i]) : QCTX_ERR_MEMORY;
        free(path);
    }
    return status;
}
