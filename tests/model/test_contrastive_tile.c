/* ranks: 1 */
#include "harness.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/model/contrastive_tile.h"
#include "qctx/base/mem.h"
#include "qctx/base/rng.h"

/* Every tail of lanes, cells, strips and blocks. */
static const int64_t shapes[][2] = {{1, 1}, {3, 15}, {31, 17}, {33, 255}, {64, 256}, {7, 513}, {515, 40}, {5, 4099}};
enum { SHAPES = sizeof shapes / sizeof shapes[0], PAD = 5 };
static const qctx_precision precisions[] = {QCTX_PRECISION_FLOAT32, QCTX_PRECISION_BFLOAT16};

/* A tile, room for an output of either precision, and what rows and columns get, in the function and in its twin. */
typedef struct {
    loss_tile tile;
    void *out;
    float *best, *row_max, *column_max, *by_row, *by_column;
    double *row_sum, *column_sum;
} sample;

static void *room(int64_t count, size_t size)
{
    void *memory = qctx_alloc(count, size, "a test", NULL);

    assert_non_null(memory);
    return memory;
}

static double uniform(uint64_t stream, int64_t k)
{
    return 2.0 * qctx_rng_uniform(7, QCTX_STREAM_SYNTH, stream, (uint64_t)k) - 1.0;
}

/* Random dot products in ±1, every ninth masked; 8 and 5 stand outside the tile and must stay. */
static sample make_sample(const int64_t shape[2])
{
    int64_t rows = shape[0], cols = shape[1], pitch = cols + PAD;
    sample s = {{room(rows * pitch, sizeof(float)), pitch, rows, cols},
                room(rows * pitch, sizeof(float)),
                room(rows, sizeof(float)),
                room(rows, sizeof(float)),
                room(cols, sizeof(float)),
                room(rows, sizeof(float)),
                room(cols, sizeof(float)),
                room(rows, sizeof(double)),
                room(cols, sizeof(double))};

    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < pitch; j++)
            s.tile.x[i * pitch + j] = j >= cols              ? 8.0f
                                      : (i * 7 + j) % 9 == 0 ? -INFINITY
                                                             : (float)uniform(0, i * cols + j);
    for (int64_t i = 0; i < rows; i++) {
        s.best[i] = i % 2 == 0 ? -FLT_MAX : 0.9f;
        s.row_max[i] = -FLT_MAX;
        s.by_row[i] = (float)(1.5 + uniform(1, i));
        s.row_sum[i] = i % 3 == 0 ? 0.0 : 2.0;
    }
    for (int64_t j = 0; j < cols; j++) {
        s.column_max[j] = -FLT_MAX;
        s.by_column[j] = (float)(1.5 + uniform(2, j));
        s.column_sum[j] = j % 3 == 0 ? 0.0 : 3.0;
    }
    return s;
}

static void free_sample(sample *s)
{
    free(s->tile.x);
    free(s->out);
    free(s->best);
    free(s->row_max);
    free(s->column_max);
    free(s->by_row);
    free(s->by_column);
    free(s->row_sum);
    free(s->column_sum);
}

static double entry(const sample *s, int64_t i, int64_t j)
{
    return (double)s->tile.x[i * s->tile.pitch + j];
}

static float stored(qctx_precision precision, const void *array, int64_t at)
{
    return precision == QCTX_PRECISION_BFLOAT16 ? qctx_from_bfloat16(((const qctx_bfloat16 *)array)[at])
                                                : ((const float *)array)[at];
}

/* Relative, for values that may be tiny. */
static void assert_near(double actual, double expected, double bound)
{
    assert_true(fabs(actual - expected) <= bound * fabs(expected) + 1e-35);
}

/* What is beyond the columns of the output must stay 0. */
static void assert_padding(const sample *s, qctx_precision precision)
{
    for (int64_t i = 0; i < s->tile.rows; i++)
        for (int64_t j = s->tile.cols; j < s->tile.pitch; j++)
            assert_true(stored(precision, s->out, i * s->tile.pitch + j) == 0.0f);
}

/* Rounding of bfloat16, beside `bound` of float32. */
static double bound_of(qctx_precision precision, double bound)
{
    return precision == QCTX_PRECISION_BFLOAT16 ? bound + 0x1p-8 : bound;
}

/* Σ exp(scale·x − shift) by row and column and the rows' largest entries, against what the sample holds. */
static void check_sums(const sample *s, const sample *before, double scale, double shift, double bound)
{
    const loss_tile *tile = &s->tile;

    for (int64_t i = 0; i < tile->rows; i++) {
        double sum = before->row_sum[i], best = (double)before->best[i];

        for (int64_t j = 0; j < tile->cols; j++) {
            sum += exp(scale * entry(before, i, j) - shift);
            best = fmax(best, entry(before, i, j));
        }
        assert_near(s->row_sum[i], sum, bound);
        assert_true((double)s->best[i] == best);
    }
    for (int64_t j = 0; j < tile->cols; j++) {
        double sum = before->column_sum[j];

        for (int64_t i = 0; i < tile->rows; i++)
            sum += exp(scale * entry(before, i, j) - shift);
        assert_near(s->column_sum[j], sum, bound);
    }
}

/* At scale 100 the rounding of a score within ±144 octaves is the error. */
static void exponentials_and_their_sums_are_those_of_loops_in_double(void **state)
{
    const double scales[] = {1.0, 20.0, 100.0};

    (void)state;
    for (int k = 0; k < SHAPES * 6; k++) {
        sample s = make_sample(shapes[k / 6]), before = make_sample(shapes[k / 6]);
        qctx_precision precision = precisions[k % 2];
        double scale = loss_tile_scale(scales[k / 2 % 3]), shift = loss_shift(scale);
        double bound = 1e-6 + 8e-8 * scale;

        assert_near(scale, scales[k / 2 % 3], 6e-8);
        loss_tile_exponentials(&s.tile, scale, shift, precision, s.out, s.tile.pitch, s.best, s.row_sum, s.column_sum);
        check_sums(&s, &before, scale, shift, bound);
        for (int64_t i = 0; i < s.tile.rows; i++)
            for (int64_t j = 0; j < s.tile.cols; j++) {
                double exponent = scale * entry(&before, i, j) - shift;
                double value = (double)stored(precision, s.out, i * s.tile.pitch + j);

                if (exponent > -87.0)
                    assert_near(value, exp(exponent), bound_of(precision, bound));
                else
                    assert_true(value < 2e-38);
                assert_true(isfinite(exponent) || value == 0.0);
            }
        assert_padding(&s, precision);
        free_sample(&s);
        free_sample(&before);
    }
}

/* G in place, from a copy and made again: the same bits, and those of the formula. */
static void gradients_are_the_same_from_kept_and_from_new_exponentials(void **state)
{
    (void)state;
    for (int k = 0; k < SHAPES * 2; k++) {
        sample s = make_sample(shapes[k / 2]), again = make_sample(shapes[k / 2]);
        qctx_precision precision = precisions[k % 2];
        int64_t rows = s.tile.rows, cols = s.tile.cols, pitch = s.tile.pitch;
        void *e = room(rows * cols, sizeof(float));
        double scale = loss_tile_scale(20.0);

        loss_tile_exponentials(&s.tile, scale, 3.0, precision, e, cols, NULL, NULL, NULL);
        loss_tile_gradient(rows, cols, s.by_row, s.by_column, precision, e, cols, s.out, pitch);
        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < cols; j++)
                assert_near((double)stored(precision, s.out, i * pitch + j),
                            (double)stored(precision, e, i * cols + j) * ((double)s.by_row[i] + (double)s.by_column[j]),
                            bound_of(precision, 1e-6));
        loss_tile_gradient_again(&again.tile, scale, 3.0, s.by_row, s.by_column, precision, again.out, pitch);
        assert_memory_equal(s.out, again.out, (size_t)(rows * pitch * qctx_precision_bytes(precision)));
        assert_padding(&again, precision);
        loss_tile_gradient(rows, cols, s.by_row, s.by_column, precision, e, cols, e, cols);
        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < cols; j++)
                assert_true(stored(precision, e, i * cols + j) == stored(precision, s.out, i * pitch + j));
        if (precision == QCTX_PRECISION_FLOAT32) {
            loss_tile_gradient_again(&again.tile, scale, 3.0, s.by_row, s.by_column, precision, again.tile.x, pitch);
            for (int64_t i = 0; i < rows; i++)
                assert_memory_equal(again.tile.x + i * pitch, (float *)s.out + i * pitch, (size_t)cols * sizeof(float));
        }
        free(e);
        free_sample(&s);
        free_sample(&again);
    }
}

static void sums_that_do_not_fit_the_shared_shift_are_told(void **state)
{
    const double bad[] = {0.0, 1e-27, 1e38, INFINITY, NAN};
    double sums[] = {1.0, 1e-26, 6e37};

    (void)state;
    assert_true(loss_sums_are_safe(sums, 3) && loss_sums_are_safe(NULL, 0));
    for (int k = 0; k < 5; k++) {
        sums[1] = bad[k];
        assert_false(loss_sums_are_safe(sums, 3));
    }
}

/* Scale 300 without a shift: sums that no shared shift could hold, as logarithms. */
static void careful_sums_and_gradients_are_those_of_loops_in_double(void **state)
{
    const double scale = 300.0;

    (void)state;
    for (int k = 0; k < SHAPES * 2; k++) {
        sample s = make_sample(shapes[k / 2]), before = make_sample(shapes[k / 2]);
        qctx_precision precision = precisions[k % 2];
        loss_tile *tile = &s.tile;

        memset(s.row_sum, 0, (size_t)tile->rows * sizeof *s.row_sum);
        memset(s.column_sum, 0, (size_t)tile->cols * sizeof *s.column_sum);
        loss_tile_careful_sums(tile, scale, s.best, s.row_max, s.row_sum, s.column_max, s.column_sum);
        for (int64_t i = 0; i < tile->rows; i++) {
            double sum = 0.0, max = -FLT_MAX;

            for (int64_t j = 0; j < tile->cols; j++)
                max = fmax(max, scale * entry(&before, i, j));
            for (int64_t j = 0; j < tile->cols; j++)
                sum += exp(scale * entry(&before, i, j) - max);
            assert_near((double)s.row_max[i], max, 1e-6);
            assert_near(s.row_sum[i], sum, 5e-5);
            assert_true((double)s.best[i] == fmax((double)before.best[i], max / scale) || sum == 0.0 ||
                        fabs((double)s.best[i] - max / scale) < 1e-6);
        }
        for (int64_t j = 0; j < tile->cols; j++) {
            double sum = 0.0, max = -FLT_MAX;

            for (int64_t i = 0; i < tile->rows; i++)
                max = fmax(max, scale * entry(&before, i, j));
            for (int64_t i = 0; i < tile->rows; i++)
                sum += exp(scale * entry(&before, i, j) - max);
            assert_near((double)s.column_max[j], max, 1e-6);
            assert_near(s.column_sum[j], sum, 5e-5);
        }
        loss_tile_careful_gradient(tile, scale, s.row_max, s.by_row, s.column_max, s.by_column, precision, s.out,
                                   tile->pitch);
        for (int64_t i = 0; i < tile->rows; i++)
            for (int64_t j = 0; j < tile->cols; j++) {
                double score = scale * entry(&before, i, j);
                double expected = exp(score - (double)s.row_max[i]) * (double)s.by_row[i] +
                                  exp(score - (double)s.column_max[j]) * (double)s.by_column[j];

                assert_true(fabs((double)stored(precision, s.out, i * tile->pitch + j) - expected) <=
                            bound_of(precision, 5e-5) * expected + 1e-30);
            }
        assert_padding(&s, precision);
        free_sample(&s);
        free_sample(&before);
    }
}

static void careful_joins_take_either_order(void **state)
{
    float max = -FLT_MAX;
    double sum = 0.0;

    (void)state;
    loss_careful_join(&max, &sum, -INFINITY, 0.0);
    assert_true(max == -FLT_MAX && sum == 0.0);
    loss_careful_join(&max, &sum, -200.0f, 1.0);
    assert_true(max == -200.0f && sum == 1.0);
    loss_careful_join(&max, &sum, -199.0f, 2.0);
    assert_close(sum, 2.0 + exp(-1.0), 1e-12);
    loss_careful_join(&max, &sum, -201.0f, 1.0);
    assert_true(max == -199.0f);
    assert_close(sum, 2.0 + exp(-1.0) + exp(-2.0), 1e-12);
}

static void sigmoid_is_that_of_loops_in_double(void **state)
{
    const double scale = 20.0, bias = -3.0;

    (void)state;
    for (int k = 0; k < SHAPES * 2; k++) {
        sample s = make_sample(shapes[k / 2]), before = make_sample(shapes[k / 2]);
        qctx_precision precision = precisions[k % 2];
        double loss = 0.0, g_sum = 0.0, expected_loss = 0.0, expected_sum = 1.0;

        g_sum = 1.0;
        loss = loss_tile_sigmoid(&s.tile, scale, bias, s.best, precision, s.out, s.tile.pitch, &g_sum);
        for (int64_t i = 0; i < s.tile.rows; i++) {
            double best = (double)before.best[i];

            for (int64_t j = 0; j < s.tile.cols; j++) {
                double score = scale * entry(&before, i, j) + bias, g = 1.0 / (1.0 + exp(-score));

                expected_loss += log1p(exp(score));
                expected_sum += g;
                best = fmax(best, entry(&before, i, j));
                assert_near((double)stored(precision, s.out, i * s.tile.pitch + j), g, bound_of(precision, 4e-6));
            }
            assert_true((double)s.best[i] == best);
        }
        assert_near(loss, expected_loss, 1e-6);
        assert_near(g_sum, expected_sum, 1e-6);
        assert_padding(&s, precision);
        assert_true(loss_tile_sigmoid(&s.tile, scale, bias, NULL, precision, NULL, 0, &g_sum) == loss);
        free_sample(&s);
        free_sample(&before);
    }
}

/* The diagonal may begin before, in or after the tile. */
static void the_diagonal_is_set_where_it_crosses_the_tile(void **state)
{
    const float value[4] = {1.0f, 2.0f, 3.0f, 4.0f};

    (void)state;
    for (int64_t diagonal = -5; diagonal <= 7; diagonal++)
        for (int k = 0; k < 2; k++) {
            float out[4 * 7] = {0.0f};

            loss_tile_set_diagonal(4, 6, diagonal, value, precisions[k], out, 7);
            for (int64_t i = 0; i < 4; i++)
                for (int64_t j = 0; j < 7; j++)
                    assert_true(stored(precisions[k], out, i * 7 + j) ==
                                (j == i + diagonal && j < 6 ? value[i] : 0.0f));
        }
}

static void rows_are_brought_to_unit_length(void **state)
{
    enum { ROWS = 5, DIM = 37 };
    float x[ROWS * DIM], unit[ROWS * DIM];
    qctx_bfloat16 half[ROWS * DIM];
    double inverse[ROWS];

    (void)state;
    for (int64_t k = 0; k < ROWS * DIM; k++)
        x[k] = k / DIM == 2 ? 0.0f : (float)(uniform(3, k) * pow(10.0, (double)(k / DIM) * 8.0 - 18.0));
    loss_normalize(x, ROWS, DIM, true, unit, half, inverse);
    for (int64_t i = 0; i < ROWS; i++) {
        double square = 0.0;

        for (int64_t k = i * DIM; k < (i + 1) * DIM; k++)
            square += (double)x[k] * (double)x[k];
        assert_near(inverse[i], i == 2 ? 0.0 : 1.0 / sqrt(square), 1e-12);
        for (int64_t k = i * DIM; k < (i + 1) * DIM; k++) {
            assert_near((double)unit[k], (double)x[k] * inverse[i], 1e-7);
            assert_true(half[k] == qctx_to_bfloat16(unit[k]));
        }
    }
    loss_normalize(x, ROWS, DIM, false, NULL, half, inverse);
    assert_true(inverse[0] == 1.0 && inverse[2] == 1.0 && half[3] == qctx_to_bfloat16(x[3]));
    loss_normalize(x, ROWS, DIM, true, x, NULL, inverse);
    assert_memory_equal(x, unit, sizeof x);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(exponentials_and_their_sums_are_those_of_loops_in_double),
    cmocka_unit_test(gradients_are_the_same_from_kept_and_from_new_exponentials),
    cmocka_unit_test(sums_that_do_not_fit_the_shared_shift_are_told),
    cmocka_unit_test(careful_sums_and_gradients_are_those_of_loops_in_double),
    cmocka_unit_test(careful_joins_take_either_order),
    cmocka_unit_test(sigmoid_is_that_of_loops_in_double),
    cmocka_unit_test(the_diagonal_is_set_where_it_crosses_the_tile),
    cmocka_unit_test(rows_are_brought_to_unit_length),
};
TEST_MAIN(tests)
