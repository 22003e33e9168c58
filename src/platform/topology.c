#include "qctx/platform/topology.h"

#include <hwloc.h>
#include <omp.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "qctx/platform/blas.h"

/* Cores of the node and cores in this process's binding; both at least 1. */
static void count_cores(int *cores, int *allowed)
{
    hwloc_topology_t topology;
    hwloc_cpuset_t binding = hwloc_bitmap_alloc();

    *cores = *allowed = 1;
    if (binding == NULL || hwloc_topology_init(&topology) != 0)
        goto out;
    if (hwloc_topology_load(topology) == 0) {
        int all = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE);
        int mine = all;

        if (hwloc_get_cpubind(topology, binding, HWLOC_CPUBIND_PROCESS) == 0)
            mine = hwloc_get_nbobjs_inside_cpuset_by_type(topology, binding, HWLOC_OBJ_CORE);
        *cores = all > 0 ? all : 1;
        *allowed = mine > 0 ? mine : 1;
    }
    hwloc_topology_destroy(topology);
out:
    hwloc_bitmap_free(binding);
}

void qctx_topology_set_threads(const qctx_comm *comm)
{
    int cores, allowed, threads;

    if (getenv("OMP_NUM_THREADS") == NULL) {
        count_cores(&cores, &allowed);
        /* A rank that may use the whole node shares it with its neighbours; a bound rank has its cores to itself. */
        threads = allowed < cores ? allowed : cores / qctx_comm_node_size(comm);
        omp_set_num_threads(threads > 0 ? threads : 1);
    }
    qctx_blas_set_threads(omp_get_max_threads());
}

qctx_layout qctx_topology_layout(void)
{
    qctx_layout layout;

    count_cores(&layout.cores, &layout.allowed);
    layout.threads = omp_get_max_threads();
    return layout;
}

double qctx_topology_peak_mib(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024.0;
}
