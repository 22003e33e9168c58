#include "contrastive_reference.h"

#include <math.h>
#include <stdlib.h>

#include "qctx/base/mem.h"

/* Everything of one batch, each a full array in double. */
typedef struct {
    int64_t rows, columns, dim; /* columns: the rows' contexts, then the extras */
    double scale;
    double *q, *d;   /* Q [rows, dim], D [columns, dim] */
    double *dq, *dd; /* ∂L/∂Q, ∂L/∂D likewise */
    double *s, *g;   /* S, ∂L/∂S [rows, columns] */
    double *a, *t, *h; /* soft, which has no extras: A = (QQᵀ + DDᵀ)/2s, T = row-softmax(A), ∂L/∂A [rows, columns] */
    double *r, *c;        /* log-sums of S [rows] */
    double *mass;         /* soft: column sums of T [rows] */
    const bool *negative; /* [rows, columns]: takes part in the log-sums (the diagonal does) */
} reference;

static double dot(const double *x, const double *y, int64_t count)
{
    double sum = 0.0;

    for (int64_t k = 0; k < count; k++)
        sum += x[k] * y[k];
    return sum;
}

/* log Σ exp x over the `count` taken elements x[k·step]. */
static double log_sum(const double *x, const bool *taken, int64_t count, int64_t step)
{
    double max = -INFINITY, sum = 0.0;

    for (int64_t k = 0; k < count; k++)
        if (taken[k * step])
            max = fmax(max, x[k * step]);
    for (int64_t k = 0; k < count; k++)
        if (taken[k * step])
            sum += exp(x[k * step] - max);
    return sum == 0.0 ? -INFINITY : max + log(sum); /* the first of nothing at all */
}

static bool answers(const qctx_loss_batch *batch, int64_t i, int64_t j)
{
    if (batch->content[j] == batch->content[i])
        return true;
    for (int64_t k = batch->positive_offsets[i]; k < batch->positive_offsets[i + 1]; k++)
        if (batch->positives[k] == batch->content[j])
            return true;
    return false;
}

static void unit_rows(const double *x, int64_t rows, int64_t dim, bool normalize, double *unit)
{
    for (int64_t i = 0; i < rows; i++) {
        double length = normalize ? sqrt(dot(x + i * dim, x + i * dim, dim)) : 1.0;

        for (int64_t k = 0; k < dim; k++)
            unit[i * dim + k] = length > 0.0 ? x[i * dim + k] / length : 0.0;
    }
}

static void unit_rows_backward(const double *x, const double *unit, const double *dunit, int64_t rows, int64_t dim,
                               bool normalize, double *dx)
{
    for (int64_t i = 0; i < rows; i++) {
        double length = normalize ? sqrt(dot(x + i * dim, x + i * dim, dim)) : 1.0;
        double along = normalize ? dot(unit + i * dim, dunit + i * dim, dim) : 0.0;

        for (int64_t k = 0; k < dim; k++)
            dx[i * dim + k] = length > 0.0 ? (dunit[i * dim + k] - along * unit[i * dim + k]) / length : 0.0;
    }
}

static double clip_loss(reference *x, qctx_loss_direction direction)
{
    int64_t n = x->columns;
    double by_row = direction == QCTX_DIRECTION_CONTEXT ? 0.0 : 1.0;
    double by_column = direction == QCTX_DIRECTION_QUESTION ? 0.0 : 1.0;
    double mean = 1.0 / ((by_row + by_column) * (double)x->rows), loss = 0.0;

    for (int64_t i = 0; i < x->rows; i++) {
        loss += by_row * (x->r[i] - x->s[i * n + i]) + by_column * (x->c[i] - x->s[i * n + i]);
        for (int64_t j = 0; j < n; j++) {
            double score = x->s[i * n + j];

            x->g[i * n + j] =
                x->negative[i * n + j]
                    ? mean * (by_row * exp(score - x->r[i]) + (j < x->rows ? by_column * exp(score - x->c[j]) : 0.0))
                    : 0.0;
            if (i == j)
                x->g[i * n + j] -= mean * (by_row + by_column);
        }
    }
    return loss * mean;
}

static double soft_loss(reference *x)
{
    int64_t n = x->rows;
    double mean = 1.0 / (2.0 * (double)n), loss = 0.0;

    for (int64_t i = 0; i < n; i++) {
        double log_total;

        for (int64_t j = 0; j < n; j++)
            x->a[i * n + j] = (dot(x->q + i * x->dim, x->q + j * x->dim, x->dim) +
                               dot(x->d + i * x->dim, x->d + j * x->dim, x->dim)) /
                              (2.0 * x->scale);
        log_total = log_sum(x->a + i * n, x->negative + i * n, n, 1);
        for (int64_t j = 0; j < n; j++) {
            x->t[i * n + j] = exp(x->a[i * n + j] - log_total);
            x->mass[j] += x->t[i * n + j];
        }
    }
    for (int64_t i = 0; i < n; i++) {
        double agreement = 0.0;

        for (int64_t j = 0; j < n; j++)
            agreement += x->t[i * n + j] * (2.0 * x->s[i * n + j] - x->r[i] - x->c[j]);
        loss -= mean * agreement;
        for (int64_t j = 0; j < n; j++) {
            double score = x->s[i * n + j];

            x->g[i * n + j] = mean * (exp(score - x->r[i]) + x->mass[j] * exp(score - x->c[j]) - 2.0 * x->t[i * n + j]);
            x->h[i * n + j] = mean * x->t[i * n + j] * (agreement - (2.0 * score - x->r[i] - x->c[j]));
        }
    }
    return loss;
}

/* Stores ∂L/∂β = Σ ∂L/∂S. */
static double sigmoid_loss(reference *x, double bias, double *dbias)
{
    int64_t n = x->columns;
    double mean = 1.0 / (double)x->rows, loss = 0.0;

    for (int64_t i = 0; i < x->rows; i++)
        for (int64_t j = 0; j < n; j++) {
            double sign = i == j ? 1.0 : -1.0, z = sign * (x->s[i * n + j] + bias);

            if (!x->negative[i * n + j])
                continue;
            loss += mean * (fmax(-z, 0.0) + log1p(exp(-fabs(z)))); /* −log σ(z) without overflow */
            x->g[i * n + j] = -mean * sign / (1.0 + exp(z));
            *dbias += x->g[i * n + j];
        }
    return loss;
}

/* From the gradients of S and A to those of Q, D and the log scale; returns the last. */
static double product_gradients(reference *x)
{
    int64_t n = x->columns, dim = x->dim;
    double dlog_scale = 0.0;

    for (int64_t i = 0; i < x->rows; i++)
        for (int64_t j = 0; j < n; j++) {
            double g = x->scale * x->g[i * n + j], h = x->h[i * n + j] / (2.0 * x->scale);

            dlog_scale += x->g[i * n + j] * x->s[i * n + j] - x->h[i * n + j] * x->a[i * n + j];
            for (int64_t k = 0; k < dim && j >= x->rows; k++) {
                x->dq[i * dim + k] += g * x->d[j * dim + k];
                x->dd[j * dim + k] += g * x->q[i * dim + k];
            }
            for (int64_t k = 0; k < dim && j < x->rows; k++) {
                x->dq[i * dim + k] += g * x->d[j * dim + k] + h * x->q[j * dim + k];
                x->dq[j * dim + k] += h * x->q[i * dim + k];
                x->dd[j * dim + k] += g * x->q[i * dim + k] + h * x->d[i * dim + k];
                x->dd[i * dim + k] += h * x->d[j * dim + k];
            }
        }
    return dlog_scale;
}

static double share_of_wins(const reference *x, const qctx_loss_batch *batch)
{
    int64_t n = x->columns, wins = 0;

    for (int64_t i = 0; i < x->rows; i++) {
        bool best = true;

        for (int64_t j = 0; j < n; j++)
            if (j != i && !answers(batch, i, j) && !(x->s[i * n + i] > x->s[i * n + j]))
                best = false;
        wins += best;
    }
    return x->rows > 0 ? (double)wins / (double)x->rows : 0.0;
}

/* S, its log-sums, and the gradients of the chosen loss with respect to S, A and β. Returns the loss. */
static double forward(reference *x, const qctx_loss_config *config, double bias, double *dbias)
{
    int64_t n = x->columns;

    for (int64_t i = 0; i < x->rows; i++)
        for (int64_t j = 0; j < n; j++)
            x->s[i * n + j] = x->scale * dot(x->q + i * x->dim, x->d + j * x->dim, x->dim);
    for (int64_t i = 0; i < x->rows; i++) {
        x->r[i] = log_sum(x->s + i * n, x->negative + i * n, n, 1);
        x->c[i] = log_sum(x->s + i, x->negative + i, x->rows, n);
    }
    switch (config->kind) {
    case QCTX_LOSS_CLIP:
        return clip_loss(x, config->direction);
    case QCTX_LOSS_SOFT:
        return soft_loss(x);
    case QCTX_LOSS_SIGMOID:
        return sigmoid_loss(x, bias, dbias);
    }
    return NAN;
}

void contrastive_reference(const qctx_loss_config *config, const double *q, const double *c, int64_t dim,
                           const qctx_loss_batch *batch, qctx_loss_scale scale, double *dq, double *dc,
                           qctx_loss_result *result)
{
    const int64_t rows = batch->rows, columns = rows + batch->extras;
    double *memory =
        qctx_alloc(2 * (rows + columns) * dim + 5 * rows * columns + 3 * rows, sizeof *memory, "the reference", NULL);
    bool *negative = qctx_alloc(rows * columns, sizeof *negative, "the reference", NULL);
    double *at = memory;
    reference x = {.rows = rows, .columns = columns, .dim = dim, .scale = exp(scale.log_scale), .negative = negative};
    double **vectors[] = {&x.q, &x.dq, &x.d, &x.dd}, **blocks[] = {&x.s, &x.g, &x.a, &x.t, &x.h};

    *result = (qctx_loss_result){.loss = NAN};
    if (memory == NULL || negative == NULL)
        goto out;
    for (int k = 0; k < 4; at += (k < 2 ? rows : columns) * dim, k++)
        *vectors[k] = at;
    for (int k = 0; k < 5; k++, at += rows * columns)
        *blocks[k] = at;
    x.r = at;
    x.c = at + rows;
    x.mass = at + 2 * rows;
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++)
            negative[i * columns + j] = config->kind == QCTX_LOSS_SOFT || i == j || !answers(batch, i, j);

    unit_rows(q, rows, dim, config->normalize, x.q);
    unit_rows(c, columns, dim, config->normalize, x.d);
    result->loss = forward(&x, config, scale.bias, &result->dbias);
    result->dlog_scale = product_gradients(&x);
    result->accuracy = share_of_wins(&x, batch);
    unit_rows_backward(q, x.q, x.dq, rows, dim, config->normalize, dq);
    unit_rows_backward(c, x.d, x.dd, columns, dim, config->normalize, dc);
    result->finite = isfinite(result->loss) && isfinite(result->dlog_scale) && isfinite(result->dbias);
    for (int64_t k = 0; k < rows * dim; k++)
        result->finite = result->finite && isfinite(dq[k]);
    for (int64_t k = 0; k < columns * dim; k++)
        result->finite = result->finite && isfinite(dc[k]);
out:
    free(memory);
    free(negative);
}
