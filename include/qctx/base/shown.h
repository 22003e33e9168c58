/*
 * Text from outside as it is shown: ids, titles, names, paths and values come from files, arguments and an environment
 * that somebody else may have written. What a terminal would obey, what reorders or hides what stands beside it, and
 * what is no UTF-8 is shown as an escape, so that a reader sees that it is there and a line stays a line:
 *
 *   \n \r \t           line ends and tabs
 *   \x1b               other control characters of ASCII, and bytes that are no UTF-8
 *   \u202e \U000e0041  the controls of Latin-1 (C1), marks, embeddings, overrides and isolates of direction, separators
 *                      of lines and paragraphs, and characters that nobody sees: zero-width ones, fillers, tags
 *
 * The joiners U+200C and U+200D and selectors of variants stay where scripts and emoji need them: beside a character
 * from U+0590 on that is seen. Everything else is shown as it is. A backslash is not doubled: what is shown is for
 * readers, not for programs.
 */
#ifndef QCTX_BASE_SHOWN_H
#define QCTX_BASE_SHOWN_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef struct {
    size_t bytes;
    int32_t code; /* of Unicode, or −1: one byte that is no part of UTF-8 */
    bool escaped; /* not shown as it is */
} qctx_character;

/* The character that begins at `at` < `length`, judged by those beside it. Local. Cannot fail. */
qctx_character qctx_character_at(const char *text, size_t length, size_t at);

/* Prints a text as it is shown. Local. Write errors stay with the stream. */
void qctx_show(const char *text, size_t length, FILE *out);

/* The columns that it takes: its characters, and those of its escapes. Local. Cannot fail. */
int64_t qctx_shown_columns(const char *text, size_t length);

/* How many bytes of a text are shown in at most `columns` columns: whole characters, and the first in any case. Local.
 * Cannot fail. */
size_t qctx_shown_bytes(const char *text, size_t length, int64_t columns);

/*
 * A text as it is shown, in `buffer` of `size` bytes, where it does not fit cut behind a whole character and ended by
 * "…"; returns `buffer`. Local. Cannot fail.
 */
const char *qctx_shown_excerpt(const char *text, size_t length, char *buffer, size_t size);

/*
 * vsnprintf with each text (%s, %c) as it is shown; what does not fit is cut behind a whole character. %-s, which
 * means nothing else, is a text that was made to be shown already, such as another message: its line ends stay. No %n,
 * and no wide characters. Local. Cannot fail.
 */
void qctx_shown_vformat(char *buffer, size_t size, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

/* fprintf in the same way, cut at 8 KiB. Local. Write errors stay with the stream. */
void qctx_shown_print(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
