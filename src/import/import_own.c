/* Fields that the user names, as records have them. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "import_internal.h"

const char *import_find_key(const json_t *object, const char *name)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)object, key, value) if (strcasecmp(key, name) == 0) return key;
    return NULL;
}

/* The name of a column is tidied unless --columns names others, and what the user calls it is then tidied, too. */
static void tidy(const char *key, char *tidied, size_t size)
{
    snprintf(tidied, size, "%s", key);
    import_tidy_name(tidied, false);
}

bool import_is_field(const qctx_import_job *job, const char *key)
{
    for (int64_t i = 0; i < job->field_count; i++) {
        char tidied[256];

        tidy(job->fields[i].key, tidied, sizeof tidied);
        if (strcasecmp(job->fields[i].key, key) == 0 || strcmp(tidied, key) == 0)
            return true;
    }
    return false;
}

qctx_status import_read_fields(const import_source *source, const json_t *object, const char *place,
                               import_fields *fields, qctx_error *error)
{
    const qctx_import_job *job = source->job;
    qctx_status status = QCTX_OK;

    for (int64_t i = 0; i < job->field_count && status == QCTX_OK; i++) {
        const char *key = import_find_key(object, job->fields[i].key);
        char tidied[256];

        tidy(job->fields[i].key, tidied, sizeof tidied);
        if (key == NULL)
            key = import_find_key(object, tidied);
        if (key == NULL)
            continue;
        source->counts->met_field[i] = true;
        status = import_get_name(object, key, !job->strict, place, fields->numbers[i],
                                 &fields->texts[import_slot(job, i)], error);
    }
    return status;
}
