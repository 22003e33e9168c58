/*
 * Writes a corpus folder record by record, in memory that does not grow with
 * it. The folder appears under its name only when it is complete; until then
 * it stands as "<folder>.partial".
 *
 * Local throughout: one rank writes, the others wait at the caller's qctx_agree. Where it is asked to stop
 * (platform/stop), what writes a record says so.
 */
#ifndef QCTX_DATA_CORPUS_WRITER_H
#define QCTX_DATA_CORPUS_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/status.h"

typedef struct qctx_corpus_writer qctx_corpus_writer;

/*
 * Opens "<folder>.partial", in place of what an interrupted writer left there. Errors: EXISTS (unless `force`; and
 * always if what stands there is no corpus), IO.
 */
qctx_status qctx_corpus_writer_open(const char *folder, bool force, qctx_corpus_writer **opened, qctx_error *error);

/* What a context has beside title and text: a key of its line. */
typedef struct {
    const char *name; /* none of "_id", "title", "text" */
    const char *text; /* NULL: it has none */
} qctx_corpus_writer_field;

/*
 * Writes a context with the given id and fields [field_count]; `title` may be NULL. Ids are the caller's to keep unique
 * and free of white space. Errors: IO, DATA (not UTF-8), STOPPED.
 */
qctx_status qctx_corpus_writer_context(qctx_corpus_writer *writer, const char *id, const char *title, const char *text,
                                       const qctx_corpus_writer_field *fields, int64_t field_count, qctx_error *error);

/* Writes a question. Errors: IO, DATA (not UTF-8), STOPPED. */
qctx_status qctx_corpus_writer_question(qctx_corpus_writer *writer, const char *id, const char *text,
                                        qctx_error *error);

/*
 * Says that in `split` the question `question_id` is answered by the context `context_id`. Errors: IO, STOPPED,
 * USAGE (the split's name is not valid).
 */
qctx_status qctx_corpus_writer_answer(qctx_corpus_writer *writer, const char *split, const char *question_id,
                                      const char *context_id, qctx_error *error);

/*
 * Says that in `split` the context is wrong for the question: a line of negatives/SPLIT.tsv (data/negatives_file),
 * which is there only if there are such. Errors: as above.
 */
qctx_status qctx_corpus_writer_negative(qctx_corpus_writer *writer, const char *split, const char *question_id,
                                        const char *context_id, qctx_error *error);

/*
 * Syncs and publishes the folder and frees the writer, also on failure. An older corpus under the name steps aside
 * first and is removed last. Errors: IO.
 */
qctx_status qctx_corpus_writer_commit(qctx_corpus_writer *writer, qctx_error *error);

/* Removes the partial folder and frees the writer. NULL-safe. */
void qctx_corpus_writer_discard(qctx_corpus_writer *writer);

#endif
