#include "qctx/model/loss.h"

#include <stddef.h>

const char *const qctx_loss_kind_names[] = {
    [QCTX_LOSS_CLIP] = "clip", [QCTX_LOSS_SOFT] = "soft", [QCTX_LOSS_SIGMOID] = "sigmoid", NULL};
const char *const qctx_loss_direction_names[] = {
    [QCTX_DIRECTION_BOTH] = "both", [QCTX_DIRECTION_QUESTION] = "question", [QCTX_DIRECTION_CONTEXT] = "context", NULL};
const char *const qctx_loss_candidates_names[] = {
    [QCTX_LOSS_CANDIDATES_BATCH] = "batch", [QCTX_LOSS_CANDIDATES_CORPUS] = "corpus", NULL};
const char *const qctx_similarity_names[] = {
    [QCTX_SIMILARITY_AUTO] = "auto",
    [QCTX_SIMILARITY_FULL] = "full",
    [QCTX_SIMILARITY_ROWS] = "rows",
    [QCTX_SIMILARITY_RING] = "ring",
    NULL,
};

qctx_loss_conflict qctx_loss_check(qctx_loss_kind kind, qctx_similarity similarity, qctx_precision precision,
                                   bool reproducible)
{
    bool only_full = kind == QCTX_LOSS_SOFT;

    if (only_full && similarity != QCTX_SIMILARITY_FULL && similarity != QCTX_SIMILARITY_AUTO)
        return (qctx_loss_conflict){"loss.similarity", "only full knows the loss soft: leave it at auto"};
    if (only_full && precision == QCTX_PRECISION_BFLOAT16)
        return (qctx_loss_conflict){"run.precision", "the loss soft is computed in float32 only: leave it at float32"};
    if (only_full && reproducible)
        return (qctx_loss_conflict){"run.reproducible", "the loss soft has no such mode, clip and sigmoid have"};
    if (similarity == QCTX_SIMILARITY_FULL && precision == QCTX_PRECISION_BFLOAT16)
        return (qctx_loss_conflict){"run.precision", "loss.similarity full is the plain reference in float32: take "
                                                     "rows, ring or auto for bfloat16"};
    if (reproducible && (similarity == QCTX_SIMILARITY_FULL || similarity == QCTX_SIMILARITY_RING))
        return (qctx_loss_conflict){"run.reproducible", "of loss.similarity, rows is the same bits on any "
                                                        "number of ranks, full and ring are not: take auto"};
    return (qctx_loss_conflict){0};
}

qctx_loss_conflict qctx_loss_check_extras(qctx_loss_kind kind, qctx_loss_direction direction)
{
    if (kind == QCTX_LOSS_SOFT)
        return (qctx_loss_conflict){"loss.kind", "soft has no contexts beside those of the batch's questions, clip and "
                                                 "sigmoid have"};
    if (kind == QCTX_LOSS_CLIP && direction == QCTX_DIRECTION_CONTEXT)
        return (qctx_loss_conflict){"loss.direction", "contexts that answer no question of the batch count from "
                                                      "question to context alone: take question or both"};
    return (qctx_loss_conflict){0};
}
