/* This rank's rows of a batch: which contexts are taken, and the vectors gathered. */
#include <string.h>

#include "qctx/base/bfloat16.h"
#include "qctx/base/order.h"
#include "qctx/base/rng.h"
#include "stepper_internal.h"

/* Which of an example's contexts an epoch takes, as a place in examples->contexts. */
static int64_t choose(const qctx_stepper *stepper, int64_t example, int64_t epoch)
{
    const qctx_examples *examples = stepper->loader->examples;
    int64_t first = examples->offsets[example], count = examples->offsets[example + 1] - first;

    return first + (int64_t)qctx_rng_below((uint64_t)count, (uint64_t)stepper->config->run.seed, QCTX_STREAM_POSITIVE,
                                           (uint64_t)epoch, (uint64_t)example);
}

void stepper_choose(qctx_stepper *stepper, const int64_t *batch, int64_t epoch)
{
    const qctx_examples *examples = stepper->loader->examples;

    stepper->examples = batch + stepper->first_row;
    stepper->sides[QCTX_QUESTION].loaded = stepper->sides[QCTX_CONTEXT].loaded = -1;
    for (int64_t i = 0; i < stepper->rows; i++) {
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

    for (int64_t i = 0; i < stepper->rows; i++)
        stepper->prefetched[i] = choose(stepper, examples[i], epoch);
    stepper->loader->prefetch(stepper->loader, examples, stepper->prefetched, stepper->rows);
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

void stepper_load(qctx_stepper *stepper, qctx_side side, int64_t unit)
{
    stepper_range range = stepper_unit(stepper, unit);
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
