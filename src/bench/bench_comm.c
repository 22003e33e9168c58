/* What the ranks say to each other in a step. */
#include <math.h>
#include <stdlib.h>

#include "bench_internal.h"
#include "qctx/base/clock.h"
#include "qctx/base/mem.h"
#include "qctx/base/order.h"

enum { SMALL_BYTES = 32, LEAST_BYTES = 64 << 10, MOST_BYTES = 16 << 20 };
/* A single small message is shorter than what the clock can tell. */
enum { SMALL_TIMES = 100 };

typedef struct {
    qctx_comm *comm;
    int64_t bytes; /* of all ranks' parts together, or of a pass */
    char *out;     /* [MOST_BYTES] */
    char *in;      /* [MOST_BYTES] */
    int64_t *counts;
} talk;

static void sum(talk *task)
{
    qctx_comm_sum_double(task->comm, (double *)(void *)task->out, task->bytes / (int64_t)sizeof(double));
}

/* To the next rank, from the one before, as the contexts pass around a ring. */
static void pass(talk *task)
{
    const int rank = qctx_comm_rank(task->comm), size = qctx_comm_size(task->comm);
    qctx_exchange *exchange = qctx_comm_start_pass(task->comm, task->out, task->bytes, (rank + 1) % size, task->in,
                                                   task->bytes, (rank + size - 1) % size);

    qctx_exchange_wait(&exchange);
}

static void divide_floats(talk *task)
{
    const int size = qctx_comm_size(task->comm);
    int64_t first;

    for (int r = 0; r < size; r++)
        qctx_share(task->bytes / (int64_t)sizeof(float), r, size, &first, &task->counts[r]);
}

static void sum_parts(talk *task)
{
    qctx_exchange *exchange;

    divide_floats(task);
    exchange = qctx_comm_start_sum_parts(task->comm, (float *)(void *)task->out, task->counts);
    qctx_exchange_wait(&exchange);
}

static void gather_parts(talk *task)
{
    qctx_exchange *exchange;

    divide_floats(task);
    exchange = qctx_comm_start_gather_parts(task->comm, task->out, task->counts, sizeof(float));
    qctx_exchange_wait(&exchange);
}

/* How a step uses it, and what share of its bytes comes from other ranks: all, or (N − 1)/N. */
static const struct {
    const char *name;
    void (*run)(talk *task);
    bool in_parts;
} exchanges[] = {
    {"sum", sum, false},
    {"pass", pass, false},
    {"sum_parts", sum_parts, true},
    {"gather_parts", gather_parts, true},
};
enum { EXCHANGE_COUNT = sizeof exchanges / sizeof exchanges[0], FIRST_LARGE = 1 };

static double bytes_received(const talk *task, bool in_parts)
{
    const double size = qctx_comm_size(task->comm);

    if (size < 2)
        return 0.0;
    return (double)task->bytes * (in_parts ? (size - 1.0) / size : 1.0);
}

/* seconds [repetitions] is room. The median of the slowest rank. Collective. */
static double time_exchange(talk *task, int which, int64_t repetitions, double *seconds)
{
    const int64_t times = task->bytes < LEAST_BYTES ? SMALL_TIMES : 1;

    exchanges[which].run(task);
    for (int64_t i = 0; i < repetitions; i++) {
        double start;

        qctx_comm_barrier(task->comm);
        start = qctx_clock_seconds();
        for (int64_t j = 0; j < times; j++)
            exchanges[which].run(task);
        seconds[i] = (qctx_clock_seconds() - start) / (double)times;
    }
    return bench_most(task->comm, qctx_median(seconds, repetitions));
}

/* Appends a row; rows is NULL on ranks that tell nothing. Collective. */
static void measure(talk *task, int which, int64_t bytes, int64_t repetitions, double *seconds, json_t *rows)
{
    double median, received;

    task->bytes = bytes;
    median = time_exchange(task, which, repetitions, seconds);
    received = bytes_received(task, exchanges[which].in_parts);
    if (rows != NULL)
        json_array_append_new(rows, json_pack("{s:s, s:I, s:f, s:o}", "exchange", exchanges[which].name, "bytes",
                                              (json_int_t)bytes, "seconds", median, "gbytes_per_second",
                                              bench_number(received > 0 ? received / median / BENCH_GIGA : NAN)));
}

static qctx_status measure_all(qctx_comm *comm, int64_t repetitions, json_t *rows, qctx_error *error)
{
    talk task = {.comm = comm};
    double *seconds = qctx_alloc(repetitions, sizeof *seconds, "the times of a measurement", error);
    qctx_status status = QCTX_OK;

    task.out = qctx_alloc(MOST_BYTES, 1, "messages", error);
    task.in = qctx_alloc(MOST_BYTES, 1, "messages", error);
    task.counts = qctx_alloc(qctx_comm_size(comm), sizeof *task.counts, "the counts of a message", error);
    if (seconds == NULL || task.out == NULL || task.in == NULL || task.counts == NULL)
        status = QCTX_ERR_MEMORY;
    status = qctx_agree(comm, status, error);
    if (status != QCTX_OK)
        goto out;
    for (int which = 0; which < EXCHANGE_COUNT; which++)
        measure(&task, which, SMALL_BYTES, repetitions, seconds, rows);
    for (int which = FIRST_LARGE; which < EXCHANGE_COUNT; which++)
        for (int64_t bytes = LEAST_BYTES; bytes <= MOST_BYTES; bytes *= 4)
            measure(&task, which, bytes, repetitions, seconds, rows);
out:
    free(seconds);
    free(task.out);
    free(task.in);
    free(task.counts);
    return status;
}

qctx_status qctx_bench_comm(qctx_comm *comm, const qctx_bench_request *request, json_t **result, qctx_error *error)
{
    const bool tells = qctx_comm_rank(comm) == 0;
    json_t *rows = tells ? json_array() : NULL;
    qctx_status status = qctx_agree(comm, tells ? bench_check(rows, error) : QCTX_OK, error);

    *result = NULL;
    if (status == QCTX_OK)
        status = measure_all(comm, request->repetitions, rows, error);
    if (status == QCTX_OK && tells) {
        *result = bench_result(comm, "comm");
        json_object_set_new(*result, "ranks_of_this_node", json_integer(qctx_comm_node_size(comm)));
        json_object_set(*result, "exchanges", rows);
        status = bench_check(*result, error);
    }
    json_decref(rows);
    return qctx_agree(comm, status, error);
}
