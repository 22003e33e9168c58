#include "qctx/base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"

enum { BLOCK_BYTES = 1 << 20 };

struct qctx_arena_block {
    struct qctx_arena_block *before;
    size_t used, capacity;
    char bytes[];
};

const char *qctx_arena_text(qctx_arena *arena, const char *bytes, size_t length, qctx_error *error)
{
    struct qctx_arena_block *block = arena->last;
    char *copy;

    if (block == NULL || block->capacity - block->used <= length) {
        size_t capacity = length < BLOCK_BYTES ? BLOCK_BYTES : length + 1;

        block = qctx_alloc((int64_t)(sizeof *block + capacity), 1, "texts", error);
        if (block == NULL)
            return NULL;
        block->capacity = capacity;
        block->before = arena->last;
        arena->last = block;
    }
    copy = block->bytes + block->used;
    memcpy(copy, bytes, length);
    copy[length] = '\0';
    block->used += length + 1;
    return copy;
}

void qctx_arena_free(qctx_arena *arena)
{
    while (arena->last != NULL) {
        struct qctx_arena_block *before = arena->last->before;

        free(arena->last);
        arena->last = before;
    }
}
