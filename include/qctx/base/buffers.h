/*
 * Arrays that are allocated, freed and counted by one description, so that what a job says it will need is what it
 * takes.
 *
 * Whoever owns arrays lists them in one function, which reads nothing but sizes:
 *
 *     static qctx_buffers buffers_of(thing *t)
 *     {
 *         return (qctx_buffers){{
 *             {&t->rows, t->count * t->width, sizeof *t->rows, "the rows of a thing"},
 *             {&t->marks, t->has_marks ? t->count : QCTX_BUFFER_NONE, sizeof *t->marks, "the marks of a thing"},
 *         }};
 *     }
 *
 * To count what a thing would take, a `thing` whose sizes alone are set is enough.
 */
#ifndef QCTX_BASE_BUFFERS_H
#define QCTX_BASE_BUFFERS_H

#include <stddef.h>
#include <stdint.h>

#include "qctx/base/status.h"

enum {
    QCTX_BUFFERS_MOST = 26,
    QCTX_BUFFER_NONE = -1 /* as a count: no array, its pointer stays as it is */
};

typedef struct {
    void *at;      /* address of the pointer that holds the array, of any type */
    int64_t count; /* elements; 0 is an array of none, whose pointer is not NULL */
    size_t size;   /* bytes of an element */
    const char *purpose;
} qctx_buffer;

/* The list ends before the first entry without a purpose. */
typedef struct {
    qctx_buffer list[QCTX_BUFFERS_MOST];
} qctx_buffers;

/* Allocates all arrays, as qctx_alloc does. What was allocated before a failure stays for qctx_buffers_free. Local.
 * Errors: MEMORY. */
qctx_status qctx_buffers_alloc(const qctx_buffers *buffers, qctx_error *error);

/* Frees the arrays whose pointers are not NULL, and sets these to NULL. Local. */
void qctx_buffers_free(const qctx_buffers *buffers);

/* Bytes of all arrays; INT64_MAX where they cannot be counted. Local. */
int64_t qctx_buffers_bytes(const qctx_buffers *buffers);

#endif
