/*
 * A file of negatives: contexts that are wrong for questions, by their ids, in the columns of qrels (data/corpus).
 *
 *   query-id <TAB> corpus-id                 what import and mine write
 *   query-id <TAB> corpus-id <TAB> score     judgements of BEIR or TREC: those with a score of 0 or less
 *   query-id <TAB> positive-id <TAB> negative-id     triples, which need that header
 *
 * gzip or zstd may have compressed it.
 */
#ifndef QCTX_DATA_NEGATIVES_FILE_H
#define QCTX_DATA_NEGATIVES_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/status.h"

/* Takes one negative, whose ids are valid for the call; `place` is "path:line". */
typedef qctx_status (*qctx_take_negative)(void *context, const char *question_id, const char *context_id,
                                          const char *place, qctx_error *error);

/*
 * Hands every negative of a file to `take`, in the order of its lines; lines that judge a context to answer are passed
 * over and counted in `*answering`. Local. Errors: IO, FORMAT ("file:line: …"), STOPPED, and those of `take`.
 */
qctx_status qctx_negatives_file_read(const char *path, qctx_take_negative take, void *context, int64_t *answering,
                                     qctx_error *error);

/*
 * `*path` = the file negatives/SPLIT.tsv of a corpus' folder, plain or compressed, the caller's to free, or NULL where
 * there is none. Local. Errors: FORMAT (it is there in several of these forms), MEMORY.
 */
qctx_status qctx_negatives_file_of(const char *folder, const char *split, char **path, qctx_error *error);

#endif
