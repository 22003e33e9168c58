#include "qctx/base/buffers.h"

#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"

/* The entry number k of the list, or NULL behind its end. */
static const qctx_buffer *entry(const qctx_buffers *buffers, int k)
{
    return k < QCTX_BUFFERS_MOST && buffers->list[k].purpose != NULL ? &buffers->list[k] : NULL;
}

/* Pointers are copied as bytes: their type is the owner's. */
qctx_status qctx_buffers_alloc(const qctx_buffers *buffers, qctx_error *error)
{
    const qctx_buffer *buffer;

    for (int k = 0; (buffer = entry(buffers, k)) != NULL; k++) {
        void *memory;

        if (buffer->count == QCTX_BUFFER_NONE)
            continue;
        memory = qctx_alloc(buffer->count, buffer->size, buffer->purpose, error);
        if (memory == NULL)
            return QCTX_ERR_MEMORY;
        memcpy(buffer->at, &memory, sizeof memory);
    }
    return QCTX_OK;
}

void qctx_buffers_free(const qctx_buffers *buffers)
{
    const qctx_buffer *buffer;

    for (int k = 0; (buffer = entry(buffers, k)) != NULL; k++) {
        void *memory;

        memcpy(&memory, buffer->at, sizeof memory);
        free(memory);
        memory = NULL;
        memcpy(buffer->at, &memory, sizeof memory);
    }
}

int64_t qctx_buffers_bytes(const qctx_buffers *buffers)
{
    const qctx_buffer *buffer;
    int64_t total = 0;

    for (int k = 0; (buffer = entry(buffers, k)) != NULL; k++) {
        int64_t bytes;

        if (buffer->count == QCTX_BUFFER_NONE)
            continue;
        if (__builtin_mul_overflow(buffer->count, (int64_t)buffer->size, &bytes) ||
            __builtin_add_overflow(total, bytes, &total))
            return INT64_MAX;
    }
    return total;
}
