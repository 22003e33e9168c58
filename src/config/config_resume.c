/* Whether a run can go on with another configuration than it was started with. */
#include <stdlib.h>
#include <string.h>

#include "config_internal.h"

/* The value of a key as text, freshly allocated, or NULL. */
static char *value_text(const qctx_config_key *key, const qctx_config *config)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);

    if (out == NULL)
        return NULL;
    qctx_config_write_value(out, key, config);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

static qctx_status compare_key(const qctx_config_key *key, const qctx_config *then, const qctx_config *now,
                               bool *differs, qctx_error *error)
{
    char *was = value_text(key, then), *is = value_text(key, now);
    qctx_status status = QCTX_OK;

    if (was == NULL || is == NULL) {
        status = qctx_fail(error, QCTX_ERR_MEMORY, "no memory to compare the configurations");
    } else if (strcmp(was, is) != 0) {
        if (!*differs)
            qctx_fail(error, QCTX_ERR_MISMATCH, "the run was started with another configuration:");
        qctx_error_append(error, "%s: was%s, now it is%s", key->path, was, is);
        *differs = true;
    }
    free(was);
    free(is);
    return status;
}

qctx_status qctx_config_check_resume(const qctx_config *then, const qctx_config *now, qctx_error *error)
{
    bool differs = false;

    for (int64_t i = 0; i < qctx_config_key_count; i++) {
        const qctx_config_key *key = &qctx_config_keys[i];
        qctx_status status = key->may_change ? QCTX_OK : compare_key(key, then, now, &differs, error);

        if (status != QCTX_OK)
            return status;
    }
    if (!differs)
        return QCTX_OK;
    return qctx_hint(error, "resume with the configuration of the run (its config.yaml), or start a new run");
}
