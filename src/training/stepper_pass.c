/* This rank's rows of a batch, unit by unit: which contexts are taken, the vectors gathered, the way through the head
 * and back. */
#include <string.h>

#include "qctx/base/bfloat16.h"
#include "qctx/base/order.h"
#include "qctx/base/rng.h"
#include "stepper_internal.h"

/* Rows of a part that form unit `unit`, counted from its first. */
static stepper_range unit_of(const qctx_stepper *stepper, const stepper_part *part, int64_t unit)
{
    stepper_range range = {0};

    if (part->rows == 0)
        return range;
    if (stepper->leaf_sum != NULL && part == &stepper->parts[STEPPER_SCORED]) {
        range.first = stepper->lists.starts[unit];
        range.count = stepper->lists.starts[unit + 1] - range.first;
        return range;
    }
    if (stepper->leaf_sum != NULL) {
        qctx_share(part->all, stepper->first_leaf + unit, stepper->plan->leaves, &range.first, &range.count);
        range.first -= part->first;
        return range;
    }
    range.first = unit * part->unit_rows;
    range.count = qctx_smaller(part->unit_rows, part->rows - range.first);
    return range;
}

int64_t stepper_choice(const qctx_stepper *stepper, int64_t example, int64_t epoch)
{
    const qctx_examples *examples = stepper->loader->examples;
    const int64_t first = examples->offsets[example], count = qctx_examples_pairs(examples, example);

    return first + (int64_t)qctx_rng_below((uint64_t)count, (uint64_t)stepper->config->run.seed, QCTX_STREAM_POSITIVE,
                                           (uint64_t)epoch, (uint64_t)example);
}

void stepper_choose(qctx_stepper *stepper, const int64_t *batch, int64_t epoch)
{
    const qctx_examples *examples = stepper->loader->examples;

    stepper->examples = batch + stepper->first_row;
    for (int p = 0; p < STEPPER_PARTS; p++)
        stepper->parts[p].loaded = -1;
    for (int64_t i = 0; i < stepper->sizes.rows; i++) {
        int64_t example = stepper->examples[i];
        int64_t first = examples->offsets[example], count = examples->offsets[example + 1] - first;
        int64_t at = stepper->positive_offsets[i];

        stepper->chosen[i] = stepper_choice(stepper, example, epoch);
        stepper->content[i] = examples->content[stepper->chosen[i]];
        memcpy(stepper->positives + at, examples->content + first, (size_t)count * sizeof *stepper->positives);
        stepper->positive_offsets[i + 1] = at + count;
    }
}

/* Extras are not told of: nearly all negatives are read in every step, so that they are in memory or never stay there.
 */
void qctx_stepper_prefetch(qctx_stepper *stepper, const int64_t *batch, int64_t epoch)
{
    const int64_t *examples = batch + stepper->first_row;

    for (int64_t i = 0; i < stepper->sizes.rows; i++)
        stepper->prefetched[i] = stepper_choice(stepper, examples[i], epoch);
    stepper->loader->prefetch(stepper->loader, examples, stepper->prefetched, stepper->sizes.rows);
}

static void gather(const qctx_stepper *stepper, const stepper_part *part, int64_t first, int64_t count, float *out)
{
    const qctx_loader *loader = stepper->loader;

    if (part == &stepper->parts[STEPPER_EXTRAS])
        loader->gather_contexts(loader, stepper->own + first, count, out);
    else if (part == &stepper->parts[STEPPER_SCORED])
        loader->gather_contexts(loader, stepper->lists.rows + first, count, out);
    else
        loader->gather(loader, part->side, stepper->examples + first, stepper->chosen + first, count, out);
}

/* Rows first … first + count − 1 in bfloat16: by stages that stay in the cache. */
static void gather_rounded(const qctx_stepper *stepper, const stepper_part *part, int64_t first, int64_t count,
                           qctx_bfloat16 *out)
{
    int64_t width = stepper->head->input;

    for (int64_t done = 0; done < count; done += STEPPER_STAGE) {
        int64_t length = qctx_smaller(STEPPER_STAGE, count - done);

        gather(stepper, part, first + done, length, stepper->stage);
        qctx_to_bfloat16_array(stepper->stage, length * width, out + done * width);
    }
}

/* Gathers the encoder's rows of one unit, if they are not there already. */
static void load_unit(qctx_stepper *stepper, stepper_part *part, int64_t unit)
{
    stepper_range range = unit_of(stepper, part, unit);

    if (part->loaded == unit)
        return;
    part->loaded = unit;
    /* A side without MLP is what the encoder gave. */
    if (!qctx_head_has_side(stepper->head, part->side))
        gather(stepper, part, range.first, range.count, part->projected + range.first * stepper->head->output);
    else if (stepper->plan->precision == QCTX_PRECISION_BFLOAT16)
        gather_rounded(stepper, part, range.first, range.count, part->encoded);
    else
        gather(stepper, part, range.first, range.count, part->encoded);
}

/* Where a unit's activations are in the tape. */
static int64_t tape_row(const qctx_stepper *stepper, const stepper_part *part, stepper_range range)
{
    return stepper->sizes.keeps ? part->tape_at + range.first : 0;
}

/* One unit of a part, whose rows are loaded; without `y` only what the backward pass needs. */
static void forward_unit(qctx_stepper *stepper, const stepper_part *part, int64_t unit, int64_t step, float *y)
{
    stepper_range range = unit_of(stepper, part, unit);
    const qctx_dropout_key key = {(uint64_t)step, part->row_ids + range.first};

    qctx_head_forward(stepper->head, stepper->parameters, part->side, 1.0, part->encoded, range.count, &key,
                      stepper->tape, tape_row(stepper, part, range), y);
}

void stepper_project(qctx_stepper *stepper, stepper_part *part, int64_t step)
{
    for (int64_t unit = 0; unit < part->units; unit++) {
        float *y = part->projected + unit_of(stepper, part, unit).first * stepper->head->output;

        load_unit(stepper, part, unit);
        qctx_timers_end(stepper->timers, QCTX_TIMER_LOAD);
        if (qctx_head_has_side(stepper->head, part->side))
            forward_unit(stepper, part, unit, step, y);
        stepper_recover(stepper, part, unit_of(stepper, part, unit).first, unit_of(stepper, part, unit).count);
        qctx_timers_end(stepper->timers, QCTX_TIMER_FORWARD);
    }
}

static void backward_unit(qctx_stepper *stepper, stepper_part *part, int64_t unit, int64_t step,
                          const qctx_head_gradient *gradient)
{
    stepper_range range = unit_of(stepper, part, unit);

    if (!qctx_head_has_side(stepper->head, part->side))
        return;
    qctx_timers_end(stepper->timers, QCTX_TIMER_BACKWARD);
    load_unit(stepper, part, unit);
    qctx_timers_end(stepper->timers, QCTX_TIMER_LOAD);
    if (!stepper->sizes.keeps)
        forward_unit(stepper, part, unit, step, NULL);
    qctx_head_backward(stepper->head, stepper->parameters, part->side, part->encoded,
                       part->projected + range.first * stepper->head->output, range.count, stepper->tape,
                       tape_row(stepper, part, range), gradient);
}

static void settle(void *context, int64_t from)
{
    stepper_start_buckets(context, from);
}

/* The contexts first: where they have an MLP of their own, it is the upper one, and what is settled grows downwards. */
static const int backwards[STEPPER_PARTS] = {STEPPER_CONTEXTS, STEPPER_EXTRAS, STEPPER_SCORED, STEPPER_QUESTIONS};

/* Whether a part's gradient comes on top of another's: that of further contexts does, and of questions in a shared
 * head. */
static bool adds(const qctx_stepper *stepper, int part)
{
    return part == STEPPER_EXTRAS || part == STEPPER_SCORED ||
           (part == STEPPER_QUESTIONS && stepper->head->sides == QCTX_SIDES_SHARED);
}

/* Whether none comes on top of it. */
static bool ends(const qctx_stepper *stepper, int part)
{
    int last = STEPPER_CONTEXTS;

    for (int further = STEPPER_EXTRAS; further <= STEPPER_SCORED; further++)
        if (stepper->parts[further].units > 0)
            last = further;
    return part == STEPPER_QUESTIONS || (stepper->head->sides != QCTX_SIDES_SHARED && part == last);
}

static void back_propagate_units(qctx_stepper *stepper, int64_t step)
{
    for (int k = 0; k < STEPPER_PARTS; k++) {
        stepper_part *part = &stepper->parts[backwards[k]];

        for (int64_t unit = 0; unit < part->units; unit++) {
            bool is_last = unit == part->units - 1 && ends(stepper, backwards[k]);
            const qctx_head_gradient gradient = {.values = stepper->gradient,
                                                 .add = unit > 0 || adds(stepper, backwards[k]),
                                                 .settled = is_last ? settle : NULL,
                                                 .context = stepper};

            backward_unit(stepper, part, unit, step, &gradient);
        }
    }
}

/* Each leaf's gradient of all parts is one vector of the tree. */
static void back_propagate_leaves(qctx_stepper *stepper, int64_t step)
{
    qctx_tree_sum_reset(stepper->leaf_sum);
    for (int64_t unit = 0; unit < stepper->parts[STEPPER_QUESTIONS].units; unit++) {
        for (int k = 0; k < STEPPER_PARTS; k++) {
            stepper_part *part = &stepper->parts[backwards[k]];
            const qctx_head_gradient gradient = {.values = qctx_tree_sum_leaf(stepper->leaf_sum),
                                                 .add = adds(stepper, backwards[k])};

            if (unit < part->units)
                backward_unit(stepper, part, unit, step, &gradient);
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

double qctx_stepper_flops(const qctx_head_config *head, const qctx_plan *plan, int64_t rows, int64_t extras)
{
    double total = 0.0;

    for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++)
        for (int64_t l = 0; l < head->layers && qctx_head_has_side(head, side); l++) {
            double in = (double)(l == 0 ? head->input : head->hidden);
            double out = (double)(l == head->layers - 1 ? head->output : head->hidden);
            /* Forward and the weights' gradient, the gradient below, and the forward pass that is repeated. */
            double products = 2.0 + (l > 0) + (plan->micro_rows < rows + extras && l < head->layers - 1);
            int64_t through = side == QCTX_CONTEXT ? rows + extras : rows;

            total += 2.0 * (double)through * in * out * products;
        }
    return total;
}
