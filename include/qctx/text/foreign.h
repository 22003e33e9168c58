/* Files of other kinds that are met where text in UTF-8 is expected, told by how they begin. */
#ifndef QCTX_TEXT_FOREIGN_H
#define QCTX_TEXT_FOREIGN_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    const char *what;       /* "a PDF" */
    const char *as_records; /* what to do where questions and contexts are wanted */
    const char *as_text;    /* what to do where running text is wanted */
} qctx_foreign;

/* Whether a file that begins with head [bytes] is of such a kind. Local. */
bool qctx_foreign_find(const char *head, size_t bytes, qctx_foreign *found);

#endif
