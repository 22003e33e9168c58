/*
 * An arena: many small texts in few allocations, freed all at once. The copies
 * never move, so they may be pointed at for as long as the arena lives.
 */
#ifndef QCTX_BASE_ARENA_H
#define QCTX_BASE_ARENA_H

#include <stddef.h>

#include "qctx/base/status.h"

/* Start from {0}. */
typedef struct {
    struct qctx_arena_block *last;
} qctx_arena;

/* A NUL-terminated copy of `length` bytes, owned by the arena; NULL with `error` filled (MEMORY). Local. */
const char *qctx_arena_text(qctx_arena *arena, const char *bytes, size_t length, qctx_error *error);

/* Frees everything; the arena is empty and usable again. Local. */
void qctx_arena_free(qctx_arena *arena);

#endif
