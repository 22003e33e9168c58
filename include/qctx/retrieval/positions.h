/*
 * Positions of known candidates among all: counts, never sorted lists, so that the ranks' parts are simply added.
 *
 * A candidate's position is the number of candidates that score above it, or equal with a lower number. Scores of a
 * scan decide wherever they are further from the candidate's than rounding can move them; the few others are settled
 * in double (retrieval/scored_rows).
 */
#ifndef QCTX_RETRIEVAL_POSITIONS_H
#define QCTX_RETRIEVAL_POSITIONS_H

#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/retrieval/query.h"

/*
 * positions [offsets[count]] = the 0-based positions of the candidates places[offsets[i] … offsets[i + 1] − 1] (their
 * numbers among all) for question i of the query, the same on all ranks and for any number of ranks. Collective.
 * Errors: MEMORY.
 */
qctx_status qctx_positions(const qctx_query *query, const int64_t *offsets, const int64_t *places, int64_t *positions,
                           qctx_error *error);

#endif
