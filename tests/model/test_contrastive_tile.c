/* ranks: 1 */
#include "../../src/model/contrastive_vectors.h"
#include "qctx/base/bfloat16.h"
#include "tile_probe.h"

/* Σ exp(scale·x − shift) by row and column and the rows' largest entries, against what the sample holds. */
static void check_sums(const sample *s, const sample *before, double scale, double shift, double bound)
{
    const loss_tile *tile = &s->tile;

    for (int64_t i = 0; i < tile->rows; i++) {
        double sum = before->row_sum[i], best = (double)before->best[i];

        for (int64_t j = 0; j < tile->cols; j++) {
            sum += exp(scale * tile_entry(before, i, j) - shift);
            best = fmax(best, tile_entry(before, i, j));
        }
        tile_assert_near(s->row_sum[i], sum, bound);
        assert_true((double)s->best[i] == best);
    }
    for (int64_t j = 0; j < tile->cols; j++) {
        double sum = before->column_sum[j];

        for (int64_t i = 0; i < tile->rows; i++)
            sum += exp(scale * tile_entry(before, i, j) - shift);
        tile_assert_near(s->column_sum[j], sum, bound);
    }
}

/* At scale 100 the rounding of a score within ±144 octaves is the error. */
static void exponentials_and_their_sums_are_those_of_loops_in_double(void **state)
{
    const double scales[] = {1.0, 20.0, 100.0};

    (void)state;
    for (int k = 0; k < TILE_SHAPES * 6; k++) {
        sample s = tile_sample(tile_shapes[k / 6]), before = tile_sample(tile_shapes[k / 6]);
        qctx_precision precision = tile_precisions[k % 2];
        double scale = loss_tile_scale(scales[k / 2 % 3]), shift = loss_shift(scale);
        double bound = 1e-6 + 8e-8 * scale;

        tile_assert_near(scale, scales[k / 2 % 3], 6e-8);
        loss_tile_exponentials(&s.tile, scale, shift, precision, s.out, s.tile.pitch, s.best, s.row_sum, s.column_sum);
        check_sums(&s, &before, scale, shift, bound);
        for (int64_t i = 0; i < s.tile.rows; i++)
            for (int64_t j = 0; j < s.tile.cols; j++) {
                double exponent = scale * tile_entry(&before, i, j) - shift;
                double value = (double)tile_stored(precision, s.out, i * s.tile.pitch + j);

                if (exponent > -87.0)
                    tile_assert_near(value, exp(exponent), tile_bound(precision, bound));
                else
                    assert_true(value < 2e-38);
                assert_true(isfinite(exponent) || value == 0.0);
            }
        tile_assert_padding(&s, precision);
        tile_free(&s);
        tile_free(&before);
    }
}

/* G in place, from a copy and made again: the same bits, and those of the formula. */
static void gradients_are_the_same_from_kept_and_from_new_exponentials(void **state)
{
    (void)state;
    for (int k = 0; k < TILE_SHAPES * 2; k++) {
        sample s = tile_sample(tile_shapes[k / 2]), again = tile_sample(tile_shapes[k / 2]);
        qctx_precision precision = tile_precisions[k % 2];
        int64_t rows = s.tile.rows, cols = s.tile.cols, pitch = s.tile.pitch;
        void *e = tile_array(rows * cols, sizeof(float));
        double scale = loss_tile_scale(20.0);

        loss_tile_exponentials(&s.tile, scale, 3.0, precision, e, cols, NULL, NULL, NULL);
        loss_tile_gradient(rows, cols, s.by_row, s.by_column, precision, e, cols, s.out, pitch);
        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < cols; j++)
                tile_assert_near((double)tile_stored(precision, s.out, i * pitch + j),
                                 (double)tile_stored(precision, e, i * cols + j) *
                                     ((double)s.by_row[i] + (double)s.by_column[j]),
                                 tile_bound(precision, 1e-6));
        loss_tile_gradient_again(&again.tile, scale, 3.0, s.by_row, s.by_column, precision, again.out, pitch);
        assert_memory_equal(s.out, again.out, (size_t)(rows * pitch * qctx_precision_bytes(precision)));
        tile_assert_padding(&again, precision);
        loss_tile_gradient(rows, cols, s.by_row, s.by_column, precision, e, cols, e, cols);
        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < cols; j++)
                assert_true(tile_stored(precision, e, i * cols + j) == tile_stored(precision, s.out, i * pitch + j));
        if (precision == QCTX_PRECISION_FLOAT32) {
            loss_tile_gradient_again(&again.tile, scale, 3.0, s.by_row, s.by_column, precision, again.tile.x, pitch);
            for (int64_t i = 0; i < rows; i++)
                assert_memory_equal(again.tile.x + i * pitch, (float *)s.out + i * pitch, (size_t)cols * sizeof(float));
        }
        free(e);
        tile_free(&s);
        tile_free(&again);
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

/* The diagonal may begin before, in or after the tile. */
static void the_diagonal_is_set_where_it_crosses_the_tile(void **state)
{
    const float value[4] = {1.0f, 2.0f, 3.0f, 4.0f};

    (void)state;
    for (int64_t diagonal = -5; diagonal <= 7; diagonal++)
        for (int k = 0; k < 2; k++) {
            float out[4 * 7] = {0.0f};

            loss_tile_set_diagonal(4, 6, diagonal, value, tile_precisions[k], out, 7);
            for (int64_t i = 0; i < 4; i++)
                for (int64_t j = 0; j < 7; j++)
                    assert_true(tile_stored(tile_precisions[k], out, i * 7 + j) ==
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
        x[k] = k / DIM == 2 ? 0.0f : (float)(tile_uniform(3, k) * pow(10.0, (double)(k / DIM) * 8.0 - 18.0));
    loss_normalize(QCTX_PRECISION_BFLOAT16, x, ROWS, DIM, true, half, inverse);
    loss_normalize(QCTX_PRECISION_FLOAT32, x, ROWS, DIM, true, unit, inverse);
    for (int64_t i = 0; i < ROWS; i++) {
        double square = 0.0;

        for (int64_t k = i * DIM; k < (i + 1) * DIM; k++)
            square += (double)x[k] * (double)x[k];
        tile_assert_near(inverse[i], i == 2 ? 0.0 : 1.0 / sqrt(square), 1e-12);
        for (int64_t k = i * DIM; k < (i + 1) * DIM; k++) {
            tile_assert_near((double)unit[k], (double)x[k] * inverse[i], 1e-7);
            assert_true(half[k] == qctx_to_bfloat16(unit[k]));
        }
    }
    loss_normalize(QCTX_PRECISION_BFLOAT16, x, ROWS, DIM, false, half, inverse);
    assert_true(inverse[0] == 1.0 && inverse[2] == 1.0 && half[3] == qctx_to_bfloat16(x[3]));
    loss_normalize(QCTX_PRECISION_FLOAT32, x, ROWS, DIM, true, x, inverse);
    assert_memory_equal(x, unit, sizeof x);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(exponentials_and_their_sums_are_those_of_loops_in_double),
    cmocka_unit_test(gradients_are_the_same_from_kept_and_from_new_exponentials),
    cmocka_unit_test(sums_that_do_not_fit_the_shared_shift_are_told),
    cmocka_unit_test(the_diagonal_is_set_where_it_crosses_the_tile),
    cmocka_unit_test(rows_are_brought_to_unit_length),
};
TEST_MAIN(tests)
