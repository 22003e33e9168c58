#include "qctx/sweep/definition.h"

#include <stdlib.h>
#include <string.h>

#include "definition_internal.h"
#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"

/* So many trials are looked at before a sweep begins: enough for any grid that people run, and soon done. */
enum { TRIALS_CHECKED = 1000 };

void qctx_sweep_definition_free(qctx_sweep_definition *definition)
{
    qctx_space_free(&definition->space);
    free(definition->name);
    free(definition->out);
    free(definition->config_path);
    free(definition->config_text);
    free(definition->text);
    *definition = (qctx_sweep_definition){0};
}

char *qctx_sweep_definition_folder(const qctx_sweep_definition *definition, qctx_error *error)
{
    return qctx_path_join(definition->out, definition->name, error);
}

/* Reads a file on rank 0 for all. Collective. */
static qctx_status read_for_all(qctx_comm *comm, const char *path, const char *hint, char **text, size_t *bytes,
                                qctx_error *error)
{
    qctx_status status = QCTX_OK;

    if (qctx_comm_rank(comm) == 0) {
        status = qctx_file_read(path, text, bytes, error);
        if (status == QCTX_ERR_IO)
            qctx_hint(error, "%s", hint);
    }
    status = qctx_agree(comm, status, error);
    return status == QCTX_OK ? qctx_comm_broadcast_text(comm, text, bytes, 0, error) : status;
}

/* "configs/lr.yaml" names the sweep lr, unless the file does. */
static qctx_status set_default_names(definition_reader *reader)
{
    qctx_sweep_definition *definition = reader->definition;
    const char *base = qctx_path_base(reader->file);
    const char *dot = strrchr(base, '.');
    int length = (int)(dot != NULL && dot != base ? (size_t)(dot - base) : strlen(base));

    if (definition->name == NULL)
        definition->name = qctx_format(&reader->report, "%.*s", length, base);
    if (definition->out == NULL)
        definition->out = qctx_strdup("sweeps", &reader->report);
    return definition->name != NULL && definition->out != NULL ? QCTX_OK : QCTX_ERR_MEMORY;
}

/* The sweep file and the overrides; what is left to do needs the shared configuration. */
static qctx_status read_sweep(definition_reader *reader, const char *text, size_t bytes, const char *const *overrides,
                              int64_t count, qctx_yaml **root)
{
    qctx_status status = qctx_yaml_parse(text, bytes, reader->file, root, &reader->report);

    /* A refusal is reported together with what else is found, in the tree as far as there is one. */
    if (status == QCTX_ERR_CONFIG && *root != NULL)
        status = QCTX_OK;
    if (status == QCTX_OK)
        status = definition_apply_overrides(reader, *root, overrides, count);
    if (status == QCTX_OK)
        status = definition_read(reader, *root);
    if (status == QCTX_OK)
        status = set_default_names(reader);
    return status == QCTX_OK ? reader->report.code : status;
}

/* The shared configuration with its overrides, resolved. */
static qctx_status resolve(definition_reader *reader, const char *text, size_t bytes, qctx_error *error)
{
    qctx_sweep_definition *definition = reader->definition;
    qctx_config config = {0};
    qctx_status status =
        qctx_config_parse(text, bytes, definition->config_path, (const char *const *)reader->config_overrides,
                          reader->config_count, &config, error);

    if (status != QCTX_OK)
        return status;
    definition_check(reader, &config);
    definition->metric = config.eval.metric;
    definition->config_text = qctx_config_dump(&config, error);
    status = definition->config_text == NULL ? QCTX_ERR_MEMORY : reader->report.code;
    if (status == QCTX_ERR_CONFIG)
        *error = reader->report;
    qctx_config_free(&config);
    return status;
}

/* What the trial is made of: its point, the overrides before the parameters, then those that no sweep may change. */
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

/* A path as YAML, in quotes, freshly allocated. */
static char *quote(char *path, qctx_error *error)
{
    return qctx_yaml_flow(&(qctx_yaml){.kind = QCTX_YAML_SCALAR, .text = path, .quoted = true}, error);
}

/* The name of a run and its folder, quoted as YAML wants it, since they may hold anything that names of files do. */
static qctx_status add_place(override_list *list, const qctx_sweep_definition *definition, int64_t index,
                             qctx_error *error)
{
    char *folder = qctx_format(error, "%s/%s/trials", definition->out, definition->name);
    char *quoted = folder != NULL ? quote(folder, error) : NULL;
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
    for (int64_t i = 0; i < list.count; i++)
        free(list.items[i]);
    free(list.items);
    return status;
}

/* Says which trial it is that has no configuration: "trial 3 (optim.lr=0.1, head=seed)", then what is wrong. */
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
    qctx_error_append(error, "%s", problem->message);
    free(point);
    return qctx_hint(error, "keys that go together only in some ways belong into `variants`; see docs/sweeps.md");
}

/* Makes the configurations of the first trials; those of a bayes sweep are not known, but random ones stand for them.
 */
static qctx_status check_trials(const definition_reader *reader, qctx_error *error)
{
    const qctx_sweep_definition *definition = reader->definition;
    const int64_t checked = definition->trials < TRIALS_CHECKED ? definition->trials : TRIALS_CHECKED;
    double *units = qctx_alloc(definition->space.count, sizeof *units, "a point of the sweep", error);
    qctx_status status = units == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    for (int64_t i = 0; i < checked && status == QCTX_OK; i++) {
        qctx_config config;
        qctx_error problem;

        if (definition->method == QCTX_SWEEP_GRID)
            qctx_space_grid_point(&definition->space, i, units);
        else
            qctx_space_random_point(&definition->space, (uint64_t)definition->seed, i, units);
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

static qctx_status finish(definition_reader *reader, qctx_yaml *root, const char *text, size_t bytes, qctx_error *error)
{
    qctx_status status = resolve(reader, text, bytes, error);

    if (status == QCTX_OK)
        status = check_trials(reader, error);
    if (status != QCTX_OK)
        return status;
    reader->definition->text = definition_write(reader->definition, root, error);
    return reader->definition->text == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
}

static void free_reader(definition_reader *reader)
{
    for (int64_t i = 0; i < reader->target_count; i++)
        free(reader->targets[i].path);
    for (int64_t i = 0; i < reader->config_count; i++)
        free(reader->config_overrides[i]);
    free(reader->targets);
    free(reader->config_overrides);
    free(reader);
}

qctx_status qctx_sweep_definition_load(qctx_comm *comm, const char *path, const char *const *overrides, int64_t count,
                                       qctx_sweep_definition *definition, qctx_error *error)
{
    definition_reader *reader = qctx_alloc(1, sizeof *reader, "the sweep file", error);
    qctx_status status = qctx_agree(comm, reader == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);
    char *text = NULL, *config = NULL;
    qctx_yaml *root = NULL;
    size_t bytes = 0;

    *definition = (qctx_sweep_definition){0};
    if (status != QCTX_OK) {
        free(reader);
        return status;
    }
    reader->file = path;
    reader->definition = definition;
    status = read_for_all(comm, path, "name a YAML file that describes a sweep, such as configs/sweep.yaml", &text,
                          &bytes, error);
    if (status != QCTX_OK)
        goto out;

    status = read_sweep(reader, text, bytes, overrides, count, &root);
    if (status == QCTX_ERR_CONFIG)
        qctx_hint(&reader->report, "docs/sweeps.md lists every key of a sweep");
    if (status != QCTX_OK && error != NULL)
        *error = reader->report;
    status = qctx_agree(comm, status, error);
    if (status != QCTX_OK)
        goto out;

    status = read_for_all(comm, definition->config_path, "the key `config` of the sweep names what its trials share",
                          &config, &bytes, error);
    if (status != QCTX_OK)
        goto out;
    status = finish(reader, root, config, bytes, error);
    status = qctx_agree(comm, status, error);
out:
    if (status != QCTX_OK)
        qctx_sweep_definition_free(definition);
    qctx_yaml_destroy(root);
    free(text);
    free(config);
    free_reader(reader);
    return status;
}

qctx_status qctx_sweep_definition_load_folder(qctx_comm *comm, const char *folder, qctx_sweep_definition *definition,
                                              qctx_error *error)
{
    char *sweep = qctx_path_join(folder, "sweep.yaml", error);
    char *path = qctx_path_join(folder, "config.yaml", error);
    char *quoted = path != NULL ? quote(path, error) : NULL;
    char *config = quoted != NULL ? qctx_format(error, "config=%s", quoted) : NULL;
    qctx_status status = qctx_agree(comm, sweep == NULL || config == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);

    *definition = (qctx_sweep_definition){0};
    if (status == QCTX_OK)
        status = qctx_sweep_definition_load(comm, sweep, (const char *const[]){config}, 1, definition, error);
    free(sweep);
    free(path);
    free(quoted);
    free(config);
    return status;
}
