#include "qctx/engine/stepper.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"
#include "qctx/base/rng.h"
#include "qctx/model/contrastive.h"

/* One side of this rank's rows. */
typedef struct {
    float *encoded;   /* [rows_max, input] */
    float *projected; /* [rows_max, output] */
    float *gradient;  /* [rows_max, output] */
    qctx_head_tape *tape;
} batch_side;

struct qctx_stepper {
    qctx_comm *comm;
    const qctx_config *config;
    const qctx_feed *feed;
    const qctx_plan *plan;
    const qctx_head_config *head;
    qctx_phases *phases;

    int64_t parameter_count; /* of the head; the logit scale comes after */
    float *parameters;       /* [parameter_count + 1] */
    float *gradient;         /* [parameter_count + 1] */
    uint8_t *decays;         /* [parameter_count + 1] */
    qctx_optimizer_config optimizer;
    qctx_optimizer_state state;

    int64_t rows;      /* of this rank in every batch */
    int64_t first_row; /* in the global batch */
    batch_side sides[2];
    int64_t *row_ids; /* [rows] places in the global batch */
    int64_t *chosen;  /* [rows] the context's place in examples->contexts */
    uint64_t *content;
    int64_t *positive_offsets;
    uint64_t *positives;
    qctx_loss *loss;
};

static qctx_status allocate_side(const qctx_stepper *stepper, batch_side *side, qctx_error *error)
{
    int64_t rows = stepper->rows;

    side->encoded = qctx_alloc(rows * stepper->head->input, sizeof(float), "encoded rows of a batch", error);
    side->projected = qctx_alloc(rows * stepper->head->output, sizeof(float), "projected rows of a batch", error);
    side->gradient = qctx_alloc(rows * stepper->head->output, sizeof(float), "gradients of a batch", error);
    if (side->encoded == NULL || side->projected == NULL || side->gradient == NULL)
        return QCTX_ERR_MEMORY;
    return qctx_head_tape_create(stepper->head, rows, &side->tape, error);
}

static int64_t most_positives(const qctx_examples *examples)
{
    int64_t most = 0;

    for (int64_t i = 0; i < examples->count; i++) {
        int64_t count = examples->offsets[i + 1] - examples->offsets[i];

        most = count > most ? count : most;
    }
    return most;
}

static qctx_status allocate(qctx_stepper *stepper, qctx_error *error)
{
    int64_t count = stepper->parameter_count + 1;
    int64_t rows = stepper->rows;
    qctx_status status = QCTX_OK;

    stepper->parameters = qctx_alloc(count, sizeof(float), "the parameters", error);
    stepper->gradient = qctx_alloc(count, sizeof(float), "the gradient", error);
    stepper->decays = qctx_alloc(count, 1, "the decay marks", error);
    stepper->row_ids = qctx_alloc(rows, sizeof *stepper->row_ids, "a batch", error);
    stepper->chosen = qctx_alloc(rows, sizeof *stepper->chosen, "a batch", error);
    stepper->content = qctx_alloc(rows, sizeof *stepper->content, "a batch", error);
    stepper->positive_offsets = qctx_alloc(rows + 1, sizeof *stepper->positive_offsets, "a batch", error);
    stepper->positives = qctx_alloc(rows * most_positives(stepper->feed->examples), sizeof *stepper->positives,
                                    "the right contexts of a batch", error);
    if (stepper->parameters == NULL || stepper->gradient == NULL || stepper->decays == NULL ||
        stepper->row_ids == NULL || stepper->chosen == NULL || stepper->content == NULL ||
        stepper->positive_offsets == NULL || stepper->positives == NULL)
        return QCTX_ERR_MEMORY;
    for (int side = 0; side < 2 && status == QCTX_OK; side++)
        status = allocate_side(stepper, &stepper->sides[side], error);
    if (status == QCTX_OK)
        status = qctx_optimizer_state_create(count, &stepper->state, error);
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

qctx_status qctx_stepper_create(qctx_comm *comm, const qctx_config *config, const qctx_plan *plan,
                                const qctx_feed *feed, const qctx_head_config *head, qctx_phases *phases,
                                qctx_stepper **created, qctx_error *error)
{
    const qctx_loss_config loss = {.kind = config->loss.kind,
                                   .direction = config->loss.direction,
                                   .normalize = config->loss.normalize,
                                   .scheme = plan->scheme,
                                   .precision = plan->precision,
                                   .leaves = plan->leaves,
                                   .keep_bytes = plan->keep_bytes};
    qctx_stepper *stepper = qctx_alloc(1, sizeof *stepper, "the training step", error);
    qctx_status status = stepper == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    if (stepper != NULL) {
        stepper->comm = comm;
        stepper->config = config;
        stepper->plan = plan;
        stepper->feed = feed;
        stepper->head = head;
        stepper->phases = phases;
        stepper->parameter_count = qctx_head_parameter_count(head);
        qctx_plan_rows(comm, plan, config->batch.size, &stepper->first_row, &stepper->rows);
        set_optimizer(stepper);
        status = allocate(stepper, error);
    }
    if (status == QCTX_OK)
        status = mark_decays(stepper, error);
    status = qctx_agree(comm, status, error);
    if (status == QCTX_OK)
        status = qctx_loss_create(comm, &loss, stepper->rows, config->batch.size, head->output, &stepper->loss, error);
    if (status != QCTX_OK) {
        qctx_stepper_destroy(stepper);
        return status;
    }
    qctx_head_init(head, stepper->parameters);
    stepper->parameters[stepper->parameter_count] = (float)log(config->loss.logit_scale.init);
    for (int64_t i = 0; i < stepper->rows; i++)
        stepper->row_ids[i] = stepper->first_row + i;
    *created = stepper;
    return QCTX_OK;
}

void qctx_stepper_destroy(qctx_stepper *stepper)
{
    if (stepper == NULL)
        return;
    for (int side = 0; side < 2; side++) {
        free(stepper->sides[side].encoded);
        free(stepper->sides[side].projected);
        free(stepper->sides[side].gradient);
        qctx_head_tape_destroy(stepper->sides[side].tape);
    }
    qctx_loss_destroy(stepper->loss);
    qctx_optimizer_state_destroy(&stepper->state);
    free(stepper->parameters);
    free(stepper->gradient);
    free(stepper->decays);
    free(stepper->row_ids);
    free(stepper->chosen);
    free(stepper->content);
    free(stepper->positive_offsets);
    free(stepper->positives);
    free(stepper);
}

/* Chooses one right context for each of this rank's questions and notes what else would be right. */
static void choose_contexts(qctx_stepper *stepper, const int64_t *batch, int64_t epoch)
{
    const qctx_examples *examples = stepper->feed->examples;

    for (int64_t i = 0; i < stepper->rows; i++) {
        int64_t example = batch[stepper->first_row + i];
        int64_t first = examples->offsets[example];
        int64_t count = examples->offsets[example + 1] - first;
        int64_t at = stepper->positive_offsets[i];

        stepper->chosen[i] = first + (int64_t)qctx_rng_below((uint64_t)count, (uint64_t)stepper->config->run.seed,
                                                             QCTX_STREAM_POSITIVE, (uint64_t)epoch, (uint64_t)example);
        stepper->content[i] = examples->content[stepper->chosen[i]];
        memcpy(stepper->positives + at, examples->content + first, (size_t)count * sizeof *stepper->positives);
        stepper->positive_offsets[i + 1] = at + count;
    }
}

/* Gathers the encoder's rows of this rank's questions and contexts. */
static void load(qctx_stepper *stepper, const int64_t *batch)
{
    for (int side = 0; side < 2; side++)
        stepper->feed->gather(stepper->feed, side, batch + stepper->first_row, stepper->chosen, stepper->rows,
                              stepper->sides[side].encoded);
}

static void project(qctx_stepper *stepper, int64_t step)
{
    const qctx_dropout_key key = {(uint64_t)step, stepper->row_ids};

    for (int s = 0; s < 2; s++) {
        batch_side *side = &stepper->sides[s];

        qctx_head_forward(stepper->head, stepper->parameters, s, 1.0, side->encoded, stepper->rows, &key, side->tape,
                          side->projected);
    }
}

static void contrast(qctx_stepper *stepper, qctx_loss_result *outcome)
{
    const qctx_loss_batch batch = {stepper->rows, stepper->content, stepper->positive_offsets, stepper->positives};

    qctx_loss_step(stepper->loss, stepper->sides[0].projected, stepper->sides[1].projected, &batch,
                   (qctx_loss_scale){(double)stepper->parameters[stepper->parameter_count], 0.0},
                   stepper->sides[0].gradient, stepper->sides[1].gradient, outcome);
}

static void back_propagate(qctx_stepper *stepper)
{
    memset(stepper->gradient, 0, (size_t)(stepper->parameter_count + 1) * sizeof *stepper->gradient);
    for (int s = 0; s < 2; s++) {
        batch_side *side = &stepper->sides[s];

        qctx_head_backward(stepper->head, stepper->parameters, s, side->encoded, side->gradient, stepper->rows,
                           side->tape, stepper->gradient);
    }
}

static qctx_status refuse_numbers(int64_t step, const char *what, double value, qctx_error *error)
{
    qctx_fail(error, QCTX_ERR_NUMERIC, "step %lld: %s is not finite (%g); nothing was changed by this step",
              (long long)step + 1, what, value);
    return qctx_hint(error, "lower optim.lr or loss.logit_scale.max, set optim.clip_norm, or look for outliers in the "
                            "data; then go on from the last checkpoint with --resume");
}

static void keep_scale_bounded(qctx_stepper *stepper)
{
    float *log_scale = &stepper->parameters[stepper->parameter_count];
    float most = (float)log(stepper->config->loss.logit_scale.max);

    *log_scale = *log_scale > most ? most : *log_scale;
}

qctx_status qctx_stepper_step(qctx_stepper *stepper, const int64_t *batch, int64_t epoch, int64_t step, double rate,
                              qctx_step_result *result, qctx_error *error)
{
    double clip = stepper->config->optim.clip_norm;
    int64_t count = stepper->parameter_count;
    qctx_loss_result outcome;

    qctx_phases_begin(stepper->phases);
    choose_contexts(stepper, batch, epoch);
    load(stepper, batch);
    qctx_phases_end(stepper->phases, QCTX_PHASE_FEED);
    project(stepper, step);
    qctx_phases_end(stepper->phases, QCTX_PHASE_FORWARD);
    contrast(stepper, &outcome);
    qctx_phases_end(stepper->phases, QCTX_PHASE_LOSS);
    if (!outcome.finite)
        return refuse_numbers(step, "the loss or its gradient", outcome.loss, error);
    back_propagate(stepper);
    qctx_phases_end(stepper->phases, QCTX_PHASE_BACKWARD);
    qctx_comm_sum_float(stepper->comm, stepper->gradient, count);
    qctx_phases_end(stepper->phases, QCTX_PHASE_REDUCE);

    /* The loss gives the scale's gradient whole on every rank: it joins after the sum over ranks. */
    stepper->gradient[count] = stepper->config->loss.logit_scale.learn ? (float)outcome.dlog_scale : 0.0f;
    result->loss = outcome.loss;
    result->accuracy = outcome.accuracy;
    result->grad_norm = qctx_norm(stepper->gradient, count + 1);
    if (!isfinite(result->grad_norm))
        return refuse_numbers(step, "the gradient's norm", result->grad_norm, error);
    qctx_optimizer_step(&stepper->optimizer, &stepper->state, rate,
                        clip > 0 && result->grad_norm > clip ? clip / result->grad_norm : 1.0, stepper->decays,
                        stepper->gradient, stepper->parameters);
    keep_scale_bounded(stepper);
    result->scale = exp((double)stepper->parameters[count]);
    qctx_phases_end(stepper->phases, QCTX_PHASE_OPTIMIZE);
    return QCTX_OK;
}

float *qctx_stepper_parameters(qctx_stepper *stepper)
{
    return stepper->parameters;
}

qctx_optimizer_state *qctx_stepper_optimizer(qctx_stepper *stepper)
{
    return &stepper->state;
}

int64_t qctx_stepper_scalar_count(qctx_loss_kind kind)
{
    return kind == QCTX_LOSS_SIGMOID ? 2 : 1;
}

int64_t qctx_stepper_memory(const qctx_head_config *head, const qctx_plan *plan, int ranks, int64_t rows)
{
    int64_t tape = head->layers * head->hidden * 3;

    (void)plan;
    (void)ranks;
    return 4 * (2 * rows * (head->input + 2 * head->output + tape) + 4 * qctx_head_parameter_count(head));
}

double qctx_stepper_flops(const qctx_head_config *head, const qctx_plan *plan, int64_t rows)
{
    double total = 0.0;

    (void)plan;
    for (int side = 0; side < 2; side++)
        for (int64_t l = 0; l < head->layers && qctx_head_has_side(head, side); l++) {
            double in = (double)(l == 0 ? head->input : head->hidden);
            double out = (double)(l == head->layers - 1 ? head->output : head->hidden);

            total += 2.0 * (double)rows * in * out * (l == 0 ? 2.0 : 3.0);
        }
    return total;
}

void qctx_stepper_announce(qctx_stepper *stepper, const int64_t *batch, int64_t epoch)
{
    (void)stepper;
    (void)batch;
    (void)epoch;
}

void qctx_stepper_complete(qctx_stepper *stepper)
{
    (void)stepper;
}
