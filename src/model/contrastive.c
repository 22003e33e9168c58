#include "qctx/model/contrastive.h"

#include <math.h>
#include <stdlib.h>

#include "contrastive_internal.h"
#include "qctx/base/mem.h"
#include "qctx/platform/blas.h"

/* In the order of qctx_loss_kind. */
static const loss_kind kinds[] = {
    [QCTX_LOSS_CLIP] = {loss_clip, .has_mask = true},
    [QCTX_LOSS_SOFT] = {loss_soft, .has_targets = true},
};

/* Lanes of the one reduction at the end of a step. */
enum { LOSS_SUM, SCALE_SUM, WINS, NOT_FINITE, LANES };

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

static qctx_status alloc_vectors(qctx_loss *loss, int64_t rows_max, int64_t batch_max, qctx_error *error)
{
    loss->counts = qctx_alloc(qctx_comm_size(loss->comm), sizeof *loss->counts, "the loss", error);
    loss->questions = qctx_alloc(batch_max * loss->dim, sizeof(float), "the batch's questions", error);
    loss->contexts = qctx_alloc(batch_max * loss->dim, sizeof(float), "the batch's contexts", error);
    loss->q_inverse = qctx_alloc(rows_max, sizeof(double), "the loss", error);
    loss->c_inverse = qctx_alloc(rows_max, sizeof(double), "the loss", error);
    if (loss->counts == NULL || loss->questions == NULL || loss->contexts == NULL || loss->q_inverse == NULL ||
        loss->c_inverse == NULL)
        return QCTX_ERR_MEMORY;
    return QCTX_OK;
}

static qctx_status alloc_blocks(qctx_loss *loss, int64_t batch_max, qctx_error *error)
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

static qctx_status alloc_masks(qctx_loss *loss, int64_t rows_max, int64_t batch_max, qctx_error *error)
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

qctx_status qctx_loss_create(qctx_comm *comm, const qctx_loss_config *config, int64_t rows_max, int64_t batch_max,
                             int64_t dim, qctx_loss **created, qctx_error *error)
{
    qctx_loss *loss = qctx_alloc(1, sizeof *loss, "the loss", error);
    qctx_status status = QCTX_ERR_MEMORY;

    *created = NULL;
    if (loss != NULL) {
        loss->comm = comm;
        loss->config = *config;
        loss->kind = &kinds[config->kind];
        loss->dim = dim;
        status = alloc_vectors(loss, rows_max, batch_max, error);
    }
    if (status == QCTX_OK)
        status = alloc_blocks(loss, batch_max, error);
    if (status == QCTX_OK)
        status = alloc_masks(loss, rows_max, batch_max, error);
    status = qctx_agree(comm, status, error);
    if (status != QCTX_OK)
        goto out;
    *created = loss;
    loss = NULL;
out:
    qctx_loss_destroy(loss);
    return status;
}

static void free_softmax(loss_softmax *softmax)
{
    free(softmax->max);
    free(softmax->inverse);
    free(softmax->log_sum);
}

void qctx_loss_destroy(qctx_loss *loss)
{
    if (loss == NULL)
        return;
    free_softmax(&loss->by_row);
    free_softmax(&loss->by_column);
    free(loss->counts);
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

/* Who holds which rows of the batch. */
static void place_rows(qctx_loss *loss, int64_t rows)
{
    int rank = qctx_comm_rank(loss->comm);

    qctx_comm_gather_counts(loss->comm, rows, loss->counts);
    loss->rows = rows;
    loss->batch = 0;
    for (int r = 0; r < qctx_comm_size(loss->comm); r++) {
        if (r == rank)
            loss->first = loss->batch;
        loss->batch += loss->counts[r];
    }
    loss->pitch = pitch_of(loss->batch);
}

/* unit = x / ‖x‖ for each row, a row of zeros staying one; inverse = 1/‖x‖ or 0. */
static void normalize_rows(const float *x, int64_t rows, int64_t dim, float *unit, double *inverse)
{
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < rows; i++) {
        double square = loss_dot(x + i * dim, x + i * dim, dim);

        inverse[i] = square == 0.0 ? 0.0 : 1.0 / sqrt(square);
        for (int64_t k = 0; k < dim; k++)
            unit[i * dim + k] = (float)((double)x[i * dim + k] * inverse[i]);
    }
}

/* Q or D of the whole batch from this rank's rows; `scratch` [rows, dim] holds them normalised on the way. */
static void gather_rows(qctx_loss *loss, const float *x, float *scratch, double *inverse, float *all)
{
    if (loss->config.normalize) {
        normalize_rows(x, loss->rows, loss->dim, scratch, inverse);
        x = scratch;
    }
    qctx_comm_gather_all(loss->comm, x, all, loss->counts, (size_t)loss->dim * sizeof *x);
}

/* Σ x·dx over this rank's rows. */
static double own_product(const qctx_loss *loss, const float *all, const float *dx)
{
    return loss_dot(all + loss->first * loss->dim, dx, loss->rows * loss->dim);
}

/* dq, dc += factor · (H + Hᵀ)·(Q, D), the way through the targets, for this rank's rows. */
static void add_target_gradient(const qctx_loss *loss, float factor, float *dq, float *dc)
{
    const float *own = loss->targets + loss->first * loss->pitch;

    qctx_sgemm(QCTX_PLAIN, QCTX_PLAIN, loss->rows, loss->dim, loss->batch, factor, own, loss->pitch, loss->questions,
               loss->dim, 1.0f, dq, loss->dim);
    qctx_sgemm(QCTX_PLAIN, QCTX_PLAIN, loss->rows, loss->dim, loss->batch, factor, own, loss->pitch, loss->contexts,
               loss->dim, 1.0f, dc, loss->dim);
}

/* Gradients with respect to this rank's rows of Q and D. Returns its part of ∂L/∂t. */
static double backward_products(const qctx_loss *loss, float *dq, float *dc)
{
    float factor = (float)(loss->scale * loss->mean);
    double from_scores, other_side, from_targets;

    qctx_sgemm(QCTX_PLAIN, QCTX_PLAIN, loss->rows, loss->dim, loss->batch, factor,
               loss->scores + loss->first * loss->pitch, loss->pitch, loss->contexts, loss->dim, 0.0f, dq, loss->dim);
    qctx_sgemm(QCTX_TRANSPOSED, QCTX_PLAIN, loss->rows, loss->dim, loss->batch, factor, loss->scores + loss->first,
               loss->pitch, loss->questions, loss->dim, 0.0f, dc, loss->dim);
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
static bool backward_normalize(const qctx_loss *loss, const float *all, const double *inverse, float *dx)
{
    int64_t dim = loss->dim;
    bool finite = true;

#pragma omp parallel for schedule(static) reduction(&& : finite)
    for (int64_t i = 0; i < loss->rows; i++) {
        const float *unit = all + (loss->first + i) * dim;
        float *row = dx + i * dim;

        if (loss->config.normalize) {
            double along = loss_dot(unit, row, dim);

            for (int64_t k = 0; k < dim; k++)
                row[k] = (float)(((double)row[k] - along * (double)unit[k]) * inverse[i]);
        }
        finite = finite && isfinite(loss_dot(row, row, dim));
    }
    return finite;
}

void qctx_loss_step(qctx_loss *loss, const float *q, const float *c, const qctx_loss_batch *batch,
                    qctx_loss_scale scale, float *dq, float *dc, qctx_loss_result *result)
{
    double lanes[LANES] = {0.0};
    bool q_finite, c_finite;

    place_rows(loss, batch->rows);
    if (loss->batch == 0) {
        *result = (qctx_loss_result){.finite = true};
        return;
    }
    loss->scale = exp(scale.log_scale);
    gather_rows(loss, q, dq, loss->q_inverse, loss->questions);
    gather_rows(loss, c, dc, loss->c_inverse, loss->contexts);
    loss_mask_build(loss, batch);
    loss_scores(loss);
    lanes[WINS] = (double)loss_mask_wins(loss);
    lanes[LOSS_SUM] = loss->kind->differentiate(loss);
    lanes[SCALE_SUM] = backward_products(loss, dq, dc);
    q_finite = backward_normalize(loss, loss->questions, loss->q_inverse, dq);
    c_finite = backward_normalize(loss, loss->contexts, loss->c_inverse, dc);
    lanes[NOT_FINITE] = q_finite && c_finite ? 0.0 : 1.0;
    qctx_comm_sum_double(loss->comm, lanes, LANES);

    result->loss = lanes[LOSS_SUM] * loss->mean;
    result->dlog_scale = lanes[SCALE_SUM];
    result->accuracy = lanes[WINS] / (double)loss->batch;
    result->finite = lanes[NOT_FINITE] == 0.0 && isfinite(result->loss) && isfinite(result->dlog_scale);
}

void qctx_loss_offer(qctx_loss *loss, const float *c, const qctx_loss_batch *batch)
{
    (void)loss;
    (void)c;
    (void)batch;
}

int64_t qctx_loss_memory(const qctx_loss_config *config, int ranks, int64_t rows_max, int64_t batch_max, int64_t dim)
{
    (void)config;
    (void)ranks;
    return 4 * (batch_max * batch_max + 2 * batch_max * dim + rows_max);
}

double qctx_loss_flops(const qctx_loss_config *config, int ranks, int64_t rows, int64_t batch, int64_t dim)
{
    (void)config;
    (void)ranks;
    return 2.0 * (double)batch * (double)dim * ((double)batch + 2.0 * (double)rows);
}

const char *qctx_similarity_name(qctx_similarity scheme)
{
    static const char *const names[] = {"auto", "full", "rows_columns", "rows", "ring"};

    return names[scheme];
}

const char *qctx_loss_kind_name(qctx_loss_kind kind)
{
    static const char *const names[] = {"clip", "soft", "sigmoid"};

    return names[kind];
}
