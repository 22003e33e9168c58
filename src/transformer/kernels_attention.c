#include <math.h>
#include <string.h>

#include "kernels.h"
#include "qctx/base/multiversion.h"
#include "qctx/base/vector_math.h"

/* One text in one head: what stands in scratch. */
typedef struct {
    int64_t count, width; /* tokens, d / heads */
    float *query;         /* [width] */
    float *keys;          /* [width, count]: turned, so that scores of all keys are added up at once */
    float *values;        /* [count, width] */
    float *scores;        /* [count] */
    float *sums;          /* [width] */
} head_task;

int64_t transformer_attention_scratch(int64_t longest, int64_t d, int64_t heads)
{
    int64_t width = d / heads;

    return 2 * width * longest + longest + 2 * width;
}

static void take(const transformer_attention_task *task, int64_t row, int64_t column, int64_t width, float *values)
{
    int64_t first = row * 3 * task->d + column;

    if (task->precision == QCTX_PRECISION_FLOAT32)
        memcpy(values, (const float *)task->projected + first, (size_t)width * sizeof *values);
    else
        qctx_from_bfloat16_row((const qctx_bfloat16 *)task->projected + first, width, values);
}

static void put(const transformer_attention_task *task, int64_t row, int64_t column, int64_t width, const float *values)
{
    int64_t first = row * task->d + column;

    if (task->precision == QCTX_PRECISION_FLOAT32)
        memcpy((float *)task->mixed + first, values, (size_t)width * sizeof *values);
    else
        qctx_to_bfloat16_row(values, width, (qctx_bfloat16 *)task->mixed + first);
}

/* scores [seen] = softmax(query·keys/√width + bias). */
QCTX_MULTIVERSION
static void score(const head_task *head, int64_t seen, const float *bias)
{
    float scale = 1.0f / sqrtf((float)head->width), largest = -INFINITY, sum = 0.0f;
    float *restrict scores = head->scores;

    memset(scores, 0, (size_t)seen * sizeof *scores);
    for (int64_t k = 0; k < head->width; k++) {
        const float *keys = head->keys + k * head->count;
        float factor = head->query[k] * scale;

        for (int64_t j = 0; j < seen; j++)
            scores[j] += factor * keys[j];
    }
    for (int64_t j = 0; j < seen; j++) {
        scores[j] += bias != NULL ? bias[j] : 0.0f;
        largest = scores[j] > largest ? scores[j] : largest;
    }
    for (int64_t j = 0; j < seen; j++)
        scores[j] = qctx_expf(scores[j] - largest);
    for (int64_t j = 0; j < seen; j++)
        sum += scores[j];
    for (int64_t j = 0; j < seen; j++)
        scores[j] /= sum;
}

/* sums [width] = scores·values. */
QCTX_MULTIVERSION
static void mix(const head_task *head, int64_t seen)
{
    float *restrict sums = head->sums;

    memset(sums, 0, (size_t)head->width * sizeof *sums);
    for (int64_t j = 0; j < seen; j++) {
        const float *values = head->values + j * head->width;

        for (int64_t k = 0; k < head->width; k++)
            sums[k] += head->scores[j] * values[k];
    }
}

static void attend(const transformer_attention_task *task, int64_t first, head_task *head, int64_t number)
{
    int64_t width = head->width, column = number * width;

    for (int64_t j = 0; j < head->count; j++) {
        take(task, first + j, task->d + column, width, head->sums);
        for (int64_t k = 0; k < width; k++)
            head->keys[k * head->count + j] = head->sums[k];
        take(task, first + j, 2 * task->d + column, width, head->values + j * width);
    }
    for (int64_t i = 0; i < head->count; i++) {
        int64_t seen = task->causal ? i + 1 : head->count;
        const float *bias = NULL;

        if (task->position_bias != NULL)
            bias = task->position_bias + number * (2 * task->longest - 1) + task->longest - 1 - i;
        take(task, first + i, column, width, head->query);
        score(head, seen, bias);
        mix(head, seen);
        put(task, first + i, column, width, head->sums);
    }
}

void transformer_attention(const transformer_attention_task *task)
{
    int64_t width = task->d / task->heads;

    for (int64_t text = 0; text < task->texts; text++) {
        int64_t first = task->offsets[text], count = task->offsets[text + 1] - first;
        head_task head = {.count = count, .width = width, .query = task->scratch};

        head.keys = head.query + width;
        head.values = head.keys + width * count;
        head.sums = head.values + width * count;
        head.scores = head.sums + width;
        for (int64_t number = 0; number < task->heads; number++)
            attend(task, first, &head, number);
    }
}
