#include "qctx/engine/phases.h"

#include "qctx/base/clock.h"

void qctx_phases_begin(qctx_phases *phases)
{
    phases->mark = qctx_clock_seconds();
}

void qctx_phases_end(qctx_phases *phases, qctx_phase phase)
{
    double now = qctx_clock_seconds();

    phases->seconds[phase] += now - phases->mark;
    phases->mark = now;
}

const char *qctx_phase_name(qctx_phase phase)
{
    static const char *const names[QCTX_PHASE_COUNT] = {"open",   "feed",     "forward",  "loss",      "backward",
                                                        "reduce", "optimize", "evaluate", "checkpoint"};

    return names[phase];
}
