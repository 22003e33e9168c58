/*
 * Whose turn it is to make a cached store. Jobs that begin together and need the same one all come here: one of them
 * makes it, the others wait, and find it when their turn comes, or make it where the first one has failed or died.
 */
#ifndef QCTX_DATASET_TURN_H
#define QCTX_DATASET_TURN_H

#include "qctx/base/lockfile.h"
#include "qctx/base/status.h"
#include "qctx/platform/comm.h"

/*
 * Waits, with a line in the log that names who is at work, until nobody else makes the store of this path. Whether it
 * is there is to be asked anew behind it. Collective; `*turn` is rank 0's, who gives it up by qctx_lockfile_remove when
 * the store has its name; NULL elsewhere. Errors: STOPPED, IO, SPACE, MEMORY.
 */
qctx_status qctx_turn_take(qctx_comm *comm, const char *path, qctx_lockfile **turn, qctx_error *error);

#endif
