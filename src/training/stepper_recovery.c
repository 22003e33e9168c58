/*
 * loss.recovery, the recovery loss of Search-Adaptor (Yoon et al. 2023): λ · the mean of ‖y/|y| − x/|x|‖² over the rows
 * of the batch, of each side that the head projects, x being what the encoder gave. A row's part is its own: nothing is
 * summed over rows or ranks, so that it has the same bits in every scheme and on any number of ranks.
 */
#include <math.h>

#include "qctx/base/bfloat16.h"
#include "stepper_internal.h"

/* Row `row` of a unit as float32. */
static const float *encoded_row(const qctx_stepper *stepper, const stepper_part *part, int64_t row, float *widened)
{
    const int64_t width = stepper->head->input;

    if (stepper->plan->precision != QCTX_PRECISION_BFLOAT16)
        return (const float *)part->encoded + row * width;
    for (int64_t k = 0; k < width; k++)
        widened[k] = qctx_from_bfloat16(((const qctx_bfloat16 *)part->encoded)[row * width + k]);
    return widened;
}

/*
 * ‖y/|y| − x/|x|‖² is 2 − 2·cos; its derivative by y is −2·(x/|x| − cos·y/|y|)/|y|. A row of zeros has no direction to
 * leave, and none is asked of it.
 */
static void recover_row(const float *x, const float *y, int64_t width, double weight, float *gradient)
{
    double xx = 0.0, xy = 0.0, yy = 0.0, by_x, by_y;

    for (int64_t k = 0; k < width; k++) {
        xx += (double)x[k] * x[k];
        xy += (double)x[k] * y[k];
        yy += (double)y[k] * y[k];
    }
    by_x = xx > 0.0 && yy > 0.0 ? -2.0 * weight / sqrt(xx * yy) : 0.0;
    by_y = by_x < 0.0 ? -by_x * xy / yy : 0.0;
    for (int64_t k = 0; k < width; k++)
        gradient[k] = (float)(by_x * x[k] + by_y * y[k]);
}

void stepper_recover(qctx_stepper *stepper, const stepper_part *part, int64_t first, int64_t count)
{
    const int64_t width = stepper->head->output;
    const int sides =
        qctx_head_has_side(stepper->head, QCTX_QUESTION) + qctx_head_has_side(stepper->head, QCTX_CONTEXT);
    const double weight = stepper->config->loss.recovery / (double)(sides * stepper->config->batch.size);

    if (part->recovered == NULL)
        return;
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < count; i++)
        recover_row(encoded_row(stepper, part, i, part->recovered + (first + i) * width),
                    part->projected + (first + i) * width, width, weight, part->recovered + (first + i) * width);
}

void stepper_add_recovered(qctx_stepper *stepper)
{
    static const int parts[] = {STEPPER_QUESTIONS, STEPPER_CONTEXTS};

    for (int p = 0; p < 2; p++) {
        const stepper_part *part = &stepper->parts[parts[p]];

        if (part->recovered == NULL)
            continue;
#pragma omp parallel for schedule(static)
        for (int64_t k = 0; k < part->rows * stepper->head->output; k++)
            part->projected[k] += part->recovered[k];
    }
}
