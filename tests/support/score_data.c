#include "score_data.h"

static float rows_noise(qctx_side side, int64_t row, int64_t col)
{
    return (float)qctx_rng_uniform(17, QCTX_STREAM_SYNTH, (uint64_t)(side * 1000003 + row), (uint64_t)col) - 0.5f;
}

static float rows_value(rows_kind kind, qctx_side side, int64_t row, int64_t col)
{
    const float noise = rows_noise(side, row, col);

    switch (kind) {
    case ROWS_CLUSTERED:
        return rows_noise(1, row % 7, col) + 0.003f * noise;
    case ROWS_NEARLY_TIED:
        return side == 0 ? noise : rows_noise(1, 0, col) + 1e-7f * noise;
    case ROWS_EQUAL:
        return rows_noise(side, row % 11, col);
    case ROWS_SIZES:
        return noise * powf(10.0f, (float)(row * 13 % 73 - 36));
    case ROWS_BROKEN:
        return col == 1 && row % 50 == 7 ? NAN : col == 1 && row % 50 == 9 ? INFINITY : noise;
    default:
        return noise;
    }
}

float *rows_make(rows_kind kind, qctx_side side, int64_t count, int64_t dim)
{
    float *values = qctx_alloc(count * dim, sizeof *values, "a test", NULL);

    for (int64_t i = 0; i < count * dim; i++)
        values[i] = rows_value(kind, side, i / dim, i % dim);
    return values;
}

double rows_score(const float *question, const float *context, int64_t dim)
{
    double sum = 0.0;

    for (int64_t i = 0; i < dim; i++)
        sum += (double)question[i] * (double)context[i];
    return isnan(sum) ? -INFINITY : sum;
}
