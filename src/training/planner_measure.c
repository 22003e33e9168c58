/* The rates of this job, in a few hundredths of a second. */
#include <math.h>
#include <stdlib.h>

#include "planner_internal.h"
#include "qctx/base/clock.h"
#include "qctx/base/mem.h"

enum {
    PRODUCT_ROWS = 512, /* a tile of scores */
    PRODUCT_DEPTH = 512,
    PRODUCT_TIMES = 5,
    PASSES = 8,
    SHORT_BYTES = 8,
    LONG_BYTES = 1 << 20
};

/* The shortest time of a pass of `bytes` bytes to the next rank while all ranks pass. Collective. */
static double time_pass(qctx_comm *comm, char *out, char *in, int64_t bytes)
{
    int rank = qctx_comm_rank(comm), size = qctx_comm_size(comm);
    double least = INFINITY;

    for (int i = 0; i < PASSES; i++) {
        double start = qctx_clock_seconds(), seconds;
        qctx_exchange *pass =
            qctx_comm_start_pass(comm, out, bytes, (rank + 1) % size, in, bytes, (rank + size - 1) % size);

        qctx_exchange_wait(&pass);
        seconds = qctx_clock_seconds() - start;
        least = seconds < least ? seconds : least;
    }
    return least;
}

/*
 * The best rate of each precision, measured in turn: what else runs on the machine can only slow a product down, and
 * slows its neighbours alike. Local.
 */
static void measure_products(bool with_bfloat16, double rates[2])
{
    rates[QCTX_PRECISION_FLOAT32] = rates[QCTX_PRECISION_BFLOAT16] = 0.0;
    for (int i = 0; i < PRODUCT_TIMES; i++)
        for (int p = QCTX_PRECISION_FLOAT32; p <= (with_bfloat16 ? QCTX_PRECISION_BFLOAT16 : QCTX_PRECISION_FLOAT32);
             p++) {
            double rate = 0.0;

            if (qctx_product_is_native((qctx_precision)p))
                rate = qctx_product_rate((qctx_precision)p, QCTX_PLAIN, QCTX_TRANSPOSED, PRODUCT_ROWS, PRODUCT_ROWS,
                                         PRODUCT_DEPTH, 1);
            rates[p] = rate > rates[p] ? rate : rates[p];
        }
}

qctx_plan_rates qctx_plan_measure(qctx_comm *comm, bool with_bfloat16)
{
    qctx_plan_rates rates = {{0.0, 0.0}, 0.0, INFINITY};
    /* Without this memory nothing is sent, and the bytes seem to cost nothing: the step itself will say so. */
    char *buffer = qctx_alloc(2, LONG_BYTES, "the measurement of the network", NULL);
    bool exchange = qctx_comm_same(comm, buffer != NULL) && buffer != NULL && qctx_comm_size(comm) > 1;
    double slowest[4], flops[2];

    qctx_comm_barrier(comm);
    measure_products(with_bfloat16, flops);
    slowest[0] = -flops[QCTX_PRECISION_FLOAT32];
    slowest[1] = -flops[QCTX_PRECISION_BFLOAT16];
    slowest[2] = exchange ? time_pass(comm, buffer, buffer + LONG_BYTES, SHORT_BYTES) : 0.0;
    slowest[3] = exchange ? time_pass(comm, buffer, buffer + LONG_BYTES, LONG_BYTES) : 0.0;
    qctx_comm_max_double(comm, slowest, 4);
    free(buffer);
    rates.flops[QCTX_PRECISION_FLOAT32] = -slowest[0];
    rates.flops[QCTX_PRECISION_BFLOAT16] = -slowest[1];
    rates.latency = slowest[2];
    if (slowest[3] > 0.0)
        rates.bandwidth = LONG_BYTES / slowest[3];
    return rates;
}
