/* Operations of the matrix products of a step. */
#include "bench_internal.h"

/* Weights of one side's layers: of all of them, or without the first. */
static double weights(const qctx_head_config *head, bool with_first)
{
    const double in = (double)head->input, hidden = (double)head->hidden, out = (double)head->output;
    const double middle = (double)(head->layers - 2) * hidden * hidden;

    if (head->layers == 1)
        return with_first ? in * out : 0.0;
    return (with_first ? in * hidden : 0.0) + middle + hidden * out;
}

bench_flops bench_head_flops(const qctx_head_config *head, int64_t rows)
{
    bench_flops flops = {0};

    for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++)
        if (qctx_head_has_side(head, side)) {
            flops.forward += 2.0 * (double)rows * weights(head, true);
            flops.backward += 2.0 * (double)rows * (weights(head, true) + weights(head, false));
        }
    return flops;
}

double bench_least_flops(const qctx_head_config *head, int64_t rows, int64_t batch)
{
    const bench_flops flops = bench_head_flops(head, rows);

    return flops.forward + flops.backward + 6.0 * (double)rows * (double)batch * (double)head->output;
}
