/* ranks: 1 */
#include "harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/sweep/space.h"

static char path[] = "optim.lr";

static qctx_space_parameter number(qctx_space_kind kind, double low, double high, double step)
{
    return (qctx_space_parameter){.path = path, .kind = kind, .low = low, .high = high, .step = step};
}

static void assert_override(const qctx_space_parameter *parameter, double unit, const char *expected)
{
    char *override = qctx_space_override(parameter, unit, NULL);

    assert_non_null(override);
    assert_string_equal(override, expected);
    free(override);
}

static void values_are_written_as_configurations_take_them(void **state)
{
    const double last = 1 - 0x1p-53;
    qctx_space_parameter p = number(QCTX_SPACE_UNIFORM, 0.5, 1.5, 1);

    (void)state;
    assert_override(&p, 0, "optim.lr=0.5");
    assert_override(&p, 0.5, "optim.lr=1");
    assert_override(&p, 0.6, "optim.lr=1.1");
    p = number(QCTX_SPACE_LOG_UNIFORM_VALUES, 1e-5, 1e-1, 1);
    assert_override(&p, 0, "optim.lr=1e-05");
    assert_close(qctx_space_number(&p, 0.5), 1e-3, 1e-15);
    assert_true(qctx_space_number(&p, last) <= 1e-1);
    p = number(QCTX_SPACE_INT_UNIFORM, -2, 3, 1);
    assert_override(&p, 0, "optim.lr=-2");
    assert_override(&p, 0.34, "optim.lr=0");
    assert_override(&p, last, "optim.lr=3");
    p = number(QCTX_SPACE_INT_UNIFORM, 0, 1e15, 1);
    assert_override(&p, last, "optim.lr=1000000000000000");
    p = number(QCTX_SPACE_Q_UNIFORM, 0.1, 0.5, 0.1);
    assert_int_equal(qctx_space_levels(&p), 5);
    assert_override(&p, 0, "optim.lr=0.1");
    assert_override(&p, 0.5, "optim.lr=0.3");
    assert_override(&p, last, "optim.lr=0.5");
    p = number(QCTX_SPACE_Q_UNIFORM, 100, 300, 64);
    assert_override(&p, 0, "optim.lr=128");
    assert_override(&p, last, "optim.lr=256");
    p = number(QCTX_SPACE_Q_LOG_UNIFORM_VALUES, 1, 1024, 1);
    assert_override(&p, 0, "optim.lr=1");
    assert_override(&p, last, "optim.lr=1024");
    p = number(QCTX_SPACE_Q_NORMAL, 5, 2, 2);
    assert_override(&p, 0.5, "optim.lr=6");
}

/* What is written gives back the number, to the bit; of quantised ones, a multiple of q. */
static void texts_give_back_their_numbers(void **state)
{
    const qctx_space_parameter kinds[] = {
        number(QCTX_SPACE_UNIFORM, -3, 1e10, 1), number(QCTX_SPACE_LOG_UNIFORM_VALUES, 1e-12, 1e12, 1),
        number(QCTX_SPACE_NORMAL, -10, 3, 1),    number(QCTX_SPACE_INT_UNIFORM, 1, 0x1p52, 1),
        number(QCTX_SPACE_Q_UNIFORM, 0, 3, 0.1),
    };

    (void)state;
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
        for (int i = 0; i < 1000; i++) {
            const double unit = fmod(0.6180339887498949 * i, 1);
            char *override = qctx_space_override(&kinds[k], unit, NULL);
            const double read = strtod(strchr(override, '=') + 1, NULL);

            if (kinds[k].kind == QCTX_SPACE_Q_UNIFORM)
                assert_true(read == round(read * 10) / 10 && read >= 0 && read <= 3);
            else
                assert_true(read == qctx_space_number(&kinds[k], unit));
            free(override);
        }
}

/* Against tables of the normal distribution, in both tails, and against erfc. */
static void normal_values_follow_the_distribution(void **state)
{
    const qctx_space_parameter p = number(QCTX_SPACE_NORMAL, 0, 1, 1), other = number(QCTX_SPACE_NORMAL, 3, 2, 1);

    (void)state;
    assert_close(qctx_space_number(&p, 0.975), 1.959963984540054, 1e-14);
    assert_close(qctx_space_number(&p, 0.01), -2.326347874040841, 1e-14);
    assert_close(qctx_space_number(&p, 1e-12), -7.034483825301132, 1e-14);
    assert_close(qctx_space_number(&p, 0.5), 0, 1e-15);
    assert_close(qctx_space_number(&other, 0.975), 3 + 2 * 1.959963984540054, 1e-14);
    for (int i = 1; i < 1000; i++)
        assert_close(0.5 * erfc(-qctx_space_number(&p, i / 1000.0) * M_SQRT1_2), i / 1000.0, 1e-14);
    assert_true(isfinite(qctx_space_number(&p, 0)) && qctx_space_number(&p, 0) < -8);
    assert_true(isfinite(qctx_space_number(&p, 1 - 0x1p-53)) && qctx_space_number(&p, 1 - 0x1p-53) > 8);
}

static void whole_numbers_are_all_alike(void **state)
{
    const qctx_space_parameter p = number(QCTX_SPACE_INT_UNIFORM, 3, 9, 1);
    int counts[7] = {0};

    (void)state;
    for (int i = 0; i < 70000; i++)
        counts[(int)qctx_space_number(&p, i / 70000.0) - 3]++;
    for (int v = 0; v < 7; v++)
        assert_in_range(counts[v], 9999, 10001);
}

/* Of a logarithmic scale, as much falls between 1 and 10 as between 10 and 100, up to the halves at the ends. */
static void quantised_logarithms_keep_the_scale(void **state)
{
    const qctx_space_parameter p = number(QCTX_SPACE_Q_LOG_UNIFORM_VALUES, 1, 1000, 1);
    int counts[3] = {0};

    (void)state;
    for (int i = 0; i < 10000; i++) {
        const double value = qctx_space_number(&p, i / 10000.0);

        assert_true(value == round(value) && value >= 1 && value <= 1000);
        counts[value > 100 ? 2 : value > 10 ? 1 : 0]++;
    }
    /* log(10.5 / 0.5), log(100.5 / 10.5) and log(1000.5 / 100.5) of log(1000.5 / 0.5) */
    assert_in_range(counts[0], 4004, 4007);
    assert_in_range(counts[1], 2970, 2973);
    assert_in_range(counts[2], 3021, 3025);
}

static char *letters[] = {"a", "b", "c"};
static double shares[] = {0.5, 0.2, 0.3};

static void choices_follow_their_probabilities(void **state)
{
    qctx_space_parameter p = {.path = path, .count = 3, .values = letters};
    int counts[3] = {0};

    (void)state;
    for (int64_t i = 0; i < 3; i++)
        assert_int_equal(qctx_space_choice(&p, qctx_space_choice_unit(&p, i)), i);
    assert_override(&p, 0.99, "optim.lr=c");
    p.probabilities = shares;
    for (int64_t i = 0; i < 3; i++)
        assert_int_equal(qctx_space_choice(&p, qctx_space_choice_unit(&p, i)), i);
    for (int i = 0; i < 1000; i++)
        counts[qctx_space_choice(&p, (i + 0.5) / 1000)]++;
    assert_int_equal(counts[0], 500);
    assert_int_equal(counts[1], 200);
    assert_int_equal(counts[2], 300);
}

static void a_grid_has_every_combination_once(void **state)
{
    qctx_space_parameter parameters[] = {{.path = path, .count = 3, .values = letters},
                                         {.path = path, .count = 2, .values = letters},
                                         number(QCTX_SPACE_UNIFORM, 0, 1, 1)};
    qctx_space space = {2, parameters};
    double units[2];

    (void)state;
    assert_int_equal(qctx_space_grid_size(&space), 6);
    for (int64_t i = 0; i < 6; i++) {
        qctx_space_grid_point(&space, i, units);
        assert_int_equal(qctx_space_choice(&parameters[0], units[0]), i / 2);
        assert_int_equal(qctx_space_choice(&parameters[1], units[1]), i % 2);
    }
    space.count = 3;
    assert_int_equal(qctx_space_grid_size(&space), -1);
    parameters[0].count = parameters[1].count = (int64_t)1 << 40;
    space.count = 2;
    assert_true(qctx_space_grid_size(&space) == INT64_MAX);
}

/* A point is a function of seed, index and path: a parameter that is added moves no other. */
static void random_points_depend_on_seed_index_and_path(void **state)
{
    char other[] = "batch.size";
    qctx_space_parameter two[] = {number(QCTX_SPACE_UNIFORM, 0, 1, 1), number(QCTX_SPACE_UNIFORM, 0, 1, 1)};
    qctx_space both = {2, two}, one = {1, two + 1};
    double units[2], again[2], alone, sums[2] = {0};

    (void)state;
    two[0].path = other;
    for (int64_t i = 0; i < 1000; i++) {
        qctx_space_random_point(&both, 7, i, units);
        qctx_space_random_point(&one, 7, i, &alone);
        assert_true(units[1] == alone && units[0] != units[1]);
        assert_true(units[0] >= 0 && units[0] < 1);
        qctx_space_random_point(&both, 8, i, again);
        assert_true(units[0] != again[0]);
        sums[0] += units[0];
        sums[1] += units[1];
    }
    assert_close(sums[0] / 1000, 0.5, 0.05);
    assert_close(sums[1] / 1000, 0.5, 0.05);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(values_are_written_as_configurations_take_them),
    cmocka_unit_test(texts_give_back_their_numbers),
    cmocka_unit_test(normal_values_follow_the_distribution),
    cmocka_unit_test(whole_numbers_are_all_alike),
    cmocka_unit_test(quantised_logarithms_keep_the_scale),
    cmocka_unit_test(choices_follow_their_probabilities),
    cmocka_unit_test(a_grid_has_every_combination_once),
    cmocka_unit_test(random_points_depend_on_seed_index_and_path),
};

TEST_MAIN(tests)
