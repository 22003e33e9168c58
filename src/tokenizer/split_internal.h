/* What the hand-written scanners of regular expressions share. */
#ifndef QCTX_TOKENIZER_SPLIT_INTERNAL_H
#define QCTX_TOKENIZER_SPLIT_INTERNAL_H

#include "stages.h"

/* \p{L}, \p{N}, \s and the rest: every character is in one of them. */
typedef enum { SPLIT_LETTER, SPLIT_NUMBER, SPLIT_SPACE, SPLIT_OTHER } split_class;

/* The class of the character at byte `at` < length; `*next` is the byte behind it. Local. */
split_class split_class_at(const char *text, int64_t length, int64_t at, int64_t *next);

/* The byte behind the run of characters of the class that begins at `at`. Local. */
int64_t split_run_end(const char *text, int64_t length, int64_t at, split_class class);

/* Bytes of the contraction ('s, 't, 're, 've, 'm, 'll, 'd) at byte `at` < length, or 0. Local. */
int64_t split_contraction(const char *text, int64_t length, int64_t at);

/* Local. Errors: MEMORY. */
qctx_status split_append(qctx_spans *pieces, int64_t first, int64_t end, qctx_error *error);

#endif
