/* A hash table from texts to numbers ≥ 0: ids to rows, texts to their first occurrence. */
#ifndef QCTX_BASE_TEXTMAP_H
#define QCTX_BASE_TEXTMAP_H

#include <stdint.h>

#include "qctx/base/status.h"

/* Start from {0}; keys are borrowed and must outlive the map. Open addressing, linear probing. */
typedef struct {
    struct qctx_textmap_slot *slots;
    int64_t capacity; /* a power of two, or 0 */
    int64_t count;
} qctx_textmap;

/*
 * Adds `key` with `value` unless the key is there already. `*kept` is the value that now stands under the key:
 * `value` itself, or the earlier one. Local. Errors: MEMORY.
 */
qctx_status qctx_textmap_add(qctx_textmap *map, const char *key, int64_t value, int64_t *kept, qctx_error *error);

/* The value under `key`, or −1. Local. */
int64_t qctx_textmap_find(const qctx_textmap *map, const char *key);

/* Frees the table (not the keys); it is empty and usable again. Local. */
void qctx_textmap_free(qctx_textmap *map);

#endif
