/*
 * Requests to stop: SIGTERM, SIGINT, SIGUSR1 and SIGUSR2, and the end of a SLURM job's time coming near
 * (SLURM_JOB_END_TIME).
 *
 * A command that can stop in good order listens from its very start; from then on a first signal only asks, and the
 * work is left where it can be taken up again. A second Ctrl-C, half a second after the first or later, leaves at
 * once. A signal that reaches one rank is passed on to all: work that the ranks do apart looks at
 * qctx_stop_requested, work that they do in step asks qctx_stop_agree.
 * Commands that never listen end by signals as any program does.
 */
#ifndef QCTX_PLATFORM_STOP_H
#define QCTX_PLATFORM_STOP_H

#include <stdbool.h>

#include "qctx/base/status.h"
#include "qctx/platform/comm.h"

/*
 * Begins to listen, once a process and before anything else starts a thread: a thread that only waits hears the
 * signals, and this one and all that it starts later are never interrupted. Local.
 */
void qctx_stop_listen(void);

/* Whether this rank was asked to stop, or has heard of a rank that was. Cheap: a flag and a probe. Local. */
bool qctx_stop_requested(void);

/*
 * For work that ranks do apart, between two pieces of it: STOPPED with the reason where qctx_stop_requested, else OK.
 * Local.
 */
qctx_status qctx_stop_check(qctx_error *error);

/* STOPPED on all ranks, with the reason, if any of them was asked; else OK. One small reduction. Collective. */
qctx_status qctx_stop_agree(qctx_comm *comm, qctx_error *error);

#endif
