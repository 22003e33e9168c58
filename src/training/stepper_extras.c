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

/* What the places of stepper->joining are in. */
static const qctx_negatives *pool_of(const qctx_stepper *stepper)
{
    const qctx_loader *loader = stepper->loader;

    return loader->listed != NULL ? &loader->listed->pool : loader->negatives;
}

/* All negatives; returns how many. */
static int64_t list_all(qctx_stepper *stepper)
{
    const int64_t count = stepper->loader->negatives->count;

    for (int64_t k = 0; k < count; k++)
        stepper->joining[k] = k;
    return count;
}

/* Those that the batch's questions list, each once and in the order of the pool; returns how many. */
static int64_t list_of_questions(qctx_stepper *stepper, const int64_t *batch)
{
    const qctx_listed_negatives *listed = stepper->loader->listed;
    int64_t count = 0;

    for (int64_t i = 0; i < stepper->config->batch.size; i++)
        for (int64_t k = listed->offsets[batch[i]]; k < listed->offsets[batch[i] + 1]; k++)
            stepper->joining[count++] = listed->places[k];
    return qctx_sort_unique(stepper->joining, count);
}

/* Leaves out of `count` places those of contexts that are paired; returns how many join. */
static int64_t drop_paired(qctx_stepper *stepper, int64_t count)
{
    const qctx_negatives *pool = pool_of(stepper);
    int64_t kept = 0;

    for (int64_t k = 0; k < count; k++)
        if (!qctx_sorted_has(stepper->paired, stepper->config->batch.size, pool->list[stepper->joining[k]].content))
            stepper->joining[kept++] = stepper->joining[k];
    return kept;
}

void stepper_choose_extras(qctx_stepper *stepper, const int64_t *batch, int64_t epoch)
{
    const int64_t rows = stepper->sizes.rows;
    stepper_part *part = &stepper->parts[STEPPER_EXTRAS];

    if (stepper->sizes.all_extras == 0)
        return;
    sort_paired(stepper, batch, epoch);
    part->all =
        drop_paired(stepper, stepper->loader->listed != NULL ? list_of_questions(stepper, batch) : list_all(stepper));
    qctx_plan_rows(stepper->comm, stepper->plan, part->all, &part->first, &part->rows);
    for (int64_t i = 0; i < part->rows; i++) {
        stepper->own[i] = pool_of(stepper)->list[stepper->joining[part->first + i]];
        stepper->content[rows + i] = stepper->own[i].content;
        part->row_ids[i] = stepper->config->batch.size + part->first + i;
    }
    if (stepper->leaf_sum == NULL)
        part->units = part->rows == 0 ? 1 : qctx_divide_up(part->rows, part->unit_rows);
}
