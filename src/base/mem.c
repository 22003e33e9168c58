#include "qctx/base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 };

void *qctx_alloc(int64_t count, size_t size, const char *purpose, qctx_error *error)
{
    size_t bytes;
    void *memory;

    if (count < 0 || __builtin_mul_overflow((size_t)count, size, &bytes) || bytes > SIZE_MAX - ALIGNMENT) {
        qctx_fail(error, QCTX_ERR_MEMORY, "cannot allocate %lld elements of %zu bytes for %s: the size overflows",
                  (long long)count, size, purpose);
        return NULL;
    }
    /* aligned_alloc wants a multiple of the alignment, and at least one unit so that 0 is valid. */
    bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (bytes == 0)
        bytes = ALIGNMENT;
    memory = aligned_alloc(ALIGNMENT, bytes);
    if (memory == NULL) {
        qctx_fail(error, QCTX_ERR_MEMORY, "cannot allocate %zu MiB for %s", bytes >> 20, purpose);
        return NULL;
    }
    memset(memory, 0, bytes);
    return memory;
}

qctx_status qctx_grow(void **array, int64_t *capacity, int64_t needed, size_t size, const char *purpose,
                      qctx_error *error)
{
    int64_t grown = *capacity < 16 ? 16 : *capacity;
    size_t bytes;
    void *memory;

    if (needed <= *capacity)
        return QCTX_OK;
    while (grown < needed)
        grown = grown > INT64_MAX / 2 ? needed : grown * 2;
    if (__builtin_mul_overflow((size_t)grown, size, &bytes) || (memory = realloc(*array, bytes)) == NULL)
        return qctx_fail(error, QCTX_ERR_MEMORY, "cannot allocate %lld elements of %zu bytes for %s", (long long)grown,
                         size, purpose);
    *array = memory;
    *capacity = grown;
    return QCTX_OK;
}

char *qctx_strdup(const char *text, qctx_error *error)
{
    return qctx_format(error, "%s", text);
}

char *qctx_format(qctx_error *error, const char *format, ...)
{
    va_list arguments, again;
    char *text;
    int length;

    va_start(arguments, format);
    va_copy(again, arguments);
    length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    text = length < 0 ? NULL : malloc((size_t)length + 1);
    if (text == NULL)
        qctx_fail(error, QCTX_ERR_MEMORY, "cannot allocate %d bytes for a text", length);
    else
        vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}
