/* Imports texts written by a test and opens what came out. */
#ifndef QCTX_TESTS_IMPORT_PROBE_H
#define QCTX_TESTS_IMPORT_PROBE_H

#include "qctx/data/corpus.h"
#include "qctx/import/import.h"

extern qctx_import_report probe_report; /* of the last job */

/* A job that reads `text`, written to "file", into the split train of the corpus "out". */
qctx_import_job probe_job(const char *file, const char *text);

/* Runs a job that must succeed. The caller destroys the corpus. */
qctx_corpus *probe_run(const qctx_import_job *job);

/* Runs a job that must fail with this status and message, and leave nothing behind. */
void probe_fails(qctx_import_job job, qctx_status expected, const char *part);

/* The row of the question with this id, which must exist. */
int64_t probe_question(const qctx_corpus *corpus, const char *id);

/* The text of answer number `index` of a question in a split. */
const char *probe_context(const qctx_corpus *corpus, const char *split, const char *id, int64_t index);

#endif
