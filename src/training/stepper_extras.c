/* Contexts that a step has beside those of its batch: which, and whose they are. */
#include "qctx/base/order.h"
#include "stepper_internal.h"

/* What the batch has as somebody's context stands there already. */
static void sort_paired(qctx_stepper *stepper, const int64_t *batch, int64_t epoch)
{
    const int64_t size = stepper->config->batch.size;

    for (int64_t i = 0; i < size; i++)
        stepper->paired[i] = stepper->loader->examples->content[stepper_choice(stepper, batch[i], epoch)];
    qctx_sort_numbers(stepper->paired, size);
}

/* Places in the negatives of those that join, in their order; returns how many. */
static int64_t list_joining(qctx_stepper *stepper)
{
    const qctx_negatives *negatives = stepper->loader->negatives;
    int64_t count = 0;

    for (int64_t k = 0; k < negatives->count; k++)
        if (!qctx_sorted_has(stepper->paired, stepper->config->batch.size, negatives->list[k].content))
            stepper->joining[count++] = k;
    return count;
}

void stepper_choose_extras(qctx_stepper *stepper, const int64_t *batch, int64_t epoch)
{
    const int64_t rows = stepper->sizes.rows;
    stepper_part *part = &stepper->parts[STEPPER_EXTRAS];

    if (stepper->loader->negatives == NULL)
        return;
    sort_paired(stepper, batch, epoch);
    part->all = list_joining(stepper);
    qctx_plan_rows(stepper->comm, stepper->plan, part->all, &part->first, &part->rows);
    for (int64_t i = 0; i < part->rows; i++) {
        stepper->own[i] = stepper->loader->negatives->list[stepper->joining[part->first + i]];
        stepper->content[rows + i] = stepper->own[i].content;
        part->row_ids[i] = stepper->config->batch.size + part->first + i;
    }
    if (stepper->leaf_sum == NULL)
        part->units = part->rows == 0 ? 1 : qctx_divide_up(part->rows, part->unit_rows);
}
