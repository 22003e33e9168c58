/* What a teacher says of this rank's questions: which contexts go through the head for it, and the loss. */
#include <math.h>
#include <string.h>

#include "qctx/base/buffers.h"
#include "qctx/base/order.h"
#include "stepper_internal.h"

enum { LOSS, SLOPE, SUMS };

qctx_plan_lists stepper_lists_of(const qctx_loader *loader)
{
    const qctx_teacher *teacher = loader->teacher;

    if (teacher == NULL)
        return (qctx_plan_lists){0};
    return (qctx_plan_lists){teacher->longest, teacher->lists.pool.count};
}

/* The arrays for a teacher's lists, from the sizes. */
static qctx_buffers buffers_of(qctx_stepper *stepper)
{
    const stepper_sizes *sizes = &stepper->sizes;
    stepper_distill *lists = &stepper->lists;
    stepper_part *part = &stepper->parts[STEPPER_SCORED];
    const int64_t entries = sizes->rows * sizes->lists.longest, output = stepper->head->output;
    const int64_t groups = qctx_larger(sizes->leaves, 1);
    const bool projects = qctx_head_has_side(stepper->head, QCTX_CONTEXT);
    const char *what = "the contexts that a teacher scored";

    return (qctx_buffers){{
        {&lists->starts, groups + 1, sizeof *lists->starts, what},
        {&lists->slots, sizes->lists.distinct, sizeof *lists->slots, what},
        {&lists->places, sizes->scored, sizeof *lists->places, what},
        {&lists->rows, sizes->scored, sizeof *lists->rows, what},
        {&lists->offsets, sizes->rows + 1, sizeof *lists->offsets, what},
        {&lists->contexts, entries, sizeof *lists->contexts, what},
        {&lists->scores, entries, sizeof *lists->scores, what},
        {&lists->roles, entries, sizeof *lists->roles, what},
        {&lists->gradient, sizes->rows * output, sizeof *lists->gradient, what},
        {&lists->sums, groups * SUMS, sizeof *lists->sums, what},
        {&part->row_ids, sizes->scored, sizeof *part->row_ids, what},
        {&part->projected, sizes->scored * output, sizeof *part->projected, what},
        {&part->encoded, projects ? sizes->scored_unit_rows * stepper->head->input : QCTX_BUFFER_NONE,
         (size_t)qctx_precision_bytes(stepper->plan->precision), what},
    }};
}

/* What goes into one call of the loss: a group of questions. */
static qctx_distill_size size_of(const qctx_stepper *stepper)
{
    const stepper_sizes *sizes = &stepper->sizes;
    const int64_t rows = sizes->leaves > 0 ? sizes->unit_rows : sizes->rows;

    return (qctx_distill_size){.rows = rows,
                               .entries = rows * sizes->lists.longest,
                               .contexts = qctx_smaller(rows * sizes->lists.longest, sizes->lists.distinct)};
}

qctx_status stepper_distill_create(qctx_stepper *stepper, qctx_error *error)
{
    const qctx_config *config = stepper->config;
    const qctx_distill_config distill = {.kind = config->loss.distill.kind,
                                         .normalize = config->loss.normalize,
                                         .temperature = config->loss.distill.temperature,
                                         .dim = stepper->head->output};
    qctx_buffers buffers = buffers_of(stepper);

    if (stepper->loader->teacher == NULL)
        return QCTX_OK;
    stepper->lists.groups = stepper->leaf_sum != NULL ? stepper->parts[STEPPER_QUESTIONS].units : 1;
    if (qctx_buffers_alloc(&buffers, error) != QCTX_OK)
        return QCTX_ERR_MEMORY;
    return qctx_distill_create(&distill, size_of(stepper), &stepper->lists.distill, error);
}

void stepper_distill_free(qctx_stepper *stepper)
{
    qctx_buffers buffers = buffers_of(stepper);

    qctx_buffers_free(&buffers);
    qctx_distill_destroy(stepper->lists.distill);
}

int64_t stepper_distill_memory(const qctx_stepper *stepper)
{
    qctx_stepper counted = *stepper;
    const qctx_buffers buffers = buffers_of(&counted);

    if (stepper->sizes.lists.longest == 0)
        return 0;
    return qctx_buffers_bytes(&buffers) + qctx_distill_memory(size_of(stepper));
}

/* This rank's questions of a group, counted from its first. */
static stepper_range questions_of(const qctx_stepper *stepper, int64_t group)
{
    const stepper_part *part = &stepper->parts[STEPPER_QUESTIONS];
    stepper_range range = {0, part->rows};

    if (stepper->leaf_sum != NULL) {
        qctx_share(part->all, stepper->first_leaf + group, stepper->plan->leaves, &range.first, &range.count);
        range.first -= part->first;
    }
    return range;
}

/* The row, in its group, of a context of the teacher, which joins the part if it does not stand there yet. */
static int64_t join(qctx_stepper *stepper, int64_t group, int64_t place)
{
    stepper_part *part = &stepper->parts[STEPPER_SCORED];
    stepper_distill *lists = &stepper->lists;
    const int64_t slot = lists->slots[place];

    if (slot >= lists->starts[group] && slot < part->rows && lists->places[slot] == place)
        return slot - lists->starts[group];
    lists->slots[place] = part->rows;
    lists->places[part->rows] = place;
    lists->rows[part->rows] = stepper->loader->teacher->lists.pool.list[place];
    /* By the context alone, so that it loses the same hidden units wherever it stands. */
    part->row_ids[part->rows] = stepper->config->batch.size + stepper->sizes.all_extras + place;
    return part->rows++ - lists->starts[group];
}

/* Appends the list of one of this rank's questions. */
static void add_list(qctx_stepper *stepper, int64_t group, int64_t question)
{
    const qctx_teacher *teacher = stepper->loader->teacher;
    const int64_t example = stepper->examples[question];
    stepper_distill *lists = &stepper->lists;
    int64_t end = lists->offsets[question];

    for (int64_t e = teacher->lists.offsets[example]; e < teacher->lists.offsets[example + 1]; e++, end++) {
        lists->contexts[end] = join(stepper, group, teacher->lists.places[e]);
        lists->scores[end] = teacher->scores[e];
        lists->roles[end] = teacher->roles[e];
    }
    lists->offsets[question + 1] = end;
}

void stepper_choose_scored(qctx_stepper *stepper)
{
    stepper_part *part = &stepper->parts[STEPPER_SCORED];

    if (stepper->loader->teacher == NULL)
        return;
    part->rows = 0;
    for (int64_t group = 0; group < stepper->lists.groups; group++) {
        const stepper_range questions = questions_of(stepper, group);

        stepper->lists.starts[group] = part->rows;
        for (int64_t i = questions.first; i < questions.first + questions.count; i++)
            add_list(stepper, group, i);
    }
    stepper->lists.starts[stepper->lists.groups] = part->rows;
    if (stepper->leaf_sum == NULL)
        part->units = part->rows == 0 ? 1 : qctx_divide_up(part->rows, part->unit_rows);
}

/* The loss of one group, and its gradient. */
static qctx_distill_sums distil_group(qctx_stepper *stepper, int64_t group, double scale)
{
    const stepper_distill *lists = &stepper->lists;
    const stepper_range questions = questions_of(stepper, group);
    const int64_t output = stepper->head->output;
    const qctx_distill_lists own = {.rows = questions.count,
                                    .offsets = lists->offsets + questions.first,
                                    .contexts = lists->contexts,
                                    .scores = lists->scores,
                                    .roles = lists->roles};

    return qctx_distill_step(lists->distill, stepper->parts[STEPPER_QUESTIONS].projected + questions.first * output,
                             stepper->parts[STEPPER_SCORED].projected + lists->starts[group] * output,
                             lists->starts[group + 1] - lists->starts[group], &own, scale,
                             stepper->config->loss.distill.weight / (double)stepper->config->batch.size,
                             lists->gradient + questions.first * output);
}

qctx_distill_sums stepper_distil(qctx_stepper *stepper, qctx_loss_scale scale)
{
    stepper_distill *lists = &stepper->lists;
    double *sums = lists->sums;

    if (stepper->loader->teacher == NULL)
        return (qctx_distill_sums){0};
    memset(sums, 0, SUMS * sizeof *sums);
    for (int64_t group = 0; group < lists->groups; group++) {
        const qctx_distill_sums own = distil_group(stepper, group, exp(scale.log_scale));

        sums[group * SUMS + LOSS] = own.loss / (double)stepper->config->batch.size;
        sums[group * SUMS + SLOPE] = own.dlog_scale;
    }
    qctx_tree_sum_rows(sums, lists->groups, SUMS, SUMS);
    if (stepper->invariant)
        qctx_comm_tree_sum_double(stepper->comm, sums, SUMS);
    else
        qctx_comm_sum_double(stepper->comm, sums, SUMS);
    return (qctx_distill_sums){.loss = sums[LOSS], .dlog_scale = sums[SLOPE]};
}

void stepper_add_distilled(qctx_stepper *stepper, const qctx_distill_sums *distilled, qctx_loss_result *outcome)
{
    const int64_t count = stepper->sizes.rows * stepper->head->output;
    float *gradient = stepper->parts[STEPPER_QUESTIONS].projected;

    if (stepper->loader->teacher == NULL)
        return;
#pragma omp parallel for schedule(static)
    for (int64_t k = 0; k < count; k++)
        gradient[k] += stepper->lists.gradient[k];
    outcome->dlog_scale += distilled->dlog_scale;
    outcome->finite = outcome->finite && isfinite(distilled->loss) && isfinite(distilled->dlog_scale);
}
