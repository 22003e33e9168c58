/* The ids of one side of a store, and the row of each: what files of others name questions and contexts by. */
#ifndef QCTX_STORE_ID_ROWS_H
#define QCTX_STORE_ID_ROWS_H

#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/base/textmap.h"
#include "qctx/store/store.h"

/* Start from {0}. Of rows with one id the first counts. */
typedef struct {
    int64_t count;
    char **ids; /* [count] */
    qctx_textmap rows;
} qctx_id_rows;

/* The caller frees them, also after a failure. Local. Errors: IO, MEMORY, MISMATCH. */
qctx_status qctx_id_rows_read(qctx_store *store, qctx_side side, qctx_id_rows *ids, qctx_error *error);
void qctx_id_rows_free(qctx_id_rows *ids);

/* The row of an id, or −1. Local. */
int64_t qctx_id_rows_find(const qctx_id_rows *ids, const char *id);

#endif
