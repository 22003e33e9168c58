/*
 * What a step costs: its memory, as far as it can be foreseen, its operations and bytes, and the time that they take at
 * the rates of this job, which are measured in a few hundredths of a second.
 */
#include <math.h>
#include <stdlib.h>

#include "planner_internal.h"
#include "qctx/base/clock.h"
#include "qctx/base/mem.h"
#include "qctx/model/contrastive.h"
#include "qctx/training/stepper.h"

/* The loss of a request under a plan. */
static qctx_loss_config loss_of(const qctx_plan_request *request, const qctx_plan *plan)
{
    return qctx_plan_loss(plan, request->kind, request->direction, request->normalize);
}

static qctx_loss_size loss_size(const qctx_plan_request *request, const qctx_plan *plan, int ranks)
{
    return (qctx_loss_size){.rows = qctx_plan_most_rows(plan, request->batch, ranks),
                            .batch = request->batch,
                            .extras = qctx_plan_most_rows(plan, request->extras, ranks),
                            .batch_extras = request->extras,
                            .dim = request->head.output};
}

static int64_t loss_memory(const qctx_plan_request *request, const qctx_plan *plan, int ranks, int64_t keep_bytes)
{
    qctx_loss_config loss = loss_of(request, plan);

    loss.keep_bytes = keep_bytes;
    return qctx_loss_memory(&loss, ranks, loss_size(request, plan, ranks));
}

int64_t planner_memory(const qctx_plan_request *request, const qctx_plan *plan, int ranks)
{
    return loss_memory(request, plan, ranks, plan->keep_bytes) +
           qctx_stepper_memory(&request->head, request->kind, plan, ranks,
                               qctx_plan_most_rows(plan, request->batch, ranks), request->extras, request->lists);
}

int64_t planner_most_rows(const qctx_plan_request *request, const qctx_plan *plan, int ranks)
{
    const int64_t rows = qctx_plan_most_rows(plan, request->batch, ranks);

    return rows + qctx_plan_most_rows(plan, request->extras, ranks) +
           qctx_plan_most_scored(plan, request->lists, rows, ranks);
}

int64_t planner_scores(const qctx_plan_request *request, const qctx_plan *plan, int ranks, int64_t left)
{
    return loss_memory(request, plan, ranks, left) - loss_memory(request, plan, ranks, 0);
}

/* Bytes of the loss that a rank receives for each of the batch's rows and floats, were it to receive all of them. */
static double loss_bytes(const qctx_plan_request *request, const qctx_plan *plan)
{
    double row = (double)(request->head.output * qctx_precision_bytes(plan->precision));
    double gradient = (double)(request->head.output * (int64_t)sizeof(float));
    /* Content numbers, and for all but full maxima and sums of rows or columns. */
    double content = 8.0, sums = 16.0;

    switch (plan->scheme) {
    case QCTX_SIMILARITY_ROWS:
        return row + gradient + content + sums;
    case QCTX_SIMILARITY_RING:
        return 2.0 * row + gradient + content + sums;
    case QCTX_SIMILARITY_FULL:
    case QCTX_SIMILARITY_AUTO:
        break;
    }
    return 2.0 * row + content;
}

/* The same for each of its extras, which have no sums. */
static double extra_bytes(const qctx_plan_request *request, const qctx_plan *plan)
{
    double row = (double)(request->head.output * qctx_precision_bytes(plan->precision));
    double gradient = (double)(request->head.output * (int64_t)sizeof(float)), content = 8.0;

    if (plan->scheme == QCTX_SIMILARITY_FULL)
        return row + content;
    return (plan->scheme == QCTX_SIMILARITY_RING ? 2.0 : 1.0) * row + gradient + content;
}

/* Each exchange of parts passes through all ranks but the own one; a sum goes up and down a tree. */
static double count_messages(const qctx_plan *plan, int ranks)
{
    double others = ranks - 1, levels = ceil(log2((double)ranks));
    double exchanges = plan->scheme == QCTX_SIMILARITY_RING ? 3.0 : 2.0;

    return (exchanges + 2.0) * others + 4.0 * levels;
}

qctx_plan_cost qctx_plan_cost_of(const qctx_plan_request *request, const qctx_plan *plan, int ranks,
                                 const qctx_plan_rates *rates)
{
    qctx_loss_config loss = loss_of(request, plan);
    int64_t rows = qctx_plan_most_rows(plan, request->batch, ranks);
    double from_others = (double)(ranks - 1) / (double)ranks;
    /* The head's gradient: its parts are summed, and gathered again. */
    double gradient = 2.0 * (double)(qctx_head_parameter_count(&request->head) * (int64_t)sizeof(float));
    qctx_plan_cost cost = {
        .flops = qctx_stepper_flops(&request->head, plan, rows,
                                    qctx_plan_most_rows(plan, request->extras, ranks) +
                                        qctx_plan_most_scored(plan, request->lists, rows, ranks)) +
                 qctx_loss_flops(&loss, ranks, loss_size(request, plan, ranks)),
        .bytes = from_others * ((double)request->batch * loss_bytes(request, plan) +
                                (double)request->extras * extra_bytes(request, plan) + gradient),
        .messages = count_messages(plan, ranks),
        .memory = planner_memory(request, plan, ranks),
    };

    cost.computing = cost.flops / rates->flops[plan->precision];
    cost.communicating = cost.bytes / rates->bandwidth + cost.messages * rates->latency;
    cost.hidden = fmin(QCTX_PLAN_HIDDEN * cost.bytes / rates->bandwidth, cost.computing);
    cost.seconds = cost.computing + cost.communicating - cost.hidden;
    return cost;
}

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
