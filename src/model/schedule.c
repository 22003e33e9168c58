#include "qctx/model/schedule.h"

#include <math.h>
#include <stddef.h>

const char *const qctx_decay_names[] = {
    [QCTX_DECAY_CONSTANT] = "constant", [QCTX_DECAY_COSINE] = "cosine", [QCTX_DECAY_LINEAR] = "linear", NULL};

double qctx_schedule_rate(const qctx_schedule *schedule, int64_t step)
{
    const double pi = 3.14159265358979323846;
    double span = (double)(schedule->total - 1 - schedule->warmup);
    double left;

    if (step < schedule->warmup)
        return schedule->peak * (double)(step + 1) / (double)schedule->warmup;
    if (schedule->decay == QCTX_DECAY_CONSTANT || step == schedule->warmup)
        return schedule->peak;
    if (step >= schedule->total - 1)
        return schedule->last;
    /* From 1 at step `warmup` to 0 at the last step. */
    left = 1.0 - (double)(step - schedule->warmup) / span;
    if (schedule->decay == QCTX_DECAY_COSINE)
        left = 0.5 * (1.0 - cos(pi * left));
    return schedule->last + left * (schedule->peak - schedule->last);
}
