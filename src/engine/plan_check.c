/* What cannot be asked for together, before any size is known. */
#include "qctx/engine/plan.h"

qctx_plan_conflict qctx_plan_check(qctx_loss_kind kind, qctx_similarity similarity, qctx_precision precision,
                                   bool reproducible)
{
    bool only_full = kind == QCTX_LOSS_SOFT;

    if (only_full && similarity != QCTX_SIMILARITY_FULL && similarity != QCTX_SIMILARITY_AUTO)
        return (qctx_plan_conflict){"loss.similarity", "only full knows the loss soft: leave it at auto"};
    if (only_full && precision == QCTX_PRECISION_BFLOAT16)
        return (qctx_plan_conflict){"run.precision", "the loss soft is computed in float32 only: leave it at float32"};
    if (only_full && reproducible)
        return (qctx_plan_conflict){"run.reproducible", "the loss soft has no such mode, clip and sigmoid have"};
    if (similarity == QCTX_SIMILARITY_FULL && precision == QCTX_PRECISION_BFLOAT16)
        return (qctx_plan_conflict){"run.precision", "loss.similarity full is the plain reference in float32: take "
                                                     "rows, rows_columns, ring or auto for bfloat16"};
    if (reproducible && (similarity == QCTX_SIMILARITY_FULL || similarity == QCTX_SIMILARITY_RING))
        return (qctx_plan_conflict){"run.reproducible", "of loss.similarity, rows and rows_columns are the same bits "
                                                        "on any number of ranks, full and ring are not: take auto"};
    return (qctx_plan_conflict){0};
}
