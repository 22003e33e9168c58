/* The conversation of search: questions read line by line, answers as text of 80 columns or as JSON. */
#ifndef QCTX_CLI_RESULTS_H
#define QCTX_CLI_RESULTS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "qctx/base/status.h"
#include "qctx/data/store.h"
#include "qctx/platform/comm.h"
#include "qctx/retrieval/topk.h"

/* An answer; everything is borrowed. */
typedef struct {
    const char *question;
    const qctx_hit *hits;
    int64_t count;          /* hits to show, none of them empty */
    qctx_store *store;      /* its rows are the contexts, where `sentences` is NULL */
    char *const *sentences; /* else these are; their ids are their numbers from 1 */
} qctx_results;

/*
 * Prints position (from 1), score, title and wrapped text of each hit, or one line of JSON:
 * {"question", "hits": [{"position", "score", "id", "title", "text"}, …]}. Flushes. Local. Errors: IO, MEMORY.
 */
qctx_status qctx_results_print(const qctx_results *results, bool json, FILE *out, qctx_error *error);

/*
 * The next line of rank 0's standard input without its end, freshly allocated on every rank; NULL at the end of the
 * input or at "quit". Prompts where the input is a terminal. Collective. Errors: IO, MEMORY.
 */
qctx_status qctx_results_next_question(qctx_comm *comm, char **question, qctx_error *error);

/* Says on rank 0 why a question was not asked. Local. */
void qctx_results_pass_over(const qctx_comm *comm, const qctx_error *error);

#endif
