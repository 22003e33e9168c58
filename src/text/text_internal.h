/* What the files of text/text share. */
#ifndef QCTX_PLATFORM_TEXT_INTERNAL_H
#define QCTX_PLATFORM_TEXT_INTERNAL_H

#include "qctx/text/text.h"

/* Appends a span. Local. Errors: MEMORY. */
qctx_status text_add_span(qctx_spans *spans, int64_t first, int64_t end, qctx_error *error);

/* The range without white space at its ends; empty (first == end) if there is nothing else. Local. */
qctx_span text_trim(const char *bytes, int64_t first, int64_t end);

#endif
