#include "qctx/training/timers.h"

#include "qctx/base/clock.h"

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

const char *qctx_timer_name(qctx_timer phase)
{
    static const char *const names[QCTX_TIMER_COUNT] = {"open",   "feed",     "forward",  "loss",      "backward",
                                                        "reduce", "optimize", "evaluate", "checkpoint"};

    return names[phase];
}
