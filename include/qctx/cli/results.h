/* The answers of search, as text of 80 columns or as JSON. */
#ifndef QCTX_CLI_RESULTS_H
#define QCTX_CLI_RESULTS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "qctx/base/status.h"
#include "qctx/retrieval/search.h"
#include "qctx/store/store.h"

/* An answer; everything is borrowed. */
typedef struct {
    const char *question;
    const qctx_found *found;
    int64_t count;             /* of them */
    qctx_store *const *stores; /* that were searched */
    const char *const *names;  /* of these, to be shown with each result; NULL: there is one */
    int64_t columns;           /* to print within, above 2 × 12; 0: QCTX_COLUMNS */
    int64_t lines;             /* of a context at most, not counting its title; 0: all */
} qctx_results;

/*
 * Prints position (from 1), score, source, title and wrapped text of each result, or one line of JSON:
 * {"question", "hits": [{"position", "score", "id", "title", "text", "source"}, …]}, the source where there are
 * several. Flushes to standard output. Local. Errors: IO, SPACE, MEMORY.
 */
qctx_status qctx_results_print(const qctx_results *results, bool json, FILE *out, qctx_error *error);

/* Prints why a question was not asked, {"question", "error"}, both of them UTF-8. Flushes. Local. Errors: as above. */
qctx_status qctx_results_print_unasked(const char *question, const char *why, FILE *out, qctx_error *error);

#endif
