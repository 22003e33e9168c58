/* This rank's rows through the head, forward and backward, unit by unit. */
#include "stepper_internal.h"

/* One unit of a side, whose rows are loaded; without `y` only what the backward pass needs. */
static void forward_unit(qctx_stepper *stepper, qctx_side side, int64_t unit, int64_t step, float *y)
{
    stepper_range range = stepper_unit(stepper, unit);
    const qctx_dropout_key key = {(uint64_t)step, stepper->row_ids + range.first};

    qctx_head_forward(stepper->head, stepper->parameters, side, 1.0, stepper->sides[side].encoded, range.count, &key,
                      stepper->tape, stepper->keeps ? range.first : 0, y);
}

void stepper_project(qctx_stepper *stepper, qctx_side side, int64_t step)
{
    for (int64_t unit = 0; unit < stepper->units; unit++) {
        float *y = stepper->sides[side].projected + stepper_unit(stepper, unit).first * stepper->head->output;

        stepper_load(stepper, side, unit);
        qctx_timers_end(stepper->timers, QCTX_TIMER_LOAD);
        if (qctx_head_has_side(stepper->head, side))
            forward_unit(stepper, side, unit, step, y);
        qctx_timers_end(stepper->timers, QCTX_TIMER_FORWARD);
    }
}

static void backward_unit(qctx_stepper *stepper, qctx_side side, int64_t unit, int64_t step,
                          const qctx_head_gradient *gradient)
{
    stepper_range range = stepper_unit(stepper, unit);
    const stepper_side *of = &stepper->sides[side];

    if (!qctx_head_has_side(stepper->head, side))
        return;
    qctx_timers_end(stepper->timers, QCTX_TIMER_BACKWARD);
    stepper_load(stepper, side, unit);
    qctx_timers_end(stepper->timers, QCTX_TIMER_LOAD);
    if (!stepper->keeps)
        forward_unit(stepper, side, unit, step, NULL);
    qctx_head_backward(stepper->head, stepper->parameters, side, of->encoded,
                       of->projected + range.first * stepper->head->output, range.count, stepper->tape,
                       stepper->keeps ? range.first : 0, gradient);
}

static void settle(void *context, int64_t from)
{
    stepper_start_buckets(context, from);
}

/* Whether the questions' gradient comes on top of the contexts'. */
static bool is_shared(const qctx_stepper *stepper)
{
    return stepper->head->sides == QCTX_SIDES_SHARED;
}

/* The contexts first: where they have an MLP of their own, it is the upper one, and what is settled grows downwards. */
static void back_propagate_units(qctx_stepper *stepper, int64_t step)
{
    for (qctx_side side = QCTX_SIDE_COUNT; side-- > 0;) {
        for (int64_t unit = 0; unit < stepper->units; unit++) {
            bool is_last = unit == stepper->units - 1 && !(is_shared(stepper) && side == QCTX_CONTEXT);
            const qctx_head_gradient gradient = {.values = stepper->gradient,
                                                 .add = unit > 0 || (is_shared(stepper) && side == QCTX_QUESTION),
                                                 .settled = is_last ? settle : NULL,
                                                 .context = stepper};

            backward_unit(stepper, side, unit, step, &gradient);
        }
    }
}

/* Each leaf's gradient of both sides is one vector of the tree. */
static void back_propagate_leaves(qctx_stepper *stepper, int64_t step)
{
    qctx_tree_sum_reset(stepper->leaf_sum);
    for (int64_t unit = 0; unit < stepper->units; unit++) {
        for (qctx_side side = QCTX_SIDE_COUNT; side-- > 0;) {
            const qctx_head_gradient gradient = {.values = qctx_tree_sum_leaf(stepper->leaf_sum),
                                                 .add = is_shared(stepper) && side == QCTX_QUESTION};

            backward_unit(stepper, side, unit, step, &gradient);
        }
        qctx_tree_sum_push(stepper->leaf_sum);
    }
    qctx_tree_sum_result(stepper->leaf_sum, stepper->gradient);
    if (!stepper->invariant)
        stepper_start_buckets(stepper, 0);
}

void stepper_back_propagate(qctx_stepper *stepper, int64_t step)
{
    if (stepper->leaf_sum != NULL)
        back_propagate_leaves(stepper, step);
    else
        back_propagate_units(stepper, step);
}
