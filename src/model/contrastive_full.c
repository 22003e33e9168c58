/* The scheme `full`: memory, and a step from end to end. */
#include <math.h>
#include <stdlib.h>

#include "contrastive_full.h"
#include "contrastive_tile.h"
#include "contrastive_vectors.h"
#include "qctx/base/buffers.h"
#include "qctx/base/dot.h"
#include "qctx/base/mem.h"
#include "qctx/linalg/blas.h"

/* In the order of qctx_loss_kind. */
static const loss_kind kinds[] = {
    [QCTX_LOSS_CLIP] = {loss_clip, .has_mask = true},
    [QCTX_LOSS_SOFT] = {loss_soft, .has_targets = true},
    [QCTX_LOSS_SIGMOID] = {loss_sigmoid, .has_mask = true},
};

/* Of mask bits, for a row. */
static int64_t words_of(int64_t columns)
{
    return (columns + 63) / 64;
}

static qctx_buffers buffers_of(loss_full *loss)
{
    const int64_t rows = loss->sizes.rows, batch = loss->sizes.batch, dim = loss->sizes.dim;
    const int64_t columns = loss_contexts(&loss->sizes), words = words_of(columns);
    const int64_t entries = batch * loss_tile_pitch(columns);
    const bool has_mask = loss->kind->has_mask, has_targets = loss->kind->has_targets;
    loss_softmax *by_row = &loss->by_row, *by_column = &loss->by_column;

    return (qctx_buffers){{
        {&loss->place.counts, loss->sizes.ranks, sizeof *loss->place.counts, "the loss"},
        {&loss->place.extra_counts, loss->sizes.batch_extras > 0 ? loss->sizes.ranks : QCTX_BUFFER_NONE,
         sizeof *loss->place.extra_counts, "the loss"},
        {&loss->questions, batch * dim, sizeof *loss->questions, "the batch's questions"},
        {&loss->contexts, columns * dim, sizeof *loss->contexts, "the batch's contexts"},
        {&loss->q_inverse, rows, sizeof *loss->q_inverse, "the loss"},
        {&loss->c_inverse, loss_own_contexts(&loss->sizes), sizeof *loss->c_inverse, "the loss"},
        {&loss->scores, entries, sizeof *loss->scores, "the batch's scores"},
        {&by_row->max, batch, sizeof *by_row->max, "the loss"},
        {&by_row->inverse, batch, sizeof *by_row->inverse, "the loss"},
        {&by_row->log_sum, batch, sizeof *by_row->log_sum, "the loss"},
        {&by_column->max, batch, sizeof *by_column->max, "the loss"},
        {&by_column->inverse, batch, sizeof *by_column->inverse, "the loss"},
        {&by_column->log_sum, batch, sizeof *by_column->log_sum, "the loss"},
        {&loss->targets, has_targets ? entries : QCTX_BUFFER_NONE, sizeof *loss->targets, "the batch's targets"},
        {&loss->target_mass, has_targets ? batch : QCTX_BUFFER_NONE, sizeof *loss->target_mass, "the loss"},
        {&loss->agreement, has_targets ? batch : QCTX_BUFFER_NONE, sizeof *loss->agreement, "the loss"},
        {&loss->content, columns, sizeof *loss->content, "the loss"},
        {&loss->order, columns, sizeof *loss->order, "the loss"},
        {&loss->own_mask, rows * words, sizeof *loss->own_mask, "the loss's masks"},
        {&loss->mask, has_mask ? batch * words : QCTX_BUFFER_NONE, sizeof *loss->mask, "the loss's masks"},
    }};
}

static void full_destroy(void *state)
{
    loss_full *loss = state;
    qctx_buffers buffers;

    if (loss == NULL)
        return;
    buffers = buffers_of(loss);
    qctx_buffers_free(&buffers);
    free(loss);
}

static qctx_status full_create(qctx_comm *comm, const loss_sizes *sizes, void **state, qctx_error *error)
{
    loss_full *loss = qctx_alloc(1, sizeof *loss, "the loss", error);
    qctx_buffers buffers;

    if (loss == NULL)
        return QCTX_ERR_MEMORY;
    *loss = (loss_full){.comm = comm, .sizes = *sizes, .kind = &kinds[sizes->config.kind]};
    buffers = buffers_of(loss);
    if (qctx_buffers_alloc(&buffers, error) != QCTX_OK) {
        full_destroy(loss);
        return QCTX_ERR_MEMORY;
    }
    *state = loss;
    return QCTX_OK;
}

static int64_t full_memory(const loss_sizes *sizes)
{
    loss_full loss = {.sizes = *sizes, .kind = &kinds[sizes->config.kind]};
    const qctx_buffers buffers = buffers_of(&loss);

    return (int64_t)sizeof loss + qctx_buffers_bytes(&buffers);
}

/* Rows of all ranks, counts[r] of rank r, from this one's; `scratch` [rows, dim] holds them normalised on the way. */
static void gather_rows(loss_full *loss, const float *x, int64_t rows, const int64_t *counts, float *scratch,
                        double *inverse, float *all)
{
    if (loss->sizes.config.normalize) {
        loss_normalize(QCTX_PRECISION_FLOAT32, x, rows, loss->sizes.dim, true, scratch, inverse);
        x = scratch;
    }
    qctx_comm_gather_all(loss->comm, x, all, counts, (size_t)loss->sizes.dim * sizeof *x);
}

/* Q and D; dq and dc are the scratch. */
static void gather(loss_full *loss, const float *q, const float *c, float *dq, float *dc)
{
    const loss_place *place = &loss->place;
    int64_t own = place->rows * loss->sizes.dim;

    gather_rows(loss, q, place->rows, place->counts, dq, loss->q_inverse, loss->questions);
    gather_rows(loss, c, place->rows, place->counts, dc, loss->c_inverse, loss->contexts);
    if (place->columns > place->batch)
        gather_rows(loss, c + own, place->extras, place->extra_counts, dc + own, loss->c_inverse + place->rows,
                    loss->contexts + place->batch * loss->sizes.dim);
}

/* Σ x·dx over this rank's rows. */
static double own_product(const loss_full *loss, const float *all, const float *dx)
{
    return qctx_dot(all + loss->place.first * loss->sizes.dim, dx, loss->place.rows * loss->sizes.dim);
}

/* dq, dc += factor · (H + Hᵀ)·(Q, D), the way through the targets, for this rank's rows. */
static void add_target_gradient(const loss_full *loss, float factor, float *dq, float *dc)
{
    const float *own = loss->targets + loss->place.first * loss->pitch;

    qctx_sgemm(QCTX_PLAIN, QCTX_PLAIN, loss->place.rows, loss->sizes.dim, loss->place.batch, factor, own, loss->pitch,
               loss->questions, loss->sizes.dim, 1.0f, dq, loss->sizes.dim);
    qctx_sgemm(QCTX_PLAIN, QCTX_PLAIN, loss->place.rows, loss->sizes.dim, loss->place.batch, factor, own, loss->pitch,
               loss->contexts, loss->sizes.dim, 1.0f, dc, loss->sizes.dim);
}

/* dx [count, dim] = factor·Gᵀ·Q of the columns from `first` on. */
static void backward_columns(const loss_full *loss, float factor, int64_t first, int64_t count, float *dx)
{
    qctx_sgemm(QCTX_TRANSPOSED, QCTX_PLAIN, count, loss->sizes.dim, loss->place.batch, factor, loss->scores + first,
               loss->pitch, loss->questions, loss->sizes.dim, 0.0f, dx, loss->sizes.dim);
}

/* Gradients with respect to this rank's rows of Q and D. Returns its part of ∂L/∂t. */
static double backward_products(const loss_full *loss, float *dq, float *dc)
{
    const loss_place *place = &loss->place;
    float factor = (float)(loss->scale * loss->mean);
    double from_scores, other_side, from_targets;

    qctx_sgemm(QCTX_PLAIN, QCTX_PLAIN, place->rows, loss->sizes.dim, place->columns, factor,
               loss->scores + place->first * loss->pitch, loss->pitch, loss->contexts, loss->sizes.dim, 0.0f, dq,
               loss->sizes.dim);
    backward_columns(loss, factor, place->first, place->rows, dc);
    backward_columns(loss, factor, place->first_extra, place->extras, dc + place->rows * loss->sizes.dim);
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

/* dx = (dx − (x̂·dx) x̂)/‖x‖ for `rows` of `all` from `first` on, if rows were normalised. Returns whether all is
 * finite. */
static bool backward_normalize(const loss_full *loss, const float *all, int64_t first, int64_t rows,
                               const double *inverse, float *dx)
{
    int64_t dim = loss->sizes.dim;
    bool finite = true;

#pragma omp parallel for schedule(static) reduction(&& : finite)
    for (int64_t i = 0; i < rows; i++) {
        const float *unit = all + (first + i) * dim;
        float *row = dx + i * dim;

        if (loss->sizes.config.normalize) {
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
    const loss_place *place = &loss->place;
    bool q_finite, c_finite, extras_finite;

    loss_place_rows(loss->comm, batch, loss->sizes.batch_extras > 0, &loss->place);
    if (place->batch == 0) {
        *result = loss_nothing(place, loss->sizes.dim, dc);
        return;
    }
    loss->pitch = loss_tile_pitch(place->columns);
    loss->words = words_of(place->columns);
    loss->scale = exp(scale.log_scale);
    loss->bias = scale.bias;
    loss->g_sum = 0.0;
    gather(loss, q, c, dq, dc);
    loss_mask_build(loss, batch);
    loss_scores(loss);
    lanes[LOSS_LANE_WINS] = (double)loss_mask_wins(loss);
    lanes[LOSS_LANE_SUM] = loss->kind->differentiate(loss);
    lanes[LOSS_LANE_SCALE] = backward_products(loss, dq, dc);
    lanes[LOSS_LANE_BIAS] = loss->g_sum * loss->mean;
    q_finite = backward_normalize(loss, loss->questions, place->first, place->rows, loss->q_inverse, dq);
    c_finite = backward_normalize(loss, loss->contexts, place->first, place->rows, loss->c_inverse, dc);
    extras_finite = backward_normalize(loss, loss->contexts, place->first_extra, place->extras,
                                       loss->c_inverse + place->rows, dc + place->rows * loss->sizes.dim);
    lanes[LOSS_LANE_NOT_FINITE] = q_finite && c_finite && extras_finite ? 0.0 : 1.0;
    qctx_comm_sum_double(loss->comm, lanes, LOSS_LANES);
    *result = loss_result(lanes, loss->mean, place->batch);
}

/* The reference hides nothing: all is exchanged in the step. */
static void full_offer(void *state, const float *c, const qctx_loss_batch *batch)
{
    (void)state;
    (void)c;
    (void)batch;
}

static double full_flops(const loss_sizes *sizes)
{
    double row = 2.0 * (double)sizes->batch * (double)sizes->dim; /* of a product of one row with all of the batch */
    double wide = 2.0 * (double)loss_contexts(sizes) * (double)sizes->dim; /* and with all of the contexts */

    if (kinds[sizes->config.kind].has_targets)
        return row * (3.0 * (double)sizes->batch + 4.0 * (double)sizes->rows);
    return wide * (double)(sizes->batch + sizes->rows) + row * (double)loss_own_contexts(sizes);
}

const loss_scheme loss_scheme_full = {full_create, full_offer, full_step, full_destroy, full_memory, full_flops};
