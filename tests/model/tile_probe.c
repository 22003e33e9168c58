#include "tile_probe.h"

#include "qctx/base/mem.h"
#include "qctx/base/rng.h"

enum { PAD = 5 };

const int64_t tile_shapes[TILE_SHAPES][2] = {{1, 1},   {3, 15},   {31, 17},  {33, 255},   {64, 256},
                                             {7, 513}, {515, 40}, {5, 4099}, {150, 1100}, {2100, 3}};
const qctx_precision tile_precisions[2] = {QCTX_PRECISION_FLOAT32, QCTX_PRECISION_BFLOAT16};

void *tile_array(int64_t count, size_t size)
{
    void *memory = qctx_alloc(count, size, "a test", NULL);

    assert_non_null(memory);
    return memory;
}

double tile_uniform(uint64_t stream, int64_t k)
{
    return 2.0 * qctx_rng_uniform(7, QCTX_STREAM_SYNTH, stream, (uint64_t)k) - 1.0;
}

sample tile_sample(const int64_t shape[2])
{
    int64_t rows = shape[0], cols = shape[1], pitch = cols + PAD;
    sample s = {{tile_array(rows * pitch, sizeof(float)), pitch, rows, cols},
                tile_array(rows * pitch, sizeof(float)),
                tile_array(rows, sizeof(float)),
                tile_array(rows, sizeof(float)),
                tile_array(cols, sizeof(float)),
                tile_array(rows, sizeof(float)),
                tile_array(cols, sizeof(float)),
                tile_array(rows, sizeof(double)),
                tile_array(cols, sizeof(double))};

    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < pitch; j++)
            s.tile.x[i * pitch + j] = j >= cols              ? 8.0f
                                      : (i * 7 + j) % 9 == 0 ? -INFINITY
                                                             : (float)tile_uniform(0, i * cols + j);
    for (int64_t i = 0; i < rows; i++) {
        s.best[i] = i % 2 == 0 ? -FLT_MAX : 0.9f;
        s.row_max[i] = -FLT_MAX;
        s.by_row[i] = (float)(1.5 + tile_uniform(1, i));
        s.row_sum[i] = i % 3 == 0 ? 0.0 : 2.0;
    }
    for (int64_t j = 0; j < cols; j++) {
        s.column_max[j] = -FLT_MAX;
        s.by_column[j] = (float)(1.5 + tile_uniform(2, j));
        s.column_sum[j] = j % 3 == 0 ? 0.0 : 3.0;
    }
    return s;
}

void tile_free(sample *s)
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

double tile_entry(const sample *s, int64_t i, int64_t j)
{
    return (double)s->tile.x[i * s->tile.pitch + j];
}

float tile_stored(qctx_precision precision, const void *array, int64_t at)
{
    return precision == QCTX_PRECISION_BFLOAT16 ? qctx_from_bfloat16(((const qctx_bfloat16 *)array)[at])
                                                : ((const float *)array)[at];
}

void tile_assert_near(double actual, double expected, double bound)
{
    assert_true(fabs(actual - expected) <= bound * fabs(expected) + 1e-35);
}

void tile_assert_padding(const sample *s, qctx_precision precision)
{
    for (int64_t i = 0; i < s->tile.rows; i++)
        for (int64_t j = s->tile.cols; j < s->tile.pitch; j++)
            assert_true(tile_stored(precision, s->out, i * s->tile.pitch + j) == 0.0f);
}

double tile_bound(qctx_precision precision, double bound)
{
    return precision == QCTX_PRECISION_BFLOAT16 ? bound + 0x1p-8 : bound;
}
