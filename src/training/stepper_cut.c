/* How the rows and the gradient of a training step are cut, and what that costs. */
#include "qctx/base/order.h"
#include "stepper_internal.h"

stepper_sizes stepper_sizes_of(const qctx_head_config *head, const qctx_plan *plan, int ranks, int64_t rows,
                               int64_t scalars)
{
    int64_t count = qctx_head_parameter_count(head);
    stepper_sizes sizes = {.keeps = plan->micro_rows >= rows, .unit_rows = qctx_smaller(plan->micro_rows, rows)};

    if (plan->leaves > 0) {
        sizes.leaves = qctx_divide_up(plan->leaves, ranks);
        /* Leaves differ by at most one row, and where they do not go up in the ranks, some rank holds one less. */
        if (ranks <= plan->leaves)
            sizes.unit_rows = qctx_smaller(rows / (plan->leaves / ranks) + 1, rows);
        else
            sizes.unit_rows = rows;
    }
    sizes.tape_rows = sizes.keeps ? rows : sizes.unit_rows;
    sizes.tape_sides =
        sizes.keeps && qctx_head_has_side(head, QCTX_QUESTION) && qctx_head_has_side(head, QCTX_CONTEXT) ? 2 : 1;
    sizes.encoded = sizes.unit_rows * head->input;
    if (plan->precision == QCTX_PRECISION_BFLOAT16)
        sizes.stage = STEPPER_STAGE * head->input;
    sizes.projected = rows * head->output;
    sizes.parameters = count + scalars;
    sizes.bucket_length = STEPPER_BUCKET;
    if (count > STEPPER_BUCKETS * sizes.bucket_length)
        sizes.bucket_length = qctx_divide_up(count, STEPPER_BUCKETS);
    sizes.buckets = qctx_divide_up(count, sizes.bucket_length);
    return sizes;
}

int64_t qctx_stepper_memory(const qctx_head_config *head, const qctx_plan *plan, int ranks, int64_t rows)
{
    /* One scalar more or less is nothing. */
    const stepper_sizes sizes = stepper_sizes_of(head, plan, ranks, rows, 1);
    int64_t bytes = (int64_t)sizeof(float) * (sizes.stage + 2 * sizes.projected + 4 * sizes.parameters);

    for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++)
        if (qctx_head_has_side(head, side))
            bytes += sizes.encoded * qctx_precision_bytes(plan->precision);
    bytes += sizes.parameters + 5 * rows * (int64_t)sizeof(int64_t);
    bytes += sizes.buckets * (int64_t)sizeof(qctx_exchange *) + 2 * ranks * (int64_t)sizeof(int64_t);
    bytes += qctx_head_tape_memory(head, plan->precision, sizes.tape_rows, sizes.tape_sides);
    if (plan->leaves > 0)
        bytes += qctx_tree_sum_memory(qctx_head_parameter_count(head), sizes.leaves);
    return bytes;
}

double qctx_stepper_flops(const qctx_head_config *head, const qctx_plan *plan, int64_t rows)
{
    double total = 0.0;

    for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++)
        for (int64_t l = 0; l < head->layers && qctx_head_has_side(head, side); l++) {
            double in = (double)(l == 0 ? head->input : head->hidden);
            double out = (double)(l == head->layers - 1 ? head->output : head->hidden);
            /* Forward and the weights' gradient, the gradient below, and the forward pass that is repeated. */
            double products = 2.0 + (l > 0) + (plan->micro_rows < rows && l < head->layers - 1);

            total += 2.0 * (double)rows * in * out * products;
        }
    return total;
}

stepper_range stepper_unit(const qctx_stepper *stepper, int64_t unit)
{
    stepper_range range = {0};

    if (stepper->rows == 0)
        return range;
    if (stepper->leaf_sum != NULL) {
        qctx_share(stepper->config->batch.size, stepper->first_leaf + unit, stepper->plan->leaves, &range.first,
                   &range.count);
        range.first -= stepper->first_row;
        return range;
    }
    range.first = unit * stepper->unit_rows;
    range.count = qctx_smaller(stepper->unit_rows, stepper->rows - range.first);
    return range;
}

stepper_range stepper_bucket(const qctx_stepper *stepper, int64_t bucket)
{
    int64_t end = stepper->head_count - bucket * stepper->buckets.length;
    int64_t first = end > stepper->buckets.length ? end - stepper->buckets.length : 0;

    return (stepper_range){first, end - first};
}

const int64_t *stepper_parts(const qctx_stepper *stepper, int64_t bucket)
{
    return bucket == stepper->buckets.count - 1 ? stepper->buckets.last_parts : stepper->buckets.parts;
}

stepper_range stepper_own_part(const qctx_stepper *stepper, int64_t bucket)
{
    stepper_range whole = stepper_bucket(stepper, bucket), own;

    qctx_share(whole.count, qctx_comm_rank(stepper->comm), qctx_comm_size(stepper->comm), &own.first, &own.count);
    own.first += whole.first;
    return own;
}
