/* The gradient summed over the ranks, bucket by bucket, and the optimiser's step, of all parameters or of this rank's
 * parts. */
#include <math.h>

#include "qctx/base/order.h"
#include "stepper_internal.h"

stepper_range stepper_bucket(const qctx_stepper *stepper, int64_t bucket)
{
    int64_t end = stepper->sizes.head_count - bucket * stepper->sizes.bucket_length;
    int64_t first = end > stepper->sizes.bucket_length ? end - stepper->sizes.bucket_length : 0;

    return (stepper_range){first, end - first};
}

/* What of a bucket falls to each rank. */
static const int64_t *parts_of(const qctx_stepper *stepper, int64_t bucket)
{
    return bucket == stepper->sizes.buckets - 1 ? stepper->buckets.last_parts : stepper->buckets.parts;
}

/* What of a bucket falls to this rank. */
static stepper_range own_part(const qctx_stepper *stepper, int64_t bucket)
{
    stepper_range whole = stepper_bucket(stepper, bucket), own;

    qctx_share(whole.count, qctx_comm_rank(stepper->comm), qctx_comm_size(stepper->comm), &own.first, &own.count);
    own.first += whole.first;
    return own;
}

void stepper_start_buckets(qctx_stepper *stepper, int64_t from)
{
    stepper_buckets *buckets = &stepper->buckets;

    while (buckets->started < stepper->sizes.buckets && stepper_bucket(stepper, buckets->started).first >= from) {
        int64_t bucket = buckets->started++;

        buckets->under_way[bucket] = qctx_comm_start_sum_parts(
            stepper->comm, stepper->gradient + stepper_bucket(stepper, bucket).first, parts_of(stepper, bucket));
    }
}

/* Where the sums follow the leaves' tree, every rank gets all of them, and the norm is taken alike everywhere. */
static double finish_leaves(qctx_stepper *stepper)
{
    qctx_comm_tree_sum_float(stepper->comm, stepper->gradient, stepper->sizes.head_count);
    return qctx_square_sum(stepper->gradient, stepper->sizes.head_count);
}

double stepper_finish_gradient(qctx_stepper *stepper)
{
    stepper_buckets *buckets = &stepper->buckets;
    double squares = 0.0;

    if (stepper->invariant)
        return finish_leaves(stepper);
    for (int64_t bucket = 0; bucket < stepper->sizes.buckets; bucket++) {
        stepper_range own = own_part(stepper, bucket);

        qctx_exchange_wait(&buckets->under_way[bucket]);
        squares += qctx_square_sum(stepper->gradient + own.first, own.count);
    }
    buckets->started = 0;
    qctx_comm_sum_double(stepper->comm, &squares, 1);
    return squares;
}

static void start_gather(qctx_stepper *stepper, float *values, int64_t bucket)
{
    stepper->buckets.under_way[bucket] = qctx_comm_start_gather_parts(
        stepper->comm, values + stepper_bucket(stepper, bucket).first, parts_of(stepper, bucket), sizeof *values);
}

static void wait_all(qctx_stepper *stepper)
{
    for (int64_t bucket = 0; bucket < stepper->sizes.buckets; bucket++)
        qctx_exchange_wait(&stepper->buckets.under_way[bucket]);
}

static void gather_all(qctx_stepper *stepper, float *values)
{
    for (int64_t bucket = 0; bucket < stepper->sizes.buckets; bucket++)
        start_gather(stepper, values, bucket);
    wait_all(stepper);
}

void qctx_stepper_complete(qctx_stepper *stepper)
{
    if (!stepper->plan->split_step)
        return;
    gather_all(stepper, stepper->state.first);
    gather_all(stepper, stepper->state.second);
}

static void step_range(qctx_stepper *stepper, double rate, double scale, stepper_range range)
{
    qctx_optimizer_step(&stepper->optimizer, &stepper->state, rate, scale, range.first, range.count, stepper->decays,
                        stepper->gradient, stepper->parameters);
}

/* Each rank steps its parts, which set out to the others one by one. */
static void step_parts(qctx_stepper *stepper, double rate, double scale)
{
    for (int64_t bucket = 0; bucket < stepper->sizes.buckets; bucket++) {
        step_range(stepper, rate, scale, own_part(stepper, bucket));
        start_gather(stepper, stepper->parameters, bucket);
        qctx_comm_progress();
    }
    wait_all(stepper);
}

/* Every rank steps everything, as soon as it has the gradient of a bucket. */
static void step_all(qctx_stepper *stepper, double rate, double scale)
{
    for (int64_t bucket = 0; bucket < stepper->sizes.buckets && !stepper->invariant; bucket++)
        start_gather(stepper, stepper->gradient, bucket);
    for (int64_t bucket = 0; bucket < stepper->sizes.buckets; bucket++) {
        qctx_exchange_wait(&stepper->buckets.under_way[bucket]);
        step_range(stepper, rate, scale, stepper_bucket(stepper, bucket));
    }
}

static void keep_scale_bounded(qctx_stepper *stepper)
{
    float *log_scale = &stepper->parameters[stepper->sizes.head_count];
    float most = (float)log(stepper->config->loss.logit_scale.max);

    *log_scale = *log_scale > most ? most : *log_scale;
}

void stepper_update(qctx_stepper *stepper, double rate, double scale)
{
    stepper->state.steps++;
    step_range(stepper, rate, scale, (stepper_range){stepper->sizes.head_count, stepper->sizes.scalar_count});
    keep_scale_bounded(stepper);
    if (stepper->plan->split_step)
        step_parts(stepper, rate, scale);
    else
        step_all(stepper, rate, scale);
}
