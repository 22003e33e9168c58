/* What the files of shown share. */
#ifndef QCTX_SRC_BASE_SHOWN_INTERNAL_H
#define QCTX_SRC_BASE_SHOWN_INTERNAL_H

#include <stddef.h>

/* A character as it is shown: itself, or its escape. */
typedef struct {
    char bytes[16];
    size_t length;
    int columns;
} shown_text;

/* How the character at `at` < `length` is shown; returns its bytes in `text`. */
size_t shown_piece(const char *text, size_t length, size_t at, shown_text *piece);

#endif
