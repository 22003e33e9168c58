/* ranks: 1 2 3 5 8 */
#include "harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RANKS_MOST = 8, LARGE = 10 << 20 };

static int rank_here(void)
{
    return qctx_comm_rank(test_comm);
}

static int size_here(void)
{
    return qctx_comm_size(test_comm);
}

static int neighbour(int distance)
{
    return ((rank_here() + distance) % size_here() + size_here()) % size_here();
}

/* What anybody knows of anybody's data: a hash of who sends, in which flight, and the place. */
static uint32_t word(int rank, int flight, int64_t i)
{
    uint64_t x = (uint64_t)i * 0x9e3779b97f4a7c15u + (uint64_t)(rank * 1000 + flight) * 0xd1b54a32d192ed03u;

    x ^= x >> 31;
    x *= 0x94d049bb133111ebu;
    return (uint32_t)(x >> 32);
}

/* Of many sizes, so that nearly every order of additions rounds to other bits. */
static float number(int rank, int flight, int64_t i)
{
    uint32_t bits = word(rank, flight, i);
    float value;

    /* Sign and mantissa at random, exponents of −7 to 8. */
    bits = (bits & 0x807fffffu) | (120 + (bits >> 27 & 15)) << 23;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Four bytes of each hash: the buffers are long. */
static void fill(unsigned char *data, int64_t bytes, int rank, int flight)
{
    uint32_t bits = 0;

    for (int64_t i = 0; i < bytes; i++) {
        bits = i % 4 == 0 ? word(rank, flight, i / 4) : bits >> 8;
        data[i] = (unsigned char)bits;
    }
}

static bool is_filled(const unsigned char *data, int64_t bytes, int rank, int flight)
{
    uint32_t bits = 0;
    int64_t wrong = 0;

    for (int64_t i = 0; i < bytes; i++) {
        bits = i % 4 == 0 ? word(rank, flight, i / 4) : bits >> 8;
        wrong += data[i] != (unsigned char)bits;
    }
    return wrong == 0;
}

/* A pass of `bytes` bytes to the rank `distance` ahead, with its own buffers. */
typedef struct {
    unsigned char *out;
    unsigned char *in;
    int64_t bytes;
    int flight;
    int from;
    qctx_exchange *exchange;
} flight;

static flight take_off(int number_of_flight, int64_t bytes, int distance)
{
    flight f = {malloc((size_t)bytes + 1), calloc((size_t)bytes + 1, 1), bytes,
                number_of_flight,          neighbour(-distance),         NULL};

    fill(f.out, bytes, rank_here(), number_of_flight);
    f.in[bytes] = 77;
    f.exchange = qctx_comm_start_pass(test_comm, f.out, bytes, neighbour(distance), f.in, bytes, f.from);
    return f;
}

static void land(flight *f)
{
    qctx_exchange_wait(&f->exchange);
    assert_null(f->exchange);
    assert_true(is_filled(f->in, f->bytes, f->from, f->flight));
    assert_int_equal(f->in[f->bytes], 77);
    free(f->out);
    free(f->in);
}

static void passes_of_every_length_arrive(void **state)
{
    const int64_t lengths[] = {0, 1, 4095, 4097, 65537, LARGE};
    enum { LENGTHS = sizeof lengths / sizeof *lengths };
    flight flights[2 * LENGTHS];

    (void)state;
    /* Around the ring and with the opposite neighbour at once, the own rank among them at some sizes. */
    for (int i = 0; i < LENGTHS; i++) {
        flights[2 * i] = take_off(2 * i, lengths[i], 1);
        flights[2 * i + 1] = take_off(2 * i + 1, lengths[i], size_here() - 1 - i % size_here());
    }
    for (int i = 2 * LENGTHS - 1; i >= 0; i--)
        land(&flights[i]);
}

static void hundreds_of_passes_are_under_way_together(void **state)
{
    enum { FLIGHTS = 300 };
    flight flights[FLIGHTS];

    (void)state;
    for (int i = 0; i < FLIGHTS; i++)
        flights[i] = take_off(i, i % 7 == 0 ? 30000 : i % 50, i % size_here());
    /* Each rank waits in an order of its own. */
    for (int i = 0; i < FLIGHTS; i++)
        land(&flights[(i * 7 + rank_here() * 11) % FLIGHTS]);
}

static void the_two_ways_of_a_pass_may_differ(void **state)
{
    unsigned char out[100], in[100] = {0};
    int rank = rank_here();
    int64_t out_bytes = 10 * (rank + 1), in_bytes = 10 * (neighbour(-1) + 1);
    qctx_exchange *exchange;

    (void)state;
    fill(out, sizeof out, rank, 0);
    exchange = qctx_comm_start_pass(test_comm, out, out_bytes, neighbour(1), in, in_bytes, neighbour(-1));
    qctx_exchange_wait(&exchange);
    assert_true(is_filled(in, in_bytes, neighbour(-1), 0));
    assert_int_equal(in[in_bytes], 0);
    qctx_exchange_wait(&exchange);
}

/* Nobody waits and nobody asks: what arrives is seen in the memory alone. */
static void progress_alone_carries_a_pass(void **state)
{
    flight f = take_off(5, LARGE, 1);
    const volatile unsigned char *last = &f.in[LARGE - 1];
    const unsigned char expected = (unsigned char)(word(f.from, 5, LARGE / 4 - 1) >> 24);

    (void)state;
    while (*last != expected)
        qctx_comm_progress();
    land(&f);
    qctx_comm_progress();
}

/* Uneven parts, and none for every third rank (all of them, where there is only rank 0). */
static int64_t uneven_counts(int64_t unit, int64_t *counts)
{
    int64_t total = 0;

    for (int r = 0; r < size_here(); r++) {
        counts[r] = r % 3 == 0 && size_here() > 1 ? 0 : unit + 13 * r;
        total += counts[r];
    }
    return total;
}

static int64_t first_of(const int64_t *counts, int rank)
{
    int64_t first = 0;

    for (int r = 0; r < rank; r++)
        first += counts[r];
    return first;
}

static float *numbers(int64_t count, int flight_number)
{
    float *values = malloc((size_t)(count + 1) * sizeof *values);

    for (int64_t i = 0; i < count; i++)
        values[i] = number(rank_here(), flight_number, i);
    return values;
}

/* Against the sum in double: P − 1 additions round by at most half an ulp each of the sum of magnitudes. */
static void assert_part_is_right(const float *values, const int64_t *counts, int flight_number)
{
    int64_t first = first_of(counts, rank_here()), wrong = 0;

    for (int64_t i = first; i < first + counts[rank_here()]; i++) {
        double sum = 0.0, magnitude = 0.0;

        for (int r = 0; r < size_here(); r++) {
            sum += number(r, flight_number, i);
            magnitude += fabs((double)number(r, flight_number, i));
        }
        wrong += !(fabs(values[i] - sum) <= size_here() * 0x1p-24 * magnitude);
    }
    assert_int_equal(wrong, 0);
}

static void check_sum_parts(const int64_t *counts)
{
    int64_t total = first_of(counts, size_here()), first = first_of(counts, rank_here());
    float *values = numbers(total, 3), *again = numbers(total, 3);
    qctx_exchange *exchange = qctx_comm_start_sum_parts(test_comm, values, counts);
    qctx_exchange *repeated = qctx_comm_start_sum_parts(test_comm, again, counts);

    qctx_exchange_wait(rank_here() % 2 == 0 ? &exchange : &repeated);
    qctx_exchange_wait(rank_here() % 2 == 0 ? &repeated : &exchange);
    assert_part_is_right(values, counts, 3);
    assert_memory_equal(values + first, again + first, (size_t)counts[rank_here()] * sizeof *values);
    free(values);
    free(again);
}

static void parts_of_a_sum_are_right_and_repeatable(void **state)
{
    int64_t counts[RANKS_MOST];

    (void)state;
    uneven_counts(1, counts);
    check_sum_parts(counts);
    uneven_counts(200003, counts);
    check_sum_parts(counts);
    /* Nothing for all but the last rank, and nothing at all. */
    for (int r = 0; r < size_here(); r++)
        counts[r] = r == size_here() - 1 ? 1000 : 0;
    check_sum_parts(counts);
    memset(counts, 0, sizeof counts);
    check_sum_parts(counts);
}

/* More arrives than there is room for at a time. */
static void large_parts_of_a_sum_go_through_little_room(void **state)
{
    int64_t counts[RANKS_MOST];

    (void)state;
    for (int r = 0; r < size_here(); r++)
        counts[r] = (6 << 20) / size_here();
    check_sum_parts(counts);
}

/* The order of the additions follows from the number of ranks alone: the same for values at any length and place. */
static void the_order_of_a_sum_depends_on_the_ranks_alone(void **state)
{
    int64_t counts[RANKS_MOST], first = 0, unit = 300007;
    float *values, *short_values;
    qctx_exchange *exchange;

    (void)state;
    for (int r = 0; r < size_here(); r++)
        counts[r] = unit;
    first = unit * rank_here();
    values = numbers(unit * size_here(), 4);
    short_values = malloc((size_t)size_here() * sizeof *short_values);
    for (int r = 0; r < size_here(); r++)
        short_values[r] = values[unit * r + unit - 1];
    exchange = qctx_comm_start_sum_parts(test_comm, values, counts);
    qctx_exchange_wait(&exchange);
    for (int r = 0; r < size_here(); r++)
        counts[r] = 1;
    exchange = qctx_comm_start_sum_parts(test_comm, short_values, counts);
    qctx_exchange_wait(&exchange);
    assert_true(values[first + unit - 1] == short_values[rank_here()]);
    free(values);
    free(short_values);
}

static void check_gather_parts(const int64_t *counts, int64_t size)
{
    int64_t total = first_of(counts, size_here()) * size, first = first_of(counts, rank_here()) * size;
    unsigned char *all = calloc((size_t)total + 1, 1);
    qctx_exchange *exchange;

    fill(all + first, counts[rank_here()] * size, rank_here(), 6);
    exchange = qctx_comm_start_gather_parts(test_comm, all, counts, (size_t)size);
    qctx_exchange_wait(&exchange);
    for (int r = 0; r < size_here(); r++)
        assert_true(is_filled(all + first_of(counts, r) * size, counts[r] * size, r, 6));
    assert_int_equal(all[total], 0);
    free(all);
}

static void parts_are_gathered_in_place(void **state)
{
    int64_t counts[RANKS_MOST];

    (void)state;
    uneven_counts(1, counts);
    check_gather_parts(counts, 1);
    uneven_counts(50001, counts);
    check_gather_parts(counts, 12);
    for (int r = 0; r < size_here(); r++)
        counts[r] = r == size_here() - 1 ? 1000 : 0;
    check_gather_parts(counts, 4);
    memset(counts, 0, sizeof counts);
    check_gather_parts(counts, 4);
}

/*
 * Everything at once: several kinds under way, blocking collectives among them (which must not keep a rank from its
 * part in what others wait for), and waits in an order that differs from rank to rank.
 */
static void kinds_mix_and_ranks_wait_as_they_like(void **state)
{
    enum { STARTED = 5 };

    (void)state;
    for (int turn = 0; turn < 4; turn++) {
        int64_t counts[RANKS_MOST], total = uneven_counts(40001, counts), first = first_of(counts, rank_here());
        unsigned char *all = calloc((size_t)total + 1, 4);
        float *one = numbers(total, 1), *other = numbers(total, 2);
        int64_t ranks = 1;
        flight small = take_off(7, 100, 1), large = take_off(8, 3000000, -1);
        qctx_exchange *started[STARTED];

        started[0] = small.exchange;
        started[1] = qctx_comm_start_sum_parts(test_comm, one, counts);
        fill(all + 4 * first, 4 * counts[rank_here()], rank_here(), 6);
        started[2] = qctx_comm_start_gather_parts(test_comm, all, counts, 4);
        /* Some ranks wait before the collective, others behind it. */
        if ((rank_here() + turn) % 2 == 0)
            qctx_exchange_wait(&started[2]);
        qctx_comm_sum_int64(test_comm, &ranks, 1);
        assert_int_equal(ranks, size_here());
        started[3] = qctx_comm_start_sum_parts(test_comm, other, counts);
        started[4] = large.exchange;
        for (int i = 0; i < STARTED; i++)
            qctx_exchange_wait(&started[(i * 3 + rank_here() + turn) % STARTED]);

        small.exchange = large.exchange = NULL;
        land(&small);
        land(&large);
        assert_part_is_right(one, counts, 1);
        assert_part_is_right(other, counts, 2);
        for (int r = 0; r < size_here(); r++)
            assert_true(is_filled(all + 4 * first_of(counts, r), 4 * counts[r], r, 6));
        free(all);
        free(one);
        free(other);
    }
}

static void traffic_is_counted(void **state)
{
    int64_t counts[RANKS_MOST], value = 1;
    int others = size_here() - 1;
    qctx_traffic before, after;
    float values[RANKS_MOST] = {0};
    qctx_exchange *exchange;
    flight f;

    (void)state;
    qctx_comm_barrier(test_comm);
    qctx_comm_reset_traffic();
    before = qctx_comm_traffic();
    assert_true(before.bytes_received == 0 && before.under_way == 0.0 && before.waited == 0.0);

    f = take_off(9, 1000000, 1);
    before = qctx_comm_traffic();
    land(&f);
    after = qctx_comm_traffic();
    assert_int_equal(after.bytes_received, others > 0 ? 1000000 : 0);
    assert_true(after.under_way >= before.under_way && after.under_way < 60.0);
    assert_true(others == 0 || after.under_way > 0.0);
    assert_true(after.waited >= 0.0 && after.waited < 60.0);

    /* Time goes on, but nothing is under way. */
    before = qctx_comm_traffic();
    assert_true(before.under_way == after.under_way);

    qctx_comm_reset_traffic();
    for (int r = 0; r < size_here(); r++)
        counts[r] = 1;
    exchange = qctx_comm_start_sum_parts(test_comm, values, counts);
    qctx_exchange_wait(&exchange);
    exchange = qctx_comm_start_gather_parts(test_comm, values, counts, sizeof *values);
    qctx_exchange_wait(&exchange);
    assert_int_equal(qctx_comm_traffic().bytes_received, 2 * others * (int)sizeof *values);
    qctx_comm_broadcast(test_comm, values, sizeof values, 0);
    qctx_comm_sum_int64(test_comm, &value, 1);
    after = qctx_comm_traffic();
    assert_int_equal(after.bytes_received, 2 * others * (int)sizeof *values + (rank_here() == 0 ? 0 : sizeof values) +
                                               (others > 0 ? sizeof value : 0));
    assert_true(after.waited > 0.0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(passes_of_every_length_arrive),
    cmocka_unit_test(hundreds_of_passes_are_under_way_together),
    cmocka_unit_test(the_two_ways_of_a_pass_may_differ),
    cmocka_unit_test(progress_alone_carries_a_pass),
    cmocka_unit_test(parts_of_a_sum_are_right_and_repeatable),
    cmocka_unit_test(large_parts_of_a_sum_go_through_little_room),
    cmocka_unit_test(the_order_of_a_sum_depends_on_the_ranks_alone),
    cmocka_unit_test(parts_are_gathered_in_place),
    cmocka_unit_test(kinds_mix_and_ranks_wait_as_they_like),
    cmocka_unit_test(traffic_is_counted),
};
TEST_MAIN(tests)
