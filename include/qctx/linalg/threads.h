/*
 * The threads of a rank, shared by its own loops and its matrix products, and what a job says of them and of the
 * libraries that multiply.
 */
#ifndef QCTX_LINALG_THREADS_H
#define QCTX_LINALG_THREADS_H

#include "qctx/platform/comm.h"

/* Sets the threads of this rank, as many as qctx_topology_choose_threads says. main calls it once. Local. */
void qctx_threads_set(const qctx_comm *comm);

/*
 * Logs what the job runs on ("2 ranks x 1 thread on 2 cores, oneDNN …"), and warns, with the options of mpirun that
 * mend it, where ranks have more threads than the cores they are bound to or share. Commands that compute call it once,
 * before they begin. Collective. Errors: MEMORY.
 */
qctx_status qctx_threads_log(qctx_comm *comm, qctx_error *error);

#endif
