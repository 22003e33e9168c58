/* What this rank has, by hwloc and OpenMP: cores, its binding to them, threads; and the memory it has used. */
#include "qctx/platform/topology.h"

#include <hwloc.h>
#include <omp.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "qctx/base/hash.h"
#include "qctx/base/log.h"

/* The most that is believed of OMP_NUM_THREADS: so many on any machine, and so many a processor. */
enum { THREADS_MOST = 64, PROCESSOR_THREADS = 4 };

/* Sets the bits of the cores that hold any of the processors that this process may run on. */
static void mark_cores(hwloc_topology_t topology, hwloc_const_cpuset_t processors, int cores, uint64_t *mask)
{
    for (int c = 0; c < cores && c < QCTX_BINDING_CORES; c++)
        if (hwloc_bitmap_intersects(hwloc_get_obj_by_type(topology, HWLOC_OBJ_CORE, (unsigned)c)->cpuset, processors))
            mask[c / 64] |= UINT64_C(1) << c % 64;
}

/* Fills in what hwloc knows; one core where it knows nothing. */
static void ask_hwloc(qctx_core_binding *binding)
{
    hwloc_topology_t topology;
    hwloc_cpuset_t processors = hwloc_bitmap_alloc();

    binding->cores = 1;
    binding->mask[0] = 1;
    if (processors == NULL || hwloc_topology_init(&topology) != 0)
        goto out;
    if (hwloc_topology_load(topology) == 0) {
        int cores = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE);

        if (cores > 0 && hwloc_get_cpubind(topology, processors, HWLOC_CPUBIND_PROCESS) == 0) {
            binding->cores = cores;
            binding->mask[0] = 0;
            mark_cores(topology, processors, cores, binding->mask);
        }
    }
    hwloc_topology_destroy(topology);
out:
    hwloc_bitmap_free(processors);
}

int qctx_topology_threads(void)
{
    return omp_get_max_threads();
}

qctx_core_binding qctx_topology_binding(void)
{
    const char *host = qctx_comm_host();
    qctx_core_binding binding = {.node = qctx_hash_text(host, 0), .threads = qctx_topology_threads()};

    ask_hwloc(&binding);
    return binding;
}

qctx_layout qctx_topology_layout(void)
{
    qctx_core_binding binding = qctx_topology_binding();
    qctx_layout layout = {.cores = binding.cores, .threads = binding.threads};

    for (int w = 0; w < QCTX_BINDING_WORDS; w++)
        layout.allowed += __builtin_popcountll(binding.mask[w]);
    layout.allowed = layout.allowed > 0 ? layout.allowed : 1;
    return layout;
}

/* More threads than cores are of use in tests; far more are a slip, and where there is no memory for them, a crash. */
static int threads_most(void)
{
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);

    return processors > THREADS_MOST / PROCESSOR_THREADS ? (int)processors * PROCESSOR_THREADS : THREADS_MOST;
}

/* Whether OMP_NUM_THREADS says something that can be followed. */
static bool threads_are_chosen(const qctx_comm *comm, int threads)
{
    if (getenv("OMP_NUM_THREADS") == NULL)
        return false;
    if (threads <= threads_most())
        return true;
    if (qctx_comm_rank(comm) == 0)
        qctx_warn("OMP_NUM_THREADS: found %d, expected at most %d on this machine; it is not followed", threads,
                  threads_most());
    return false;
}

int qctx_topology_choose_threads(const qctx_comm *comm)
{
    int threads = omp_get_max_threads();

    if (!threads_are_chosen(comm, threads)) {
        qctx_layout layout = qctx_topology_layout();

        /* A rank that may use the whole node shares it with its neighbours; a bound rank has its cores to itself. */
        threads = layout.allowed < layout.cores ? layout.allowed : layout.cores / qctx_comm_node_size(comm);
    }
    return threads > 0 ? threads : 1;
}

double qctx_topology_peak_mib(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024.0;
}
