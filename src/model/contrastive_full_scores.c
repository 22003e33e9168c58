/* The passes of the scheme `full` over its [B, B + E] blocks. */
#include <math.h>

#include "contrastive_full.h"
#include "contrastive_tile.h"
#include "qctx/base/dot.h"
#include "qctx/linalg/blas.h"

/* Rows a thread takes at a time: own rows cost more than the others and stand side by side, so they are dealt out. */
enum { DEAL = 8 };

void loss_scores(loss_full *loss)
{
    qctx_sgemm(QCTX_PLAIN, QCTX_TRANSPOSED, loss->place.batch, loss->place.columns, loss->sizes.dim, (float)loss->scale,
               loss->questions, loss->sizes.dim, loss->contexts, loss->sizes.dim, 0.0f, loss->scores, loss->pitch);
}

static void keep_softmax(loss_softmax *softmax, int64_t at, float max, double sum)
{
    softmax->max[at] = max;
    softmax->inverse[at] = (float)(1.0 / sum);
    softmax->log_sum[at] = (float)log(sum);
}

static void softmax_by_row(loss_full *loss)
{
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < loss->place.batch; i++) {
        float max;
        double sum;

        loss_row_sum(loss->scores + i * loss->pitch, loss->place.columns, &max, &sum);
        keep_softmax(&loss->by_row, i, max, sum);
    }
}

static void softmax_by_column(loss_full *loss)
{
#pragma omp parallel for schedule(static)
    for (int64_t from = 0; from < loss->place.batch; from += LOSS_COLUMN_BLOCK) {
        int64_t width = loss->place.batch - from < LOSS_COLUMN_BLOCK ? loss->place.batch - from : LOSS_COLUMN_BLOCK;
        float max[LOSS_COLUMN_BLOCK];
        double sum[LOSS_COLUMN_BLOCK];

        loss_column_sums(loss->scores + from, loss->pitch, loss->place.batch, width, max, sum);
        for (int64_t j = 0; j < width; j++)
            keep_softmax(&loss->by_column, from + j, max[j], sum[j]);
    }
}

static bool is_own_row(const loss_full *loss, int64_t i)
{
    return i >= loss->place.first && i < loss->place.first + loss->place.rows;
}

/* Row i's paired columns that this rank's gradients need: all of its own rows, its own columns of the others. */
static void needed_columns(const loss_full *loss, int64_t i, int64_t *from, int64_t *count)
{
    bool own = is_own_row(loss, i);

    *from = own ? 0 : loss->place.first;
    *count = own ? loss->place.batch : loss->place.rows;
}

/* Its extras likewise. */
static void needed_extras(const loss_full *loss, int64_t i, int64_t *from, int64_t *count)
{
    const loss_place *place = &loss->place;
    bool own = is_own_row(loss, i);

    *from = own ? place->batch : place->first_extra;
    *count = own ? place->columns - place->batch : place->extras;
}

/* −log softmax at the diagonal, from S. */
static double surprise(const loss_full *loss, const loss_softmax *softmax, int64_t i)
{
    return (double)softmax->max[i] - (double)loss->scores[i * loss->pitch + i] + (double)softmax->log_sum[i];
}

double loss_clip(loss_full *loss)
{
    bool by_row = loss->sizes.config.direction != QCTX_DIRECTION_CONTEXT;
    bool by_column = loss->sizes.config.direction != QCTX_DIRECTION_QUESTION;
    double sum = 0.0;

    loss->mean = 1.0 / (double)(by_row && by_column ? 2 * loss->place.batch : loss->place.batch);
    loss_mask_apply(loss);
    if (by_row)
        softmax_by_row(loss);
    if (by_column)
        softmax_by_column(loss);
    for (int64_t i = loss->place.first; i < loss->place.first + loss->place.rows; i++)
        sum +=
            (by_row ? surprise(loss, &loss->by_row, i) : 0.0) + (by_column ? surprise(loss, &loss->by_column, i) : 0.0);

#pragma omp parallel for schedule(static, DEAL)
    for (int64_t i = 0; i < loss->place.batch; i++) {
        const float *max = loss->by_column.max, *inverse = loss->by_column.inverse;
        int64_t from, count;
        float *entries;

        needed_columns(loss, i, &from, &count);
        entries = loss->scores + i * loss->pitch + from;
        if (by_row && by_column)
            loss_both_softmax(entries, count, loss->by_row.max[i], loss->by_row.inverse[i], max + from, inverse + from);
        else if (by_row)
            loss_row_softmax(entries, count, loss->by_row.max[i], loss->by_row.inverse[i]);
        else
            loss_column_softmax(entries, count, max + from, inverse + from);
        needed_extras(loss, i, &from, &count);
        loss_row_softmax(loss->scores + i * loss->pitch + from, count, loss->by_row.max[i], loss->by_row.inverse[i]);
    }
    for (int64_t i = loss->place.first; i < loss->place.first + loss->place.rows; i++)
        loss->scores[i * loss->pitch + i] -= by_row && by_column ? 2.0f : 1.0f;
    return sum;
}

/* T = row-softmax((QQᵀ + DDᵀ)/2s) and its column sums. */
static void soft_targets(loss_full *loss)
{
    float factor = (float)(0.5 / loss->scale);

    qctx_sgemm(QCTX_PLAIN, QCTX_TRANSPOSED, loss->place.batch, loss->place.batch, loss->sizes.dim, factor,
               loss->questions, loss->sizes.dim, loss->questions, loss->sizes.dim, 0.0f, loss->targets, loss->pitch);
    qctx_sgemm(QCTX_PLAIN, QCTX_TRANSPOSED, loss->place.batch, loss->place.batch, loss->sizes.dim, factor,
               loss->contexts, loss->sizes.dim, loss->contexts, loss->sizes.dim, 1.0f, loss->targets, loss->pitch);
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < loss->place.batch; i++) {
        float *row = loss->targets + i * loss->pitch;
        float max;
        double sum;

        loss_row_sum(row, loss->place.batch, &max, &sum);
        loss_row_softmax(row, loss->place.batch, max, (float)(1.0 / sum));
    }
#pragma omp parallel for schedule(static)
    for (int64_t from = 0; from < loss->place.batch; from += LOSS_COLUMN_BLOCK) {
        int64_t width = loss->place.batch - from < LOSS_COLUMN_BLOCK ? loss->place.batch - from : LOSS_COLUMN_BLOCK;
        double mass[LOSS_COLUMN_BLOCK];

        loss_column_mass(loss->targets + from, loss->pitch, loss->place.batch, width, mass);
        for (int64_t j = 0; j < width; j++)
            loss->target_mass[from + j] = (float)mass[j];
    }
}

/* H + Hᵀ in this rank's rows of `targets`, which hold H there and in its columns. A thread's rows stay in the cache. */
static void symmetrize_own_rows(loss_full *loss)
{
    int64_t end = loss->place.first + loss->place.rows;

#pragma omp parallel for schedule(static)
    for (int64_t from = loss->place.first; from < end; from += DEAL) {
        int64_t to = from + DEAL < end ? from + DEAL : end;

        for (int64_t j = 0; j < loss->place.batch; j++)
            for (int64_t i = from; i < to; i++) {
                float *entry = loss->targets + i * loss->pitch + j;
                float *mirror = loss->targets + j * loss->pitch + i;
                bool both_own = j >= loss->place.first && j < end;

                /* A pair with both halves in own rows belongs to the lower one, which writes both. */
                if (both_own && j < i)
                    continue;
                *entry += *mirror;
                if (both_own)
                    *mirror = *entry;
            }
    }
}

double loss_soft(loss_full *loss)
{
    double sum = 0.0;

    loss->mean = 1.0 / (double)(2 * loss->place.batch);
    softmax_by_row(loss);
    softmax_by_column(loss);
    soft_targets(loss);
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < loss->place.batch; i++)
        loss->agreement[i] =
            (float)loss_agreement(loss->scores + i * loss->pitch, loss->targets + i * loss->pitch, loss->place.batch,
                                  loss->by_row.max[i], loss->by_row.log_sum[i], &loss->by_column);
    for (int64_t i = loss->place.first; i < loss->place.first + loss->place.rows; i++)
        sum -= (double)loss->agreement[i];

#pragma omp parallel for schedule(static, DEAL)
    for (int64_t i = 0; i < loss->place.batch; i++) {
        int64_t from, count;

        needed_columns(loss, i, &from, &count);
        loss_soft_gradient(loss->scores + i * loss->pitch + from, loss->targets + i * loss->pitch + from, from, count,
                           i, loss);
    }
    symmetrize_own_rows(loss);
    return sum;
}

/* The entries of some rows of S, from column `from` on, as negatives: S to G; the sums are added to *loss_sum, *g_sum.
 */
static void sigmoid_negatives(const loss_full *loss, int64_t first, int64_t rows, int64_t from, int64_t cols,
                              double *loss_sum, double *g_sum)
{
    float *x = loss->scores + first * loss->pitch + from;
    loss_tile tile = {x, loss->pitch, rows, cols};

    *loss_sum += loss_tile_sigmoid(&tile, 1.0, loss->bias, NULL, QCTX_PRECISION_FLOAT32, x, loss->pitch, g_sum);
}

/* `cols` of this rank's columns from `from` on, in the others' rows. */
static void sigmoid_own_columns(const loss_full *loss, int64_t from, int64_t cols, double *others)
{
    int64_t first = loss->place.first, end = first + loss->place.rows;

    sigmoid_negatives(loss, 0, first, from, cols, others, others);
    sigmoid_negatives(loss, end, loss->place.batch - end, from, cols, others, others);
}

double loss_sigmoid(loss_full *loss)
{
    int64_t first = loss->place.first, end = first + loss->place.rows;
    double sum = 0.0, others = 0.0;

    loss->mean = 1.0 / (double)loss->place.batch;
    loss_mask_apply(loss);
    for (int64_t i = first; i < end; i++)
        loss->scores[i * loss->pitch + i] = -INFINITY;
    sigmoid_negatives(loss, first, loss->place.rows, 0, loss->place.columns, &sum, &loss->g_sum);
    /* Own columns of the others' rows; their sums are the others' to tell. */
    sigmoid_own_columns(loss, first, loss->place.rows, &others);
    sigmoid_own_columns(loss, loss->place.first_extra, loss->place.extras, &others);
    for (int64_t i = first; i < end; i++) {
        double dot = qctx_dot(loss->questions + i * loss->sizes.dim, loss->contexts + i * loss->sizes.dim,
                              loss->sizes.dim),
               g;

        sum += loss_sigmoid_own(loss->scale * dot + loss->bias, &g);
        loss->g_sum += g;
        loss->scores[i * loss->pitch + i] = (float)g;
    }
    return sum;
}
