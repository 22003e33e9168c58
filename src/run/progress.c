#include "qctx/run/progress.h"

#include <math.h>

/* Length of the running mean that says whether a run diverges: a hump of some steps is no divergence yet. */
static const double watched_steps = 50.0;

qctx_progress qctx_progress_start(void)
{
    return (qctx_progress){
        .evaluated = -1,
        .best_step = -1,
        .best_metric = -1.0,
        .best_mrr = -1.0,
        .best_strength = 1.0,
        .unguarded_metric = -1.0,
        .unguarded_mrr = -1.0,
        .unguarded_strength = 1.0,
        .limited_by = -1,
    };
}

/* A mean that forgets: it begins at the first loss, which was measured before anything was learned. */
static void watch_loss(qctx_progress *progress, double loss)
{
    if (progress->step == 1)
        progress->loss_start = progress->loss_now = loss;
    else
        progress->loss_now += (loss - progress->loss_now) / watched_steps;
}

void qctx_progress_add_step(qctx_progress *progress, int64_t epoch, bool begins, double loss, double accuracy)
{
    if (begins) {
        progress->loss_sum = progress->accuracy_sum = 0.0;
        progress->summed = 0;
    }
    progress->epoch = epoch + 1;
    progress->step++;
    progress->loss_sum += loss;
    progress->accuracy_sum += accuracy;
    progress->summed++;
    watch_loss(progress, loss);
}

void qctx_progress_set_best(qctx_progress *progress, qctx_merit merit, double strength)
{
    progress->best_epoch = progress->epoch;
    progress->best_step = progress->step;
    progress->best_metric = merit.metric;
    progress->best_mrr = merit.mrr;
    progress->best_strength = strength;
}

void qctx_progress_set_unguarded(qctx_progress *progress, qctx_merit merit, double strength, int64_t guard)
{
    progress->unguarded_metric = merit.metric;
    progress->unguarded_mrr = merit.mrr;
    progress->unguarded_epoch = progress->epoch;
    progress->unguarded_strength = strength;
    progress->limited_by = guard;
}

qctx_merit qctx_progress_unguarded(const qctx_progress *progress)
{
    return (qctx_merit){progress->unguarded_metric, progress->unguarded_mrr};
}

qctx_merit qctx_progress_best(const qctx_progress *progress)
{
    return (qctx_merit){progress->best_metric, progress->best_mrr};
}

/*
 * Twice the loss of knowing nothing yet, for as many steps as the mean takes to get there: no run that learns at all
 * does that. The 2 is for losses that begin near zero.
 */
bool qctx_progress_diverges(const qctx_progress *progress)
{
    return progress->loss_now > fmax(2.0 * progress->loss_start, progress->loss_start + 2.0);
}
