/* The scores of known candidates, each taken where the candidate is. */
#ifndef QCTX_RETRIEVAL_SCORES_H
#define QCTX_RETRIEVAL_SCORES_H

#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/retrieval/query.h"

/*
 * scores [offsets[count]] = the scores (qctx_score) of question i of the query and the candidates places[offsets[i] …
 * offsets[i + 1] − 1] (their numbers among all), the same on all ranks and for any number of ranks. Collective. Errors:
 * MEMORY, STOPPED.
 */
qctx_status qctx_scores(const qctx_query *query, const int64_t *offsets, const int64_t *places, double *scores,
                        qctx_error *error);

#endif
