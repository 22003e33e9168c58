/* The memory of a training step and what it starts from. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"
#include "qctx/base/order.h"
#include "stepper_internal.h"

static int64_t most_positives(const qctx_examples *examples)
{
    int64_t most = 0;

    for (int64_t i = 0; i < examples->count; i++) {
        int64_t count = examples->offsets[i + 1] - examples->offsets[i];

        most = count > most ? count : most;
    }
    return most;
}

static qctx_status allocate_batch(qctx_stepper *stepper, qctx_error *error)
{
    int64_t rows = stepper->rows;

    stepper->row_ids = qctx_alloc(rows, sizeof *stepper->row_ids, "a batch", error);
    stepper->chosen = qctx_alloc(rows, sizeof *stepper->chosen, "a batch", error);
    stepper->prefetched = qctx_alloc(rows, sizeof *stepper->prefetched, "a batch", error);
    stepper->content = qctx_alloc(rows, sizeof *stepper->content, "a batch", error);
    stepper->positive_offsets = qctx_alloc(rows + 1, sizeof *stepper->positive_offsets, "a batch", error);
    stepper->positives = qctx_alloc(rows * most_positives(stepper->loader->examples), sizeof *stepper->positives,
                                    "the right contexts of a batch", error);
    if (stepper->row_ids == NULL || stepper->chosen == NULL || stepper->prefetched == NULL ||
        stepper->content == NULL || stepper->positive_offsets == NULL || stepper->positives == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t i = 0; i < rows; i++)
        stepper->row_ids[i] = stepper->first_row + i;
    return QCTX_OK;
}

static qctx_status allocate_side(qctx_stepper *stepper, qctx_side side, const stepper_sizes *sizes, qctx_error *error)
{
    stepper_side *of = &stepper->sides[side];
    size_t operand_bytes = (size_t)qctx_precision_bytes(stepper->plan->precision);

    of->projected = qctx_alloc(sizes->projected, sizeof *of->projected, "projected rows of a batch", error);
    if (of->projected == NULL)
        return QCTX_ERR_MEMORY;
    if (!qctx_head_has_side(stepper->head, side))
        return QCTX_OK;
    of->encoded = qctx_alloc(sizes->encoded, operand_bytes, "encoded rows of a batch", error);
    return of->encoded == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
}

static qctx_status allocate_buckets(qctx_stepper *stepper, const stepper_sizes *sizes, qctx_error *error)
{
    stepper_buckets *buckets = &stepper->buckets;
    int ranks = qctx_comm_size(stepper->comm);

    buckets->length = sizes->bucket_length;
    buckets->count = sizes->buckets;
    buckets->parts = qctx_alloc(ranks, sizeof *buckets->parts, "the parts of a gradient", error);
    buckets->last_parts = qctx_alloc(ranks, sizeof *buckets->last_parts, "the parts of a gradient", error);
    buckets->under_way = qctx_alloc(buckets->count, sizeof *buckets->under_way, "the sums under way", error);
    if (buckets->parts == NULL || buckets->last_parts == NULL || buckets->under_way == NULL)
        return QCTX_ERR_MEMORY;
    for (int r = 0; r < ranks; r++) {
        int64_t first;

        qctx_share(buckets->length, r, ranks, &first, &buckets->parts[r]);
        qctx_share(stepper_bucket(stepper, buckets->count - 1).count, r, ranks, &first, &buckets->last_parts[r]);
    }
    return QCTX_OK;
}

static qctx_status allocate(qctx_stepper *stepper, const stepper_sizes *sizes, qctx_error *error)
{
    qctx_precision precision = stepper->plan->precision;
    qctx_status status;

    stepper->parameters = qctx_alloc(sizes->parameters, sizeof(float), "the parameters", error);
    stepper->gradient = qctx_alloc(sizes->parameters, sizeof(float), "the gradient", error);
    stepper->decays = qctx_alloc(sizes->parameters, 1, "the decay marks", error);
    stepper->stage = qctx_alloc(sizes->stage, sizeof(float), "rows to be rounded", error);
    if (stepper->parameters == NULL || stepper->gradient == NULL || stepper->decays == NULL || stepper->stage == NULL)
        return QCTX_ERR_MEMORY;
    status = allocate_batch(stepper, error);
    for (qctx_side side = 0; side < QCTX_SIDE_COUNT && status == QCTX_OK; side++)
        status = allocate_side(stepper, side, sizes, error);
    if (status == QCTX_OK)
        status = allocate_buckets(stepper, sizes, error);
    if (status == QCTX_OK)
        status =
            qctx_head_tape_create(stepper->head, precision, sizes->tape_rows, sizes->tape_sides, &stepper->tape, error);
    if (status == QCTX_OK && stepper->plan->leaves > 0)
        status = qctx_tree_sum_create(stepper->head_count, sizes->leaves, &stepper->leaf_sum, error);
    if (status == QCTX_OK)
        status = qctx_optimizer_state_create(sizes->parameters, &stepper->state, error);
    return status;
}

static qctx_status mark_decays(qctx_stepper *stepper, qctx_error *error)
{
    int64_t count = qctx_head_tensor_count(stepper->head);
    qctx_head_tensor *tensors = qctx_alloc(count, sizeof *tensors, "the list of tensors", error);

    if (tensors == NULL)
        return QCTX_ERR_MEMORY;
    qctx_head_tensors(stepper->head, tensors);
    for (int64_t t = 0; t < count; t++)
        memset(stepper->decays + tensors[t].offset, tensors[t].decays, (size_t)(tensors[t].rows * tensors[t].cols));
    free(tensors);
    return QCTX_OK;
}

static void set_optimizer(qctx_stepper *stepper)
{
    stepper->optimizer = (qctx_optimizer_config){
        .kind = stepper->config->optim.kind,
        .weight_decay = stepper->config->optim.weight_decay,
        .beta1 = stepper->config->optim.beta1,
        .beta2 = stepper->config->optim.beta2,
        .epsilon = stepper->config->optim.epsilon,
        .momentum = stepper->config->optim.momentum,
    };
}

/* Which rows are this rank's, and how they are cut into units. */
static void divide(qctx_stepper *stepper, const stepper_sizes *sizes)
{
    int rank = qctx_comm_rank(stepper->comm), ranks = qctx_comm_size(stepper->comm);

    stepper->keeps = sizes->keeps;
    stepper->unit_rows = sizes->unit_rows;
    stepper->units = sizes->unit_rows == 0 ? 1 : qctx_divide_up(stepper->rows, sizes->unit_rows);
    if (stepper->plan->leaves == 0)
        return;
    qctx_share(stepper->plan->leaves, rank, ranks, &stepper->first_leaf, &stepper->units);
    stepper->invariant = qctx_leaf_is_invariant(stepper->plan->leaves, ranks);
}

static qctx_status prepare(qctx_stepper *stepper, qctx_error *error)
{
    stepper_sizes sizes;
    qctx_status status;

    stepper->head_count = qctx_head_parameter_count(stepper->head);
    stepper->scalar_count = qctx_stepper_scalar_count(stepper->config->loss.kind);
    qctx_plan_rows(stepper->comm, stepper->plan, stepper->config->batch.size, &stepper->first_row, &stepper->rows);
    sizes = stepper_sizes_of(stepper->head, stepper->plan, qctx_comm_size(stepper->comm), stepper->rows,
                             stepper->scalar_count);
    divide(stepper, &sizes);
    set_optimizer(stepper);
    status = allocate(stepper, &sizes, error);
    return status == QCTX_OK ? mark_decays(stepper, error) : status;
}

static qctx_status create_loss(qctx_stepper *stepper, qctx_error *error)
{
    const qctx_config *config = stepper->config;
    const qctx_loss_config loss =
        qctx_plan_loss(stepper->plan, config->loss.kind, config->loss.direction, config->loss.normalize);

    return qctx_loss_create(stepper->comm, &loss, stepper->rows, config->batch.size, stepper->head->output,
                            &stepper->loss, error);
}

static void set_start(qctx_stepper *stepper)
{
    float *scalars = stepper->parameters + stepper->head_count;

    qctx_head_init(stepper->head, stepper->parameters);
    scalars[0] = (float)log(stepper->config->loss.logit_scale.init);
    if (stepper->scalar_count > 1)
        scalars[1] = (float)stepper->config->loss.logit_bias.init;
}

qctx_status qctx_stepper_create(qctx_comm *comm, const qctx_config *config, const qctx_plan *plan,
                                const qctx_loader *loader, const qctx_head_config *head, qctx_timers *timers,
                                qctx_stepper **created, qctx_error *error)
{
    qctx_stepper *stepper = qctx_alloc(1, sizeof *stepper, "the training step", error);
    qctx_status status = QCTX_ERR_MEMORY;

    if (stepper != NULL) {
        stepper->comm = comm;
        stepper->config = config;
        stepper->plan = plan;
        stepper->loader = loader;
        stepper->head = head;
        stepper->timers = timers;
        status = prepare(stepper, error);
    }
    status = qctx_agree(comm, status, error);
    if (status == QCTX_OK)
        status = create_loss(stepper, error);
    if (status != QCTX_OK) {
        qctx_stepper_destroy(stepper);
        return status;
    }
    set_start(stepper);
    *created = stepper;
    return QCTX_OK;
}

void qctx_stepper_destroy(qctx_stepper *stepper)
{
    if (stepper == NULL)
        return;
    for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++) {
        free(stepper->sides[side].encoded);
        free(stepper->sides[side].projected);
    }
    qctx_loss_destroy(stepper->loss);
    qctx_head_tape_destroy(stepper->tape);
    qctx_tree_sum_destroy(stepper->leaf_sum);
    qctx_optimizer_state_destroy(&stepper->state);
    free(stepper->parameters);
    free(stepper->gradient);
    free(stepper->decays);
    free(stepper->stage);
    free(stepper->buckets.parts);
    free(stepper->buckets.last_parts);
    free(stepper->buckets.under_way);
    free(stepper->row_ids);
    free(stepper->chosen);
    free(stepper->prefetched);
    free(stepper->content);
    free(stepper->positive_offsets);
    free(stepper->positives);
    free(stepper);
}
