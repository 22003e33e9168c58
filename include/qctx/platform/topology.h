/* What this rank runs on: cores, its binding, its threads (hwloc, OpenMP). */
#ifndef QCTX_PLATFORM_TOPOLOGY_H
#define QCTX_PLATFORM_TOPOLOGY_H

#include "qctx/platform/comm.h"

typedef struct {
    int cores;   /* of the node */
    int allowed; /* cores this rank may run on */
    int threads; /* OpenMP threads of this rank */
} qctx_layout;

/*
 * Sets the threads of this rank, for its own loops and for the matrix products: OMP_NUM_THREADS where the user set
 * it, else the cores it is bound to, or its share of the node's where it is not bound. Local.
 */
void qctx_topology_set_threads(const qctx_comm *comm);

/* The layout as it is now. Local. Cannot fail: what hwloc cannot tell is 1. */
qctx_layout qctx_topology_layout(void);

/* Peak resident memory of this process in MiB. Local. */
double qctx_topology_peak_mib(void);

#endif
