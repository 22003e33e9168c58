#include "qctx/training/held_out_loss.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"
#include "qctx/base/order.h"
#include "qctx/data/sampler.h"
#include "qctx/model/contrastive.h"
#include "qctx/platform/mapped.h"
#include "qctx/retrieval/projector.h"

/* This rank's part of the batches, one after another. */
typedef struct {
    qctx_comm *comm;
    const qctx_plan *plan;
    const qctx_loader *loader;
    qctx_projector projector;
    int64_t size; /* of a batch */
    int64_t first;
    int64_t rows; /* first … first + rows − 1 of it are this rank's */
    int64_t *chosen;
    uint64_t *content;
    int64_t *positive_offsets;
    uint64_t *positives;
    float *encoded;                    /* [rows, input] of one side */
    float *projected[QCTX_SIDE_COUNT]; /* [rows, output] */
    qctx_loss *loss;
} held_out_batches;

static qctx_status allocate(held_out_batches *on, qctx_error *error)
{
    const int64_t rows = on->rows, output = qctx_projector_output(&on->projector);
    const char *what = "the loss of the held-out questions";

    on->chosen = qctx_alloc(rows, sizeof *on->chosen, what, error);
    on->content = qctx_alloc(rows, sizeof *on->content, what, error);
    on->positive_offsets = qctx_alloc(rows + 1, sizeof *on->positive_offsets, what, error);
    on->positives =
        qctx_alloc(rows * qctx_examples_most_contexts(on->loader->examples), sizeof *on->positives, what, error);
    on->encoded = qctx_alloc(rows * on->projector.input, sizeof *on->encoded, what, error);
    for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++)
        on->projected[side] = qctx_alloc(rows * output, sizeof(float), what, error);
    if (on->chosen == NULL || on->content == NULL || on->positive_offsets == NULL || on->positives == NULL ||
        on->encoded == NULL || on->projected[QCTX_QUESTION] == NULL || on->projected[QCTX_CONTEXT] == NULL)
        return QCTX_ERR_MEMORY;
    return QCTX_OK;
}

static void release(held_out_batches *on)
{
    free(on->chosen);
    free(on->content);
    free(on->positive_offsets);
    free(on->positives);
    free(on->encoded);
    for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++)
        free(on->projected[side]);
    qctx_loss_destroy(on->loss);
}

/* No scores are kept: nothing else of a step is needed meanwhile, but its own are there. Collective. */
static qctx_status create_loss(held_out_batches *on, const qctx_config *config, qctx_error *error)
{
    qctx_loss_config loss = qctx_plan_loss(on->plan, config->loss.kind, config->loss.direction, config->loss.normalize);
    const qctx_loss_size size = {.rows = on->rows, .batch = on->size, .dim = qctx_projector_output(&on->projector)};

    loss.keep_bytes = 0;
    /* The ring wants two rows a rank. */
    if (loss.scheme == QCTX_SIMILARITY_RING && on->size < 2 * qctx_comm_size(on->comm))
        loss.scheme = QCTX_SIMILARITY_ROWS;
    return qctx_loss_create(on->comm, &loss, size, &on->loss, error);
}

static void choose(held_out_batches *on, const int64_t *own)
{
    const qctx_examples *examples = on->loader->examples;

    for (int64_t i = 0; i < on->rows; i++) {
        int64_t first = examples->offsets[own[i]], count = examples->offsets[own[i] + 1] - first;
        int64_t at = on->positive_offsets[i];

        on->chosen[i] = first;
        on->content[i] = examples->content[first];
        memcpy(on->positives + at, examples->content + first, (size_t)count * sizeof *on->positives);
        on->positive_offsets[i + 1] = at + count;
    }
}

/* In the cuts of a reproducible run, whose products do not depend on the number of ranks; else all rows at once. */
static qctx_status project(held_out_batches *on, qctx_side side, const int64_t *own, qctx_error *error)
{
    const int64_t input = on->projector.input, output = qctx_projector_output(&on->projector);
    int64_t leaf = 0, leaves = 1;
    qctx_status status = QCTX_OK;

    on->loader->gather(on->loader, side, own, on->chosen, on->rows, on->encoded);
    if (on->plan->leaves > 0)
        qctx_share(on->plan->leaves, qctx_comm_rank(on->comm), qctx_comm_size(on->comm), &leaf, &leaves);
    for (int64_t l = leaf; l < leaf + leaves && status == QCTX_OK; l++) {
        int64_t first = on->first, rows = on->rows;

        if (on->plan->leaves > 0)
            qctx_share(on->size, l, on->plan->leaves, &first, &rows);
        first -= on->first;
        status = qctx_projector_apply(&on->projector, side, on->encoded + first * input, rows,
                                      on->projected[side] + first * output, error);
    }
    return status;
}

/* Adds the loss of one batch of examples. Collective. */
static qctx_status add_batch(held_out_batches *on, const int64_t *batch, qctx_loss_scale scale, double *sum,
                             qctx_error *error)
{
    const int64_t *own = batch + on->first;
    const qctx_loss_batch meaning = {
        .rows = on->rows,
        .content = on->content,
        .positive_offsets = on->positive_offsets,
        .positives = on->positives,
    };
    float *questions = on->projected[QCTX_QUESTION], *contexts = on->projected[QCTX_CONTEXT];
    qctx_loss_result result;
    qctx_status status = QCTX_OK;

    choose(on, own);
    for (qctx_side side = 0; side < QCTX_SIDE_COUNT && status == QCTX_OK; side++)
        status = project(on, side, own, error);
    status = qctx_agree(on->comm, qctx_mapped_check(status, error), error);
    if (status != QCTX_OK)
        return status;
    qctx_loss_step(on->loss, questions, contexts, &meaning, scale, questions, contexts, &result);
    *sum += result.finite ? result.loss : NAN;
    return QCTX_OK;
}

qctx_status qctx_held_out_loss(qctx_comm *comm, const qctx_config *config, const qctx_plan *plan,
                               const qctx_loader *loader, const qctx_head_config *head, const float *parameters,
                               double *loss, qctx_error *error)
{
    const float *scalars = parameters + qctx_head_parameter_count(head);
    const bool has_bias = config->loss.kind == QCTX_LOSS_SIGMOID;
    const qctx_loss_scale scale = {(double)scalars[0], has_bias ? (double)scalars[1] : 0.0};
    held_out_batches on = {
        .comm = comm,
        .plan = plan,
        .loader = loader,
        .projector = {.head = head, .parameters = parameters, .strength = 1.0, .input = head->input},
        .size = qctx_smaller(config->batch.size, loader->examples->count),
    };
    const qctx_sampling how = {loader->examples->count, on.size, (uint64_t)config->run.seed, .run = 1};
    qctx_sampler sampler = {0};
    double sum = 0.0;
    qctx_status status;

    *loss = NAN;
    if (loader->examples->count < 2)
        return QCTX_OK;
    qctx_plan_rows(comm, plan, on.size, &on.first, &on.rows);
    status = qctx_sampler_create(&how, &sampler, error);
    if (status == QCTX_OK)
        status = allocate(&on, error);
    status = qctx_agree(comm, status, error);
    if (status == QCTX_OK)
        status = create_loss(&on, config, error);
    for (int64_t b = 0; status == QCTX_OK && b < qctx_sampler_batches(&sampler); b++)
        status = add_batch(&on, qctx_sampler_batch(&sampler, 0, b), scale, &sum, error);
    if (status == QCTX_OK && isfinite(sum))
        *loss = sum / (double)qctx_sampler_batches(&sampler);
    qctx_sampler_destroy(&sampler);
    release(&on);
    return status;
}
