/* The optimiser's step, of all parameters or of this rank's parts. */
#include <math.h>

#include "stepper_internal.h"

static void step_range(qctx_stepper *stepper, double rate, double scale, stepper_range range)
{
    qctx_optimizer_step(&stepper->optimizer, &stepper->state, rate, scale, range.first, range.count, stepper->decays,
                        stepper->gradient, stepper->parameters);
}

/* Each rank steps its parts, which set out to the others one by one. */
static void step_parts(qctx_stepper *stepper, double rate, double scale)
{
    for (int64_t bucket = 0; bucket < stepper->buckets.count; bucket++) {
        step_range(stepper, rate, scale, stepper_own_part(stepper, bucket));
        stepper_start_gather(stepper, stepper->parameters, bucket);
        qctx_comm_progress();
    }
    stepper_wait(stepper);
}

/* Every rank steps everything, as soon as it has the gradient of a bucket. */
static void step_all(qctx_stepper *stepper, double rate, double scale)
{
    for (int64_t bucket = 0; bucket < stepper->buckets.count && !stepper->invariant; bucket++)
        stepper_start_gather(stepper, stepper->gradient, bucket);
    for (int64_t bucket = 0; bucket < stepper->buckets.count; bucket++) {
        qctx_exchange_wait(&stepper->buckets.under_way[bucket]);
        step_range(stepper, rate, scale, stepper_bucket(stepper, bucket));
    }
}

static void keep_scale_bounded(qctx_stepper *stepper)
{
    float *log_scale = &stepper->parameters[stepper->head_count];
    float most = (float)log(stepper->config->loss.logit_scale.max);

    *log_scale = *log_scale > most ? most : *log_scale;
}

void stepper_update(qctx_stepper *stepper, double rate, double scale)
{
    stepper->state.steps++;
    step_range(stepper, rate, scale, (stepper_range){stepper->head_count, stepper->scalar_count});
    keep_scale_bounded(stepper);
    if (stepper->plan->split_step)
        step_parts(stepper, rate, scale);
    else
        step_all(stepper, rate, scale);
}
