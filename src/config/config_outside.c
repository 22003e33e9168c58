/* From a YAML file that speaks about keys of the configuration, to what is wrong about one of them. */
#include <stdlib.h>

#include "config_internal.h"
#include "qctx/base/mem.h"

static void add_report(qctx_error *report, const qctx_config_reader *reader)
{
    if (report->code == QCTX_OK)
        *report = reader->report;
    else
        qctx_error_append(report, "%s", reader->report.message);
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
    status = qctx_config_read_entry(reader, path, node);
    *good = status == QCTX_OK && reader->report.code == QCTX_OK;
    if (!*good)
        add_report(report, reader);
    qctx_config_free(&reader->config);
    free(reader);
    return status;
}
