/*
 * Writes a corpus folder record by record, in memory that does not grow with
 * it (but for one hash per context where equal texts are to be merged). The
 * folder appears under its name only when it is complete.
 *
 * Local throughout: one rank writes, the others wait at the caller's qctx_agree.
 */
#ifndef QCTX_DATA_CORPUS_WRITER_H
#define QCTX_DATA_CORPUS_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/status.h"

typedef struct qctx_corpus_writer qctx_corpus_writer;

/* Opens "<folder>.partial". Errors: EXISTS (unless `force`), IO. */
qctx_status qctx_corpus_writer_open(const char *folder, bool force, qctx_corpus_writer **opened, qctx_error *error);

/*
 * Writes a context with the given id; `title` may be NULL. Ids are the caller's to keep unique. Errors: IO.
 */
qctx_status qctx_corpus_writer_context(qctx_corpus_writer *writer, const char *id, const char *title, const char *text,
                                       qctx_error *error);

/* Writes a question. Errors: IO. */
qctx_status qctx_corpus_writer_question(qctx_corpus_writer *writer, const char *id, const char *text,
                                        qctx_error *error);

/* Says that in `split` the question `question_id` is answered by the context `context_id`. Errors: IO. */
qctx_status qctx_corpus_writer_answer(qctx_corpus_writer *writer, const char *split, const char *question_id,
                                      const char *context_id, qctx_error *error);

/* Publishes the folder and frees the writer, also on failure. Errors: IO. */
qctx_status qctx_corpus_writer_commit(qctx_corpus_writer *writer, qctx_error *error);

/* Removes the partial folder and frees the writer. NULL-safe. */
void qctx_corpus_writer_discard(qctx_corpus_writer *writer);

#endif
