/*
 * The exchanges that can be started, by the rounds that each is made of.
 *
 * Sums by parts and their mirror, the gathering of parts, take ⌈log₂ P⌉ rounds and receive (P − 1)/P of the data, for
 * any P: J. L. Träff, Optimal, non-pipelined reduce-scatter and allreduce algorithms (2024), algorithm 1, and Bruck et
 * al. (1997). Few rounds matter where progress is rare, since the next one begins inside a call of this module. The
 * order of additions follows from the part and P alone.
 */
#include <stdlib.h>
#include <string.h>

#include "comm_internal.h"

#include "qctx/base/order.h"

/* Tags that every MPI has. A tag comes again only after more exchanges than can be under way. */
enum { TAGS = 32768, ROUNDS_MOST = 32 };

static int next_tag(qctx_comm *comm)
{
    return (int)(comm->started++ % TAGS);
}

/* The same round the other way round: what came in goes out. */
static comm_round mirrored(comm_round round)
{
    return (comm_round){round.from,      round.to,        round.in_first, round.in_bytes,
                        round.out_first, round.out_bytes, COMM_COPY};
}

/* back [count] = the way back of rounds [count]. */
static void fill_mirrored(const comm_round *rounds, int64_t count, comm_round *back)
{
    for (int64_t i = 0; i < count; i++)
        back[i] = mirrored(rounds[count - 1 - i]);
}

/* Bytes of `count` parts from part `first` on, which goes on at part 0 after the last. */
static int64_t bytes_of(const qctx_comm *comm, const int64_t *counts, size_t size, int first, int count)
{
    int64_t sum = 0;

    for (int i = 0, part = first; i < count; i++) {
        sum += counts[part];
        part = part + 1 < comm->size ? part + 1 : 0;
    }
    return sum * (int64_t)size;
}

/*
 * With `held` partial sums from its own part on, a rank sends the further half of them as far ahead as it lies and
 * receives as many for the nearer half, until only its own part is left.
 */
static int64_t fill_halvings(const qctx_comm *comm, const int64_t *counts, size_t size, comm_arrival arrival,
                             comm_round *rounds)
{
    int64_t count = 0;

    for (int held = comm->size, kept; held > 1; held = kept) {
        int ahead;

        kept = (held + 1) / 2;
        ahead = (comm->rank + kept) % comm->size;
        rounds[count++] = (comm_round){
            .to = ahead,
            .from = (comm->rank - kept + comm->size) % comm->size,
            .out_first = bytes_of(comm, counts, size, 0, ahead),
            .out_bytes = bytes_of(comm, counts, size, ahead, held - kept),
            .in_first = bytes_of(comm, counts, size, 0, comm->rank),
            .in_bytes = bytes_of(comm, counts, size, comm->rank, held - kept),
            .arrival = arrival,
        };
    }
    return count;
}

static qctx_exchange *create_by_rounds(qctx_comm *comm, void *values, int64_t bytes)
{
    qctx_exchange *exchange = comm_exchange_create(comm, comm->rounds, next_tag(comm), 2 * ROUNDS_MOST);

    exchange->out = values;
    exchange->in = values;
    exchange->bytes = bytes;
    return exchange;
}

qctx_exchange *qctx_comm_start_pass(qctx_comm *comm, const void *out, int64_t out_bytes, int to, void *in,
                                    int64_t in_bytes, int from)
{
    qctx_exchange *exchange = comm_exchange_create(comm, comm->passes, 0, 1);

    exchange->out = out;
    exchange->in = in;
    exchange->bytes = INT64_MAX;
    if (to == comm->rank && from == comm->rank) {
        if (in_bytes > 0)
            memmove(in, out, (size_t)in_bytes);
    } else {
        exchange->round_count = 1;
        exchange->rounds[0] = (comm_round){to, from, 0, out_bytes, 0, in_bytes, COMM_COPY};
    }
    comm_exchange_begin(exchange);
    return exchange;
}

qctx_exchange *qctx_comm_start_sum_parts(qctx_comm *comm, float *values, const int64_t *counts)
{
    qctx_exchange *exchange = create_by_rounds(comm, values, bytes_of(comm, counts, sizeof *values, 0, comm->size));

    exchange->round_count = fill_halvings(comm, counts, sizeof *values, COMM_ADD_FLOAT, exchange->rounds);
    comm_exchange_begin(exchange);
    return exchange;
}

qctx_exchange *qctx_comm_start_gather_parts(qctx_comm *comm, void *all, const int64_t *counts, size_t size)
{
    qctx_exchange *exchange = create_by_rounds(comm, all, bytes_of(comm, counts, size, 0, comm->size));
    comm_round halvings[ROUNDS_MOST];
    int64_t count = fill_halvings(comm, counts, size, COMM_COPY, halvings);

    exchange->round_count = count;
    fill_mirrored(halvings, count, exchange->rounds);
    comm_exchange_begin(exchange);
    return exchange;
}

void comm_sum_by_parts(qctx_comm *comm, void *values, int64_t count, size_t size, comm_arrival arrival)
{
    qctx_exchange *exchange = create_by_rounds(comm, values, count * (int64_t)size);
    int64_t *counts = comm_alloc(comm->size, sizeof *counts, "the parts of a sum"), halvings, first;

    for (int r = 0; r < comm->size; r++)
        qctx_share(count, r, comm->size, &first, &counts[r]);
    halvings = fill_halvings(comm, counts, size, arrival, exchange->rounds);
    fill_mirrored(exchange->rounds, halvings, exchange->rounds + halvings);
    exchange->round_count = 2 * halvings;
    free(counts);
    comm_exchange_begin(exchange);
    qctx_exchange_wait(&exchange);
}

/*
 * Partners at distance 1, 2, 4, … each take half of what they share and add up the other's: a rank then holds its part
 * of the sum over aligned runs of 2, 4, 8, … ranks, which is the tree. Afterwards the same way back.
 */
static int64_t fill_tree(const qctx_comm *comm, int64_t count, size_t size, comm_arrival arrival, comm_round *rounds)
{
    int64_t first = 0, levels = 0;

    for (int distance = 1; distance < comm->size; distance *= 2) {
        int partner = comm->rank ^ distance;
        int64_t lower = count / 2, upper = count - lower;
        int64_t lower_bytes = lower * (int64_t)size, upper_bytes = upper * (int64_t)size;
        int64_t lower_first = first * (int64_t)size, upper_first = lower_first + lower_bytes;

        if ((comm->rank & distance) == 0) {
            rounds[levels++] =
                (comm_round){partner, partner, upper_first, upper_bytes, lower_first, lower_bytes, arrival};
            count = lower;
        } else {
            rounds[levels++] =
                (comm_round){partner, partner, lower_first, lower_bytes, upper_first, upper_bytes, arrival};
            first += lower;
            count = upper;
        }
    }
    fill_mirrored(rounds, levels, rounds + levels);
    return 2 * levels;
}

void comm_sum_by_tree(qctx_comm *comm, void *values, int64_t count, size_t size, comm_arrival arrival)
{
    qctx_exchange *exchange = create_by_rounds(comm, values, count * (int64_t)size);

    exchange->round_count = fill_tree(comm, count, size, arrival, exchange->rounds);
    comm_exchange_begin(exchange);
    qctx_exchange_wait(&exchange);
}
