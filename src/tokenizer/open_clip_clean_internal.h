/* The steps of OpenCLIP's cleaning, each from one text to another. */
#ifndef QCTX_TOKENIZER_OPEN_CLIP_CLEAN_INTERNAL_H
#define QCTX_TOKENIZER_OPEN_CLIP_CLEAN_INTERNAL_H

#include "pipeline.h"

/* Appends a character. Local. Errors: MEMORY. */
qctx_status clean_put(tokenizer_text *text, uint32_t point, qctx_error *error);

/*
 * Replaces what HTML writes for characters, appending to `to`. Local. Errors: MEMORY.
 *
 * Strictly, as ftfy's unescape_html: with a semicolon only, names of letters also in capitals, again and again until
 * nothing is left to replace; `from` is changed on the way. Loosely, as Python's html.unescape: once, with semicolons
 * missing as browsers allow it.
 */
qctx_status clean_unescape_strictly(tokenizer_text *from, tokenizer_text *to, qctx_error *error);
qctx_status clean_unescape_loosely(const tokenizer_text *from, tokenizer_text *to, qctx_error *error);

/*
 * The code points in hexadecimal ("3c ", "2242+338 ") of a character's name in HTML, or NULL; `*also_alone`: it may
 * stand without a semicolon. Local. Cannot fail.
 */
const char *clean_name_find(const char *name, int64_t length, bool *also_alone);

/*
 * Replaces single characters as ftfy does it, appending to `to`: C1 controls, ligatures, widths, quotes, line breaks;
 * and leaves out terminal escapes and control characters. Local. Errors: MEMORY, INTERNAL.
 */
qctx_status clean_characters(const tokenizer_text *from, tokenizer_text *to, qctx_error *error);

/* What Windows-1252 has where Latin-1 has a C1 control (U+0080 to U+009F). Local. Cannot fail. */
uint32_t clean_windows_1252(uint32_t control);

#endif
