/*
 * Questions worth reading, as JSONL, by what a head made of them: those that it won (right first now, and not without
 * it), those that it lost, and those that are wrong or right with and without it.
 *
 * The first line counts them, each of the others is a question:
 *
 *   {"source", "questions", "candidates", "won", "lost", "both_wrong", "both_right", "shown_of_each": 50}
 *   {"group": "won" | "lost" | "both_wrong" | "both_right", "id", "question", "position_no_head", "position_head",
 *    "right": [{"id", "title", "text"}, …], "top": [{"id", "title", "text", "score", "is_right"}, three of them]}
 *
 * Positions are those of the best right context, from 1, or null where none is in the corpus; those are not listed as
 * right either. Of each group the clearest come first: what moved furthest,
 * and of those that stay wrong what is furthest down. Of an encoder alone there are the groups "wrong" and "right", and
 * one "position".
 */
#ifndef QCTX_EVALUATION_PREDICTIONS_H
#define QCTX_EVALUATION_PREDICTIONS_H

#include <stdint.h>
#include <stdio.h>

#include "qctx/base/status.h"
#include "qctx/evaluation/evaluate.h"
#include "qctx/platform/comm.h"

/* In the order of the file. An encoder alone has only the last two, as "wrong" and "right". */
typedef enum {
    QCTX_PREDICTIONS_WON,
    QCTX_PREDICTIONS_LOST,
    QCTX_PREDICTIONS_BOTH_WRONG,
    QCTX_PREDICTIONS_BOTH_RIGHT,
    QCTX_PREDICTIONS_GROUPS
} qctx_predictions_group;
extern const char *const qctx_predictions_group_names[];

enum { QCTX_PREDICTIONS_EACH = 50, QCTX_PREDICTIONS_TOP = 3 };

/* The questions of one group: how many there are, and those to show. */
typedef struct {
    int64_t count;
    int64_t shown; /* at most QCTX_PREDICTIONS_EACH */
    int64_t questions[QCTX_PREDICTIONS_EACH];
} qctx_predictions_chosen;

/*
 * chosen [QCTX_PREDICTIONS_GROUPS], from positions as qctx_evaluate gives them; right is a context whose grade reaches
 * `relevant`. Local. Errors: MEMORY.
 */
qctx_status qctx_predictions_choose(const qctx_eval_set *set, double relevant, const int64_t *no_head,
                                    const int64_t *head, qctx_predictions_chosen *chosen, qctx_error *error);

/* What predictions are written of. Borrows all of it. */
typedef struct {
    const char *source; /* what tables call the questions */
    const qctx_eval_set *set;
    const qctx_projector *projector; /* finds the contexts that are shown: the head, or the encoder alone */
    const qctx_protocol *protocol;   /* its candidates are those of the split or of the corpus */
    const int64_t *no_head;          /* positions as qctx_evaluate gives them */
    const int64_t *head;             /* likewise, or NULL: an encoder alone */
} qctx_predictions;

/* Writes them to `out`, which is rank 0's (other ranks: NULL); write errors stay with the stream. Collective. Errors:
 * IO, MEMORY. */
qctx_status qctx_predictions_write(qctx_comm *comm, FILE *out, const qctx_predictions *predictions, qctx_error *error);

#endif
