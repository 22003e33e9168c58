/* By what contexts are told equal, or of one title: numbers that mean the same in all stores. */
#ifndef QCTX_DATASET_CONTEXT_KEYS_H
#define QCTX_DATASET_CONTEXT_KEYS_H

#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/store/store.h"

/* As qctx_store_content and qctx_store_groups give them, [contexts of the store]. */
typedef struct {
    uint64_t *content;
    uint64_t *groups;
} qctx_context_keys;

/* The caller frees them, also after a failure. Local. Errors: IO, MEMORY. */
qctx_status qctx_context_keys_read(qctx_store *store, qctx_context_keys *keys, qctx_error *error);
void qctx_context_keys_free(qctx_context_keys *keys);

#endif
