/*
 * The names of an enum's values, as configurations, options, results and files have them: an array in the order of the
 * enum, closed by NULL, declared beside its type as `extern const char *const qctx_…_names[]`. Whoever prints a value
 * takes names[value], and whoever reads one finds its place here, so that every name is written once.
 */
#ifndef QCTX_BASE_NAMES_H
#define QCTX_BASE_NAMES_H

#include <stddef.h>
#include <stdint.h>

/* The place of a text among the names, which is the enum's value, or −1. Local. Cannot fail. */
int qctx_name_find(const char *const *names, const char *text);

/* How many names there are. Local. Cannot fail. */
int64_t qctx_name_count(const char *const *names);

/*
 * All names with `between` between them, and `last` before the last, "adamw, adam or sgd", in text [bytes], where they
 * are cut if they do not fit. Returns `text`. Local. Cannot fail.
 */
char *qctx_names_join(const char *const *names, const char *between, const char *last, char *text, size_t bytes);

#endif
