/* Properties of single characters and normal forms of texts, by ICU, as the tokenizers of pretrained models ask them.
 */
#ifndef QCTX_TEXT_UNICODE_H
#define QCTX_TEXT_UNICODE_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/status.h"

/*
 * The code point of UTF-8 that begins at byte `at` < length; returns the byte behind it. A maximal part that is not
 * valid is U+FFFD (Unicode, chapter 3.9, and WHATWG's decoder). Local. Cannot fail.
 */
int64_t qctx_unicode_next(const char *bytes, int64_t length, int64_t at, uint32_t *point);

/* The character that ends before byte `end` > 0 of valid UTF-8; returns its first byte. Local. Cannot fail. */
int64_t qctx_unicode_before(const char *bytes, int64_t end, uint32_t *point);

/* Whether a byte of UTF-8 is a character's first. Local. Cannot fail. */
static inline bool qctx_unicode_begins(char byte)
{
    return ((unsigned char)byte & 0xC0) != 0x80;
}

/* Writes a code point as UTF-8 (1 to 4 bytes); returns how many. Local. Cannot fail. */
int qctx_unicode_put(uint32_t point, char *bytes);

/*
 * General categories (Unicode, chapter 4.5) and White_Space. Letters, numbers and words are those of Unicode 16,
 * whatever the release of ICU, since the tokenizers library knows them. Local. Cannot fail.
 */
bool qctx_unicode_is_letter(uint32_t point);      /* L */
bool qctx_unicode_is_number(uint32_t point);      /* N */
bool qctx_unicode_is_mark(uint32_t point);        /* Mn, alone */
bool qctx_unicode_is_punctuation(uint32_t point); /* P */
bool qctx_unicode_is_other(uint32_t point);       /* C: control, format, surrogate, private use, unassigned */
bool qctx_unicode_is_space(uint32_t point);       /* White_Space */
bool qctx_unicode_is_any_mark(uint32_t point);    /* M: Mn, Mc, Me */
bool qctx_unicode_is_word(uint32_t point);        /* \w of Unicode Technical Standard 18 */

/* The major version of Unicode that first assigned the character, or 0: what older libraries know of. Local. */
int qctx_unicode_age(uint32_t point);

/* QCTX_NFC_WHOLE is NFC by ICU's own tables, of all characters that it knows. */
typedef enum { QCTX_NFC, QCTX_NFD, QCTX_NFKC, QCTX_NFKD, QCTX_NFC_WHOLE } qctx_normal_form;

/*
 * Freshly allocated copies, NUL-terminated: the normal form, by the tables of Unicode 9, which the tokenizers library
 * has (later characters stay as they are) unless the form says otherwise; the full lower-case mapping of Unicode 17 of
 * each character by itself, without context and language (so that final sigma is σ, as Rust's char::to_lowercase has
 * it). `bytes` is valid UTF-8. Local. Errors: MEMORY, INTERNAL.
 */
qctx_status qctx_unicode_normalize(qctx_normal_form form, const char *bytes, int64_t length, char **normal,
                                   int64_t *normal_length, qctx_error *error);
qctx_status qctx_unicode_lower(const char *bytes, int64_t length, char **lower, int64_t *lower_length,
                               qctx_error *error);

/*
 * A freshly allocated copy in lower case, mapped as a whole: sigma at the end of a word is ς, as in Python's str.lower.
 * NUL-terminated. `bytes` is valid UTF-8. Local. Errors: MEMORY, INTERNAL.
 */
qctx_status qctx_unicode_lower_whole(const char *bytes, int64_t length, char **lower, int64_t *lower_length,
                                     qctx_error *error);

/* The capital of a character where it is a single one, else the character itself. Local. Cannot fail. */
uint32_t qctx_unicode_upper_point(uint32_t point);

/*
 * A freshly allocated copy of any bytes as valid UTF-8, NUL-terminated: U+FFFD in the place of each maximal part that
 * is not valid. Local. Errors: MEMORY.
 */
qctx_status qctx_unicode_repair(const char *bytes, int64_t length, char **repaired, int64_t *repaired_length,
                                qctx_error *error);

#endif
