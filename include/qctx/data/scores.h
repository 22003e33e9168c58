/*
 * A file of scores: what somebody, such as a cross-encoder, says of questions and contexts, a pair a line.
 *
 *   JSONL   {"question": "q7", "context": "c31", "score": 8.25}; ids are strings or integers, other keys are ignored
 *   TSV     question id, context id and score, as qrels have them, with a header or without (docs/corpora.md)
 *
 * The keys, or the columns that a header names, may be called as those of qrels: query-id, corpus-id, …. Files may be
 * compressed. The first line that is not blank says which of both it is.
 */
#ifndef QCTX_DATA_SCORES_H
#define QCTX_DATA_SCORES_H

#include <stdint.h>

#include "qctx/base/status.h"

/* Takes the pair of a line, whose texts are valid until it returns. */
typedef qctx_status (*qctx_scores_take)(void *context, const char *question, const char *answer, double score,
                                        qctx_error *error);

/*
 * Gives every pair of the file to `take`, in order. `*hash` becomes that of its lines. Local. Errors: IO, MEMORY,
 * FORMAT (with file and line: a pair that lacks something, or a score that is not finite), STOPPED, those of `take`.
 */
qctx_status qctx_scores_read(const char *path, qctx_scores_take take, void *context, uint64_t *hash, qctx_error *error);

#endif
