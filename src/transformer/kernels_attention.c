/* Attention over packed texts, in tiles. */
#include <math.h>
#include <string.h>

#include "kernels.h"
#include "kernels_tile.h"
#include "qctx/base/multiversion.h"
#include "qctx/base/order.h"
#include "qctx/base/vector_math.h"

/* One text in one head, and what stands in scratch. */
typedef struct {
    int64_t count, padded; /* tokens, and their number filled up to whole vectors */
    int64_t width, wide;   /* d / heads, and that filled up to whole vectors */
    float *queries;        /* [count + TILE_ROWS, width], zeros behind the last */
    float *keys;           /* [width, padded], zeros behind the last: turned, so that a vector holds 16 of them */
    float *values;         /* [count, wide] */
    float *scores;         /* [TILE_ROWS, padded] */
    float *sums;           /* [TILE_ROWS, wide] */
} head_task;

/* Shares out the scratch of a text of `count` tokens; returns how much it is. */
static int64_t share_out(float *scratch, int64_t count, int64_t width, head_task *head)
{
    const int64_t padded = round_to_lanes(count), wide = round_to_lanes(width);
    const int64_t queries = round_to_lanes((count + TILE_ROWS) * width), keys = width * padded, values = count * wide;
    const int64_t scores = TILE_ROWS * padded, sums = TILE_ROWS * wide;

    if (scratch != NULL)
        *head = (head_task){.count = count,
                            .padded = padded,
                            .width = width,
                            .wide = wide,
                            .queries = scratch,
                            .keys = scratch + queries,
                            .values = scratch + queries + keys,
                            .scores = scratch + queries + keys + values,
                            .sums = scratch + queries + keys + values + scores};
    return queries + keys + values + scores + sums;
}

int64_t transformer_attention_scratch(int64_t longest, int64_t d, int64_t heads)
{
    return share_out(NULL, longest, d / heads, NULL);
}

/* values [count] = elements of an array of either type from `first` on. */
KERNEL_INLINE void take(qctx_precision precision, const void *array, int64_t first, int64_t count, float *values)
{
    const float *wide = (const float *)array + first;
    const qctx_bfloat16 *narrow = (const qctx_bfloat16 *)array + first;

    if (precision == QCTX_PRECISION_FLOAT32)
        for (int64_t i = 0; i < count; i++)
            values[i] = wide[i];
    else
        for (int64_t i = 0; i < count; i++)
            values[i] = qctx_from_bfloat16(narrow[i]);
}

/* The keys of LANES tokens at most, turned, from column `first` on; `scale` makes their products exponents of 2. */
KERNEL_INLINE void take_keys(const transformer_attention_task *task, int64_t row, int64_t column, float scale,
                             int64_t first, const head_task *head)
{
    const int64_t count = qctx_smaller(LANES, head->count - first);

    for (int64_t k = 0; k < head->width; k += LANES) {
        const int64_t width = qctx_smaller(LANES, head->width - k);
        lanes block[LANES] = {{0}};

        for (int64_t j = 0; j < count; j++) {
            const int64_t at = (row + j) * 3 * task->d + column + k;

            if (width == LANES)
                take(task->precision, task->projected, at, LANES, (float *)&block[j]);
            else
                take(task->precision, task->projected, at, width, (float *)&block[j]);
        }
        transpose_lanes(block);
        for (int64_t l = 0; l < width; l++)
            *(lanes *)(head->keys + (k + l) * head->padded + first) = block[l] * scale;
    }
}

/* Queries, keys and values of a head, in the form that products want. */
QCTX_MULTIVERSION
static void take_head(const transformer_attention_task *task, int64_t first, int64_t column, const head_task *head)
{
    const float scale = 1.44269504088896341f / sqrtf((float)head->width);
    const int64_t width = head->width, wide = head->wide;

    for (int64_t i = 0; i < head->count; i++) {
        const int64_t at = (first + i) * 3 * task->d + column;
        float *values = head->values + i * wide;

        take(task->precision, task->projected, at, width, head->queries + i * width);
        take(task->precision, task->projected, at + 2 * task->d, width, values);
        for (int64_t k = width; k < wide; k++)
            values[k] = 0.0f;
    }
    memset(head->queries + head->count * width, 0, (size_t)(TILE_ROWS * width) * sizeof *head->queries);
    for (int64_t j = 0; j < head->count; j += LANES)
        take_keys(task, first + j, task->d + column, scale, j, head);
}

/* scores [seen] = 2^(scores + log₂ e · bias − the largest), zeros behind them up to `padded`; returns 1 / their sum. */
KERNEL_INLINE float exponentiate(float *scores, int64_t seen, int64_t padded, const float *bias)
{
    float highest[LANES], sums[LANES] = {0}, top = -INFINITY;

    if (bias != NULL)
        for (int64_t j = 0; j < seen; j++)
            scores[j] += 1.44269504088896341f * bias[j];
    for (int64_t j = seen; j < padded; j++)
        scores[j] = -INFINITY;
    memcpy(highest, scores, sizeof highest);
    for (int64_t j = LANES; j < padded; j += LANES)
        for (int l = 0; l < LANES; l++)
            highest[l] = scores[j + l] > highest[l] ? scores[j + l] : highest[l];
    for (int l = 0; l < LANES; l++)
        top = highest[l] > top ? highest[l] : top;
    for (int64_t j = 0; j < padded; j += LANES)
        for (int l = 0; l < LANES; l++) {
            scores[j + l] = qctx_exp2f_below(scores[j + l] - top);
            sums[l] += scores[j + l];
        }
    return 1.0f / sum_of_lanes((const lanes *)sums);
}

/* mixed = sums · scale, in its type. */
KERNEL_INLINE void put(const transformer_attention_task *task, int64_t at, int64_t width, const float *sums,
                       float scale)
{
    float *wide = (float *)task->mixed + at;
    qctx_bfloat16 *narrow = (qctx_bfloat16 *)task->mixed + at;

    if (task->precision == QCTX_PRECISION_FLOAT32)
        for (int64_t k = 0; k < width; k++)
            wide[k] = sums[k] * scale;
    else
        for (int64_t k = 0; k < width; k++)
            narrow[k] = qctx_to_bfloat16(sums[k] * scale);
}

/* TILE_ROWS tokens at most, from `row` of the text on. */
QCTX_MULTIVERSION
static void attend(const transformer_attention_task *task, int64_t first, int64_t number, int64_t row,
                   const head_task *head)
{
    const int64_t width = head->width, wide = head->wide, padded = head->padded;
    const int64_t rows = qctx_smaller(TILE_ROWS, head->count - row), even = (rows + 1) / 2 * 2;
    const int64_t most = task->causal ? row + rows : head->count, cols = round_to_lanes(most);
    float scales[TILE_ROWS];

    multiply_rows(even, cols, width, head->queries + row * width, width, head->keys, padded, head->scores, padded);
    for (int64_t i = 0; i < rows; i++) {
        const float *bias = task->position_bias;

        if (bias != NULL)
            bias += number * (2 * task->longest - 1) + task->longest - 1 - (row + i);
        scales[i] = exponentiate(head->scores + i * padded, task->causal ? row + i + 1 : most, cols, bias);
    }
    multiply_rows(even, wide, most, head->scores, padded, head->values, wide, head->sums, wide);
    for (int64_t i = 0; i < rows; i++)
        put(task, (first + row + i) * task->d + number * width, width, head->sums + i * wide, scales[i]);
}

void transformer_attention(const transformer_attention_task *task)
{
    const int64_t width = task->d / task->heads;

    for (int64_t text = 0; text < task->texts; text++) {
        const int64_t first = task->offsets[text];
        head_task head;

        share_out(task->scratch, task->offsets[text + 1] - first, width, &head);
        for (int64_t number = 0; number < task->heads; number++) {
            take_head(task, first, number * width, &head);
            for (int64_t row = 0; row < head.count; row += TILE_ROWS)
                attend(task, first, number, row, &head);
        }
    }
}
