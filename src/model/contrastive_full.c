#include <math.h>
#include <stdlib.h>

#include "contrastive_full.h"
#include "qctx/base/dot.h"
#include "qctx/base/mem.h"
#include "qctx/linalg/blas.h"

/* In the order of qctx_loss_kind. */
static const loss_kind kinds[] = {
    [QCTX_LOSS_CLIP] = {loss_clip, .has_mask = true},
    [QCTX_LOSS_SOFT] = {loss_soft, .has_targets = true},
    [QCTX_LOSS_SIGMOID] = {loss_sigmoid, .has_mask = true},
};

/* Whole cache lines, and one more: rows a power of two apart would fall into the same few sets of a cache. */
static int64_t pitch_of(int64_t batch)
{
    return (batch + 15) / 16 * 16 + 16;
}

static qctx_status alloc_softmax(loss_softmax *softmax, int64_t batch_max, qctx_error *error)
{
    softmax->max = qctx_alloc(batch_max, sizeof(float), "the loss", error);
    softmax->inverse = qctx_alloc(batch_max, sizeof(float), "the loss", error);
    softmax->log_sum = qctx_alloc(batch_max, sizeof(float), "the loss", error);
    return softmax->max != NULL && softmax->inverse != NULL && softmax->log_sum != NULL ? QCTX_OK : QCTX_ERR_MEMORY;
}

static qctx_status alloc_vectors(loss_full *loss, int64_t rows_max, int64_t batch_max, qctx_error *error)
{
    loss->questions = qctx_alloc(batch_max * loss->dim, sizeof(float), "the batch's questions", error);
    loss->contexts = qctx_alloc(batch_max * loss->dim, sizeof(float), "the batch's contexts", error);
    loss->q_inverse = qctx_alloc(rows_max, sizeof(double), "the loss", error);
    loss->c_inverse = qctx_alloc(rows_max, sizeof(double), "the loss", error);
    if (loss->questions == NULL || loss->contexts == NULL || loss->q_inverse == NULL || loss->c_inverse == NULL)
        return QCTX_ERR_MEMORY;
    return loss_place_create(qctx_comm_size(loss->comm), &loss->place, error);
}

static qctx_status alloc_blocks(loss_full *loss, int64_t batch_max, qctx_error *error)
{
    int64_t entries = batch_max * pitch_of(batch_max);

    loss->scores = qctx_alloc(entries, sizeof(float), "the batch's scores", error);
    if (loss->scores == NULL || alloc_softmax(&loss->by_row, batch_max, error) != QCTX_OK ||
        alloc_softmax(&loss->by_column, batch_max, error) != QCTX_OK)
        return QCTX_ERR_MEMORY;
    if (!loss->kind->has_targets)
        return QCTX_OK;
    loss->targets = qctx_alloc(entries, sizeof(float), "the batch's targets", error);
    loss->target_mass = qctx_alloc(batch_max, sizeof(float), "the loss", error);
    loss->agreement = qctx_alloc(batch_max, sizeof(float), "the loss", error);
    return loss->targets != NULL && loss->target_mass != NULL && loss->agreement != NULL ? QCTX_OK : QCTX_ERR_MEMORY;
}

static qctx_status alloc_masks(loss_full *loss, int64_t rows_max, int64_t batch_max, qctx_error *error)
{
    int64_t words = (batch_max + 63) / 64;

    loss->content = qctx_alloc(batch_max, sizeof *loss->content, "the loss", error);
    loss->order = qctx_alloc(batch_max, sizeof *loss->order, "the loss", error);
    loss->own_mask = qctx_alloc(rows_max * words, sizeof *loss->own_mask, "the loss's masks", error);
    if (loss->content == NULL || loss->order == NULL || loss->own_mask == NULL)
        return QCTX_ERR_MEMORY;
    if (!loss->kind->has_mask)
        return QCTX_OK;
    loss->mask = qctx_alloc(batch_max * words, sizeof *loss->mask, "the loss's masks", error);
    return loss->mask != NULL ? QCTX_OK : QCTX_ERR_MEMORY;
}

static void free_softmax(loss_softmax *softmax)
{
    free(softmax->max);
    free(softmax->inverse);
    free(softmax->log_sum);
}

static void full_destroy(void *state)
{
    loss_full *loss = state;

    if (loss == NULL)
        return;
    free_softmax(&loss->by_row);
    free_softmax(&loss->by_column);
    free(loss->place.counts);
    free(loss->questions);
    free(loss->contexts);
    free(loss->q_inverse);
    free(loss->c_inverse);
    free(loss->scores);
    free(loss->targets);
    free(loss->target_mass);
    free(loss->agreement);
    free(loss->content);
    free(loss->order);
    free(loss->own_mask);
    free(loss->mask);
    free(loss);
}

static qctx_status full_create(qctx_comm *comm, const loss_sizes *sizes, void **state, qctx_error *error)
{
    loss_full *loss = qctx_alloc(1, sizeof *loss, "the loss", error);
    qctx_status status = QCTX_ERR_MEMORY;

    if (loss == NULL)
        return status;
    loss->comm = comm;
    loss->config = sizes->config;
    loss->kind = &kinds[sizes->config.kind];
    loss->dim = sizes->dim;
    status = alloc_vectors(loss, sizes->rows, sizes->batch, error);
    if (status == QCTX_OK)
        status = alloc_blocks(loss, sizes->batch, error);
    if (status == QCTX_OK)
        status = alloc_masks(loss, sizes->rows, sizes->batch, error);
    if (status != QCTX_OK) {
        full_destroy(loss);
        return status;
    }
    *state = loss;
    return QCTX_OK;
}

/* unit = x / ‖x‖ for each row, a row of zeros staying one; inverse = 1/‖x‖ or 0. */
static void normalize_rows(const float *x, int64_t rows, int64_t dim, float *unit, double *inverse)
{
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < rows; i++) {
        double square = qctx_dot(x + i * dim, x + i * dim, dim);

        inverse[i] = square == 0.0 ? 0.0 : 1.0 / sqrt(square);
        for (int64_t k = 0; k < dim; k++)
            unit[i * dim + k] = (float)((double)x[i * dim + k] * inverse[i]);
    }
}

/* Q or D of the whole batch from this rank's rows; `scratch` [rows, dim] holds them normalised on the way. */
static void gather_rows(loss_full *loss, const float *x, float *scratch, double *inverse, float *all)
{
    if (loss->config.normalize) {
        normalize_rows(x, loss->place.rows, loss->dim, scratch, inverse);
        x = scratch;
    }
    qctx_comm_gather_all(loss->comm, x, all, loss->place.counts, (size_t)loss->dim * sizeof *x);
}

/* Σ x·dx over this rank's rows. */
static double own_product(const loss_full *loss, const float *all, const float *dx)
{
    return qctx_dot(all + loss->place.first * loss->dim, dx, loss->place.rows * loss->dim);
}

/* dq, dc += factor · (H + Hᵀ)·(Q, D), the way through the targets, for this rank's rows. */
static void add_target_gradient(const loss_full *loss, float factor, float *dq, float *dc)
{
    const float *own = loss->targets + loss->place.first * loss->pitch;

    qctx_sgemm(QCTX_PLAIN, QCTX_PLAIN, loss->place.rows, loss->dim, loss->place.batch, factor, own, loss->pitch,
               loss->questions, loss->dim, 1.0f, dq, loss->dim);
    qctx_sgemm(QCTX_PLAIN, QCTX_PLAIN, loss->place.rows, loss->dim, loss->place.batch, factor, own, loss->pitch,
               loss->contexts, loss->dim, 1.0f, dc, loss->dim);
}

/* Gradients with respect to this rank's rows of Q and D. Returns its part of ∂L/∂t. */
static double backward_products(const loss_full *loss, float *dq, float *dc)
{
    float factor = (float)(loss->scale * loss->mean);
    double from_scores, other_side, from_targets;

    qctx_sgemm(QCTX_PLAIN, QCTX_PLAIN, loss->place.rows, loss->dim, loss->place.batch, factor,
               loss->scores + loss->place.first * loss->pitch, loss->pitch, loss->contexts, loss->dim, 0.0f, dq,
               loss->dim);
    qctx_sgemm(QCTX_TRANSPOSED, QCTX_PLAIN, loss->place.rows, loss->dim, loss->place.batch, factor,
               loss->scores + loss->place.first, loss->pitch, loss->questions, loss->dim, 0.0f, dc, loss->dim);
    from_scores = own_product(loss, loss->questions, dq);
    if (!loss->kind->has_targets)
        return from_scores;

    /* What the targets add to Σ q·dq + Σ d·dd is twice Σ H·A, and A falls with the scale as S rises with it. */
    other_side = own_product(loss, loss->contexts, dc);
    add_target_gradient(loss, (float)(loss->mean / (2.0 * loss->scale)), dq, dc);
    from_targets =
        own_product(loss, loss->questions, dq) - from_scores + own_product(loss, loss->contexts, dc) - other_side;
    return from_scores - 0.5 * from_targets;
}

/* dx = (dx − (x̂·dx) x̂)/‖x‖ for this rank's rows, if rows were normalised. Returns whether all is finite. */
static bool backward_normalize(const loss_full *loss, const float *all, const double *inverse, float *dx)
{
    int64_t dim = loss->dim;
    bool finite = true;

#pragma omp parallel for schedule(static) reduction(&& : finite)
    for (int64_t i = 0; i < loss->place.rows; i++) {
        const float *unit = all + (loss->place.first + i) * dim;
        float *row = dx + i * dim;

        if (loss->config.normalize) {
            double along = qctx_dot(unit, row, dim);

            for (int64_t k = 0; k < dim; k++)
                row[k] = (float)(((double)row[k] - along * (double)unit[k]) * inverse[i]);
        }
        finite = finite && isfinite(qctx_dot(row, row, dim));
    }
    return finite;
}

static void full_step(void *state, const float *q, const float *c, const qctx_loss_batch *batch, qctx_loss_scale scale,
                      float *dq, float *dc, qctx_loss_result *result)
{
    loss_full *loss = state;
    double lanes[LOSS_LANES] = {0.0};
    bool q_finite, c_finite;

    loss_place_rows(loss->comm, batch->rows, &loss->place);
    if (loss->place.batch == 0) {
        *result = (qctx_loss_result){.finite = true};
        return;
    }
    loss->pitch = pitch_of(loss->place.batch);
    loss->scale = exp(scale.log_scale);
    loss->bias = scale.bias;
    loss->g_sum = 0.0;
    gather_rows(loss, q, dq, loss->q_inverse, loss->questions);
    gather_rows(loss, c, dc, loss->c_inverse, loss->contexts);
    loss_mask_build(loss, batch);
    loss_scores(loss);
    lanes[LOSS_LANE_WINS] = (double)loss_mask_wins(loss);
    lanes[LOSS_LANE_SUM] = loss->kind->differentiate(loss);
    lanes[LOSS_LANE_SCALE] = backward_products(loss, dq, dc);
    lanes[LOSS_LANE_BIAS] = loss->g_sum * loss->mean;
    q_finite = backward_normalize(loss, loss->questions, loss->q_inverse, dq);
    c_finite = backward_normalize(loss, loss->contexts, loss->c_inverse, dc);
    lanes[LOSS_LANE_NOT_FINITE] = q_finite && c_finite ? 0.0 : 1.0;
    qctx_comm_sum_double(loss->comm, lanes, LOSS_LANES);
    *result = loss_result(lanes, loss->mean, loss->place.batch);
}

/* The reference hides nothing: all is exchanged in the step. */
static void full_offer(void *state, const float *c, const qctx_loss_batch *batch)
{
    (void)state;
    (void)c;
    (void)batch;
}

static int64_t full_memory(const loss_sizes *sizes)
{
    const loss_kind *kind = &kinds[sizes->config.kind];
    int64_t blocks = kind->has_targets ? 2 : 1, words = (sizes->batch + 63) / 64;
    int64_t vectors = 2 * sizes->batch * sizes->dim, softmaxes = (kind->has_targets ? 8 : 6) * sizes->batch;
    int64_t mask_rows = sizes->rows + (kind->has_mask ? sizes->batch : 0);

    return (int64_t)sizeof(loss_full) + 8 * sizes->ranks + 16 * sizes->rows +
           4 * (vectors + softmaxes + blocks * sizes->batch * pitch_of(sizes->batch)) +
           (int64_t)(sizeof(uint64_t) + sizeof(loss_context)) * sizes->batch + 8 * mask_rows * words;
}

static double full_flops(const loss_sizes *sizes)
{
    double row = 2.0 * (double)sizes->batch * (double)sizes->dim; /* of a product of one row with all of the batch */

    if (kinds[sizes->config.kind].has_targets)
        return row * (3.0 * (double)sizes->batch + 4.0 * (double)sizes->rows);
    return row * ((double)sizes->batch + 2.0 * (double)sizes->rows);
}

const loss_scheme loss_scheme_full = {full_create, full_offer, full_step, full_destroy, full_memory, full_flops};
