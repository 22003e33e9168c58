/*
 * Questions worth reading, as JSONL: those that the head answers best and those it answers worst.
 *
 *   {"kind": "best" | "worst", "id", "question", "position_no_head", "position_head",
 *    "right": [{"id", "title", "text"}, …], "top": [{"id", "title", "text", "score", "is_right"}, three of them]}
 *
 * Positions are those of the best right context, from 0. The best questions come first, at equal positions the one
 * that the head moved furthest; then the worst, the furthest down first.
 */
#ifndef QCTX_EVALUATION_PREDICTIONS_H
#define QCTX_EVALUATION_PREDICTIONS_H

#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/evaluation/evaluate.h"
#include "qctx/platform/comm.h"

enum { QCTX_PREDICTIONS_EACH = 50, QCTX_PREDICTIONS_TOP = 3 };

/*
 * The questions to show, the best [*each] and then the worst [*each], at most QCTX_PREDICTIONS_EACH of either and none
 * twice: `chosen` has room for two times that. Positions are those of qctx_evaluate. Local. Errors: MEMORY.
 */
qctx_status qctx_predictions_choose(const int64_t *no_head, const int64_t *head, const int64_t *offsets, int64_t count,
                                    int64_t *chosen, int64_t *each, qctx_error *error);

/*
 * Writes them under `path`, with the best contexts that `projector` finds among the candidates of the protocol (`split`
 * or `corpus`). Rank 0 writes. Collective. Errors: IO, MEMORY.
 */
qctx_status qctx_predictions_write(qctx_comm *comm, const char *path, const qctx_eval_set *set,
                                   const qctx_projector *projector, const qctx_protocol *protocol,
                                   const int64_t *no_head, const int64_t *head, qctx_error *error);

#endif
