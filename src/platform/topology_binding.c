/* The bindings of all ranks: gathered, described, and what is wrong with them. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "qctx/base/mem.h"
#include "qctx/base/plural.h"
#include "qctx/platform/topology.h"

/* Ranks, and the cores that they share. */
typedef struct {
    int ranks, threads, cores;
} crowd;

static int count_cores(const qctx_core_binding *binding)
{
    int cores = 0;

    for (int w = 0; w < QCTX_BINDING_WORDS; w++)
        cores += __builtin_popcountll(binding->mask[w]);
    return cores;
}

/* Whether all cores of `inner`, if it has any, are among those of `outer`, on one node. */
static bool is_within(const qctx_core_binding *inner, const qctx_core_binding *outer)
{
    if (inner->node != outer->node || count_cores(inner) == 0)
        return false;
    for (int w = 0; w < QCTX_BINDING_WORDS; w++)
        if (inner->mask[w] & ~outer->mask[w])
            return false;
    return true;
}

/* The ranks that can run nowhere but on the cores of `place`. */
static crowd crowd_at(const qctx_core_binding *place, const qctx_core_binding *bindings, int ranks)
{
    crowd all = {.cores = count_cores(place)};

    for (int r = 0; r < ranks; r++)
        if (is_within(&bindings[r], place)) {
            all.ranks++;
            all.threads += bindings[r].threads;
        }
    return all;
}

/* The place with most threads a core, if any has more than one; NULL if none. */
static const qctx_core_binding *worst_place(const qctx_core_binding *bindings, int ranks, crowd *worst)
{
    const qctx_core_binding *place = NULL;

    for (int r = 0; r < ranks; r++) {
        crowd here = crowd_at(&bindings[r], bindings, ranks);

        if (here.cores == 0 || here.threads <= here.cores)
            continue;
        if (place == NULL || (int64_t)here.threads * worst->cores > (int64_t)worst->threads * here.cores) {
            place = &bindings[r];
            *worst = here;
        }
    }
    return place;
}

static int ranks_on(uint64_t node, const qctx_core_binding *bindings, int ranks)
{
    int count = 0;

    for (int r = 0; r < ranks; r++)
        count += bindings[r].node == node;
    return count;
}

/* The options that give each of the node's ranks as many cores as it has threads, or as there are for it. */
static void advise(const qctx_core_binding *place, const qctx_core_binding *bindings, int ranks, char *text,
                   size_t size)
{
    int here = ranks_on(place->node, bindings, ranks), share = place->cores / here;
    int cores = place->threads < share ? place->threads : share;
    char fewer[48] = "", where[48] = "slot";

    if (share == 0) {
        snprintf(text, size, "use at most %d rank%s a node", place->cores, qctx_plural(place->cores));
        return;
    }
    if (cores < place->threads)
        snprintf(fewer, sizeof fewer, "OMP_NUM_THREADS=%d ", cores);
    if (here < ranks)
        snprintf(where, sizeof where, "ppr:%d:node", here);
    snprintf(text, size, "%smpirun --map-by %s:PE=%d --bind-to core gives each its own", fewer, where, cores);
}

void qctx_topology_advise(const qctx_core_binding *bindings, int ranks, char *text, size_t size)
{
    crowd crowded;
    const qctx_core_binding *place = worst_place(bindings, ranks, &crowded);
    char bound[64] = "", advice[160];

    text[0] = '\0';
    if (place == NULL)
        return;
    if (crowded.cores < place->cores)
        snprintf(bound, sizeof bound, " (of %d) that %s bound to", place->cores,
                 crowded.ranks == 1 ? "it is" : "they are");
    advise(place, bindings, ranks, advice, sizeof advice);
    snprintf(text, size, "%d rank%s with %d thread%s%s the %d core%s%s: %s", crowded.ranks, qctx_plural(crowded.ranks),
             crowded.threads, qctx_plural(crowded.threads), crowded.ranks == 1 ? " has" : " in all have", crowded.cores,
             qctx_plural(crowded.cores), bound, advice);
}

/* "2", or "1 to 4" where ranks differ. */
static void range(int least, int most, char *text, size_t size)
{
    if (least == most)
        snprintf(text, size, "%d", most);
    else
        snprintf(text, size, "%d to %d", least, most);
}

void qctx_topology_describe(const qctx_core_binding *bindings, int ranks, char *text, size_t size)
{
    qctx_core_binding least = bindings[0], most = bindings[0];
    char threads[32], cores[32], nodes[32] = "";
    int node_count = 0;

    for (int r = 0; r < ranks; r++) {
        least.threads = bindings[r].threads < least.threads ? bindings[r].threads : least.threads;
        most.threads = bindings[r].threads > most.threads ? bindings[r].threads : most.threads;
        least.cores = bindings[r].cores < least.cores ? bindings[r].cores : least.cores;
        most.cores = bindings[r].cores > most.cores ? bindings[r].cores : most.cores;
        /* A node is counted at its first rank. */
        node_count += ranks_on(bindings[r].node, bindings, r) == 0;
    }
    range(least.threads, most.threads, threads, sizeof threads);
    range(least.cores, most.cores, cores, sizeof cores);
    if (node_count > 1)
        snprintf(nodes, sizeof nodes, "%d nodes of ", node_count);
    snprintf(text, size, "%d rank%s x %s thread%s on %s%s core%s", ranks, qctx_plural(ranks), threads,
             qctx_plural(most.threads), nodes, cores, qctx_plural(most.cores));
}

qctx_status qctx_topology_gather(qctx_comm *comm, qctx_core_binding **bindings, qctx_error *error)
{
    int ranks = qctx_comm_size(comm);
    qctx_core_binding own = qctx_topology_binding();
    int64_t *counts = qctx_alloc(ranks, sizeof *counts, "the layout of the ranks", error);
    qctx_status status;

    *bindings = qctx_alloc(ranks, sizeof **bindings, "the layout of the ranks", error);
    status = *bindings == NULL || counts == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
    status = qctx_agree(comm, status, error);
    if (status == QCTX_OK) {
        for (int r = 0; r < ranks; r++)
            counts[r] = 1;
        qctx_comm_gather_all(comm, &own, *bindings, counts, sizeof own);
    } else {
        free(*bindings);
        *bindings = NULL;
    }
    free(counts);
    return status;
}
