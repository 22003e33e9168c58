/* "Did you mean …": the nearest of some known words. */
#ifndef QCTX_BASE_SUGGEST_H
#define QCTX_BASE_SUGGEST_H

#include <stdint.h>

/*
 * The candidate nearest to `word` by edit distance with transpositions (Damerau and Levenshtein, restricted), or
 * NULL if none is near enough: at most a third of the longer word's letters differ, and at most 3. Ties go to the
 * earlier one. Local. Cannot fail.
 */
const char *qctx_suggest(const char *word, const char *const *candidates, int64_t count);

#endif
