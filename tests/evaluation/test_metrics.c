/* ranks: 1 3 5 */
#include "harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"
#include "qctx/base/rng.h"
#include "qctx/evaluation/metrics.h"

static qctx_error error;

static double *value(double *values, int64_t question, qctx_metric metric)
{
    return &values[question * QCTX_METRIC_COUNT + metric];
}

static void one_right_context_by_hand(void **state)
{
    const int64_t positions[] = {0, 1, 4, 5, 9, 10, 1000};
    const int64_t offsets[] = {0, 1, 2, 3, 4, 5, 6, 7};
    double values[7 * QCTX_METRIC_COUNT];

    (void)state;
    qctx_metrics_of(positions, offsets, 7, values);
    assert_close(qctx_metrics_mean(values, 7, QCTX_METRIC_TOP1), 1.0 / 7, 1e-15);
    assert_close(qctx_metrics_mean(values, 7, QCTX_METRIC_TOP5), 3.0 / 7, 1e-15);
    assert_close(qctx_metrics_mean(values, 7, QCTX_METRIC_TOP10), 5.0 / 7, 1e-15);
    assert_close(qctx_metrics_mean(values, 7, QCTX_METRIC_MRR), (1 + 1.0 / 2 + 1.0 / 5 + 1.0 / 6 + 1.0 / 10) / 7,
                 1e-15);
    assert_close(qctx_metrics_mean(values, 7, QCTX_METRIC_POSITION), 1036.0 / 7, 1e-15);
    assert_close(qctx_metrics_mean(values, 7, QCTX_METRIC_RECALL5), 3.0 / 7, 1e-15);
    assert_close(qctx_metrics_mean(values, 7, QCTX_METRIC_RECALL10), 5.0 / 7, 1e-15);
    /* 1/log2(3) and 1/log2(6), 1/log2(7), 1/log2(11), from a table of logarithms. */
    assert_close(*value(values, 0, QCTX_METRIC_NDCG), 1.0, 1e-15);
    assert_close(*value(values, 1, QCTX_METRIC_NDCG), 0.630929753571457, 1e-12);
    assert_close(*value(values, 2, QCTX_METRIC_NDCG), 0.386852807234542, 1e-12);
    assert_close(*value(values, 3, QCTX_METRIC_NDCG), 0.356207187108022, 1e-12);
    assert_close(*value(values, 4, QCTX_METRIC_NDCG), 0.289064826317888, 1e-12);
    assert_close(*value(values, 5, QCTX_METRIC_NDCG), 0.0, 0);
    assert_close(*value(values, 6, QCTX_METRIC_MRR), 0.0, 0);
}

static void several_right_contexts_by_hand(void **state)
{
    /* Best position 2, the third place, of three right ones, of which one lies beyond the tenth; then twelve, all at
     * the top. */
    const int64_t positions[] = {30, 2, 6, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    const int64_t offsets[] = {0, 3, 15};
    double values[2 * QCTX_METRIC_COUNT];

    (void)state;
    qctx_metrics_of(positions, offsets, 2, values);
    assert_close(*value(values, 0, QCTX_METRIC_TOP1), 0.0, 0);
    assert_close(*value(values, 0, QCTX_METRIC_TOP5), 1.0, 0);
    assert_close(*value(values, 0, QCTX_METRIC_MRR), 1.0 / 3, 1e-15);
    assert_close(*value(values, 0, QCTX_METRIC_POSITION), 3.0, 0);
    assert_close(*value(values, 0, QCTX_METRIC_RECALL5), 1.0 / 3, 1e-15);
    assert_close(*value(values, 0, QCTX_METRIC_RECALL10), 2.0 / 3, 1e-15);
    /* (1/log2(4) + 1/log2(8)) / (1 + 1/log2(3) + 1/log2(4)) */
    assert_close(*value(values, 0, QCTX_METRIC_NDCG), (0.5 + 1.0 / 3) / (1 + 0.630929753571457 + 0.5), 1e-12);
    /* Ten places can hold ten of the twelve: that is ideal. */
    assert_close(*value(values, 1, QCTX_METRIC_NDCG), 1.0, 1e-12);
    assert_close(*value(values, 1, QCTX_METRIC_RECALL10), 10.0 / 12, 1e-15);
    assert_close(*value(values, 1, QCTX_METRIC_RECALL5), 5.0 / 12, 1e-15);
}

/* values [count]: base is right with probability p, the head on all those and every tenth of the others. */
static void draw_systems(double p, int64_t count, double *base, double *head)
{
    memset(base, 0, (size_t)(count * QCTX_METRIC_COUNT) * sizeof *base);
    memset(head, 0, (size_t)(count * QCTX_METRIC_COUNT) * sizeof *head);
    for (int64_t q = 0; q < count; q++) {
        double right = (double)q < p * (double)count;

        *value(base, q, QCTX_METRIC_TOP1) = right;
        *value(head, q, QCTX_METRIC_TOP1) = right > 0 || q % 10 == 0;
        *value(base, q, QCTX_METRIC_POSITION) = 7.0;
        *value(head, q, QCTX_METRIC_POSITION) = 4.0;
    }
}

static void intervals_match_the_analytic_ones(void **state)
{
    enum { COUNT = 4000, RESAMPLES = 2000 };
    double *base = qctx_alloc(COUNT * QCTX_METRIC_COUNT, sizeof *base, "a test", NULL);
    double *head = qctx_alloc(COUNT * QCTX_METRIC_COUNT, sizeof *head, "a test", NULL);
    qctx_comparison got, again;
    double deviation;

    (void)state;
    draw_systems(0.7, COUNT, base, head);
    assert_status(qctx_metrics_compare(test_comm, base, head, COUNT, RESAMPLES, 1, &got, &error), QCTX_OK, &error);
    assert_int_equal(got.questions, COUNT);
    /* A Bernoulli mean has deviation √(p(1 − p)/n); percentiles of 2000 resamples lie within 10% of 1.96 of them. */
    deviation = sqrt(0.7 * 0.3 / COUNT);
    assert_close(got.base[QCTX_METRIC_TOP1].value, 0.7, 1e-12);
    assert_close((got.base[QCTX_METRIC_TOP1].low - 0.7) / deviation, -1.96, 0.1);
    assert_close((got.base[QCTX_METRIC_TOP1].high - 0.7) / deviation, 1.96, 0.1);
    /* The paired difference is itself Bernoulli: 1 for a tenth of the 30%, so far narrower than unpaired ones. */
    deviation = sqrt(0.03 * 0.97 / COUNT);
    assert_close(got.difference[QCTX_METRIC_TOP1].value, 0.03, 1e-12);
    assert_close((got.difference[QCTX_METRIC_TOP1].low - 0.03) / deviation, -1.96, 0.1);
    assert_close((got.difference[QCTX_METRIC_TOP1].high - 0.03) / deviation, 1.96, 0.1);
    assert_close(got.difference[QCTX_METRIC_POSITION].low, -3.0, 1e-12);
    assert_close(got.difference[QCTX_METRIC_POSITION].high, -3.0, 1e-12);
    /* The same on every rank, and a pure function of the seed. */
    assert_true(qctx_comm_same(test_comm, (uint64_t)(got.base[QCTX_METRIC_TOP1].low * 1e15)));
    assert_status(qctx_metrics_compare(test_comm, base, head, COUNT, RESAMPLES, 1, &again, &error), QCTX_OK, &error);
    assert_memory_equal(&got, &again, sizeof got);
    assert_status(qctx_metrics_compare(test_comm, base, head, COUNT, RESAMPLES, 2, &again, &error), QCTX_OK, &error);
    assert_true(got.base[QCTX_METRIC_TOP1].low != again.base[QCTX_METRIC_TOP1].low ||
                got.base[QCTX_METRIC_TOP1].high != again.base[QCTX_METRIC_TOP1].high);
    free(base);
    free(head);
}

/* Ten resamples by hand: their sorted means, and percentiles at places 0.225 and 8.775. */
static void percentiles_are_interpolated(void **state)
{
    enum { COUNT = 3, RESAMPLES = 10 };
    double base[COUNT * QCTX_METRIC_COUNT] = {0}, head[COUNT * QCTX_METRIC_COUNT] = {0};
    double means[RESAMPLES];
    qctx_comparison got;

    (void)state;
    for (int64_t q = 0; q < COUNT; q++)
        *value(head, q, QCTX_METRIC_MRR) = (double)(1 << q);
    for (int r = 0; r < RESAMPLES; r++) {
        means[r] = 0;
        for (int i = 0; i < COUNT; i++)
            means[r] +=
                (double)(1 << qctx_rng_below(COUNT, 5, QCTX_STREAM_BOOTSTRAP, (uint64_t)r, (uint64_t)i)) / COUNT;
        for (int at = r; at > 0 && means[at] < means[at - 1]; at--) {
            double swap = means[at];

            means[at] = means[at - 1];
            means[at - 1] = swap;
        }
    }
    assert_status(qctx_metrics_compare(test_comm, base, head, COUNT, RESAMPLES, 5, &got, &error), QCTX_OK, &error);
    assert_close(got.head[QCTX_METRIC_MRR].low, 0.775 * means[0] + 0.225 * means[1], 1e-12);
    assert_close(got.head[QCTX_METRIC_MRR].high, 0.225 * means[8] + 0.775 * means[9], 1e-12);
}

static void without_resamples_there_are_values_only(void **state)
{
    double base[QCTX_METRIC_COUNT] = {0.0}, head[QCTX_METRIC_COUNT] = {1.0};
    qctx_comparison got;

    (void)state;
    assert_status(qctx_metrics_compare(test_comm, base, head, 1, 0, 1, &got, &error), QCTX_OK, &error);
    assert_int_equal(got.resamples, 0);
    assert_close(got.difference[QCTX_METRIC_TOP1].value, 1.0, 0);
    assert_close(got.difference[QCTX_METRIC_TOP1].low, 1.0, 0);
    assert_close(got.difference[QCTX_METRIC_TOP1].high, 1.0, 0);
    /* One resample: fewer than the ranks, and its mean is both bounds. */
    assert_status(qctx_metrics_compare(test_comm, base, head, 1, 1, 1, &got, &error), QCTX_OK, &error);
    assert_close(got.difference[QCTX_METRIC_TOP1].low, 1.0, 0);
    assert_close(got.difference[QCTX_METRIC_TOP1].high, 1.0, 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(one_right_context_by_hand),
    cmocka_unit_test(several_right_contexts_by_hand),
    cmocka_unit_test(intervals_match_the_analytic_ones),
    cmocka_unit_test(percentiles_are_interpolated),
    cmocka_unit_test(without_resamples_there_are_values_only),
};
TEST_MAIN(tests)
