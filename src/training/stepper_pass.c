/* This rank's rows of a batch, unit by unit: which contexts are taken, the vectors gathered, the way through the head
 * and back. */
#include <string.h>

#include "qctx/base/bfloat16.h"
#include "qctx/base/order.h"
#include "qctx/base/rng.h"
#include "stepper_internal.h"

/* Rows of this rank that form unit `unit`, counted from its first. */
static stepper_range unit_of(const qctx_stepper *stepper, int64_t unit)
{
    stepper_range range = {0};

    if (stepper->sizes.rows == 0)
        return range;
    if (stepper->leaf_sum != NULL) {
        qctx_share(stepper->config->batch.size, stepper->first_leaf + unit, stepper->plan->leaves, &range.first,
                   &range.count);
        range.first -= stepper->first_row;
        return range;
    }
    range.first = unit * stepper->sizes.unit_rows;
    range.count = qctx_smaller(stepper->sizes.unit_rows, stepper->sizes.rows - range.first);
    return range;
}

/* Which of an example's contexts an epoch takes, as a place in examples->contexts. */
static int64_t choose(const qctx_stepper *stepper, int64_t example, int64_t epoch)
{
    const qctx_examples *examples = stepper->loader->examples;
    const int64_t first = examples->offsets[example];
    const int64_t count = examples->pairs != NULL ? examples->pairs[example] : examples->offsets[example + 1] - first;

    return first + (int64_t)qctx_rng_below((uint64_t)count, (uint64_t)stepper->config->run.seed, QCTX_STREAM_POSITIVE,
                                           (uint64_t)epoch, (uint64_t)example);
}

void stepper_choose(qctx_stepper *stepper, const int64_t *batch, int64_t epoch)
{
    const qctx_examples *examples = stepper->loader->examples;

    stepper->examples = batch + stepper->first_row;
    stepper->sides[QCTX_QUESTION].loaded = stepper->sides[QCTX_CONTEXT].loaded = -1;
    for (int64_t i = 0; i < stepper->sizes.rows; i++) {
        int64_t example = stepper->examples[i];
        int64_t first = examples->offsets[example], count = examples->offsets[example + 1] - first;
        int64_t at = stepper->positive_offsets[i];

        stepper->chosen[i] = choose(stepper, example, epoch);
        stepper->content[i] = examples->content[stepper->chosen[i]];
        memcpy(stepper->positives + at, examples->content + first, (size_t)count * sizeof *stepper->positives);
        stepper->positive_offsets[i + 1] = at + count;
    }
}

void qctx_stepper_prefetch(qctx_stepper *stepper, const int64_t *batch, int64_t epoch)
{
    const int64_t *examples = batch + stepper->first_row;

    for (int64_t i = 0; i < stepper->sizes.rows; i++)
        stepper->prefetched[i] = choose(stepper, examples[i], epoch);
    stepper->loader->prefetch(stepper->loader, examples, stepper->prefetched, stepper->sizes.rows);
}

static void gather(const qctx_stepper *stepper, qctx_side side, int64_t first, int64_t count, float *out)
{
    stepper->loader->gather(stepper->loader, side, stepper->examples + first, stepper->chosen + first, count, out);
}

/* Rows first … first + count − 1 in bfloat16: by stages that stay in the cache. */
static void gather_rounded(const qctx_stepper *stepper, qctx_side side, int64_t first, int64_t count,
                           qctx_bfloat16 *out)
{
    int64_t width = stepper->head->input;

    for (int64_t done = 0; done < count; done += STEPPER_STAGE) {
        int64_t length = qctx_smaller(STEPPER_STAGE, count - done);

        gather(stepper, side, first + done, length, stepper->stage);
        qctx_to_bfloat16_array(stepper->stage, length * width, out + done * width);
    }
}

/* Gathers the encoder's rows of one unit, if they are not there already. */
static void load_unit(qctx_stepper *stepper, qctx_side side, int64_t unit)
{
    stepper_range range = unit_of(stepper, unit);
    stepper_side *of = &stepper->sides[side];

    if (of->loaded == unit)
        return;
    of->loaded = unit;
    /* A side without MLP is what the encoder gave. */
    if (!qctx_head_has_side(stepper->head, side))
        gather(stepper, side, range.first, range.count, of->projected + range.first * stepper->head->output);
    else if (stepper->plan->precision == QCTX_PRECISION_BFLOAT16)
        gather_rounded(stepper, side, range.first, range.count, of->encoded);
    else
        gather(stepper, side, range.first, range.count, of->encoded);
}

/* One unit of a side, whose rows are loaded; without `y` only what the backward pass needs. */
static void forward_unit(qctx_stepper *stepper, qctx_side side, int64_t unit, int64_t step, float *y)
{
    stepper_range range = unit_of(stepper, unit);
    const qctx_dropout_key key = {(uint64_t)step, stepper->row_ids + range.first};

    qctx_head_forward(stepper->head, stepper->parameters, side, 1.0, stepper->sides[side].encoded, range.count, &key,
                      stepper->tape, stepper->sizes.keeps ? range.first : 0, y);
}

void stepper_project(qctx_stepper *stepper, qctx_side side, int64_t step)
{
    for (int64_t unit = 0; unit < stepper->units; unit++) {
        float *y = stepper->sides[side].projected + unit_of(stepper, unit).first * stepper->head->output;

        load_unit(stepper, side, unit);
        qctx_timers_end(stepper->timers, QCTX_TIMER_LOAD);
        if (qctx_head_has_side(stepper->head, side))
            forward_unit(stepper, side, unit, step, y);
        qctx_timers_end(stepper->timers, QCTX_TIMER_FORWARD);
    }
}

static void backward_unit(qctx_stepper *stepper, qctx_side side, int64_t unit, int64_t step,
                          const qctx_head_gradient *gradient)
{
    stepper_range range = unit_of(stepper, unit);
    const stepper_side *of = &stepper->sides[side];

    if (!qctx_head_has_side(stepper->head, side))
        return;
    qctx_timers_end(stepper->timers, QCTX_TIMER_BACKWARD);
    load_unit(stepper, side, unit);
    qctx_timers_end(stepper->timers, QCTX_TIMER_LOAD);
    if (!stepper->sizes.keeps)
        forward_unit(stepper, side, unit, step, NULL);
    qctx_head_backward(stepper->head, stepper->parameters, side, of->encoded,
                       of->projected + range.first * stepper->head->output, range.count, stepper->tape,
                       stepper->sizes.keeps ? range.first : 0, gradient);
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
