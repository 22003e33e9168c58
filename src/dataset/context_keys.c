#include "qctx/dataset/context_keys.h"

#include <stdlib.h>

#include "qctx/base/mem.h"

qctx_status qctx_context_keys_read(qctx_store *store, qctx_context_keys *keys, qctx_error *error)
{
    const int64_t contexts = qctx_store_count(store, QCTX_CONTEXT);
    qctx_status status = QCTX_ERR_MEMORY;

    keys->content = qctx_alloc(contexts, sizeof *keys->content, "content numbers", error);
    keys->groups = qctx_alloc(contexts, sizeof *keys->groups, "group numbers", error);
    if (keys->content != NULL && keys->groups != NULL)
        status = qctx_store_content(store, QCTX_CONTEXT, keys->content, error);
    return status == QCTX_OK ? qctx_store_groups(store, keys->groups, error) : status;
}

void qctx_context_keys_free(qctx_context_keys *keys)
{
    free(keys->content);
    free(keys->groups);
    *keys = (qctx_context_keys){0};
}
