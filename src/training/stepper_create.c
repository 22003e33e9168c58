/* What a training step allocates, counts and starts from. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/buffers.h"
#include "qctx/base/mem.h"
#include "qctx/base/order.h"
#include "stepper_internal.h"

/* The most rows of a unit, of a part with `rows` of them. */
static int64_t unit_of(const qctx_plan *plan, int ranks, int64_t rows)
{
    return plan->leaves == 0 ? qctx_smaller(plan->micro_rows, rows) : qctx_plan_leaf_rows(plan, rows, ranks);
}

/* The same of the contexts that a teacher scored. */
static int64_t scored_unit_of(const qctx_plan *plan, qctx_plan_lists lists, int ranks, int64_t rows)
{
    if (plan->leaves == 0)
        return qctx_smaller(plan->micro_rows, qctx_plan_most_scored(plan, lists, rows, ranks));
    return qctx_smaller(qctx_plan_leaf_rows(plan, rows, ranks) * lists.longest, lists.distinct);
}

/* What head, plan and rows make of the sizes of a step; without `positives`, which only the data tell. */
static stepper_sizes sizes_of(const qctx_head_config *head, qctx_loss_kind kind, const qctx_plan *plan, int ranks,
                              int64_t rows, int64_t all_extras, qctx_plan_lists lists)
{
    const int64_t extras = qctx_plan_most_rows(plan, all_extras, ranks);
    const int64_t scored = qctx_plan_most_scored(plan, lists, rows, ranks);
    bool both = qctx_head_has_side(head, QCTX_QUESTION) && qctx_head_has_side(head, QCTX_CONTEXT);
    stepper_sizes sizes = {.ranks = ranks,
                           .rows = rows,
                           .extras = extras,
                           .all_extras = all_extras,
                           .scored = scored,
                           .lists = lists,
                           .keeps = plan->micro_rows >= rows + extras + scored,
                           .unit_rows = unit_of(plan, ranks, rows),
                           .extra_unit_rows = unit_of(plan, ranks, extras),
                           .scored_unit_rows = scored_unit_of(plan, lists, ranks, rows),
                           .leaves = plan->leaves > 0 ? qctx_divide_up(plan->leaves, ranks) : 0,
                           .head_count = qctx_head_parameter_count(head),
                           .scalar_count = qctx_stepper_scalar_count(kind),
                           .bucket_length = STEPPER_BUCKET};

    sizes.tape_rows = sizes.keeps
                          ? rows + extras + scored
                          : qctx_larger(qctx_larger(sizes.unit_rows, sizes.extra_unit_rows), sizes.scored_unit_rows);
    sizes.tape_sides = sizes.keeps && both ? 2 : 1;
    if (sizes.head_count > STEPPER_BUCKETS * sizes.bucket_length)
        sizes.bucket_length = qctx_divide_up(sizes.head_count, STEPPER_BUCKETS);
    sizes.buckets = qctx_divide_up(sizes.head_count, sizes.bucket_length);
    return sizes;
}

/* Of the gradient that a recovery has by a side's rows. */
static int64_t recovered_floats(const qctx_stepper *stepper, qctx_side side)
{
    return stepper->plan->recovers && qctx_head_has_side(stepper->head, side)
               ? stepper->sizes.rows * stepper->head->output
               : QCTX_BUFFER_NONE;
}

/* The arrays of a step, from its head, plan and sizes. */
static qctx_buffers buffers_of(qctx_stepper *stepper)
{
    const qctx_head_config *head = stepper->head;
    const stepper_sizes *sizes = &stepper->sizes;
    stepper_part *question = &stepper->parts[STEPPER_QUESTIONS], *context = &stepper->parts[STEPPER_CONTEXTS];
    stepper_part *extra = &stepper->parts[STEPPER_EXTRAS];
    qctx_optimizer_state *state = &stepper->state;
    stepper_buckets *buckets = &stepper->buckets;
    int64_t rows = sizes->rows, contexts = sizes->rows + sizes->extras, has_extras = sizes->all_extras > 0;
    int64_t parameters = sizes->head_count + sizes->scalar_count, encoded = sizes->unit_rows * head->input;
    int64_t extras = has_extras ? sizes->extras : QCTX_BUFFER_NONE;
    size_t encoded_bytes = (size_t)qctx_precision_bytes(stepper->plan->precision);
    bool is_rounded = stepper->plan->precision == QCTX_PRECISION_BFLOAT16;

    return (qctx_buffers){{
        {&stepper->parameters, parameters, sizeof(float), "the parameters"},
        {&stepper->gradient, parameters, sizeof(float), "the gradient"},
        {&stepper->decays, parameters, sizeof(uint8_t), "the decay marks"},
        {&state->first, parameters, sizeof(float), "the optimiser's first moments"},
        {&state->second, parameters, sizeof(float), "the optimiser's second moments"},
        {&stepper->stage, is_rounded ? STEPPER_STAGE * head->input : QCTX_BUFFER_NONE, sizeof(float),
         "rows to be rounded"},
        {&question->projected, rows * head->output, sizeof(float), "projected rows of a batch"},
        {&question->recovered, recovered_floats(stepper, QCTX_QUESTION), sizeof(float), "the recovery of a batch"},
        {&context->recovered, recovered_floats(stepper, QCTX_CONTEXT), sizeof(float), "the recovery of a batch"},
        {&context->projected, contexts * head->output, sizeof(float), "projected rows of a batch"},
        {&question->encoded, qctx_head_has_side(head, QCTX_QUESTION) ? encoded : QCTX_BUFFER_NONE, encoded_bytes,
         "encoded rows of a batch"},
        {&context->encoded, qctx_head_has_side(head, QCTX_CONTEXT) ? encoded : QCTX_BUFFER_NONE, encoded_bytes,
         "encoded rows of a batch"},
        {&extra->encoded,
         has_extras && qctx_head_has_side(head, QCTX_CONTEXT) ? sizes->extra_unit_rows * head->input : QCTX_BUFFER_NONE,
         encoded_bytes, "encoded rows of negatives"},
        {&question->row_ids, rows, sizeof(int64_t), "a batch"},
        {&extra->row_ids, extras, sizeof(int64_t), "a batch"},
        {&stepper->chosen, rows, sizeof(int64_t), "a batch"},
        {&stepper->prefetched, rows, sizeof(int64_t), "a batch"},
        {&stepper->content, contexts, sizeof(uint64_t), "a batch"},
        {&stepper->positive_offsets, rows + 1, sizeof(int64_t), "a batch"},
        {&stepper->positives, sizes->positives, sizeof(uint64_t), "the right contexts of a batch"},
        {&stepper->paired, has_extras ? sizes->paired : QCTX_BUFFER_NONE, sizeof(uint64_t), "the contents of a batch"},
        {&stepper->joining, has_extras ? qctx_larger(sizes->all_extras, sizes->listed) : QCTX_BUFFER_NONE,
         sizeof(int64_t), "the negatives of a batch"},
        {&stepper->own, extras, sizeof *stepper->own, "the negatives of a batch"},
        {&buckets->parts, sizes->ranks, sizeof(int64_t), "the parts of a gradient"},
        {&buckets->last_parts, sizes->ranks, sizeof(int64_t), "the parts of a gradient"},
        {&buckets->under_way, sizes->buckets, sizeof(qctx_exchange *), "the sums under way"},
    }};
}

int64_t qctx_stepper_memory(const qctx_head_config *head, qctx_loss_kind kind, const qctx_plan *plan, int ranks,
                            int64_t rows, int64_t extras, qctx_plan_lists lists)
{
    qctx_stepper counted = {
        .head = head, .plan = plan, .sizes = sizes_of(head, kind, plan, ranks, rows, extras, lists)};
    const stepper_sizes *sizes = &counted.sizes;
    qctx_buffers buffers = buffers_of(&counted);

    return qctx_buffers_bytes(&buffers) + stepper_distill_memory(&counted) +
           qctx_head_tape_memory(head, plan->precision, sizes->tape_rows, sizes->tape_sides) +
           (plan->leaves > 0 ? qctx_tree_sum_memory(sizes->head_count, sizes->leaves) : 0);
}

static qctx_status allocate(qctx_stepper *stepper, qctx_error *error)
{
    const stepper_sizes *sizes = &stepper->sizes;
    qctx_buffers buffers = buffers_of(stepper);
    qctx_status status = qctx_buffers_alloc(&buffers, error);

    stepper->state.count = sizes->head_count + sizes->scalar_count;
    if (status == QCTX_OK)
        status = qctx_head_tape_create(stepper->head, stepper->plan->precision, sizes->tape_rows, sizes->tape_sides,
                                       &stepper->tape, error);
    if (status == QCTX_OK && stepper->plan->leaves > 0)
        status = qctx_tree_sum_create(sizes->head_count, sizes->leaves, &stepper->leaf_sum, error);
    if (status == QCTX_OK)
        status = stepper_distill_create(stepper, error);
    return status;
}

/* Which rows are this rank's, and how they are cut into units. */
static void divide(qctx_stepper *stepper)
{
    const qctx_plan *plan = stepper->plan;
    int rank = qctx_comm_rank(stepper->comm), ranks = qctx_comm_size(stepper->comm);
    int64_t rows, unit_rows, units, extras = qctx_loader_most_extras(stepper->loader, stepper->config->batch.size);

    qctx_plan_rows(stepper->comm, plan, stepper->config->batch.size, &stepper->first_row, &rows);
    stepper->sizes = sizes_of(stepper->head, stepper->config->loss.kind, plan, ranks, rows, extras,
                              stepper_lists_of(stepper->loader));
    stepper->sizes.positives = rows * qctx_examples_most_contexts(stepper->loader->examples);
    stepper->sizes.paired = stepper->config->batch.size;
    stepper->sizes.listed = stepper->config->batch.size * stepper->loader->most_listed;
    unit_rows = stepper->sizes.unit_rows;
    units = unit_rows == 0 ? 1 : qctx_divide_up(rows, unit_rows);
    if (plan->leaves > 0) {
        qctx_share(plan->leaves, rank, ranks, &stepper->first_leaf, &units);
        stepper->invariant = qctx_leaf_is_invariant(plan->leaves, ranks);
    }
    for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++)
        stepper->parts[side == QCTX_QUESTION ? STEPPER_QUESTIONS : STEPPER_CONTEXTS] =
            (stepper_part){.side = side,
                           .all = stepper->config->batch.size,
                           .first = stepper->first_row,
                           .rows = rows,
                           .unit_rows = unit_rows,
                           .units = units};
    stepper->parts[STEPPER_EXTRAS] = (stepper_part){.side = QCTX_CONTEXT,
                                                    .unit_rows = stepper->sizes.extra_unit_rows,
                                                    .units = extras == 0 ? 0 : units,
                                                    .tape_at = rows};
    stepper->parts[STEPPER_SCORED] = (stepper_part){.side = QCTX_CONTEXT,
                                                    .unit_rows = stepper->sizes.scored_unit_rows,
                                                    .units = stepper->loader->teacher == NULL ? 0 : units,
                                                    .tape_at = rows + stepper->sizes.extras};
}

/* The places of this rank's rows in the batch, and which part of each bucket falls to whom. */
static void fill(qctx_stepper *stepper)
{
    const stepper_sizes *sizes = &stepper->sizes;
    int64_t last = stepper_bucket(stepper, sizes->buckets - 1).count;

    for (int64_t i = 0; i < sizes->rows; i++)
        stepper->parts[STEPPER_QUESTIONS].row_ids[i] = stepper->first_row + i;
    for (int r = 0; r < sizes->ranks; r++) {
        int64_t first;

        qctx_share(sizes->bucket_length, r, sizes->ranks, &first, &stepper->buckets.parts[r]);
        qctx_share(last, r, sizes->ranks, &first, &stepper->buckets.last_parts[r]);
    }
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

/* Contexts have the questions' places in the batch; extras are projected behind them. */
static void share_arrays(qctx_stepper *stepper)
{
    stepper_part *context = &stepper->parts[STEPPER_CONTEXTS];

    context->row_ids = stepper->parts[STEPPER_QUESTIONS].row_ids;
    stepper->parts[STEPPER_EXTRAS].projected = context->projected + stepper->sizes.rows * stepper->head->output;
}

static qctx_status prepare(qctx_stepper *stepper, qctx_error *error)
{
    qctx_status status;

    divide(stepper);
    set_optimizer(stepper);
    status = allocate(stepper, error);
    if (status != QCTX_OK)
        return status;
    share_arrays(stepper);
    fill(stepper);
    return mark_decays(stepper, error);
}

static qctx_status create_loss(qctx_stepper *stepper, qctx_error *error)
{
    const qctx_config *config = stepper->config;
    const qctx_loss_config loss =
        qctx_plan_loss(stepper->plan, config->loss.kind, config->loss.direction, config->loss.normalize);

    const qctx_loss_size size = {
        .rows = stepper->sizes.rows,
        .batch = config->batch.size,
        .extras = stepper->sizes.extras,
        .batch_extras = stepper->sizes.all_extras,
        .dim = stepper->head->output,
    };

    return qctx_loss_create(stepper->comm, &loss, size, &stepper->loss, error);
}

static void set_start(qctx_stepper *stepper)
{
    float *scalars = stepper->parameters + stepper->sizes.head_count;

    qctx_head_init(stepper->head, stepper->parameters);
    scalars[0] = (float)log(stepper->config->loss.logit_scale.init);
    if (stepper->sizes.scalar_count > 1)
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
    qctx_buffers buffers;

    if (stepper == NULL)
        return;
    buffers = buffers_of(stepper);
    qctx_buffers_free(&buffers);
    qctx_loss_destroy(stepper->loss);
    stepper_distill_free(stepper);
    qctx_head_tape_destroy(stepper->tape);
    qctx_tree_sum_destroy(stepper->leaf_sum);
    free(stepper);
}
