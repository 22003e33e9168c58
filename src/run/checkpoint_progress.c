/* Whether the progress in a checkpoint is one that a run can have made. */
#include "checkpoint_internal.h"
#include "qctx/base/order.h"

/* `by` names what the bounds come from. */
static qctx_status check_range(const char *path, const char *name, int64_t found, int64_t low, int64_t high,
                               const char *by, qctx_error *error)
{
    if (found >= low && found <= high)
        return QCTX_OK;
    return qctx_fail(error, QCTX_ERR_FORMAT, "%s: attribute %s is %lld, expected %lld to %lld by attribute %s", path,
                     name, (long long)found, (long long)low, (long long)high, by);
}

static qctx_status check_best(const char *path, const qctx_progress *at, qctx_error *error)
{
    qctx_status status = check_range(path, "best_step", at->best_step, -1, at->step, "step", error);

    if (status == QCTX_OK)
        status = check_range(path, "best_step", at->best_step, -1, at->evaluated, "evaluated", error);
    if (status == QCTX_OK)
        status = check_range(path, "best_epoch", at->best_epoch, at->best_step > 0,
                             at->best_step > 0 ? qctx_smaller(at->epoch, at->best_step) : 0, "best_step", error);
    if (status != QCTX_OK)
        return status;
    if (at->best_metric != -1.0 && (at->best_step < 0 || at->best_metric < 0.0))
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: attribute best_metric is %g, expected -1%s", path,
                         at->best_metric,
                         at->best_step < 0 ? " before the first evaluation" : " or a number in [0, 1]");
    if (at->best_mrr != -1.0 && at->best_mrr < 0.0)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: attribute best_mrr is %g, expected -1 or a number in [0, 1]",
                         path, at->best_mrr);
    return QCTX_OK;
}

/* Of a checkpoint that a run goes on from; in a best.h5 these are the run's and not the best epoch's. */
static qctx_status check_counts(const char *path, const qctx_checkpoint *checkpoint, qctx_error *error)
{
    const qctx_progress *at = &checkpoint->progress;
    qctx_status status = check_range(path, "evaluated", at->evaluated, -1, at->step, "step", error);

    if (status == QCTX_OK)
        status = check_range(path, "summed", at->summed, at->step > 0, at->step, "step", error);
    if (status == QCTX_OK)
        status = check_range(path, "unguarded_epoch", at->unguarded_epoch, 0, at->epoch, "epoch", error);
    if (status == QCTX_OK)
        status = check_range(path, "optimizer_steps", checkpoint->optimizer.steps, at->step, at->step, "step", error);
    if (status == QCTX_OK && (checkpoint->best != NULL) != (at->best_step >= 0))
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: attribute best_step is %lld, and the dataset best is %s", path,
                         (long long)at->best_step, checkpoint->best != NULL ? "there" : "missing");
    /* Such a run ends without a checkpoint. */
    if (status == QCTX_OK && qctx_progress_diverges(at))
        return qctx_fail(
            error, QCTX_ERR_FORMAT,
            "%s: attribute loss_now is %g and loss_start %g, expected those of a run that does not diverge", path,
            at->loss_now, at->loss_start);
    return status;
}

qctx_status checkpoint_check_progress(const char *path, const qctx_checkpoint *checkpoint, qctx_error *error)
{
    const qctx_progress *at = &checkpoint->progress;
    qctx_status status = check_range(path, "epoch", at->epoch, at->step > 0, at->step, "step", error);

    /* Only what goes on has the optimiser's state. */
    if (status == QCTX_OK && checkpoint->optimizer.count > 0)
        status = check_counts(path, checkpoint, error);
    if (status == QCTX_OK && at->accuracy_sum > (double)at->summed * (1.0 + CHECKPOINT_ROUNDING))
        return qctx_fail(error, QCTX_ERR_FORMAT,
                         "%s: attribute accuracy_sum is %g, expected 0 to %lld by attribute summed", path,
                         at->accuracy_sum, (long long)at->summed);
    return status == QCTX_OK ? check_best(path, at, error) : status;
}
