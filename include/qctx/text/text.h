/*
 * Unicode text, by ICU: validity, normal forms, words and sentences. Texts are
 * UTF-8 with an explicit length in bytes; offsets into them are in bytes unless
 * a name says code points.
 */
#ifndef QCTX_TEXT_TEXT_H
#define QCTX_TEXT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qctx/base/status.h"

/* A half-open range of bytes. */
typedef struct {
    int64_t first;
    int64_t end;
} qctx_span;

/* A growing list of spans; free(spans->items) when done. Start from {0}. */
typedef struct {
    qctx_span *items;
    int64_t count;
    int64_t capacity;
} qctx_spans;

/*
 * Holds ICU's break iterators and normaliser, so that they are opened once. Not
 * for use by two threads at a time: each thread has its own.
 */
typedef struct qctx_text qctx_text;

/* Local. Errors: INTERNAL (ICU's data is missing). The caller destroys it (NULL-safe). */
qctx_status qctx_text_create(qctx_text **created, qctx_error *error);
void qctx_text_destroy(qctx_text *text);

/* Whether the bytes are valid UTF-8 (no surrogates, no overlong forms); if not, `*bad` is the first bad byte. Local. */
bool qctx_text_is_utf8(const char *bytes, size_t length, size_t *bad);

/*
 * The text as valid UTF-8 without NUL: each byte that is not part of a character, and each NUL, is U+FFFD. Freshly
 * allocated, NULL with `error` filled on failure. Local.
 */
char *qctx_text_mend(const char *bytes, size_t length, qctx_error *error);

/* Number of code points of valid UTF-8. Local. */
int64_t qctx_text_codepoints(const char *bytes, size_t length);

/* Byte offset of code point `index` (may be the end), or −1 if the text is shorter. Local. */
int64_t qctx_text_byte_offset(const char *bytes, size_t length, int64_t index);

/*
 * Sentences of a text, in order, trimmed of white space at both ends, none empty (ICU sentence
 * boundaries, UAX #29, root locale). "Dr.", "e.g.", "No. 5", initials, "U.S." and other common abbreviations
 * end none (text_abbreviations.c). Replaces the contents of `spans`. Local. Errors: MEMORY, INTERNAL.
 */
qctx_status qctx_text_sentences(qctx_text *text, const char *bytes, size_t length, qctx_spans *spans,
                                qctx_error *error);

/*
 * NFKC case folding (toNFKC_Casefold): what is equal for a search becomes equal in bytes. `*folded` is
 * owned by `text` and valid until the next call. Local. Errors: MEMORY, INTERNAL.
 */
qctx_status qctx_text_fold(qctx_text *text, const char *bytes, size_t length, const char **folded,
                           size_t *folded_length, qctx_error *error);

/*
 * Words of a text: maximal runs of letters, digits and combining marks (so no punctuation, and hyphens
 * and apostrophes divide). Replaces the contents of `spans`. Local. Errors: MEMORY.
 */
qctx_status qctx_text_words(const char *bytes, size_t length, qctx_spans *spans, qctx_error *error);

/* The range without white space at its ends; empty (first == end) if there is nothing else. Local. Cannot fail. */
qctx_span qctx_text_trim(const char *bytes, int64_t first, int64_t end);

/* Whether there is nothing but white space. Local. Cannot fail. */
bool qctx_text_is_blank(const char *bytes, size_t length);

/*
 * Trims white space at both ends and folds each inner run of it, line ends included, into one space:
 * freshly allocated, NULL with `error` filled on failure. Local.
 */
char *qctx_text_squeeze(const char *bytes, size_t length, qctx_error *error);

/*
 * As qctx_text_squeeze, but an inner run of white space that holds a line end (LF, CR, CR LF, NEL, U+2028) becomes
 * "\n", and one that holds several, or U+2029, an empty line: "\n\n". Local.
 */
char *qctx_text_squeeze_lines(const char *bytes, size_t length, qctx_error *error);

#endif
