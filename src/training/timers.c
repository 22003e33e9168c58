#include "qctx/training/timers.h"

#include <stddef.h>

#include "qctx/base/clock.h"

const char *const qctx_timer_names[] = {
    [QCTX_TIMER_OPEN] = "open",
    [QCTX_TIMER_MINE] = "mine",
    [QCTX_TIMER_LOAD] = "load",
    [QCTX_TIMER_FORWARD] = "forward",
    [QCTX_TIMER_LOSS] = "loss",
    [QCTX_TIMER_BACKWARD] = "backward",
    [QCTX_TIMER_REDUCE] = "reduce",
    [QCTX_TIMER_OPTIMIZE] = "optimize",
    [QCTX_TIMER_EVALUATE] = "evaluate",
    [QCTX_TIMER_CHECKPOINT] = "checkpoint",
    NULL,
};

void qctx_timers_begin(qctx_timers *timers)
{
    timers->mark = qctx_clock_seconds();
}

void qctx_timers_end(qctx_timers *timers, qctx_timer phase)
{
    double now = qctx_clock_seconds();

    timers->seconds[phase] += now - timers->mark;
    timers->mark = now;
}
