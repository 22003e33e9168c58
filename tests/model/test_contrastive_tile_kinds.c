/* ranks: 1 */
#include "tile_probe.h"

/* Scale 300 without a shift: sums that no shared shift could hold, as logarithms. */
static void row_maxima_give_the_sums_and_gradients_of_loops_in_double(void **state)
{
    const double scale = 300.0;

    (void)state;
    for (int k = 0; k < TILE_SHAPES * 2; k++) {
        sample s = tile_sample(tile_shapes[k / 2]), before = tile_sample(tile_shapes[k / 2]);
        qctx_precision precision = tile_precisions[k % 2];
        loss_tile *tile = &s.tile;

        memset(s.row_sum, 0, (size_t)tile->rows * sizeof *s.row_sum);
        memset(s.column_sum, 0, (size_t)tile->cols * sizeof *s.column_sum);
        loss_tile_sums_row_maxima(tile, scale, s.row_max, s.row_sum, s.column_max, s.column_sum);
        for (int64_t i = 0; i < tile->rows; i++) {
            double sum = 0.0, max = -FLT_MAX;

            for (int64_t j = 0; j < tile->cols; j++)
                max = fmax(max, scale * tile_entry(&before, i, j));
            for (int64_t j = 0; j < tile->cols; j++)
                sum += exp(scale * tile_entry(&before, i, j) - max);
            tile_assert_near((double)s.row_max[i], max, 1e-6);
            tile_assert_near(s.row_sum[i], sum, 5e-5);
        }
        for (int64_t j = 0; j < tile->cols; j++) {
            double sum = 0.0, max = -FLT_MAX;

            for (int64_t i = 0; i < tile->rows; i++)
                max = fmax(max, scale * tile_entry(&before, i, j));
            for (int64_t i = 0; i < tile->rows; i++)
                sum += exp(scale * tile_entry(&before, i, j) - max);
            tile_assert_near((double)s.column_max[j], max, 1e-6);
            tile_assert_near(s.column_sum[j], sum, 5e-5);
        }
        loss_tile_gradient_row_maxima(tile, scale, s.row_max, s.by_row, s.column_max, s.by_column, precision, s.out,
                                      tile->pitch);
        for (int64_t i = 0; i < tile->rows; i++)
            for (int64_t j = 0; j < tile->cols; j++) {
                double score = scale * tile_entry(&before, i, j);
                double expected = exp(score - (double)s.row_max[i]) * (double)s.by_row[i] +
                                  exp(score - (double)s.column_max[j]) * (double)s.by_column[j];

                assert_true(fabs((double)tile_stored(precision, s.out, i * tile->pitch + j) - expected) <=
                            tile_bound(precision, 5e-5) * expected + 1e-30);
            }
        tile_assert_padding(&s, precision);
        tile_free(&s);
        tile_free(&before);
    }
}

static void maxima_are_joined_in_either_order(void **state)
{
    float max = -FLT_MAX;
    double sum = 0.0;

    (void)state;
    loss_join_maxima(&max, &sum, -INFINITY, 0.0);
    assert_true(max == -FLT_MAX && sum == 0.0);
    loss_join_maxima(&max, &sum, -200.0f, 1.0);
    assert_true(max == -200.0f && sum == 1.0);
    loss_join_maxima(&max, &sum, -199.0f, 2.0);
    assert_close(sum, 2.0 + exp(-1.0), 1e-12);
    loss_join_maxima(&max, &sum, -201.0f, 1.0);
    assert_true(max == -199.0f);
    assert_close(sum, 2.0 + exp(-1.0) + exp(-2.0), 1e-12);
}

static void sigmoid_is_that_of_loops_in_double(void **state)
{
    const double scale = 20.0, bias = -3.0;

    (void)state;
    for (int k = 0; k < TILE_SHAPES * 2; k++) {
        sample s = tile_sample(tile_shapes[k / 2]), before = tile_sample(tile_shapes[k / 2]);
        qctx_precision precision = tile_precisions[k % 2];
        double loss = 0.0, g_sum = 0.0, expected_loss = 0.0, expected_sum = 1.0;

        g_sum = 1.0;
        loss = loss_tile_sigmoid(&s.tile, scale, bias, s.best, precision, s.out, s.tile.pitch, &g_sum);
        for (int64_t i = 0; i < s.tile.rows; i++) {
            double best = (double)before.best[i];

            for (int64_t j = 0; j < s.tile.cols; j++) {
                double score = scale * tile_entry(&before, i, j) + bias, g = 1.0 / (1.0 + exp(-score));

                expected_loss += log1p(exp(score));
                expected_sum += g;
                best = fmax(best, tile_entry(&before, i, j));
                tile_assert_near((double)tile_stored(precision, s.out, i * s.tile.pitch + j), g,
                                 tile_bound(precision, 4e-6));
            }
            assert_true((double)s.best[i] == best);
        }
        tile_assert_near(loss, expected_loss, 1e-6);
        tile_assert_near(g_sum, expected_sum, 1e-6);
        tile_assert_padding(&s, precision);
        assert_true(loss_tile_sigmoid(&s.tile, scale, bias, NULL, precision, NULL, 0, &g_sum) == loss);
        tile_free(&s);
        tile_free(&before);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(row_maxima_give_the_sums_and_gradients_of_loops_in_double),
    cmocka_unit_test(maxima_are_joined_in_either_order),
    cmocka_unit_test(sigmoid_is_that_of_loops_in_double),
};
TEST_MAIN(tests)
