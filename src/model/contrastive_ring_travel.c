/*
 * How contexts travel in the scheme `ring`.
 *
 * Every rank's contexts travel in chunks, chunk k of all ranks at a time: in P hops each chunk has been everywhere,
 * from rank r to rank r − 1 each time. What the ranks add to it (column sums, gradients) follows one hop behind: a rank
 * works out its part while the others' sum is still on its way, adds the two and sends them on. So no exchange waits
 * for a product, nor a product for an exchange.
 */
#include <string.h>

#include "contrastive_ring.h"
#include "qctx/base/order.h"

loss_sums loss_ring_sums_at(void *place, int64_t count)
{
    double *sum = place;

    return (loss_sums){sum, (float *)(void *)(sum + count)};
}

int64_t loss_ring_context_bytes(const loss_ring *ring)
{
    return ring->sizes.dim * qctx_precision_bytes(ring->sizes.config.precision);
}

/* Contexts come first in a chunk; their sums behind begin at a multiple of 8 bytes. */
static int64_t sums_offset(const loss_ring *ring, int64_t count)
{
    return (count * loss_ring_context_bytes(ring) + 7) / 8 * 8;
}

static int64_t chunk_bytes(const loss_ring *ring, const loss_ring_payload *payload, int64_t count)
{
    return count == 0 ? 0 : sums_offset(ring, count) + (payload->with_sums ? count * LOSS_SUMS_BYTES : 0);
}

/* Contexts that go round: each rank's paired ones, or each one's extras. */
typedef struct {
    const int64_t *counts; /* of each rank */
    int64_t first;         /* column of rank 0's first */
    int64_t rounds;        /* ways round that the longest of them needs */
} travellers;

static travellers travellers_of(const loss_ring *ring, const int64_t *counts, int64_t first)
{
    int64_t most = 0;

    for (int r = 0; r < ring->sizes.ranks; r++)
        most = qctx_larger(most, counts[r]);
    return (travellers){counts, first, qctx_divide_up(most, ring->chunk_rows)};
}

/* Chunk `round` of the rank `hops` further on, which stands at `place`. */
static loss_chunk chunk_of(const loss_ring *ring, const travellers *all, int64_t round, int hops, char *place)
{
    int owner = (qctx_comm_rank(ring->layout.comm) + hops) % ring->sizes.ranks;
    loss_chunk at = {.contexts = place};

    qctx_share(all->counts[owner], round, all->rounds, &at.first, &at.count);
    at.columns = loss_ring_sums_at(place + sums_offset(ring, at.count), at.count);
    at.first += all->first;
    for (int r = 0; r < owner; r++)
        at.first += all->counts[r];
    return at;
}

/* Own contexts set out, with their sums. */
static void load(const loss_ring *ring, const loss_ring_payload *payload, const loss_chunk *own, char *place)
{
    int64_t row = loss_place_home(&ring->layout.place, own->first);

    memcpy(place, ring->contexts + row * loss_ring_context_bytes(ring),
           (size_t)(own->count * loss_ring_context_bytes(ring)));
    if (!payload->with_sums)
        return;
    memcpy(own->columns.sum, ring->columns.sum + row, (size_t)own->count * sizeof *own->columns.sum);
    memcpy(own->columns.max, ring->columns.max + row, (size_t)own->count * sizeof *own->columns.max);
}

/* One way round of one chunk of every rank. */
static void go_round(loss_ring *ring, const loss_ring_payload *payload, const travellers *all, int64_t round)
{
    int ranks = ring->sizes.ranks, rank = qctx_comm_rank(ring->layout.comm);
    int before = (rank + ranks - 1) % ranks, after = (rank + 1) % ranks;
    loss_chunk here = chunk_of(ring, all, round, 0, ring->chunks[0]);
    qctx_exchange *moves = NULL, *follows = NULL;

    load(ring, payload, &here, ring->chunks[0]);
    for (int hop = 0; hop < ranks; hop++) {
        loss_chunk next = chunk_of(ring, all, round, hop + 1, ring->chunks[(hop + 1) % 2]);
        char *part = ring->parts[hop % 2];

        if (hop + 1 < ranks)
            moves =
                qctx_comm_start_pass(ring->layout.comm, here.contexts, chunk_bytes(ring, payload, here.count), before,
                                     ring->chunks[(hop + 1) % 2], chunk_bytes(ring, payload, next.count), after);
        payload->work(ring, &here, part);
        qctx_exchange_wait(&follows);
        if (hop > 0)
            payload->join(ring, here.count, ring->arrived, part);
        follows = qctx_comm_start_pass(ring->layout.comm, part, here.count * payload->row_bytes, before, ring->arrived,
                                       next.count * payload->row_bytes, after);
        qctx_exchange_wait(&moves);
        here = next;
    }
    qctx_exchange_wait(&follows);
    payload->keep(ring, loss_place_home(&ring->layout.place, here.first), here.count, ring->arrived);
}

void loss_ring_travel(loss_ring *ring, const loss_ring_payload *payload)
{
    const loss_place *place = &ring->layout.place;
    const travellers paired = travellers_of(ring, place->counts, 0);

    for (int64_t round = 0; round < paired.rounds; round++)
        go_round(ring, payload, &paired, round);
    if (ring->layout.with_extras) {
        const travellers extras = travellers_of(ring, place->extra_counts, place->batch);

        for (int64_t round = 0; round < extras.rounds; round++)
            go_round(ring, payload, &extras, round);
    }
}
