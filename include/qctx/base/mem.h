/*
 * The one way to allocate: zeroed, 64-byte aligned, sizes checked for overflow,
 * failures that name what the memory was for. Free with free().
 */
#ifndef QCTX_BASE_MEM_H
#define QCTX_BASE_MEM_H

#include <stddef.h>
#include <stdint.h>

#include "qctx/base/status.h"

/*
 * Returns `count` zeroed elements of `size` bytes, or NULL with `error` filled
 * (MEMORY, naming `purpose` and the bytes). A count of 0 returns a
 * valid pointer. The caller owns the memory and calls free(). Local.
 */
void *qctx_alloc(int64_t count, size_t size, const char *purpose, qctx_error *error);

/*
 * Grows `*array` (from qctx_alloc or NULL) so that it holds at least `needed`
 * elements, at least doubling `*capacity`; contents are kept, new bytes are not
 * zeroed. Local. Errors: MEMORY, the array is untouched.
 */
qctx_status qctx_grow(void **array, int64_t *capacity, int64_t needed, size_t size, const char *purpose,
                      qctx_error *error);

/* A copy of `text`, or NULL with `error` filled. Local. */
char *qctx_strdup(const char *text, qctx_error *error);

/* The formatted text, freshly allocated, or NULL with `error` filled. Local. */
char *qctx_format(qctx_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
