#include "qctx/sweep/definition.h"

#include <stdlib.h>
#include <string.h>

#include "definition_internal.h"
#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"

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

/* "configs/lr.yaml" names the sweep lr, unless the file does; what comes through a pipe has no name. */
static qctx_status set_default_names(definition_reader *reader)
{
    qctx_sweep_definition *definition = reader->definition;
    const char *base = qctx_path_base(reader->file);
    const char *dot = strrchr(base, '.');
    int length = (int)(dot != NULL && dot != base ? (size_t)(dot - base) : strlen(base));

    if (definition->name == NULL && qctx_path_handle(reader->file) >= 0)
        definition_complain(reader, NULL, "name", "is missing: what comes through a pipe has to say it");
    else if (definition->name == NULL)
        definition->name = qctx_format(&reader->report, "%.*s", length, base);
    if (definition->out == NULL)
        definition->out = qctx_strdup("sweeps", &reader->report);
    if (reader->report.code != QCTX_OK)
        return reader->report.code;
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
        status = definition_read_keys(reader, *root);
    if (status == QCTX_OK)
        status = set_default_names(reader);
    return status == QCTX_OK ? reader->report.code : status;
}

/* The shared configuration with its overrides, resolved. */
static qctx_status resolve(definition_reader *reader, const char *text, size_t bytes, qctx_error *error)
{
    qctx_sweep_definition *definition = reader->definition;
    qctx_config config = {0};
    qctx_status status = reader->kept ? qctx_config_parse_kept(text, bytes, definition->config_path, &config, error)
                                      : qctx_config_parse(text, bytes, definition->config_path,
                                                          (const char *const *)reader->config_overrides,
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

static qctx_status finish(definition_reader *reader, qctx_yaml *root, const char *text, size_t bytes, qctx_error *error)
{
    qctx_status status = resolve(reader, text, bytes, error);

    if (status == QCTX_OK)
        status = definition_check_trials(reader, error);
    if (status != QCTX_OK)
        return status;
    reader->definition->text = definition_write(reader->definition, root, error);
    return reader->definition->text == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
}

/* Collective. */
static qctx_status load(qctx_comm *comm, const char *path, bool kept, const char *const *overrides, int64_t count,
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
    reader->kept = kept;
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
    definition_free_reader(reader);
    return status;
}

qctx_status qctx_sweep_definition_load(qctx_comm *comm, const char *path, const char *const *overrides, int64_t count,
                                       qctx_sweep_definition *definition, qctx_error *error)
{
    return load(comm, path, false, overrides, count, definition, error);
}

qctx_status qctx_sweep_definition_load_folder(qctx_comm *comm, const char *folder, qctx_sweep_definition *definition,
                                              qctx_error *error)
{
    char *sweep = qctx_path_join(folder, "sweep.yaml", error);
    char *path = qctx_path_join(folder, "config.yaml", error);
    char *quoted = path != NULL ? definition_quote(path, error) : NULL;
    char *config = quoted != NULL ? qctx_format(error, "config=%s", quoted) : NULL;
    qctx_status status = qctx_agree(comm, sweep == NULL || config == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);

    *definition = (qctx_sweep_definition){0};
    if (status == QCTX_OK)
        status = load(comm, sweep, true, (const char *const[]){config}, 1, definition, error);
    free(sweep);
    free(path);
    free(quoted);
    free(config);
    return status;
}
