#include "qctx/model/distill.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/buffers.h"
#include "qctx/base/dot.h"
#include "qctx/base/mem.h"
#include "qctx/base/multiversion.h"
#include "qctx/base/order.h"

/* Numbers of a row that a thread adds up for all entries: they stay in the first cache. */
enum { SLICE = 64 };

const char *const qctx_distill_kind_names[] = {
    [QCTX_DISTILL_KL] = "kl", [QCTX_DISTILL_MARGIN_MSE] = "margin_mse", NULL};

struct qctx_distill {
    qctx_distill_config config;
    qctx_distill_size size;
    double *score;            /* z of each entry */
    double *slope;            /* ∂(factor·L)/∂z of each entry */
    double *question_inverse; /* 1/‖q‖ [rows] */
    double *context_inverse;  /* 1/‖c‖ [contexts] */
    double *question_along;   /* what the way back through the length takes of each row itself [rows] */
    double *context_along;    /* [contexts] */
    double *losses;           /* [rows] */
};

static qctx_buffers buffers_of(qctx_distill *distill)
{
    const qctx_distill_size *size = &distill->size;
    const char *what = "the teacher's lists of a step";

    return (qctx_buffers){{
        {&distill->score, size->entries, sizeof(double), what},
        {&distill->slope, size->entries, sizeof(double), what},
        {&distill->question_inverse, size->rows, sizeof(double), what},
        {&distill->context_inverse, size->contexts, sizeof(double), what},
        {&distill->question_along, size->rows, sizeof(double), what},
        {&distill->context_along, size->contexts, sizeof(double), what},
        {&distill->losses, size->rows, sizeof(double), what},
    }};
}

qctx_status qctx_distill_create(const qctx_distill_config *config, qctx_distill_size size, qctx_distill **created,
                                qctx_error *error)
{
    qctx_distill *distill = qctx_alloc(1, sizeof *distill, "the distillation", error);
    qctx_buffers buffers;

    if (distill == NULL)
        return QCTX_ERR_MEMORY;
    distill->config = *config;
    distill->size = size;
    buffers = buffers_of(distill);
    if (qctx_buffers_alloc(&buffers, error) != QCTX_OK) {
        qctx_distill_destroy(distill);
        return QCTX_ERR_MEMORY;
    }
    *created = distill;
    return QCTX_OK;
}

void qctx_distill_destroy(qctx_distill *distill)
{
    qctx_buffers buffers;

    if (distill == NULL)
        return;
    buffers = buffers_of(distill);
    qctx_buffers_free(&buffers);
    free(distill);
}

int64_t qctx_distill_memory(qctx_distill_size size)
{
    qctx_distill counted = {.size = size};
    const qctx_buffers buffers = buffers_of(&counted);

    return qctx_buffers_bytes(&buffers) + (int64_t)sizeof counted;
}

/* inverse[i] = 1/‖x‖ of row i, 0 for a row of zeros, 1 without `normalize`. */
static void invert_lengths(const qctx_distill_config *config, const float *x, int64_t rows, double *inverse)
{
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < rows; i++) {
        const float *row = x + i * config->dim;
        double square = config->normalize ? qctx_dot(row, row, config->dim) : 1.0;

        inverse[i] = square == 0.0 ? 0.0 : 1.0 / sqrt(square);
    }
}

/* log Σ exp of values [count] times `by`, count ≥ 1. */
static double log_sum(const double *values, int64_t count, double by)
{
    double most = values[0] * by, sum;

    for (int64_t j = 1; j < count; j++)
        most = fmax(most, values[j] * by);
    sum = exp(values[0] * by - most);
    for (int64_t j = 1; j < count; j++)
        sum += exp(values[j] * by - most);
    return most + log(sum);
}

/* The loss of one list by `kl`; the teacher's scores are in `slope`, which becomes π − p. */
static double by_distribution(const double *score, double *slope, int64_t count, double temperature)
{
    double teacher = log_sum(slope, count, 1.0 / temperature), student = log_sum(score, count, 1.0), loss = 0.0;

    for (int64_t j = 0; j < count; j++) {
        double log_p = slope[j] * (1.0 / temperature) - teacher, log_pi = score[j] - student, p = exp(log_p);

        loss += p * (log_p - log_pi);
        slope[j] = exp(log_pi) - p;
    }
    return loss;
}

/* The mean of d over the entries of a role, and how many there are. */
static int64_t mean_of(const double *score, const double *teacher, const uint8_t *roles, int64_t count,
                       qctx_scored_role role, double *mean)
{
    int64_t found = 0;

    *mean = 0.0;
    for (int64_t j = 0; j < count; j++)
        if (roles[j] == role) {
            *mean += score[j] - teacher[j];
            found++;
        }
    *mean = found > 0 ? *mean / (double)found : 0.0;
    return found;
}

/*
 * The loss of one list by `margin_mse`; `slope` likewise. With d = z − t/τ the mean over all pairs of (d_r − d_w)² is
 * var(d_r) + var(d_w) + (mean(d_r) − mean(d_w))², so that pairs need not be gone through.
 */
static double by_margins(const double *score, double *slope, const uint8_t *roles, int64_t count, double temperature)
{
    double right, wrong, loss, squares[2] = {0.0, 0.0};
    int64_t rights, wrongs;

    for (int64_t j = 0; j < count; j++)
        slope[j] /= temperature;
    rights = mean_of(score, slope, roles, count, QCTX_SCORED_RIGHT, &right);
    wrongs = mean_of(score, slope, roles, count, QCTX_SCORED_WRONG, &wrong);
    for (int64_t j = 0; j < count; j++) {
        bool is_right = roles[j] == QCTX_SCORED_RIGHT;
        double from = is_right ? right : wrong, other = is_right ? wrong : right, d = score[j] - slope[j];

        slope[j] = 0.0;
        if (rights == 0 || wrongs == 0 || roles[j] == QCTX_SCORED_NEITHER)
            continue;
        squares[is_right] += (d - from) * (d - from);
        slope[j] = 2.0 * (d - other) / (double)(is_right ? rights : wrongs);
    }
    if (rights == 0 || wrongs == 0)
        return 0.0;
    loss = squares[true] / (double)rights + squares[false] / (double)wrongs + (right - wrong) * (right - wrong);
    return loss;
}

/* Scores and slopes of one list, its loss, and what its question takes of itself on the way back. */
static void weigh_list(qctx_distill *distill, const float *q, const float *c, const qctx_distill_lists *lists,
                       int64_t row, double scale, double factor)
{
    const qctx_distill_config *config = &distill->config;
    const int64_t base = lists->offsets[0], first = lists->offsets[row], count = lists->offsets[row + 1] - first;
    double *score = distill->score + first - base, *slope = distill->slope + first - base, along = 0.0;

    for (int64_t j = 0; j < count; j++) {
        int64_t context = lists->contexts[first + j];

        score[j] = scale * distill->question_inverse[row] * distill->context_inverse[context] *
                   qctx_dot(q + row * config->dim, c + context * config->dim, config->dim);
        slope[j] = (double)lists->scores[first + j];
    }
    distill->losses[row] = 0.0;
    if (count > 0 && config->kind == QCTX_DISTILL_KL)
        distill->losses[row] = by_distribution(score, slope, count, config->temperature);
    else if (count > 0)
        distill->losses[row] = by_margins(score, slope, lists->roles + first, count, config->temperature);
    for (int64_t j = 0; j < count; j++) {
        slope[j] *= factor;
        along += slope[j] * score[j];
    }
    distill->question_along[row] = along;
}

/* sum [count] += by·x. */
QCTX_MULTIVERSION
static void add_scaled(double by, const float *restrict x, int64_t count, double *restrict sum)
{
#pragma omp simd
    for (int64_t k = 0; k < count; k++)
        sum[k] += by * (double)x[k];
}

QCTX_MULTIVERSION
static void round_sums(const double *restrict sum, int64_t count, float *restrict out)
{
#pragma omp simd
    for (int64_t k = 0; k < count; k++)
        out[k] = (float)sum[k];
}

/* What a row takes of itself: −(∂L/∂log‖x‖)·x/‖x‖², for rows that are brought to unit length. */
static double of_itself(const qctx_distill_config *config, double along, double inverse)
{
    return config->normalize ? -along * inverse * inverse : 0.0;
}

/* s/(‖q‖·‖c‖)·∂L/∂z of an entry: what of the one row goes into the gradient of the other. */
static double of_other(const qctx_distill *distill, const qctx_distill_lists *lists, int64_t row, int64_t entry,
                       double scale)
{
    return scale * distill->slope[entry - lists->offsets[0]] * distill->question_inverse[row] *
           distill->context_inverse[lists->contexts[entry]];
}

/* dq of one question, from contexts that are not yet replaced. */
static void differentiate_question(const qctx_distill *distill, const float *q, const float *c,
                                   const qctx_distill_lists *lists, int64_t row, double scale, float *dq)
{
    const int64_t dim = distill->config.dim;

    for (int64_t k = 0; k < dim; k += SLICE) {
        int64_t count = qctx_smaller(SLICE, dim - k);
        double sum[SLICE] = {0.0};

        add_scaled(of_itself(&distill->config, distill->question_along[row], distill->question_inverse[row]),
                   q + row * dim + k, count, sum);
        for (int64_t e = lists->offsets[row]; e < lists->offsets[row + 1]; e++)
            add_scaled(of_other(distill, lists, row, e, scale), c + lists->contexts[e] * dim + k, count, sum);
        round_sums(sum, count, dq + row * dim + k);
    }
}

/* What each context takes of itself on the way back: the sum over the lists that it stands in. */
static void add_context_alongs(qctx_distill *distill, const qctx_distill_lists *lists, int64_t contexts)
{
    const int64_t base = lists->offsets[0];

    memset(distill->context_along, 0, (size_t)contexts * sizeof *distill->context_along);
    for (int64_t e = base; e < lists->offsets[lists->rows]; e++)
        distill->context_along[lists->contexts[e]] += distill->slope[e - base] * distill->score[e - base];
}

/* x [count] = by·x. */
QCTX_MULTIVERSION
static void scale_by(double by, int64_t count, float *x)
{
#pragma omp simd
    for (int64_t k = 0; k < count; k++)
        x[k] = (float)(by * (double)x[k]);
}

/* sum [count] += by·x, rounded entry by entry. */
QCTX_MULTIVERSION
static void add_rounded(double by, const float *restrict x, int64_t count, float *restrict sum)
{
#pragma omp simd
    for (int64_t k = 0; k < count; k++)
        sum[k] = (float)((double)sum[k] + by * (double)x[k]);
}

/* Columns k … k + count − 1 of the gradient of all contexts, in the order of the questions. */
static void differentiate_contexts(const qctx_distill *distill, const float *q, float *c, int64_t contexts,
                                   const qctx_distill_lists *lists, double scale, int64_t k, int64_t count)
{
    const int64_t dim = distill->config.dim;

    for (int64_t j = 0; j < contexts; j++)
        scale_by(of_itself(&distill->config, distill->context_along[j], distill->context_inverse[j]), count,
                 c + j * dim + k);
    for (int64_t row = 0; row < lists->rows; row++)
        for (int64_t e = lists->offsets[row]; e < lists->offsets[row + 1]; e++)
            add_rounded(of_other(distill, lists, row, e, scale), q + row * dim + k, count,
                        c + lists->contexts[e] * dim + k);
}

qctx_distill_sums qctx_distill_step(qctx_distill *distill, const float *q, float *c, int64_t contexts,
                                    const qctx_distill_lists *lists, double scale, double factor, float *dq)
{
    const int64_t dim = distill->config.dim;
    qctx_distill_sums sums = {0};

    invert_lengths(&distill->config, q, lists->rows, distill->question_inverse);
    invert_lengths(&distill->config, c, contexts, distill->context_inverse);
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < lists->rows; i++)
        weigh_list(distill, q, c, lists, i, scale, factor);
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < lists->rows; i++)
        differentiate_question(distill, q, c, lists, i, scale, dq);
    add_context_alongs(distill, lists, contexts);
#pragma omp parallel for schedule(static)
    for (int64_t k = 0; k < dim; k += SLICE)
        differentiate_contexts(distill, q, c, contexts, lists, scale, k, qctx_smaller(SLICE, dim - k));
    for (int64_t i = 0; i < lists->rows; i++) {
        sums.loss += distill->losses[i];
        sums.dlog_scale += distill->question_along[i];
    }
    return sums;
}
