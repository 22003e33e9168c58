/*
 * Search: contexts projected once and kept, dealt over the ranks; then questions
 * in words, one after the other, each encoded, projected and held against them.
 */
#ifndef QCTX_RETRIEVAL_SEARCH_H
#define QCTX_RETRIEVAL_SEARCH_H

#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/data/store.h"
#include "qctx/encoder/encoder.h"
#include "qctx/platform/comm.h"
#include "qctx/retrieval/projector.h"
#include "qctx/retrieval/topk.h"

typedef struct qctx_search qctx_search;

/*
 * Prepares all contexts of a store, or texts [count], the same on every rank, of which each rank encodes its share.
 * Encoder and projector are borrowed as long as the search lives. Collective. The caller destroys it (NULL-safe).
 * Errors: MISMATCH (the encoder's rows are not what the head takes), MEMORY, those of the encoder.
 */
qctx_status qctx_search_over_store(qctx_comm *comm, qctx_store *store, qctx_encoder *encoder,
                                   const qctx_projector *projector, qctx_search **created, qctx_error *error);
qctx_status qctx_search_over_texts(qctx_comm *comm, const char *const *texts, int64_t count, qctx_encoder *encoder,
                                   const qctx_projector *projector, qctx_search **created, qctx_error *error);
void qctx_search_destroy(qctx_search *search);

/* Contexts searched, on all ranks. Local. */
int64_t qctx_search_count(const qctx_search *search);

/*
 * hits [k] = the k best contexts of a question, the same text on every rank, best first; candidate numbers are rows of
 * the store or indices of the texts, −1 where there are fewer than k. Collective. Errors: DATA (see
 * qctx_search_check), MEMORY, those of the encoder.
 */
qctx_status qctx_search_ask(qctx_search *search, const char *question, int64_t k, qctx_hit *hits, qctx_error *error);

/* Refuses a question that is not UTF-8 or has no words in it. Local. Errors: DATA. */
qctx_status qctx_search_check(const char *question, qctx_error *error);

/*
 * The sentences of a text file, `*sentences` [*count] on every rank; rank 0 reads. A line end also ends a sentence
 * (UAX #29), so notes on lines of their own stay apart. Free with qctx_search_free_texts.
 * Collective. Errors: IO, FORMAT (not UTF-8: names the line), DATA (no sentences), MEMORY.
 */
qctx_status qctx_search_read_sentences(qctx_comm *comm, const char *path, char ***sentences, int64_t *count,
                                       qctx_error *error);
void qctx_search_free_texts(char **texts, int64_t count);

#endif
