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

/* Figures of plain answers, each right context of grade 1 and there. */
static void figure(const int64_t *positions, const int64_t *offsets, int64_t count, double *values)
{
    const int64_t rows[16] = {0}, candidates[16] = {0};
    const qctx_eval_set set = {.count = count, .offsets = offsets, .contexts = rows};
    const qctx_protocol protocol = {.relevant = 1};

    assert_true(offsets[count] <= 16);
    qctx_metrics_of(&set, &protocol, positions, candidates, values);
}

static void one_right_context_by_hand(void **state)
{
    const int64_t positions[] = {0, 1, 4, 5, 9, 10, 1000};
    const int64_t offsets[] = {0, 1, 2, 3, 4, 5, 6, 7};
    double values[7 * QCTX_METRIC_COUNT];

    (void)state;
    figure(positions, offsets, 7, values);
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
    figure(positions, offsets, 2, values);
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

/*
 * The figures that pytrec_eval 0.5 gives for the grades 3, 1, 2, 2 of contexts at the places 2, 1, nowhere and 12: with
 * these grades, with 2^grade − 1 in their place, and with relevance_level 2.
 */
static void graded_contexts_as_trec_eval_has_them(void **state)
{
    const int64_t positions[] = {20, 1, 0, 11}, offsets[] = {0, 4}, rows[] = {QCTX_ABSENT, 4, 5, 6},
                  candidates[] = {20};
    const float grades[] = {2, 3, 1, 2};
    const qctx_eval_set set = {.count = 1, .offsets = offsets, .contexts = rows, .grades = grades};
    qctx_protocol protocol = {.relevant = 1};
    double values[QCTX_METRIC_COUNT];

    (void)state;
    qctx_metrics_of(&set, &protocol, positions, candidates, values);
    assert_close(values[QCTX_METRIC_NDCG], 0.508172320310886, 1e-12);
    assert_close(values[QCTX_METRIC_MRR], 1, 0);
    assert_close(values[QCTX_METRIC_RECALL5], 0.5, 0);
    assert_close(values[QCTX_METRIC_RECALL10], 0.5, 0);
    assert_close(values[QCTX_METRIC_TOP1], 1, 0);
    protocol.gain = QCTX_GAIN_EXPONENTIAL;
    qctx_metrics_of(&set, &protocol, positions, candidates, values);
    assert_close(values[QCTX_METRIC_NDCG], 0.5004412048493774, 1e-12);
    protocol = (qctx_protocol){.relevant = 2};
    qctx_metrics_of(&set, &protocol, positions, candidates, values);
    assert_close(values[QCTX_METRIC_NDCG], 0.508172320310886, 1e-12);
    assert_close(values[QCTX_METRIC_MRR], 0.5, 0);
    assert_close(values[QCTX_METRIC_RECALL5], 1.0 / 3, 1e-15);
    assert_close(values[QCTX_METRIC_TOP1], 0, 0);
    assert_close(values[QCTX_METRIC_POSITION], 2, 0);
}

/* Twelve grades, rising, at places that fall: the ideal takes the ten greatest, worked out by hand in double. */
static void the_ideal_takes_the_greatest_grades(void **state)
{
    int64_t positions[12], rows[12] = {0};
    const int64_t offsets[] = {0, 12}, candidates[] = {12};
    float grades[12];
    double values[QCTX_METRIC_COUNT], gained = 0, ideal = 0;
    const qctx_eval_set set = {.count = 1, .offsets = offsets, .contexts = rows, .grades = grades};
    const qctx_protocol protocol = {.relevant = 1};

    (void)state;
    for (int64_t i = 0; i < 12; i++) {
        positions[i] = i;
        grades[i] = (float)(i + 1);
    }
    for (int i = 0; i < 10; i++) {
        gained += (i + 1) / log2(i + 2.0);
        ideal += (12 - i) / log2(i + 2.0);
    }
    qctx_metrics_of(&set, &protocol, positions, candidates, values);
    assert_close(values[QCTX_METRIC_NDCG], gained / ideal, 1e-12);
}

/* Decimal grades have no exact form in binary: a level of 0.7 is reached by a grade of 0.7, and by none of 0.6. */
static void decimal_grades_reach_their_own_level(void **state)
{
    const int64_t positions[] = {0, 1}, offsets[] = {0, 2}, rows[] = {0, 1}, candidates[] = {5};
    const float grades[] = {0.6f, 0.7f};
    const qctx_eval_set set = {.count = 1, .offsets = offsets, .contexts = rows, .grades = grades};
    const qctx_protocol protocol = {.relevant = 0.7};
    double values[QCTX_METRIC_COUNT];

    (void)state;
    qctx_metrics_of(&set, &protocol, positions, candidates, values);
    assert_close(values[QCTX_METRIC_MRR], 0.5, 0);
    assert_close(values[QCTX_METRIC_RECALL5], 1, 0);
}

/* What is nowhere, or never right enough, is right at no depth, however few candidates there are. */
static void what_is_not_found_counts_zero(void **state)
{
    const int64_t positions[] = {3, 0}, offsets[] = {0, 1, 2}, rows[] = {QCTX_ABSENT, 1}, candidates[] = {3, 3};
    const float grades[] = {2, 1};
    const qctx_eval_set set = {.count = 2, .offsets = offsets, .contexts = rows, .grades = grades};
    const qctx_protocol protocol = {.relevant = 2};
    double values[2 * QCTX_METRIC_COUNT];

    (void)state;
    qctx_metrics_of(&set, &protocol, positions, candidates, values);
    for (qctx_metric m = QCTX_METRIC_TOP1; m < QCTX_METRIC_POSITION; m++)
        assert_close(*value(values, 0, m), 0, 0);
    for (qctx_metric m = QCTX_METRIC_TOP1; m < QCTX_METRIC_POSITION; m++)
        assert_close(*value(values, 1, m), m == QCTX_METRIC_NDCG ? 1 : 0, 0);
    assert_close(qctx_metrics_mean(values, 2, QCTX_METRIC_POSITION), 4, 0);
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
    cmocka_unit_test(graded_contexts_as_trec_eval_has_them),
    cmocka_unit_test(the_ideal_takes_the_greatest_grades),
    cmocka_unit_test(decimal_grades_reach_their_own_level),
    cmocka_unit_test(what_is_not_found_counts_zero),
    cmocka_unit_test(intervals_match_the_analytic_ones),
    cmocka_unit_test(percentiles_are_interpolated),
    cmocka_unit_test(without_resamples_there_are_values_only),
};
TEST_MAIN(tests)
