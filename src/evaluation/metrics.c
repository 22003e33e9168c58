#include "qctx/evaluation/metrics.h"

#include <math.h>
#include <stdlib.h>

#include "qctx/base/mem.h"
#include "qctx/base/order.h"
#include "qctx/base/rng.h"

enum { FIGURES = QCTX_METRIC_COUNT, CUT = 10 };

static double discount_at(int64_t position)
{
    return 1.0 / log2((double)position + 2.0);
}

static double gain_of(qctx_gain gain, double grade)
{
    return gain == QCTX_GAIN_EXPONENTIAL ? exp2(grade) - 1.0 : grade;
}

/* Keeps the CUT greatest gains, the greatest first. */
static void keep_greatest(double *greatest, int64_t *count, double gain)
{
    int64_t at = *count < CUT ? (*count)++ : CUT - 1;

    if (at == CUT - 1 && *count == CUT && greatest[at] >= gain)
        return;
    for (; at > 0 && greatest[at - 1] < gain; at--)
        greatest[at] = greatest[at - 1];
    greatest[at] = gain;
}

/* nDCG of the answers first … end − 1. */
static double ndcg_of(const qctx_eval_set *set, qctx_gain kind, const int64_t *positions, int64_t first, int64_t end)
{
    double greatest[CUT] = {0}, gained = 0.0, ideal = 0.0;
    int64_t kept = 0;

    for (int64_t a = first; a < end; a++) {
        const double gain = gain_of(kind, qctx_grade(set->grades, a));

        keep_greatest(greatest, &kept, gain);
        gained += set->contexts[a] != QCTX_ABSENT && positions[a] < CUT ? gain * discount_at(positions[a]) : 0.0;
    }
    for (int64_t i = 0; i < kept; i++)
        ideal += greatest[i] * discount_at(i);
    return ideal > 0 ? gained / ideal : 0.0;
}

static void values_of_question(const qctx_eval_set *set, const qctx_protocol *protocol, int64_t question,
                               const int64_t *positions, int64_t candidates, double *values)
{
    const int64_t first = set->offsets[question], end = set->offsets[question + 1];
    int64_t best = INT64_MAX, among5 = 0, among10 = 0, right = 0;

    for (int64_t a = first; a < end; a++) {
        if (!qctx_grade_reaches(set->grades, a, protocol->relevant))
            continue;
        right++;
        if (set->contexts[a] == QCTX_ABSENT)
            continue;
        best = positions[a] < best ? positions[a] : best;
        among5 += positions[a] < 5;
        among10 += positions[a] < 10;
    }
    values[QCTX_METRIC_TOP1] = best < 1;
    values[QCTX_METRIC_TOP5] = best < 5;
    values[QCTX_METRIC_TOP10] = best < 10;
    values[QCTX_METRIC_MRR] = best < CUT ? 1.0 / (1.0 + (double)best) : 0.0;
    values[QCTX_METRIC_NDCG] = ndcg_of(set, protocol->gain, positions, first, end);
    values[QCTX_METRIC_RECALL5] = right > 0 ? (double)among5 / (double)right : 0.0;
    values[QCTX_METRIC_RECALL10] = right > 0 ? (double)among10 / (double)right : 0.0;
    values[QCTX_METRIC_POSITION] = (double)(best < INT64_MAX ? best : candidates) + 1.0;
}

void qctx_metrics_of(const qctx_eval_set *set, const qctx_protocol *protocol, const int64_t *positions,
                     const int64_t *candidates, double *values)
{
    for (int64_t q = 0; q < set->count; q++)
        values_of_question(set, protocol, q, positions, candidates[q], values + q * FIGURES);
}

bool qctx_merit_is_above(qctx_merit merit, qctx_merit other)
{
    return merit.metric > other.metric || (merit.metric == other.metric && merit.mrr > other.mrr);
}

double qctx_metrics_mean(const double *values, int64_t count, qctx_metric metric)
{
    double sum = 0.0;

    for (int64_t q = 0; q < count; q++)
        sum += values[q * FIGURES + metric];
    return sum / (double)count;
}

/* means [2 · FIGURES]: of both systems over one resample of the questions. */
static void resample(const double *base, const double *head, int64_t count, uint64_t seed, int64_t index, double *means)
{
    for (int f = 0; f < 2 * FIGURES; f++)
        means[f] = 0.0;
    for (int64_t i = 0; i < count; i++) {
        int64_t q = (int64_t)qctx_rng_below((uint64_t)count, seed, QCTX_STREAM_BOOTSTRAP, (uint64_t)index, (uint64_t)i);

        for (int f = 0; f < FIGURES; f++) {
            means[f] += base[q * FIGURES + f];
            means[FIGURES + f] += head[q * FIGURES + f];
        }
    }
    for (int f = 0; f < 2 * FIGURES; f++)
        means[f] /= (double)count;
}

/* Between the two nearest order statistics, linearly. */
static double percentile(const double *sorted, int64_t count, double share)
{
    double place = share * (double)(count - 1);
    int64_t below = (int64_t)place;
    int64_t above = below + 1 < count ? below + 1 : below;

    return sorted[below] + (place - (double)below) * (sorted[above] - sorted[below]);
}

static void set_bounds(qctx_interval *interval, double *means, int64_t resamples)
{
    qctx_sort_doubles(means, resamples);
    interval->low = percentile(means, resamples, 0.025);
    interval->high = percentile(means, resamples, 0.975);
}

static void set_intervals(const double *means, int64_t resamples, double *column, qctx_comparison *comparison)
{
    for (int f = 0; f < FIGURES; f++) {
        for (int64_t r = 0; r < resamples; r++)
            column[r] = means[r * 2 * FIGURES + f];
        set_bounds(&comparison->base[f], column, resamples);
        for (int64_t r = 0; r < resamples; r++)
            column[r] = means[r * 2 * FIGURES + FIGURES + f];
        set_bounds(&comparison->head[f], column, resamples);
        for (int64_t r = 0; r < resamples; r++)
            column[r] = means[r * 2 * FIGURES + FIGURES + f] - means[r * 2 * FIGURES + f];
        set_bounds(&comparison->difference[f], column, resamples);
    }
}

qctx_status qctx_metrics_compare(qctx_comm *comm, const double *base, const double *head, int64_t count,
                                 int64_t resamples, uint64_t seed, qctx_comparison *comparison, qctx_error *error)
{
    double *means = qctx_alloc(resamples * 2 * FIGURES, sizeof *means, "bootstrap means", error);
    double *column = qctx_alloc(resamples, sizeof *column, "bootstrap means", error);
    qctx_status status = qctx_agree(comm, means == NULL || column == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);
    int64_t first, own;

    if (status != QCTX_OK)
        goto out;
    comparison->questions = count;
    comparison->resamples = resamples;
    for (int f = 0; f < FIGURES; f++) {
        double without = qctx_metrics_mean(base, count, (qctx_metric)f);
        double with = qctx_metrics_mean(head, count, (qctx_metric)f);

        comparison->base[f] = (qctx_interval){without, without, without};
        comparison->head[f] = (qctx_interval){with, with, with};
        comparison->difference[f] = (qctx_interval){with - without, with - without, with - without};
    }
    if (resamples == 0)
        goto out;
    qctx_share(resamples, qctx_comm_rank(comm), qctx_comm_size(comm), &first, &own);
#pragma omp parallel for schedule(static)
    for (int64_t r = first; r < first + own; r++)
        resample(base, head, count, seed, r, means + r * 2 * FIGURES);
    /* Each mean is one rank's and zero elsewhere, so the sum is exact in any order. */
    qctx_comm_sum_double(comm, means, resamples * 2 * FIGURES);
    set_intervals(means, resamples, column, comparison);
out:
    free(means);
    free(column);
    return status;
}
