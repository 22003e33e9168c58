#include "qctx/base/textmap.h"

#include <stdlib.h>
#include <string.h>

#include "qctx/base/hash.h"
#include "qctx/base/mem.h"

enum { CAPACITY_MIN = 64 };

struct qctx_textmap_slot {
    const char *key; /* NULL: free */
    uint64_t hash;
    int64_t value;
};

/* The slot that holds the key, or the free one where it belongs. The table is never full. */
static struct qctx_textmap_slot *locate(struct qctx_textmap_slot *slots, int64_t capacity, const char *key,
                                        uint64_t hash)
{
    uint64_t mask = (uint64_t)capacity - 1;
    uint64_t at = hash & mask;

    while (slots[at].key != NULL && (slots[at].hash != hash || strcmp(slots[at].key, key) != 0))
        at = (at + 1) & mask;
    return &slots[at];
}

static qctx_status enlarge(qctx_textmap *map, qctx_error *error)
{
    int64_t capacity = map->capacity == 0 ? CAPACITY_MIN : map->capacity * 2;
    struct qctx_textmap_slot *slots = qctx_alloc(capacity, sizeof *slots, "a table of texts", error);

    if (slots == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t i = 0; i < map->capacity; i++)
        if (map->slots[i].key != NULL)
            *locate(slots, capacity, map->slots[i].key, map->slots[i].hash) = map->slots[i];
    free(map->slots);
    map->slots = slots;
    map->capacity = capacity;
    return QCTX_OK;
}

qctx_status qctx_textmap_add(qctx_textmap *map, const char *key, int64_t value, int64_t *kept, qctx_error *error)
{
    uint64_t hash = qctx_hash_text(key, 0);
    struct qctx_textmap_slot *slot;

    /* At most two thirds full, so that probes stay short. */
    if ((map->count + 1) * 3 > map->capacity * 2) {
        qctx_status status = enlarge(map, error);

        if (status != QCTX_OK)
            return status;
    }
    slot = locate(map->slots, map->capacity, key, hash);
    if (slot->key == NULL) {
        *slot = (struct qctx_textmap_slot){key, hash, value};
        map->count++;
    }
    *kept = slot->value;
    return QCTX_OK;
}

int64_t qctx_textmap_find(const qctx_textmap *map, const char *key)
{
    const struct qctx_textmap_slot *slot;

    if (map->capacity == 0)
        return -1;
    slot = locate(map->slots, map->capacity, key, qctx_hash_text(key, 0));
    return slot->key == NULL ? -1 : slot->value;
}

void qctx_textmap_free(qctx_textmap *map)
{
    free(map->slots);
    *map = (qctx_textmap){0};
}
