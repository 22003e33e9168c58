/* The trials of a definition: their points, their folders and their configurations. */
#include <stdlib.h>
#include <string.h>

#include "definition_internal.h"
#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"

/* How many configurations are made before a sweep begins: enough for any grid that people run, and soon done. */
enum { TRIALS_CHECKED = 1000 };

void qctx_sweep_definition_point(const qctx_sweep_definition *definition, int64_t index, double *units)
{
    if (definition->method == QCTX_SWEEP_GRID)
        qctx_space_grid_point(&definition->space, index, units);
    else
        qctx_space_random_point(&definition->space, (uint64_t)definition->seed, index, units);
}

char *qctx_sweep_definition_folder(const qctx_sweep_definition *definition, qctx_error *error)
{
    return qctx_path_join(definition->out, definition->name, error);
}

char *qctx_sweep_definition_trial_path(const qctx_sweep_definition *definition, int64_t index, const char *file,
                                       qctx_error *error)
{
    char *folder = qctx_sweep_definition_folder(definition, error);
    char *path = folder == NULL ? NULL : qctx_format(error, "%s/trials/%04lld/%s", folder, (long long)index, file);

    free(folder);
    return path;
}

/* Overrides of the shared configuration: those of the trial's point, then its name and folder. */
typedef struct {
    char **items;
    int64_t count, capacity;
} override_list;

/* Takes ownership of `override`, which is NULL if there was no memory for it. */
static qctx_status add_override(override_list *list, char *override, qctx_error *error)
{
    qctx_status status = override == NULL ? QCTX_ERR_MEMORY
                                          : qctx_grow((void **)&list->items, &list->capacity, list->count + 1,
                                                      sizeof *list->items, "the overrides of a trial", error);

    if (status == QCTX_OK)
        list->items[list->count++] = override;
    else
        free(override);
    return status;
}

static qctx_status add_parameter(override_list *list, const qctx_space_parameter *parameter, double unit,
                                 qctx_error *error)
{
    const qctx_space_settings *settings;
    qctx_status status = QCTX_OK;

    if (parameter->settings == NULL)
        return add_override(list, qctx_space_override(parameter, unit, error), error);
    settings = &parameter->settings[qctx_space_choice(parameter, unit)];
    for (int64_t i = 0; i < settings->count && status == QCTX_OK; i++)
        status = add_override(list, qctx_strdup(settings->items[i], error), error);
    return status;
}

/* The name of a run and its folder, quoted as YAML wants it, since they may hold anything that names of files do. */
static qctx_status add_place(override_list *list, const qctx_sweep_definition *definition, int64_t index,
                             qctx_error *error)
{
    char *folder = qctx_format(error, "%s/%s/trials", definition->out, definition->name);
    char *quoted = folder != NULL ? definition_quote(folder, error) : NULL;
    qctx_status status =
        quoted == NULL ? QCTX_ERR_MEMORY : add_override(list, qctx_format(error, "run.out=%s", quoted), error);

    if (status == QCTX_OK)
        status = add_override(list, qctx_format(error, "run.name=\"%04lld\"", (long long)index), error);
    free(folder);
    free(quoted);
    return status;
}

qctx_status qctx_sweep_definition_config(const qctx_sweep_definition *definition, int64_t index, const double *units,
                                         qctx_config *config, qctx_error *error)
{
    override_list list = {0};
    qctx_status status = QCTX_OK;

    *config = (qctx_config){0};
    for (int64_t i = 0; i < definition->space.count && status == QCTX_OK; i++)
        status = add_parameter(&list, &definition->space.parameters[i], units[i], error);
    if (status == QCTX_OK)
        status = add_place(&list, definition, index, error);
    if (status == QCTX_OK)
        status = qctx_config_parse(definition->config_text, strlen(definition->config_text),
                                   "the shared configuration, resolved", (const char *const *)list.items, list.count,
                                   config, error);
    /* Trials are held against one another, so all of them choose among the candidates of eval.candidates. */
    if (status == QCTX_OK)
        config->eval.widen = false;
    for (int64_t i = 0; i < list.count; i++)
        free(list.items[i]);
    free(list.items);
    return status;
}

qctx_status qctx_sweep_definition_config_alone(const qctx_sweep_definition *definition, int64_t index,
                                               const double *units, qctx_config *config, qctx_error *error)
{
    qctx_config shared = {0};
    char *out = NULL;
    char *name = qctx_format(error, "%s-%04lld", definition->name, (long long)index);
    qctx_status status = name == NULL ? QCTX_ERR_MEMORY
                                      : qctx_config_parse(definition->config_text, strlen(definition->config_text),
                                                          definition->config_path, NULL, 0, &shared, error);

    if (status == QCTX_OK)
        status = qctx_sweep_definition_config(definition, index, units, config, error);
    if (status == QCTX_OK) {
        out = qctx_strdup(shared.run.out, error);
        status = out == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
        if (status != QCTX_OK)
            qctx_config_free(config);
    }
    if (status == QCTX_OK) {
        free(config->run.out);
        free(config->run.name);
        config->run.out = out;
        config->run.name = name;
        name = NULL;
    }
    qctx_config_free(&shared);
    free(name);
    return status;
}

/* Says which trial it is that has no configuration: "trial 3 (optim.lr=0.1, head=plain)", then what is wrong. */
static qctx_status refuse_trial(const definition_reader *reader, int64_t index, const double *units,
                                const qctx_error *problem, qctx_error *error)
{
    const qctx_space *space = &reader->definition->space;
    char *point = qctx_strdup("", error);

    for (int64_t i = 0; i < space->count && point != NULL; i++) {
        char *override = qctx_space_override(&space->parameters[i], units[i], error);
        char *longer = override != NULL ? qctx_format(error, "%s%s%s", point, i > 0 ? ", " : "", override) : NULL;

        free(override);
        free(point);
        point = longer;
    }
    if (point == NULL)
        return QCTX_ERR_MEMORY;
    qctx_fail(error, QCTX_ERR_CONFIG, "%s: trial %lld (%s):", reader->file, (long long)index, point);
    qctx_error_append(error, "%-s", problem->message);
    free(point);
    return qctx_hint(error, "keys that go together only in some ways belong into `variants`; see docs/sweeps.md");
}

qctx_status definition_check_trials(const definition_reader *reader, qctx_error *error)
{
    const qctx_sweep_definition *definition = reader->definition;
    const int64_t checked = definition->trials < TRIALS_CHECKED ? definition->trials : TRIALS_CHECKED;
    double *units = qctx_alloc(definition->space.count, sizeof *units, "a point of the sweep", error);
    qctx_status status = units == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    for (int64_t i = 0; i < checked && status == QCTX_OK; i++) {
        qctx_config config;
        qctx_error problem;

        qctx_sweep_definition_point(definition, i, units);
        status = qctx_sweep_definition_config(definition, i, units, &config, &problem);
        if (status == QCTX_ERR_CONFIG)
            status = refuse_trial(reader, i, units, &problem, error);
        else if (status != QCTX_OK && error != NULL)
            *error = problem;
        qctx_config_free(&config);
    }
    free(units);
    return status;
}
