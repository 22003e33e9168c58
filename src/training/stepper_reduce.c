/* Sums of the gradient over the ranks, and gathering what each rank holds a part of. */
#include "stepper_internal.h"

void stepper_start_buckets(qctx_stepper *stepper, int64_t from)
{
    stepper_buckets *buckets = &stepper->buckets;

    while (buckets->started < buckets->count && stepper_bucket(stepper, buckets->started).first >= from) {
        int64_t bucket = buckets->started++;

        buckets->under_way[bucket] = qctx_comm_start_sum_parts(
            stepper->comm, stepper->gradient + stepper_bucket(stepper, bucket).first, stepper_parts(stepper, bucket));
    }
}

/* Where the sums follow the leaves' tree, every rank gets all of them, and the norm is taken alike everywhere. */
static double finish_leaves(qctx_stepper *stepper)
{
    qctx_comm_tree_sum_float(stepper->comm, stepper->gradient, stepper->head_count);
    return qctx_square_sum(stepper->gradient, stepper->head_count);
}

double stepper_finish_gradient(qctx_stepper *stepper)
{
    stepper_buckets *buckets = &stepper->buckets;
    double squares = 0.0;

    if (stepper->invariant)
        return finish_leaves(stepper);
    for (int64_t bucket = 0; bucket < buckets->count; bucket++) {
        stepper_range own = stepper_own_part(stepper, bucket);

        qctx_exchange_wait(&buckets->under_way[bucket]);
        squares += qctx_square_sum(stepper->gradient + own.first, own.count);
    }
    buckets->started = 0;
    qctx_comm_sum_double(stepper->comm, &squares, 1);
    return squares;
}

void stepper_start_gather(qctx_stepper *stepper, float *values, int64_t bucket)
{
    stepper->buckets.under_way[bucket] = qctx_comm_start_gather_parts(
        stepper->comm, values + stepper_bucket(stepper, bucket).first, stepper_parts(stepper, bucket), sizeof *values);
}

void stepper_wait(qctx_stepper *stepper)
{
    for (int64_t bucket = 0; bucket < stepper->buckets.count; bucket++)
        qctx_exchange_wait(&stepper->buckets.under_way[bucket]);
}

static void gather_all(qctx_stepper *stepper, float *values)
{
    for (int64_t bucket = 0; bucket < stepper->buckets.count; bucket++)
        stepper_start_gather(stepper, values, bucket);
    stepper_wait(stepper);
}

void qctx_stepper_complete(qctx_stepper *stepper)
{
    if (!stepper->plan->split_step)
        return;
    gather_all(stepper, stepper->state.first);
    gather_all(stepper, stepper->state.second);
}
