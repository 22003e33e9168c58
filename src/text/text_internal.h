/* What the files of text/text share. */
#ifndef QCTX_PLATFORM_TEXT_INTERNAL_H
#define QCTX_PLATFORM_TEXT_INTERNAL_H

#include "qctx/text/text.h"

/* Appends a span. Local. Errors: MEMORY. */
qctx_status text_add_span(qctx_spans *spans, int64_t first, int64_t end, qctx_error *error);

/*
 * Whether the full stop at the end of a sentence belongs to an abbreviation, so that what begins at byte `next`, behind
 * white space, goes on in it. Never across a line end. Local.
 */
bool text_ends_in_abbreviation(const char *bytes, size_t length, const qctx_span *sentence, int64_t next);

#endif
