#include "qctx/bench/bench.h"

#include <math.h>

#include "bench_internal.h"
#include "qctx/platform/topology.h"

bool bench_is_asked(qctx_precision precision, qctx_precision asked)
{
    return asked == precision || (asked == QCTX_PRECISION_AUTO && qctx_product_is_native(precision));
}

double bench_mean(qctx_comm *comm, double value)
{
    qctx_comm_sum_double(comm, &value, 1);
    return value / qctx_comm_size(comm);
}

double bench_most(qctx_comm *comm, double value)
{
    qctx_comm_max_double(comm, &value, 1);
    return value;
}

void bench_of_all(qctx_comm *comm, double value, double *values)
{
    for (int r = 0; r < qctx_comm_size(comm); r++)
        values[r] = r == qctx_comm_rank(comm) ? value : 0.0;
    qctx_comm_sum_double(comm, values, qctx_comm_size(comm));
}

double bench_product_rate(qctx_comm *comm, qctx_precision precision, qctx_transpose a_form, qctx_transpose b_form,
                          int64_t m, int64_t n, int64_t k, int64_t times)
{
    qctx_comm_barrier(comm);
    return bench_mean(comm, qctx_product_rate(precision, a_form, b_form, m, n, k, times));
}

qctx_status bench_check_room(qctx_comm *comm, double bytes, const char *purpose, qctx_error *error)
{
    const double room = (double)qctx_topology_memory(comm);
    qctx_status status = QCTX_OK;

    if (room > 0.0 && bytes > room) {
        status =
            qctx_fail(error, QCTX_ERR_MEMORY, "bench: %s need %.0f MB a rank, and the node has %.0f MB free for each",
                      purpose, bytes / BENCH_MEGA, room / BENCH_MEGA);
        qctx_hint(error, "give smaller sizes, or start fewer ranks on a node");
    }
    return qctx_agree(comm, status, error);
}

json_t *bench_result(const qctx_comm *comm, const char *kind)
{
    return json_pack("{s:s, s:i, s:i}", "bench", kind, "ranks", qctx_comm_size(comm), "threads",
                     qctx_topology_threads());
}

json_t *bench_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

qctx_status bench_check(const json_t *result, qctx_error *error)
{
    return result == NULL ? qctx_fail(error, QCTX_ERR_MEMORY, "cannot allocate the JSON of a measurement") : QCTX_OK;
}

/* Weights of one side's layers: of all of them, or without the first. */
static double weights(const qctx_head_config *head, bool with_first)
{
    const double in = (double)head->input, hidden = (double)head->hidden, out = (double)head->output;
    const double middle = (double)(head->layers - 2) * hidden * hidden;

    if (head->layers == 1)
        return with_first ? in * out : 0.0;
    return (with_first ? in * hidden : 0.0) + middle + hidden * out;
}

bench_flops bench_head_flops(const qctx_head_config *head, int64_t rows, int64_t extras)
{
    bench_flops flops = {0};

    for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++)
        if (qctx_head_has_side(head, side)) {
            const double through = (double)(side == QCTX_CONTEXT ? rows + extras : rows);

            flops.forward += 2.0 * through * weights(head, true);
            flops.backward += 2.0 * through * (weights(head, true) + weights(head, false));
        }
    return flops;
}

double bench_least_flops(const qctx_head_config *head, int64_t rows, int64_t batch, int64_t negatives)
{
    const bench_flops flops = bench_head_flops(head, rows, rows * negatives);
    const double contexts = (double)batch * (double)(1 + negatives);

    return flops.forward + flops.backward + 6.0 * (double)rows * contexts * (double)head->output;
}
