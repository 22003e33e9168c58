/*
 * Waiting for what others do, the other end of a pipe or the holder of a lock, without being deaf meanwhile: ten times
 * a second a look is taken at what else is asked of the process. Who knows what that is names the look
 * (platform/stop does).
 */
#ifndef QCTX_BASE_WAIT_H
#define QCTX_BASE_WAIT_H

#include "qctx/base/status.h"

/* The look that is taken from now on; its failure ends the waiting. Before, none is. */
void qctx_wait_set_look(qctx_status (*look)(qctx_error *error));

/* Waits a tenth of a second. Main thread only. Local. Errors: those of the look (STOPPED). */
qctx_status qctx_wait_moment(qctx_error *error);

/*
 * Waits until a handle has something to read or has ended; `name` is its file's, for the message. Main thread only.
 * Local. Errors: IO, those of the look (STOPPED).
 */
qctx_status qctx_wait_readable(int handle, const char *name, qctx_error *error);

#endif
