/*
 * Search: contexts projected once and kept, dealt over the ranks; then questions
 * in words, one after the other, each encoded, projected and held against them.
 */
#ifndef QCTX_RETRIEVAL_SEARCH_H
#define QCTX_RETRIEVAL_SEARCH_H

#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/encoder/encoder.h"
#include "qctx/platform/comm.h"
#include "qctx/retrieval/projector.h"
#include "qctx/retrieval/topk.h"
#include "qctx/store/store.h"

typedef struct qctx_search qctx_search;

/* A context that was found. */
typedef struct {
    double score;
    int64_t store; /* its place among those that are searched */
    int64_t row;   /* of that store's contexts */
} qctx_found;

/*
 * Prepares all contexts of stores [count]. Stores, encoder and projector are borrowed as long as the search lives.
 * Collective. The caller destroys it (NULL-safe). Errors: MISMATCH (the encoder's rows are not what the head takes),
 * MEMORY.
 */
qctx_status qctx_search_create(qctx_comm *comm, qctx_store *const *stores, int64_t count, qctx_encoder *encoder,
                               const qctx_projector *projector, qctx_search **created, qctx_error *error);
void qctx_search_destroy(qctx_search *search);

/*
 * found [k] = the k best contexts of a question over all stores, the same text on every rank, best first, equal scores
 * in the order of the stores; `*count` of them, less than k where there are no more. Collective. Errors: DATA (see
 * qctx_search_check), MEMORY, those of the encoder.
 */
qctx_status qctx_search_ask(qctx_search *search, const char *question, int64_t k, qctx_found *found, int64_t *count,
                            qctx_error *error);

/* Refuses a question that is not UTF-8 or has no words in it. Local. Errors: DATA. */
qctx_status qctx_search_check(const char *question, qctx_error *error);

#endif
