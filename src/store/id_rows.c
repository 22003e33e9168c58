#include "qctx/store/id_rows.h"

#include <stdlib.h>

#include "qctx/base/mem.h"

qctx_status qctx_id_rows_read(qctx_store *store, qctx_side side, qctx_id_rows *ids, qctx_error *error)
{
    const int64_t count = qctx_store_count(store, side);
    int64_t *rows = qctx_alloc(count, sizeof *rows, "the rows of ids", error), kept;
    qctx_status status = QCTX_ERR_MEMORY;

    ids->ids = qctx_alloc(count, sizeof *ids->ids, "the ids of a store", error);
    if (rows == NULL || ids->ids == NULL)
        goto out;
    for (int64_t i = 0; i < count; i++)
        rows[i] = i;
    status = qctx_store_texts(store, side, QCTX_FIELD_ID, rows, count, ids->ids, error);
    ids->count = status == QCTX_OK ? count : 0;
    for (int64_t i = 0; i < count && status == QCTX_OK; i++)
        status = qctx_textmap_add(&ids->rows, ids->ids[i], i, &kept, error);
out:
    free(rows);
    return status;
}

void qctx_id_rows_free(qctx_id_rows *ids)
{
    for (int64_t i = 0; i < ids->count; i++)
        free(ids->ids[i]);
    free(ids->ids);
    qctx_textmap_free(&ids->rows);
    *ids = (qctx_id_rows){0};
}

int64_t qctx_id_rows_find(const qctx_id_rows *ids, const char *id)
{
    return qctx_textmap_find(&ids->rows, id);
}
