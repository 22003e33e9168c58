/* What this rank runs on: cores, its binding, its threads, its memory (hwloc, OpenMP, Linux). */
#ifndef QCTX_PLATFORM_TOPOLOGY_H
#define QCTX_PLATFORM_TOPOLOGY_H

#include <stddef.h>
#include <stdint.h>

#include "qctx/platform/comm.h"

typedef struct {
    int cores;   /* of the node */
    int allowed; /* cores this rank may run on */
    int threads; /* OpenMP threads of this rank */
} qctx_layout;

/*
 * The threads that this rank should have: OMP_NUM_THREADS where the user set it, unless
 * it is beyond four times the machine's processors and 64, which is warned of; else the cores it is bound to, or its
 * share of the node's where it is not bound; at least 1. Local.
 */
int qctx_topology_choose_threads(const qctx_comm *comm);

/* OpenMP threads of this rank. Local. */
int qctx_topology_threads(void);

/* The layout as it is now. Local. Cannot fail: what hwloc cannot tell is 1. */
qctx_layout qctx_topology_layout(void);

/* Peak resident memory of this process in MiB. Local. */
double qctx_topology_peak_mib(void);

/*
 * Bytes of memory that this rank may still take: what its node has available, or its control group where that is less,
 * divided by the ranks of the node. 0 if it cannot be told. Ranks may get different answers. Local.
 */
int64_t qctx_topology_memory(const qctx_comm *comm);

/* Cores of a node that a binding can tell apart; a rank bound beyond them counts as bound nowhere. */
enum { QCTX_BINDING_WORDS = 16, QCTX_BINDING_CORES = 64 * QCTX_BINDING_WORDS };

/* Which cores a rank may run on: plain data, gathered from all of them. */
typedef struct {
    uint64_t node; /* the same number for the ranks of a node */
    int32_t cores; /* of the node */
    int32_t threads;
    uint64_t mask[QCTX_BINDING_WORDS]; /* bit c: it may run on core c */
} qctx_core_binding;

/* The binding of this rank. Local. Cannot fail: without hwloc's word it is one core. */
qctx_core_binding qctx_topology_binding(void);

/*
 * *bindings [ranks] = the binding of every rank, on all of them; the caller frees it. NULL after an error. Collective.
 * Errors: MEMORY.
 */
qctx_status qctx_topology_gather(qctx_comm *comm, qctx_core_binding **bindings, qctx_error *error);

/* text [size] = "16 ranks x 2 threads on 2 nodes of 16 cores". Local. Cannot fail. */
void qctx_topology_describe(const qctx_core_binding *bindings, int ranks, char *text, size_t size);

/*
 * text [size] = what is wrong with these bindings and what mends it, or "": the ranks bound to some cores, or to fewer
 * of them, have more threads together than there are cores. The worst such place is named. Local. Cannot fail.
 */
void qctx_topology_advise(const qctx_core_binding *bindings, int ranks, char *text, size_t size);

/*
 * Bytes available to this process, or 0 if it cannot be told: MemAvailable of `root`/proc/meminfo, or the least that
 * the limits of its control group and of those above it leave (versions 1 and 2; file pages not in use count as free).
 * `root` is "" but in tests. Local.
 */
int64_t qctx_topology_free_memory(const char *root);

#endif
