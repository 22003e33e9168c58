/* Which keys of the configuration a sweep sets, and by what. */
#include <stdlib.h>
#include <string.h>

#include "definition_internal.h"
#include "qctx/base/mem.h"

const char *definition_refusal(const char *path)
{
    if (strcmp(path, "run.name") == 0 || strcmp(path, "run.out") == 0)
        return "is given by the sweep: trials are called by their number and stand in its folder";
    if (strcmp(path, "eval.metric") == 0)
        return "is the same for all trials: it is metric.name of the sweep";
    return NULL;
}

/* Notes one key; where another parameter sets it, too, neither could be seen in the results. */
static qctx_status note_target(definition_reader *reader, const void *owner, bool varies, const char *path,
                               const qctx_yaml *node)
{
    const char *reason = definition_refusal(path);
    char *copy;
    qctx_status status;

    if (reason != NULL) {
        definition_complain(reader, node, path, "%s", reason);
        return QCTX_OK;
    }
    for (int64_t i = 0; i < reader->target_count; i++)
        if (strcmp(reader->targets[i].path, path) == 0) {
            if (reader->targets[i].owner != owner)
                definition_complain(reader, node, path, "is set in line %d already", reader->targets[i].line);
            return QCTX_OK;
        }
    status = qctx_grow((void **)&reader->targets, &reader->target_capacity, reader->target_count + 1,
                       sizeof *reader->targets, "the keys of a sweep", &reader->report);
    copy = status == QCTX_OK ? qctx_strdup(path, &reader->report) : NULL;
    if (copy == NULL)
        return QCTX_ERR_MEMORY;
    reader->targets[reader->target_count++] = (definition_target){copy, owner, varies, node->line, node->column};
    return QCTX_OK;
}

qctx_status definition_note_targets(definition_reader *reader, const void *owner, bool varies, const char *path,
                                    const qctx_yaml *node)
{
    qctx_status status = QCTX_OK;

    if (!qctx_config_is_section(path))
        return note_target(reader, owner, varies, path, node);
    for (int64_t i = 0; i < node->count && status == QCTX_OK && node->kind == QCTX_YAML_MAPPING; i++) {
        char *below = qctx_format(&reader->report, "%s.%s", path, node->children[i]->key);

        status =
            below != NULL ? definition_note_targets(reader, owner, varies, below, node->children[i]) : QCTX_ERR_MEMORY;
        free(below);
    }
    return status;
}
